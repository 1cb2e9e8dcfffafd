//! The linker: conversion -> click -> impression, the same for every order of arrival (LINK-1).
//!
//! Events are inserted as they come.
//! Each insertion can change the verdict of its neighbours and the parents of later events, never anything else:
//! impressions depend on impressions, views and clicks on impressions and on clicks, conversions on all of them.
//! So a batch is settled in three stages, one a kind, and each stage looks only at the events that the one before
//! could have touched.
//! Whatever changed is told as signed facts: the old one retracted, the new one added.
//!
//! Not here: expiry and spilling. State grows with the number of accepted events; see [`Linker::len`].

mod arena;
mod fact;
mod index;
mod rules;
mod story;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use fact::{Basis, Fact, FactBody, Link, Outcome, Through, Unlinked, cells_of};
pub use story::{Filter, MAX_HISTORY_EVENTS, Related};

use crate::event::{Dims, Event, EventRef, InvalidReason, Kind, Screening};
use crate::settings::Settings;
use crate::time::{HOUR_MS, ServerTime};
use arena::Arena;
use index::Index;

/// An event that arrives later than this after it happened counts as late.
pub const LATE_AFTER_MS: i64 = HOUR_MS;

/// An event on its way into the linker.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The event.
    pub event: Event,
    /// When it reached the server.
    pub received: ServerTime,
    /// The rules in force when it arrived.
    pub settings: Arc<Settings>,
}

/// What became of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// New: it has this position in the log.
    Accepted(u64),
    /// An event of this kind and id was there already.
    Duplicate,
}

/// What a batch did.
#[derive(Debug, Default)]
pub struct Applied {
    /// One per arrival, in order.
    pub admissions: Vec<Admission>,
    /// What changed: for each changed event its old fact retracted, then its new one added.
    pub facts: Vec<Fact>,
}

/// The place of an event in the linker's arena, in order of arrival.
type Slot = usize;

/// An accepted event and what the rules make of it at the moment.
#[derive(Debug)]
struct Entry {
    event: Event,
    received: ServerTime,
    settings: Arc<Settings>,
    duplicates: u64,
    invalid: Option<InvalidReason>,
    link: SlotLink,
    /// The dimensions with what is inherited from parents, where that makes a difference.
    inherited: Option<Box<Dims>>,
}

impl Entry {
    /// The dimensions with what is inherited from parents.
    fn dims(&self) -> &Dims {
        self.inherited.as_deref().unwrap_or(&self.event.dims)
    }
}

/// The link of an entry, by slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotLink {
    /// An impression has no parent; an invalid event looks for none.
    Root,
    /// No parent, and why.
    Unlinked(Unlinked),
    /// To an impression: a view, a click, or a view-through conversion.
    Impression(Slot),
    /// To a click and through it to its impression: a conversion.
    Click { click: Slot, impression: Option<Slot> },
}

impl SlotLink {
    fn parent(self) -> Option<Slot> {
        match self {
            SlotLink::Root | SlotLink::Unlinked(_) => None,
            SlotLink::Impression(parent) | SlotLink::Click { click: parent, .. } => Some(parent),
        }
    }
}

/// All accepted events of one shard of one advertiser, linked.
#[derive(Debug, Default)]
pub struct Linker {
    entries: Arena,
    by_ref: HashMap<EventRef, Slot>,
    index: Index,
}

/// The events whose facts may change in a batch, with the facts they had before it.
#[derive(Default)]
struct Batch {
    before: BTreeMap<Slot, Option<FactBody>>,
    /// New, or with another verdict, link or dimensions than before.
    changed: BTreeSet<Slot>,
}

