//! What a Linker knows of its archive, and of the cuts of its log.

use adtally_core::cell::Scope;
use adtally_wire::batch::{ArchiveFile, Bytes, Compaction};
use adtally_wire::erasure::Erasure;
use worker::{Error, Result};

use super::linker::unsigned;
use super::sql::{Database, Row, integer};

/// What the tables need to exist; a migration of a Linker's database.
pub(super) const TABLES: &[&str] = &[
    // The manifest: every file that is stored, and verified.
    "CREATE TABLE archive_file (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    // One row. Rows of the log up to `archived` are in files of the manifest; of those up to `pending` files may be
    // stored already. Rows up to `trimmed` are gone from the log.
    "CREATE TABLE archiving (archived INTEGER NOT NULL, pending INTEGER NOT NULL, trimmed INTEGER NOT NULL)",
    "INSERT INTO archiving (archived, pending, trimmed) VALUES (0, 0, 0)",
    // One row: the present epoch, the last cut, and the last one that is published.
    "CREATE TABLE epoch (epoch INTEGER NOT NULL, generation INTEGER NOT NULL, row INTEGER NOT NULL, \
     through_ms INTEGER NOT NULL, published_generation INTEGER NOT NULL, published_row INTEGER NOT NULL)",
    "INSERT INTO epoch (epoch, generation, row, through_ms, published_generation, published_row) \
     VALUES (1, 0, 0, 0, 0, 0)",
    // Every scope that was ever told anything.
    "CREATE TABLE scope (name TEXT PRIMARY KEY) WITHOUT ROWID",
];

/// A later migration.
pub(super) const GONE: &[&str] = &[
    // Files that are not in the manifest any more, and are to be removed from the bucket.
    "CREATE TABLE archive_gone (key TEXT PRIMARY KEY) WITHOUT ROWID",
];

/// A later migration.
pub(super) const RESIDUES: &[&str] = &[
    // What stays in the figures from entries that were erased: parts of days in the bucket.
    "CREATE TABLE residue (key TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID",
];

/// The archive of one Linker.
#[derive(Clone)]
pub(crate) struct ArchiveStore {
    database: Database,
}

/// How far the log is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Archiving {
    /// The last row that is in a file of the manifest.
    pub(crate) archived: i64,
    /// The last row of the range that is being archived; not after `archived` where none is.
    pub(crate) pending: i64,
    /// The last row that is gone from the log.
    pub(crate) trimmed: i64,
}

/// Where the log was cut last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EpochState {
    /// The present epoch; the one before it was closed by the last cut.
    pub(crate) epoch: u64,
    /// The generation of the last cut; 0: there was none.
    pub(crate) generation: u64,
    /// The last row before it.
    pub(crate) row: i64,
    /// What was acknowledged up to then is before it.
    pub(crate) through_ms: i64,
    /// The last generation that is published.
    pub(crate) published_generation: u64,
    /// The last row that it covers.
    pub(crate) published_row: i64,
}

impl ArchiveStore {
    /// The archive in a database whose tables are there.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// How far the log is archived.
    pub(crate) fn archiving(&self) -> Result<Archiving> {
        let mut row = self.one("SELECT archived, pending, trimmed FROM archiving")?;
        Ok(Archiving { archived: row.integer()?, pending: row.integer()?, trimmed: row.integer()? })
    }

    /// The bytes of the log behind `after`.
    pub(crate) fn log_bytes(&self, after: i64) -> Result<u64> {
        let query = "SELECT coalesce(sum(length(body)), 0) FROM log WHERE id > ?";
        let mut rows = self.database.rows(query, vec![integer(after)?])?;
        unsigned(rows.first_mut().map_or(Ok(0), Row::integer)?)
    }

    /// The last row of the log up to which those behind `after` have at most `bytes` bytes, but one row at least, and
    /// none behind `to`.
    pub(crate) fn range_of(&self, after: i64, to: i64, bytes: u64) -> Result<Option<i64>> {
        let query = "SELECT max(id) FROM (SELECT id, length(body) AS own, sum(length(body)) OVER (ORDER BY id) AS \
                     total FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT 4096) WHERE total = own OR total <= ?";
        let mut rows = self.database.rows(query, vec![integer(after)?, integer(to)?, integer(bytes)?])?;
        rows.first_mut().map_or(Ok(None), Row::integer_or_null)
    }

    /// Fixes a range: its files have their names and contents from now on.
    pub(crate) fn begin(&self, to: i64) -> Result<()> {
        self.database.run("UPDATE archiving SET pending = ?", vec![integer(to)?]).map(drop)
    }

    /// Notes that the rows up to `to` are in files that are stored and verified.
    pub(crate) fn archived(&self, to: i64, files: &[ArchiveFile]) -> Result<()> {
        self.database.atomically(|| {
            files.iter().try_for_each(|file| self.add(file))?;
            self.database.run("UPDATE archiving SET archived = ?", vec![integer(to)?]).map(drop)
        })
    }

    /// Takes the first rows out of the log: those up to `row`. The last row of the log must not be among them, since the
    /// next one is numbered after it.
    pub(crate) fn trim(&self, row: i64) -> Result<()> {
        self.database.atomically(|| {
            self.database.run("DELETE FROM log WHERE id <= ?", vec![integer(row)?])?;
            self.database.run("UPDATE archiving SET trimmed = ?", vec![integer(row)?]).map(drop)
        })
    }

