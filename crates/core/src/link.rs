//! The linker: conversion -> click -> impression, the same for every order of arrival (LINK-1).
//!
//! Events of one user, or of one root where there is no user, are a **group**; groups of which one names an event of
//! the other are tied together. What the events of tied groups amount to is decided from scratch ([`settle`]), so it
//! is a function of their set. Taking in a batch means: find the groups that it touches, settle them without and with
//! the new events, and tell the difference as signed facts. Most events touch nothing that was there before: an
//! impression that is nobody's parent yet, or a view of an impression that is at hand. Those are settled alone.
//!
//! Recent events are in memory, in the order of their arrival. When they are many, they are spilled as a sorted
//! **run** ([`run`]); filters of all runs stay in memory, so that what is not there costs no reading. Reading pages of
//! runs is all that the linker ever asks of its caller ([`Shelf`]).
//!
//! Two events have to do with each other only if they arrived near each other ([`Retention`]): that is what makes it
//! possible to forget.

mod words;
mod pool;
mod settle;
mod explore;
mod pass;
mod survey;
mod sweep;
mod batch;
mod fact;
mod explain;
mod story;
mod spill;
mod origin;
mod parts;
mod rows;
mod admit;
mod ties;
mod bulk;
mod crowd;
pub mod run;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

pub use bulk::{Bulk, SettingsNumber, Told, Use};
pub use explain::{Candidacy, Considered, MAX_CONSIDERED, Rule};
pub use fact::{Basis, Fact, FactBody, FactCell, FactMeasures, Link, Outcome, Through, Unlinked, cells_of};
pub use run::{NoShelf, PageRef, Shelf, ShelfError};
pub use spill::{MAX_RUN_RECORDS, MERGE_RUNS};
pub use story::{Filter, MAX_HISTORY_EVENTS, Related, Story};

use crate::batch::Ruling;
use crate::event::{Event, EventRef, Kind};
use crate::settings::Settings;
use crate::time::{DAY_MS, HOUR_MS, ServerTime};
use pool::{Pool, Role, Slot};
use run::Run;
use settle::Rules;

/// An event that arrives later than this after it happened counts as late.
pub const LATE_AFTER_MS: i64 = HOUR_MS;

/// For how long events have to do with each other, by their arrival.
///
/// The same for every advertiser: a change of it would change the facts of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// A touch counts for a child that arrives at most this much later.
    pub touches_ms: i64,
    /// An event of the same kind and id is a duplicate at most this much after the accepted one; a touch that arrives
    /// after its child counts if it is at most this much later; repeats are events that arrived at most this much
    /// apart.
    pub dedupe_ms: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { touches_ms: 31 * DAY_MS, dedupe_ms: 7 * DAY_MS }
    }
}

impl Retention {
    /// After this time nothing that arrives can concern an event, nor an event that it could still have to do with.
    ///
    /// A verdict is final one dedupe horizon after the arrival. A link depends on touches that come at most one
    /// horizon later, and on their verdicts; a conversion's dimensions depend on the link of its click: three horizons
    /// until everything about an event is final. Until then it may look for touches that are older by their retention.
    /// A click remembers its impression ([`pool::Pin`]), so nothing else of a chain needs to be there.
    pub fn horizon_ms(&self) -> i64 {
        self.touches_ms.saturating_add(self.dedupe_ms.saturating_mul(3))
    }

    /// How long before and how long after an event those arrive that its fact depends on.
    ///
    /// Before: a conversion's click, the click's impression, and what makes that a repeat. After: the same.
    pub fn context_ms(&self) -> (i64, i64) {
        let before_ms = self.touches_ms.saturating_mul(2).saturating_add(self.dedupe_ms);
        (before_ms, self.dedupe_ms.saturating_mul(3))
    }

    /// Whether a touch that arrived then counts for a child that arrived then: it was still kept, or not too late.
    fn counts(&self, touch: i64, child: i64) -> bool {
        let before_ms = child.saturating_sub(touch);
        before_ms <= self.touches_ms && before_ms >= -self.dedupe_ms
    }

    /// The first and last arrival of children for which a touch counts that arrived then.
    fn children_of(&self, touch: i64) -> (i64, i64) {
        (touch.saturating_sub(self.dedupe_ms), touch.saturating_add(self.touches_ms))
    }

    /// The first and last arrival of events that may be repeats of one that arrived then.
    fn repeats_of(&self, received: i64) -> (i64, i64) {
        (received.saturating_sub(self.dedupe_ms), received.saturating_add(self.dedupe_ms))
    }
}

