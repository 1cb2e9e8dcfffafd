//! All runs that are under way: which may begin, how many tasks may be out there, and when to look again.

use std::collections::BTreeMap;

use super::rerun::RerunError;
use super::run::{Outcome, Run, RunId, RunState};
use super::task::{LEASE_MS, PROOF_MS, TaskState};
use crate::time::ServerTime;

/// The most tasks of a run that are sent or worked on: the rest of a large run must not wait in a queue, where nobody
/// can take it back.
pub const MAX_RUN_IN_FLIGHT: usize = 32;
/// The most tasks of all runs together.
pub const MAX_IN_FLIGHT: usize = 64;

/// With what else a job's runs may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lane {
    /// With everything.
    #[default]
    Free,
    /// With nothing else of this lane: they change, or copy, what belongs together in several objects.
    Alone,
}

/// What a job's runs have to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRules {
    /// With what else they may be under way.
    pub lane: Lane,
    /// How many of them may be under way at once.
    pub max_runs: usize,
    /// None of them begins, and none of their tasks, until it is resumed.
    pub is_paused: bool,
}

impl Default for JobRules {
    fn default() -> Self {
        Self { max_runs: 1, is_paused: false, lane: Lane::Free }
    }
}

/// Says that a task is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: String,
    /// What sort of task it is.
    pub kind: String,
    /// What to claim.
    pub ticket: u64,
}

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Do it.
    Granted,
    /// Somebody has it, or nobody needs it any more.
    Refused,
}

/// What has to be stored of a run before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The run.
    pub run: RunId,
    /// Tasks that are new or changed.
    pub changed: Vec<String>,
    /// Tasks that are gone; to be removed before the others are stored.
    pub removed: Vec<String>,
    /// Lines for the logs of tasks.
    pub notes: Vec<(String, String)>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Board {
    runs: BTreeMap<RunId, Run>,
    rules: BTreeMap<String, JobRules>,
    messages: Vec<Message>,
}

impl Board {
    /// The runs that are known.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// A run.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// Takes in a run: a new one, or one that is stored.
    pub fn put(&mut self, run: Run) {
        self.runs.insert(run.id.clone(), run);
    }

    /// Forgets a run, one that has ended.
    pub fn remove(&mut self, id: &RunId) {
        self.runs.remove(id);
    }

    /// What the runs of a job have to keep to.
    pub fn set_rules(&mut self, job: &str, rules: JobRules) {
        self.rules.insert(job.to_owned(), rules);
    }

    /// To be told once after a start, when everything was put: messages may be lost, and workers gone.
    pub fn wake(&mut self, now: ServerTime) {
        for task in self.runs.values_mut().flat_map(|run| &mut run.tasks) {
            match task.state {
                TaskState::Sent { .. } => task.state = TaskState::Sent { at: ServerTime(0), times: 0 },
                TaskState::Running { .. } => {
                    task.state = TaskState::Running { heard: ServerTime(now.0 - LEASE_MS + PROOF_MS) };
                }
                _ => {}
            }
        }
    }

    /// Nothing could be heard for so long, by no fault of the workers.
    pub fn pardon(&mut self, deaf_ms: i64) {
        for task in self.runs.values_mut().flat_map(|run| &mut run.tasks) {
            if let TaskState::Running { heard } = &mut task.state {
                heard.0 = heard.0.saturating_add(deaf_ms);
            }
        }
    }

    /// Somebody got a message and would do the task.
    pub fn claim(&mut self, run: &RunId, task: &str, ticket: u64, now: ServerTime) -> Claimed {
        let granted = self.runs.get_mut(run).is_some_and(|run| run.claim(task, ticket, now));
        if granted { Claimed::Granted } else { Claimed::Refused }
    }

    /// A sign of life; `false`: whoever gave it may stop.
    pub fn hear(&mut self, run: &RunId, task: &str, ticket: u64, now: ServerTime) -> bool {
        self.runs.get_mut(run).is_some_and(|run| run.hear(task, ticket, now))
    }

    /// What became of a task; `false`: this is not the word of whoever has it, and changes nothing.
    pub fn finish(
        &mut self,
        run: &RunId,
        task: &str,
        ticket: u64,
        outcome: Outcome,
        now: ServerTime,
    ) -> bool {
        self.runs.get_mut(run).is_some_and(|run| run.finish(task, ticket, outcome, now))
    }