    fn add(&self, file: &ArchiveFile) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO archive_file (key, body) VALUES (?, ?)";
        self.database.run(insert, vec![file.key.as_str().into(), file.to_bytes().into()]).map(drop)
    }

    /// Every file.
    pub(crate) fn files(&self) -> Result<Vec<ArchiveFile>> {
        let rows = self.database.rows("SELECT body FROM archive_file ORDER BY key", vec![])?;
        rows.into_iter()
            .map(|mut row| {
                let file = ArchiveFile::from_bytes(&row.blob()?);
                file.map_err(|error| Error::RustError(format!("manifest of the archive: {error}")))
            })
            .collect()
    }

    /// Takes entries out of the archive, and keeps what stays of them; tells whether the files were there, or replaced
    /// before.
    pub(crate) fn erased(&self, erasure: &Erasure) -> Result<bool> {
        self.database.atomically(|| {
            let Erasure { replaced, by, residues, .. } = erasure;
            let is_known = replaced.is_empty() || self.replace(replaced, by)?;
            for (day, key) in residues.iter().filter(|_| is_known) {
                let insert = "INSERT OR IGNORE INTO residue (key, day) VALUES (?, ?)";
                self.database.run(insert, vec![key.as_str().into(), integer(*day)?])?;
            }
            Ok(is_known)
        })
    }

    /// What stays in the figures from entries that were erased, by day.
    pub(crate) fn residues(&self) -> Result<Vec<(i32, String)>> {
        let rows = self.database.rows("SELECT day, key FROM residue ORDER BY day, key", vec![])?;
        let residue = |mut row: Row| {
            let day = i32::try_from(row.integer()?).map_err(|error| Error::RustError(error.to_string()))?;
            Ok((day, row.text()?))
        };
        rows.into_iter().map(residue).collect()
    }

    /// Puts files into the place of others; tells whether they were there, or replaced before.
    pub(crate) fn compacted(&self, compaction: &Compaction) -> Result<bool> {
        self.database.atomically(|| self.replace(&compaction.replaced, &compaction.by))
    }

    fn replace(&self, replaced: &[String], by: &[ArchiveFile]) -> Result<bool> {
        let known = |key: &String| -> Result<bool> {
            let query = "SELECT 1 FROM archive_file WHERE key = ?";
            Ok(!self.database.rows(query, vec![key.as_str().into()])?.is_empty())
        };
        let old = replaced.iter().map(known).collect::<Result<Vec<_>>>()?;
        let new = by.iter().map(|file| known(&file.key)).collect::<Result<Vec<_>>>()?;
        if old.iter().all(|known| !known) && new.iter().all(|known| *known) {
            return Ok(true);
        }
        if !old.iter().all(|known| *known) {
            return Ok(false);
        }
        for key in replaced {
            self.database.run("DELETE FROM archive_file WHERE key = ?", vec![key.as_str().into()])?;
            let insert = "INSERT OR REPLACE INTO archive_gone (key) VALUES (?)";
            self.database.run(insert, vec![key.as_str().into()])?;
        }
        by.iter().try_for_each(|file| self.add(file)).map(|()| true)
    }

    /// Files that are to be removed from the bucket: some of them.
    pub(crate) fn gone(&self) -> Result<Vec<String>> {
        let rows = self.database.rows("SELECT key FROM archive_gone ORDER BY key LIMIT 500", vec![])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Notes that files are removed from the bucket.
    pub(crate) fn removed(&self, keys: &[String]) -> Result<()> {
        self.database.atomically(|| {
            keys.iter().try_for_each(|key| {
                let delete = "DELETE FROM archive_gone WHERE key = ?";
                self.database.run(delete, vec![key.as_str().into()]).map(drop)
            })
        })
    }

    /// The present epoch and the cuts.
    pub(crate) fn epoch(&self) -> Result<EpochState> {
        let query =
            "SELECT epoch, generation, row, through_ms, published_generation, published_row FROM epoch";
        let mut row = self.one(query)?;
        Ok(EpochState {
            epoch: unsigned(row.integer()?)?,
            generation: unsigned(row.integer()?)?,
            row: row.integer()?,
            through_ms: row.integer()?,
            published_generation: unsigned(row.integer()?)?,
            published_row: row.integer()?,
        })
    }

    /// Writes the present epoch and the cuts down.
    pub(crate) fn set_epoch(&self, state: &EpochState) -> Result<()> {
        let update = "UPDATE epoch SET epoch = ?, generation = ?, row = ?, through_ms = ?, \
                      published_generation = ?, published_row = ?";
        let EpochState { epoch, generation, row, through_ms, published_generation, published_row } = *state;
        let mut bindings = vec![integer(epoch)?, integer(generation)?, integer(row)?, integer(through_ms)?];
        bindings.extend([integer(published_generation)?, integer(published_row)?]);
        self.database.run(update, bindings).map(drop)
    }

    /// Remembers to whom parcels are told; belongs into the transaction that stores those.
    pub(super) fn remember_scopes<'a>(&self, scopes: impl IntoIterator<Item = &'a Scope>) -> Result<()> {
        for scope in scopes {
            let insert = "INSERT OR IGNORE INTO scope (name) VALUES (?)";
            self.database.run(insert, vec![scope.to_string().into()])?;
        }
        Ok(())
    }

    /// Every scope that was ever told anything.
    pub(crate) fn scopes(&self) -> Result<Vec<String>> {
        let rows = self.database.rows("SELECT name FROM scope ORDER BY name", vec![])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    fn one(&self, query: &str) -> Result<Row> {
        let row = self.database.rows(query, vec![])?.into_iter().next();
        row.ok_or_else(|| Error::RustError("a table of one row has none".to_owned()))
    }
}
