//! What has become of tasks together with all that they spawned.

use super::task::{Task, TaskState};

/// How far a task is, or a task with all that it spawned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Something is left to do.
    Open,
    /// All of it has succeeded.
    Done,
    /// Some of it has ended without success.
    Broken,
}

impl Standing {
    /// That of a task alone.
    pub(super) fn of(task: &Task) -> Self {
        match task.state {
            TaskState::Succeeded => Standing::Done,
            TaskState::Failed | TaskState::UpstreamFailed | TaskState::Skipped => Standing::Broken,
            _ => Standing::Open,
        }
    }

    fn and(self, other: Standing) -> Self {
        match (self, other) {
            (Standing::Broken, _) | (_, Standing::Broken) => Standing::Broken,
            (Standing::Done, Standing::Done) => Standing::Done,
            _ => Standing::Open,
        }
    }
}

/// The standings of tasks with all that they spawned; `parents` are places before those of their children.
pub(super) fn standings(tasks: &[Task], parents: &[Option<usize>]) -> Vec<Standing> {
    let mut found: Vec<Standing> = tasks.iter().map(Standing::of).collect();
    for at in (0..tasks.len()).rev() {
        if let Some(parent) = parents[at] {
            found[parent] = found[parent].and(found[at]);
        }
    }
    found
}

/// Whether `above` spawned `at`, or spawned what spawned it, and so on.
pub(super) fn is_ancestor(parents: &[Option<usize>], above: usize, at: usize) -> bool {
    std::iter::successors(parents[at], |at| parents[*at]).any(|ancestor| ancestor == above)
}
