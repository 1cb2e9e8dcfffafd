//! The operator's lists of robots and data centres.

use adtally_core::screen::ListName;
use serde::Deserialize;
use worker::D1Database;

use super::{Bind, all, first};
use crate::problem::Fault;

/// A list that an operator has written or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Row {
    /// See [`ListName::name`].
    pub(crate) name: String,
    /// Grows with every change.
    pub(crate) revision: u64,
    /// Absent: the built-in list.
    pub(crate) text: Option<String>,
}

/// Name and revision of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Revision {
    /// See [`ListName::name`].
    pub(crate) name: String,
    /// Grows with every change.
    pub(crate) revision: u64,
}

/// What has changed ever, without the texts.
pub(crate) async fn revisions(db: &D1Database) -> Result<Vec<Revision>, Fault> {
    all(db, "SELECT name, revision FROM lists ORDER BY name", &[]).await
}

/// Every list that was changed ever.
pub(crate) async fn read(db: &D1Database) -> Result<Vec<Row>, Fault> {
    all(db, "SELECT name, revision, text FROM lists ORDER BY name", &[]).await
}

/// One list, if it was changed ever.
pub(crate) async fn find(db: &D1Database, list: ListName) -> Result<Option<Row>, Fault> {
    first(db, "SELECT name, revision, text FROM lists WHERE name = ?1", &[Bind::Text(list.name())]).await
}

/// Replaces a list, or takes it back; the revision of that.
pub(crate) async fn put(db: &D1Database, list: ListName, text: Option<&str>) -> Result<u64, Fault> {
    let sql = "INSERT INTO lists (name, revision, text) VALUES (?1, 1, ?2) \
               ON CONFLICT (name) DO UPDATE SET revision = revision + 1, text = excluded.text \
               RETURNING name, revision";
    let row: Option<Revision> = first(db, sql, &[Bind::Text(list.name()), Bind::OptionalText(text)]).await?;
    row.map(|row| row.revision)
        .ok_or_else(|| Fault::Internal("a list was written without a trace".to_owned()))
}
