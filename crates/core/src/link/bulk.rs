//! Many events at once: every group is settled once, and what it amounts to is told as it comes.
//!
//! The facts are those that a [`Linker`](super::Linker) would have told of the same events in the end, by the same
//! rules ([`settle`]); there is nothing before to tell the difference to.
//!
//! Most of many events are impressions that nobody looks at, and what these are they are by themselves: they are told in
//! passing. Only what is named, or of a user of whom a child looks for its parent, is put together by group.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::crowd::Crowd;
use super::parts::{Marks, Parts};
use super::pool::{NO_POSITION, Pool, Slot, name_hash};
use super::rows::Rows;
use super::settle::{Rules, State, settle};
use super::ties::{Few, Namesakes, Seekers, Ties};
use super::{Fact, Link, Retention, admit};
use crate::aggregate::Aggregator;
use crate::batch::{Ruling, Stored};
use crate::event::{Event, EventRef, Kind};
use crate::settings::Settings;
use crate::time::{EventTime, ServerTime};

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

/// A set of events to be linked: accepted ones, or deliveries of which it is found out which are.
#[derive(Debug, Default)]
pub struct Bulk {
    rules: Rules,
    rows: Rows,
    /// Settings, words, and the events that are being settled.
    pool: Pool,
    repeats: Vec<Repeat>,
    has_deliveries: bool,
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
    held: Held<'a>,
    /// Whether all but how often it was delivered again is counted already.
    is_counted: bool,
}

