//! Notebooks: whose they are, and their cells as text.

use adtally_core::time::rfc3339;
use adtally_wire::notebook::{MAX_NOTEBOOKS, Notebook, NotebookBody, NotebookInfo};
use serde::Deserialize;
use worker::D1Database;

use super::{Bind, all, count, first, statement};
use crate::problem::Fault;

#[derive(Deserialize)]
struct Row {
    id: String,
    scope: String,
    name: String,
    revision: i64,
    changed_ms: i64,
}

#[derive(Deserialize)]
struct WholeRow {
    #[serde(flatten)]
    row: Row,
    cells: String,
}

const COLUMNS: &str = "id, scope, name, revision, changed_ms";

impl From<Row> for NotebookInfo {
    fn from(Row { id, scope, name, revision, changed_ms }: Row) -> Self {
        Self { id, scope, name, revision, changed: rfc3339(changed_ms) }
    }
}

/// Those of a scope, the one that was changed last first.
pub(crate) async fn list(db: &D1Database, scope: &str) -> Result<Vec<NotebookInfo>, Fault> {
    let sql =
        format!("SELECT {COLUMNS} FROM notebooks WHERE scope = ?1 ORDER BY changed_ms DESC, id LIMIT ?2");
    let rows: Vec<Row> = all(db, &sql, &[Bind::Text(scope), Bind::Integer(MAX_NOTEBOOKS.into())]).await?;
    Ok(rows.into_iter().map(NotebookInfo::from).collect())
}

/// One of them.
pub(crate) async fn find(db: &D1Database, id: &str) -> Result<Option<Notebook>, Fault> {
    let sql = format!("SELECT {COLUMNS}, cells FROM notebooks WHERE id = ?1");
    let Some(WholeRow { row, cells }) = first(db, &sql, &[Bind::Text(id)]).await? else { return Ok(None) };
    let cells = serde_json::from_str(&cells).map_err(worker::Error::from)?;
    Ok(Some(Notebook { info: row.into(), cells }))
}

/// Adds one, unless the scope has as many as it may have; tells whether it did.
pub(crate) async fn insert(
    db: &D1Database,
    id: &str,
    scope: &str,
    body: &NotebookBody,
    now_ms: i64,
) -> Result<bool, Fault> {
    let there = "SELECT count(*) AS count FROM notebooks WHERE scope = ?1";
    if count(db, there, &[Bind::Text(scope)]).await? >= MAX_NOTEBOOKS {
        return Ok(false);
    }
    let cells = serde_json::to_string(&body.cells).map_err(worker::Error::from)?;
    let sql =
        "INSERT INTO notebooks (id, scope, name, cells, revision, changed_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5)";
    let binds = [
        Bind::Text(id),
        Bind::Text(scope),
        Bind::Text(&body.name),
        Bind::Text(&cells),
        Bind::Integer(now_ms),
    ];
    statement(db, sql, &binds)?.run().await.map_err(Fault::catalog)?;
    Ok(true)
}

/// Writes over one, unless it is of another revision by now; the new revision if it did.
pub(crate) async fn update(
    db: &D1Database,
    id: &str,
    body: &NotebookBody,
    now_ms: i64,
) -> Result<Option<i64>, Fault> {
    #[derive(Deserialize)]
    struct Revised {
        revision: i64,
    }
    let cells = serde_json::to_string(&body.cells).map_err(worker::Error::from)?;
    let sql = "UPDATE notebooks SET name = ?2, cells = ?3, changed_ms = ?4, revision = revision + 1
        WHERE id = ?1 AND revision = coalesce(?5, revision) RETURNING revision";
    let binds = [
        Bind::Text(id),
        Bind::Text(&body.name),
        Bind::Text(&cells),
        Bind::Integer(now_ms),
        Bind::OptionalInteger(body.revision),
    ];
    let revised: Option<Revised> = first(db, sql, &binds).await?;
    Ok(revised.map(|revised| revised.revision))
}

/// Removes one; one that is not there is no error.
pub(crate) async fn delete(db: &D1Database, id: &str) -> Result<(), Fault> {
    let delete = statement(db, "DELETE FROM notebooks WHERE id = ?1", &[Bind::Text(id)])?;
    delete.run().await.map(drop).map_err(Fault::catalog)
}
