//! A task: what is to be done, and how far it is.

use super::Policy;
use crate::time::{SECOND_MS, ServerTime};

/// How long a message may be on its way before it is sent again; twice as long each time.
pub const PATIENCE_MS: i64 = 30 * SECOND_MS;
/// The longest such wait is this many times as long.
const MAX_PATIENCE_DOUBLINGS: u32 = 4;
/// How long a worker may be silent before its task is lost: several signs of life, and what a busy processor delays.
pub const LEASE_MS: i64 = 20 * SECOND_MS;
/// How long it has for a sign of life after whoever listens has started anew.
pub const PROOF_MS: i64 = 5 * SECOND_MS;
/// How often the worker of a task may vanish: a task that takes its worker with it each time has to fail at last.
pub const MAX_LOSSES: u32 = 12;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Unique in its run.
    pub id: String,
    /// What sort of task it is.
    pub kind: String,
    /// Ids of the tasks that have to succeed first, with all that they spawned.
    pub needs: Vec<String>,
    /// What it is granted.
    pub policy: Policy,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for what it needs, for its turn, or for this time.
    Queued {
        /// Not before it.
        not_before: ServerTime,
    },
    /// A message says that it is to be done.
    Sent {
        /// When it was sent the last time.
        at: ServerTime,
        /// How often it was sent.
        times: u32,
    },
    /// Somebody works on it.
    Running {
        /// The last sign of life.
        heard: ServerTime,
    },
    /// Done.
    Succeeded,
    /// It failed as often as it may, or for good.
    Failed,
    /// What it needs failed.
    UpstreamFailed,
    /// The run was cancelled before it began.
    Skipped,
}

impl TaskState {
    /// Waiting as long as it takes.
    pub const QUEUED: TaskState = TaskState::Queued { not_before: ServerTime(i64::MIN) };

    /// The name in API bodies.
    pub fn name(self) -> &'static str {
        match self {
            TaskState::Queued { .. } | TaskState::Sent { .. } => "queued",
            TaskState::Running { .. } => "running",
            TaskState::Succeeded => "succeeded",
            TaskState::Failed => "failed",
            TaskState::UpstreamFailed => "upstream_failed",
            TaskState::Skipped => "skipped",
        }
    }

    /// Nothing more happens to it unless somebody asks for it.
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            TaskState::Succeeded | TaskState::Failed | TaskState::UpstreamFailed | TaskState::Skipped
        )
    }

    /// A message or a worker is out there.
    pub fn is_in_flight(self) -> bool {
        matches!(self, TaskState::Sent { .. } | TaskState::Running { .. })
    }
}

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is to be done.
    pub spec: Spec,
    /// The task that spawned it.
    pub parent: Option<String>,
    /// How far it is.
    pub state: TaskState,
    /// The ticket of the latest attempt; 0 before the first.
    pub ticket: u64,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Those that failed since it was told to run.
    pub failures: u32,
    /// Those whose worker vanished since then.
    pub losses: u32,
    /// When the latest attempt began.
    pub started: Option<ServerTime>,
    /// When it ended.
    pub ended: Option<ServerTime>,
    /// Why the latest attempt that failed did.
    pub error: Option<String>,
}

impl Task {
    /// A task that nobody has begun.
    pub fn new(spec: Spec, parent: Option<String>) -> Self {
        Self {
            spec,
            parent,
            state: TaskState::QUEUED,
            ticket: 0,
            attempts: 0,
            failures: 0,
            losses: 0,
            started: None,
            ended: None,
            error: None,
        }
    }

    /// Has it run again, whatever became of it; its history stays.
    pub(super) fn reset(&mut self) {
        self.state = TaskState::QUEUED;
        // Nobody has ticket 0: what is left of an attempt is not heard any more.
        (self.ticket, self.failures, self.losses) = (0, 0, 0);
        (self.started, self.ended, self.error) = (None, None, None);
    }

    /// When something has to be done about it by itself.
    pub(super) fn due(&self) -> Option<ServerTime> {
        match self.state {
            TaskState::Queued { not_before } => Some(not_before),
            TaskState::Sent { at, times } => Some(ServerTime(at.0.saturating_add(patience(times)))),
            TaskState::Running { heard } => {
                let silent = heard.0.saturating_add(LEASE_MS);
                let late =
                    self.started.map_or(i64::MAX, |at| at.0.saturating_add(self.spec.policy.timeout_ms));
                Some(ServerTime(silent.min(late)))
            }
            _ => None,
        }
    }
}

fn patience(times: u32) -> i64 {
    PATIENCE_MS << times.saturating_sub(1).min(MAX_PATIENCE_DOUBLINGS)
}
