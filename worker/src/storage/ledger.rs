//! What a ledger stores: batches as they came, each once, the sums of their entries by hour, and how far they are delivered.

mod deliveries;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use adtally_core::billing::{Account, HourlySums, Sums, add_up, book};
use adtally_core::time::{Hour, ServerTime};
use adtally_wire::billing::Message;
use adtally_wire::billing::object::EntriesQuery;
use adtally_wire::billing::packed::is_packed;
use adtally_wire::billing::sums::{decode_sums, encode_sums};
use adtally_wire::gzip::{gunzip, gzip};
use worker::{Error, Result};

use super::schema::{Migrations, migrate};
use super::sql::{Database, integer};

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[&[
    // The text of each message, gzipped unless it is packed already, and the hours of the events in it.
    "CREATE TABLE batches (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, seq INTEGER NOT NULL, part INTEGER NOT NULL,
        taken_ms INTEGER NOT NULL, first_hour INTEGER NOT NULL, last_hour INTEGER NOT NULL, body BLOB NOT NULL
    )",
    // What makes a batch that is delivered twice count once.
    "CREATE UNIQUE INDEX batches_by_source ON batches (source, seq, part)",
    // The sums of an hour; the part, as a row may have 2 MB.
    "CREATE TABLE sums (hour INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (hour, part))
        WITHOUT ROWID",
], &[
    // By topic, as text: see `adtally_kafka::Delivery`.
    "CREATE TABLE deliveries (topic TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
]];

/// The most accounts in a row of sums, 300 bytes each if their names are as long as they may be.
const MAX_ROW_ACCOUNTS: usize = 4_000;
/// The most bytes of a message; it was much smaller when it was packed.
const MAX_MESSAGE_BYTES: usize = 1_000_000;
/// How gzip begins, and no text.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The most batches that one page of entries looks through.
const PAGE_BATCHES: usize = 64;

/// The store of a ledger.
#[derive(Clone)]
pub(crate) struct LedgerStore {
    pub(super) database: Database,
}

