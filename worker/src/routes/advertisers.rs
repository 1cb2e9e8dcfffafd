//! `/v1/advertisers`: names, zones, windows, shards.

use adtally_core::access::{Owner, Owners, Side};
use adtally_core::key::Key;
use adtally_wire::catalog::advertiser::{AdvertiserPut, unknown};
use adtally_wire::catalog::{key as parse_key, read};
use worker::Response;

use super::settings;
use crate::auth::authenticate;
use crate::call::{self, Call, MAX_JSON_BYTES, json};
use crate::catalog::advertisers;
use crate::directory;
use crate::problem::Fault;

/// `GET`: those that the caller sees.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let db = &call.bindings.catalog;
    let entries = match grant.scope.owners(Side::Advertiser) {
        Owners::All => advertisers::list(db, None).await?,
        Owners::One(own) => advertisers::list(db, Some(&own)).await?,
        Owners::Nobody => Vec::new(),
    };
    call::list("advertisers", entries)
}

/// `GET` of one.
pub(super) async fn get(call: &Call, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let key = parse_key("key", key)?;
    grant.reads_of(&Owner::Advertiser(key.clone()))?;
    match advertisers::find(&call.bindings.catalog, &key).await? {
        Some(entry) => json(200, &entry),
        None => {
            Err(Fault::refused(404, "advertiser_not_found", format!("the catalog has no advertiser {key}")))
        }
    }
}

/// `PUT`: the answer comes when every Linker of the advertiser goes by the new settings.
///
/// Why each await may be repeated, and what a crash behind it leaves:
/// 1. the entry as it is: read only;
/// 2. [`settings::reserve_shards`], only if the count changes: Linkers without events go by the new count, or none
///    does; until 3 the catalog still says the old one, events are answered 503 and sent again, and a repeated `PUT`
///    starts over here;
/// 3. entry and revision: one transaction; written twice it is the same entry under a later revision;
/// 4. [`settings::push`]: Linkers ignore what they know; a crash before it leaves them with the old windows, the
///    caller without an answer, and a repeated `PUT` pushes again whatever it finds.
pub(super) async fn put(call: &mut Call, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let key: Key = parse_key("key", key)?;
    grant.changes_of(&Owner::Advertiser(key.clone()))?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let change: AdvertiserPut = read(&body)?;
    let db = &call.bindings.catalog;
    let before = advertisers::find(db, &key).await?;
    let status = if before.is_some() { 200 } else { 201 };
    let before = before.unwrap_or_else(|| unknown(&key));
    let old_shards = before.shards;
    let entry = change.apply(&key, before)?;
    if entry.shards != old_shards {
        settings::reserve_shards(&call.bindings, &key, old_shards, entry.shards).await?;
    }
    settings::write(db, &key, advertisers::put(db, &entry)?).await?;
    directory::forget(&key);
    settings::push(&call.bindings, &key).await?;
    json(status, &entry)
}
