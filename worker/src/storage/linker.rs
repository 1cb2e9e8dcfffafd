//! What a Linker object stores: its log, its outbox, the settings that the log refers to, and the runs beside it.

use std::collections::BTreeSet;

use adtally_core::batch::{Gone, Ruling};
use adtally_core::cell::Scope;
use adtally_core::link::run::Written;
use adtally_core::settings::Settings;
use adtally_core::shard::{Expiry, Row as LogRow, Spill, Telling};
use adtally_core::time::ServerTime;
use adtally_wire::delta::Parcel;
use adtally_wire::log::{decode_row, encode_row};
use adtally_wire::object::MAX_LOG_ROW;
use worker::{Error, Result, SqlStorageValue};

use super::archive::{self, ArchiveStore, EpochState};
use super::billing::{self, BillingOutbox};
use super::rulings;
use super::runs::{Runs, TABLES};
use super::schema::{Migrations, migrate};
use super::sql::{Database, integer};

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[
    &[
        // One row per group commit.
        "CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
        // One row per flush; `upto` is the last log row whose facts are in this row or an earlier one. The last row stays,
        // as it says how far the log has been told; its body is null where it is known to be delivered.
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, upto INTEGER NOT NULL, body BLOB)",
        "CREATE TABLE settings (revision INTEGER PRIMARY KEY, shards INTEGER NOT NULL, body TEXT NOT NULL)",
        // An alarm does not tell the object its name.
        "CREATE TABLE identity (name TEXT NOT NULL)",
    ],
    billing::SCHEMA,
    TABLES,
    archive::TABLES,
    archive::GONE,
    rulings::TABLES,
    archive::RESIDUES,
    // The last log row whose facts billing was told, of the last row; null in rows of earlier versions, which told both.
    &["ALTER TABLE outbox ADD COLUMN billed INTEGER"],
];

/// Log rows read at a time.
const PAGE_ROWS: i64 = 16;
/// The most bytes of log rows that are read at a time, but for one row: decoded they take four times as many.
const PAGE_BYTES: i64 = 500_000;

/// The store of a Linker object.
#[derive(Clone)]
pub(crate) struct LinkerStore {
    database: Database,
}

/// A revision of an advertiser's settings.
pub(crate) struct StoredSettings {
    /// 0: the defaults that an advertiser has before it is in the catalog.
    pub(crate) revision: u64,
    /// How many shards the advertiser has.
    pub(crate) shards: u32,
    /// Windows and prices.
    pub(crate) settings: Settings,
}

/// How far the log was told.
#[derive(Default)]
pub(crate) struct OutboxPosition {
    /// The last sequence number.
    pub(crate) seq: u64,
    /// The last row of the log whose facts are in the outbox, or were.
    pub(crate) upto: i64,
    /// The same of billing's.
    pub(crate) billed_upto: i64,
}

/// A row of the outbox that is not delivered yet.
pub(crate) struct OpenParcel {
    /// Its sequence number.
    pub(crate) seq: u64,
    /// The last row of the log that it tells of.
    pub(crate) upto: i64,
    /// What to deliver.
    pub(crate) parcel: Parcel,
}

