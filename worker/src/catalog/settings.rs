//! What of the catalog Linkers go by: windows and prices, under a revision.

use adtally_core::key::Key;
use adtally_core::settings::Settings;
use adtally_wire::catalog::{advertiser, campaign};
use adtally_wire::object::LinkerSettings;
use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::{Bind, advertisers, campaigns, first, statement};
use crate::problem::Fault;

#[derive(Deserialize)]
struct Row {
    revision: u64,
}

/// The statement that takes the next revision; it belongs into the same batch as the change.
pub(crate) fn next_revision(db: &D1Database, key: &Key) -> Result<D1PreparedStatement, Fault> {
    let sql = "INSERT INTO settings_revisions (advertiser, revision) VALUES (?1, 1) \
               ON CONFLICT (advertiser) DO UPDATE SET revision = revision + 1";
    statement(db, sql, &[Bind::Text(key.as_str())])
}

/// The catalog's word on an advertiser now.
///
/// The revision is read first: should a change come in between, the settings are newer than their revision says, and
/// that change pushes them again under its own.
pub(crate) async fn current(db: &D1Database, key: &Key) -> Result<LinkerSettings, Fault> {
    let sql = "SELECT revision FROM settings_revisions WHERE advertiser = ?1";
    let row: Option<Row> = first(db, sql, &[Bind::Text(key.as_str())]).await?;
    let entry = advertisers::find(db, key).await?.unwrap_or_else(|| advertiser::unknown(key));
    let priced = campaigns::priced(db, key).await?;
    let prices = priced.iter().filter_map(|found| Some((found.key.clone(), campaign::price(found)?)));
    let currency = Key::parse(&entry.currency).unwrap_or_default();
    let settings = Settings { windows: advertiser::windows(&entry), prices: prices.collect(), currency };
    let revision = row.map_or(0, |row| row.revision);
    Ok(LinkerSettings { revision, shards: entry.shards, settings })
}
