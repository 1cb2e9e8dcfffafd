//! A shard of an advertiser: what its Linker object decides, without storing or sending anything itself.
//!
//! The object reads facts (a request, a row, the clock), asks here what to do, does it, and tells here that it is
//! done. Whatever is in memory follows from what was stored: [`Shard::committed`] makes it again, so a crash between any
//! two steps loses nothing that was acknowledged and repeats nothing that was told.
//!
//! ```text
//! append:  admit -> commit -> (store the row)                   -> committed -> (acknowledge)
//! flush:   whom  -> tell -> (store parcels and entries)          -> told      -> (deliver each, mark it delivered)
//! spill:   spill -> (store run, parcels and position, as one)   -> spilled
//! merge:   merge -> (store extents, step by step; then the run) -> merged
//! rule:    rule  -> (store the row, and its rulings)            -> committed_in_parts -> (store the parts, as one)
//! start:   settings, runs, position -> committed, for each row after the position
//! ```

mod telling;

pub use telling::{
    BILL_EVERY_MS, MAX_PARCEL_BYTES, MAX_PARCEL_FACTS, MAX_PARCEL_SCOPES, MAX_UNBILLED_FACTS,
    MAX_UNTOLD_FACTS, Parcel, Telling, Whom,
};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::batch::{Ruling, Whose};
use crate::event::{Event, EventRef};
use crate::intake::MAX_AHEAD_MS;
use crate::link::run::{Erased, Merge, Run, Written};
use crate::link::{Admission, Arrival, Fact, Linker, Retention, Shelf, ShelfError, group_of};
use crate::settings::Settings;
use crate::time::{Day, ServerTime};

/// The most events that may wait for a commit: three of the largest requests.
pub const MAX_WAITING: usize = 30_000;
/// The records in memory at which they are spilled: some seven megabytes with all that belongs to them, and as many to
/// link again at a start.
pub const SPILL_RECORDS: usize = 32_768;
/// The records in memory at which nothing is taken before they are spilled: spilling fails, or is far behind.
pub const MAX_RECORDS: usize = 4 * SPILL_RECORDS;
/// The most bytes that stay in memory for what is spilled, five or so an event: a Linker must stay under 32 MB, and
/// other objects may share its isolate.
pub const MAX_RUN_BYTES: usize = 20_000_000;

/// One row of the log: what one group commit stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When it was committed.
    pub received: ServerTime,
    /// The revision of the settings in force.
    pub revision: u64,
    /// New events, in the order of their positions.
    pub accepted: Vec<Event>,
    /// Deliveries of events that were there before.
    pub repeats: Vec<EventRef>,
    /// What holds from this row on, for the events before it as well.
    pub rulings: Vec<Ruling>,
}

impl Row {
    /// Takes out what there is of those that are erased; tells whether there was anything. `group` tells the group of an
    /// event that was delivered again.
    pub fn erase<E>(
        &mut self,
        whose: &Whose,
        mut group: impl FnMut(&EventRef) -> Result<Option<u64>, E>,
    ) -> Result<bool, E> {
        let before = (self.accepted.len(), self.repeats.len(), self.rulings.len());
        self.accepted.retain(|event| !whose.holds(group_of(event)));
        self.rulings.retain(|ruling| !whose.holds(ruling.group));
        let mut left = Vec::with_capacity(self.repeats.len());
        for repeat in self.repeats.drain(..) {
            if !group(&repeat)?.is_some_and(|group| whose.holds(group)) {
                left.push(repeat);
            }
        }
        self.repeats = left;
        Ok(before != (self.accepted.len(), self.repeats.len(), self.rulings.len()))
    }
}

/// Why events are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The sender routed by another shard count.
    #[error("the advertiser has {0} shards")]
    Shards(u32),
    /// More than [`MAX_WAITING`].
    #[error("too many events are waiting")]
    Busy,
    /// More than [`MAX_RUN_BYTES`] or [`MAX_RECORDS`].
    #[error("the shard holds as many events as it can")]
    Full,
}

/// What to do about settings that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsVerdict {
    /// Store them, then [`Shard::set_settings`].
    Store,
    /// These or later ones are in force.
    Known,
    /// Events are stored under this other shard count.
    Conflict(u32),
}

/// Why a row cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// The log refers to settings that are not there.
    #[error("the log refers to settings {0}, which are missing")]
    MissingSettings(u64),
    /// A page of a run cannot be had.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

/// How far the log is spilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last row whose events are all in runs, or forgotten.
    pub row: i64,
    /// How many events were accepted up to there.
    pub accepted: u64,
    /// Server time of the log does not go back behind this.
    pub received: ServerTime,
}

impl Default for Position {
    fn default() -> Self {
        Self { row: 0, accepted: 0, received: ServerTime(i64::MIN) }
    }
}

