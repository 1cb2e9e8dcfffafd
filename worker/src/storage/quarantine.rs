//! What a Quarantine object stores: rejected events, a row for many of them, and how many there were.

use std::collections::BTreeMap;

use adtally_core::time::{DAY_MS, HOUR_MS};
use adtally_wire::gzip::{gunzip, gzip};
use adtally_wire::quarantine::{Filter, Forget, Listing, MAX_AGE_DAYS, Order, Owner, Place, Record, Settled};
use worker::{Error, Result, SqlStorageValue};

use super::schema::{Migrations, migrate};
use super::sql::{Database, Row, integer};

/// The most bytes of a row, unpacked: what one gathering of requests may bring.
pub(crate) const MAX_ROW_BYTES: usize = 1_000_000;
/// The most packed bytes of all rows; the oldest make room for new ones.
const MAX_STORED_BYTES: i64 = 64_000_000;
/// The most old rows that are removed at once: each removal is a row written.
const MAX_REMOVED: i64 = 8;
/// How long a note of an owner is fresh: each that is not is a row written.
pub(crate) const NOTE_MS: i64 = HOUR_MS;
/// The most owners that are told: as many as can have been noted in a platform of the size that is meant.
const MAX_OWNERS: i64 = 100_000;
/// The most rows that one question reads: a row has up to a megabyte to unpack.
const MAX_ROWS_READ: usize = 200;

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[
    &[
        "CREATE TABLE parcels (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
            bytes INTEGER NOT NULL, codes TEXT NOT NULL, records BLOB NOT NULL)",
        "CREATE TABLE counts (hour INTEGER PRIMARY KEY, codes TEXT NOT NULL)",
    ],
    // Only in that of the platform: of whom something was rejected, and when that was noted last.
    &["CREATE TABLE owners (owner TEXT PRIMARY KEY, at_ms INTEGER NOT NULL)"],
];

/// The store of one owner's rejected events.
#[derive(Clone)]
pub(crate) struct QuarantineStore {
    database: Database,
}

/// The records of a row by their place; those that are gone leave a gap.
type Slots = Vec<Option<Record>>;
/// Why a record is still there, with the message; `None`: it is gone.
type Change<'a> = Option<(&'a str, &'a str)>;

