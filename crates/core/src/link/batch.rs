//! Taking in a batch: what it touches is settled without and with it, and the difference is told.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use super::explore::Reach;
use super::pass::Identity;
use super::pool::{Loose, Mark, NONE, Pin, Pool, Record, Role, Slot, name_hash};
use super::run::{Shelf, ShelfError};
use super::settle::{Rules, Settled, SlotLink, State, counts_for, settle};
use super::{Arrival, Fact, Found, Head, Linker};
use crate::batch::Ruling;
use crate::event::{InvalidReason, Kind};

/// What a batch touched.
#[derive(Default)]
pub(super) struct Batch {
    /// The first of its new records; they stand together at the end of the pool.
    pub(super) first: Slot,
    /// New events with what has to be looked at to settle them.
    fresh: Vec<(Slot, Reach)>,
    /// Groups to settle as a whole.
    whole: Vec<u64>,
    /// Deliveries of events in runs, by the hash of their name and their arrival: how many.
    cold_repeats: FxHashMap<(u64, i64), u32>,
    /// How often events in memory were delivered before this batch, where it delivered them again.
    before: FxHashMap<Slot, u32>,
    /// Groups that were settled as a whole.
    pub(super) settled: FxHashSet<u64>,
    pub(super) facts: Vec<Fact>,
    /// The rules without the rulings of this batch, where it has any.
    pub(super) unruled: Option<Rules>,
    /// What clicks have to remember.
    pins: Vec<(Slot, Option<Pin>)>,
    /// Records of runs that changed: kept in memory from now on, where they hide the older ones.
    changed: Vec<Loose>,
    /// Their places, by name and arrival.
    changed_places: FxHashMap<Identity, usize>,
    /// Group, the group it is tied to, and the child that is the reason.
    ties: Vec<(u64, u64, Record)>,
}

/// What some events were without a batch, and are with it.
pub(super) struct Whole<'a> {
    /// What is after it was read from runs.
    pub(super) mark: &'a Mark,
    pub(super) old: &'a Settled,
    pub(super) new: &'a Settled,
    /// Those that are there for what the others depend on.
    pub(super) context: &'a FxHashSet<Slot>,
    /// How often events in runs were delivered before.
    pub(super) repeated: &'a FxHashMap<Slot, u32>,
}

/// Facts that are told before the others are put into words.
const FACTS: usize = 4_096;

impl Linker {
    pub(super) fn begin(&self) -> Batch {
        Batch { first: self.pool.records.len() as Slot, ..Batch::default() }
    }

    pub(super) fn accept(
        &mut self,
        arrival: &Arrival,
        row: i64,
        batch: &mut Batch,
        shelf: &dyn Shelf,
    ) -> Result<u64, ShelfError> {
        self.repeats_impressions |= arrival.settings.windows.repeat_impression_ms > 0;
        let position = self.accepted;
        self.accepted += 1;
        let slot = self.pool.push(arrival, position, row);
        let hash = self.pool.get(slot).hash;
        let is_again = self.names.contains_key(&hash) || self.runs.iter().any(|run| run.names.has(hash));
        self.pool.records[slot as usize].again = is_again;
        batch.fresh.push((slot, self.reach(slot, shelf)?));
        self.enter(slot);
        Ok(position)
    }

    /// Puts a record into the chain of its group and under its name.
    fn enter(&mut self, slot: Slot) {
        let record = *self.pool.get(slot);
        let none = Head { last: NONE, last_unnamed: NONE, unnamed_until: i64::MIN, clicks_until: i64::MIN };
        let heads = if record.has_user { &mut self.heads } else { &mut self.roots };
        let head = heads.entry(record.group).or_insert(none);
        self.pool.records[slot as usize].next = head.last;
        head.last = slot;
        if record.role == Role::Tie {
            return;
        }
        if self.pool.is_unnamed_child(slot) {
            head.unnamed_until = head.unnamed_until.max(record.at);
            self.pool.records[slot as usize].next_unnamed = head.last_unnamed;
            head.last_unnamed = slot;
        }
        if record.kind == Kind::Click {
            head.clicks_until = head.clicks_until.max(record.at);
        }
        let latest = self.names.entry(record.hash).or_insert(slot);
        let known = *latest;
        if known == slot {
            return;
        }
        let known_record = &mut self.pool.records[known as usize];
        if known_record.received <= record.received {
            *latest = slot;
            self.pool.records[slot as usize].namesake = known;
        } else {
            let next = std::mem::replace(&mut known_record.namesake, slot);
            self.pool.records[slot as usize].namesake = next;
        }
    }