    /// Runs a task again, or all that failed, with all that depends on it; the run must be known.
    pub fn rerun(&mut self, run: &RunId, task: Option<&str>) -> Result<(), RerunError> {
        match self.runs.get_mut(run) {
            Some(run) => run.rerun(task),
            None => Err(RerunError::NothingFailed),
        }
    }

    /// Ends a run; `false`: it has ended already.
    pub fn cancel(&mut self, run: &RunId, now: ServerTime) -> bool {
        let Some(run) = self.runs.get_mut(run).filter(|run| !run.state.has_ended()) else { return false };
        run.cancel(now);
        true
    }

    /// Does all that is due. To be called after whatever happened, and when [`Board::due`] says so.
    pub fn step(&mut self, now: ServerTime) {
        self.pass(now);
        // One that ended may have kept one waiting that stood before it.
        let is_waiting =
            |run: &Run| run.state == RunState::Queued && self.rules(&run.id.job).lane == Lane::Alone;
        if self.runs.values().any(is_waiting) && !self.is_taken(Lane::Alone) {
            self.pass(now);
        }
    }

    fn pass(&mut self, now: ServerTime) {
        let mut in_flight = self.in_flight();
        let ids: Vec<RunId> = self.runs.keys().cloned().collect();
        for id in ids {
            let rules = self.rules(&id.job);
            let is_alone = rules.lane == Lane::Free || !self.is_taken(Lane::Alone);
            let may_begin = !rules.is_paused && is_alone && self.running(&id.job) < rules.max_runs;
            let Some(run) = self.runs.get_mut(&id) else { continue };
            if run.state == RunState::Queued && may_begin {
                run.state = RunState::Running;
                run.started.get_or_insert(now);
                run.is_touched = true;
            }
            if run.state == RunState::Running {
                let before = run_in_flight(run);
                let mut slots = (!rules.is_paused).then(|| MAX_IN_FLIGHT.saturating_sub(in_flight));
                self.messages.extend(run.advance(now, &mut slots));
                in_flight = in_flight + run_in_flight(run) - before;
            }
        }
    }

    /// When something is due by itself; `None`: when something happens.
    pub fn due(&self, now: ServerTime) -> Option<ServerTime> {
        let running = self.runs.values().filter(|run| run.state == RunState::Running);
        let tasks = running.flat_map(|run| &run.tasks);
        // A queued task whose time has come waits for others, or for a slot.
        tasks.filter_map(|task| task.due().filter(|due| task.state.is_in_flight() || *due > now)).min()
    }

    /// How many tasks are sent or worked on.
    pub fn in_flight(&self) -> usize {
        self.runs.values().map(run_in_flight).sum()
    }

    /// What changed since this was called the last time; it must be stored, or this board be thrown away.
    pub fn take_changes(&mut self) -> Vec<Changes> {
        let changes = self.runs.values_mut().filter_map(|run| {
            let changed: Vec<String> = std::mem::take(&mut run.changed).into_iter().collect();
            let (removed, notes) = (std::mem::take(&mut run.removed), std::mem::take(&mut run.notes));
            let is_touched =
                std::mem::take(&mut run.is_touched) || !changed.is_empty() || !removed.is_empty();
            (is_touched || !notes.is_empty()).then(|| Changes {
                run: run.id.clone(),
                changed,
                removed,
                notes,
            })
        });
        changes.collect()
    }

    /// What is to be sent once the changes are stored.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    fn rules(&self, job: &str) -> JobRules {
        self.rules.get(job).copied().unwrap_or_default()
    }

    /// Whether a run of this lane is under way.
    fn is_taken(&self, lane: Lane) -> bool {
        self.runs.values().any(|run| run.state == RunState::Running && self.rules(&run.id.job).lane == lane)
    }

    fn running(&self, job: &str) -> usize {
        self.runs.values().filter(|run| run.id.job == job && run.state == RunState::Running).count()
    }
}

fn run_in_flight(run: &Run) -> usize {
    run.tasks.iter().filter(|task| task.state.is_in_flight()).count()
}
