//! The way of billing: from a Linker's outbox through a queue into a ledger, and the confirmation back.

use std::collections::BTreeSet;

use adtally_core::billing::{Batch, Entry, EntryKind, MAX_ROW_BATCHES, Step, batches};
use adtally_core::shard::Telling;
use adtally_core::time::{HOUR_MS, ServerTime};

use super::Bug;
use super::world::{Store, World};

/// Small messages, so that a telling makes several.
const MAX_MESSAGE_BYTES: usize = 2_000;

/// A ledger; it has nothing that is not stored.
#[derive(Clone, Default)]
pub(super) struct Books {
    pub(super) entries: Vec<Entry>,
    /// The ids of those that it has taken.
    pub(super) taken: BTreeSet<String>,
}

/// The name of a Linker.
fn source(node: usize) -> String {
    format!("acme/{node}")
}

/// The ids and the entries of a batch.
pub(super) fn identified(node: usize, batch: &Batch) -> impl Iterator<Item = (String, &Entry)> {
    (0..).map(move |index| batch.id.entry(&source(node), index)).zip(&batch.entries)
}

impl Store {
    /// Puts what a telling costs into the outbox.
    pub(super) fn bill(&mut self, telling: &Telling, bug: Option<Bug>) {
        let mut entries: Vec<Entry> =
            telling.billing.iter().flat_map(|batch| batch.entries.clone()).collect();
        if bug == Some(Bug::CreditForgotten) {
            entries.retain(|entry| entry.kind == EntryKind::Charge);
        }
        let Some(seq) = telling.billing.first().map(|batch| batch.id.seq) else { return };
        let batches = batches(seq, entries, MAX_MESSAGE_BYTES);
        self.billing.extend(batches.chunks(MAX_ROW_BATCHES).map(|row| (row[0].id, row.to_vec())));
    }
}

impl World {
    /// A Linker hands rows to the queue.
    pub(super) fn bill(&mut self, node: usize, rows: usize, crash: bool) {
        for left in (0..rows).rev() {
            let Some((row, batches)) = self.next_row(node) else { return };
            let crashes = crash && left == 0;
            let arrived = if crashes { batches.len() / 2 } else { batches.len() };
            self.queue.extend(batches[..arrived].iter().map(|batch| (node, batch.clone())));
            let Self { nodes, config, now, .. } = self;
            if crashes {
                return nodes[node].crash();
            }
            nodes[node].hand_off.sent(row, batches.iter().map(|batch| batch.id), *now);
            nodes[node].hand_off.accepted();
            if config.bug == Some(Bug::RowForgottenWhenSent) {
                nodes[node].store.billing.remove(&row);
            }
        }
    }

    /// A Linker tries to hand over a row, and the queue refuses the rest of it after its first message.
    pub(super) fn refuse(&mut self, node: usize) {
        let Some((row, batches)) = self.next_row(node) else { return };
        let Self { nodes, now, .. } = self;
        nodes[node].hand_off.sent(row, batches.iter().map(|batch| batch.id), *now);
        self.queue.extend(batches.first().map(|batch| (node, batch.clone())));
        nodes[node].hand_off.refused(row, *now);
    }

    fn next_row(&self, node: usize) -> Option<(adtally_core::billing::BatchId, Vec<Batch>)> {
        let node = &self.nodes[node];
        match node.hand_off.step(self.now) {
            Step::Send { after } => {
                let next = node.store.billing.iter().find(|(row, _)| Some(**row) > after);
                next.map(|(row, batches)| (*row, batches.clone()))
            }
            Step::Resend { row, batches } => {
                let all = node.store.billing.get(&row)?.iter();
                Some((row, all.filter(|batch| batches.contains(&batch.id)).cloned().collect()))
            }
            Step::Wait(_) => None,
        }
    }

    /// The ledger takes a message and tells the Linker that it has it.
    pub(super) fn consume(&mut self, message: usize, confirmation_is_lost: bool, is_kept: bool) {
        if self.queue.is_empty() {
            return;
        }
        let place = message % self.queue.len();
        let (node, batch) = if is_kept { self.queue[place].clone() } else { self.queue.remove(place) };
        for (id, entry) in identified(node, &batch) {
            if self.books.taken.insert(id) || self.config.bug == Some(Bug::EntryWithoutIdempotencyCheck) {
                self.books.entries.push(entry.clone());
            }
        }
        if !confirmation_is_lost {
            let Self { nodes, begun, .. } = self;
            for row in nodes[node].hand_off.confirmed(&[batch.id]) {
                let gone = nodes[node].store.billing.remove(&row);
                if let (Some(begun), Some(batches)) = (begun.as_mut(), gone) {
                    begun.keep_row(node, row, batches);
                }
            }
        }
    }

    /// No more faults: everything is handed over and confirmed.
    pub(super) fn settle_bills(&mut self) {
        for _ in 0..100 {
            if self.nodes.iter().all(|node| node.store.billing.is_empty()) {
                return;
            }
            self.now = ServerTime(self.now.0 + HOUR_MS);
            for node in 0..self.nodes.len() {
                self.bill(node, usize::MAX, false);
            }
            while !self.queue.is_empty() {
                self.consume(0, false, false);
            }
        }
    }
}
