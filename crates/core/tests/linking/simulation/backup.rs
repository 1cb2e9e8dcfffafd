//! Backups and restores: receivers are copied first and Linkers later, while everything goes on (BACKUP-1).

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::backup::LEAP;
use adtally_core::billing::{Batch, BatchId};
use adtally_core::cell::Scope;
use adtally_core::shard::Parcel;

use super::Bug;
use super::billing::Books;
use super::merge::Run;
use super::world::{Ledger, Store, World};

/// A backup that is being made: receivers are copied, Linkers keep what they tell.
pub(super) struct Begun {
    receivers: Receivers,
    parcels: BTreeMap<(usize, u64), Parcel>,
    rows: BTreeMap<(usize, BatchId), Vec<Batch>>,
}

/// A backup.
pub(super) struct Backup {
    receivers: Receivers,
    linkers: Vec<Store>,
}

#[derive(Clone)]
struct Receivers {
    ledgers: BTreeMap<Scope, Ledger>,
    books: Books,
    runs: Vec<Run>,
}

impl Begun {
    /// A parcel is delivered, and would be gone.
    pub(super) fn keep_parcel(&mut self, shard: usize, parcel: &Parcel) {
        self.parcels.insert((shard, parcel.seq), parcel.clone());
    }

    /// A row is confirmed, and would be gone.
    pub(super) fn keep_row(&mut self, node: usize, row: BatchId, batches: Vec<Batch>) {
        self.rows.insert((node, row), batches);
    }
}

impl World {
    /// Copies the receivers; Linkers keep from now on what they tell.
    pub(super) fn copy_receivers(&mut self) {
        let Self { ledgers, books, runs, .. } = self;
        let receivers = Receivers { ledgers: ledgers.clone(), books: books.clone(), runs: runs.clone() };
        self.begun = Some(Begun { receivers, parcels: BTreeMap::new(), rows: BTreeMap::new() });
    }

    /// Copies the Linkers with what they have kept: the backup is complete.
    pub(super) fn copy_linkers(&mut self) {
        let Some(Begun { receivers, mut parcels, mut rows }) = self.begun.take() else { return };
        // The bug: what was told is gone from the copies, whoever was copied before.
        if self.config.bug == Some(Bug::NothingKept) {
            (parcels, rows) = (BTreeMap::new(), BTreeMap::new());
        }
        let mut linkers: Vec<Store> = self.nodes.iter().map(|node| node.store.clone()).collect();
        for (shard, store) in linkers.iter_mut().enumerate() {
            for (seq, _, parcel) in &mut store.outbox {
                *parcel = parcel.take().or_else(|| parcels.get(&(shard, *seq)).cloned());
            }
        }
        for ((shard, row), batches) in rows {
            linkers[shard].billing.insert(row, batches);
        }
        self.backup = Some(Backup { receivers, linkers });
    }

    /// Everything is lost, and what was copied takes its place. Senders send again what is not in it.
    pub(super) fn restore(&mut self) {
        self.begun = None;
        let Some(Backup { receivers, linkers }) = &self.backup else { return };
        let Receivers { ledgers, books, runs } = receivers.clone();
        (self.ledgers, self.books, self.runs) = (ledgers, books, runs);
        for (node, store) in self.nodes.iter_mut().zip(linkers) {
            node.crash();
            node.store = store.clone();
            let (seq, upto) = node.store.outbox.last().map_or((0, 0), |(seq, upto, _)| (*seq, *upto));
            node.store.outbox.push((seq + LEAP, upto, None));
        }
        let rows = self.nodes.iter().flat_map(|node| &node.store.rows).flat_map(|row| &row.accepted);
        let stored: BTreeSet<_> = rows.map(|event| event.event.clone()).collect();
        self.acknowledged.retain(|event| stored.contains(event));
        self.forget_network();
    }
}
