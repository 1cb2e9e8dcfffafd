//! Many events at once: every group is settled once, and what it amounts to is told as it comes.
//!
//! The facts are those that a [`Linker`](super::Linker) would have told of the same events in the end, by the same
//! rules ([`settle`]); there is nothing before to tell the difference to.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::pool::{NO_POSITION, Pool, Slot, name_hash};
use super::settle::{Rules, settle};
use super::{Fact, Retention};
use crate::batch::Ruling;
use crate::event::{Event, EventRef};
use crate::settings::Settings;
use crate::time::ServerTime;

/// Whether an event is one that facts are wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Its fact is told.
    Told,
    /// It is there for what others depend on.
    Context,
}

/// A set of events to be linked, all of them known to be accepted.
#[derive(Debug, Default)]
pub struct Bulk {
    rules: Rules,
    pool: Pool,
    uses: Vec<Use>,
    repeats: Vec<Repeat>,
}

/// The number under which a [`Bulk`] knows settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsNumber(u32);

/// A delivery of an event that had been accepted before.
#[derive(Debug)]
struct Repeat {
    name: u64,
    row: i64,
    event: EventRef,
}

/// Groups that are tied together: by group another one of them, up to one that stands for all (Galler and Fischer 1964).
#[derive(Debug, Default)]
struct Ties(FxHashMap<u64, u64>);

impl Bulk {
    /// No events.
    pub fn new(retention: Retention, rulings: impl IntoIterator<Item = Ruling>) -> Self {
        let rules = Rules { retention, rulings: rulings.into_iter().map(|ruling| (ruling, 0)).collect() };
        Self { rules, ..Self::default() }
    }

    /// Makes settings known.
    pub fn know_settings(&mut self, revision: u64, settings: Arc<Settings>) -> SettingsNumber {
        SettingsNumber(self.pool.know(revision, settings))
    }

    /// Adds an event that was accepted in row `row` of the log, under settings that are known.
    pub fn add(
        &mut self,
        event: &Event,
        received: ServerTime,
        row: i64,
        settings: SettingsNumber,
        its_use: Use,
    ) {
        self.pool.push_event(event, received, settings.0, NO_POSITION, row);
        self.uses.push(its_use);
    }

    /// Adds a repeated delivery in row `row`: it counts on the last event of that name that was accepted up to then.
    pub fn repeat(&mut self, event: EventRef, row: i64) {
        let name = name_hash(event.kind, event.id.as_str().as_bytes());
        self.repeats.push(Repeat { name, row, event });
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.uses.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }

    /// Settles everything and tells the facts.
    pub fn settle(mut self, mut tell: impl FnMut(Fact)) {
        let slots = 0..self.pool.records.len() as Slot;
        let mut names: Vec<(u64, Slot)> =
            slots.clone().map(|slot| (self.pool.get(slot).hash, slot)).collect();
        names.sort_unstable();
        self.count_repeats(&names);
        let mut order: Vec<(u64, Slot)> = slots.map(|slot| (self.pool.get(slot).group, slot)).collect();
        order.sort_unstable();
        let mut ties = self.ties(&names);
        let mut tied: Vec<(u64, &[(u64, Slot)])> = Vec::new();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            match ties.root(group[0].0) {
                Some(root) => tied.push((root, group)),
                None => self.settle_members(group.iter().map(|(_, slot)| *slot).collect(), &mut tell),
            }
        }
        tied.sort_unstable();
        for groups in tied.chunk_by(|a, b| a.0 == b.0) {
            let members = groups.iter().flat_map(|(_, group)| group.iter()).map(|(_, slot)| *slot);
            self.settle_members(members.collect(), &mut tell);
        }
    }

    /// Counts the deliveries of each event.
    fn count_repeats(&mut self, names: &[(u64, Slot)]) {
        for Repeat { name, row, event } in std::mem::take(&mut self.repeats) {
            let is_it = |slot: &Slot| {
                let record = self.pool.get(*slot);
                record.row <= row
                    && record.kind == event.kind
                    && self.pool.id(*slot) == event.id.as_str().as_bytes()
            };
            let latest = with_name(names, name).filter(is_it).max_by_key(|slot| self.pool.get(*slot).row);
            // A name that never arrived counts nowhere.
            if let Some(slot) = latest {
                self.pool.records[slot as usize].duplicates += 1;
            }
        }
    }

    /// Ties groups of which one names an event of the other.
    fn ties(&self, names: &[(u64, Slot)]) -> Ties {
        let mut ties = Ties::default();
        for slot in 0..self.pool.records.len() as Slot {
            let group = self.pool.get(slot).group;
            if let Some((kind, id)) = self.pool.named_parent(slot) {
                let parents = with_name(names, name_hash(kind, id)).map(|parent| self.pool.get(parent).group);
                parents.filter(|parent| *parent != group).for_each(|parent| ties.tie(group, parent));
            }
        }
        ties
    }

    /// Settles events that have nothing to do with any others, and tells what is wanted.
    fn settle_members(&mut self, members: Vec<Slot>, tell: &mut impl FnMut(Fact)) {
        let settled = settle(&mut self.pool, members, &self.rules);
        for (slot, state) in settled.order.iter().zip(&settled.states) {
            if self.uses[*slot as usize] == Use::Told {
                let body = self.pool.fact(*slot, state, self.pool.get(*slot).duplicates);
                tell(self.pool.signed(1, *slot, body));
            }
        }
    }
}

/// The events of this name.
fn with_name(names: &[(u64, Slot)], name: u64) -> impl Iterator<Item = Slot> {
    let from = names.partition_point(|(other, _)| *other < name);
    names[from..].iter().take_while(move |(other, _)| *other == name).map(|(_, slot)| *slot)
}

impl Ties {
    fn tie(&mut self, one: u64, other: u64) {
        let (one, other) = (self.root(one).unwrap_or(one), self.root(other).unwrap_or(other));
        self.0.insert(one, other);
        self.0.insert(other, other);
    }

    /// The group that stands for all that this one is tied to; `None` where it is tied to none.
    fn root(&mut self, group: u64) -> Option<u64> {
        let mut place = *self.0.get(&group)?;
        while let Some(&next) = self.0.get(&place).filter(|next| **next != place) {
            place = next;
        }
        // The way is short next time.
        self.0.insert(group, place);
        Some(place)
    }
}