/// What a shard goes on from.
#[derive(Debug, Default)]
pub struct Stored {
    /// The number of the last parcel of the outbox.
    pub last_seq: u64,
    /// The last row of the log whose facts are in a parcel; not before the position.
    pub told_upto: i64,
    /// The last row of the log whose facts billing was told; not before the position, nor behind what reports were told.
    pub billed_upto: i64,
    /// How far the log is spilled.
    pub position: Position,
    /// The runs, in any order.
    pub runs: Vec<Run>,
    /// The rulings of rows up to the position at least, each with its row.
    pub rulings: Vec<(i64, Ruling)>,
}

/// To be stored as one.
#[derive(Debug)]
pub struct Spill {
    /// What has to be told before its events leave memory.
    pub telling: Option<Telling>,
    /// The new run.
    pub written: Written,
    /// How far the log is spilled with it.
    pub position: Position,
}

/// To be stored as one: what is forgotten must never be looked for again, so server time does not go back behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The runs to drop.
    pub runs: Vec<u64>,
    /// How far the log is spilled: as before, with the time of the expiry.
    pub position: Position,
}

/// What of the log is linked, and what of that is still to be told.
#[derive(Debug)]
pub struct Shard {
    linker: Linker,
    /// Every revision that a row may refer to.
    revisions: BTreeMap<u64, Arc<Settings>>,
    /// The revisions that rows refer to.
    used: BTreeSet<u64>,
    /// `None` before the first event or setting.
    shards: Option<u32>,
    /// Facts that somebody has still to be told.
    untold: Vec<Fact>,
    /// How many of them, from the first, reports were told: billing was not.
    reported: usize,
    /// The last row of the log, and when it arrived.
    last_row: i64,
    last_received: ServerTime,
    /// The last parcel's number, and the last row whose facts were in a parcel when memory was made.
    last_seq: u64,
    told_upto: i64,
    /// The same for billing, and when it was told last.
    billed_upto: i64,
    billed_at: ServerTime,
    /// How far the log is spilled.
    position: Position,
    /// The number of the next run.
    next_run: u64,
    /// The facts of a row that are told before the others are made.
    part: usize,
}

impl Shard {
    /// A shard that goes on from what is stored; its settings, and then its rows after the position follow.
    pub fn new(stored: Stored, retention: Retention) -> Self {
        let Stored { last_seq, told_upto, billed_upto, position, mut runs, rulings } = stored;
        runs.sort_by_key(|run| run.summary.age);
        let next_run = runs.iter().map(|run| run.id).max().unwrap_or(0) + 1;
        let mut linker = Linker::with_runs(retention, position.accepted, runs);
        // Those of later rows come with their rows.
        linker.know_rulings(rulings.into_iter().filter(|(row, _)| *row <= position.row));
        Self {
            next_run,
            linker,
            revisions: BTreeMap::new(),
            used: BTreeSet::new(),
            shards: None,
            untold: Vec::new(),
            reported: 0,
            last_row: position.row,
            last_received: position.received,
            last_seq,
            told_upto: told_upto.max(position.row),
            billed_upto: billed_upto.max(position.row),
            billed_at: ServerTime(i64::MIN),
            position,
            part: MAX_UNTOLD_FACTS,
        }
    }

    /// The same, but it settles and tells so many events at once: what reports and billing hear amounts to the same.
    pub fn in_slices_of(self, events: usize) -> Self {
        Self { linker: self.linker.in_slices_of(events), part: events, ..self }
    }

    /// The events, linked.
    pub fn linker(&mut self) -> &mut Linker {
        &mut self.linker
    }

    /// The last row of the log that is linked.
    pub fn last_row(&self) -> i64 {
        self.last_row
    }

    /// How many shards the advertiser has; `None` before the first event or setting.
    pub fn shards(&self) -> Option<u32> {
        self.shards
    }

    /// What to do about settings of a revision, with `waiting` events that are admitted but not stored.
    pub fn judge_settings(&self, revision: u64, shards: u32, waiting: usize) -> SettingsVerdict {
        let is_used = !self.linker.is_empty() || waiting > 0;
        match self.shards {
            Some(known) if known != shards && is_used => SettingsVerdict::Conflict(known),
            _ if self.revision().is_some_and(|known| known >= revision) => SettingsVerdict::Known,
            _ => SettingsVerdict::Store,
        }
    }

    /// Puts settings that are stored in force.
    pub fn set_settings(&mut self, revision: u64, shards: u32, settings: Settings) {
        self.shards = Some(shards);
        let settings = Arc::new(settings);
        self.linker.know_settings(revision, settings.clone());
        self.revisions.insert(revision, settings);
    }

