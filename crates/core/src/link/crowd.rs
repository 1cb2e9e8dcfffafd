//! Users with more events of a day than fit into memory: what these count as, without holding them.
//!
//! So many events of a kind are under a ruling, so each of them is invalid whatever else there is: by its screening, as
//! a repeat, or as `flood`. Of the three only a repeat depends on others, those of its lane just before it, valid or not.
//! So a lane is kept as the stretches of time in which no event is further from the one before than the window: all but
//! the first of a stretch are repeats. Which event is the first may change as more of them come, in any order.
//!
//! Exact as long as events of a stretch arrived within the horizon of duplicates and under equal windows, and for up to
//! [`MAX_STRETCHES`]. Beyond that an event may count as `flood` that real time calls a repeat, or the other way round; it
//! is invalid in either case.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::bulk::Use;
use super::pool::{Pool, Slot};
use super::settle::{Rules, SlotLink, State, repeat_window_ms, screened};
use super::ties::Sieve;
use super::words::Tuple;
use crate::aggregate::Aggregator;
use crate::cell::Dimension;
use crate::event::{InvalidReason, Kind};
use crate::measure;
use crate::settings::Settings;
use crate::time::{DAY_MS, Day, EventTime, Hour};

/// The most stretches of all lanes: some thirty megabytes.
const MAX_STRETCHES: usize = 200_000;
/// For how many names the filter of those that were let go has room; beyond that it is right less often when it says so.
const LET_GO_ROOM: usize = 1_000_000;
/// The most events that are held for those of the next day, of which they may make repeats.
const MAX_HELD_FOR_NEXT_DAY: usize = 50_000;

/// Counts events under rulings one by one.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) aggregator: Aggregator,
    /// Hashes of names that somebody refers to: those events are held as well.
    names: FxHashSet<u64>,
    /// By kind, the longest window within which one of them makes another a repeat; 0: none does.
    reach_ms: [i64; Kind::ALL.len()],
    /// By when they begin.
    lanes: FxHashMap<Lane, BTreeMap<i64, Stretch>>,
    stretches: usize,
    held_for_next_day: usize,
    /// The names of events that are counted and not held.
    let_go: Option<Sieve>,
}

/// Events of which one may be a repeat of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Lane {
    group: u64,
    kind: Kind,
    by: By,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Copy)]
enum By {
    Label(u32),
    Ad(u32),
    /// No ad: the hash of the impression that is named.
    Impression(Option<u64>),
}

/// Events that follow each other within the window.
#[derive(Debug)]
struct Stretch {
    last_at: i64,
    /// The id of the first one.
    id: Box<[u8]>,
    /// Where it is counted as flood, if it is.
    counted: Option<(Hour, Tuple)>,
}

impl Crowd {
    /// Nobody yet, under some of these settings.
    pub(super) fn new(settings: impl Iterator<Item = Arc<Settings>>) -> Self {
        let mut crowd = Self { let_go: Some(Sieve::with_room(LET_GO_ROOM)), ..Self::default() };
        for settings in settings {
            for (kind, reach_ms) in Kind::ALL.into_iter().zip(&mut crowd.reach_ms) {
                *reach_ms = (*reach_ms).max(repeat_window_ms(&settings.windows, kind).unwrap_or(0));
            }
        }
        crowd
    }

    /// Somebody refers to this name.
    pub(super) fn foresee(&mut self, name: u64) {
        self.names.insert(name);
    }

    /// Whether an event of this name may have been let go since nobody had foreseen that it is referred to.
    pub(super) fn may_have_let_go(&self, name: u64) -> bool {
        !self.names.contains(&name) && self.let_go.as_ref().is_some_and(|let_go| let_go.may_have(name))
    }

    /// How many names somebody refers to.
    pub(super) fn foreseen(&self) -> usize {
        self.names.len()
    }

