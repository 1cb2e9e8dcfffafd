//! What a Report object stores: the batch's cells by day, source and generation; real-time cells by source, epoch and
//! hour; and how far it has heard each source.

mod batch;
mod cubes;

use std::collections::BTreeMap;
use std::ops::Range;

use adtally_core::ledger;
use adtally_core::segment::Segment;
use adtally_core::time::Hour;
use adtally_wire::delta::Delta;
use worker::{Error, Result, SqlStorageValue};

use super::schema::{Migrations, migrate};
use super::sql::{Database, integer};

pub(crate) use cubes::{Asked, StoredCube, StoredPart};

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[
    &[
        // How far each source was heard, and the all-time totals of what it said, as JSON by measure.
        "CREATE TABLE sources (
            source TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, through_ms INTEGER,
            totals TEXT NOT NULL
        ) WITHOUT ROWID",
        // Of earlier versions: deltas as they came.
        "CREATE TABLE tail (id INTEGER PRIMARY KEY, source TEXT NOT NULL, epoch INTEGER NOT NULL, body BLOB NOT NULL)",
        // The epoch is part of the key so that a batch cut can drop what it covers; the part, as a row may have 2 MB.
        "CREATE TABLE hours (
            source TEXT NOT NULL, epoch INTEGER NOT NULL, hour INTEGER NOT NULL, part INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (source, epoch, hour, part)
        ) WITHOUT ROWID",
    ],
    &[
        // What a source said in its epoch that is not in `hours` yet, summed, and how many deltas that were: in the
        // same row as how far it was heard, since a row written costs the same whatever is in it.
        "ALTER TABLE sources ADD COLUMN tail BLOB",
        "ALTER TABLE sources ADD COLUMN deltas INTEGER NOT NULL DEFAULT 0",
    ],
    &[
        // The last epoch that the batch covers, and the server time up to which it does.
        "ALTER TABLE sources ADD COLUMN covered INTEGER",
        "ALTER TABLE sources ADD COLUMN covered_through_ms INTEGER",
        // The batch: of each day and source, what it was from a generation on. Rows of a generation that is not in
        // `generations` are staged: nobody reads them.
        "CREATE TABLE days (
            day INTEGER NOT NULL, source TEXT NOT NULL, generation INTEGER NOT NULL, part INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (day, source, generation, part)
        ) WITHOUT ROWID",
        // What is published, with the totals of the batch as JSON by measure.
        "CREATE TABLE generations (
            generation INTEGER PRIMARY KEY, made_ms INTEGER NOT NULL, through_ms INTEGER, updated_ms INTEGER,
            totals TEXT NOT NULL
        )",
        // What a generation changed of what was published before, by cause.
        "CREATE TABLE restatements (
            generation INTEGER NOT NULL, part INTEGER NOT NULL, day INTEGER NOT NULL, cause TEXT NOT NULL,
            before BLOB NOT NULL, after BLOB NOT NULL, PRIMARY KEY (generation, part)
        ) WITHOUT ROWID",
    ],
    &[
        // Cells that are added up beforehand: definitions as JSON, ...
        "CREATE TABLE cubes (
            name TEXT PRIMARY KEY, revision INTEGER NOT NULL, enabled INTEGER NOT NULL, body TEXT NOT NULL
        ) WITHOUT ROWID",
        // ... what is built of them, by the first and the last day, in the bucket under the key, ...
        "CREATE TABLE cube_parts (
            cube TEXT NOT NULL, cuboid INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            generation INTEGER NOT NULL, key TEXT NOT NULL, cells INTEGER NOT NULL, bytes INTEGER NOT NULL,
            built_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL, PRIMARY KEY (cube, cuboid, first, last)
        ) WITHOUT ROWID",
        // ... what was built and is of no use any more, ...
        "CREATE TABLE cube_garbage (key TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) WITHOUT ROWID",
        // ... and the shapes of questions, as JSON, with how many there were and how many cells they read together.
        "CREATE TABLE cube_asked (
            shape TEXT PRIMARY KEY, questions INTEGER NOT NULL, cells INTEGER NOT NULL, last_ms INTEGER NOT NULL
        ) WITHOUT ROWID",
    ],
];

/// Deltas in a tail before it is folded: each fold rewrites the hours that they touch.
const MAX_TAIL_DELTAS: i64 = 64;
/// The most bytes of a tail: each delta reads and writes it.
const MAX_TAIL_BYTES: usize = 65_536;

/// The most bytes of an hour's row; a row may have 2 MB.
const MAX_ROW_BYTES: usize = 1_000_000;

/// All-time totals by measure.
pub(crate) type Totals = BTreeMap<String, i64>;

/// The store of a Report object.
#[derive(Clone)]
pub(crate) struct ReportStore {
    database: Database,
}

/// A source.
#[derive(Default)]
pub(crate) struct Source {
    /// How far it was heard, and how far the batch covers it.
    pub(crate) heard: ledger::Heard,
    /// The server time up to which its acknowledged events are known; none before its first full telling.
    pub(crate) through_ms: Option<i64>,
    /// The server time up to which the batch has its acknowledged events.
    pub(crate) covered_through_ms: Option<i64>,
    /// The sum of what it said that the batch does not cover.
    pub(crate) totals: Totals,
}

/// The columns of [`source`].
const SOURCE: &str = "seq, covered, through_ms, covered_through_ms, totals";

