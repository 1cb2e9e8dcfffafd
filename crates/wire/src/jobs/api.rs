//! The JSON bodies of `/v1/jobs`.

use std::collections::BTreeMap;

use adtally_core::jobs::{Run, RunState, Task};
use adtally_core::time::{ServerTime, rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Starts runs: `POST /v1/jobs`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// The job.
    pub job: String,
    /// The days that it is about.
    #[serde(default)]
    pub days: Option<Vec<String>>,
    /// Or the days from this one on ...
    #[serde(default)]
    pub from: Option<String>,
    /// ... to the one before this.
    #[serde(default)]
    pub to: Option<String>,
    /// What the placeholders of its tasks stand for.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRuns {
    /// The first run.
    pub run: String,
    /// All of them; where a job is about one day, there is one for each.
    pub runs: Vec<String>,
}

/// Runs failed tasks again: `POST /v1/jobs/{run}/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// This task, whatever became of it; absent: all that failed.
    #[serde(default)]
    pub task: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Its name.
    pub run: String,
    /// The job.
    pub job: String,
    /// It is the nth run of the job.
    pub number: u64,
    /// `queued`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// Somebody has ended it.
    pub cancelled: bool,
    /// What it was started with.
    pub params: Value,
    /// When it was asked for.
    pub created: String,
    /// When it began.
    pub started: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// From begin to end, or to now.
    pub duration_ms: Option<i64>,
    /// How many tasks there are of each state.
    pub counts: BTreeMap<String, u64>,
    /// Its tasks.
    pub tasks: Vec<TaskInfo>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskInfo {
    /// Unique in its run.
    pub id: String,
    /// What sort of task it is.
    pub kind: String,
    /// What has to succeed first.
    pub needs: Vec<String>,
    /// The task that spawned it.
    pub spawned_by: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed`, `upstream_failed` or `skipped`.
    pub state: String,
    /// Attempts that were begun.
    pub attempts: u32,
    /// When the latest of them began.
    pub started: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// From begin to end, or to now.
    pub duration_ms: Option<i64>,
    /// Why the latest attempt that failed did.
    pub error: Option<String>,
}

/// A task with all that is known: `GET /v1/jobs/{run}/tasks/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// The task.
    #[serde(flatten)]
    pub task: TaskInfo,
    /// What it was told.
    pub params: Value,
    /// What it left for others.
    pub result: Value,
    /// What it said, the oldest first.
    pub log: Vec<LogLine>,
}

/// A line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was said.
    pub at: String,
    /// What was said.
    pub text: String,
}

/// A list of runs, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// The runs; those of many tasks come without them.
    pub runs: Vec<RunInfo>,
}

/// The most tasks of a run that a list shows.
pub const MAX_LISTED_TASKS: usize = 100;

impl RunInfo {
    /// What a run looks like now.
    pub fn of(run: &Run, params: Value, now: ServerTime) -> Self {
        let mut counts = BTreeMap::new();
        for task in run.tasks() {
            *counts.entry(task.state.name().to_owned()).or_default() += 1;
        }
        Self {
            run: run.id.to_string(),
            job: run.id.job.clone(),
            number: run.id.number,
            state: run.state.name().to_owned(),
            cancelled: run.is_cancelled,
            params,
            created: rfc3339(run.created.0),
            started: run.started.map(|at| rfc3339(at.0)),
            ended: run.ended.map(|at| rfc3339(at.0)),
            duration_ms: duration(run.started, run.ended, run.state != RunState::Queued, now),
            counts,
            tasks: run.tasks().iter().map(|task| TaskInfo::of(task, now)).collect(),
        }
    }
}

impl TaskInfo {
    /// What a task looks like now.
    pub fn of(task: &Task, now: ServerTime) -> Self {
        Self {
            id: task.spec.id.clone(),
            kind: task.spec.kind.clone(),
            needs: task.spec.needs.clone(),
            spawned_by: task.parent.clone(),
            state: task.state.name().to_owned(),
            attempts: task.attempts,
            started: task.started.map(|at| rfc3339(at.0)),
            ended: task.ended.map(|at| rfc3339(at.0)),
            duration_ms: duration(task.started, task.ended, true, now),
            error: task.error.clone(),
        }
    }
}

