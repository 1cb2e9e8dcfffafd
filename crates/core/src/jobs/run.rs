//! A run: tasks, and what happens to them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use thiserror::Error;

use super::board::{MAX_RUN_IN_FLIGHT, Message};
use super::task::{MAX_LOSSES, Spec, Task, TaskState};
use super::tree::{Standing, is_ancestor, standings};
use super::{is_job_name, is_task_id, jittered};
use crate::time::{SECOND_MS, ServerTime};

/// The most tasks of a run: all of them are in memory while it is under way.
pub const MAX_TASKS: usize = 20_000;

/// The name of a run: the nth of its job. In text `batch-3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// The job.
    pub job: String,
    /// From 1.
    pub number: u64,
}

impl RunId {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (job, number) = text.rsplit_once('-')?;
        let id = Self { job: job.to_owned(), number: number.parse().ok()? };
        (is_job_name(job) && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job, self.number)
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// Its tasks are worked on.
    Running,
    /// All of them succeeded.
    Succeeded,
    /// Some did not.
    Failed,
}

impl RunState {
    /// The name in API bodies.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
        }
    }

    /// Nothing more happens to it unless somebody asks for it.
    pub fn has_ended(self) -> bool {
        matches!(self, RunState::Succeeded | RunState::Failed)
    }
}

/// What a worker says of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and these are to be done as well.
    Succeeded {
        /// In any order; they may need each other, and whatever is in the run.
        spawn: Vec<Spec>,
    },
    /// It failed, and may be tried again.
    Failed {
        /// For people.
        error: String,
    },
    /// It failed, and would each time.
    FailedForGood {
        /// For people.
        error: String,
    },
}

/// Why tasks cannot be part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpawnError {
    /// Two tasks of one id.
    #[error("there is more than one task {0:?}")]
    Twice(String),
    /// An id that is empty, too long, or not text.
    #[error("{0:?} is not the id of a task")]
    Id(String),
    /// A need that nothing meets.
    #[error("task {task:?} needs {need:?}, which is not there")]
    Unknown {
        /// The task.
        task: String,
        /// What it needs.
        need: String,
    },
    /// More than [`MAX_TASKS`].
    #[error("a run of {0} tasks, at most {MAX_TASKS} are allowed")]
    TooMany(usize),
    /// None at all.
    #[error("a run without tasks")]
    None,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// How far it is.
    pub state: RunState,
    /// Somebody has ended it.
    pub is_cancelled: bool,
    /// What its jitter comes from.
    pub seed: u64,
    /// The ticket of the next attempt.
    pub next_ticket: u64,
    /// When it was asked for.
    pub created: ServerTime,
    /// When its first task was sent.
    pub started: Option<ServerTime>,
    /// When its last task ended.
    pub ended: Option<ServerTime>,
    pub(super) tasks: Vec<Task>,
    pub(super) index: HashMap<String, usize>,
    /// The places of those that spawned them, always before their own.
    pub(super) parents: Vec<Option<usize>>,
    /// How many of its needs each task was seen to have; they stay met until something runs again.
    met: Vec<usize>,
    /// It changed itself since it was stored.
    pub(super) is_touched: bool,
    /// Tasks that changed since they were stored.
    pub(super) changed: BTreeSet<String>,
    /// Tasks that are gone since then.
    pub(super) removed: Vec<String>,
    /// What happened to tasks, for their logs.
    pub(super) notes: Vec<(String, String)>,
}

impl Run {
    /// A run that waits for its turn.
    pub fn new(id: RunId, specs: Vec<Spec>, now: ServerTime, seed: u64) -> Result<Self, SpawnError> {
        if specs.is_empty() {
            return Err(SpawnError::None);
        }
        let mut run = Self::restore(id, seed, now, Vec::new());
        run.check(&specs)?;
        run.add(specs, None);
        Ok(run)
    }

