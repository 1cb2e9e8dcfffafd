//! The linking rules: what each event of a group is, given all the others of it.
//!
//! Everything is decided at once, from scratch: first verdicts, then the links of views and clicks, then those of
//! conversions. What a group amounts to is a function of the set of its events (LINK-1).

use std::cell::OnceCell;
use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use super::pool::{Pool, Record, Slot, name_hash};
use super::words::{Tuple, Values};
use super::{Retention, Unlinked};
use crate::batch::Ruling;
use crate::cell::Dimension;
use crate::event::{InvalidReason, Kind, Screening};
use crate::settings::Windows;
use crate::time::Day;

/// What besides the events decides what they amount to.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) retention: Retention,
    /// Each with the row of the log since which it holds.
    pub(super) rulings: FxHashMap<Ruling, i64>,
}

impl Rules {
    /// Whether an event is of a kind of which its user has too many that day.
    fn flood(&self, record: &Record) -> Option<InvalidReason> {
        self.ruling(record).map(|_| InvalidReason::Flood)
    }

    /// The ruling that an event falls under, and since when.
    pub(super) fn ruling(&self, record: &Record) -> Option<(i64, Ruling)> {
        if self.rulings.is_empty() || !record.has_user {
            return None;
        }
        let Record { group, kind, at, .. } = *record;
        let ruling = Ruling { group, kind, day: Day::holding(at) };
        self.rulings.get(&ruling).map(|row| (*row, ruling))
    }
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) invalid: Option<InvalidReason>,
    pub(super) link: SlotLink,
    /// The dimensions with what is inherited from parents.
    pub(super) tuple: Tuple,
}

/// The parent of an event, by slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotLink {
    /// An impression has no parent; an invalid event looks for none.
    Root,
    /// No parent, and why.
    Unlinked(Unlinked),
    /// To an impression: a view, a click, or a view-through conversion.
    Impression(Slot),
    /// To a click and through it to its impression: a conversion.
    Click { click: Slot, impression: Option<Slot> },
}

impl State {
    /// An event that is judged by itself: all there is to an impression that cannot be a repeat.
    pub(super) fn alone(record: &Record, rules: &Rules) -> Self {
        let floods = || rules.flood(record);
        Self { invalid: screened(record).or_else(floods), ..Self::screened(record) }
    }

    /// An event as it arrived.
    fn screened(record: &Record) -> Self {
        Self { invalid: screened(record), link: SlotLink::Root, tuple: record.tuple }
    }
}

impl SlotLink {
    pub(super) fn parent(self) -> Option<Slot> {
        match self {
            SlotLink::Root | SlotLink::Unlinked(_) => None,
            SlotLink::Impression(parent) | SlotLink::Click { click: parent, .. } => Some(parent),
        }
    }
}

/// Events in the order of the rules, each with what it is.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) order: Vec<Slot>,
    pub(super) states: Vec<State>,
    /// Places by slot, once somebody asks for one among many.
    places: OnceCell<FxHashMap<Slot, usize>>,
}

impl Settled {
    /// What the event in `slot` is.
    pub(super) fn state(&self, slot: Slot) -> Option<State> {
        let place = if self.order.len() <= FEW {
            self.order.iter().position(|other| *other == slot)
        } else {
            let places = || self.order.iter().copied().zip(0..).collect();
            self.places.get_or_init(places).get(&slot).copied()
        };
        place.map(|place| self.states[place])
    }
}

/// How long after an event another of its lane is a repeat; `None` where the rule is off.
pub(super) fn repeat_window_ms(windows: &Windows, kind: Kind) -> Option<i64> {
    let window = match kind {
        Kind::Impression => windows.repeat_impression_ms,
        Kind::View => 0,
        Kind::Click => windows.repeat_click_ms,
        Kind::Conversion => windows.repeat_conversion_ms,
    };
    (window > 0).then_some(window)
}

/// How far a child may lie behind a touch of this kind.
pub(super) fn window_ms(windows: &Windows, child: Kind, touch: Kind) -> i64 {
    match (child, touch) {
        (Kind::Conversion, Kind::Click) => windows.conversion_click_window_ms,
        (Kind::Conversion, _) => windows.conversion_view_window_ms,
        _ => windows.click_window_ms,
    }
}

/// What arrival alone says of an event.
pub(super) fn screened(record: &Record) -> Option<InvalidReason> {
    match record.screening {
        Screening::Clean => None,
        Screening::Bot => Some(InvalidReason::Bot),
        Screening::Datacenter => Some(InvalidReason::Datacenter),
    }
}

/// Whether a touch that arrived then counts for a child that arrived then: it was still kept, or not too late.
pub(super) fn counts_for(touch: &Record, child: &Record, retention: &Retention) -> bool {
    retention.counts(touch.received, child.received)
}