impl QuarantineStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Keeps records as one row, and counts: them and what is not kept.
    pub(crate) fn hold(
        &self,
        records: Vec<Record>,
        counts: &BTreeMap<String, u64>,
        now_ms: i64,
    ) -> Result<()> {
        let slots: Slots = records.into_iter().map(Some).collect();
        self.database.atomically(|| {
            self.count(counts, now_ms)?;
            if !slots.is_empty() {
                let packed = pack(&slots)?;
                let bindings =
                    vec![integer(now_ms)?, integer(packed.len())?, codes(&slots).into(), blob(packed)];
                let insert = "INSERT INTO parcels (at_ms, bytes, codes, records) VALUES (?, ?, ?, ?)";
                self.database.run(insert, bindings)?;
            }
            self.make_room(now_ms)
        })
    }

    fn count(&self, counts: &BTreeMap<String, u64>, now_ms: i64) -> Result<()> {
        let hour = now_ms.div_euclid(HOUR_MS);
        let known = self.database.rows("SELECT codes FROM counts WHERE hour = ?", vec![integer(hour)?])?;
        let mut sums: BTreeMap<String, u64> = match known.into_iter().next() {
            Some(mut row) => serde_json::from_str(&row.text()?)?,
            None => BTreeMap::new(),
        };
        for (code, count) in counts {
            *sums.entry(code.clone()).or_default() += count;
        }
        let upsert =
            "INSERT INTO counts (hour, codes) VALUES (?1, ?2) ON CONFLICT (hour) DO UPDATE SET codes = ?2";
        let sums = serde_json::to_string(&sums)?;
        self.database.run(upsert, vec![integer(hour)?, sums.as_str().into()]).map(drop)
    }

    /// Removes what is too old, or too much.
    fn make_room(&self, now_ms: i64) -> Result<()> {
        let oldest = now_ms - MAX_AGE_DAYS * DAY_MS;
        let sum = self.database.rows("SELECT coalesce(sum(bytes), 0) FROM parcels", vec![])?;
        let bytes = sum.into_iter().next().map_or(Ok(0), |mut row| row.integer())?;
        let is_over = i64::from(bytes > MAX_STORED_BYTES);
        let delete = "DELETE FROM parcels WHERE number IN
            (SELECT number FROM parcels WHERE at_ms < ?1 OR ?2 ORDER BY number LIMIT ?3)";
        self.database.run(delete, vec![integer(oldest)?, integer(is_over)?, integer(MAX_REMOVED)?])?;
        let hours = "DELETE FROM counts WHERE hour IN (SELECT hour FROM counts WHERE hour < ?1 LIMIT ?2)";
        let bindings = vec![integer(oldest.div_euclid(HOUR_MS))?, integer(MAX_REMOVED)?];
        self.database.run(hours, bindings).map(drop)
    }

    /// The records that are meant, and counts.
    pub(crate) fn list(&self, filter: &Filter) -> Result<Listing> {
        let mut listing = Listing { counts: self.counts(filter)?, ..Listing::default() };
        let (order, start) = match filter.order {
            Order::NewestFirst => ("number <= ?1 ORDER BY number DESC", i64::from(u32::MAX)),
            Order::OldestFirst => ("number >= ?1 ORDER BY number", 0),
        };
        let start = filter.beyond.map_or(start, |beyond| beyond.row);
        let select = format!(
            "SELECT number FROM parcels WHERE {order}
            LIMIT {MAX_ROWS_READ}"
        );
        let numbers = self.database.rows(&select, vec![integer(start)?])?;
        let full = numbers.len() == MAX_ROWS_READ;
        for mut row in numbers {
            let number = row.integer()?;
            let Some((codes, slots)) = self.row(number)? else { continue };
            if filter.code.as_ref().is_some_and(|code| !codes.contains(&format!(",{code},"))) {
                continue;
            }
            let placed = slots
                .into_iter()
                .zip(0..)
                .filter_map(|(record, index)| Some((Place { row: number, index }, record?)));
            let mut placed: Vec<_> = placed.filter(|(place, record)| filter.takes(*place, record)).collect();
            if filter.order == Order::NewestFirst {
                placed.reverse();
            }
            for found in placed {
                if listing.records.len() == filter.limit {
                    listing.more = true;
                    return Ok(listing);
                }
                listing.records.push(found);
            }
        }
        listing.more = full && !listing.records.is_empty();
        Ok(listing)
    }

    fn counts(&self, filter: &Filter) -> Result<BTreeMap<String, u64>> {
        let (from, to) = (filter.from_ms.div_euclid(HOUR_MS), filter.to_ms.div_euclid(HOUR_MS));
        let select = "SELECT codes FROM counts WHERE hour BETWEEN ? AND ?";
        let mut counts = BTreeMap::new();
        for mut row in self.database.rows(select, vec![integer(from)?, integer(to)?])? {
            let hour: BTreeMap<String, u64> = serde_json::from_str(&row.text()?)?;
            for (code, count) in hour {
                *counts.entry(code).or_default() += count;
            }
        }
        Ok(counts)
    }

    fn row(&self, number: i64) -> Result<Option<(String, Slots)>> {
        let select = "SELECT codes, records FROM parcels WHERE number = ?";
        let unpacked = |mut row: Row| Ok((row.text()?, unpack(&row.blob()?)?));
        let found = self.database.rows(select, vec![integer(number)?])?.into_iter().next();
        found.map(unpacked).transpose()
    }

    /// Notes what a replay has made of records. May be repeated: what is gone stays gone.
    pub(crate) fn settle(&self, settled: &Settled) -> Result<()> {
        let mut changes: BTreeMap<i64, Vec<(u32, Change<'_>)>> = BTreeMap::new();
        for place in &settled.gone {
            changes.entry(place.row).or_default().push((place.index, None));
        }
        for (place, code, message) in &settled.still_wrong {
            changes.entry(place.row).or_default().push((place.index, Some((code, message))));
        }
        self.database.atomically(|| {
            for (number, changes) in &changes {
                let Some((_, mut slots)) = self.row(*number)? else { continue };
                for (index, change) in changes {
                    apply(&mut slots, *index, *change);
                }
                self.replace(*number, &slots)?;
            }
            Ok(())
        })
    }

    /// Removes the records of users. May be repeated: what is gone stays gone.
    pub(crate) fn forget(&self, forget: &Forget) -> Result<()> {
        let is_meant = |record: &Record| record.user.as_ref().is_some_and(|user| forget.users.contains(user));
        for mut row in self.database.rows("SELECT number FROM parcels ORDER BY number", vec![])? {
            let number = row.integer()?;
            let Some((_, mut slots)) = self.row(number)? else { continue };
            let meant = slots.iter_mut().filter(|slot| slot.as_ref().is_some_and(is_meant));
            if meant.map(|slot| *slot = None).count() > 0 {
                self.database.atomically(|| self.replace(number, &slots))?;
            }
        }
        Ok(())
    }

    /// Notes of whom something was rejected, and forgets those of whom nothing can be left.
    pub(crate) fn note(&self, owner: &str, now_ms: i64) -> Result<()> {
        let known = "SELECT 1 FROM owners WHERE owner = ? AND at_ms > ?";
        let bindings = || Ok::<_, Error>(vec![owner.into(), integer(now_ms - NOTE_MS)?]);
        if !self.database.rows(known, bindings()?)?.is_empty() {
            return Ok(());
        }
        let upsert =
            "INSERT INTO owners (owner, at_ms) VALUES (?1, ?2) ON CONFLICT (owner) DO UPDATE SET at_ms = ?2";
        self.database.run(upsert, vec![owner.into(), integer(now_ms)?])?;
        let oldest = integer(now_ms - (MAX_AGE_DAYS + 1) * DAY_MS)?;
        let delete = "DELETE FROM owners WHERE owner IN (SELECT owner FROM owners WHERE at_ms < ? LIMIT ?)";
        self.database.run(delete, vec![oldest, integer(MAX_REMOVED)?]).map(drop)
    }

    /// Of whom something was rejected, the last noted first.
    pub(crate) fn owners(&self) -> Result<Vec<Owner>> {
        let select = "SELECT owner FROM owners ORDER BY at_ms DESC, owner LIMIT ?";
        let rows = self.database.rows(select, vec![integer(MAX_OWNERS)?])?;
        rows.into_iter().map(|mut row| Ok(Owner { owner: row.text()? })).collect()
    }

    fn replace(&self, number: i64, slots: &Slots) -> Result<()> {
        if slots.iter().all(Option::is_none) {
            let delete = "DELETE FROM parcels WHERE number = ?";
            return self.database.run(delete, vec![integer(number)?]).map(drop);
        }
        let packed = pack(slots)?;
        let bindings = vec![integer(packed.len())?, codes(slots).into(), blob(packed), integer(number)?];
        let update = "UPDATE parcels SET bytes = ?, codes = ?, records = ? WHERE number = ?";
        self.database.run(update, bindings).map(drop)
    }
}

fn apply(slots: &mut Slots, index: u32, change: Change<'_>) {
    let Some(slot) = slots.get_mut(index as usize) else { return };
    match (change, slot) {
        (None, slot) => *slot = None,
        (Some((code, message)), Some(record)) => {
            (record.code, record.message) = (code.to_owned(), message.to_owned());
            record.tries = record.tries.saturating_add(1);
        }
        (Some(_), None) => {}
    }
}

/// The codes in a row, each between commas.
fn codes(slots: &Slots) -> String {
    let mut codes: Vec<&str> = slots.iter().flatten().map(|record| record.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    format!(",{},", codes.join(","))
}

fn pack(slots: &Slots) -> Result<Vec<u8>> {
    gzip(&serde_json::to_vec(slots)?).map_err(|error| Error::RustError(error.to_string()))
}

fn unpack(bytes: &[u8]) -> Result<Slots> {
    let json = gunzip(bytes, 2 * MAX_ROW_BYTES).map_err(|error| Error::RustError(error.to_string()))?;
    Ok(serde_json::from_slice(&json)?)
}

fn blob(bytes: Vec<u8>) -> SqlStorageValue {
    SqlStorageValue::Blob(bytes)
}
