//! Jobs: tasks that wait for each other and are worked on elsewhere, by somebody who may die at any instant.
//!
//! A [`Board`] has the runs that are under way. It is told what happens, and says what to send, what to store, and when
//! it wants to be asked again:
//!
//! ```text
//! start -> queued run -> running run -> its tasks: queued -> sent -> running -> succeeded | failed
//!                                                     ^                |
//!                                                     +---- again -----+   failed, lost, out of time
//! ```
//!
//! - A task is worked on under a **ticket**, which no other attempt of the run ever gets. Only the first claim of a
//!   ticket is granted, and only the bearer of the present one is heard: repeated messages are harmless, and what is left
//!   of a superseded attempt changes nothing.
//! - A message that nobody claims is sent again. Whoever works gives signs of life; when they cease the task is lost, and
//!   gets a new ticket.
//! - A task may **spawn** others. Who needs a task needs all that it spawned as well, except for those themselves.
//! - **JOB-1**: whatever is lost, repeated, late or dead, no task begins before what it needs has succeeded, none is
//!   worked on under two tickets that are heard, and every run ends.

mod board;
mod policy;
mod rerun;
mod run;
mod schedule;
mod task;
mod tree;

pub use board::{Board, Changes, Claimed, JobRules, Lane, MAX_IN_FLIGHT, MAX_RUN_IN_FLIGHT, Message};
pub use policy::{Policy, jittered};
pub use rerun::RerunError;
pub use run::{MAX_TASKS, Outcome, Run, RunId, RunState, SpawnError};
pub use schedule::{Schedule, ScheduleError};
pub use task::{LEASE_MS, MAX_LOSSES, PATIENCE_MS, PROOF_MS, Spec, Task, TaskState};

/// The longest id of a task, in characters: an advertiser, a shard, a day and a part fit.
pub const MAX_TASK_ID_CHARS: usize = 200;
/// The longest name of a job, in characters.
pub const MAX_JOB_CHARS: usize = 64;

/// Whether a job may have this name: it stands in paths, and in names of runs.
pub fn is_job_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    (1..=MAX_JOB_CHARS).contains(&name.len()) && name.chars().all(allowed)
}

/// Whether a task may have this id.
pub fn is_task_id(id: &str) -> bool {
    (1..=MAX_TASK_ID_CHARS).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}