/// Where an event that is told is.
#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    /// Settled with others.
    InPool(Slot, &'a State),
    /// It has to do with no other.
    Alone(&'a Rows, Slot, &'a Rules),
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

    /// Names that events refer to that are held, and of which some may have been counted and let go: that was not foreseen.
    pub fn unforeseen(&self) -> BTreeSet<u64> {
        let Some(crowd) = &self.crowd else { return BTreeSet::new() };
        let named = self.rows.children().iter().filter_map(|child| self.rows.parent(*child));
        named.filter(|name| crowd.may_have_let_go(*name)).collect()
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
        if let Some(held_for) = self.held_for(event, received, row, settings, its_use) {
            let parts = Parts::of(event, &mut self.pool.words);
            let (received, settings, its_use) = (received.0, settings.0, held_for);
            self.rows.push(&Parts { received, row, settings, its_use, ..parts });
        }
    }

    /// [`Bulk::add`] of an event where it stands in the archive; tells whether its texts are such as events have.
    #[must_use]
    pub fn add_stored(&mut self, stored: &Stored<'_>, settings: SettingsNumber, its_use: Use) -> bool {
        if self.crowd.is_some() {
            let event = stored.event();
            event.iter().for_each(|event| self.add(event, stored.received, stored.row, settings, its_use));
            return event.is_some();
        }
        let Some(parts) = Parts::of_stored(stored, &mut self.pool.words) else { return false };
        self.rows.push(&Parts { settings: settings.0, its_use, ..parts });
        true
    }

    /// Adds an event that was delivered, after those that were delivered before: it is accepted unless one of its name was,
    /// within the horizon of duplicates.
    pub fn deliver(&mut self, event: &Event, received: ServerTime, settings: SettingsNumber) {
        self.has_deliveries = true;
        let row = self.rows.len() as i64;
        let (received, settings, is_delivered) = (received.0, settings.0, true);
        let parts = Parts::of(event, &mut self.pool.words);
        self.rows.push(&Parts { received, row, settings, is_delivered, ..parts });
    }

    /// For what an event has to be held, if for anything.
    fn held_for(
        &mut self,
        event: &Event,
        received: ServerTime,
        row: i64,
        settings: SettingsNumber,
        its_use: Use,
    ) -> Option<Use> {
        let Some(crowd) = &mut self.crowd else { return Some(its_use) };
        let mark = self.pool.mark();
        let slot = self.pool.push_event(event, received, settings.0, NO_POSITION, row);
        let held_for = crowd.take(&self.pool, &self.rules, slot, its_use);
        self.pool.back_to(mark);
        held_for
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
        self.rows.len() + self.repeats.len() + self.crowd.as_ref().map_or(0, |crowd| crowd.foreseen())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was counted already.
    pub(crate) fn take_counted(&mut self) -> Aggregator {
        self.crowd.as_mut().map(|crowd| std::mem::take(&mut crowd.aggregator)).unwrap_or_default()
    }

    /// Settles everything, and tells what each event counts as.
    pub fn settle(mut self, mut tell: impl FnMut(Told<'_>)) {
        self.admit();
        let namesakes = self.namesakes();
        self.count_repeats(&namesakes);
        let mut ties = self.ties(&namesakes);
        drop(namesakes);
        let members = by_group(self.tell_alone(&mut tell));
        let mut tied: Vec<(u64, &[(u64, Slot)])> = Vec::new();
        for group in members.chunk_by(|a, b| a.0 == b.0) {
            match ties.root(group[0].0) {
                Some(root) => tied.push((root, group)),
                None => self.settle_members(group.iter().map(|(_, slot)| *slot), &mut tell),
            }
        }
        tied.sort_unstable();
        for groups in tied.chunk_by(|a, b| a.0 == b.0) {
            let members = groups.iter().flat_map(|(_, group)| group.iter()).map(|(_, slot)| *slot);
            self.settle_members(members, &mut tell);
        }
    }

    /// Finds out which deliveries are of events that are there.
    fn admit(&mut self) {
        if !std::mem::take(&mut self.has_deliveries) {
            return;
        }
        for (delivery, event) in admit::duplicates(&self.rows, self.rules.retention.dedupe_ms) {
            self.rows.drop(delivery);
            self.rows.repeat(event, 1);
        }
    }

    /// Those events whose names are looked for.
    fn namesakes(&self) -> Namesakes {
        let children = self.rows.children();
        let parents = children.iter().filter_map(|child| self.rows.parent(*child));
        let names = parents.chain(self.repeats.iter().map(|repeat| repeat.name));
        let names = Few::of(names, children.len() + self.repeats.len());
        let mut found = Vec::new();
        self.rows.each(|slot, marks, name, _| {
            if let Some(number) = names.number(name).filter(|_| marks.is_event()) {
                found.push((number, slot));
            }
        });
        Namesakes::of(names, found)
    }

    /// Counts the deliveries of each event.
    fn count_repeats(&mut self, namesakes: &Namesakes) {
        for Repeat { name, row, event, count } in std::mem::take(&mut self.repeats) {
            let is_it = |slot: &&Slot| {
                let is_named = self.rows.id(**slot) == event.id.as_bytes();
                self.rows.log_row(**slot) <= row && self.rows.marks(**slot).kind() == event.kind && is_named
            };
            let named = namesakes.of_name(name).iter();
            let latest = named.filter(is_it).max_by_key(|slot| self.rows.log_row(**slot));
            // A name that never arrived counts nowhere.
            if let Some(slot) = latest {
                self.rows.repeat(*slot, count);
            }
        }
    }

    /// Ties groups of which one names an event of the other, and marks what is named.
    fn ties(&mut self, namesakes: &Namesakes) -> Ties {
        let mut ties = Ties::default();
        let mut met = Vec::new();
        let events = self.rows.children().iter().filter(|child| self.rows.marks(**child).is_event());
        for child in events {
            let Some(name) = self.rows.parent(*child) else { continue };
            let group = self.rows.group(*child);
            for parent in namesakes.of_name(name) {
                met.push(*parent);
                let other = self.rows.group(*parent);
                if other != group {
                    ties.tie(group, other);
                }
            }
        }
        met.into_iter().for_each(|parent| self.rows.meet(parent));
        ties
    }

    /// Tells what is an impression that no other event looks at; gives the others, with their groups.
    fn tell_alone(&self, tell: &mut impl FnMut(Told<'_>)) -> Vec<(u64, Slot)> {
        let seekers = self.seekers();
        let mut members = Vec::new();
        self.rows.each(|slot, marks, _, group| {
            if !marks.is_event() {
                return;
            }
            let values = || self.pool.words.values(self.rows.tuple(slot));
            let may_be_taken = || self.repeats_impressions || seekers.may_take(group, values);
            if marks.kind() != Kind::Impression || marks.is_met() || (marks.has_user() && may_be_taken()) {
                members.push((group, slot));
            } else if let Some(is_counted) = self.is_counted(marks, slot) {
                tell(Told { pool: &self.pool, held: Held::Alone(&self.rows, slot, &self.rules), is_counted });
            }
        });
        members
    }

    /// The children that look for a touch by user.
    fn seekers(&self) -> Seekers {
        let children = self.rows.children();
        let mut seekers = Seekers::with_room(children.len());
        for &child in children {
            let marks = self.rows.marks(child);
            if marks.is_event() && marks.has_user() && self.rows.parent(child).is_none() {
                let values = self.pool.words.values(self.rows.tuple(child));
                seekers.add(marks.kind(), self.rows.group(child), values);
            }
        }
        seekers
    }

    /// Settles events that have nothing to do with any others, and tells what is wanted.
    fn settle_members(&mut self, members: impl Iterator<Item = Slot>, tell: &mut impl FnMut(Told<'_>)) {
        let mark = self.pool.mark();
        let members: Vec<Slot> = members.collect();
        // A user may have most of all events: room for just as many takes half of what growing would.
        self.pool.records.reserve_exact(members.len());
        let lent = members.iter().map(|slot| self.rows.lend(*slot, &mut self.pool)).collect();
        let settled = settle(&mut self.pool, lent, &self.rules);
        for (&slot, state) in settled.order.iter().zip(&settled.states) {
            let member = members[(slot - mark.first()) as usize];
            if let Some(is_counted) = self.is_counted(self.rows.marks(member), member) {
                tell(Told { pool: &self.pool, held: Held::InPool(slot, state), is_counted });
            }
        }
        self.pool.back_to(mark);
    }

    /// Whether an event that has to be told is counted already.
    fn is_counted(&self, marks: Marks, slot: Slot) -> Option<bool> {
        match marks.its_use() {
            Use::Told => Some(false),
            Use::Repeats if self.rows.duplicates(slot) > 0 => Some(true),
            Use::Repeats | Use::Context => None,
        }
    }
}

impl Told<'_> {
    /// What it counts as, in words.
    pub fn fact(&self) -> Fact {
        match self.held {
            Held::InPool(slot, state) => {
                let body = self.pool.fact(slot, state, self.pool.get(slot).duplicates);
                self.pool.signed(1, slot, body)
            }
            Held::Alone(rows, slot, rules) => {
                let (record, state) = (rows.record(slot), rows.alone(slot, rules));
                let body = self.pool.body(&record, rows.money(slot), &state, Link::Root);
                Fact { sign: 1, event: rows.event_ref(slot), at: EventTime(record.at), body }
            }
        }
    }

    /// Whether it has a parent.
    pub fn is_linked(&self) -> bool {
        matches!(self.held, Held::InPool(_, state) if state.link.parent().is_some())
    }

    /// Adds what it counts to its cell.
    pub fn add_to(&self, aggregator: &mut Aggregator) {
        let (record, money, state) = match self.held {
            Held::InPool(slot, state) => (*self.pool.get(slot), self.pool.money(slot), *state),
            Held::Alone(rows, slot, rules) => (rows.record(slot), rows.money(slot), rows.alone(slot, rules)),
        };
        match self.is_counted {
            true => self.pool.tally_duplicates(&record, aggregator),
            false => self.pool.tally(&record, money, &state, aggregator),
        }
    }
}

/// Events in the order of their groups. Groups are hashes, so their first bits divide them into equal parts that are near
/// when they are sorted; sorting any other numbers takes longer.
fn by_group(events: Vec<(u64, Slot)>) -> Vec<(u64, Slot)> {
    const BITS: u32 = 12;
    let part = |group: u64| (group >> (u64::BITS - BITS)) as usize;
    let mut ends = vec![0usize; 1 << BITS];
    events.iter().for_each(|(group, _)| ends[part(*group)] += 1);
    let mut end = 0;
    for place in &mut ends {
        end += std::mem::replace(place, end);
    }
    let mut order = vec![(0, 0); events.len()];
    for event in events {
        let place = &mut ends[part(event.0)];
        order[*place] = event;
        *place += 1;
    }
    let mut start = 0;
    for end in ends {
        order[start..end].sort_unstable();
        start = end;
    }
    order
}