impl ReportStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Every source, and how far it was heard.
    pub(crate) fn sources(&self) -> Result<Vec<Source>> {
        let query = format!("SELECT {SOURCE} FROM sources ORDER BY source");
        self.database.rows(&query, vec![])?.into_iter().map(source).collect()
    }

    /// The name of every source.
    pub(crate) fn source_names(&self) -> Result<Vec<String>> {
        let rows = self.database.rows("SELECT source FROM sources ORDER BY source", vec![])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// One source; one that was never heard is as if it had said nothing.
    pub(crate) fn source(&self, name: &str) -> Result<Source> {
        let query = format!("SELECT {SOURCE} FROM sources WHERE source = ?");
        let row = self.database.rows(&query, vec![name.into()])?.into_iter().next();
        row.map(source).transpose().map(Option::unwrap_or_default)
    }

    /// Stores that a delta was heard, and nothing of what it says.
    pub(crate) fn note(&self, delta: &Delta) -> Result<()> {
        let update = "UPDATE sources SET seq = ?, through_ms = coalesce(?, through_ms) WHERE source = ?";
        let through = delta.through_ms.map(integer).transpose()?.into();
        let bindings = vec![integer(delta.seq)?, through, delta.source.as_str().into()];
        self.database.run(update, bindings).map(drop)
    }

    /// Stores a delta with the new totals of its source, both or neither; `segment` is what the delta says.
    pub(crate) fn add(&self, delta: &Delta, segment: &Segment, totals: &Totals) -> Result<()> {
        let totals = serde_json::to_string(totals)?;
        self.database.atomically(|| {
            self.fold_earlier()?;
            let (mut tail, mut deltas) = self.tail(delta)?;
            tail.merge(segment);
            deltas += 1;
            let mut body = tail.encode();
            if deltas >= MAX_TAIL_DELTAS || body.len() > MAX_TAIL_BYTES {
                self.fold(&delta.source, integer(delta.epoch)?, tail)?;
                (body, deltas) = (Segment::default().encode(), 0);
            }
            let upsert =
                "INSERT INTO sources (source, epoch, seq, through_ms, totals, tail, deltas) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (source) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
                through_ms = coalesce(excluded.through_ms, through_ms), totals = excluded.totals,
                tail = excluded.tail, deltas = excluded.deltas";
            let (epoch, seq) = (integer(delta.epoch)?, integer(delta.seq)?);
            let through = delta.through_ms.map(integer).transpose()?.into();
            let source = delta.source.as_str().into();
            let bindings =
                vec![source, epoch, seq, through, totals.as_str().into(), body.into(), integer(deltas)?];
            self.database.run(upsert, bindings).map(drop)
        })
    }

    /// The tail of a delta's source, and how many deltas are in it; that of another epoch is folded first.
    fn tail(&self, delta: &Delta) -> Result<(Segment, i64)> {
        let query = "SELECT epoch, deltas, tail FROM sources WHERE source = ? AND tail IS NOT NULL";
        let mut rows = self.database.rows(query, vec![delta.source.as_str().into()])?;
        let Some(row) = rows.first_mut() else { return Ok((Segment::default(), 0)) };
        let (epoch, deltas, tail) = (row.integer()?, row.integer()?, decode(&row.blob()?)?);
        if u64::try_from(epoch).is_ok_and(|epoch| epoch == delta.epoch) {
            return Ok((tail, deltas));
        }
        self.fold(&delta.source, integer(epoch)?, tail)?;
        Ok((Segment::default(), 0))
    }

    /// Adds cells to the hours of a source.
    fn fold(&self, source: &str, epoch: SqlStorageValue, cells: Segment) -> Result<()> {
        for (hour, mut segment) in cells.split_by_hour() {
            let key = || Ok::<_, Error>(vec![source.into(), epoch.clone(), integer(hour.0)?]);
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
        Ok(())
    }

    /// Folds the deltas of earlier versions.
    fn fold_earlier(&self) -> Result<()> {
        let rows = self.database.rows("SELECT source, epoch, body FROM tail ORDER BY id", vec![])?;
        if rows.is_empty() {
            return Ok(());
        }
        for mut row in rows {
            let (source, epoch, cells) = (row.text()?, row.integer()?, decode(&row.blob()?)?);
            self.fold(&source, integer(epoch)?, cells)?;
        }
        self.database.run("DELETE FROM tail", vec![]).map(drop)
    }

    /// Hands over every stored segment of real time that may have cells in these hours.
    pub(crate) fn segments(&self, hours: &Range<Hour>, mut take: impl FnMut(Segment)) -> Result<()> {
        let range = vec![integer(hours.start.0)?, integer(hours.end.0)?];
        let query = "SELECT body FROM hours WHERE hour >= ? AND hour < ?";
        for mut row in self.database.rows(query, range)? {
            take(decode(&row.blob()?)?);
        }
        let tails = "SELECT tail FROM sources WHERE tail IS NOT NULL UNION ALL SELECT body FROM tail";
        for mut row in self.database.rows(tails, vec![])? {
            take(decode(&row.blob()?)?);
        }
        Ok(())
    }
}

fn source(mut row: super::sql::Row) -> Result<Source> {
    let seq = u64::try_from(row.integer()?).ok();
    let covered = row.integer_or_null()?.and_then(|epoch| u64::try_from(epoch).ok());
    let (through_ms, covered_through_ms) = (row.integer_or_null()?, row.integer_or_null()?);
    let heard = ledger::Heard { seq, covered };
    Ok(Source { heard, through_ms, covered_through_ms, totals: serde_json::from_str(&row.text()?)? })
}

fn decode(bytes: &[u8]) -> Result<Segment> {
    Segment::decode(bytes).map_err(|error| Error::RustError(format!("stored segment: {error}")))
}
