//! Groups that are too large for memory: their records are looked at in passing, and few are taken.

use rustc_hash::FxHashSet;

use super::Linker;
use super::pool::{Pool, Record, Role, Slot, name_hash};
use super::run::{Passing, Run, Shelf, ShelfError};
use super::settle::{State, settle};
use crate::event::Kind;
use crate::time::MINUTE_MS;

/// The least bytes that an event takes in a page, nearly: how many there may be is asked before they are read.
const LEAST_RECORD_BYTES: usize = 40;

/// How far back a touch is looked for at first, and how much farther each time that there is none.
const FIRST_SPAN_MS: i64 = MINUTE_MS;
const SPAN_GROWTH: i64 = 16;

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

    /// The records of a group that are wanted, each in its latest version; `wanted` is told whether it is in memory. All
    /// of them happened at this time or later.
    pub(super) fn pick(
        &mut self,
        group: u64,
        since: i64,
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
        let reaches = |run: &&Run| run.summary.max_at >= since && run.groups.has(group);
        for run in self.runs.iter().rev().filter(reaches) {
            let mut is_new = |passing: &Passing<'_>| wanted(passing, false) && seen.insert(identity(passing));
            run.pick_group(group, shelf, &mut self.pool, &mut is_new)?;
        }
        slots.extend(mark.slots(&self.pool));
        Ok(slots)
    }

    /// What a view or click without a named parent is, which looks for touches from `from` on, in a group that is too large
    /// to be held: the latest touch is looked for near it first.
    pub(super) fn settle_near(
        &mut self,
        slot: Slot,
        from: i64,
        shelf: &dyn Shelf,
    ) -> Result<Option<State>, ShelfError> {
        let Record { group, at, .. } = *self.pool.get(slot);
        let mark = self.pool.mark();
        let mut span_ms = FIRST_SPAN_MS;
        loop {
            let since = from.max(at.saturating_sub(span_ms));
            let mut members = self.pick(group, since, shelf, &mut |passing, _| {
                let is_touch = passing.is_event() && passing.kind == Kind::Impression;
                is_touch && (since..=at).contains(&passing.at)
            })?;
            members.push(slot);
            let state = settle(&mut self.pool, members, &self.rules).state(slot);
            let is_sure = |state: State| state.invalid.is_some() || state.link.parent().is_some();
            if since == from || state.is_some_and(is_sure) {
                return Ok(state);
            }
            self.pool.back_to(mark);
            span_ms = span_ms.saturating_mul(SPAN_GROWTH);
        }
    }
}
