//! What the Jobs object has in memory: the runs that are under way, and the jobs.

use std::collections::BTreeMap;

use adtally_core::jobs::{Board, Run, RunId, RunState, Schedule, Spec, TaskState};
use adtally_core::time::ServerTime;
use serde_json::Value;
use worker::{Error, Result};

use crate::clock;
use crate::storage::jobs::{Extras, JobStore, StoredJob};
use crate::tasks::BUILT_IN;

/// See the module.
pub(super) struct Desk {
    /// Runs that have not ended.
    pub(super) board: Board,
    /// By name.
    pub(super) jobs: BTreeMap<String, StoredJob>,
}

/// A run that is to be started.
pub(super) struct Order {
    /// The job.
    pub(super) job: String,
    /// What it was asked for with, as JSON.
    pub(super) params: String,
    /// The time of its schedule.
    pub(super) due_ms: Option<i64>,
    /// Its first tasks, and what they are told.
    pub(super) tasks: Vec<(Spec, Value)>,
}

impl Desk {
    /// Takes up what is stored; messages may be lost, and consumers gone.
    pub(super) fn load(store: &JobStore, extras: &mut Extras, now: ServerTime) -> Result<Self> {
        let mut desk = Self { board: Board::default(), jobs: store.jobs()? };
        store.active()?.into_iter().for_each(|run| desk.board.put(run));
        desk.board.wake(now);
        for (name, job) in &desk.jobs {
            desk.board.set_rules(name, job.rules());
        }
        for (name, schedule, _) in BUILT_IN {
            if desk.jobs.contains_key(name) {
                continue;
            }
            let schedule = Schedule::parse(schedule);
            let schedule = schedule.map_err(|error| Error::RustError(error.to_string()))?;
            let job = StoredJob {
                runs: store.latest_number(name)?,
                next_ms: schedule.after(now).map(|at| at.0),
                schedule: Some(schedule.to_string()),
                paused: false,
                max_runs: 1,
                tasks: None,
            };
            desk.put_job(name, job, extras);
        }
        Ok(desk)
    }

    /// Keeps a job that is new or changed.
    pub(super) fn put_job(&mut self, name: &str, job: StoredJob, extras: &mut Extras) {
        self.board.set_rules(name, job.rules());
        extras.jobs.insert(name.to_owned(), Some(job.clone()));
        self.jobs.insert(name.to_owned(), job);
    }

    /// The name that the next run of a job will have.
    pub(super) fn next_run(&self, job: &str) -> RunId {
        RunId { job: job.to_owned(), number: self.jobs.get(job).map_or(0, |job| job.runs) + 1 }
    }

    /// Starts a run.
    pub(super) fn start(&mut self, order: Order, extras: &mut Extras, now: ServerTime) -> Result<RunId> {
        let Order { job, params, due_ms, tasks } = order;
        let id = self.next_run(&job);
        for (spec, params) in &tasks {
            extras.params.insert((id.clone(), spec.id.clone()), params.to_string());
        }
        let specs = tasks.into_iter().map(|(spec, _)| spec).collect();
        let seed = clock::random().map_err(|fault| Error::RustError(fault.to_string()))?;
        let run = Run::new(id.clone(), specs, now, u64::from_le_bytes(seed));
        self.board.put(run.map_err(|error| Error::RustError(error.to_string()))?);
        extras.runs.insert(id.clone(), (params, due_ms));
        if let Some(mut stored) = self.jobs.get(&job).cloned() {
            stored.runs = id.number;
            self.put_job(&job, stored, extras);
        }
        Ok(id)
    }

    /// What is to be said of the runs that have failed.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed = self.board.runs().filter(|run| run.state == RunState::Failed);
        let of = |run: &Run| {
            let cause = run.tasks().iter().find(|task| task.state == TaskState::Failed);
            let cause = cause.map(|task| {
                let error = task.error.as_deref().unwrap_or("no reason is known");
                format!(": {} failed: {error}", task.spec.id)
            });
            format!("run {} failed{}", run.id, cause.unwrap_or_default())
        };
        failed.map(of).collect()
    }

    /// Forgets runs that have ended; tells whether there were any.
    pub(super) fn forget_ended(&mut self) -> bool {
        let ended: Vec<RunId> =
            self.board.runs().filter(|run| run.state.has_ended()).map(|run| run.id.clone()).collect();
        ended.iter().for_each(|id| self.board.remove(id));
        !ended.is_empty()
    }

    /// When the next job runs by itself, in ms since 1970.
    pub(super) fn next_schedule(&self) -> Option<i64> {
        self.jobs.values().filter(|job| !job.paused).filter_map(|job| job.next_ms).min()
    }
}
