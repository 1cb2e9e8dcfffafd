//! `GET /v1/rejected`, `POST /v1/rejected/replay`: what was not accepted, and what becomes of it once it is repaired.

use std::collections::BTreeSet;

use adtally_core::access::{Grant, Role};
use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::intake::{Context, RejectCode, release, safe_message};
use adtally_core::key::Key;
use adtally_core::time::parse_rfc3339;
use adtally_wire::api::RejectedEvent;
use adtally_wire::catalog::{CatalogError, key as parse_key, read};
use adtally_wire::quarantine::{
    Address, Cursor, Filter, Listing, MAX_ASKED, MAX_LISTED, Order, Place, Record, RejectedList,
    RejectedRecord, ReplayOrder, ReplayResult, Settled, gather,
};
use futures_util::future::join_all;
use worker::Response;

use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::dispatch::store;
use crate::lists;
use crate::problem::Fault;

/// How many records are listed where nobody says how many.
const DEFAULT_LIMIT: usize = 100;
/// The most records of one replay: more calls follow, each with what the one before left.
const MAX_REPLAYED: usize = 500;

/// `GET`: newest first.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let (advertiser, service) = (call.parameter("advertiser"), call.parameter("service"));
    let meant = meant(&grant, advertiser.as_deref(), service.as_deref())?;
    grant.reads_of(&meant.owner().owner())?;
    let limit = match call.parameter("limit") {
        None => DEFAULT_LIMIT,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=MAX_LISTED).contains(limit)).ok_or_else(|| {
                Fault::refused(422, "bad_limit", format!("`limit` is {text}, it must be 1 to {MAX_LISTED}"))
            })?
        }
    };
    let cursor = cursor(call.parameter("before").as_deref(), meant.owner())?;
    let filter = Filter {
        code: call.parameter("code"),
        ids: Vec::new(),
        from_ms: time("from", call.parameter("from"))?.unwrap_or(0),
        to_ms: time("to", call.parameter("to"))?.unwrap_or(call.now.0 + 1),
        limit,
        beyond: None,
        order: Order::NewestFirst,
    };
    let owners = meant.owners(call).await?;
    let listed = owners.into_iter().map(|owner| {
        let filter = Filter { beyond: cursor.0.get(&owner).copied(), ..filter.clone() };
        async move { Ok((call.bindings.quarantines.list(&owner, &filter).await?, owner)) }
    });
    let listings: Vec<(Listing, Scope)> = join_all(listed).await.into_iter().collect::<Result<_, Fault>>()?;
    let listings = listings.into_iter().map(|(listing, owner)| (owner, listing)).collect();
    let page = gather(listings, cursor, limit);
    let tell = |(owner, place, record)| RejectedRecord::of(&owner, &meant.address(&owner, place), record);
    let next = page.next.map(|cursor| meant.told(&cursor));
    let rejected = page.records.into_iter().map(tell).collect();
    json(200, &RejectedList { counts: page.counts, rejected, next })
}

/// `POST`: judges records again, each owner's oldest first, and stores those that are right now.
///
/// May be repeated at any point: an event keeps the id that it had in quarantine, so what was stored by a replay that
/// nobody heard the end of counts as a duplicate, and is removed then.
pub(super) async fn replay(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let order: ReplayOrder = if body.is_empty() { ReplayOrder::default() } else { read(&body)? };
    let meant = meant(&grant, order.advertiser.as_deref(), order.service.as_deref())?;
    grant.changes_of(&meant.owner().owner())?;
    let mut cursor = cursor(order.after.as_deref(), meant.owner())?;
    let ids = order.ids.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    let named: BTreeSet<&Scope> = ids.iter().map(|id| meant.owner_of(id)).collect();
    let owners = match meant {
        Meant::All if !named.is_empty() => named.into_iter().cloned().collect(),
        _ => meant.owners(call).await?,
    };
    let mut result = ReplayResult { accepted: 0, duplicates: 0, rejected: Vec::new(), next: None };
    let (mut room, mut more) = (MAX_REPLAYED, false);
    for owner in owners {
        if room == 0 {
            more = true;
            break;
        }
        let of_owner: Vec<Place> =
            ids.iter().filter(|id| *meant.owner_of(id) == owner).map(|id| id.place).collect();
        if of_owner.is_empty() && !ids.is_empty() {
            // No ids would be all of them.
            continue;
        }
        let filter = Filter {
            code: order.code.clone(),
            ids: of_owner,
            from_ms: time("from", order.from.clone())?.unwrap_or(0),
            to_ms: time("to", order.to.clone())?.unwrap_or(call.now.0 + 1),
            limit: room,
            beyond: cursor.0.get(&owner).copied(),
            order: Order::OldestFirst,
        };
        let listing = call.bindings.quarantines.list(&owner, &filter).await?;
        if let Some((place, _)) = listing.records.last() {
            cursor.0.insert(owner.clone(), *place);
        }
        (room, more) = (room - listing.records.len(), more || listing.more);
        replay_of(call, &grant, (&owner, &meant, &order), listing, &mut result).await?;
    }
    result.next = more.then(|| meant.told(&cursor));
    json(200, &result)
}

