//! What a Report object stores: signed cells by source, epoch and hour, and how far it has heard each source.

use std::collections::BTreeMap;
use std::ops::Range;

use adtally_core::segment::Segment;
use adtally_core::time::Hour;
use adtally_wire::delta::Delta;
use worker::{Error, Result};

use super::schema::{Migrations, migrate};
use super::sql::{Database, integer};

const MIGRATIONS: Migrations = &[&[
    // How far each source was heard, and the all-time totals of what it said, as JSON by measure.
    "CREATE TABLE sources (
        source TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, through_ms INTEGER, totals TEXT NOT NULL
    ) WITHOUT ROWID",
    // Deltas as they came; folded into `hours` when there are many.
    "CREATE TABLE tail (id INTEGER PRIMARY KEY, source TEXT NOT NULL, epoch INTEGER NOT NULL, body BLOB NOT NULL)",
    // The epoch is part of the key so that a batch cut can drop what it covers; the part, as a row may have 2 MB.
    "CREATE TABLE hours (
        source TEXT NOT NULL, epoch INTEGER NOT NULL, hour INTEGER NOT NULL, part INTEGER NOT NULL,
        body BLOB NOT NULL, PRIMARY KEY (source, epoch, hour, part)
    ) WITHOUT ROWID",
]];

/// Deltas in the tail before they are folded: each query decodes them all, each fold rewrites the hours they touch.
const MAX_TAIL_ROWS: i64 = 64;

/// The most bytes of an hour's row; a row may have 2 MB.
const MAX_ROW_BYTES: usize = 1_000_000;

/// All-time totals by measure.
pub(crate) type Totals = BTreeMap<String, i64>;

/// The store of a Report object.
#[derive(Clone)]
pub(crate) struct ReportStore {
    database: Database,
}

/// How far a source was heard.
pub(crate) struct Heard {
    /// The last sequence number.
    pub(crate) seq: u64,
    /// The server time up to which its acknowledged events are known; none before its first full telling.
    pub(crate) through_ms: Option<i64>,
    /// The sum of what it said.
    pub(crate) totals: Totals,
}

impl ReportStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Every source, and how far it was heard.
    pub(crate) fn sources(&self) -> Result<Vec<Heard>> {
        let rows =
            self.database.rows("SELECT seq, through_ms, totals FROM sources ORDER BY source", vec![])?;
        rows.into_iter().map(heard).collect()
    }

    /// How far one source was heard.
    pub(crate) fn source(&self, name: &str) -> Result<Option<Heard>> {
        let query = "SELECT seq, through_ms, totals FROM sources WHERE source = ?";
        let row = self.database.rows(query, vec![name.into()])?.into_iter().next();
        row.map(heard).transpose()
    }

    /// Stores a delta with the new totals of its source, both or neither.
    pub(crate) fn add(&self, delta: &Delta, totals: &Totals) -> Result<()> {
        let totals = serde_json::to_string(totals)?;
        self.database.atomically(|| {
            let source = || delta.source.as_str().into();
            let body = delta.segment.clone().into();
            let insert = "INSERT INTO tail (source, epoch, body) VALUES (?, ?, ?)";
            self.database.run(insert, vec![source(), integer(delta.epoch)?, body])?;
            let upsert = "INSERT INTO sources (source, epoch, seq, through_ms, totals) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (source) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
                through_ms = coalesce(excluded.through_ms, through_ms), totals = excluded.totals";
            let (epoch, seq) = (integer(delta.epoch)?, integer(delta.seq)?);
            let through = delta.through_ms.map(integer).transpose()?.into();
            let bindings = vec![source(), epoch, seq, through, totals.as_str().into()];
            self.database.run(upsert, bindings).map(drop)
        })
    }

    /// Folds the tail into the hours when it has grown long.
    pub(crate) fn fold_if_long(&self) -> Result<()> {
        let rows = self.database.rows("SELECT count(*) FROM tail", vec![])?.into_iter().next();
        let count = rows.map_or(Ok(0), |mut row| row.integer())?;
        if count <= MAX_TAIL_ROWS { Ok(()) } else { self.database.atomically(|| self.fold()) }
    }

    fn fold(&self) -> Result<()> {
        let mut fresh: BTreeMap<(String, i64, i32), Segment> = BTreeMap::new();
        for mut row in self.database.rows("SELECT source, epoch, body FROM tail ORDER BY id", vec![])? {
            let (source, epoch, segment) = (row.text()?, row.integer()?, decode(&row.blob()?)?);
            for (hour, part) in segment.split_by_hour() {
                fresh.entry((source.clone(), epoch, hour.0)).or_default().merge(&part);
            }
        }
        for ((source, epoch, hour), mut segment) in fresh {
            let key = || Ok::<_, Error>(vec![source.as_str().into(), integer(epoch)?, integer(hour)?]);
            let query = "SELECT body FROM hours WHERE source = ? AND epoch = ? AND hour = ?";
            for mut row in self.database.rows(query, key()?)? {
                segment.merge(&decode(&row.blob()?)?);
            }
            let parts = segment.encode_within(MAX_ROW_BYTES);
            let mut surplus = key()?;
            surplus.push(integer(parts.len())?);
            let delete = "DELETE FROM hours WHERE source = ? AND epoch = ? AND hour = ? AND part >= ?";
            self.database.run(delete, surplus)?;
            let upsert =
                "INSERT OR REPLACE INTO hours (source, epoch, hour, part, body) VALUES (?, ?, ?, ?, ?)";
            for (part, body) in parts.into_iter().enumerate() {
                let mut bindings = key()?;
                bindings.extend([integer(part)?, body.into()]);
                self.database.run(upsert, bindings)?;
            }
        }
        self.database.run("DELETE FROM tail", vec![]).map(drop)
    }

    /// Hands over every stored segment that may have cells in these hours.
    pub(crate) fn segments(&self, hours: &Range<Hour>, mut take: impl FnMut(Segment)) -> Result<()> {
        let range = vec![integer(hours.start.0)?, integer(hours.end.0)?];
        let query = "SELECT body FROM hours WHERE hour >= ? AND hour < ?";
        for mut row in self.database.rows(query, range)? {
            take(decode(&row.blob()?)?);
        }
        for mut row in self.database.rows("SELECT body FROM tail ORDER BY id", vec![])? {
            take(decode(&row.blob()?)?);
        }
        Ok(())
    }
}

fn heard(mut row: super::sql::Row) -> Result<Heard> {
    let seq = u64::try_from(row.integer()?).unwrap_or(0);
    let through_ms = row.integer_or_null()?;
    Ok(Heard { seq, through_ms, totals: serde_json::from_str(&row.text()?)? })
}

fn decode(bytes: &[u8]) -> Result<Segment> {
    Segment::decode(bytes).map_err(|error| Error::RustError(format!("stored segment: {error}")))
}
