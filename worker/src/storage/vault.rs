//! Copies of an object's tables, and their return: the same for every object, whatever its tables are.

use adtally_core::backup::{Phase, Restoring};
use adtally_wire::backup::Table;
use adtally_wire::backup::page::{Note, PAGE_BYTES, Page, Paged, Value};
use worker::{Error, Result, SqlStorageValue};

use super::sql::{Database, Row, integer, quoted};

/// In front of the names of copies.
const COPY: &str = "backup__";
/// What the object notes of a restore; never part of a backup.
const NOTE: &str = "restore__note";
/// Rows whose sizes are looked at for one page.
const LOOK_ROWS: i64 = 5_000;

/// The tables of an object as a whole.
#[derive(Clone)]
pub(crate) struct Vault {
    database: Database,
}

impl Vault {
    /// Of any object.
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Copies all tables beside themselves, as they are at one instant; copies of another backup go.
    pub(crate) fn take(&self, backup: &str) -> Result<(u64, Vec<Table>)> {
        self.database.atomically(|| {
            self.drop_within()?;
            let mut tables = Vec::new();
            for name in self.names()?.into_iter().filter(|name| is_own(name)) {
                let (columns, ddl) = (self.columns(&name)?, self.ddl(&name)?);
                let make =
                    format!("CREATE TABLE {} AS SELECT * FROM {}", quoted(&copy(&name)), quoted(&name));
                self.database.run(&make, vec![])?;
                let rows = self.count(&copy(&name))?;
                tables.push(Table { name, columns, rows, ddl });
            }
            self.database.run(&format!("CREATE TABLE {COPY} (backup TEXT NOT NULL)"), vec![])?;
            self.database.run(&format!("INSERT INTO {COPY} (backup) VALUES (?)"), vec![backup.into()])?;
            Ok((self.schema(&tables)?, tables))
        })
    }

    /// Whether the copies are those of a backup.
    pub(crate) fn has(&self, backup: &str) -> Result<bool> {
        if !self.names()?.iter().any(|name| name == COPY) {
            return Ok(false);
        }
        let rows = self.database.rows(&format!("SELECT backup FROM {COPY}"), vec![])?;
        Ok(rows.into_iter().next().map(|mut row| row.text()).transpose()?.as_deref() == Some(backup))
    }

