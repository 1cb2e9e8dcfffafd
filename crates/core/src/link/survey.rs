//! What there is of groups that are tied together and too large to be held: where to cut them, and what to look out for.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Linker;
use super::pass::Identity;
use super::pool::Slot;
use super::run::{Passing, Shelf, ShelfError};
use crate::event::Kind;

/// Of so many events the order is noted to find out where to cut; of more, of every second, fourth and so on.
const SAMPLE: usize = 8_192;

/// Where an event stands in time. No event depends on a later one, but by a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cut {
    at: i64,
    kind: Kind,
    id: Vec<u8>,
}

/// Groups that are tied together.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) groups: Vec<u64>,
    /// Impressions that clicks remember and that are forgotten otherwise.
    pub(super) ghosts: Vec<Slot>,
    /// How many events name their parent.
    pub(super) children: usize,
    /// The last event of each slice but the last.
    cuts: Vec<Cut>,
    /// The first and the last arrival of what is in a slice or in a later one.
    arrivals: Vec<(i64, i64)>,
}

/// The order of some of the events.
#[derive(Default)]
struct Sample {
    cuts: Vec<Cut>,
    /// One of so many is noted.
    every: usize,
    seen: usize,
}

/// How much there is to look out for.
#[derive(Default)]
struct Counts {
    children: usize,
    pins: usize,
}

impl Survey {
    /// The number of slices.
    pub(super) fn slices(&self) -> usize {
        self.cuts.len() + 1
    }

    /// The slice in which an event is.
    pub(super) fn slice_of(&self, passing: &Passing<'_>) -> usize {
        let place = (passing.at, passing.kind, passing.id);
        self.cuts.partition_point(|cut| (cut.at, cut.kind, &cut.id[..]) < place)
    }

    /// No event behind a slice is earlier, and these are the first and last arrival of what is behind it; `None` where
    /// nothing is.
    pub(super) fn behind(&self, slice: usize) -> Option<(i64, (i64, i64))> {
        Some((self.cuts.get(slice)?.at, *self.arrivals.get(slice + 1)?))
    }
}

impl Sample {
    fn add(&mut self, passing: &Passing<'_>) {
        self.every = self.every.max(1);
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return;
        }
        self.cuts.push(Cut { at: passing.at, kind: passing.kind, id: passing.id.to_vec() });
        if self.cuts.len() >= SAMPLE {
            let mut n = 0;
            self.cuts.retain(|_| {
                n += 1;
                n % 2 == 0
            });
            self.every *= 2;
        }
    }

    /// Where to cut for slices of so many events or so.
    fn cut(mut self, slice: usize) -> Vec<Cut> {
        self.cuts.sort_unstable();
        let step = (slice / self.every.max(1)).max(1);
        let mut cuts: Vec<Cut> = self.cuts.into_iter().skip(step - 1).step_by(step).collect();
        cuts.dedup();
        cuts
    }
}

impl Linker {
    /// Finds out what is tied to a group.
    pub(super) fn survey(&mut self, start: u64, shelf: &dyn Shelf) -> Result<Survey, ShelfError> {
        let mut seen: FxHashSet<u64> = [start].into_iter().collect();
        let (mut open, mut groups) = (vec![start], Vec::new());
        let (mut sample, mut all) = (Sample::default(), Counts::default());
        while let Some(group) = open.pop() {
            groups.push(group);
            let mut counts = Counts::default();
            let mut tied = FxHashSet::default();
            self.show(group, shelf, &mut |passing| {
                if !passing.is_event() {
                    tied.insert(passing.hash);
                    return;
                }
                sample.add(passing);
                counts.children += usize::from(passing.parent.is_some());
                counts.pins += usize::from(passing.pin.is_some());
                if passing.kind <= Kind::Click && passing.kind != Kind::View && self.is_named(passing.hash) {
                    tied.insert(passing.hash);
                }
            })?;
            self.named_elsewhere(group, counts.children, shelf, &mut tied)?;
            open.extend(tied.into_iter().filter(|group| seen.insert(*group)));
            (all.children, all.pins) = (all.children + counts.children, all.pins + counts.pins);
        }
        let cuts = sample.cut(self.slice);
        let (ghosts, arrivals) = Default::default();
        let mut survey = Survey { groups, ghosts, children: all.children, cuts, arrivals };
        self.find_ghosts(&mut survey, all.pins, shelf)?;
        self.note_arrivals(&mut survey, shelf)?;
        Ok(survey)
    }