impl Linker {
    /// An empty linker.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of accepted events, which is also the position of the next one.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was accepted yet.
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// What [`Linker::apply`] would say of these events, without doing it.
    pub fn admissions<'a>(&self, events: impl IntoIterator<Item = &'a EventRef>) -> Vec<Admission> {
        let mut fresh = BTreeSet::new();
        let mut next = self.entries.len() as u64;
        let mut admit = |event: &'a EventRef| {
            if self.by_ref.contains_key(event) || !fresh.insert(event) {
                return Admission::Duplicate;
            }
            next += 1;
            Admission::Accepted(next - 1)
        };
        events.into_iter().map(&mut admit).collect()
    }

    /// Takes in a batch and tells what changed; duplicates change only their count.
    pub fn apply(&mut self, arrivals: impl IntoIterator<Item = Arrival>) -> Applied {
        self.apply_with_repeats(arrivals, [])
    }

    /// [`Linker::apply`], with deliveries that are known to be duplicates told by reference only.
    ///
    /// A reference to an event that never arrived counts nowhere.
    pub fn apply_with_repeats(
        &mut self,
        arrivals: impl IntoIterator<Item = Arrival>,
        repeats: impl IntoIterator<Item = EventRef>,
    ) -> Applied {
        let mut batch = Batch::default();
        let mut admissions = Vec::new();
        let mut fresh = Vec::new();
        for arrival in arrivals {
            admissions.push(match self.by_ref.get(&arrival.event.event) {
                Some(&slot) => {
                    self.count_duplicate(slot, &mut batch);
                    Admission::Duplicate
                }
                None => {
                    let slot = self.insert(arrival);
                    batch.before.insert(slot, None);
                    batch.changed.insert(slot);
                    fresh.push(slot);
                    Admission::Accepted(slot as u64)
                }
            });
        }
        for repeat in repeats {
            if let Some(&slot) = self.by_ref.get(&repeat) {
                self.count_duplicate(slot, &mut batch);
            }
        }
        self.judge(&fresh, &mut batch);
        for stage in [&[Kind::Impression][..], &[Kind::View, Kind::Click], &[Kind::Conversion]] {
            self.settle(stage, &mut batch);
        }
        let facts = batch.before.into_iter().flat_map(|(slot, old)| self.difference(slot, old)).collect();
        Applied { admissions, facts }
    }

    fn count_duplicate(&mut self, slot: Slot, batch: &mut Batch) {
        batch.remember(slot, || self.fact(slot));
        self.entries[slot].duplicates += 1;
    }

    fn insert(&mut self, arrival: Arrival) -> Slot {
        let slot = self.entries.len();
        let Arrival { mut event, received, settings } = arrival;
        self.index.intern(&mut event);
        self.by_ref.insert(event.event.clone(), slot);
        self.index.insert(slot, &event, &settings.windows);
        let link = SlotLink::Root;
        let entry = Entry { event, received, settings, duplicates: 0, invalid: None, link, inherited: None };
        self.entries.push(entry);
        slot
    }

    /// Gives the new events their verdict, and their next neighbours, which may have become or ceased to be repeats.
    fn judge(&mut self, fresh: &[Slot], batch: &mut Batch) {
        let mut suspects: BTreeSet<Slot> = fresh.iter().copied().collect();
        suspects.extend(fresh.iter().filter_map(|&slot| self.index.next_in_lane(&self.entries[slot].event)));
        for slot in suspects {
            let verdict = self.verdict(slot);
            if verdict != self.entries[slot].invalid {
                batch.remember(slot, || self.fact(slot));
                self.entries[slot].invalid = verdict;
                batch.changed.insert(slot);
            }
        }
    }

    fn verdict(&self, slot: Slot) -> Option<InvalidReason> {
        let entry = &self.entries[slot];
        match entry.event.screening {
            Screening::Bot => return Some(InvalidReason::Bot),
            Screening::Datacenter => return Some(InvalidReason::Datacenter),
            Screening::Clean => {}
        }
        let window = rules::repeat_window_ms(&entry.settings.windows, entry.event.kind())?;
        let before = self.index.previous_in_lane(&entry.event)?;
        (entry.event.at.0 - before.0 <= window).then_some(InvalidReason::Repeat)
    }

    /// Links anew the changed events of these kinds, and those whose parents changed in an earlier stage.
    fn settle(&mut self, kinds: &[Kind], batch: &mut Batch) {
        let mut dirty: BTreeSet<Slot> = BTreeSet::new();
        for &slot in &batch.changed {
            let event = &self.entries[slot].event;
            if kinds.contains(&event.kind()) {
                dirty.insert(slot);
            } else {
                self.index.children(event, |child| {
                    if kinds.contains(&self.entries[child].event.kind()) {
                        dirty.insert(child);
                    }
                });
            }
        }
        for slot in dirty {
            let link = rules::link(self, slot);
            let dims = rules::dims(self, slot, link);
            let entry = &self.entries[slot];
            if link != entry.link || dims != *entry.dims() {
                batch.remember(slot, || self.fact(slot));
                let entry = &mut self.entries[slot];
                entry.link = link;
                entry.inherited = (dims != entry.event.dims).then(|| Box::new(dims));
                batch.changed.insert(slot);
            }
        }
    }

    fn difference(&self, slot: Slot, old: Option<FactBody>) -> impl Iterator<Item = Fact> {
        let new = self.fact(slot);
        let changed = old.as_ref() != Some(&new);
        let Event { event, at, .. } = &self.entries[slot].event;
        let signed = |sign, body| Fact { sign, event: event.clone(), at: *at, body };
        let retracted = old.filter(|_| changed).map(|body| signed(-1, body));
        let added = changed.then(|| signed(1, new));
        retracted.into_iter().chain(added)
    }
}

impl Batch {
    fn remember(&mut self, slot: Slot, fact: impl FnOnce() -> FactBody) {
        self.before.entry(slot).or_insert_with(|| Some(fact()));
    }
}
