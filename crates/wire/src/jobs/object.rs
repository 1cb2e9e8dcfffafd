//! What the worker asks the Jobs object, and the messages of its queue. All of it is JSON.

use adtally_core::jobs::{Message, Outcome, Policy, RunId, Spec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::api::{LogLine, NewRun};
use super::definition::JobChange;

/// Jobs: `POST` a [`Start`], answered by [`StartedRuns`](super::api::StartedRuns).
pub const START: &str = "/start";
/// Jobs: `POST` a [`ListRuns`], answered by [`Runs`](super::api::Runs).
pub const LIST: &str = "/list";
/// Jobs: `POST` an [`OfRun`], answered by [`RunInfo`](super::api::RunInfo), or [`TaskDetail`](super::api::TaskDetail).
pub const SHOW: &str = "/show";
/// Jobs: `POST` an [`OfRun`], answered by [`RunInfo`](super::api::RunInfo).
pub const RETRY: &str = "/retry";
/// Jobs: `POST` an [`OfRun`], answered by [`RunInfo`](super::api::RunInfo).
pub const CANCEL: &str = "/cancel";
/// Jobs: `POST` a [`Ticket`], answered by [`ClaimAnswer`].
pub const CLAIM: &str = "/claim";
/// Jobs: `POST` a [`Beat`], answered by [`GoOn`].
pub const BEAT: &str = "/beat";
/// Jobs: `POST` a [`Finish`], answered by [`GoOn`].
pub const FINISH: &str = "/finish";
/// Jobs: `POST` a [`ResultsOf`], answered by [`Results`].
pub const RESULTS: &str = "/results";
/// Jobs: `POST` a [`Define`], answered by [`JobInfo`](super::api::JobInfo).
pub const DEFINE: &str = "/define";
/// Jobs: `POST` the name of a job, answered by 200 and `null`.
pub const FORGET: &str = "/forget";
/// Jobs: `POST` the name of a job, answered by its [`JobInfo`](super::api::JobInfo), or `null`.
pub const DEFINITION: &str = "/definition";
/// Jobs: `POST` anything, answered by all [`JobInfo`](super::api::JobInfo)s.
pub const DEFINITIONS: &str = "/definitions";
/// Jobs: `POST` a [`Tick`], answered by the names of the runs that it started.
pub const TICK: &str = "/tick";

/// The name of the one Jobs object.
pub const JOBS_NAME: &str = "jobs";

/// Starts runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// As it was asked for.
    pub new: NewRun,
}

/// Which runs to list, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListRuns {
    /// Only those of this job.
    pub job: Option<String>,
    /// Only those of this state.
    pub state: Option<String>,
    /// Only those that were started for this scope.
    pub scope: Option<String>,
    /// Only those that were started for this cube.
    pub cube: Option<String>,
    /// The most runs.
    pub limit: u32,
}

/// A run, and one of its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfRun {
    /// Its name.
    pub run: String,
    /// The task's id.
    pub task: Option<String>,
}

/// A message of the queue, and what is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The run.
    pub run: String,
    /// The task.
    pub task: String,
    /// What sort of task it is.
    pub kind: String,
    /// The attempt.
    pub ticket: u64,
}

impl From<&Message> for Ticket {
    fn from(message: &Message) -> Self {
        Self {
            run: message.run.to_string(),
            task: message.task.clone(),
            kind: message.kind.clone(),
            ticket: message.ticket,
        }
    }
}

impl Ticket {
    /// The name of the run; `None` where it is none.
    pub fn run_id(&self) -> Option<RunId> {
        RunId::parse(&self.run)
    }
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAnswer {
    /// What the task is told; `None`: it is not to be done.
    pub params: Option<String>,
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Of whoever has this.
    pub ticket: Ticket,
    /// What was said since the last one: ms since 1970, and a line.
    pub log: Vec<(i64, String)>,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// By whoever has this.
    pub ticket: Ticket,
    /// What was said since the last sign of life.
    pub log: Vec<(i64, String)>,
    /// What became of it.
    pub end: End,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// It is done.
    Done {
        /// JSON text, for later tasks.
        result: String,
        /// What is to be done as well.
        spawn: Vec<NewTask>,
    },
    /// It may be tried again.
    Failed(String),
    /// It must not be tried again.
    FailedForGood(String),
}

/// A task that another one spawns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Unique in the run.
    pub id: String,
    /// What sort of task it is.
    pub kind: String,
    /// JSON text.
    pub params: String,
    /// What has to succeed first.
    pub needs: Vec<String>,
}

