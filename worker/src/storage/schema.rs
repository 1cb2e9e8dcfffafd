//! Schemas of the objects' databases, and how an older one becomes the present one.

use worker::Result;

use super::sql::{Database, integer};

/// What turns each schema version into the next; append only, never edit: objects in production are at any of them.
pub(crate) type Migrations = &'static [&'static [&'static str]];

/// Brings the database to the last of `migrations`, each in a transaction of its own.
pub(crate) fn migrate(database: &Database, migrations: Migrations) -> Result<()> {
    database.run("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL)", vec![])?;
    let version = match database.rows("SELECT version FROM schema", vec![])?.first_mut() {
        Some(row) => usize::try_from(row.integer()?).unwrap_or(usize::MAX),
        None => {
            database.run("INSERT INTO schema (version) VALUES (0)", vec![])?;
            0
        }
    };
    for (index, statements) in migrations.iter().enumerate().skip(version) {
        database.atomically(|| {
            for statement in *statements {
                database.run(statement, vec![])?;
            }
            database.run("UPDATE schema SET version = ?", vec![integer(index + 1)?])
        })?;
    }
    Ok(())
}