    pub(super) fn repeat(&mut self, found: Found, batch: &mut Batch) {
        match found {
            Found::InMemory(slot) => {
                let record = &mut self.pool.records[slot as usize];
                if slot < batch.first {
                    batch.before.entry(slot).or_insert(record.duplicates);
                }
                record.duplicates += 1;
                let (kind, group) = (record.kind, record.group);
                if kind != Kind::Impression || self.repeats_impressions {
                    batch.whole.push(group);
                }
            }
            Found::InRun { group, hash, received } => {
                *batch.cold_repeats.entry((hash, received)).or_default() += 1;
                batch.whole.push(group);
            }
        }
    }

    /// Puts a ruling in force.
    pub(super) fn put_in_force(&mut self, row: i64, ruling: Ruling, batch: &mut Batch) {
        if self.rules.rulings.contains_key(&ruling) {
            return;
        }
        batch.unruled.get_or_insert_with(|| self.rules.clone());
        self.rules.rulings.insert(ruling, row);
        batch.whole.push(ruling.group);
    }

    /// Settles what the batch touched, and tells what changed; where there is much of it, `hear` is told most of it before.
    pub(super) fn finish(
        &mut self,
        mut batch: Batch,
        shelf: &dyn Shelf,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) -> Result<Vec<Fact>, ShelfError> {
        for place in 0..batch.fresh.len() {
            let (slot, reach) = batch.fresh[place];
            if reach == Reach::Neighbour && !self.stays_near(slot, batch.first, shelf)? {
                batch.fresh[place].1 = Reach::Whole;
            }
        }
        let whole = std::mem::take(&mut batch.whole);
        let reaching = batch.fresh.iter().filter(|(_, reach)| *reach == Reach::Whole);
        let groups: Vec<u64> =
            whole.into_iter().chain(reaching.map(|(slot, _)| self.pool.get(*slot).group)).collect();
        for group in groups {
            if !batch.settled.contains(&group) {
                self.settle_whole(group, &mut batch, shelf, hear)?;
            }
        }
        for (slot, reach) in std::mem::take(&mut batch.fresh) {
            if !batch.settled.contains(&self.pool.get(slot).group) {
                self.settle_alone(slot, reach, &mut batch, shelf)?;
            }
        }
        self.tell_repeated_alone(&mut batch);
        for (slot, pin) in std::mem::take(&mut batch.pins) {
            self.pool.set_pin(slot, pin);
        }
        for loose in &batch.changed {
            let slot = self.pool.fasten(loose);
            self.enter(slot);
        }
        for (group, to, child) in &batch.ties {
            let slot = self.pool.push_tie(*group, *to, child);
            self.enter(slot);
        }
        Ok(batch.facts)
    }

    /// Impressions that stand alone and were delivered again.
    fn tell_repeated_alone(&mut self, batch: &mut Batch) {
        let mut before: Vec<_> = batch.before.iter().map(|(slot, count)| (*slot, *count)).collect();
        before.sort_unstable();
        for (slot, count) in before {
            let record = *self.pool.get(slot);
            if batch.settled.contains(&record.group) {
                continue;
            }
            let state = State::alone(&record, &self.rules);
            let (old, new) =
                (self.pool.fact(slot, &state, count), self.pool.fact(slot, &state, record.duplicates));
            batch.facts.push(self.pool.signed(-1, slot, old));
            batch.facts.push(self.pool.signed(1, slot, new));
        }
    }