    /// Counts the event in `slot` if it is under a ruling; tells for what it has to be held, if for anything.
    pub(super) fn take(&mut self, pool: &Pool, rules: &Rules, slot: Slot, its_use: Use) -> Option<Use> {
        let record = *pool.get(slot);
        let reach_ms = self.reach_ms[record.kind as usize];
        let day_end = (i64::from(Day::holding(record.at).0) + 1).saturating_mul(DAY_MS);
        let reaches_on = record.has_user && reach_ms > 0 && record.at >= day_end.saturating_sub(reach_ms);
        let is_ruled = rules.ruling(&record).is_some();
        if is_ruled && its_use == Use::Told {
            self.count(pool, slot);
        } else if reaches_on {
            // The day after may be one under a ruling.
            self.is_repeat(pool, slot, reach_ms, None);
        }
        if !is_ruled {
            return Some(its_use);
        }
        if self.names.contains(&record.hash) {
            return Some(if its_use == Use::Told { Use::Repeats } else { Use::Context });
        }
        let is_held = reaches_on && self.held_for_next_day < MAX_HELD_FOR_NEXT_DAY;
        self.held_for_next_day += usize::from(is_held);
        if !is_held {
            self.let_go.iter_mut().for_each(|let_go| let_go.add(record.hash));
        }
        is_held.then_some(Use::Context)
    }

    /// Counts an event under a ruling; how often it was delivered again is not known yet.
    fn count(&mut self, pool: &Pool, slot: Slot) {
        let record = pool.get(slot);
        let window_ms = repeat_window_ms(&pool.settings(slot).windows, record.kind);
        let screening = screened(record);
        let place = (EventTime(record.at).hour(), record.tuple);
        let counted = screening.is_none().then_some(place);
        let is_repeat = window_ms.is_some_and(|window_ms| self.is_repeat(pool, slot, window_ms, counted));
        let repeat = is_repeat.then_some(InvalidReason::Repeat);
        let invalid = screening.or(repeat).or(Some(InvalidReason::Flood));
        let state = State { invalid, link: SlotLink::Root, tuple: record.tuple };
        pool.tally(record, pool.money(slot), &state, &mut self.aggregator);
    }

    /// Takes the event into its lane; tells whether it is a repeat. One that was the first of a stretch may become one.
    fn is_repeat(&mut self, pool: &Pool, slot: Slot, window_ms: i64, counted: Option<(Hour, Tuple)>) -> bool {
        let (lane, at, id) = (Lane::of(pool, slot), pool.get(slot).at, pool.id(slot));
        let stretches = self.lanes.entry(lane).or_default();
        let before = stretches.range(..=at).next_back().map(|(first, stretch)| (*first, stretch.last_at));
        let before = before.filter(|(_, last)| at.saturating_sub(*last) <= window_ms);
        let after =
            stretches.range(at.saturating_add(1)..).next().map(|(first, stretch)| (*first, stretch.last_at));
        let after = after.filter(|(first, _)| first.saturating_sub(at) <= window_ms);
        let mut late_firsts = Vec::new();
        let mut end = at;
        if let Some((first, last)) = after {
            // It comes before that one's first, which is a repeat then.
            late_firsts.extend(stretches.remove(&first).and_then(|stretch| stretch.counted));
            self.stretches -= 1;
            end = last;
        }
        let is_repeat = match before.and_then(|(first, _)| Some((first, stretches.get_mut(&first)?))) {
            Some((first, stretch)) => {
                stretch.last_at = stretch.last_at.max(end);
                let leads = first == at && id < &*stretch.id;
                if leads {
                    late_firsts.extend(std::mem::replace(&mut stretch.counted, counted));
                    stretch.id = id.into();
                }
                !leads
            }
            None => {
                if self.stretches < MAX_STRETCHES {
                    stretches.insert(at, Stretch { last_at: end, id: id.into(), counted });
                    self.stretches += 1;
                }
                false
            }
        };
        for (hour, tuple) in late_firsts {
            let tuple = self.aggregator.tuple(pool.words.dims(tuple));
            let was = measure::invalid_for(InvalidReason::Flood, lane.kind);
            let is = measure::invalid_for(InvalidReason::Repeat, lane.kind);
            self.aggregator.add(hour, tuple, &[(was, -1), (is, 1)], None);
        }
        is_repeat
    }
}

impl Lane {
    fn of(pool: &Pool, slot: Slot) -> Self {
        let record = pool.get(slot);
        let word = |dimension| pool.words.value(record.tuple, dimension);
        let by = match record.kind {
            Kind::Conversion => By::Label(word(Dimension::Label)),
            _ if word(Dimension::Ad) != 0 => By::Ad(word(Dimension::Ad)),
            _ => By::Impression(pool.impression(slot).map(|id| super::pool::name_hash(Kind::Impression, id))),
        };
        Self { group: record.group, kind: record.kind, by }
    }
}
