//! Groups that are too large to be settled at once are settled in slices of event time, in order.
//!
//! No event depends on a later one, but by a name. So of what is before a slice only that has to be at hand which an
//! event of it or of a later one could still have as its parent, or repeat ([`Linker::survivors`]): of each lane the
//! last, nearly always. Parents that are named from another slice are found, and decided, in rounds before the one that
//! tells: one decides all impressions, the next one clicks as well.
//!
//! What each event is does not depend on where slices are cut (LINK-1).

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::batch::{Batch, Whole};
use super::pass::Identity;
use super::pool::{Mark, Pool, Record, Slot, name_hash};
use super::run::{Passing, Shelf, ShelfError};
use super::settle::{Settled, SlotLink, State, counts_for, repeat_window_ms, settle_with, window_ms};
use super::survey::Survey;
use super::{Fact, Linker};
use crate::cell::Dimension;
use crate::event::Kind;

/// What is decided of events.
type Known = FxHashMap<Slot, State>;

/// A way through groups that are tied together.
struct Sweep {
    survey: Survey,
    /// What is after it goes with each slice, unless it is kept.
    base: Mark,
    spans: Spans,
    /// Names of parents that are named from another slice.
    wanted: FxHashSet<u64>,
    /// The events of these names, and the impressions of clicks among them.
    table: BTreeMap<Identity, Slot>,
    /// What a later slice may depend on.
    carried: Vec<Slot>,
    /// What these were without the batch, and what they are with it.
    before: Known,
    after: Known,
}

/// What a way through groups is for.
enum Purpose<'a> {
    /// To find out what those are that are named from elsewhere.
    Decide,
    /// To tell what changed.
    Tell(&'a mut dyn FnMut(Vec<Fact>)),
    /// To be looked at.
    Look(&'a mut dyn FnMut(&mut Linker, &Settled, &[Slot])),
}

/// How far back in time any event looks, by the settings that are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spans {
    impression_ms: i64,
    click_ms: i64,
    /// For repeats, by kind.
    pub(super) repeat_ms: [Option<i64>; Kind::ALL.len()],
}

/// Of two events of one lane a later one is the parent, or makes the repeat, if both can.
#[derive(PartialEq, Eq, Hash)]
enum Lane<'a> {
    Touch(u64, Kind, u32, u32),
    Repeat(u64, Kind, u32, Option<&'a [u8]>),
}

impl Linker {
    /// Settles the groups that are tied to `group`, without and with the new events, and tells the difference, however
    /// many they are.
    pub(super) fn settle_in_slices(
        &mut self,
        group: u64,
        batch: &mut Batch,
        shelf: &dyn Shelf,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) -> Result<(), ShelfError> {
        let mark = self.pool.mark();
        let groups = self.sweep(group, &mark, batch, shelf, &mut Purpose::Tell(hear))?;
        batch.settled.extend(groups);
        self.pool.back_to(mark);
        Ok(())
    }

    /// Has somebody look at the groups that are tied to `group`, a slice after the other: at what is decided of the events
    /// of each, with what they depend on.
    pub(super) fn look_in_slices(
        &mut self,
        group: u64,
        shelf: &dyn Shelf,
        look: &mut dyn FnMut(&mut Linker, &Settled, &[Slot]),
    ) -> Result<(), ShelfError> {
        let (mark, mut nothing) = (self.pool.mark(), self.begin());
        self.sweep(group, &mark, &mut nothing, shelf, &mut Purpose::Look(look))?;
        self.pool.back_to(mark);
        Ok(())
    }

    /// Goes through the groups that are tied to `group`, and names them.
    fn sweep(
        &mut self,
        group: u64,
        mark: &Mark,
        batch: &mut Batch,
        shelf: &dyn Shelf,
        purpose: &mut Purpose<'_>,
    ) -> Result<Vec<u64>, ShelfError> {
        let survey = self.survey(group, shelf)?;
        let mut sweep = Sweep {
            survey,
            base: self.pool.mark(),
            spans: self.spans(),
            wanted: FxHashSet::default(),
            table: BTreeMap::new(),
            carried: Vec::new(),
            before: Known::default(),
            after: Known::default(),
        };
        if sweep.survey.children > 0 {
            self.note_wanted(&mut sweep, shelf)?;
        }
        for _ in [Kind::Impression, Kind::Click] {
            if !sweep.wanted.is_empty() {
                self.go_through(&mut sweep, mark, batch, shelf, &mut Purpose::Decide)?;
            }
        }
        self.go_through(&mut sweep, mark, batch, shelf, purpose)?;
        Ok(sweep.survey.groups)
    }