    /// Rows of a copy, behind one of them: as many as make a page.
    pub(crate) fn page(&self, table: &str, after: i64) -> Result<Paged> {
        let columns = self.columns(&copy(table))?;
        let from = quoted(&copy(table));
        let each = |part: &dyn Fn(&str) -> String, with: &str| -> String {
            columns.iter().map(|column| part(&quoted(column))).collect::<Vec<_>>().join(with)
        };
        let size = each(&|column| format!("coalesce(length({column}), 0)"), " + ");
        let end = format!(
            "SELECT coalesce(max(CASE WHEN total <= ? THEN id END), min(id), 0) FROM (
                SELECT id, sum(size) OVER (ORDER BY id) AS total FROM (
                    SELECT rowid AS id, {size} AS size FROM {from} WHERE rowid > ? ORDER BY rowid LIMIT ?))"
        );
        let look = vec![integer(PAGE_BYTES)?, integer(after)?, integer(LOOK_ROWS)?];
        let last = self.database.rows(&end, look)?.first_mut().map_or(Ok(0), Row::integer)?;
        // Integers have 64 bits and would lose some on their way.
        let exact = |column: &str| {
            format!(
                "typeof({column}), CASE typeof({column}) WHEN 'integer' THEN cast({column} AS TEXT) ELSE {column} END"
            )
        };
        let select = format!(
            "SELECT {} FROM {from} WHERE rowid > ? AND rowid <= ? ORDER BY rowid",
            each(&exact, ", ")
        );
        let found = self.database.rows(&select, vec![integer(after)?, integer(last)?])?;
        let rows = found.into_iter().map(|row| values(row, columns.len())).collect::<Result<_>>()?;
        Ok(Paged { page: Page { table: table.to_owned(), columns, rows }, last })
    }

    /// Drops the copies.
    pub(crate) fn drop_copies(&self) -> Result<()> {
        self.database.atomically(|| self.drop_within())
    }

    fn drop_within(&self) -> Result<()> {
        for name in self.names()?.iter().filter(|name| name.starts_with(COPY)) {
            self.database.run(&format!("DROP TABLE {}", quoted(name)), vec![])?;
        }
        Ok(())
    }

    /// What is noted of a restore.
    pub(crate) fn restoring(&self) -> Result<Option<Restoring>> {
        if !self.names()?.iter().any(|name| name == NOTE) {
            return Ok(None);
        }
        let rows = self.database.rows(&format!("SELECT backup, next FROM {NOTE}"), vec![])?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some(Note { backup: row.text()?, next: row.integer()? }.into()))
    }

    /// Notes how far a restore is.
    pub(crate) fn note(&self, restoring: &Restoring) -> Result<()> {
        let Note { backup, next } = restoring.into();
        self.database.run(
            &format!("CREATE TABLE IF NOT EXISTS {NOTE} (backup TEXT NOT NULL, next INTEGER NOT NULL)"),
            vec![],
        )?;
        self.database.run(&format!("DELETE FROM {NOTE}"), vec![])?;
        let insert = format!("INSERT INTO {NOTE} (backup, next) VALUES (?, ?)");
        self.database.run(&insert, vec![backup.into(), integer(next)?]).map(drop)
    }

    /// Whether these tables have no row, or are not there.
    pub(crate) fn is_empty(&self, evidence: &[&str]) -> Result<bool> {
        for name in self.names()?.iter().filter(|name| evidence.contains(&name.as_str())) {
            if self.count(name)? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Drops everything, and makes the tables of a backup; all or nothing.
    pub(crate) fn wipe(&self, backup: &str, tables: &[Table]) -> Result<()> {
        self.database.atomically(|| {
            for name in self.names()?.iter().filter(|name| *name != NOTE) {
                self.database.run(&format!("DROP TABLE {}", quoted(name)), vec![])?;
            }
            for statement in tables.iter().flat_map(|table| &table.ddl) {
                self.database.run(statement, vec![])?;
            }
            self.note(&Restoring { backup: backup.to_owned(), phase: Phase::Loading(0) })
        })
    }

    /// Stores the rows of a page, with how far the restore is; all or nothing.
    pub(crate) fn load(&self, backup: &str, index: u32, page: &Page) -> Result<()> {
        let columns = page.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let into = format!("INSERT INTO {} ({columns})", quoted(&page.table));
        self.database.atomically(|| {
            for row in &page.rows {
                let (places, bound): (Vec<&str>, Vec<SqlStorageValue>) = row.iter().map(bind).unzip();
                self.database.run(&format!("{into} VALUES ({})", places.join(", ")), bound)?;
            }
            self.note(&Restoring { backup: backup.to_owned(), phase: Phase::Loading(index + 1) })
        })
    }

    /// The tables that have not as many rows as they should, with what they have.
    pub(crate) fn miscounted(&self, expected: &[(String, u64)]) -> Result<Vec<(String, u64)>> {
        let mut wrong = Vec::new();
        for (table, rows) in expected {
            let found = self.count(table)?;
            if found != *rows {
                wrong.push((table.clone(), found));
            }
        }
        Ok(wrong)
    }

    /// Every table that is not the platform's.
    fn names(&self) -> Result<Vec<String>> {
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid";
        let rows = self.database.rows(query, vec![])?;
        let names: Vec<String> = rows.into_iter().map(|mut row| row.text()).collect::<Result<_>>()?;
        Ok(names
            .into_iter()
            .filter(|name| !name.starts_with("_cf_") && !name.starts_with("sqlite_"))
            .collect())
    }

    fn columns(&self, table: &str) -> Result<Vec<String>> {
        let query = "SELECT name FROM pragma_table_info(?) ORDER BY cid";
        let rows = self.database.rows(query, vec![table.into()])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// The table first, then its indexes; those that it has by itself have no statement.
    fn ddl(&self, table: &str) -> Result<Vec<String>> {
        let query =
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC, rowid";
        let rows = self.database.rows(query, vec![table.into()])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    fn count(&self, table: &str) -> Result<u64> {
        let query = format!("SELECT count(*) FROM {}", quoted(table));
        let count = self.database.rows(&query, vec![])?.first_mut().map_or(Ok(0), Row::integer)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The version of the tables; 0 where the object was never used.
    fn schema(&self, tables: &[Table]) -> Result<u64> {
        if !tables.iter().any(|table| table.name == "schema") {
            return Ok(0);
        }
        let version = self.database.rows("SELECT version FROM schema", vec![])?;
        let version = version.into_iter().next().map_or(Ok(0), |mut row| row.integer())?;
        Ok(u64::try_from(version).unwrap_or(0))
    }
}

fn is_own(name: &str) -> bool {
    !name.starts_with(COPY) && name != NOTE
}

fn copy(table: &str) -> String {
    format!("{COPY}{table}")
}

/// A row of pairs: the type of a value, and the value.
fn values(mut row: Row, columns: usize) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(columns);
    for _ in 0..columns {
        let kind = row.text()?;
        values.push(match (kind.as_str(), row.any()?) {
            ("integer", SqlStorageValue::String(text)) => {
                Value::Integer(text.parse().map_err(|_| Error::RustError(format!("{text:?} is no integer")))?)
            }
            ("real", SqlStorageValue::Float(value)) => Value::Real(value),
            // A floating point number without a fraction looks like an integer.
            #[expect(clippy::cast_precision_loss, reason = "it was a floating point number")]
            ("real", SqlStorageValue::Integer(value)) => Value::Real(value as f64),
            ("null", _) => Value::Null,
            (_, SqlStorageValue::String(text)) => Value::Text(text),
            (_, SqlStorageValue::Blob(bytes)) => Value::Blob(bytes),
            (kind, other) => return Err(Error::RustError(format!("{other:?} is not {kind}"))),
        });
    }
    Ok(values)
}

/// How a value is bound.
fn bind(value: &Value) -> (&'static str, SqlStorageValue) {
    match value {
        Value::Null => ("?", SqlStorageValue::Null),
        Value::Integer(number) => ("cast(? AS INTEGER)", number.to_string().into()),
        Value::Real(number) => ("cast(? AS REAL)", SqlStorageValue::Float(*number)),
        Value::Text(text) => ("?", text.as_str().into()),
        Value::Blob(bytes) => ("?", bytes.clone().into()),
    }
}