impl End {
    /// What it means to the run, and what spawned tasks are told.
    pub fn outcome(self) -> (Outcome, Option<String>, Vec<(String, String)>) {
        match self {
            End::Done { result, spawn } => {
                let params = spawn.iter().map(|task| (task.id.clone(), task.params.clone())).collect();
                let spec =
                    |NewTask { id, kind, needs, .. }| Spec { id, kind, needs, policy: Policy::default() };
                (Outcome::Succeeded { spawn: spawn.into_iter().map(spec).collect() }, Some(result), params)
            }
            End::Failed(error) => (Outcome::Failed { error }, None, Vec::new()),
            End::FailedForGood(error) => (Outcome::FailedForGood { error }, None, Vec::new()),
        }
    }
}

/// Whether whoever speaks is still meant to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoOn {
    /// `false`: the ticket is not valid any more.
    pub go_on: bool,
}

/// Which results to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsOf {
    /// The run.
    pub run: String,
    /// Tasks whose ids begin so.
    pub prefix: String,
}

/// Results of tasks that succeeded, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// Id and JSON text.
    pub results: Vec<(String, String)>,
}

/// Makes or changes a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Define {
    /// Its name.
    pub name: String,
    /// What to change.
    pub change: JobChange,
    /// The kinds of tasks that it may be made of.
    pub kinds: Vec<String>,
}

/// The platform's cron trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Its expression.
    pub cron: String,
    /// The time that it is about, in ms since 1970.
    pub at_ms: i64,
}

/// A task as the object shows it, before values become JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Papers {
    /// JSON text that it was told.
    pub params: String,
    /// JSON text that it left.
    pub result: Option<String>,
    /// What it said.
    pub log: Vec<LogLine>,
}

/// JSON text as a value; text that is none as itself.
pub fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What the Jobs object answers: what was asked for, or why not.
pub type Answer<T> = Result<T, JobsRefusal>;

/// Why the Jobs object does not do as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum JobsRefusal {
    /// There is no such job.
    #[error("there is no job {name:?}, only {}", known.join(", "))]
    UnknownJob {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The same, where the job is what is asked for.
    #[error("there is no job {0:?}")]
    NoSuchJob(String),
    /// There is no such run, or no more.
    #[error("there is no run {0:?}")]
    UnknownRun(String),
    /// The run has no such task.
    #[error("run {run} has no task {task:?}")]
    UnknownTask {
        /// The run.
        run: String,
        /// The task.
        task: String,
    },
    /// What is asked for makes no sense in its present state.
    #[error("{0}")]
    NotNow(String),
    /// A later run has taken its place.
    #[error("run {run} cannot run again, as {later} came after it: start a new one")]
    Superseded {
        /// The run.
        run: String,
        /// The latest run of its job.
        later: String,
    },
    /// Too many runs wait.
    #[error("{0} runs of the job would wait, at most {1} may")]
    TooManyRuns(usize, usize),
    /// A value that is not allowed.
    #[error("{0}")]
    Invalid(String),
    /// The job is part of the program.
    #[error("job {0:?} is part of the program: only its schedule, paused and max_runs can be changed")]
    BuiltIn(String),
}

impl JobsRefusal {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            JobsRefusal::UnknownJob { .. } => "unknown_job",
            JobsRefusal::NoSuchJob(_) => "job_not_found",
            JobsRefusal::UnknownRun(_) => "run_not_found",
            JobsRefusal::UnknownTask { .. } => "task_not_found",
            JobsRefusal::NotNow(_) => "wrong_state",
            JobsRefusal::Superseded { .. } => "superseded",
            JobsRefusal::TooManyRuns(..) => "too_many_runs",
            JobsRefusal::Invalid(_) => "invalid_field",
            JobsRefusal::BuiltIn(_) => "built_in_job",
        }
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            JobsRefusal::UnknownJob { .. } | JobsRefusal::Invalid(_) => 422,
            JobsRefusal::NoSuchJob(_) | JobsRefusal::UnknownRun(_) | JobsRefusal::UnknownTask { .. } => 404,
            JobsRefusal::NotNow(_) | JobsRefusal::Superseded { .. } | JobsRefusal::BuiltIn(_) => 409,
            JobsRefusal::TooManyRuns(..) => 429,
        }
    }
}