    /// A run of which these tasks are stored, in the order in which they came; the caller sets what else is known.
    pub fn restore(id: RunId, seed: u64, created: ServerTime, tasks: Vec<Task>) -> Self {
        let mut run = Self {
            id,
            state: RunState::Queued,
            is_cancelled: false,
            seed,
            next_ticket: 1,
            created,
            started: None,
            ended: None,
            tasks,
            index: HashMap::new(),
            parents: Vec::new(),
            met: Vec::new(),
            is_touched: false,
            changed: BTreeSet::new(),
            removed: Vec::new(),
            notes: Vec::new(),
        };
        run.arrange();
        run
    }

    /// Its tasks, in the order in which they came.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// A task.
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.index.get(id).map(|at| &self.tasks[*at])
    }

    /// Finds places and parents anew, and looks at every need again.
    pub(super) fn arrange(&mut self) {
        self.index = self.tasks.iter().enumerate().map(|(at, task)| (task.spec.id.clone(), at)).collect();
        let place = |task: &Task| task.parent.as_ref().and_then(|parent| self.index.get(parent)).copied();
        self.parents = self.tasks.iter().map(place).collect();
        self.met = vec![0; self.tasks.len()];
    }

    fn check(&self, specs: &[Spec]) -> Result<(), SpawnError> {
        let count = self.tasks.len() + specs.len();
        if count > MAX_TASKS {
            return Err(SpawnError::TooMany(count));
        }
        let mut fresh = BTreeSet::new();
        for Spec { id, .. } in specs {
            if !is_task_id(id) {
                return Err(SpawnError::Id(id.clone()));
            }
            if self.index.contains_key(id) || !fresh.insert(id.as_str()) {
                return Err(SpawnError::Twice(id.clone()));
            }
        }
        for Spec { id, needs, .. } in specs {
            let is_missing =
                |need: &&String| !self.index.contains_key(*need) && !fresh.contains(need.as_str());
            if let Some(need) = needs.iter().find(is_missing) {
                return Err(SpawnError::Unknown { task: id.clone(), need: need.clone() });
            }
        }
        Ok(())
    }

    fn add(&mut self, specs: Vec<Spec>, parent: Option<usize>) {
        let named = parent.map(|at| self.tasks[at].spec.id.clone());
        for spec in specs {
            self.changed.insert(spec.id.clone());
            self.index.insert(spec.id.clone(), self.tasks.len());
            self.parents.push(parent);
            self.met.push(0);
            self.tasks.push(Task::new(spec, named.clone()));
        }
    }

    /// Grants a ticket to whoever claims it first.
    pub(super) fn claim(&mut self, id: &str, ticket: u64, now: ServerTime) -> bool {
        let Some(task) = self.index.get(id).map(|at| &mut self.tasks[*at]) else { return false };
        if task.ticket != ticket || !matches!(task.state, TaskState::Sent { .. }) {
            return false;
        }
        task.state = TaskState::Running { heard: now };
        task.attempts += 1;
        (task.started, task.ended) = (Some(now), None);
        self.changed.insert(id.to_owned());
        true
    }

    /// The place of the task that is worked on under a ticket.
    fn at_work(&self, id: &str, ticket: u64) -> Option<usize> {
        let at = *self.index.get(id)?;
        let task = &self.tasks[at];
        (task.ticket == ticket && matches!(task.state, TaskState::Running { .. })).then_some(at)
    }

    /// Notes a sign of life; `false`: whoever gave it may stop.
    pub(super) fn hear(&mut self, id: &str, ticket: u64, now: ServerTime) -> bool {
        let Some(at) = self.at_work(id, ticket) else { return false };
        self.tasks[at].state = TaskState::Running { heard: now };
        true
    }

    /// Takes a worker's word; `false`: its ticket is not the present one, and nothing changed.
    pub(super) fn finish(&mut self, id: &str, ticket: u64, outcome: Outcome, now: ServerTime) -> bool {
        let Some(at) = self.at_work(id, ticket) else { return false };
        match outcome {
            Outcome::Succeeded { spawn } => match self.check(&spawn) {
                Ok(()) => {
                    let task = &mut self.tasks[at];
                    (task.state, task.error) = (TaskState::Succeeded, None);
                    self.ended(at, now);
                    self.add(spawn, Some(at));
                }
                Err(error) => self.fail_for_good(at, error.to_string(), now),
            },
            Outcome::Failed { error } => self.fail(at, error, now),
            Outcome::FailedForGood { error } => self.fail_for_good(at, error, now),
        }
        true
    }

    fn fail(&mut self, at: usize, error: String, now: ServerTime) {
        let ticket = self.tasks[at].ticket;
        let task = &mut self.tasks[at];
        task.failures += 1;
        if task.failures >= task.spec.policy.attempts {
            return self.fail_for_good(at, error, now);
        }
        let wait = jittered(task.spec.policy.backoff(task.failures), self.seed ^ ticket.rotate_left(32));
        task.state = TaskState::Queued { not_before: ServerTime(now.0.saturating_add(wait)) };
        self.note(at, format!("failed, again in {wait} ms: {error}"));
        self.tasks[at].error = Some(error);
        self.ended(at, now);
    }

    fn fail_for_good(&mut self, at: usize, error: String, now: ServerTime) {
        self.note(at, format!("failed: {error}"));
        let task = &mut self.tasks[at];
        (task.state, task.error) = (TaskState::Failed, Some(error));
        self.ended(at, now);
    }

    /// Its worker vanished: somebody else gets it at once.
    fn lose(&mut self, at: usize, now: ServerTime) {
        let task = &mut self.tasks[at];
        task.losses += 1;
        if task.losses > MAX_LOSSES {
            let error = format!("whoever worked on it vanished {} times", task.losses);
            return self.fail_for_good(at, error, now);
        }
        task.state = TaskState::Queued { not_before: now };
        self.note(at, "whoever worked on it vanished, somebody else gets it".to_owned());
        self.ended(at, now);
    }

    fn ended(&mut self, at: usize, now: ServerTime) {
        let task = &mut self.tasks[at];
        task.ended = Some(now);
        self.changed.insert(task.spec.id.clone());
    }

    fn note(&mut self, at: usize, text: String) {
        self.notes.push((self.tasks[at].spec.id.clone(), text));
    }

    /// Ends it: what has not begun never will, what is worked on is not heard any more.
    pub(super) fn cancel(&mut self, now: ServerTime) {
        for at in 0..self.tasks.len() {
            match self.tasks[at].state {
                TaskState::Queued { .. } | TaskState::Sent { .. } => {
                    self.tasks[at].state = TaskState::Skipped;
                    self.ended(at, now);
                }
                TaskState::Running { .. } => self.fail_for_good(at, "the run was cancelled".to_owned(), now),
                _ => {}
            }
        }
        (self.is_cancelled, self.state, self.ended) = (true, RunState::Failed, Some(now));
        self.is_touched = true;
    }

    /// Does all that is due, and sends tasks that are ready while there are slots; `None`: no more of them for now.
    pub(super) fn advance(&mut self, now: ServerTime, slots: &mut Option<usize>) -> Vec<Message> {
        let mut messages = Vec::new();
        for at in 0..self.tasks.len() {
            let task = &mut self.tasks[at];
            let is_due = task.due().is_some_and(|due| due <= now);
            match task.state {
                TaskState::Running { .. } if is_due && is_out_of_time(task, now) => {
                    let error = format!("no end after {} s", task.spec.policy.timeout_ms / SECOND_MS);
                    self.fail(at, error, now);
                }
                TaskState::Running { .. } if is_due => self.lose(at, now),
                TaskState::Sent { times, .. } if is_due => {
                    task.state = TaskState::Sent { at: now, times: times.saturating_add(1) };
                    messages.push(self.message(at));
                }
                _ => {}
            }
        }
        self.break_off(now);
        self.send_ready(now, slots, &mut messages);
        if self.tasks.iter().all(|task| task.state.has_ended()) {
            let all_done = self.tasks.iter().all(|task| task.state == TaskState::Succeeded);
            self.state = if all_done { RunState::Succeeded } else { RunState::Failed };
            self.ended = Some(now);
        }
        messages
    }

    /// Gives up what needs something that ended without success.
    fn break_off(&mut self, now: ServerTime) {
        loop {
            let standings = standings(&self.tasks, &self.parents);
            if !standings.contains(&Standing::Broken) {
                return;
            }
            let is_hopeless = |at: &usize| {
                let task = &self.tasks[*at];
                let is_broken = |need: &String| self.standing(*at, need, &standings) == Standing::Broken;
                matches!(task.state, TaskState::Queued { .. }) && task.spec.needs.iter().any(is_broken)
            };
            let hopeless: Vec<usize> = (0..self.tasks.len()).filter(is_hopeless).collect();
            if hopeless.is_empty() {
                return;
            }
            for at in hopeless {
                self.tasks[at].state = TaskState::UpstreamFailed;
                self.ended(at, now);
            }
        }
    }

    fn send_ready(&mut self, now: ServerTime, slots: &mut Option<usize>, messages: &mut Vec<Message>) {
        let standings = standings(&self.tasks, &self.parents);
        let mut in_flight = self.tasks.iter().filter(|task| task.state.is_in_flight()).count();
        let mut is_moving = in_flight > 0;
        for at in 0..self.tasks.len() {
            let TaskState::Queued { not_before } = self.tasks[at].state else { continue };
            if !self.is_ready(at, &standings) {
                continue;
            }
            is_moving = true;
            let Some(left) = slots.as_mut().filter(|left| **left > 0 && in_flight < MAX_RUN_IN_FLIGHT) else {
                break;
            };
            if not_before <= now {
                (*left, in_flight) = (*left - 1, in_flight + 1);
                self.tasks[at].ticket = self.next_ticket;
                self.next_ticket += 1;
                self.tasks[at].state = TaskState::Sent { at: now, times: 1 };
                self.changed.insert(self.tasks[at].spec.id.clone());
                messages.push(self.message(at));
            }
        }
        if !is_moving {
            self.give_up(&standings, now);
        }
    }

    /// Nothing is under way and nothing can begin: what is left needs itself, or something that nobody spawned.
    fn give_up(&mut self, standings: &[Standing], now: ServerTime) {
        for at in 0..self.tasks.len() {
            let task = &self.tasks[at];
            if task.state.has_ended() {
                continue;
            }
            let is_open = |need: &&String| self.standing(at, need, standings) != Standing::Done;
            let need = task.spec.needs.iter().find(is_open).cloned().unwrap_or_default();
            let reason = if self.index.contains_key(&need) { "needs it in turn" } else { "is not there" };
            self.fail_for_good(at, format!("it needs {need:?}, which {reason}"), now);
        }
    }

    fn is_ready(&mut self, at: usize, standings: &[Standing]) -> bool {
        while let Some(need) = self.tasks[at].spec.needs.get(self.met[at]) {
            if self.standing(at, need, standings) != Standing::Done {
                return false;
            }
            self.met[at] += 1;
        }
        true
    }

    /// How a need of the task at `at` stands: what spawned it must only have succeeded itself.
    fn standing(&self, at: usize, need: &str, standings: &[Standing]) -> Standing {
        match self.index.get(need) {
            None => Standing::Open,
            Some(needed) if is_ancestor(&self.parents, *needed, at) => Standing::of(&self.tasks[*needed]),
            Some(needed) => standings[*needed],
        }
    }

    fn message(&self, at: usize) -> Message {
        let Task { spec, ticket, .. } = &self.tasks[at];
        Message { run: self.id.clone(), task: spec.id.clone(), kind: spec.kind.clone(), ticket: *ticket }
    }
}

fn is_out_of_time(task: &Task, now: ServerTime) -> bool {
    task.started.is_some_and(|started| started.0.saturating_add(task.spec.policy.timeout_ms) <= now.0)
}
