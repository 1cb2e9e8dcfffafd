//! The catalog as a whole: all of its tables out, and in again.

use adtally_core::backup::Restoring;
use adtally_wire::backup::Table;
use adtally_wire::backup::page::{Note, Page, Value};
use serde::Deserialize;
use serde_json::Value as Json;
use worker::{D1Database, D1PreparedStatement};

use super::{Bind, all, count, first, statement};
use crate::problem::Fault;
use crate::storage::sql::quoted;

/// The most rows of a table that a backup copies: they are in memory at once.
const MAX_ROWS: usize = 200_000;

/// Tables that are the platform's, or say which migrations there were.
const NOT_OURS: &str =
    "name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' AND name NOT IN ('d1_migrations', 'restore_note')";

/// The tables and their columns; how many rows they have nobody says here.
pub(crate) async fn tables(db: &D1Database) -> Result<Vec<Table>, Fault> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
        columns: String,
    }
    let sql = format!(
        "SELECT name, (SELECT json_group_array(name) FROM pragma_table_info(tables.name)) AS columns
         FROM sqlite_master AS tables WHERE type = 'table' AND {NOT_OURS} ORDER BY name"
    );
    let rows: Vec<Row> = all(db, &sql, &[]).await?;
    let table = |row: Row| {
        let columns = serde_json::from_str(&row.columns).map_err(worker::Error::from)?;
        Ok(Table { name: row.name, columns, rows: 0, ddl: Vec::new() })
    };
    rows.into_iter().map(table).collect()
}

/// All rows of tables, as they are at one instant, in pages; the tables say how many rows they have.
pub(crate) async fn read(db: &D1Database, tables: &mut [Table]) -> Result<Vec<Page>, Fault> {
    let statements = tables.iter().map(|table| statement(db, &rows_of(table), &[]));
    let answers = db.batch(statements.collect::<Result<_, _>>()?).await.map_err(Fault::catalog)?;
    #[derive(Deserialize)]
    struct Row {
        row: String,
    }
    let mut pages = Vec::new();
    for (table, answer) in tables.iter_mut().zip(answers) {
        let found: Vec<Row> = answer.results().map_err(Fault::catalog)?;
        if found.len() > MAX_ROWS {
            let name = &table.name;
            return Err(Fault::Internal(format!(
                "{name} has more than {MAX_ROWS} rows, a backup cannot copy it"
            )));
        }
        table.rows = found.len() as u64;
        let rows = found.iter().map(|found| values(&found.row)).collect::<Result<_, _>>()?;
        pages.extend(Page::split(&table.name, &table.columns, rows));
    }
    Ok(pages)
}

fn rows_of(table: &Table) -> String {
    let columns = listed(&table.columns);
    let name = quoted(&table.name);
    format!("SELECT json_array({columns}) AS row FROM {name} LIMIT {}", MAX_ROWS + 1)
}

fn values(row: &str) -> Result<Vec<Value>, Fault> {
    let values: Vec<Json> = serde_json::from_str(row).map_err(worker::Error::from)?;
    let value = |json: &Json| {
        Value::of_json(json).ok_or_else(|| Fault::Internal(format!("{json} is no value of a row")))
    };
    values.iter().map(value).collect()
}

/// Whether none of these tables has a row.
pub(crate) async fn is_empty(db: &D1Database, evidence: &[&str]) -> Result<bool, Fault> {
    for table in evidence {
        let sql = format!("SELECT count(*) AS count FROM {}", quoted(table));
        if count(db, &sql, &[]).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Empties all of these tables.
pub(crate) async fn clear(db: &D1Database, tables: &[Table]) -> Result<(), Fault> {
    let deletes = tables.iter().map(|table| {
        let sql = format!("DELETE FROM {}", quoted(&table.name));
        statement(db, &sql, &[])
    });
    db.batch(deletes.collect::<Result<Vec<D1PreparedStatement>, _>>()?).await.map_err(Fault::catalog)?;
    Ok(())
}

/// What is noted of the restore of a part that is no object.
pub(crate) async fn restoring(db: &D1Database, part: &str) -> Result<Option<Restoring>, Fault> {
    let make = "CREATE TABLE IF NOT EXISTS restore_note (part TEXT NOT NULL PRIMARY KEY, backup TEXT NOT NULL, \
                next INTEGER NOT NULL) STRICT";
    statement(db, make, &[])?.run().await.map_err(Fault::catalog)?;
    let query = "SELECT backup, next FROM restore_note WHERE part = ?1";
    let found: Option<Note> = first(db, query, &[Bind::Text(part)]).await?;
    Ok(found.map(Restoring::from))
}

/// Notes it.
pub(crate) async fn note(db: &D1Database, part: &str, restoring: &Restoring) -> Result<(), Fault> {
    noting(db, part, restoring)?.run().await.map_err(Fault::catalog)?;
    Ok(())
}

fn noting(db: &D1Database, part: &str, restoring: &Restoring) -> Result<D1PreparedStatement, Fault> {
    let Note { backup, next } = restoring.into();
    let put = "INSERT OR REPLACE INTO restore_note (part, backup, next) VALUES (?1, ?2, ?3)";
    statement(db, put, &[Bind::Text(part), Bind::Text(&backup), Bind::Integer(next)])
}

/// Puts the rows of a page in, with how far the restore is, in one transaction.
pub(crate) async fn load(
    db: &D1Database,
    page: &Page,
    part: &str,
    restoring: &Restoring,
) -> Result<(), Fault> {
    let rows: Option<Vec<Vec<Json>>> =
        page.rows.iter().map(|row| row.iter().map(Value::to_json).collect()).collect();
    let rows = rows.ok_or_else(|| Fault::Internal("the catalog has no bytes".to_owned()))?;
    let text = serde_json::to_string(&rows).map_err(worker::Error::from)?;
    let each: Vec<String> = (0..page.columns.len()).map(|place| format!("value ->> {place}")).collect();
    let sql = format!(
        "INSERT OR REPLACE INTO {} ({}) SELECT {} FROM json_each(?1)",
        quoted(&page.table),
        listed(&page.columns),
        each.join(", ")
    );
    let both = vec![statement(db, &sql, &[Bind::Text(&text)])?, noting(db, part, restoring)?];
    db.batch(both).await.map_err(Fault::catalog)?;
    Ok(())
}

/// How many rows a table has.
pub(crate) async fn rows(db: &D1Database, table: &str) -> Result<u64, Fault> {
    Ok(count(db, &format!("SELECT count(*) AS count FROM {}", quoted(table)), &[]).await?.into())
}

fn listed(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}