fn duration(
    started: Option<ServerTime>,
    ended: Option<ServerTime>,
    is_timed: bool,
    now: ServerTime,
) -> Option<i64> {
    let started = started.filter(|_| is_timed)?;
    Some((ended.unwrap_or(now).0 - started.0).max(0))
}

/// A job: `GET /v1/jobs/definitions/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInfo {
    /// Its name.
    pub job: String,
    /// It is part of the program: its tasks cannot be changed.
    pub built_in: bool,
    /// When it runs by itself.
    pub schedule: Option<String>,
    /// When it runs by itself the next time; not while it is paused.
    pub next: Option<String>,
    /// Nothing of it begins until it is resumed.
    pub paused: bool,
    /// How many runs may be under way at once.
    pub max_runs: u32,
    /// How many runs it had.
    pub runs: u64,
    /// What it does.
    pub tasks: Vec<super::definition::TaskDefinition>,
}

/// Every job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jobs {
    /// By name.
    pub jobs: Vec<JobInfo>,
    /// The kinds of tasks that a job may be made of.
    pub kinds: Vec<String>,
}

/// Answer of `GET /v1/postbacks/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostbackInfo {
    /// Conversions that arrived before are not sent, RFC 3339.
    pub since: String,
    /// How many conversions the partner has taken.
    pub sent: u64,
    /// Those that it refused for good, the last 1,000.
    pub rejected: Vec<RejectedInfo>,
}

/// A postback that a partner refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedInfo {
    /// Advertiser and id of the conversion.
    pub id: String,
    /// What was asked for.
    pub url: String,
    /// What the partner said.
    pub reason: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Body of `POST /v1/postbacks/{name}/replay`: what to send again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostbackReplay {
    /// Only these, as they are listed; none: all that was refused.
    #[serde(default)]
    pub ids: Vec<String>,
}

impl PostbackReplay {
    /// Whether it is about a postback.
    pub fn names(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|one| one == id)
    }

    /// What both ask for.
    #[must_use]
    pub fn and(mut self, other: PostbackReplay) -> PostbackReplay {
        if self.ids.is_empty() || other.ids.is_empty() {
            return PostbackReplay::default();
        }
        self.ids.extend(other.ids);
        self.ids.sort();
        self.ids.dedup();
        self
    }
}

/// Answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostbackReplaying {
    /// The run that sends them.
    pub run: String,
    /// How many it will try.
    pub refused: u64,
}

impl PostbackInfo {
    /// What is told of the progress.
    pub fn of(progress: &PostbackProgress) -> Self {
        let told = |rejected: &RejectedPostback| RejectedInfo {
            id: rejected.id.clone(),
            url: rejected.url.clone(),
            reason: rejected.reason.clone(),
            at: rfc3339(rejected.at_ms),
        };
        let rejected = progress.rejected.iter().map(told).collect();
        Self { since: rfc3339(progress.since_ms), sent: progress.sent, rejected }
    }
}

/// How far a partner's postbacks are: what lies in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PostbackProgress {
    /// Conversions that arrived before are not sent, in ms since 1970.
    pub since_ms: i64,
    /// By shard: the row of its log, and how many events of it are done.
    pub shards: std::collections::BTreeMap<u32, (i64, u32)>,
    /// How many conversions a partner has taken.
    pub sent: u64,
    /// Those that it refused for good, the last 1,000.
    pub rejected: Vec<RejectedPostback>,
}

/// A postback that a partner refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedPostback {
    /// Advertiser and id of the conversion.
    pub id: String,
    /// What was asked for.
    pub url: String,
    /// What the partner said.
    pub reason: String,
    /// When, in ms since 1970.
    pub at_ms: i64,
}