impl LedgerStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Takes messages to an advertiser, all in one transaction; those that it has, and the second of two, change
    /// nothing. `Some` says why a message cannot be taken, whatever the others are.
    pub(crate) fn take<'a>(
        &self,
        advertiser: &str,
        texts: impl Iterator<Item = &'a str> + Clone,
        now: ServerTime,
    ) -> Result<Vec<Option<String>>> {
        self.database.atomically(|| {
            let mut sums = HourlySums::new();
            let mut errors = Vec::new();
            // One by one: unpacked, they are large.
            for text in texts.clone() {
                errors.push(match Message::parse(text) {
                    Ok(message) if message.advertiser.as_str() == advertiser => {
                        self.take_one(&message, text, now, &mut sums)?
                    }
                    Ok(message) => {
                        Some(format!("it is for {}, this is the ledger of {advertiser}", message.advertiser))
                    }
                    Err(error) => Some(error.to_string()),
                });
            }
            sums.iter().try_for_each(|(hour, accounts)| self.write(*hour, accounts))?;
            Ok(errors)
        })
    }

    fn take_one(
        &self,
        message: &Message,
        text: &str,
        now: ServerTime,
        sums: &mut HourlySums,
    ) -> Result<Option<String>> {
        let key = || {
            let batch = message.batch.id;
            Ok::<_, Error>(vec![message.source.as_str().into(), integer(batch.seq)?, integer(batch.part)?])
        };
        let known = "SELECT id FROM batches WHERE source = ? AND seq = ? AND part = ?";
        if !self.database.rows(known, key()?)?.is_empty() {
            return Ok(None);
        }
        let more = match add_up(&message.batch.entries) {
            Ok(more) => more,
            Err(overflow) => return Ok(Some(overflow.to_string())),
        };
        let (Some(first), Some(last)) = (more.keys().next().copied(), more.keys().next_back().copied())
        else {
            return Ok(None);
        };
        for hour in more.keys() {
            if !sums.contains_key(hour) {
                sums.insert(*hour, self.read(*hour)?);
            }
        }
        if let Err(overflow) = book(sums, more) {
            return Ok(Some(overflow.to_string()));
        }
        let body = match is_packed(text) {
            true => text.as_bytes().to_vec(),
            false => gzip(text.as_bytes()).map_err(|error| Error::RustError(error.to_string()))?,
        };
        let insert = "INSERT INTO batches (source, seq, part, taken_ms, first_hour, last_hour, body)
            VALUES (?, ?, ?, ?, ?, ?, ?)";
        let mut bindings = key()?;
        bindings.extend([integer(now.0)?, integer(first.0)?, integer(last.0)?, body.into()]);
        self.database.run(insert, bindings)?;
        Ok(None)
    }

    fn read(&self, hour: Hour) -> Result<BTreeMap<Account, Sums>> {
        let mut accounts = BTreeMap::new();
        let query = "SELECT body FROM sums WHERE hour = ?";
        for mut row in self.database.rows(query, vec![integer(hour.0)?])? {
            accounts.extend(sums_of(&row.blob()?)?);
        }
        Ok(accounts)
    }

    /// Accounts never go, so no part is ever left over.
    fn write(&self, hour: Hour, accounts: &BTreeMap<Account, Sums>) -> Result<()> {
        let accounts: Vec<(&Account, &Sums)> = accounts.iter().collect();
        let upsert = "INSERT OR REPLACE INTO sums (hour, part, body) VALUES (?, ?, ?)";
        for (part, accounts) in accounts.chunks(MAX_ROW_ACCOUNTS).enumerate() {
            let body = encode_sums(accounts.iter().copied());
            self.database.run(upsert, vec![integer(hour.0)?, integer(part)?, body.into()])?;
        }
        Ok(())
    }

    /// Hands over the sums of these hours, in order.
    pub(crate) fn sums(
        &self,
        hours: &Range<Hour>,
        mut take: impl FnMut(Hour, Account, Sums) -> Result<()>,
    ) -> Result<()> {
        let query = "SELECT hour, body FROM sums WHERE hour >= ? AND hour < ? ORDER BY hour, part";
        for mut row in self.database.rows(query, vec![integer(hours.start.0)?, integer(hours.end.0)?])? {
            let hour = Hour(i32::try_from(row.integer()?).unwrap_or(i32::MAX));
            for (account, sums) in sums_of(&row.blob()?)? {
                take(hour, account, sums)?;
            }
        }
        Ok(())
    }

    /// Hands over the next batches at or behind a place that may have events of these hours, until `take` has enough;
    /// whether they were all.
    pub(crate) fn batches(
        &self,
        query: &EntriesQuery,
        mut take: impl FnMut(i64, &Message) -> ControlFlow<()>,
    ) -> Result<bool> {
        let select = "SELECT id, body FROM batches WHERE id >= ? AND last_hour >= ? AND first_hour < ?
            ORDER BY id LIMIT 1";
        let from = query.from_hour.unwrap_or(i32::MIN);
        let to = query.to_hour.map_or(i64::from(i32::MAX) + 1, i64::from);
        let mut next = query.after.map_or(0, |after| after.batch);
        // One by one: unpacked, they are large.
        for _ in 0..PAGE_BATCHES {
            let bindings = vec![integer(next)?, integer(from)?, integer(to)?];
            let Some(mut row) = self.database.rows(select, bindings)?.into_iter().next() else {
                return Ok(true);
            };
            let id = row.integer()?;
            if take(id, &message_of(row.blob()?)?).is_break() {
                return Ok(false);
            }
            next = id + 1;
        }
        Ok(false)
    }
}

fn message_of(body: Vec<u8>) -> Result<Message> {
    let is_gzip = body.starts_with(&GZIP_MAGIC);
    let text = if is_gzip { gunzip(&body, MAX_MESSAGE_BYTES).map_err(unreadable)? } else { body };
    Message::parse(&String::from_utf8(text).map_err(unreadable)?).map_err(unreadable)
}

fn sums_of(bytes: &[u8]) -> Result<Vec<(Account, Sums)>> {
    decode_sums(bytes).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::RustError(format!("stored batch: {error}"))
}