/// Decides everything about a group.
pub(super) fn settle(pool: &mut Pool, members: Vec<Slot>, rules: &Rules) -> Settled {
    settle_with(pool, members, rules, &FxHashMap::default())
}

/// Decides everything about the members of a group of which it is not known already.
pub(super) fn settle_with(
    pool: &mut Pool,
    mut members: Vec<Slot>,
    rules: &Rules,
    known: &FxHashMap<Slot, State>,
) -> Settled {
    members.sort_unstable_by(|a, b| in_order(pool, *a, *b));
    let state = |slot: &Slot| known.get(slot).copied().unwrap_or_else(|| State::screened(pool.get(*slot)));
    let states = members.iter().map(state).collect();
    let mut group = Group { pool, order: members, states, names: Vec::new(), rules, known };
    group.judge();
    group.index_names();
    for kinds in [&[Kind::View, Kind::Click][..], &[Kind::Conversion]] {
        for index in 0..group.order.len() {
            let kind = group.record(index).kind;
            if kinds.contains(&kind) && group.states[index].invalid.is_none() && !group.is_known(index) {
                group.link(index);
            }
        }
    }
    Settled { order: group.order, states: group.states, places: OnceCell::new() }
}

/// Where an event stands among the others: by user, kind and time.
fn place(record: &Record) -> (bool, u64, Kind, i64) {
    (record.has_user, if record.has_user { record.group } else { 0 }, record.kind, record.at)
}

/// By place, then id: a user's candidates for a parent stand together, latest last.
fn in_order(pool: &Pool, a: Slot, b: Slot) -> Ordering {
    let (x, y) = (pool.get(a), pool.get(b));
    let by_place = place(x).cmp(&place(y));
    by_place.then_with(|| pool.id(a).cmp(pool.id(b))).then_with(|| x.received.cmp(&y.received))
}

/// Among up to so many events one is found by looking at all of them.
const FEW: usize = 32;

struct Group<'a> {
    pool: &'a mut Pool,
    order: Vec<Slot>,
    states: Vec<State>,
    /// Name hashes with their place in the order, sorted; empty where there are few events.
    names: Vec<(u64, u32)>,
    rules: &'a Rules,
    /// What is decided of some of them.
    known: &'a FxHashMap<Slot, State>,
}