/// Judges the records of one owner again, and adds what became of them.
async fn replay_of(
    call: &Call,
    grant: &Grant,
    (owner, meant, order): (&Scope, &Meant, &ReplayOrder),
    listing: Listing,
    result: &mut ReplayResult,
) -> Result<(), Fault> {
    if listing.records.is_empty() {
        return Ok(());
    }
    let (mut events, mut settled) = (Vec::new(), Settled::default());
    for (place, record) in &listing.records {
        match judged(call, grant, record, order).await? {
            Ok(event) => {
                events.push(event);
                settled.gone.push(*place);
            }
            Err((code, message)) => {
                let message = safe_message(&message);
                let code = code.name().to_owned();
                settled.still_wrong.push((*place, code.clone(), message.clone()));
                let index = result.rejected.len() as u64;
                let id = Some(meant.address(owner, *place).to_string());
                result.rejected.push(RejectedEvent { index, id, code, message });
            }
        }
    }
    let stored = store(call, events).await?;
    result.accepted += stored.accepted;
    result.duplicates += stored.duplicates;
    call.bindings.quarantines.settle(owner, &settled).await
}

/// The event that a record is now, or what is still wrong with it.
async fn judged(
    call: &Call,
    grant: &Grant,
    record: &Record,
    order: &ReplayOrder,
) -> Result<Result<Event, (RejectCode, String)>, Fault> {
    let lists = lists::current(&call.bindings.catalog, call.now).await?;
    let salt = &call.bindings.secrets.salt;
    let context = Context { now: call.now, nonce: 0, salt, lists: &lists, visitor: None };
    let sender = Grant { role: Role::Write, scope: grant.scope.clone() };
    Ok(release(&record.held(), &order.set, &context).and_then(|event| match sender.sends(&event) {
        Ok(()) => Ok(event),
        Err(denied) => Err((RejectCode::ForeignScope, format!("an event of {}: {denied}", event.advertiser))),
    }))
}

/// Whose records are meant.
enum Meant {
    /// Those of one owner.
    One(Scope),
    /// Those of everybody: the platform's business.
    All,
}

impl Meant {
    /// Who may read and change them.
    fn owner(&self) -> &Scope {
        match self {
            Meant::One(owner) => owner,
            Meant::All => &Scope::Platform,
        }
    }

    /// Whose quarantines have them; of everybody's those that were noted last.
    async fn owners(&self, call: &Call) -> Result<Vec<Scope>, Fault> {
        match self {
            Meant::One(owner) => Ok(vec![owner.clone()]),
            Meant::All => {
                let mut owners = call.bindings.quarantines.owners().await?;
                owners.truncate(MAX_ASKED + 1);
                Ok(owners)
            }
        }
    }

    /// How a record is named: by its place, and its owner where that is not plain.
    fn address(&self, owner: &Scope, place: Place) -> Address {
        Address { owner: (owner != self.owner()).then(|| owner.clone()), place }
    }

    fn told(&self, cursor: &Cursor) -> String {
        match self {
            Meant::One(owner) => cursor.0.get(owner).map(Place::to_string).unwrap_or_default(),
            Meant::All => cursor.to_string(),
        }
    }

    fn owner_of<'a>(&'a self, id: &'a Address) -> &'a Scope {
        id.owner.as_ref().unwrap_or(self.owner())
    }
}

/// Whose records are meant: those of whom the caller names, of its own scope, or everybody's for the platform.
fn meant(grant: &Grant, advertiser: Option<&str>, service: Option<&str>) -> Result<Meant, Fault> {
    let key = |name, text| -> Result<Key, CatalogError> { parse_key(name, text) };
    match (advertiser, service) {
        (Some(advertiser), None) => Ok(Meant::One(Scope::Advertiser(key("advertiser", advertiser)?))),
        (None, Some(service)) => Ok(Meant::One(Scope::Service(key("service", service)?))),
        (None, None) if grant.scope == Scope::Platform => Ok(Meant::All),
        (None, None) => Ok(Meant::One(grant.scope.clone())),
        (Some(_), Some(_)) => {
            Err(Fault::refused(422, "ambiguous_owner", "`advertiser` and `service` exclude each other"))
        }
    }
}

fn address(text: &str) -> Result<Address, Fault> {
    let bad = || Fault::refused(422, "bad_id", format!("{text:?} is not the id of a rejected event"));
    Address::parse(text).ok_or_else(bad)
}

fn cursor(text: Option<&str>, owner: &Scope) -> Result<Cursor, Fault> {
    let Some(text) = text else { return Ok(Cursor::default()) };
    let bad = || Fault::refused(422, "bad_id", format!("{text:?} is not `next` of another answer"));
    Cursor::parse(text, owner).ok_or_else(bad)
}

fn time(name: &str, text: Option<String>) -> Result<Option<i64>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let ms = text.parse().ok().or_else(|| parse_rfc3339(&text));
    let bad = || {
        Fault::refused(422, "bad_time", format!("`{name}` is {text:?}, it must be ms since 1970 or RFC 3339"))
    };
    ms.map(Some).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use adtally_core::access::Owner;

    use super::*;

    #[test]
    fn whose_records_are_meant() {
        let grant = |scope| Grant { role: Role::Admin, scope };
        let named = |grant: &Grant, advertiser, service| match meant(grant, advertiser, service) {
            Ok(Meant::One(owner)) => owner.to_string(),
            Ok(Meant::All) => "all".to_owned(),
            Err(fault) => fault.to_string(),
        };
        let platform = grant(Scope::Platform);
        assert_eq!(named(&platform, Some("acme"), None), "advertiser:acme");
        assert_eq!(named(&platform, None, Some("news")), "service:news");
        assert_eq!(named(&platform, None, None), "all");
        assert!(named(&platform, Some("a"), Some("b")).contains("exclude"));
        assert_eq!(named(&grant(Scope::parse("service:s").unwrap()), None, None), "service:s");
        assert_eq!(Scope::Platform.owner(), Owner::Platform);
    }
}
