//! Many events at once: every group is settled once, and what it amounts to is told as it comes.
//!
//! The facts are those that a [`Linker`](super::Linker) would have told of the same events in the end, by the same
//! rules ([`settle`]); there is nothing before to tell the difference to.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::crowd::Crowd;
use super::pool::{NO_POSITION, Pool, Slot, name_hash};
use super::settle::{Rules, State, settle};
use super::{Fact, Retention};
use crate::aggregate::Aggregator;
use crate::batch::Ruling;
use crate::event::{Event, EventRef, Kind};
use crate::settings::Settings;
use crate::time::ServerTime;

/// Whether an event is one that facts are wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Its fact is told.
    Told,
    /// It is there for what others depend on.
    Context,
    /// The same, and it is counted already, but for how often it was delivered again.
    Repeats,
}

/// A set of events to be linked, all of them known to be accepted.
#[derive(Debug, Default)]
pub struct Bulk {
    rules: Rules,
    pool: Pool,
    uses: Vec<Use>,
    repeats: Vec<Repeat>,
    /// Whether impressions can be repeats by any settings.
    repeats_impressions: bool,
    /// Who counts events under rulings, where they are not held.
    crowd: Option<Box<Crowd>>,
    /// The places of repeats by name, where those of a name are held as one.
    folded: FxHashMap<u64, usize>,
}