impl Group<'_> {
    fn record(&self, index: usize) -> &Record {
        self.pool.get(self.order[index])
    }

    fn windows(&self, index: usize) -> &Windows {
        &self.pool.settings(self.order[index]).windows
    }

    fn value(&self, index: usize, dimension: Dimension) -> u32 {
        self.pool.words.value(self.record(index).tuple, dimension)
    }

    fn is_known(&self, index: usize) -> bool {
        !self.known.is_empty() && self.known.contains_key(&self.order[index])
    }

    fn judge(&mut self) {
        for index in 0..self.order.len() {
            if self.is_known(index) {
                continue;
            }
            let repeats = || self.is_repeat(index).then_some(InvalidReason::Repeat);
            let floods = || self.rules.flood(self.record(index));
            self.states[index].invalid = self.states[index].invalid.or_else(repeats).or_else(floods);
        }
    }

    /// Whether another event of the same lane lies just before it, itself valid or not.
    fn is_repeat(&self, index: usize) -> bool {
        let record = self.record(index);
        if !record.has_user {
            return false;
        }
        let Some(window) = repeat_window_ms(self.windows(index), record.kind) else { return false };
        let before = (0..index).rev().take_while(|other| {
            let other = self.record(*other);
            other.has_user
                && other.group == record.group
                && other.kind == record.kind
                && record.at - other.at <= window
        });
        let mut same = before.filter(|other| self.is_same(index, *other));
        same.any(|other| {
            (self.record(other).received - record.received).abs() <= self.rules.retention.dedupe_ms
        })
    }

    /// Whether two events of one user and kind are for the same ad, or parent, or label.
    fn is_same(&self, one: usize, other: usize) -> bool {
        let equal = |dimension| self.value(one, dimension) == self.value(other, dimension);
        if self.record(one).kind == Kind::Conversion {
            return equal(Dimension::Label);
        }
        if self.value(one, Dimension::Ad) != 0 {
            return equal(Dimension::Ad);
        }
        let named = |index: usize| self.pool.impression(self.order[index]);
        equal(Dimension::Ad) && named(one) == named(other)
    }

    fn index_names(&mut self) {
        if self.order.len() > FEW {
            let names = self.order.iter().zip(0..).map(|(slot, index)| (self.pool.get(*slot).hash, index));
            self.names = names.collect();
            self.names.sort_unstable();
        }
    }

    fn link(&mut self, index: usize) {
        let link = match self.find(index) {
            Err(reason) => SlotLink::Unlinked(reason),
            Ok(parent) if self.record(parent).kind == Kind::Impression => {
                SlotLink::Impression(self.order[parent])
            }
            Ok(click) => {
                let impression = match self.states[click].link {
                    SlotLink::Impression(impression) => Some(impression),
                    _ => None,
                };
                SlotLink::Click { click: self.order[click], impression }
            }
        };
        let parent = link.parent().and_then(|parent| self.place_of(parent));
        let tuple = match parent {
            Some(parent) => self.inherit(index, parent),
            None => self.record(index).tuple,
        };
        self.states[index] = State { invalid: None, link, tuple };
    }

    fn place_of(&self, slot: Slot) -> Option<usize> {
        let found = self.order.binary_search_by(|other| in_order(self.pool, *other, slot));
        found.ok()
    }

    /// The dimensions of a child with what it takes from its parent.
    ///
    /// A view or click inherits what it leaves out. A conversion takes campaign, ad, service and placement from its
    /// touch, and country and device where it has none.
    fn inherit(&mut self, child: usize, parent: usize) -> Tuple {
        let own = *self.pool.words.values(self.record(child).tuple);
        let theirs = *self.pool.words.values(self.states[parent].tuple);
        let is_conversion = self.record(child).kind == Kind::Conversion;
        let mut values: Values = own;
        for dimension in [Dimension::Campaign, Dimension::Ad, Dimension::Service, Dimension::Placement] {
            let place = dimension as usize;
            values[place] = if is_conversion || own[place] == 0 { theirs[place] } else { own[place] };
        }
        for dimension in [Dimension::Country, Dimension::Device] {
            let place = dimension as usize;
            values[place] = if own[place] == 0 { theirs[place] } else { own[place] };
        }
        if values == own { self.record(child).tuple } else { self.pool.words.tuple(values) }
    }

    /// The parent of the event at `index`, or why it has none.
    fn find(&self, index: usize) -> Result<usize, Unlinked> {
        let record = self.record(index);
        if let Some((kind, name)) = self.pool.named_parent(self.order[index]) {
            return self.named(index, kind, name);
        }
        if !record.has_user {
            return Err(Unlinked::NoKey);
        }
        let found = if record.kind == Kind::Conversion {
            let campaign = self.value(index, Dimension::Campaign);
            let of = |touch: usize| self.pool.words.value(self.states[touch].tuple, Dimension::Campaign);
            let fits = |touch| campaign == 0 || of(touch) == campaign;
            self.latest(index, Kind::Click, fits).or_else(|| self.latest(index, Kind::Impression, fits))
        } else {
            let ad = self.value(index, Dimension::Ad);
            self.latest(index, Kind::Impression, |touch| self.value(touch, Dimension::Ad) == ad)
        };
        found.ok_or(Unlinked::NoTouch)
    }

    /// The parent that the event names: the first of that name to arrive, of those that count for it.
    fn named(&self, child: usize, kind: Kind, id: &[u8]) -> Result<usize, Unlinked> {
        let record = self.record(child);
        let hash = name_hash(kind, id);
        let fits = |index: &usize| {
            let other = self.record(*index);
            other.hash == hash
                && other.kind == kind
                && self.pool.id(self.order[*index]) == id
                && counts_for(other, record, &self.rules.retention)
        };
        let first = |index: &usize| self.record(*index).received;
        let parent = if self.order.len() <= FEW {
            (0..self.order.len()).filter(fits).min_by_key(first)
        } else {
            let from = self.names.partition_point(|(other, _)| *other < hash);
            let equal = self.names[from..].iter().take_while(|(other, _)| *other == hash);
            equal.map(|(_, index)| *index as usize).filter(fits).min_by_key(first)
        };
        let parent = parent.ok_or(Unlinked::ParentMissing)?;
        if self.states[parent].invalid.is_some() {
            return Err(Unlinked::ParentInvalid);
        }
        let (windows, age_ms) = (self.windows(child), record.at - self.record(parent).at);
        if age_ms < -windows.skew_ms || age_ms > window_ms(windows, record.kind, kind) {
            return Err(Unlinked::OutsideWindow);
        }
        Ok(parent)
    }

    /// The user's latest valid touch of a kind at or before the event, within the window.
    fn latest(&self, child: usize, kind: Kind, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let record = self.record(child);
        let latest = (true, record.group, kind, record.at);
        let until = self.order.partition_point(|slot| place(self.pool.get(*slot)) <= latest);
        let from_ms = record.at.saturating_sub(window_ms(self.windows(child), record.kind, kind));
        let candidates = (0..until).rev().take_while(|index| {
            let touch = self.record(*index);
            touch.has_user && touch.group == record.group && touch.kind == kind && touch.at >= from_ms
        });
        let mut candidates = candidates.filter(|index| self.states[*index].invalid.is_none());
        candidates
            .find(|index| counts_for(self.record(*index), record, &self.rules.retention) && fits(*index))
    }
}