    /// Keeps every revision that is known by now: rows before the position may refer to them.
    pub fn keep_revisions(&mut self) {
        self.used.extend(self.revisions.keys());
    }

    /// Revisions that are not in force any more and that no row refers to: they need not be kept.
    pub fn forget_revisions(&mut self) -> Vec<u64> {
        let Some(last) = self.revision() else { return Vec::new() };
        let used = &self.used;
        let kept = |revision: &u64| *revision == last || used.contains(revision);
        let forgotten = self.revisions.keys().copied().filter(|revision| !kept(revision)).collect();
        self.revisions.retain(|revision, _| kept(revision));
        forgotten
    }

    /// Whether to take `events` more, with `waiting` before them; settings must be in force.
    pub fn admit(&self, shards: u32, waiting: usize, events: usize) -> Result<(), Refusal> {
        match self.shards {
            Some(known) if known != shards => Err(Refusal::Shards(known)),
            _ if waiting + events > MAX_WAITING => Err(Refusal::Busy),
            _ if self.linker.run_bytes() > MAX_RUN_BYTES => Err(Refusal::Full),
            _ if self.linker.records_in_memory() > MAX_RECORDS => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    /// The row to store for these events, and what each of them then is.
    ///
    /// Server times of a log never go back, whatever the clock does.
    pub fn commit(
        &mut self,
        events: Vec<Event>,
        now: ServerTime,
        shelf: &dyn Shelf,
    ) -> Result<(Row, Vec<Admission>), ShelfError> {
        let received = now.max(self.last_received);
        let names = events.iter().map(|event| &event.event);
        let admissions = self.linker.admissions(names, received, shelf)?;
        let mut accepted = Vec::with_capacity(events.len());
        let mut repeats = Vec::new();
        for (event, admission) in events.into_iter().zip(&admissions) {
            match admission {
                Admission::Accepted(_) => accepted.push(event),
                Admission::Duplicate => repeats.push(event.event),
            }
        }
        let revision = self.revision().unwrap_or_default();
        Ok((Row { received, revision, accepted, repeats, rulings: Vec::new() }, admissions))
    }

    /// The row to store for rulings; `None` where nothing is to be stored, because all of them are in force.
    ///
    /// Rulings for days of which events may be forgotten are refused: nobody could tell what becomes of those.
    pub fn rule(&self, rulings: impl IntoIterator<Item = Ruling>, now: ServerTime) -> Option<Row> {
        let received = now.max(self.last_received);
        let kept_since = received.0.saturating_sub(self.linker.retention().horizon_ms());
        let is_kept = |day: Day| day.start_ms().saturating_sub(MAX_AHEAD_MS) >= kept_since;
        let is_new = |ruling: &Ruling| is_kept(ruling.day) && !self.linker.has_ruling(ruling);
        let mut rulings: Vec<Ruling> = rulings.into_iter().filter(is_new).collect();
        rulings.sort_unstable();
        rulings.dedup();
        let revision = self.revision().unwrap_or_default();
        let (accepted, repeats) = Default::default();
        (!rulings.is_empty()).then_some(Row { received, revision, accepted, repeats, rulings })
    }

    /// Links a row that is stored as row `id` of the log: after its commit, and again, in order, at every start.
    pub fn committed(&mut self, id: i64, row: Row, shelf: &dyn Shelf) -> Result<(), ShardError> {
        self.link(id, row, shelf, &mut |_, facts| facts)
    }

    /// [`Shard::committed`] for a row that may change very much: what it amounts to is told in parts, each to be stored
    /// before the next one is made.
    ///
    /// **All that `store` is given is stored as one, with the row or after it**: the last part says that the row was told,
    /// the others do not. What is not told in the end waits for the next flush, as ever.
    pub fn committed_in_parts(
        &mut self,
        id: i64,
        row: Row,
        now: ServerTime,
        shelf: &dyn Shelf,
        store: &mut dyn FnMut(&Telling),
    ) -> Result<(), ShardError> {
        let mut parts = 0;
        // Reports may have been told the row already: it is told billing as a whole, later.
        let is_told = id <= self.told_upto;
        self.link(id, row, shelf, &mut |shard, facts| {
            // Something must be left for the last part.
            if is_told || shard.untold.len() - shard.reported < shard.part || facts.is_empty() {
                return facts;
            }
            if let Some(mut telling) = shard.tell(now, Whom::ReportsAndBilling) {
                telling.parcels.iter_mut().for_each(|parcel| parcel.through = None);
                store(&telling);
                shard.told(&telling);
                parts += 1;
            }
            facts
        })?;
        if parts > 0
            && let Some(telling) = self.tell(now, Whom::ReportsAndBilling)
        {
            store(&telling);
            self.told(&telling);
        }
        Ok(())
    }

    /// Links a row. Facts come in parts where there are very many; each goes by `part` before it is noted.
    fn link(
        &mut self,
        id: i64,
        row: Row,
        shelf: &dyn Shelf,
        part: &mut dyn FnMut(&mut Self, Vec<Fact>) -> Vec<Fact>,
    ) -> Result<(), ShardError> {
        let Row { received, revision, accepted, repeats, rulings } = row;
        let settings = self.revisions.get(&revision).ok_or(ShardError::MissingSettings(revision))?.clone();
        let arrival = |event| Arrival { event, received, settings: settings.clone() };
        let arrivals = accepted.into_iter().map(arrival);
        let mut linker = std::mem::take(&mut self.linker);
        let mut hear = |facts: Vec<Fact>| {
            if id > self.billed_upto {
                let facts = part(self, facts);
                self.untold.extend(facts);
            }
        };
        let linked = linker.take_by(id, received, arrivals, repeats, shelf, &mut hear);
        let linked = linked.map(&mut hear);
        let linked = linked.and_then(|()| linker.rule_by(id, rulings, shelf, &mut hear)).map(&mut hear);
        self.linker = linker;
        linked?;
        self.used.insert(revision);
        self.last_row = id;
        self.last_received = self.last_received.max(received);
        // At a start rows come again that reports were told of, before all others.
        if id <= self.told_upto {
            self.reported = self.untold.len();
        }
        Ok(())
    }

    /// Whether memory should be spilled.
    pub fn is_spill_due(&self) -> bool {
        self.linker.records_in_memory() >= SPILL_RECORDS
    }

    /// What to store to have nothing in memory but runs; `None` where there is nothing to spill.
    pub fn spill(&self, now: ServerTime) -> Option<Spill> {
        let written = self.linker.spill(self.next_run)?;
        let accepted = self.linker.len() as u64;
        let position = Position { row: self.last_row, accepted, received: self.last_received };
        Some(Spill { telling: self.tell(now, Whom::ReportsAndBilling), written, position })
    }

    /// Notes that a spill is stored.
    pub fn spilled(&mut self, spill: Spill) {
        if let Some(telling) = &spill.telling {
            self.told(telling);
        }
        // Rows that changed nothing need not be told, but they must not be told later either.
        self.told_upto = self.told_upto.max(spill.position.row);
        self.billed_upto = self.billed_upto.max(spill.position.row);
        self.next_run += 1;
        self.position = spill.position;
        self.linker.spilled(spill.written.run);
        // What only rows before the position refer to stays stored, but need not be in memory.
        let kept: BTreeSet<u64> = self.linker.revisions().chain(self.revision()).collect();
        self.revisions.retain(|revision, _| kept.contains(revision));
    }

    /// The next merge, if there are so many runs of one level.
    pub fn merge(&mut self, runs: usize) -> Option<Merge> {
        // A start takes in again what is not told: nothing that those rows look for may be forgotten before.
        let now = if self.untold.is_empty() { self.last_received } else { ServerTime(i64::MIN) };
        let merge = self.linker.merge(self.next_run, runs, now)?;
        self.next_run += 1;
        Some(merge)
    }

    /// The rewriting of a run without some records; `None` where none of those that are not in `done` may have any.
    ///
    /// Nothing is told of it: what the records amounted to stays in the figures.
    pub fn erase(&mut self, erased: &Erased, done: &BTreeSet<u64>) -> Option<Merge> {
        let mut runs = self.linker.runs().iter();
        let run = runs.find(|run| !done.contains(&run.id) && run.may_hold(&erased.groups))?;
        let merge = self.linker.erase_of(self.next_run, run, erased.clone());
        self.next_run += 1;
        Some(merge)
    }

    /// The runs that can be dropped; `None` where there are none, or while facts are untold: a start takes in their rows
    /// again, and would not find what they look for.
    pub fn expire(&self, now: ServerTime) -> Option<Expiry> {
        if !self.untold.is_empty() {
            return None;
        }
        let received = now.max(self.last_received);
        let runs = self.linker.expired(received);
        (!runs.is_empty()).then_some(Expiry { runs, position: Position { received, ..self.position } })
    }

    /// Notes that an expiry is stored.
    pub fn expired(&mut self, expiry: &Expiry) {
        self.position = expiry.position;
        self.last_received = self.last_received.max(expiry.position.received);
        self.linker.forget(&expiry.runs);
    }

    /// Notes that a merged run is stored, and its inputs are dropped.
    pub fn merged(&mut self, inputs: &[u64], run: Run) {
        self.linker.merged(inputs, run);
    }

    fn revision(&self) -> Option<u64> {
        self.revisions.keys().next_back().copied()
    }
}

#[cfg(test)]
mod tests;