/// The events of tied groups that are settled at once, in memory: ten megabytes or so. Of more a slice after the other.
pub const SLICE_EVENTS: usize = 32_768;

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

/// What is known of a group in memory.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// Its latest record.
    last: Slot,
    /// Its latest child without a named parent: an earlier touch may be its parent.
    last_unnamed: Slot,
    /// The latest event time of those children.
    unnamed_until: i64,
    /// The latest event time of its clicks.
    clicks_until: i64,
}

/// Keys that are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not reached: all keys are u64.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// All events of one shard of one advertiser that may still matter, linked.
#[derive(Debug)]
pub struct Linker {
    rules: Rules,
    pool: Pool,
    /// Groups of users.
    heads: ByHash<Head>,
    /// Groups that a name stands for: of events without user, and of ties. There are few, so most looks end here.
    roots: ByHash<Head>,
    /// The latest record in memory of each name.
    names: ByHash<Slot>,
    /// Oldest first.
    runs: Vec<Run>,
    /// The number of accepted events, forgotten ones included.
    accepted: u64,
    /// Whether impressions can be repeats by any settings that were ever in force: then no impression stands alone.
    repeats_impressions: bool,
    /// How many events are settled at once.
    slice: usize,
}

impl Default for Linker {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            pool: Pool::default(),
            heads: ByHash::default(),
            roots: ByHash::default(),
            names: ByHash::default(),
            runs: Vec::new(),
            accepted: 0,
            repeats_impressions: false,
            slice: SLICE_EVENTS,
        }
    }
}

impl Linker {
    /// An empty linker.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty linker in which events matter for other times than the default.
    pub fn with_retention(retention: Retention) -> Self {
        Self { rules: Rules { retention, ..Rules::default() }, ..Self::default() }
    }

    /// A linker that goes on after `accepted` events that are in `runs`, oldest first, or forgotten.
    pub fn with_runs(retention: Retention, accepted: u64, runs: Vec<Run>) -> Self {
        let repeats_impressions = runs.iter().any(|run| run.summary.repeats_impressions);
        let rules = Rules { retention, ..Rules::default() };
        Self { rules, accepted, runs, repeats_impressions, ..Self::default() }
    }

    /// The same, with other slices than of [`SLICE_EVENTS`]: what is told does not depend on them.
    pub fn in_slices_of(self, events: usize) -> Self {
        Self { slice: events.max(1), ..self }
    }

    /// For how long events matter.
    pub fn retention(&self) -> Retention {
        self.rules.retention
    }

    /// The number of accepted events, which is also the position of the next one.
    pub fn len(&self) -> usize {
        self.accepted as usize
    }

    /// Whether nothing was accepted yet.
    pub fn is_empty(&self) -> bool {
        self.accepted == 0
    }

    /// Makes settings known by the revision under which runs refer to them.
    pub fn know_settings(&mut self, revision: u64, settings: Arc<Settings>) {
        self.repeats_impressions |= settings.windows.repeat_impression_ms > 0;
        self.pool.know(revision, settings);
    }

