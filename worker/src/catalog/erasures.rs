//! Requests to erase users: who it is only until it is done.

use adtally_core::key::UserKey;
use adtally_core::time::rfc3339;
use adtally_wire::erasure::ErasureInfo;
use serde::Deserialize;
use worker::D1Database;

use super::{Bind, MAX_LIST, all, first, statement};
use crate::problem::Fault;

/// The most requests that a run takes up.
const MAX_PENDING: u32 = 1_000;

/// A request that is not done.
pub(crate) struct Pending {
    /// Its handle.
    pub(crate) id: String,
    /// The group of the user.
    pub(crate) group: u64,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    requested_ms: i64,
    done_ms: Option<i64>,
    run: Option<String>,
}

#[derive(Deserialize)]
struct PendingRow {
    id: String,
    user: String,
}

const COLUMNS: &str = "id, requested_ms, done_ms, run";

impl From<Row> for ErasureInfo {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            status: if row.done_ms.is_some() { "done" } else { "pending" }.to_owned(),
            requested: rfc3339(row.requested_ms),
            done: row.done_ms.map(rfc3339),
            run: row.run,
        }
    }
}

/// Every request, the newest first.
pub(crate) async fn list(db: &D1Database) -> Result<Vec<ErasureInfo>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM erasures ORDER BY requested_ms DESC, id LIMIT ?1");
    let rows: Vec<Row> = all(db, &sql, &[Bind::Integer(MAX_LIST.into())]).await?;
    Ok(rows.into_iter().map(ErasureInfo::from).collect())
}

/// One request.
pub(crate) async fn find(db: &D1Database, id: &str) -> Result<Option<ErasureInfo>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = ?1");
    let row: Option<Row> = first(db, &sql, &[Bind::Text(id)]).await?;
    Ok(row.map(ErasureInfo::from))
}

/// Adds a request.
pub(crate) async fn insert(db: &D1Database, id: &str, user: UserKey, now_ms: i64) -> Result<(), Fault> {
    let sql = "INSERT INTO erasures (id, user, requested_ms) VALUES (?1, ?2, ?3)";
    let user = user.0.to_string();
    let insert = statement(db, sql, &[Bind::Text(id), Bind::Text(&user), Bind::Integer(now_ms)])?;
    insert.run().await.map(drop).map_err(Fault::catalog)
}

/// Those that are not done, the oldest first.
pub(crate) async fn pending(db: &D1Database) -> Result<Vec<Pending>, Fault> {
    let sql = "SELECT id, user FROM erasures WHERE done_ms IS NULL ORDER BY requested_ms, id LIMIT ?1";
    let rows: Vec<PendingRow> = all(db, sql, &[Bind::Integer(MAX_PENDING.into())]).await?;
    let pending = |PendingRow { id, user }: PendingRow| match user.parse() {
        Ok(group) => Ok(Pending { id, group }),
        Err(_) => Err(Fault::Internal(format!("erasure {id} names nobody"))),
    };
    rows.into_iter().map(pending).collect()
}

/// Notes that a request is done, and forgets whose it was.
pub(crate) async fn done(db: &D1Database, id: &str, run: &str, now_ms: i64) -> Result<(), Fault> {
    let sql = "UPDATE erasures SET user = NULL, done_ms = ?2, run = ?3 WHERE id = ?1 AND done_ms IS NULL";
    let update = statement(db, sql, &[Bind::Text(id), Bind::Integer(now_ms), Bind::Text(run)])?;
    update.run().await.map(drop).map_err(Fault::catalog)
}