    /// Settles a new event that changes no other, by what it can depend on.
    fn settle_alone(
        &mut self,
        slot: Slot,
        reach: Reach,
        batch: &mut Batch,
        shelf: &dyn Shelf,
    ) -> Result<(), ShelfError> {
        let record = *self.pool.get(slot);
        let mark = self.pool.mark();
        let state = match reach {
            Reach::Alone if record.kind == Kind::Impression => Some(State::alone(&record, &self.rules)),
            Reach::Alone | Reach::Whole => settle(&mut self.pool, vec![slot], &self.rules).state(slot),
            Reach::Neighbour => self.settle_neighbour(slot, shelf)?,
            Reach::Parent(parent) => settle(&mut self.pool, vec![parent, slot], &self.rules).state(slot),
            Reach::Since(from) if self.may_have(record.group) > self.slice => {
                self.settle_near(slot, from, &[], shelf)?
            }
            Reach::Since(from) => {
                let members = self.group_since(record.group, from, shelf)?;
                settle(&mut self.pool, members, &self.rules).state(slot)
            }
        };
        if let Some(state) = state {
            if record.kind == Kind::Click {
                let pin = self.wanted_pin(&state);
                batch.pins.push((slot, pin));
            }
            let body = self.pool.fact(slot, &state, record.duplicates);
            batch.facts.push(self.pool.signed(1, slot, body));
        }
        self.pool.back_to(mark);
        Ok(())
    }

    /// Settles the groups that are tied to `group`, without and with the new events, and tells the difference.
    fn settle_whole(
        &mut self,
        group: u64,
        batch: &mut Batch,
        shelf: &dyn Shelf,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) -> Result<(), ShelfError> {
        let mark = self.pool.mark();
        let Some(component) = self.explore(group, self.slice, shelf)? else {
            self.pool.back_to(mark);
            return self.settle_in_slices(group, batch, shelf, hear);
        };
        let repeated = self.count_cold_repeats(&component.members, batch);
        let is_fresh = |slot: &Slot| *slot >= batch.first && !Pool::is_after(&mark, *slot);
        let old: Vec<Slot> = component.members.iter().copied().filter(|slot| !is_fresh(slot)).collect();
        let old = settle(&mut self.pool, old, batch.unruled.as_ref().unwrap_or(&self.rules));
        let new = settle(&mut self.pool, component.members, &self.rules);
        let context = FxHashSet::default();
        let whole = Whole { mark: &mark, old: &old, new: &new, context: &context, repeated: &repeated };
        self.tell_changes(&whole, batch, hear);
        batch.settled.extend(component.groups);
        self.pool.back_to(mark);
        Ok(())
    }

    /// Tells what is otherwise with the batch, and notes what has to be remembered of it.
    pub(super) fn tell_changes(
        &mut self,
        whole: &Whole<'_>,
        batch: &mut Batch,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) {
        let Whole { mark, old, new, context, repeated } = whole;
        let mut before = old.order.iter().zip(&old.states).peekable();
        for (slot, state) in new.order.iter().copied().zip(&new.states) {
            let old = before.next_if(|(other, _)| **other == slot).map(|(_, state)| *state);
            if context.contains(&slot) {
                continue;
            }
            let record = *self.pool.get(slot);
            let count = batch.before.get(&slot).or(repeated.get(&slot)).copied().unwrap_or(record.duplicates);
            if record.kind == Kind::Click {
                self.note_pin(slot, state, Pool::is_after(mark, slot), batch);
            }
            if repeated.contains_key(&slot) {
                self.note_change(slot, batch);
            }
            // What the group depends on is always there, but it may be there on behalf of two that are not tied.
            let is_told = batch.settled.contains(&record.group);
            if is_told || (old.is_some_and(|old| old == *state) && count == record.duplicates) {
                continue;
            }
            if let Some(old) = old {
                let body = self.pool.fact(slot, &old, count);
                batch.facts.push(self.pool.signed(-1, slot, body));
            }
            let body = self.pool.fact(slot, state, record.duplicates);
            batch.facts.push(self.pool.signed(1, slot, body));
            if batch.facts.len() >= FACTS {
                hear(std::mem::take(&mut batch.facts));
            }
        }
        self.tie_fresh(whole, batch);
    }