/// An event with what it counts as; nothing is put into words before it is asked for.
#[derive(Debug)]
pub struct Told<'a> {
    pool: &'a Pool,
    slot: Slot,
    state: &'a State,
    /// Whether all but how often it was delivered again is counted already.
    is_counted: bool,
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
    count: u32,
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

    /// Counts events under rulings as they come and holds few of them, so there can be any number. Their facts are not told
    /// then, and only those of their names are held that were foreseen. Settings have to be known before.
    pub fn crowded(self) -> Self {
        let settings = self.pool.revisions().map(|(_, settings)| settings);
        Self { crowd: Some(Box::new(Crowd::new(settings))), ..self }
    }

    /// Somebody refers to this name: an event that names its parent, or a repeated delivery.
    pub fn foresee(&mut self, name: u64) {
        self.crowd.iter_mut().for_each(|crowd| crowd.foresee(name));
    }

    /// Makes settings known.
    pub fn know_settings(&mut self, revision: u64, settings: Arc<Settings>) -> SettingsNumber {
        self.repeats_impressions |= settings.windows.repeat_impression_ms > 0;
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
        let mark = self.pool.mark();
        let slot = self.pool.push_event(event, received, settings.0, NO_POSITION, row);
        let held_for = match &mut self.crowd {
            None => Some(its_use),
            Some(crowd) => crowd.take(&self.pool, &self.rules, slot, its_use),
        };
        match held_for {
            Some(its_use) => self.uses.push(its_use),
            None => self.pool.back_to(mark),
        }
    }

    /// Adds a repeated delivery in row `row`: it counts on the last event of that name that was accepted up to then.
    pub fn repeat(&mut self, event: EventRef, row: i64) {
        let name = name_hash(event.kind, event.id.as_str().as_bytes());
        if self.crowd.is_some() {
            // One event may be delivered any number of times. A name that is used again on the same day, after the
            // horizon, has all of them on its first event.
            let place = *self.folded.entry(name).or_insert(self.repeats.len());
            if let Some(first) = self.repeats.get_mut(place).filter(|first| first.event == event) {
                first.row = first.row.min(row);
                first.count = first.count.saturating_add(1);
                return;
            }
        }
        self.repeats.push(Repeat { name, row, event, count: 1 });
    }

    /// The number of events and repeated deliveries that are held, and of names that were foreseen.
    pub fn len(&self) -> usize {
        self.uses.len() + self.repeats.len() + self.crowd.as_ref().map_or(0, |crowd| crowd.foreseen())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was counted already.
    pub(crate) fn take_counted(&mut self) -> Aggregator {
        self.crowd.as_mut().map(|crowd| std::mem::take(&mut crowd.aggregator)).unwrap_or_default()
    }

    /// Settles everything, a group after the other, and tells what each event counts as.
    pub fn settle(mut self, mut tell: impl FnMut(Told<'_>)) {
        let names = self.names();
        self.count_repeats(&names);
        let mut ties = self.ties(&names);
        let order = self.by_group();
        let mut tied: Vec<(u64, &[(u64, Slot)])> = Vec::new();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            match ties.root(group[0].0) {
                Some(root) => tied.push((root, group)),
                None if self.stands_alone(group) => self.tell_alone(group, &mut tell),
                None => self.settle_members(group.iter().map(|(_, slot)| *slot).collect(), &mut tell),
            }
        }
        tied.sort_unstable();
        for groups in tied.chunk_by(|a, b| a.0 == b.0) {
            let members = groups.iter().flat_map(|(_, group)| group.iter()).map(|(_, slot)| *slot);
            self.settle_members(members.collect(), &mut tell);
        }
    }

    /// The events whose names are looked for, by name: few, so that most are passed over.
    fn names(&self) -> Vec<(u64, Slot)> {
        let slots = 0..self.pool.records.len() as Slot;
        let named = slots.filter_map(|slot| self.pool.named_parent(slot));
        let named = named.map(|(kind, id)| name_hash(kind, id));
        let wanted: FxHashSet<u64> = named.chain(self.repeats.iter().map(|repeat| repeat.name)).collect();
        let records = (0..).zip(&self.pool.records);
        let names = records.filter(|(_, record)| wanted.contains(&record.hash));
        let mut names: Vec<(u64, Slot)> = names.map(|(slot, record)| (record.hash, slot)).collect();
        names.sort_unstable();
        names
    }

    /// Every event, by group. Groups are hashes, so their first bits divide them into equal parts that are near when
    /// they are sorted; sorting any other numbers takes longer.
    fn by_group(&self) -> Vec<(u64, Slot)> {
        const BITS: u32 = 12;
        let records = &self.pool.records;
        let part = |group: u64| (group >> (u64::BITS - BITS)) as usize;
        let mut ends = vec![0usize; 1 << BITS];
        records.iter().for_each(|record| ends[part(record.group)] += 1);
        let mut end = 0;
        for place in &mut ends {
            end += std::mem::replace(place, end);
        }
        let mut order = vec![(0, 0); records.len()];
        for (slot, record) in (0..).zip(records) {
            let place = &mut ends[part(record.group)];
            order[*place] = (record.group, slot);
            *place += 1;
        }
        let mut start = 0;
        for end in ends {
            order[start..end].sort_unstable();
            start = end;
        }
        order
    }

    /// Whether no event of a group depends on another: impressions, where none can be a repeat.
    fn stands_alone(&self, group: &[(u64, Slot)]) -> bool {
        !self.repeats_impressions
            && group.iter().all(|(_, slot)| self.pool.get(*slot).kind == Kind::Impression)
    }

    fn tell_alone(&self, group: &[(u64, Slot)], tell: &mut impl FnMut(Told<'_>)) {
        for (_, slot) in group {
            if let Some(is_counted) = self.is_counted(*slot) {
                let state = &State::alone(self.pool.get(*slot), &self.rules);
                tell(Told { pool: &self.pool, slot: *slot, state, is_counted });
            }
        }
    }

    /// Counts the deliveries of each event.
    fn count_repeats(&mut self, names: &[(u64, Slot)]) {
        for Repeat { name, row, event, count } in std::mem::take(&mut self.repeats) {
            let is_it = |slot: &Slot| {
                let record = self.pool.get(*slot);
                let is_named = self.pool.id(*slot) == event.id.as_str().as_bytes();
                record.row <= row && record.kind == event.kind && is_named
            };
            let latest = with_name(names, name).filter(is_it).max_by_key(|slot| self.pool.get(*slot).row);
            // A name that never arrived counts nowhere.
            if let Some(slot) = latest {
                let duplicates = &mut self.pool.records[slot as usize].duplicates;
                *duplicates = duplicates.saturating_add(count);
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
    fn settle_members(&mut self, members: Vec<Slot>, tell: &mut impl FnMut(Told<'_>)) {
        let settled = settle(&mut self.pool, members, &self.rules);
        for (&slot, state) in settled.order.iter().zip(&settled.states) {
            if let Some(is_counted) = self.is_counted(slot) {
                tell(Told { pool: &self.pool, slot, state, is_counted });
            }
        }
    }

    /// Whether an event that has to be told is counted already.
    fn is_counted(&self, slot: Slot) -> Option<bool> {
        match self.uses[slot as usize] {
            Use::Told => Some(false),
            Use::Repeats if self.pool.get(slot).duplicates > 0 => Some(true),
            Use::Repeats | Use::Context => None,
        }
    }
}

impl Told<'_> {
    /// What it counts as, in words.
    pub fn fact(&self) -> Fact {
        let body = self.pool.fact(self.slot, self.state, self.pool.get(self.slot).duplicates);
        self.pool.signed(1, self.slot, body)
    }

    /// Whether it has a parent.
    pub fn is_linked(&self) -> bool {
        self.state.link.parent().is_some()
    }

    /// Adds what it counts to its cell.
    pub fn add_to(&self, aggregator: &mut Aggregator) {
        match self.is_counted {
            true => self.pool.tally_duplicates(self.slot, aggregator),
            false => self.pool.tally(self.slot, self.state, aggregator),
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
