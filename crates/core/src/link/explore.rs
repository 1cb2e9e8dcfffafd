//! What has to be looked at to take an event in: nothing else, its parent, its recent group, or all that is tied to it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::pool::{NONE, Pin, Pool, Record, Role, Slot, name_hash};
use super::run::{Passing, Run, Shelf, ShelfError};
use super::settle::{counts_for, repeat_window_ms, window_ms};
use super::{Found, Linker};
use crate::cell::Dimension;
use crate::event::{EventRef, Kind};
use crate::time::ServerTime;

/// So many children are looked at one by one; of more any may be concerned.
const MANY: usize = 256;

/// What has to be looked at to settle a new event.
///
/// All but the last two say that the event changes no other that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only itself.
    Alone,
    /// Itself and the parent that it names, which is in memory.
    Parent(Slot),
    /// Its group from this event time on.
    Since(i64),
    /// It is a click that may be a repeat, or make one of a later one; it may not be a parent.
    Neighbour,
    /// Everything that is tied to it.
    Whole,
}

/// Groups that are tied together.
#[derive(Debug, Default)]
pub(super) struct Component {
    pub(super) groups: Vec<u64>,
    /// Their events; those of runs stand past the mark in the pool.
    pub(super) members: Vec<Slot>,
}

impl Linker {
    /// What a new event, which is in no chain yet, can depend on and change.
    pub(super) fn reach(&self, slot: Slot, shelf: &dyn Shelf) -> Result<Reach, ShelfError> {
        let record = self.pool.get(slot);
        Ok(match record.kind {
            Kind::Conversion => Reach::Whole,
            Kind::Impression if record.has_user && self.repeats_impressions => Reach::Whole,
            Kind::Impression if self.may_be_a_parent(slot, shelf)? => Reach::Whole,
            Kind::Impression => Reach::Alone,
            Kind::Click if self.may_be_a_parent(slot, shelf)? => Reach::Whole,
            Kind::Click if self.may_be_a_neighbour(slot) => Reach::Neighbour,
            Kind::View | Kind::Click => self.reach_of_parent(slot),
        })
    }

