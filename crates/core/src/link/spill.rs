//! What does not fit memory: records go to runs, runs are merged, and forgotten.

use super::Linker;
use super::pool::{Pool, Slot};
use super::run::merge_place;
use super::run::{Erased, Merge, Room, Run, RunWriter, Written};
use crate::time::ServerTime;

/// Runs of one level that are merged to one of the next: each look asks the filters of all runs, each merge writes its
/// records once more.
pub const MERGE_RUNS: usize = 8;
/// The most records of a run: larger runs are not merged, so that old ones can be forgotten as a whole.
pub const MAX_RUN_RECORDS: u64 = 2_000_000;

impl Linker {
    /// The records that are in memory.
    pub fn records_in_memory(&self) -> usize {
        self.pool.records.len()
    }

    /// Roughly the bytes of everything that is in memory.
    pub fn memory_bytes(&self) -> usize {
        const PER_HEAD: usize = 40;
        const PER_NAME: usize = 20;
        self.pool.bytes()
            + (self.heads.capacity() + self.roots.capacity()) * PER_HEAD
            + self.names.capacity() * PER_NAME
            + self.run_bytes()
    }

    /// The bytes that stay in memory for what is in runs.
    pub fn run_bytes(&self) -> usize {
        self.runs.iter().map(Run::memory_bytes).sum()
    }

    /// The revisions of the settings in memory.
    pub fn revisions(&self) -> impl Iterator<Item = u64> {
        self.pool.revisions().map(|(revision, _)| revision)
    }

    /// The runs, oldest first.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// What is in memory, as run `id`; `None` where there is nothing.
    pub fn spill(&self, id: u64) -> Option<Written> {
        let mut slots: Vec<Slot> = (0..self.pool.records.len() as Slot).collect();
        if slots.is_empty() {
            return None;
        }
        slots.sort_unstable_by_key(|slot| merge_place(self.pool.get(*slot)));
        let mut writer = RunWriter::new(id, 0, id, Room::of(&self.pool, &slots));
        slots.iter().for_each(|slot| writer.push(&self.pool, *slot));
        let event = |slot: &Slot| {
            let record = self.pool.get(*slot);
            (record.role == super::Role::Event).then_some((record.hash, record.group))
        };
        let mut names: Vec<(u64, u64)> = slots.iter().filter_map(event).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().for_each(|(name, group)| writer.push_name(name, group));
        Some(writer.finish())
    }

    /// Notes that everything in memory is in this run now. Settings that no run refers to are forgotten, but for the
    /// latest.
    pub fn spilled(&mut self, run: Run) {
        let settings: Vec<_> = self.pool.revisions().collect();
        let latest = settings.iter().map(|(revision, _)| *revision).max();
        let runs = || self.runs.iter().chain([&run]);
        let is_used = |revision| runs().any(|run| run.summary.revisions.binary_search(&revision).is_ok());
        let kept =
            settings.into_iter().filter(|(revision, _)| Some(*revision) == latest || is_used(*revision));
        let kept: Vec<_> = kept.collect();
        self.pool = Pool::default();
        for (revision, settings) in kept {
            self.pool.know(revision, settings);
        }
        self.heads = Default::default();
        self.roots = Default::default();
        self.names = Default::default();
        self.runs.push(run);
    }

    /// The next merge to do, into run `id`, if there are so many runs of one level.
    pub fn merge(&self, id: u64, runs: usize, now: ServerTime) -> Option<Merge> {
        let is_due = |runs: &[Run]| {
            let level = runs[0].summary.level;
            let records: u64 = runs.iter().map(|run| run.summary.records).sum();
            runs.iter().all(|run| run.summary.level == level) && records <= MAX_RUN_RECORDS
        };
        let runs = self.runs.windows(runs.max(2)).find(|runs| is_due(runs))?;
        Some(self.merge_of(id, runs, now))
    }

    /// The merge of these runs, which have to stand next to each other, oldest first.
    pub fn merge_of(&self, id: u64, runs: &[Run], now: ServerTime) -> Merge {
        let forget_before = now.0.saturating_sub(self.rules.retention.horizon_ms());
        Merge::new(id, runs, forget_before, self.pool.revisions().collect())
    }

    /// The rewriting of a run, as run `id`, without some records.
    pub fn erase_of(&self, id: u64, run: &Run, erased: Erased) -> Merge {
        Merge::erasing(id, run, erased, self.pool.revisions().collect())
    }

    /// Notes that a run has taken the place of others.
    pub fn merged(&mut self, inputs: &[u64], run: Run) {
        let place = self.runs.iter().position(|old| inputs.contains(&old.id)).unwrap_or(self.runs.len());
        self.runs.retain(|old| !inputs.contains(&old.id));
        self.runs.insert(place.min(self.runs.len()), run);
    }

    /// The runs of which nothing matters any more.
    pub fn expired(&self, now: ServerTime) -> Vec<u64> {
        let before = now.0.saturating_sub(self.rules.retention.horizon_ms());
        let expired = self.runs.iter().filter(|run| run.summary.max_received < before);
        expired.map(|run| run.id).collect()
    }

    /// When the next run expires.
    pub fn next_expiry(&self) -> Option<ServerTime> {
        let latest = self.runs.iter().map(|run| run.summary.max_received).min()?;
        Some(ServerTime(latest.saturating_add(self.rules.retention.horizon_ms()).saturating_add(1)))
    }

    /// Forgets runs.
    pub fn forget(&mut self, runs: &[u64]) {
        self.runs.retain(|run| !runs.contains(&run.id));
    }
}
