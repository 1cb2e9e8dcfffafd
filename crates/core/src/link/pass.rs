//! Groups that are too large for memory: their records are looked at in passing, and few are taken.

use rustc_hash::FxHashSet;

use super::Linker;
use super::pool::{Pool, Role, Slot, name_hash};
use super::run::{Passing, Shelf, ShelfError};

/// The least bytes that an event takes in a page, nearly: how many there may be is asked before they are read.
const LEAST_RECORD_BYTES: usize = 40;

/// What names an event: the hash of kind and id, and the arrival.
pub(super) type Identity = (u64, i64);

impl Passing<'_> {
    pub(super) fn identity(&self) -> Identity {
        (self.hash, self.received)
    }

    pub(super) fn is_event(&self) -> bool {
        self.role == Role::Event
    }

    /// The hash of the name of the parent that it names.
    pub(super) fn named(&self) -> Option<u64> {
        self.parent.filter(|_| self.is_event()).map(|(kind, id)| name_hash(kind, id))
    }
}

impl Pool {
    /// A record as it is seen in passing.
    pub(super) fn passing(&self, slot: Slot) -> Passing<'_> {
        let record = self.get(slot);
        let pin = self.pin(slot);
        Passing {
            kind: record.kind,
            role: record.role,
            at: record.at,
            received: record.received,
            hash: record.hash,
            id: self.id(slot),
            parent: self.named_parent(slot),
            again: record.again,
            pin: pin.map(|pin| (super::explore::pin_hash(pin), pin.received)),
        }
    }
}

impl Linker {
    /// How many records a group may have, roughly and no fewer.
    pub(super) fn may_have(&self, group: u64) -> usize {
        let in_memory = self.chain(group).take(self.slice.saturating_add(1)).count();
        let runs = self.runs.iter().filter(|run| run.groups.has(group));
        in_memory + runs.map(|run| run.bytes_of(group) / LEAST_RECORD_BYTES).sum::<usize>()
    }

    /// Shows every record of a group, the latest version of each first.
    pub(super) fn show(
        &self,
        group: u64,
        shelf: &dyn Shelf,
        look: &mut dyn FnMut(&Passing<'_>),
    ) -> Result<(), ShelfError> {
        self.chain(group).for_each(|slot| look(&self.pool.passing(slot)));
        for run in self.runs.iter().rev().filter(|run| run.groups.has(group)) {
            run.show_group(group, shelf, look)?;
        }
        Ok(())
    }

    /// The records of a group that are wanted, each in its latest version; `wanted` is told whether it is in memory.
    pub(super) fn pick(
        &mut self,
        group: u64,
        shelf: &dyn Shelf,
        wanted: &mut dyn FnMut(&Passing<'_>, bool) -> bool,
    ) -> Result<Vec<Slot>, ShelfError> {
        let identity = |passing: &Passing<'_>| (passing.is_event(), passing.identity());
        let mut seen = FxHashSet::default();
        let mut slots = Vec::new();
        for slot in self.chain(group) {
            let passing = self.pool.passing(slot);
            if wanted(&passing, true) {
                seen.insert(identity(&passing));
                slots.push(slot);
            }
        }
        let mark = self.pool.mark();
        for run in self.runs.iter().rev().filter(|run| run.groups.has(group)) {
            let mut is_new = |passing: &Passing<'_>| wanted(passing, false) && seen.insert(identity(passing));
            run.pick_group(group, shelf, &mut self.pool, &mut is_new)?;
        }
        slots.extend(mark.slots(&self.pool));
        Ok(slots)
    }
}
