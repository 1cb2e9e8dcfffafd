//! The billing outbox of a Linker object: messages that no consumer has confirmed.

use adtally_core::billing::Entry;
use adtally_core::billing::{BatchId, MAX_ROW_BATCHES};
use adtally_core::event::EventRef;
use adtally_core::shard::Telling;
use adtally_wire::billing::Message;
use adtally_wire::billing::packed::texts;
use worker::{Error, Result};

use super::sql::{Database, Row, integer};

/// A row has the messages of one flush, one a line, unless they are too many; it is known by the first of them. It
/// goes when all of them are confirmed.
pub(super) const SCHEMA: &[&str] = &["CREATE TABLE billing_outbox (
    seq INTEGER NOT NULL, part INTEGER NOT NULL, made_ms INTEGER NOT NULL, entries INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (seq, part)
) WITHOUT ROWID"];

/// The newest rows in which an event's story looks for its entries; older ones that are open are seldom.
const STORY_ROWS: i64 = 16;

/// The billing outbox.
#[derive(Clone)]
pub(crate) struct BillingOutbox {
    database: Database,
}

/// A row.
pub(crate) struct OutboxRow {
    /// Its first batch.
    pub(crate) id: BatchId,
    /// Its messages.
    pub(crate) messages: Vec<(BatchId, String)>,
}

/// How much is in an outbox.
pub(crate) struct Depth {
    /// Rows.
    pub(crate) rows: u64,
    /// Entries in them.
    pub(crate) entries: u64,
    /// When the oldest was made.
    pub(crate) oldest_ms: Option<i64>,
}

impl BillingOutbox {
    /// The outbox in a database whose tables are there.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Adds what a telling of the Linker `source` costs; belongs into the transaction that stores its parcels.
    pub(super) fn add(&self, source: &str, telling: &Telling) -> Result<()> {
        let advertiser = telling.billing.first().and_then(|batch| batch.entries.first());
        let Some(advertiser) = advertiser.map(|entry| &entry.charge.advertiser) else { return Ok(()) };
        for row in texts(advertiser, source, &telling.billing).chunks(MAX_ROW_BATCHES) {
            let Some(first) = row.first() else { continue };
            let body = row.iter().map(|text| text.text.as_str()).collect::<Vec<_>>().join("\n");
            let entries: usize = row.iter().map(|text| text.entries).sum();
            let insert =
                "INSERT INTO billing_outbox (seq, part, made_ms, entries, body) VALUES (?, ?, ?, ?, ?)";
            let (seq, part) = (integer(first.id.seq)?, integer(first.id.part)?);
            let bindings = vec![seq, part, integer(telling.made.0)?, integer(entries)?, body.into()];
            self.database.run(insert, bindings)?;
        }
        Ok(())
    }

    /// The oldest row after another one; after none, the oldest of all.
    pub(crate) fn after(&self, row: Option<BatchId>) -> Result<Option<OutboxRow>> {
        let query = "SELECT seq, part, body FROM billing_outbox WHERE (seq, part) > (?, ?) ORDER BY seq, part LIMIT 1";
        let (seq, part) = row.map_or((-1, 0), |row| (row.seq as i64, row.part));
        self.read(query, vec![integer(seq)?, integer(part)?])
    }

    /// One row; `None` if it is gone.
    pub(crate) fn row(&self, row: BatchId) -> Result<Option<OutboxRow>> {
        let query = "SELECT seq, part, body FROM billing_outbox WHERE seq = ? AND part = ?";
        self.read(query, vec![integer(row.seq)?, integer(row.part)?])
    }

    fn read(&self, query: &str, bindings: Vec<worker::SqlStorageValue>) -> Result<Option<OutboxRow>> {
        self.database.rows(query, bindings)?.into_iter().next().map(outbox_row).transpose()
    }

    /// Forgets a row.
    pub(crate) fn remove(&self, row: BatchId) -> Result<()> {
        let delete = "DELETE FROM billing_outbox WHERE seq = ? AND part = ?";
        self.database.run(delete, vec![integer(row.seq)?, integer(row.part)?]).map(drop)
    }

    /// How much is in it.
    pub(crate) fn depth(&self) -> Result<Depth> {
        let query = "SELECT count(*), coalesce(sum(entries), 0), min(made_ms) FROM billing_outbox";
        let Some(mut row) = self.database.rows(query, vec![])?.into_iter().next() else {
            return Ok(Depth { rows: 0, entries: 0, oldest_ms: None });
        };
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(Depth {
            rows: unsigned(row.integer()?),
            entries: unsigned(row.integer()?),
            oldest_ms: row.integer_or_null()?,
        })
    }

    /// The entries of an event in the newest rows, the oldest first.
    pub(crate) fn of_event(&self, event: &EventRef) -> Result<Vec<Entry>> {
        let query = "SELECT seq, part, body FROM billing_outbox ORDER BY seq DESC, part DESC LIMIT ?";
        let mut entries = Vec::new();
        let rows = self.database.rows(query, vec![integer(STORY_ROWS)?])?;
        for row in rows.into_iter().rev() {
            for (_, text) in outbox_row(row)?.messages {
                let message = Message::parse(&text).map_err(|error| Error::RustError(error.to_string()))?;
                let own = message.batch.entries.into_iter().filter(|entry| entry.charge.event == *event);
                entries.extend(own);
            }
        }
        Ok(entries)
    }
}

fn outbox_row(mut row: Row) -> Result<OutboxRow> {
    let seq = u64::try_from(row.integer()?).unwrap_or(0);
    let part = u32::try_from(row.integer()?).unwrap_or(0);
    let body = row.text()?;
    let id = |index: u32| BatchId { seq, part: part + index };
    let messages = (0..).map(id).zip(body.lines().map(str::to_owned)).collect();
    Ok(OutboxRow { id: id(0), messages })
}
