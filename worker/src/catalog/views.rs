//! Saved views.

use adtally_core::time::rfc3339;
use adtally_wire::catalog::view::View;
use serde::Deserialize;
use worker::D1Database;

use super::{Bind, all, count, first};
use crate::problem::Fault;

/// The most views of a scope: a list for people.
pub(crate) const MAX_VIEWS: u32 = 500;

#[derive(Deserialize)]
struct Row {
    scope: String,
    name: String,
    kind: String,
    query: String,
    saved_ms: i64,
}

impl From<Row> for View {
    fn from(row: Row) -> Self {
        let Row { scope, name, kind, query, saved_ms } = row;
        View { name, scope, kind, query, saved: rfc3339(saved_ms) }
    }
}

/// The views of a scope, of one page or of all, by name.
pub(crate) async fn list(db: &D1Database, scope: &str, kind: Option<&str>) -> Result<Vec<View>, Fault> {
    let sql = format!(
        "SELECT scope, name, kind, query, saved_ms FROM views WHERE scope = ?1 AND (?2 IS NULL OR kind = ?2) \
         ORDER BY name LIMIT {MAX_VIEWS}"
    );
    let rows: Vec<Row> = all(db, &sql, &[Bind::Text(scope), Bind::OptionalText(kind)]).await?;
    Ok(rows.into_iter().map(View::from).collect())
}

/// Saves a view in place of the one of that name; `None` where the scope has no room for another.
pub(crate) async fn put(
    db: &D1Database,
    view: (&str, &str, &str, &str),
    saved_ms: i64,
) -> Result<Option<View>, Fault> {
    let (scope, name, kind, query) = view;
    let others = "SELECT count(*) AS count FROM views WHERE scope = ?1 AND name <> ?2";
    if count(db, others, &[Bind::Text(scope), Bind::Text(name)]).await? >= MAX_VIEWS {
        return Ok(None);
    }
    let sql = "INSERT INTO views (scope, name, kind, query, saved_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (scope, name) DO UPDATE SET kind = ?3, query = ?4, saved_ms = ?5 \
               RETURNING scope, name, kind, query, saved_ms";
    let binds =
        [Bind::Text(scope), Bind::Text(name), Bind::Text(kind), Bind::Text(query), Bind::Integer(saved_ms)];
    let row: Option<Row> = first(db, sql, &binds).await?;
    row.map(|row| Some(row.into())).ok_or_else(|| Fault::Internal("a view was not stored".to_owned()))
}

/// Removes a view; whether there was one.
pub(crate) async fn delete(db: &D1Database, scope: &str, name: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM views WHERE scope = ?1 AND name = ?2 RETURNING scope, name, kind, query, saved_ms";
    let removed: Option<Row> = first(db, sql, &[Bind::Text(scope), Bind::Text(name)]).await?;
    Ok(removed.is_some())
}
