//! The rulings that a Linker goes by: those of its log, beside it, so that they outlast its rows.

use std::collections::BTreeMap;

use adtally_core::batch::{Gone, Ruling};
use adtally_wire::batch::{Bytes, Rulings};
use worker::{Error, Result};

use super::sql::{Database, integer};

/// What the table needs to exist; a migration of a Linker's database.
pub(super) const TABLES: &[&str] = &[
    // By the row of the log that brought them.
    "CREATE TABLE ruling (row INTEGER PRIMARY KEY, body BLOB NOT NULL)",
];

/// Stores the rulings of a row of the log: to be called in the transaction that stores the row.
pub(super) fn add(database: &Database, row: i64, rulings: &[Ruling]) -> Result<()> {
    let rulings = rulings.iter().map(|ruling| (*ruling).into()).collect();
    let bindings = vec![integer(row)?, Rulings { rulings }.to_bytes().into()];
    database.run("INSERT INTO ruling (row, body) VALUES (?, ?)", bindings).map(drop)
}

/// Every ruling, each with its row, oldest first.
pub(super) fn all(database: &Database) -> Result<Vec<(i64, Ruling)>> {
    let mut all = Vec::new();
    for mut stored in database.rows("SELECT row, body FROM ruling ORDER BY row", vec![])? {
        let row = stored.integer()?;
        let damaged = |error: String| Error::RustError(format!("rulings of row {row}: {error}"));
        let Rulings { rulings } =
            Rulings::from_bytes(&stored.blob()?).map_err(|error| damaged(error.to_string()))?;
        for ruling in rulings {
            all.push((row, Ruling::try_from(ruling).map_err(|error| damaged(error.to_string()))?));
        }
    }
    Ok(all)
}

/// Forgets rulings on users: to be called in a transaction.
pub(super) fn erase(database: &Database, gone: &Gone) -> Result<()> {
    let mut rows: BTreeMap<i64, Vec<Ruling>> = BTreeMap::new();
    for (row, ruling) in all(database)? {
        rows.entry(row).or_default().push(ruling);
    }
    for (row, mut rulings) in rows {
        let before = rulings.len();
        rulings.retain(|ruling| !gone.holds(ruling.group, row));
        if rulings.len() < before {
            database.run("DELETE FROM ruling WHERE row = ?", vec![integer(row)?])?;
            add(database, row, &rulings)?;
        }
    }
    Ok(())
}
