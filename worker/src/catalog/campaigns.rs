//! Campaigns: their keys are their advertiser's own.

use adtally_core::key::Key;
use adtally_wire::api::Campaign;
use worker::{D1Database, D1PreparedStatement};

use super::{Bind, MAX_LIST, all, statement};
use crate::problem::Fault;

const COLUMNS: &str = r#"key, advertiser, name, price_model, price_micros, "start", "end", budget_micros"#;

/// The campaigns of this key: of one advertiser, or of all.
pub(crate) async fn find(
    db: &D1Database,
    key: &Key,
    advertiser: Option<&Key>,
) -> Result<Vec<Campaign>, Fault> {
    // Two are enough to know that a key is ambiguous.
    let sql = format!(
        "SELECT {COLUMNS} FROM campaigns WHERE key = ?1 AND (?2 IS NULL OR advertiser = ?2) \
         ORDER BY advertiser LIMIT 2"
    );
    all(db, &sql, &[Bind::Text(key.as_str()), Bind::OptionalText(advertiser.map(Key::as_str))]).await
}

/// Every campaign, or those of one advertiser.
pub(crate) async fn list(db: &D1Database, advertiser: Option<&Key>) -> Result<Vec<Campaign>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM campaigns WHERE ?1 IS NULL OR advertiser = ?1 \
         ORDER BY advertiser, key LIMIT {MAX_LIST}"
    );
    all(db, &sql, &[Bind::OptionalText(advertiser.map(Key::as_str))]).await
}

/// Every campaign of an advertiser that has a price, however many there are: a price left out is money lost.
pub(crate) async fn priced(db: &D1Database, advertiser: &Key) -> Result<Vec<Campaign>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM campaigns WHERE advertiser = ?1 AND price_model IS NOT NULL");
    all(db, &sql, &[Bind::Text(advertiser.as_str())]).await
}

/// The statement that stores a campaign.
pub(crate) fn put(db: &D1Database, entry: &Campaign) -> Result<D1PreparedStatement, Fault> {
    let sql = format!(
        r#"INSERT INTO campaigns ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
           ON CONFLICT (advertiser, key) DO UPDATE SET name = ?3, price_model = ?4, price_micros = ?5,
           "start" = ?6, "end" = ?7, budget_micros = ?8"#
    );
    let binds = [
        Bind::Text(&entry.key),
        Bind::Text(&entry.advertiser),
        Bind::Text(&entry.name),
        Bind::OptionalText(entry.price_model.as_deref()),
        Bind::Integer(entry.price_micros),
        Bind::OptionalText(entry.start.as_deref()),
        Bind::OptionalText(entry.end.as_deref()),
        Bind::OptionalInteger(entry.budget_micros),
    ];
    statement(db, &sql, &binds)
}
