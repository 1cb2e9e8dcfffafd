//! Ads, services and placements.

use adtally_core::key::Key;
use adtally_wire::api::CatalogEntry;
use adtally_wire::catalog::entry::EntryKind;
use worker::D1Database;

use super::{Bind, MAX_LIST, all, statement};
use crate::problem::Fault;

/// How a kind of entry lies in the database.
struct Table {
    name: &'static str,
    columns: &'static str,
    /// The column that says whose an entry is; a service is its own.
    owner: &'static str,
}

fn table(kind: EntryKind) -> Table {
    match kind {
        EntryKind::Ad => {
            Table { name: "ads", columns: "key, name, advertiser, campaign", owner: "advertiser" }
        }
        EntryKind::Service => Table { name: "services", columns: "key, name", owner: "key" },
        EntryKind::Placement => Table { name: "placements", columns: "key, name, service", owner: "service" },
    }
}

/// The entries of this key: of one owner, or of all.
pub(crate) async fn find(
    db: &D1Database,
    kind: EntryKind,
    key: &Key,
    owner: Option<&Key>,
) -> Result<Vec<CatalogEntry>, Fault> {
    let Table { name, columns, owner: column } = table(kind);
    // Two are enough to know that a key is ambiguous.
    let sql = format!(
        "SELECT {columns} FROM {name} WHERE key = ?1 AND (?2 IS NULL OR {column} = ?2) ORDER BY {column} LIMIT 2"
    );
    all(db, &sql, &[Bind::Text(key.as_str()), Bind::OptionalText(owner.map(Key::as_str))]).await
}

/// Every entry, or those of one owner.
pub(crate) async fn list(
    db: &D1Database,
    kind: EntryKind,
    owner: Option<&Key>,
) -> Result<Vec<CatalogEntry>, Fault> {
    let Table { name, columns, owner: column } = table(kind);
    let sql = format!(
        "SELECT {columns} FROM {name} WHERE ?1 IS NULL OR {column} = ?1 ORDER BY {column}, key LIMIT {MAX_LIST}"
    );
    all(db, &sql, &[Bind::OptionalText(owner.map(Key::as_str))]).await
}

/// Stores an entry.
pub(crate) async fn put(db: &D1Database, kind: EntryKind, entry: &CatalogEntry) -> Result<(), Fault> {
    let (key, name) = (Bind::Text(&entry.key), Bind::Text(&entry.name));
    let stored = match kind {
        EntryKind::Ad => {
            let sql = "INSERT INTO ads (key, name, advertiser, campaign) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (advertiser, key) DO UPDATE SET name = ?2, campaign = ?4";
            let owner = Bind::OptionalText(entry.advertiser.as_deref());
            statement(db, sql, &[key, name, owner, Bind::OptionalText(entry.campaign.as_deref())])
        }
        EntryKind::Service => {
            let sql = "INSERT INTO services (key, name) VALUES (?1, ?2) \
                       ON CONFLICT (key) DO UPDATE SET name = ?2";
            statement(db, sql, &[key, name])
        }
        EntryKind::Placement => {
            let sql = "INSERT INTO placements (key, name, service) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (service, key) DO UPDATE SET name = ?2";
            statement(db, sql, &[key, name, Bind::OptionalText(entry.service.as_deref())])
        }
    };
    stored?.run().await.map_err(Fault::catalog)?;
    Ok(())
}
