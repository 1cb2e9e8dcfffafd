//! What the Jobs object stores of runs and tasks, as JSON text.

use adtally_core::jobs::{Policy, Run, RunId, RunState, Spec, Task, TaskState};
use adtally_core::time::ServerTime;
use serde::{Deserialize, Serialize};

/// What of a run changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRun {
    state: StoredRunState,
    cancelled: bool,
    seed: u64,
    next_ticket: u64,
    created_ms: i64,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum StoredRunState {
    Queued,
    Running,
    Succeeded,
    Failed,
}

/// What of a task never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSpec {
    kind: String,
    needs: Vec<String>,
    parent: Option<String>,
    attempts: u32,
    timeout_ms: i64,
    backoff_ms: i64,
    max_backoff_ms: i64,
}

/// What of a task changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTask {
    state: StoredState,
    ticket: u64,
    attempts: u32,
    failures: u32,
    losses: u32,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum StoredState {
    Queued(i64),
    Sent(i64, u32),
    Running(i64),
    Succeeded,
    Failed,
    UpstreamFailed,
    Skipped,
}

impl StoredRun {
    /// A run without its tasks.
    pub fn of(run: &Run) -> Self {
        Self {
            state: match run.state {
                RunState::Queued => StoredRunState::Queued,
                RunState::Running => StoredRunState::Running,
                RunState::Succeeded => StoredRunState::Succeeded,
                RunState::Failed => StoredRunState::Failed,
            },
            cancelled: run.is_cancelled,
            seed: run.seed,
            next_ticket: run.next_ticket,
            created_ms: run.created.0,
            started_ms: run.started.map(|at| at.0),
            ended_ms: run.ended.map(|at| at.0),
        }
    }

    /// The run with its tasks, which are in the order in which they were first stored.
    pub fn restore(&self, id: RunId, tasks: Vec<Task>) -> Run {
        let mut run = Run::restore(id, self.seed, ServerTime(self.created_ms), tasks);
        run.state = match self.state {
            StoredRunState::Queued => RunState::Queued,
            StoredRunState::Running => RunState::Running,
            StoredRunState::Succeeded => RunState::Succeeded,
            StoredRunState::Failed => RunState::Failed,
        };
        run.is_cancelled = self.cancelled;
        run.next_ticket = self.next_ticket;
        run.started = self.started_ms.map(ServerTime);
        run.ended = self.ended_ms.map(ServerTime);
        run
    }
}

impl StoredSpec {
    /// That of a task.
    pub fn of(task: &Task) -> Self {
        let Policy { attempts, timeout_ms, backoff_ms, max_backoff_ms } = task.spec.policy;
        Self {
            kind: task.spec.kind.clone(),
            needs: task.spec.needs.clone(),
            parent: task.parent.clone(),
            attempts,
            timeout_ms,
            backoff_ms,
            max_backoff_ms,
        }
    }

    fn policy(&self) -> Policy {
        Policy {
            attempts: self.attempts,
            timeout_ms: self.timeout_ms,
            backoff_ms: self.backoff_ms,
            max_backoff_ms: self.max_backoff_ms,
        }
    }
}

impl StoredTask {
    /// A task without what never changes.
    pub fn of(task: &Task) -> Self {
        Self {
            state: match task.state {
                TaskState::Queued { not_before } => StoredState::Queued(not_before.0),
                TaskState::Sent { at, times } => StoredState::Sent(at.0, times),
                TaskState::Running { heard } => StoredState::Running(heard.0),
                TaskState::Succeeded => StoredState::Succeeded,
                TaskState::Failed => StoredState::Failed,
                TaskState::UpstreamFailed => StoredState::UpstreamFailed,
                TaskState::Skipped => StoredState::Skipped,
            },
            ticket: task.ticket,
            attempts: task.attempts,
            failures: task.failures,
            losses: task.losses,
            started_ms: task.started.map(|at| at.0),
            ended_ms: task.ended.map(|at| at.0),
            error: task.error.clone(),
        }
    }

    /// The task.
    pub fn restore(self, id: String, spec: StoredSpec) -> Task {
        let policy = spec.policy();
        let spec_of = Spec { id, kind: spec.kind, needs: spec.needs, policy };
        Task {
            state: match self.state {
                StoredState::Queued(not_before) => TaskState::Queued { not_before: ServerTime(not_before) },
                StoredState::Sent(at, times) => TaskState::Sent { at: ServerTime(at), times },
                StoredState::Running(heard) => TaskState::Running { heard: ServerTime(heard) },
                StoredState::Succeeded => TaskState::Succeeded,
                StoredState::Failed => TaskState::Failed,
                StoredState::UpstreamFailed => TaskState::UpstreamFailed,
                StoredState::Skipped => TaskState::Skipped,
            },
            ticket: self.ticket,
            attempts: self.attempts,
            failures: self.failures,
            losses: self.losses,
            started: self.started_ms.map(ServerTime),
            ended: self.ended_ms.map(ServerTime),
            error: self.error,
            ..Task::new(spec_of, spec.parent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        fn check(state: TaskState) {
            let spec = Spec {
                id: "link:acme/0".to_owned(),
                kind: "link".to_owned(),
                needs: vec!["plan".to_owned()],
                policy: Policy { attempts: 1, timeout_ms: 2, backoff_ms: 3, max_backoff_ms: 4 },
            };
            let mut task = Task::new(spec, Some("plan".to_owned()));
            (task.state, task.ticket, task.attempts, task.failures, task.losses) = (state, 9, 8, 7, 6);
            (task.started, task.ended) = (Some(ServerTime(5)), None);
            task.error = Some("no".to_owned());
            let spec = serde_json::to_string(&StoredSpec::of(&task)).unwrap();
            let body = serde_json::to_string(&StoredTask::of(&task)).unwrap();
            let stored: StoredTask = serde_json::from_str(&body).unwrap();
            let restored = stored.restore("link:acme/0".to_owned(), serde_json::from_str(&spec).unwrap());
            assert_eq!(restored, task);
        }
        check(TaskState::QUEUED);
        check(TaskState::Sent { at: ServerTime(1_785_000_000_000), times: 3 });
        check(TaskState::Running { heard: ServerTime(-1) });
        for state in [TaskState::Succeeded, TaskState::Failed, TaskState::UpstreamFailed, TaskState::Skipped]
        {
            check(state);
        }
    }

    #[test]
    fn a_run_comes_back() {
        let id = RunId::parse("batch-12").unwrap();
        let spec =
            Spec { id: "a".to_owned(), kind: "k".to_owned(), needs: vec![], policy: Policy::default() };
        let mut run = Run::new(id.clone(), vec![spec], ServerTime(4), u64::MAX).unwrap();
        (run.state, run.is_cancelled, run.next_ticket) = (RunState::Failed, true, 77);
        (run.started, run.ended) = (Some(ServerTime(5)), Some(ServerTime(6)));
        let text = serde_json::to_string(&StoredRun::of(&run)).unwrap();
        let stored: StoredRun = serde_json::from_str(&text).unwrap();
        let restored = stored.restore(id, run.tasks().to_vec());
        assert_eq!(StoredRun::of(&restored), StoredRun::of(&run));
        assert_eq!(restored.tasks(), run.tasks());
    }
}
