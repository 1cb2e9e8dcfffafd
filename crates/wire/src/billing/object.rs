//! What the worker says to Linkers, ledgers and the dead letters about billing, and what they answer.

use adtally_core::billing::BatchId;
use serde::{Deserialize, Serialize};

use super::api::BillingEntry;

/// Linker: `POST` [`Confirmed`], answered by 200.
pub const CONFIRMED: &str = "/billing/confirmed";
/// Linker: `POST` anything, answered by an
/// [`OutboxShard`](super::api::OutboxShard).
pub const OUTBOX: &str = "/billing/outbox";
/// Ledger: `POST` the texts of messages, one a line; answered by [`Taken`].
pub const TAKE: &str = "/take";
/// Ledger: `POST` a [`ReduceQuery`](crate::object::ReduceQuery), answered by a
/// [`BillingAnswer`](super::api::BillingAnswer).
pub const TOTALS: &str = "/totals";
/// Ledger: `POST` an [`EntriesQuery`], answered by [`Page`].
pub const ENTRIES: &str = "/entries";
/// Ledger: `POST` anything, answered by a [`KafkaAnswer`](super::kafka::KafkaAnswer).
pub const KAFKA: &str = "/kafka";
/// Ledger: `POST` [`Resume`], answered by a [`KafkaAnswer`](super::kafka::KafkaAnswer), or 409.
pub const RESUME: &str = "/kafka/resume";
/// Dead letters: `POST` [`Letter`], answered by 200 once it is durable.
pub const PARK: &str = "/park";
/// Dead letters: `POST` a [`LettersQuery`], answered by [`Letters`].
pub const LETTERS: &str = "/letters";
/// Dead letters: `POST` [`Replayed`], answered by 200.
pub const REPLAYED: &str = "/replayed";

/// Batches of one Linker that the consumer has: in the ledger, or among the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Sequence number and part of each.
    pub batches: Vec<(u64, u32)>,
}

impl Confirmed {
    /// The batches.
    pub fn ids(&self) -> Vec<BatchId> {
        self.batches.iter().map(|(seq, part)| BatchId { seq: *seq, part: *part }).collect()
    }
}

/// How to go on after a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// What nobody knows the outcome of is sent again; else it counts as stored.
    pub sends_again: bool,
}

/// What became of messages, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// `None`: it is in the ledger, now or before; else why it cannot be.
    pub errors: Vec<Option<String>>,
}

/// Which entries to list, in the order in which the ledger took them; an absent part fits all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EntriesQuery {
    /// Hours of the events: from this one on.
    pub from_hour: Option<i32>,
    /// Before this one.
    pub to_hour: Option<i32>,
    /// Only this campaign.
    pub campaign: Option<String>,
    /// Only charges or credits.
    pub kind: Option<String>,
    /// Only entries of events of this id.
    pub event: Option<String>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// The most entries.
    pub limit: u32,
}

/// A place in a ledger: behind the entry at `index` of batch `batch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The ledger's number of the batch.
    pub batch: i64,
    /// How many of its entries lie before.
    pub index: u32,
}

impl Cursor {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Cursor> {
        let (batch, index) = text.split_once('.')?;
        Some(Cursor { batch: batch.parse().ok()?, index: index.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.batch, self.index)
    }
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// In the order in which the ledger took them.
    pub entries: Vec<BillingEntry>,
    /// Where the next page begins, also where there is none yet.
    pub next: Cursor,
    /// Whether the ledger has more.
    pub more: bool,
}

/// A message that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What the message is known by: a message that dies twice is one letter.
    pub id: String,
    /// Why it was not processed the last time.
    pub error: String,
    /// When that was, in ms since 1970.
    pub at_ms: i64,
    /// The message.
    pub text: String,
}

/// Which letters to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LettersQuery {
    /// Only these, if any are named.
    pub ids: Vec<String>,
    /// Those behind this one, in the order in which they first died.
    pub after: i64,
    /// The most letters.
    pub limit: u32,
}

/// Letters, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// How many there are in all.
    pub count: u64,
    /// Some of them.
    pub letters: Vec<StoredLetter>,
}

/// A letter as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLetter {
    /// Its place in the list.
    pub number: i64,
    /// When it first died, in ms since 1970.
    pub first_ms: i64,
    /// How often it died.
    pub times: u64,
    /// The letter as it died the last time.
    pub letter: Letter,
}

/// What became of letters that were replayed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replayed {
    /// These are in the ledger now.
    pub done: Vec<String>,
}