    /// Counts the deliveries of events in runs, and tells how often those were delivered before.
    pub(super) fn count_cold_repeats(&mut self, members: &[Slot], batch: &Batch) -> FxHashMap<Slot, u32> {
        let mut repeated = FxHashMap::default();
        if batch.cold_repeats.is_empty() {
            return repeated;
        }
        for &slot in members {
            let record = &mut self.pool.records[slot as usize];
            if let Some(count) = batch.cold_repeats.get(&(record.hash, record.received)) {
                repeated.insert(slot, record.duplicates);
                record.duplicates += count;
            }
        }
        repeated
    }

    /// What a click has to remember when it is in this state.
    fn wanted_pin(&self, state: &State) -> Option<Pin> {
        let SlotLink::Impression(impression) = state.link else { return None };
        let record = self.pool.get(impression);
        let Record { at, received, group, has_user, tuple, .. } = *record;
        Some(Pin { id: self.pool.event_id(impression), at, received, group, has_user, tuple })
    }

    fn note_pin(&mut self, slot: Slot, state: &State, is_from_run: bool, batch: &mut Batch) {
        let wanted = self.wanted_pin(state);
        // What a flooding click remembers does no harm: it was, or is a flood as well. Writing it again would be much.
        let is_flood = state.invalid == Some(InvalidReason::Flood);
        if is_flood || self.pool.pin(slot) == wanted.as_ref() {
            return;
        }
        if is_from_run {
            // Past the mark: goes with the rest, but not before it was copied.
            self.pool.set_pin(slot, wanted);
            self.note_change(slot, batch);
        } else {
            batch.pins.push((slot, wanted));
        }
    }

    fn note_change(&self, slot: Slot, batch: &mut Batch) {
        let loose = self.pool.loosen(slot);
        match batch.changed_places.entry((loose.record.hash, loose.record.received)) {
            Entry::Occupied(place) => batch.changed[*place.get()] = loose,
            Entry::Vacant(place) => {
                place.insert(batch.changed.len());
                batch.changed.push(loose);
            }
        }
    }

    /// Leaves signposts to new events whose named parent is not in their own group.
    fn tie_fresh(&self, whole: &Whole<'_>, batch: &mut Batch) {
        let Whole { mark, new: Settled { order, .. }, context, .. } = whole;
        let is_fresh =
            |slot: &Slot| *slot >= batch.first && !Pool::is_after(mark, *slot) && !context.contains(slot);
        let named = |slot: Slot| {
            let (kind, name) = self.pool.named_parent(slot)?;
            Some((slot, name_hash(kind, name)))
        };
        let fresh: Vec<(Slot, u64)> = order.iter().copied().filter(is_fresh).filter_map(named).collect();
        if fresh.is_empty() {
            return;
        }
        let mut by_name: FxHashMap<u64, Vec<Slot>> = FxHashMap::default();
        for &slot in order {
            by_name.entry(self.pool.get(slot).hash).or_default().push(slot);
        }
        for (slot, hash) in fresh {
            let record = self.pool.get(slot);
            let is_at_home = |other: &Slot| {
                let parent = self.pool.get(*other);
                parent.group == record.group && counts_for(parent, record, &self.rules.retention)
            };
            let is_home = by_name.get(&hash).is_some_and(|namesakes| namesakes.iter().any(is_at_home));
            if hash != record.group && !is_home {
                batch.ties.push((hash, record.group, *record));
            }
        }
    }
}
