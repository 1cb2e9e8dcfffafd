//! Advertisers.

use std::collections::BTreeMap;

use adtally_core::key::Key;
use adtally_wire::api::Advertiser;
use adtally_wire::catalog::advertiser;
use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::{Bind, MAX_LIST, all, first, statement};
use crate::problem::Fault;

const COLUMNS: &str = "key, name, currency, timezone, shards, click_window_ms, conversion_click_window_ms, \
     conversion_view_window_ms, repeat_click_ms, repeat_conversion_ms, repeat_impression_ms";

/// One advertiser.
pub(crate) async fn find(db: &D1Database, key: &Key) -> Result<Option<Advertiser>, Fault> {
    first(db, &format!("SELECT {COLUMNS} FROM advertisers WHERE key = ?1"), &[Bind::Text(key.as_str())]).await
}

/// Every advertiser, or only that one, by key.
pub(crate) async fn list(db: &D1Database, only: Option<&Key>) -> Result<Vec<Advertiser>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM advertisers WHERE ?1 IS NULL OR key = ?1 ORDER BY key LIMIT {MAX_LIST}"
    );
    all(db, &sql, &[Bind::OptionalText(only.map(Key::as_str))]).await
}

/// What routing and reports need to know of an advertiser.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    /// How many Linkers it has.
    pub(crate) shards: u32,
    /// The zone of its days.
    pub(crate) timezone: String,
}

impl Default for Place {
    /// That of an advertiser which the catalog does not know.
    fn default() -> Self {
        let entry = advertiser::unknown(&Key::empty());
        Self { shards: entry.shards, timezone: entry.timezone }
    }
}

/// The places of these advertisers; those that the catalog does not know are absent.
pub(crate) async fn places(db: &D1Database, keys: &[Key]) -> Result<BTreeMap<String, Place>, Fault> {
    #[derive(Deserialize)]
    struct Row {
        key: String,
        shards: u32,
        timezone: String,
    }
    // One parameter however many keys there are: a statement has 100 at most.
    let keys: Vec<&str> = keys.iter().map(Key::as_str).collect();
    let keys = serde_json::to_string(&keys).map_err(worker::Error::from)?;
    let sql = "SELECT key, shards, timezone FROM advertisers WHERE key IN (SELECT value FROM json_each(?1))";
    let rows: Vec<Row> = all(db, sql, &[Bind::Text(&keys)]).await?;
    let place = |row: Row| (row.key, Place { shards: row.shards, timezone: row.timezone });
    Ok(rows.into_iter().map(place).collect())
}

/// The statement that stores an advertiser.
pub(crate) fn put(db: &D1Database, entry: &Advertiser) -> Result<D1PreparedStatement, Fault> {
    let sql = format!(
        "INSERT INTO advertisers ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT (key) DO UPDATE SET name = ?2, currency = ?3, timezone = ?4, shards = ?5, \
         click_window_ms = ?6, conversion_click_window_ms = ?7, conversion_view_window_ms = ?8, \
         repeat_click_ms = ?9, repeat_conversion_ms = ?10, repeat_impression_ms = ?11"
    );
    let binds = [
        Bind::Text(&entry.key),
        Bind::Text(&entry.name),
        Bind::Text(&entry.currency),
        Bind::Text(&entry.timezone),
        Bind::Integer(entry.shards.into()),
        Bind::Integer(entry.click_window_ms),
        Bind::Integer(entry.conversion_click_window_ms),
        Bind::Integer(entry.conversion_view_window_ms),
        Bind::Integer(entry.repeat_click_ms),
        Bind::Integer(entry.repeat_conversion_ms),
        Bind::Integer(entry.repeat_impression_ms),
    ];
    statement(db, &sql, &binds)
}