    pub(super) fn spans(&self) -> Spans {
        let mut spans = Spans::default();
        for (_, settings) in self.pool.revisions() {
            let windows = &settings.windows;
            let window = |child, touch| window_ms(windows, child, touch);
            let impression_ms =
                window(Kind::View, Kind::Impression).max(window(Kind::Conversion, Kind::Impression));
            spans.impression_ms = spans.impression_ms.max(impression_ms);
            spans.click_ms = spans.click_ms.max(window(Kind::Conversion, Kind::Click));
            for kind in Kind::ALL {
                let span = &mut spans.repeat_ms[kind as usize];
                *span = (*span).max(repeat_window_ms(windows, kind));
            }
        }
        spans
    }

    /// Finds out which parents are named from another slice.
    fn note_wanted(&mut self, sweep: &mut Sweep, shelf: &dyn Shelf) -> Result<(), ShelfError> {
        for slice in 0..sweep.survey.slices() {
            let members = self.members(sweep, slice, shelf)?;
            let known = members.iter().filter(|slot| !self.pool.get(**slot).again);
            let homes: FxHashMap<u64, Slot> = known.map(|slot| (self.pool.get(*slot).hash, *slot)).collect();
            for slot in members {
                let Some((kind, name)) = self.pool.named_parent(slot) else { continue };
                let hash = name_hash(kind, name);
                let is_home = homes.get(&hash).is_some_and(|parent| {
                    let other = self.pool.get(*parent);
                    let is_it = other.kind == kind && self.pool.id(*parent) == name;
                    is_it && counts_for(other, self.pool.get(slot), &self.rules.retention)
                });
                if !is_home {
                    sweep.wanted.insert(hash);
                }
            }
            self.pool.back_to(sweep.base);
        }
        let mut there = FxHashSet::default();
        let mut note = |passing: &Passing<'_>| {
            if passing.is_event() && sweep.wanted.contains(&passing.hash) {
                there.insert(passing.hash);
            }
        };
        for group in &sweep.survey.groups {
            self.show(*group, shelf, &mut note)?;
        }
        sweep.survey.ghosts.iter().for_each(|ghost| note(&self.pool.passing(*ghost)));
        sweep.wanted = there;
        Ok(())
    }

    /// The events of a slice.
    fn members(&mut self, sweep: &Sweep, slice: usize, shelf: &dyn Shelf) -> Result<Vec<Slot>, ShelfError> {
        let Sweep { survey, table, base, .. } = sweep;
        let mut members = Vec::new();
        for group in &survey.groups {
            members.extend(self.pick(*group, i64::MIN, shelf, &mut |passing, is_in_memory| {
                let is_here = passing.is_event() && survey.slice_of(passing) == slice;
                is_here && (is_in_memory || !table.contains_key(&passing.identity()))
            })?);
        }
        let is_here = |slot: &Slot| survey.slice_of(&self.pool.passing(*slot)) == slice;
        let copied = table.values().filter(|slot| **slot >= base.first());
        let apart = survey.ghosts.iter().chain(copied).copied();
        members.extend(apart.filter(is_here));
        Ok(members)
    }

    /// Decides everything, a slice after the other.
    fn go_through(
        &mut self,
        sweep: &mut Sweep,
        mark: &Mark,
        batch: &mut Batch,
        shelf: &dyn Shelf,
        purpose: &mut Purpose<'_>,
    ) -> Result<(), ShelfError> {
        sweep.carried.clear();
        for slice in 0..sweep.survey.slices() {
            let members = self.members(sweep, slice, shelf)?;
            let repeated = match purpose {
                Purpose::Tell(_) => self.count_cold_repeats(&members, batch),
                Purpose::Decide | Purpose::Look(_) => FxHashMap::default(),
            };
            let context = self.context(sweep, &members);
            let all: Vec<Slot> = members.iter().chain(&context).copied().collect();
            let is_fresh = |slot: &Slot| *slot >= batch.first && !Pool::is_after(mark, *slot);
            let known = |states: &Known| -> Known {
                context.iter().filter_map(|slot| Some((*slot, *states.get(slot)?))).collect()
            };
            let (before, after) = (known(&sweep.before), known(&sweep.after));
            let old: Vec<Slot> = all.iter().copied().filter(|slot| !is_fresh(slot)).collect();
            let rules = batch.unruled.as_ref().unwrap_or(&self.rules);
            let old = settle_with(&mut self.pool, old, rules, &before);
            let new = settle_with(&mut self.pool, all, &self.rules, &after);
            match purpose {
                Purpose::Decide => {}
                Purpose::Look(look) => look(self, &new, &members),
                Purpose::Tell(hear) => {
                    let context: FxHashSet<Slot> = context.iter().copied().collect();
                    let (old, new, context, repeated) = (&old, &new, &context, &repeated);
                    let whole = Whole { mark, old, new, context, repeated };
                    self.tell_changes(&whole, batch, hear);
                    hear(std::mem::take(&mut batch.facts));
                }
            }
            self.keep(sweep, slice, &members, &[&old, &new]);
        }
        Ok(())
    }

    /// What the events of a slice may depend on that is not in it.
    fn context(&self, sweep: &Sweep, members: &[Slot]) -> Vec<Slot> {
        let mut context = sweep.carried.clone();
        for slot in members {
            let Some((kind, name)) = self.pool.named_parent(*slot) else { continue };
            let hash = name_hash(kind, name);
            context.extend(sweep.table.range((hash, i64::MIN)..=(hash, i64::MAX)).map(|(_, slot)| *slot));
        }
        let root = |slot: &Slot| impression_of(self.pool.get(*slot), sweep.after.get(slot)?);
        let roots: Vec<Slot> = context.iter().filter_map(root).collect();
        context.extend(roots);
        context.sort_unstable();
        context.dedup();
        let members: FxHashSet<Slot> = members.iter().copied().collect();
        context.retain(|slot| !members.contains(slot));
        context
    }

    /// Keeps what later slices may depend on, and lets go of the rest.
    fn keep(&mut self, sweep: &mut Sweep, slice: usize, members: &[Slot], settled: &[&Settled; 2]) {
        let mut carried = Vec::new();
        if let Some(behind) = sweep.survey.behind(slice) {
            for settled in settled {
                // Parents that are named may be of a later slice.
                let is_past = |slot: Slot| sweep.survey.slice_of(&self.pool.passing(slot)) <= slice;
                carried.extend(self.survivors(settled, is_past, &sweep.spans, behind));
            }
        }
        let is_wanted = |slot: &&Slot| {
            let record = self.pool.get(**slot);
            sweep.wanted.contains(&record.hash) && matches!(record.kind, Kind::Impression | Kind::Click)
        };
        let tabled: Vec<Slot> = members.iter().filter(is_wanted).copied().collect();
        let [before, after] = [(settled[0], &sweep.before), (settled[1], &sweep.after)].map(|(now, then)| {
            let state = |slot: Slot| now.state(slot).or_else(|| then.get(&slot).copied());
            let roots = |slots: &[Slot]| -> Vec<Slot> {
                slots.iter().filter_map(|slot| impression_of(self.pool.get(*slot), &state(*slot)?)).collect()
            };
            (roots(&carried), roots(&tabled))
        });
        carried.extend(before.0.into_iter().chain(after.0));
        carried.sort_unstable();
        carried.dedup();
        let tabled = tabled.into_iter().chain(before.1).chain(after.1);
        let identity = |slot: Slot| (self.pool.get(slot).hash, self.pool.get(slot).received);
        sweep.table.extend(tabled.map(|slot| (identity(slot), slot)));
        sweep.carried = carried;
        self.move_kept(sweep, settled);
    }

    /// Has only what is kept stand after the base, with what is decided of it.
    fn move_kept(&mut self, sweep: &mut Sweep, settled: &[&Settled; 2]) {
        let mut kept: Vec<Slot> = sweep.carried.iter().chain(sweep.table.values()).copied().collect();
        kept.sort_unstable();
        kept.dedup();
        let copied = kept.iter().copied().filter(|slot| *slot >= sweep.base.first());
        let copied: Vec<_> = copied.map(|slot| (slot, self.pool.loosen(slot))).collect();
        let kinds: Vec<(Slot, Kind)> = kept.iter().map(|slot| (*slot, self.pool.get(*slot).kind)).collect();
        self.pool.back_to(sweep.base);
        let moved: FxHashMap<Slot, Slot> =
            copied.into_iter().map(|(slot, loose)| (slot, self.pool.fasten(&loose))).collect();
        let place = |slot: Slot| moved.get(&slot).copied().unwrap_or(slot);
        let states = |now: &Settled, then: &Known| -> Known {
            let state = |(slot, kind): &(Slot, Kind)| {
                let state = now.state(*slot).or_else(|| then.get(slot).copied())?;
                let link = match (kind, state.link) {
                    (Kind::Click, SlotLink::Impression(impression)) => {
                        SlotLink::Impression(place(impression))
                    }
                    // Nobody asks for the parents of others.
                    (_, SlotLink::Unlinked(reason)) => SlotLink::Unlinked(reason),
                    _ => SlotLink::Root,
                };
                Some((place(*slot), State { link, ..state }))
            };
            kinds.iter().filter_map(state).collect()
        };
        sweep.before = states(settled[0], &sweep.before);
        sweep.after = states(settled[1], &sweep.after);
        sweep.carried.iter_mut().for_each(|slot| *slot = place(*slot));
        sweep.table.values_mut().for_each(|slot| *slot = place(*slot));
    }

    /// The events that events behind them, of this time or later and arrived in this range, may have as a parent or
    /// repeat: of two of one lane the later one, unless that does not count for all for which the earlier one does.
    fn survivors(
        &self,
        settled: &Settled,
        is_past: impl Fn(Slot) -> bool,
        spans: &Spans,
        behind: (i64, (i64, i64)),
    ) -> Vec<Slot> {
        let (from, arrivals) = behind;
        let mut lanes: FxHashMap<Lane<'_>, Vec<(i64, i64)>> = FxHashMap::default();
        let mut survivors = Vec::new();
        let retention = self.rules.retention;
        for (slot, state) in settled.order.iter().copied().zip(&settled.states).rev() {
            let record = self.pool.get(slot);
            if !record.has_user || !is_past(slot) {
                continue;
            }
            let age_ms = from.saturating_sub(record.at);
            let touch = self.touch_lane(record, state, spans, age_ms);
            let touch = touch.map(|lane| (lane, retention.children_of(record.received)));
            let repeat = spans.repeat_ms[record.kind as usize].filter(|window| age_ms <= *window);
            let repeat = repeat.map(|_| (self.repeat_lane(slot), retention.repeats_of(record.received)));
            let mut is_kept = false;
            for (lane, counts) in [touch, repeat].into_iter().flatten() {
                let later = lanes.entry(lane).or_default();
                let first = counts.0.max(arrivals.0);
                let last = counts.1.min(arrivals.1);
                if first <= last && !later.iter().any(|other| other.0 <= first && last <= other.1) {
                    later.push(counts);
                    is_kept = true;
                }
            }
            if is_kept {
                survivors.push(slot);
            }
        }
        survivors
    }

    fn touch_lane(
        &self,
        record: &Record,
        state: &State,
        spans: &Spans,
        age_ms: i64,
    ) -> Option<Lane<'static>> {
        let (span_ms, ad) = match record.kind {
            Kind::Impression => (spans.impression_ms, self.pool.words.value(record.tuple, Dimension::Ad)),
            Kind::Click => (spans.click_ms, 0),
            Kind::View | Kind::Conversion => return None,
        };
        let campaign = self.pool.words.value(state.tuple, Dimension::Campaign);
        let lane = Lane::Touch(record.group, record.kind, ad, campaign);
        (state.invalid.is_none() && age_ms <= span_ms).then_some(lane)
    }

    fn repeat_lane(&self, slot: Slot) -> Lane<'_> {
        let record = self.pool.get(slot);
        let value = |dimension| self.pool.words.value(record.tuple, dimension);
        let (word, named) = match (record.kind, value(Dimension::Ad)) {
            (Kind::Conversion, _) => (value(Dimension::Label), None),
            (_, 0) => (0, self.pool.impression(slot)),
            (_, ad) => (ad, None),
        };
        Lane::Repeat(record.group, record.kind, word, named)
    }
}

/// The impression that a click is linked to.
fn impression_of(record: &Record, state: &State) -> Option<Slot> {
    match state.link {
        SlotLink::Impression(impression) if record.kind == Kind::Click => Some(impression),
        _ => None,
    }
}
