//! The runs of a Linker: extents by number, and how far the log is in them.

use adtally_core::link::run::{Run, Written};
use adtally_core::link::{PageRef, Shelf, ShelfError};
use adtally_core::shard::Position;
use adtally_core::time::ServerTime;
use worker::{Error, Result};

use super::linker::unsigned;
use super::sql::{Database, Row, integer};

/// What the tables need to exist; a migration of a Linker's database.
pub(super) const TABLES: &[&str] = &[
    // A run's extents stand together: `id` is the run's number times `RUN_EXTENTS` plus the extent's. The extents of a
    // run that has no row in `run` are of a merge that never ended.
    "CREATE TABLE extent (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    // `entry` is how many extents at the end of the run's numbers hold what stays in memory of it.
    "CREATE TABLE run (id INTEGER PRIMARY KEY, entry INTEGER NOT NULL)",
    // One row. Rows of the log up to `row` are in runs. `archived` is not used: `archiving` says it.
    "CREATE TABLE position (row INTEGER NOT NULL, accepted INTEGER NOT NULL, received INTEGER NOT NULL, \
     archived INTEGER NOT NULL)",
];

/// The most extents of a run, so that numbers tell runs apart.
const RUN_EXTENTS: u64 = 4_096;
/// Where the extents begin that hold what stays in memory.
const ENTRY: u64 = 3_072;
/// The most bytes of such an extent; a row may have 2 MB.
const ENTRY_BYTES: usize = 1_000_000;

/// The runs of one Linker.
#[derive(Clone)]
pub(crate) struct Runs {
    database: Database,
}

impl Shelf for Runs {
    fn read(&self, page: PageRef) -> std::result::Result<Vec<u8>, ShelfError> {
        let PageRef { run, extent, offset, len } = page;
        let read = || {
            let query = "SELECT substr(body, ?, ?) FROM extent WHERE id = ?";
            let place = vec![integer(u64::from(offset) + 1)?, integer(len)?, number(run, u64::from(extent))?];
            let mut rows = self.database.rows(query, place)?;
            rows.first_mut().map(Row::blob).unwrap_or_else(|| Err(missing(run)))
        };
        let bytes = read().map_err(|error| ShelfError::Unreadable(error.to_string()))?;
        if bytes.len() == len as usize { Ok(bytes) } else { Err(ShelfError::Damaged(run)) }
    }
}

impl Runs {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The runs, in any order. What is left of merges that never ended is dropped.
    pub(crate) fn all(&self) -> Result<Vec<Run>> {
        let stray = format!("DELETE FROM extent WHERE id / {RUN_EXTENTS} NOT IN (SELECT id FROM run)");
        self.database.run(&stray, vec![])?;
        let rows = self.database.rows("SELECT id, entry FROM run", vec![])?;
        rows.into_iter()
            .map(|mut row| self.run(unsigned(row.integer()?)?, unsigned(row.integer()?)?))
            .collect()
    }

    fn run(&self, id: u64, entries: u64) -> Result<Run> {
        let mut bytes = Vec::new();
        for entry in 0..entries {
            let query = "SELECT body FROM extent WHERE id = ?";
            let mut rows = self.database.rows(query, vec![number(id, ENTRY + entry)?])?;
            bytes.extend(rows.first_mut().ok_or_else(|| missing(id))?.blob()?);
        }
        Run::decode(id, &bytes).map_err(|error| Error::RustError(error.to_string()))
    }

    /// How far the log is spilled.
    pub(crate) fn position(&self) -> Result<Position> {
        let query = "SELECT row, accepted, received FROM position";
        match self.database.rows(query, vec![])?.first_mut() {
            None => Ok(Position::default()),
            Some(row) => Ok(Position {
                row: row.integer()?,
                accepted: unsigned(row.integer()?)?,
                received: ServerTime(row.integer()?),
            }),
        }
    }

    /// Writes down how far the log is spilled.
    pub(super) fn set_position(&self, position: &Position) -> Result<()> {
        let Position { row, accepted, received } = *position;
        let to = || Ok::<_, Error>(vec![integer(row)?, integer(accepted)?, integer(received.0)?]);
        let update = "UPDATE position SET row = ?, accepted = ?, received = ?";
        if self.database.run(update, to()?)? == 0 {
            let insert = "INSERT INTO position (row, accepted, received, archived) VALUES (?, ?, ?, 0)";
            self.database.run(insert, to()?)?;
        }
        Ok(())
    }

    /// Puts extents of a run down.
    pub(crate) fn put(&self, run: u64, extents: &[(u32, Vec<u8>)]) -> Result<()> {
        for (extent, body) in extents {
            if u64::from(*extent) >= ENTRY {
                return Err(Error::RustError(format!("run {run} has more than {ENTRY} extents")));
            }
            self.insert(number(run, u64::from(*extent))?, body)?;
        }
        Ok(())
    }

    /// Completes a run with its last extents.
    pub(super) fn add(&self, written: &Written) -> Result<()> {
        let Written { run, extents } = written;
        self.put(run.id, extents)?;
        let bytes = run.encode();
        let entries = bytes.chunks(ENTRY_BYTES);
        let count = entries.len();
        for (entry, body) in (ENTRY..).zip(entries) {
            self.insert(number(run.id, entry)?, body)?;
        }
        let insert = "INSERT INTO run (id, entry) VALUES (?, ?)";
        self.database.run(insert, vec![integer(run.id)?, integer(count)?]).map(drop)
    }

    /// Drops runs.
    pub(super) fn drop(&self, runs: &[u64]) -> Result<()> {
        for run in runs {
            let span = vec![number(*run, 0)?, number(*run, RUN_EXTENTS - 1)?];
            self.database.run("DELETE FROM extent WHERE id BETWEEN ? AND ?", span)?;
            self.database.run("DELETE FROM run WHERE id = ?", vec![integer(*run)?])?;
        }
        Ok(())
    }

    fn insert(&self, id: worker::SqlStorageValue, body: &[u8]) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO extent (id, body) VALUES (?, ?)";
        self.database.run(insert, vec![id, body.to_vec().into()]).map(drop)
    }
}

fn number(run: u64, extent: u64) -> Result<worker::SqlStorageValue> {
    integer(run * RUN_EXTENTS + extent)
}

fn missing(run: u64) -> Error {
    Error::RustError(format!("run {run} is incomplete"))
}