    /// What would become of these events at `now`, in this order, without taking them in.
    pub fn admissions<'a>(
        &mut self,
        events: impl IntoIterator<Item = &'a EventRef>,
        now: ServerTime,
        shelf: &dyn Shelf,
    ) -> Result<Vec<Admission>, ShelfError> {
        let mut fresh = HashSet::new();
        let mut next = self.accepted;
        let mut admissions = Vec::new();
        for event in events {
            let is_known = fresh.contains(event) || self.find(event, Some(now), shelf)?.is_some();
            admissions.push(if is_known {
                Admission::Duplicate
            } else {
                fresh.insert(event);
                next += 1;
                Admission::Accepted(next - 1)
            });
        }
        Ok(admissions)
    }

    /// Takes in a batch, in memory, and tells what changed; duplicates change only their count.
    ///
    /// Only for linkers without runs.
    pub fn apply(&mut self, arrivals: impl IntoIterator<Item = Arrival>) -> Applied {
        #[expect(clippy::expect_used, reason = "without runs nothing is read")]
        self.apply_on(arrivals, &NoShelf).expect("reads nothing")
    }

    /// [`Linker::apply`] for a linker whose runs lie on `shelf`.
    pub fn apply_on(
        &mut self,
        arrivals: impl IntoIterator<Item = Arrival>,
        shelf: &dyn Shelf,
    ) -> Result<Applied, ShelfError> {
        let mut batch = self.begin();
        let mut admissions = Vec::new();
        for arrival in arrivals {
            let event = &arrival.event.event;
            let admission = match self.find(event, Some(arrival.received), shelf)? {
                Some(found) => {
                    self.repeat(found, &mut batch);
                    Admission::Duplicate
                }
                None => Admission::Accepted(self.accept(&arrival, 0, &mut batch, shelf)?),
            };
            admissions.push(admission);
        }
        let mut facts = Vec::new();
        let rest = self.finish(batch, shelf, &mut |some| facts.extend(some))?;
        facts.extend(rest);
        Ok(Applied { admissions, facts })
    }

    /// Takes in row `row` of a log: events that are known to be new, and names of events that were delivered again.
    pub fn take(
        &mut self,
        row: i64,
        received: ServerTime,
        arrivals: impl IntoIterator<Item = Arrival>,
        repeats: impl IntoIterator<Item = EventRef>,
        shelf: &dyn Shelf,
    ) -> Result<Vec<Fact>, ShelfError> {
        let mut facts = Vec::new();
        let rest = self.take_by(row, received, arrivals, repeats, shelf, &mut |some| facts.extend(some))?;
        facts.extend(rest);
        Ok(facts)
    }

    /// [`Linker::take`] where very much may change: `hear` is told most of it before the rest is given back.
    pub fn take_by(
        &mut self,
        row: i64,
        received: ServerTime,
        arrivals: impl IntoIterator<Item = Arrival>,
        repeats: impl IntoIterator<Item = EventRef>,
        shelf: &dyn Shelf,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) -> Result<Vec<Fact>, ShelfError> {
        let mut batch = self.begin();
        for arrival in arrivals {
            self.accept(&arrival, row, &mut batch, shelf)?;
        }
        for repeat in repeats {
            // A name that never arrived counts nowhere.
            if let Some(found) = self.find(&repeat, Some(received), shelf)? {
                self.repeat(found, &mut batch);
            }
        }
        self.finish(batch, shelf, hear)
    }

    /// Goes by rulings that are in row `row` of a log, from now on and for what is there; those that it knows change
    /// nothing.
    pub fn rule(
        &mut self,
        row: i64,
        rulings: impl IntoIterator<Item = Ruling>,
        shelf: &dyn Shelf,
    ) -> Result<Vec<Fact>, ShelfError> {
        let mut facts = Vec::new();
        let rest = self.rule_by(row, rulings, shelf, &mut |some| facts.extend(some))?;
        facts.extend(rest);
        Ok(facts)
    }

    /// [`Linker::rule`] where very much may change: `hear` is told most of it before the rest is given back.
    pub fn rule_by(
        &mut self,
        row: i64,
        rulings: impl IntoIterator<Item = Ruling>,
        shelf: &dyn Shelf,
        hear: &mut dyn FnMut(Vec<Fact>),
    ) -> Result<Vec<Fact>, ShelfError> {
        let mut batch = self.begin();
        rulings.into_iter().for_each(|ruling| self.put_in_force(row, ruling, &mut batch));
        self.finish(batch, shelf, hear)
    }

    /// Makes rulings known that were in force before everything that is taken in from now on, each with its row.
    pub fn know_rulings(&mut self, rulings: impl IntoIterator<Item = (i64, Ruling)>) {
        self.rules.rulings.extend(rulings.into_iter().map(|(row, ruling)| (ruling, row)));
    }

    /// Whether a ruling is in force.
    pub fn has_ruling(&self, ruling: &Ruling) -> bool {
        self.rules.rulings.contains_key(ruling)
    }
}

/// The hash of an event's name, which is stored and never changes.
pub fn name_of(event: &EventRef) -> u64 {
    pool::name_hash(event.kind, event.id.as_str().as_bytes())
}

/// The group of an event: its user, or the root that it names, or itself.
pub fn group_of(event: &Event) -> u64 {
    event.user.map_or_else(|| pool::group_of(event, name_of(&event.event)), |user| user.0)
}

/// [`name_of`] of an event whose id has these bytes.
pub(crate) fn name_of_bytes(kind: Kind, id: &[u8]) -> u64 {
    pool::name_hash(kind, id)
}

/// [`group_of`] of an event without user that names these, if they are not empty; `own` is the hash of its name.
pub(crate) fn group_of_names(impression: &[u8], click: &[u8], own: impl FnOnce() -> u64) -> u64 {
    match (impression, click) {
        ([], []) => own(),
        ([], click) => pool::name_hash(Kind::Click, click),
        (impression, _) => pool::name_hash(Kind::Impression, impression),
    }
}

/// Where an event is.
enum Found {
    InMemory(Slot),
    /// In a run.
    InRun {
        group: u64,
        hash: u64,
        received: i64,
    },
}
