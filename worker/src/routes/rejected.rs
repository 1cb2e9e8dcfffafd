//! `GET /v1/rejected`, `POST /v1/rejected/replay`: what was not accepted, and what becomes of it once it is repaired.

use adtally_core::access::{Grant, Role};
use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::intake::{Context, RejectCode, release, safe_message};
use adtally_core::key::Key;
use adtally_core::time::parse_rfc3339;
use adtally_wire::api::RejectedEvent;
use adtally_wire::catalog::{CatalogError, key as parse_key, read};
use adtally_wire::quarantine::{
    Filter, MAX_LISTED, Order, Place, Record, RejectedList, RejectedRecord, ReplayOrder, ReplayResult,
    Settled,
};
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
    let owner = meant(&grant, advertiser.as_deref(), service.as_deref())?;
    grant.reads_of(&owner.owner())?;
    let limit = match call.parameter("limit") {
        None => DEFAULT_LIMIT,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=MAX_LISTED).contains(limit)).ok_or_else(|| {
                Fault::refused(422, "bad_limit", format!("`limit` is {text}, it must be 1 to {MAX_LISTED}"))
            })?
        }
    };
    let filter = Filter {
        code: call.parameter("code"),
        ids: Vec::new(),
        from_ms: time("from", call.parameter("from"))?.unwrap_or(0),
        to_ms: time("to", call.parameter("to"))?.unwrap_or(call.now.0 + 1),
        limit,
        beyond: call.parameter("before").map(|text| place(&text)).transpose()?,
        order: Order::NewestFirst,
    };
    let listing = call.bindings.quarantines.list(&owner, &filter).await?;
    let next = listing.records.last().filter(|_| listing.more).map(|(place, _)| place.to_string());
    let tell = |(place, record)| RejectedRecord::of(place, record);
    let rejected = listing.records.into_iter().map(tell).collect();
    json(200, &RejectedList { counts: listing.counts, rejected, next })
}

/// `POST`: judges records again, oldest first, and stores those that are right now.
///
/// May be repeated at any point: an event keeps the id that it had in quarantine, so what was stored by a replay that
/// nobody heard the end of counts as a duplicate, and is removed then.
pub(super) async fn replay(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let order: ReplayOrder = if body.is_empty() { ReplayOrder::default() } else { read(&body)? };
    let owner = meant(&grant, order.advertiser.as_deref(), order.service.as_deref())?;
    grant.changes_of(&owner.owner())?;
    let filter = filter(&order, call.now.0)?;
    let listing = call.bindings.quarantines.list(&owner, &filter).await?;
    let next = listing.records.last().filter(|_| listing.more).map(|(place, _)| place.to_string());
    let (mut events, mut settled, mut rejected) = (Vec::new(), Settled::default(), Vec::new());
    for (index, (place, record)) in listing.records.iter().enumerate() {
        match judged(call, &grant, record, &order).await? {
            Ok(event) => {
                events.push(event);
                settled.gone.push(*place);
            }
            Err((code, message)) => {
                let message = safe_message(&message);
                let code = code.name().to_owned();
                settled.still_wrong.push((*place, code.clone(), message.clone()));
                rejected.push(RejectedEvent {
                    index: index as u64,
                    id: Some(place.to_string()),
                    code,
                    message,
                });
            }
        }
    }
    let stored = store(call, events).await?;
    call.bindings.quarantines.settle(&owner, &settled).await?;
    let (accepted, duplicates) = (stored.accepted, stored.duplicates);
    json(200, &ReplayResult { accepted, duplicates, rejected, next })
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

fn filter(order: &ReplayOrder, now_ms: i64) -> Result<Filter, Fault> {
    Ok(Filter {
        code: order.code.clone(),
        ids: order.ids.iter().map(|text| place(text)).collect::<Result<_, _>>()?,
        from_ms: time("from", order.from.clone())?.unwrap_or(0),
        to_ms: time("to", order.to.clone())?.unwrap_or(now_ms + 1),
        limit: MAX_REPLAYED,
        beyond: order.after.as_deref().map(place).transpose()?,
        order: Order::OldestFirst,
    })
}

/// Whose records are meant: those of whom the caller names, or of its own scope.
fn meant(grant: &Grant, advertiser: Option<&str>, service: Option<&str>) -> Result<Scope, Fault> {
    let key = |name, text| -> Result<Key, CatalogError> { parse_key(name, text) };
    match (advertiser, service) {
        (Some(advertiser), None) => Ok(Scope::Advertiser(key("advertiser", advertiser)?)),
        (None, Some(service)) => Ok(Scope::Service(key("service", service)?)),
        (None, None) => Ok(grant.scope.clone()),
        (Some(_), Some(_)) => {
            Err(Fault::refused(422, "ambiguous_owner", "`advertiser` and `service` exclude each other"))
        }
    }
}

fn place(text: &str) -> Result<Place, Fault> {
    let bad = || Fault::refused(422, "bad_id", format!("{text:?} is not the id of a rejected event"));
    Place::parse(text).ok_or_else(bad)
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
        let grant = Grant { role: Role::Admin, scope: Scope::Platform };
        let named = |advertiser, service| meant(&grant, advertiser, service).map(|scope| scope.to_string());
        assert_eq!(named(Some("acme"), None).unwrap(), "advertiser:acme");
        assert_eq!(named(None, Some("news")).unwrap(), "service:news");
        assert_eq!(named(None, None).unwrap(), "platform");
        assert!(named(Some("a"), Some("b")).is_err());
        assert_eq!(Scope::Platform.owner(), Owner::Platform);
    }
}
