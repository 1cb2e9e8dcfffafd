//! Batches: what goes through the queue as one message.

use super::Entry;
use crate::key::{EventId, Key};

/// The most bytes of a batch as a text: packed, it is a message that a queue counts as one or two.
pub const MAX_BATCH_BYTES: usize = 1_200_000;

/// The most batches in a row of the outbox, which may have 2 MB.
pub const MAX_ROW_BATCHES: usize = 8;

/// Bytes of a message around its entries.
const HEAD_BYTES: usize = 1_000;
/// Bytes of an entry besides its texts: names of fields, numbers, punctuation.
const ENTRY_BYTES: usize = 320;

/// What identifies a batch among those of its shard, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The number of the last parcel of the telling that it belongs to.
    pub seq: u64,
    /// Its place among the batches of that telling.
    pub part: u32,
}

/// Entries that are delivered together; never split or joined again, so an entry is known by its place in its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which one.
    pub id: BatchId,
    /// In order; their places count from 0.
    pub entries: Vec<Entry>,
}

impl BatchId {
    /// The id of an entry, the key by which it is counted once: the name of its shard, its batch and its place there.
    pub fn entry(self, source: &str, index: usize) -> String {
        format!("{source}:{}.{}.{index}", self.seq, self.part)
    }
}

/// Packs the entries of telling `seq`; a batch as a message has at most `max_bytes`, or one entry.
pub fn batches(seq: u64, entries: Vec<Entry>, max_bytes: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = usize::MAX;
    for entry in entries {
        let size = size(&entry);
        if bytes.saturating_add(size) > max_bytes {
            let part = u32::try_from(batches.len()).unwrap_or(u32::MAX);
            batches.push(Batch { id: BatchId { seq, part }, entries: Vec::new() });
            bytes = HEAD_BYTES;
        }
        bytes += size;
        if let Some(last) = batches.last_mut() {
            last.entries.push(entry);
        }
    }
    batches
}

/// At least the bytes of the entry as JSON: a quote or backslash takes two.
fn size(entry: &Entry) -> usize {
    let charge = &entry.charge;
    let key = |key: &Key| {
        let escaped = key.as_str().bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        key.as_str().len() + escaped
    };
    let keys = [&charge.currency, &charge.campaign, &charge.ad, &charge.service, &charge.placement];
    let ids = [Some(&charge.event.id), charge.impression.as_ref(), charge.click.as_ref()];
    let ids = ids.into_iter().flatten().map(|id: &EventId| id.as_str().len());
    ENTRY_BYTES + keys.into_iter().map(key).sum::<usize>() + ids.sum::<usize>()
}