    /// Whether a child may be there already: one that looks for its parent by user and is not earlier, or any that
    /// names it.
    fn may_be_a_parent(&self, slot: Slot, shelf: &dyn Shelf) -> Result<bool, ShelfError> {
        let Record { group, hash, at, has_user, .. } = *self.pool.get(slot);
        let by_user = |until: i64| has_user && until >= at;
        let is_near = self.roots.contains_key(&hash)
            || (has_user
                && self.heads.get(&group).is_some_and(|head| {
                    by_user(head.unnamed_until) && self.may_be_taken(slot, head.last_unnamed)
                }))
            || self.runs.iter().any(|run| by_user(run.summary.unnamed_until) && run.unnamed.has(group));
        if is_near {
            return Ok(true);
        }
        // A filter may be wrong, and of many events about some it is.
        for run in self.runs.iter().filter(|run| run.children.has(hash)) {
            let mut is_there = false;
            run.show_group(hash, shelf, &mut |_| is_there = true)?;
            if is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of these children without a named parent could take the touch, were it the best.
    fn may_be_taken(&self, touch: Slot, last_unnamed: Slot) -> bool {
        let record = self.pool.get(touch);
        let could_take = |child: Slot| {
            let other = self.pool.get(child);
            let value = |slot: Slot, dimension| self.pool.words.value(self.pool.get(slot).tuple, dimension);
            let is_same = |dimension| value(child, dimension) == value(touch, dimension);
            let fits = match (other.kind, record.kind) {
                // A click may yet inherit its campaign.
                (Kind::Conversion, Kind::Click) if value(touch, Dimension::Campaign) == 0 => true,
                (Kind::Conversion, _) => {
                    value(child, Dimension::Campaign) == 0 || is_same(Dimension::Campaign)
                }
                (_, Kind::Click) => false,
                _ => is_same(Dimension::Ad),
            };
            let window_ms = window_ms(&self.pool.settings(child).windows, other.kind, record.kind);
            fits && other.at >= record.at && other.at.saturating_sub(record.at) <= window_ms
        };
        let mut children = self.pool.follow(last_unnamed, |record| record.next_unnamed);
        children.by_ref().take(MANY).any(could_take) || children.next().is_some()
    }

    /// Whether a click may be a repeat, or make one of a click that is there.
    fn may_be_a_neighbour(&self, slot: Slot) -> bool {
        let record = self.pool.get(slot);
        let window = repeat_window_ms(&self.pool.settings(slot).windows, record.kind).unwrap_or(0);
        let from = record.at.saturating_sub(window);
        record.has_user
            && (self.heads.get(&record.group).is_some_and(|head| head.clicks_until >= from)
                || self
                    .runs
                    .iter()
                    .any(|run| run.summary.clicks_until >= from && run.children.has(record.group)))
    }

    /// What a view or click that changes nothing else has to look at.
    pub(super) fn reach_of_parent(&self, slot: Slot) -> Reach {
        let record = self.pool.get(slot);
        let windows = &self.pool.settings(slot).windows;
        let Some((kind, name)) = self.pool.named_parent(slot) else {
            return match (record.has_user, self.repeats_impressions) {
                (false, _) => Reach::Alone,
                (true, true) => Reach::Whole,
                (true, false) => Reach::Since(record.at.saturating_sub(windows.click_window_ms)),
            };
        };
        let Some(&parent) = self.names.get(&name_hash(kind, name)) else { return Reach::Whole };
        let other = self.pool.get(parent);
        let is_it = other.kind == kind && self.pool.id(parent) == name && !other.again;
        let is_simple = other.group == record.group && !self.repeats_impressions;
        match is_it && is_simple && counts_for(other, record, &self.rules.retention) {
            true => Reach::Parent(parent),
            false => Reach::Whole,
        }
    }

    /// Where the latest event of this name is; with `now` only one of which a delivery now would be a duplicate.
    pub(super) fn find(
        &mut self,
        event: &EventRef,
        now: Option<ServerTime>,
        shelf: &dyn Shelf,
    ) -> Result<Option<Found>, ShelfError> {
        let name = event.id.as_str().as_bytes();
        let hash = name_hash(event.kind, name);
        let horizon_ms = self.rules.retention.dedupe_ms;
        let fits = |pool: &Pool, slot: Slot| {
            let record = pool.get(slot);
            let is_near = |now: ServerTime| now.0.saturating_sub(record.received).abs() <= horizon_ms;
            record.role == Role::Event
                && record.hash == hash
                && record.kind == event.kind
                && pool.id(slot) == name
                && now.is_none_or(is_near)
        };
        if let Some(&slot) = self.names.get(&hash)
            && fits(&self.pool, slot)
        {
            return Ok(Some(Found::InMemory(slot)));
        }
        let mark = self.pool.mark();
        for index in (0..self.runs.len()).rev() {
            if !self.runs[index].names.has(hash) {
                continue;
            }
            for group in self.runs[index].groups_of(hash, shelf)? {
                let mut is_it = |passing: &Passing<'_>| passing.is_event() && passing.hash == hash;
                self.runs[index].pick_group(group, shelf, &mut self.pool, &mut is_it)?;
                let mut read = mark.slots(&self.pool);
                let found = read.find(|slot| fits(&self.pool, *slot));
                let received = found.map(|slot| self.pool.get(slot).received);
                self.pool.back_to(mark);
                if let Some(received) = received {
                    // A later version of it may be in memory, if not under its name.
                    let mut chain = self.chain(group);
                    let in_memory = chain.find(|slot| fits(&self.pool, *slot));
                    let in_run = Found::InRun { group, hash, received };
                    return Ok(Some(in_memory.map_or(in_run, Found::InMemory)));
                }
            }
        }
        Ok(None)
    }

    /// The records of a group in memory.
    pub(super) fn chain(&self, group: u64) -> impl Iterator<Item = Slot> {
        let heads = [self.heads.get(&group), self.roots.get(&group)];
        heads.into_iter().flatten().flat_map(|head| self.pool.follow(head.last, |record| record.next))
    }

    /// The events of a group from this event time on; a few earlier ones may be among them.
    pub(super) fn group_since(
        &mut self,
        group: u64,
        from: i64,
        shelf: &dyn Shelf,
    ) -> Result<Vec<Slot>, ShelfError> {
        let reaches = |run: &Run| run.summary.max_at >= from;
        let slots = self.read_group(group, reaches, shelf)?;
        Ok(slots.into_iter().filter(|slot| self.pool.get(*slot).role == Role::Event).collect())
    }

    /// The records of a group in memory and in runs, each in its latest version.
    fn read_group(
        &mut self,
        group: u64,
        reaches: impl Fn(&Run) -> bool,
        shelf: &dyn Shelf,
    ) -> Result<Vec<Slot>, ShelfError> {
        let mut slots: Vec<Slot> = self.chain(group).collect();
        let touched = |run: &Run| reaches(run) && run.groups.has(group);
        if !self.runs.iter().any(touched) {
            return Ok(slots);
        }
        let identity = |record: &Record| (record.role == Role::Tie, record.hash, record.received);
        let mut seen: FxHashSet<_> = slots.iter().map(|slot| identity(self.pool.get(*slot))).collect();
        for index in (0..self.runs.len()).rev() {
            if !touched(&self.runs[index]) {
                continue;
            }
            let mark = self.pool.mark();
            self.runs[index].read_group(group, shelf, &mut self.pool)?;
            let read = mark.slots(&self.pool);
            slots.extend(read.filter(|slot| seen.insert(identity(self.pool.get(*slot)))));
        }
        Ok(slots)
    }

    /// All events of the groups that are tied to `start`; `None` where there may be more than `most`.
    pub(super) fn explore(
        &mut self,
        start: u64,
        mut most: usize,
        shelf: &dyn Shelf,
    ) -> Result<Option<Component>, ShelfError> {
        let mut component = Component::default();
        let mut seen: FxHashSet<u64> = [start].into_iter().collect();
        let mut open = vec![start];
        // Members whose name nobody else has, by the hash of it.
        let mut homes = FxHashMap::default();
        while let Some(group) = open.pop() {
            let mut size = self.may_have(group);
            if size > most {
                size = self.count(group, shelf)?;
            }
            let Some(left) = most.checked_sub(size) else { return Ok(None) };
            most = left;
            component.groups.push(group);
            let slots = self.read_group(group, |_| true, shelf)?;
            let mut next = Vec::new();
            for &slot in &slots {
                let record = self.pool.get(slot);
                match (record.role, record.kind) {
                    (Role::Tie, _) => next.push(record.hash),
                    (Role::Event, Kind::Impression | Kind::Click) if self.is_named(record.hash) => {
                        next.push(record.hash);
                    }
                    (Role::Event, _) => {}
                }
            }
            let events = slots.iter().copied().filter(|slot| self.pool.get(*slot).role == Role::Event);
            component.members.extend(events.clone());
            homes.extend(
                events
                    .filter(|slot| !self.pool.get(*slot).again)
                    .map(|slot| (self.pool.get(slot).hash, slot)),
            );
            for slot in slots {
                next.extend(self.elsewhere(slot, &homes, shelf)?);
            }
            open.extend(next.into_iter().filter(|group| seen.insert(*group)));
        }
        self.resurrect(&mut component.members);
        Ok(Some(component))
    }

    /// Whether there may be a group that stands for this name.
    pub(super) fn is_named(&self, hash: u64) -> bool {
        self.roots.contains_key(&hash) || self.runs.iter().any(|run| run.children.has(hash))
    }

    /// The groups in which the parent that an event names may be, where none of `homes` is it.
    fn elsewhere(
        &self,
        slot: Slot,
        homes: &FxHashMap<u64, Slot>,
        shelf: &dyn Shelf,
    ) -> Result<Vec<u64>, ShelfError> {
        let record = self.pool.get(slot);
        let Some((kind, name)) = self.pool.named_parent(slot).filter(|_| record.role == Role::Event) else {
            return Ok(Vec::new());
        };
        let hash = name_hash(kind, name);
        let home = homes.get(&hash).map(|parent| self.pool.get(*parent));
        if home.is_some_and(|parent| counts_for(parent, record, &self.rules.retention)) {
            return Ok(Vec::new());
        }
        self.groups_named(hash, shelf)
    }

    /// The groups in which events of this name may be.
    pub(super) fn groups_named(&self, hash: u64, shelf: &dyn Shelf) -> Result<Vec<u64>, ShelfError> {
        let latest = self.names.get(&hash).copied().unwrap_or(NONE);
        let in_memory = self.pool.follow(latest, |record| record.namesake);
        let mut groups: Vec<u64> = in_memory.map(|slot| self.pool.get(slot).group).collect();
        for run in self.runs.iter().filter(|run| run.names.has(hash)) {
            groups.extend(run.groups_of(hash, shelf)?);
        }
        Ok(groups)
    }

    /// Adds the impressions that clicks remember and that are forgotten otherwise.
    fn resurrect(&mut self, members: &mut Vec<Slot>) {
        let pinned = |slot: &Slot| self.pool.pin(*slot).map(|pin| (pin_hash(pin), pin.received, *slot));
        let pins: Vec<_> = members.iter().filter_map(pinned).collect();
        if pins.is_empty() {
            return;
        }
        let identity = |slot: &Slot| (self.pool.get(*slot).hash, self.pool.get(*slot).received);
        let mut known: FxHashSet<_> = members.iter().map(identity).collect();
        for (hash, received, click) in pins {
            if known.insert((hash, received)) {
                members.extend(self.pool.push_ghost(click));
            }
        }
    }
}

pub(super) fn pin_hash(pin: &Pin) -> u64 {
    name_hash(Kind::Impression, pin.id.as_str().as_bytes())
}