    /// The groups in which parents may be that events of a group name and that are not in it; a part of the names after
    /// the other, so that few are held.
    fn named_elsewhere(
        &self,
        group: u64,
        children: usize,
        shelf: &dyn Shelf,
        tied: &mut FxHashSet<u64>,
    ) -> Result<(), ShelfError> {
        let parts = children.div_ceil(self.slice) as u64;
        let retention = self.rules.retention;
        for part in 0..parts {
            // The first and the last arrival of those who name it.
            let mut names: FxHashMap<u64, (i64, i64)> = FxHashMap::default();
            self.show(group, shelf, &mut |passing| {
                if let Some(name) = passing.named().filter(|name| name % parts == part) {
                    let (first, last) = names.entry(name).or_insert((passing.received, passing.received));
                    (*first, *last) = ((*first).min(passing.received), (*last).max(passing.received));
                }
            })?;
            self.show(group, shelf, &mut |passing| {
                let counts = |child: i64| retention.counts(passing.received, child);
                let range = names.get(&passing.hash).filter(|_| passing.is_event() && !passing.again);
                if range.is_some_and(|(first, last)| counts(*first) && counts(*last)) {
                    names.remove(&passing.hash);
                }
            })?;
            for name in names.into_keys() {
                tied.extend(self.groups_named(name, shelf)?);
            }
        }
        Ok(())
    }

    /// Adds the impressions that clicks remember and that are forgotten otherwise.
    fn find_ghosts(&mut self, survey: &mut Survey, pins: usize, shelf: &dyn Shelf) -> Result<(), ShelfError> {
        let parts = pins.div_ceil(self.slice) as u64;
        let mut made: FxHashSet<Identity> = FxHashSet::default();
        for part in 0..parts {
            let mut missing: FxHashSet<Identity> = FxHashSet::default();
            let mut clicks: FxHashSet<Identity> = FxHashSet::default();
            for group in &survey.groups {
                self.show(*group, shelf, &mut |passing| {
                    let is_click = passing.is_event() && passing.kind == Kind::Click;
                    // What an earlier version of it remembered does not count.
                    if is_click && passing.hash % parts == part && clicks.insert(passing.identity()) {
                        missing.extend(passing.pin);
                    }
                })?;
            }
            for group in &survey.groups {
                self.show(*group, shelf, &mut |passing| {
                    if passing.is_event() {
                        missing.remove(&passing.identity());
                    }
                })?;
            }
            missing.retain(|identity| !made.contains(identity));
            if missing.is_empty() {
                continue;
            }
            for group in &survey.groups {
                let mut remembers = |passing: &Passing<'_>, _| {
                    passing.is_event() && passing.pin.is_some_and(|pin| missing.contains(&pin))
                };
                for click in self.pick(*group, i64::MIN, shelf, &mut remembers)? {
                    let pin = self.pool.passing(click).pin;
                    if pin.is_some_and(|pin| made.insert(pin)) {
                        survey.ghosts.extend(self.pool.push_ghost(click));
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes when what is in each slice arrived.
    fn note_arrivals(&self, survey: &mut Survey, shelf: &dyn Shelf) -> Result<(), ShelfError> {
        let mut arrivals = vec![(i64::MAX, i64::MIN); survey.slices()];
        let mut note = |passing: &Passing<'_>| {
            if passing.is_event() {
                let (first, last) = &mut arrivals[survey.slice_of(passing)];
                (*first, *last) = ((*first).min(passing.received), (*last).max(passing.received));
            }
        };
        for group in &survey.groups {
            self.show(*group, shelf, &mut note)?;
        }
        survey.ghosts.iter().for_each(|ghost| note(&self.pool.passing(*ghost)));
        for slice in (1..arrivals.len()).rev() {
            let (first, last) = arrivals[slice];
            let before = &mut arrivals[slice - 1];
            *before = (before.0.min(first), before.1.max(last));
        }
        survey.arrivals = arrivals;
        Ok(())
    }
}