impl LinkerStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// The object's name, if it was written down.
    pub(crate) fn name(&self) -> Result<Option<String>> {
        self.database.rows("SELECT name FROM identity", vec![])?.first_mut().map(|row| row.text()).transpose()
    }

    /// Writes the object's name down.
    pub(crate) fn set_name(&self, name: &str) -> Result<()> {
        self.database.run("INSERT INTO identity (name) VALUES (?)", vec![name.into()]).map(drop)
    }

    /// Appends rows to the log, all or none, and tells the id of the last.
    pub(crate) fn append(&self, rows: Vec<Vec<u8>>) -> Result<i64> {
        self.database.atomically(|| self.append_within(&rows))
    }

    fn append_within(&self, rows: &[Vec<u8>]) -> Result<i64> {
        for row in rows {
            self.database.run("INSERT INTO log (body) VALUES (?)", vec![row.clone().into()])?;
        }
        let last = "SELECT coalesce(max(id), 0) FROM log";
        self.database.rows(last, vec![])?.first_mut().map_or(Ok(0), |row| row.integer())
    }

    /// Appends a row with rulings to the log, and tells its id.
    pub(crate) fn append_rulings(&self, row: Vec<u8>, rulings: &[Ruling]) -> Result<i64> {
        self.database.atomically(|| {
            let id = self.append_within(std::slice::from_ref(&row))?;
            rulings::add(&self.database, id, rulings)?;
            Ok(id)
        })
    }

    /// Every ruling of the log, each with its row, oldest first.
    pub(crate) fn rulings(&self) -> Result<Vec<(i64, Ruling)>> {
        rulings::all(&self.database)
    }

    /// The runs beside the log.
    pub(crate) fn runs(&self) -> Runs {
        Runs::new(self.database.clone())
    }

    /// Hands over every row of the log after row `after` in order, with its id, up to row `to` where there is one.
    pub(crate) fn replay(
        &self,
        mut after: i64,
        to: Option<i64>,
        mut take: impl FnMut(i64, LogRow) -> Result<()>,
    ) -> Result<()> {
        let to = to.unwrap_or(MAX_LOG_ROW);
        loop {
            let page = self.rows_after(after, to)?;
            if page.is_empty() {
                return Ok(());
            }
            for (id, row) in page {
                after = id;
                take(id, row)?;
            }
        }
    }

    /// The rows of the log after row `after` up to row `to`, in order: a few of them, or none.
    pub(crate) fn rows_after(&self, after: i64, to: i64) -> Result<Vec<(i64, LogRow)>> {
        let sizes = "SELECT id, length(body) FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?";
        let page = vec![integer(after)?, integer(to)?, integer(PAGE_ROWS)?];
        let sizes = self.database.rows(sizes, page)?;
        let Some(last) = last_of_page(sizes)? else { return Ok(Vec::new()) };
        let query = "SELECT id, body FROM log WHERE id > ? AND id <= ? ORDER BY id";
        let page = self.database.rows(query, vec![integer(after)?, integer(last)?])?;
        page.into_iter().map(log_row).collect()
    }

    /// The rows of the log before row `before`, latest first: a few of them, or none.
    pub(crate) fn rows_before(&self, before: i64) -> Result<Vec<(i64, LogRow)>> {
        let sizes = "SELECT id, length(body) FROM log WHERE id < ? ORDER BY id DESC LIMIT ?";
        let sizes = self.database.rows(sizes, vec![integer(before)?, integer(PAGE_ROWS)?])?;
        let Some(last) = last_of_page(sizes)? else { return Ok(Vec::new()) };
        let query = "SELECT id, body FROM log WHERE id < ? AND id >= ? ORDER BY id DESC";
        let page = self.database.rows(query, vec![integer(before)?, integer(last)?])?;
        page.into_iter().map(log_row).collect()
    }

    /// Writes rows of the log again, all or none.
    pub(crate) fn rewrite(&self, rows: &[(i64, LogRow)]) -> Result<()> {
        self.database.atomically(|| {
            rows.iter().try_for_each(|(id, row)| {
                let update = "UPDATE log SET body = ? WHERE id = ?";
                self.database.run(update, vec![encode_row(row).into(), integer(*id)?]).map(drop)
            })
        })
    }

    /// Forgets rulings on users.
    pub(crate) fn erase_rulings(&self, gone: &Gone) -> Result<()> {
        self.database.atomically(|| rulings::erase(&self.database, gone))
    }

    /// Stores a spill: what it tells, its run, and how far the log is spilled with it; all or nothing.
    pub(crate) fn spill(&self, spill: &Spill, delivered: u64) -> Result<()> {
        self.database.atomically(|| {
            if let Some(telling) = &spill.telling {
                self.post_within(telling, delivered)?;
            }
            self.runs().add(&spill.written)?;
            self.runs().set_position(&spill.position)
        })
    }

    /// Puts a merged run into the place of others.
    pub(crate) fn merged(&self, inputs: &[u64], written: &Written) -> Result<()> {
        self.database.atomically(|| {
            self.runs().add(written)?;
            self.runs().drop(inputs)
        })
    }

    /// Drops the runs of which nothing matters any more.
    pub(crate) fn expire(&self, expiry: &Expiry) -> Result<()> {
        self.database.atomically(|| {
            self.runs().drop(&expiry.runs)?;
            self.runs().set_position(&expiry.position)
        })
    }

    /// How far the log was told.
    pub(crate) fn outbox_position(&self) -> Result<OutboxPosition> {
        let query = "SELECT seq, upto, coalesce(billed, upto) FROM outbox ORDER BY seq DESC LIMIT 1";
        let Some(mut row) = self.database.rows(query, vec![])?.into_iter().next() else {
            return Ok(OutboxPosition::default());
        };
        let seq = unsigned(row.integer()?)?;
        Ok(OutboxPosition { seq, upto: row.integer()?, billed_upto: row.integer()? })
    }

    /// The archive and the cuts.
    pub(crate) fn archive(&self) -> ArchiveStore {
        ArchiveStore::new(self.database.clone())
    }

    /// The outbox of billing.
    pub(crate) fn billing(&self) -> BillingOutbox {
        BillingOutbox::new(self.database.clone())
    }

    /// Puts parcels into the outbox, and what facts cost into that of billing, all or none; `delivered` is the number
    /// of the last parcel that is known to be delivered.
    pub(crate) fn post(&self, telling: &Telling, delivered: u64) -> Result<()> {
        self.database.atomically(|| self.post_within(telling, delivered))
    }

    /// Stores what is posted within as one: all or nothing.
    pub(crate) fn as_one<T>(&self, change: impl FnMut() -> Result<T>) -> Result<T> {
        self.database.atomically(change)
    }

    /// Stores a cut: what is told before it, and the epoch that it opens; all or nothing.
    pub(crate) fn cut(&self, telling: Option<&Telling>, delivered: u64, state: &EpochState) -> Result<()> {
        self.database.atomically(|| {
            telling.map_or(Ok(()), |telling| self.post_within(telling, delivered))?;
            self.archive().set_epoch(state)
        })
    }

    /// Fills in to whom parcels were told where a log is older than the list of them: the scopes of its events, which
    /// are all that facts can have.
    pub(crate) fn recall_scopes(&self) -> Result<()> {
        if !self.archive().scopes()?.is_empty() {
            return Ok(());
        }
        let mut scopes = BTreeSet::from([Scope::Platform]);
        self.replay(0, None, |_, row| {
            for event in row.accepted {
                scopes.insert(Scope::Advertiser(event.advertiser));
                scopes.extend(Some(event.dims.service).filter(|key| !key.is_empty()).map(Scope::Service));
            }
            Ok(())
        })?;
        self.archive().remember_scopes(&scopes)
    }

    /// [`LinkerStore::post`] within a change that is stored as one.
    pub(crate) fn post_within(&self, telling: &Telling, delivered: u64) -> Result<()> {
        let epoch = self.archive().epoch()?.epoch;
        let scopes = telling.parcels.iter().flat_map(|parcel| &parcel.segments).map(|(scope, _)| scope);
        self.archive().remember_scopes(scopes)?;
        let source = self.name()?.ok_or_else(|| Error::RustError("the object has no name".to_owned()))?;
        self.billing().add(&source, telling)?;
        for parcel in &telling.parcels {
            let body = Parcel::of(parcel, epoch).encode();
            let row = || {
                let (seq, upto) = (integer(parcel.seq)?, integer(telling.upto)?);
                Ok::<_, Error>(vec![seq, upto, integer(telling.billed_upto)?, body.clone().into()])
            };
            // Into the place of the one that is delivered: a row that goes is paid for like one that comes.
            let mut place = row()?;
            place.push(integer(delivered)?);
            let update =
                "UPDATE outbox SET seq = ?, upto = ?, billed = ?, body = ? WHERE body IS NULL OR seq <= ?";
            if self.database.run(update, place)? == 0 {
                let insert = "INSERT INTO outbox (seq, upto, billed, body) VALUES (?, ?, ?, ?)";
                self.database.run(insert, row()?)?;
            }
        }
        if telling.parcels.is_empty() {
            let update = "UPDATE outbox SET billed = ?, body = CASE WHEN seq <= ? THEN NULL ELSE body END
                WHERE seq = (SELECT max(seq) FROM outbox)";
            self.database.run(update, vec![integer(telling.billed_upto)?, integer(delivered)?])?;
        }
        Ok(())
    }

    /// The oldest parcel behind number `delivered` that is not known to be delivered.
    pub(crate) fn open_parcel(&self, delivered: u64) -> Result<Option<OpenParcel>> {
        let query =
            "SELECT seq, upto, body FROM outbox WHERE body IS NOT NULL AND seq > ? ORDER BY seq LIMIT 1";
        let mut rows = self.database.rows(query, vec![integer(delivered)?])?;
        let Some(row) = rows.first_mut() else { return Ok(None) };
        let (seq, upto) = (unsigned(row.integer()?)?, row.integer()?);
        let parcel = Parcel::decode(&row.blob()?)
            .map_err(|error| Error::RustError(format!("outbox row {seq}: {error}")))?;
        Ok(Some(OpenParcel { seq, upto, parcel }))
    }

    /// How many parcels behind number `delivered` are not known to be delivered, and up to which server time the oldest
    /// of them tells.
    pub(crate) fn open_parcels(&self, delivered: u64) -> Result<(i64, Option<ServerTime>)> {
        let query = "SELECT count(*) FROM outbox WHERE body IS NOT NULL AND seq > ?";
        let counted = self.database.rows(query, vec![integer(delivered)?])?.into_iter().next();
        let count = counted.map_or(Ok(0), |mut row| row.integer())?;
        let oldest = if count > 0 { self.open_parcel(delivered)? } else { None };
        Ok((count, oldest.and_then(|open| open.parcel.through_ms).map(ServerTime)))
    }

    /// Drops the parcels before one that is delivered. That one stays, and is written over by the next: should a crash
    /// come first, it is delivered again, which changes nothing.
    pub(crate) fn delivered(&self, seq: u64) -> Result<()> {
        self.database.run("DELETE FROM outbox WHERE seq < ?", vec![integer(seq)?]).map(drop)
    }

    /// Has numbers go on so far behind the last one that none means two things to those who heard of it: by a parcel
    /// for nobody.
    pub(crate) fn leap(&self, by: u64) -> Result<()> {
        let OutboxPosition { seq, upto, billed_upto } = self.outbox_position()?;
        let epoch = self.archive().epoch()?.epoch;
        let body = Parcel { epoch, through_ms: None, segments: Vec::new() }.encode();
        let row = vec![integer(seq + by)?, integer(upto)?, integer(billed_upto)?, body.into()];
        let insert = "INSERT INTO outbox (seq, upto, billed, body) VALUES (?, ?, ?, ?)";
        self.database.run(insert, row).map(drop)
    }

    /// Every revision of the settings, oldest first.
    pub(crate) fn settings(&self) -> Result<Vec<StoredSettings>> {
        let rows =
            self.database.rows("SELECT revision, shards, body FROM settings ORDER BY revision", vec![])?;
        let stored = |mut row: super::sql::Row| {
            let revision = unsigned(row.integer()?)?;
            let shards =
                u32::try_from(row.integer()?).map_err(|error| Error::RustError(error.to_string()))?;
            Ok(StoredSettings { revision, shards, settings: serde_json::from_str(&row.text()?)? })
        };
        rows.into_iter().map(stored).collect()
    }

    /// Drops a revision that nothing refers to.
    pub(crate) fn drop_settings(&self, revision: u64) -> Result<()> {
        let delete = "DELETE FROM settings WHERE revision = ?";
        self.database.run(delete, vec![integer(revision)?]).map(drop)
    }

    /// Stores a revision of the settings.
    pub(crate) fn set_settings(&self, stored: &StoredSettings) -> Result<()> {
        let body: SqlStorageValue = serde_json::to_string(&stored.settings)?.into();
        let bindings = vec![integer(stored.revision)?, integer(stored.shards)?, body];
        let insert = "INSERT OR REPLACE INTO settings (revision, shards, body) VALUES (?, ?, ?)";
        self.database.run(insert, bindings).map(drop)
    }
}

/// The last of these rows, from `SELECT id, length(body)`, that is read with the first.
fn last_of_page(sizes: Vec<super::sql::Row>) -> Result<Option<i64>> {
    let (mut last, mut bytes) = (None, 0);
    for mut row in sizes {
        let (id, size) = (row.integer()?, row.integer()?);
        bytes += size;
        if last.is_some() && bytes > PAGE_BYTES {
            break;
        }
        last = Some(id);
    }
    Ok(last)
}

/// A row of the log with its id, from `SELECT id, body`.
fn log_row(mut row: super::sql::Row) -> Result<(i64, LogRow)> {
    let id = row.integer()?;
    let row = decode_row(&row.blob()?);
    Ok((id, row.map_err(|error| Error::RustError(format!("log row {id}: {error}")))?))
}

pub(super) fn unsigned(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::RustError(format!("{value} is negative")))
}
