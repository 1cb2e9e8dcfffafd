//! What of the catalog nearly every request needs, remembered by the isolate: shard counts and time zones.
//!
//! A stale shard count does no harm: Linkers refuse events that were routed by another count than theirs.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use adtally_core::key::Key;
use adtally_core::time::ServerTime;
use worker::D1Database;

use crate::catalog::advertisers::{self, Place};
use crate::problem::Fault;

/// How long an entry is remembered.
const REMEMBER_MS: i64 = 10_000;
/// Entries remembered at once, some 200 bytes each.
const MAX_REMEMBERED: usize = 10_000;

thread_local! {
    static REMEMBERED: RefCell<HashMap<Key, (Place, i64)>> = RefCell::default();
}

/// The places of these advertisers; the defaults for those that the catalog does not know.
pub(crate) async fn places(
    db: &D1Database,
    keys: impl IntoIterator<Item = Key>,
    now: ServerTime,
) -> Result<BTreeMap<Key, Place>, Fault> {
    let mut places = BTreeMap::new();
    let mut missing = Vec::new();
    REMEMBERED.with_borrow(|known| {
        for key in keys {
            match known.get(&key) {
                Some((place, until_ms)) if now.0 < *until_ms => drop(places.insert(key, place.clone())),
                _ => missing.push(key),
            }
        }
    });
    if missing.is_empty() {
        return Ok(places);
    }
    let mut found = advertisers::places(db, &missing).await?;
    REMEMBERED.with_borrow_mut(|known| {
        if known.len() + missing.len() > MAX_REMEMBERED {
            known.clear();
        }
        for key in missing {
            let place = found.remove(key.as_str()).unwrap_or_default();
            known.insert(key.clone(), (place.clone(), now.0 + REMEMBER_MS));
            places.insert(key, place);
        }
    });
    Ok(places)
}

/// The place of one advertiser.
pub(crate) async fn place(db: &D1Database, key: &Key, now: ServerTime) -> Result<Place, Fault> {
    let mut places = places(db, [key.clone()], now).await?;
    Ok(places.remove(key).unwrap_or_default())
}

/// Forgets what is known of an advertiser.
pub(crate) fn forget(key: &Key) {
    REMEMBERED.with_borrow_mut(|known| known.remove(key));
}
