//! Groups that are too large for memory: their records are looked at in passing, and few are taken.

use rustc_hash::FxHashSet;

use super::Linker;
use super::explore::Reach;
use super::pool::{Pool, Record, Role, Slot, name_hash};
use super::run::{Passing, Run, Shelf, ShelfError};
use super::settle::{State, repeat_window_ms, settle};
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

    /// How many records a group has, all versions counted.
    pub(super) fn count(&self, group: u64, shelf: &dyn Shelf) -> Result<usize, ShelfError> {
        let mut count = 0;
        self.show(group, shelf, &mut |_| count += 1)?;
        Ok(count)
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
    /// to be held: the latest touch is looked for near it first. Of its `neighbours` it may be a repeat.
    pub(super) fn settle_near(
        &mut self,
        slot: Slot,
        from: i64,
        neighbours: &[Slot],
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
            members.extend(neighbours.iter().chain([&slot]));
            let state = settle(&mut self.pool, members, &self.rules).state(slot);
            let is_sure = |state: State| state.invalid.is_some() || state.link.parent().is_some();
            if since == from || state.is_some_and(is_sure) {
                return Ok(state);
            }
            self.pool.back_to(mark);
            span_ms = span_ms.saturating_mul(SPAN_GROWTH);
        }
    }

    /// Whether a click that may be a repeat, and nobody's parent, concerns only itself, in a group that is too large to be
    /// held: no click that was there is behind it so near that it may have become a repeat.
    pub(super) fn stays_near(
        &mut self,
        slot: Slot,
        first_fresh: Slot,
        shelf: &dyn Shelf,
    ) -> Result<bool, ShelfError> {
        let Record { group, at, .. } = *self.pool.get(slot);
        let is_known = matches!(self.reach_of_parent(slot), Reach::Parent(_) | Reach::Since(_));
        if !is_known || self.may_have(group) <= self.slice {
            return Ok(false);
        }
        let span_ms = self.spans().repeat_ms[Kind::Click as usize].unwrap_or(0);
        let mark = self.pool.mark();
        let behind = self.pick(group, at, shelf, &mut |passing, _| {
            let is_near = (at..=at.saturating_add(span_ms)).contains(&passing.at);
            passing.is_event() && passing.kind == Kind::Click && is_near
        })?;
        let is_old = |other: &Slot| *other < first_fresh || Pool::is_after(&mark, *other);
        let is_alone = !behind.iter().any(is_old);
        self.pool.back_to(mark);
        Ok(is_alone)
    }

    /// What a click is that stays near.
    pub(super) fn settle_neighbour(
        &mut self,
        slot: Slot,
        shelf: &dyn Shelf,
    ) -> Result<Option<State>, ShelfError> {
        let Record { group, at, kind, .. } = *self.pool.get(slot);
        let window_ms = repeat_window_ms(&self.pool.settings(slot).windows, kind).unwrap_or(0);
        let since = at.saturating_sub(window_ms);
        let mut neighbours = self.pick(group, since, shelf, &mut |passing, _| {
            passing.is_event() && passing.kind == kind && (since..=at).contains(&passing.at)
        })?;
        neighbours.retain(|other| *other != slot);
        match self.reach_of_parent(slot) {
            Reach::Since(from) => self.settle_near(slot, from, &neighbours, shelf),
            Reach::Parent(parent) => {
                neighbours.extend([parent, slot]);
                Ok(settle(&mut self.pool, neighbours, &self.rules).state(slot))
            }
            Reach::Alone | Reach::Neighbour | Reach::Whole => {
                neighbours.push(slot);
                Ok(settle(&mut self.pool, neighbours, &self.rules).state(slot))
            }
        }
    }
}
