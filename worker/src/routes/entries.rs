//! `/v1/ads`, `/v1/services`, `/v1/placements`: names for what events mention.

use adtally_core::access::{Denied, Owner, Owners, Side};
use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_wire::api::CatalogEntry;
use adtally_wire::catalog::entry::{EntryKind, EntryPut, unknown};
use adtally_wire::catalog::{CatalogError, key as parse_key, read};
use worker::Response;

use crate::auth::authenticate;
use crate::call::{self, Call, MAX_JSON_BYTES, json};
use crate::catalog::entries;
use crate::problem::Fault;

/// `GET`: those that the caller sees, of one owner if it names one.
pub(super) async fn list(call: &Call, kind: EntryKind) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let rows = match listed(call, &grant.scope, side(kind))? {
        Some(owner) => entries::list(&call.bindings.catalog, kind, owner.as_ref()).await?,
        None => Vec::new(),
    };
    let plural = match kind {
        EntryKind::Ad => "ads",
        EntryKind::Service => "services",
        EntryKind::Placement => "placements",
    };
    call::list(plural, rows)
}

/// `GET` of one.
pub(super) async fn get(call: &Call, kind: EntryKind, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let key = parse_key("key", key)?;
    let owner = meant(&grant.scope, kind, &key, named(call, side(kind))?)?;
    let rows = entries::find(&call.bindings.catalog, kind, &key, owner.as_ref()).await?;
    match the_one(rows, &key, side(kind))? {
        Some(entry) => json(200, &entry),
        None => Err(not_found(&grant.scope, not_found_code(kind), &key)),
    }
}

/// `PUT`: one statement, which may be repeated.
pub(super) async fn put(call: &mut Call, kind: EntryKind, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let key = parse_key("key", key)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let change: EntryPut = read(&body)?;
    let in_body = match kind {
        EntryKind::Ad => change.advertiser.as_deref().map(|text| parse_key("advertiser", text)),
        EntryKind::Placement => change.service.as_deref().map(|text| parse_key("service", text)),
        EntryKind::Service => None,
    };
    let named = match in_body {
        Some(owner) => Some(owner?),
        None => named(call, side(kind))?,
    };
    let is_named = named.is_some() || kind == EntryKind::Service;
    let owner = meant(&grant.scope, kind, &key, named)?;
    let db = &call.bindings.catalog;
    let before = the_one(entries::find(db, kind, &key, owner.as_ref()).await?, &key, side(kind))?;
    let owner = match &before {
        Some(before) => parse_key(parameter(side(kind)), owner_of(before))?,
        None => new_owner(&grant.scope, side(kind), owner.filter(|_| is_named))?,
    };
    grant.changes_of(&match side(kind) {
        Side::Advertiser => Owner::Advertiser(owner.clone()),
        Side::Service => Owner::Service(owner.clone()),
    })?;
    let status = if before.is_some() { 200 } else { 201 };
    let entry = change.apply(kind, &key, before.unwrap_or_else(|| unknown(kind, &key, &owner)))?;
    entries::put(db, kind, &entry).await?;
    json(status, &entry)
}

/// A service is its own owner, whatever the caller names.
fn meant(scope: &Scope, kind: EntryKind, key: &Key, named: Option<Key>) -> Result<Option<Key>, Denied> {
    match kind {
        EntryKind::Service => scope.owners(Side::Service).meant(Some(key.clone())),
        EntryKind::Ad | EntryKind::Placement => scope.owners(side(kind)).meant(named),
    }
}

fn owner_of(entry: &CatalogEntry) -> &str {
    entry.advertiser.as_deref().or(entry.service.as_deref()).unwrap_or(&entry.key)
}

fn side(kind: EntryKind) -> Side {
    match kind {
        EntryKind::Ad => Side::Advertiser,
        EntryKind::Service | EntryKind::Placement => Side::Service,
    }
}

fn parameter(side: Side) -> &'static str {
    match side {
        Side::Advertiser => "advertiser",
        Side::Service => "service",
    }
}

fn not_found_code(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Ad => "ad_not_found",
        EntryKind::Service => "service_not_found",
        EntryKind::Placement => "placement_not_found",
    }
}

/// The owner in the query parameters.
pub(super) fn named(call: &Call, side: Side) -> Result<Option<Key>, Fault> {
    let name = parameter(side);
    Ok(call.parameter(name).map(|text| parse_key(name, &text)).transpose()?)
}

/// Whose entries a list has: `None` of nobody, `Some(None)` of everybody.
pub(super) fn listed(call: &Call, scope: &Scope, side: Side) -> Result<Option<Option<Key>>, Fault> {
    match scope.owners(side) {
        Owners::Nobody => Ok(None),
        owners => Ok(Some(owners.meant(named(call, side)?)?)),
    }
}

/// The entry that a key means, unless two owners use it.
pub(super) fn the_one<T>(mut rows: Vec<T>, key: &Key, side: Side) -> Result<Option<T>, Fault> {
    if rows.len() > 1 {
        let name = parameter(side);
        let detail = format!("more than one {name} uses the key {key}, say which with ?{name}=");
        return Err(Fault::refused(409, "ambiguous_key", detail));
    }
    Ok(rows.pop())
}

/// Whose a new entry is: it has to be said, even by those who can only mean themselves.
///
/// A tenant that changes a key which it does not have may mean somebody else's: it is refused like a reader, not
/// handed an entry of its own under that key.
pub(super) fn new_owner(scope: &Scope, side: Side, named: Option<Key>) -> Result<Key, Fault> {
    match (named, scope) {
        (Some(named), _) => Ok(named),
        (None, Scope::Platform) => Err(CatalogError::Missing(parameter(side)).into()),
        (None, Scope::Advertiser(_) | Scope::Service(_)) => Err(Denied::Scope.into()),
    }
}

/// Within a tenant's scope "not there" and "not yours" must look the same.
pub(super) fn not_found(scope: &Scope, code: &'static str, key: &Key) -> Fault {
    match scope {
        Scope::Platform => Fault::refused(404, code, format!("the catalog has no entry {key}")),
        Scope::Advertiser(_) | Scope::Service(_) => Denied::Scope.into(),
    }
}
