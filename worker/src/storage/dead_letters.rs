//! What the dead letters store: messages that could not be processed.

use adtally_wire::billing::object::{Letter, Letters, LettersQuery, StoredLetter};
use worker::Result;

use super::schema::{Migrations, migrate};
use super::sql::{Database, integer};

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[&["CREATE TABLE letters (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    times INTEGER NOT NULL, error TEXT NOT NULL, text TEXT NOT NULL
)"]];

/// The store of the dead letters.
#[derive(Clone)]
pub(crate) struct LetterStore {
    database: Database,
}

impl LetterStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Keeps a letter; one that is there has died once more.
    pub(crate) fn park(&self, letter: &Letter) -> Result<()> {
        let upsert =
            "INSERT INTO letters (id, first_ms, last_ms, times, error, text) VALUES (?1, ?2, ?2, 1, ?3, ?4)
            ON CONFLICT (id) DO UPDATE SET last_ms = ?2, times = times + 1, error = ?3";
        let (id, error, text) = (letter.id.as_str(), letter.error.as_str(), letter.text.as_str());
        let bindings = vec![id.into(), integer(letter.at_ms)?, error.into(), text.into()];
        self.database.run(upsert, bindings).map(drop)
    }

    /// Some letters, the oldest first.
    pub(crate) fn list(&self, query: &LettersQuery) -> Result<Letters> {
        let select = "SELECT number, id, first_ms, last_ms, times, error, text FROM letters
            WHERE number > ?1 AND (?2 = '[]' OR id IN (SELECT value FROM json_each(?2))) ORDER BY number LIMIT ?3";
        let ids = serde_json::to_string(&query.ids)?;
        let bindings = vec![integer(query.after)?, ids.as_str().into(), integer(query.limit)?];
        let mut letters = Vec::new();
        for mut row in self.database.rows(select, bindings)? {
            let (number, id, first_ms) = (row.integer()?, row.text()?, row.integer()?);
            let (at_ms, times) = (row.integer()?, u64::try_from(row.integer()?).unwrap_or(0));
            let letter = Letter { id, at_ms, error: row.text()?, text: row.text()? };
            letters.push(StoredLetter { number, first_ms, times, letter });
        }
        Ok(Letters { count: self.count()?, letters })
    }

    fn count(&self) -> Result<u64> {
        let rows = self.database.rows("SELECT count(*) FROM letters", vec![])?.into_iter().next();
        let count = rows.map_or(Ok(0), |mut row| row.integer())?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Forgets letters.
    pub(crate) fn remove(&self, ids: &[String]) -> Result<()> {
        let delete = "DELETE FROM letters WHERE id IN (SELECT value FROM json_each(?))";
        self.database.run(delete, vec![serde_json::to_string(ids)?.as_str().into()]).map(drop)
    }
}
