//! The kinds of tasks: each is a file in `tasks` and a line in the registry at the end of this one.
//!
//! A kind has a function `run(&Context, params)`: from what the task is told, as JSON text, to what it leaves behind and
//! what is to be done as well. It may be called more than once for the same task, also at the same time: by a second
//! attempt while the first is still believed dead. So whatever it changes it must be able to change again.

mod question;

mod echo;
mod webhook;
mod bill;
pub(crate) mod postback;
mod export;
pub(crate) mod check;
mod compact;
mod plan;
mod archive;
mod merge;
mod judge;
mod cut;
mod link;
mod scopes;
mod publish;
mod cubes;
mod cube_export;
mod finish;
mod erase;
mod residue;
mod purge;
mod erased;
mod backup;
mod backup_part;
mod backup_seal;

use std::cell::{Cell, RefCell};

use adtally_wire::jobs::object::{End, NewTask, Ticket};
use serde::Serialize;
use thiserror::Error;
use worker::Env;

use crate::clock;
use crate::jobs::Jobs;
use crate::problem::Fault;

pub(crate) use check::CHECK_TASK;
pub(crate) use cube_export::CUBE_EXPORT_TASK;
pub(crate) use cubes::CUBES_TASK;
pub(crate) use export::FOLDER as EXPORTS;
pub(crate) use webhook::key as webhook_key;

/// A job that is part of the program.
pub(crate) const BATCH: &str = "batch";
/// Its first task, and the kind of that.
const BATCH_TASK: &str = "plan";
/// When it runs by itself: the expression of the trigger in wrangler.toml.
pub(crate) const BATCH_SCHEDULE: &str = "0 3 * * *";

/// The other one.
pub(crate) const BACKUP: &str = "backup";
/// When that runs by itself: when the batch is done on most nights; it waits if not.
const BACKUP_SCHEDULE: &str = "0 5 * * *";
/// The jobs that are part of the program, with their schedules and the kinds of their first tasks.
pub(crate) const BUILT_IN: [(&str, &str, &str); 2] =
    [(BATCH, BATCH_SCHEDULE, BATCH_TASK), (BACKUP, BACKUP_SCHEDULE, BACKUP)];

/// Folders of the bucket in which tasks note how far they have told others.
pub(crate) const PROGRESS: [&str; 2] = [bill::FOLDER, postback::FOLDER];

/// The longest name under which a task keeps how far it is, in characters.
const MAX_NAME_CHARS: usize = 64;
/// The most bytes that a task may leave for others.
const MAX_RESULT_BYTES: usize = 256 * 1024;
/// The most lines that an attempt may say.
const MAX_LINES: usize = 500;
/// The most characters of a line.
const MAX_LINE_CHARS: usize = 1_000;

/// What a task works with.
pub(crate) struct Context {
    /// What the platform hands to us.
    pub(crate) env: Env,
    /// The run's name: `batch-3`.
    pub(crate) run: String,
    /// The run is the nth of its job; that of the batch is the generation.
    pub(crate) number: u64,
    /// The task's id.
    pub(crate) task: String,
    log: RefCell<Vec<(i64, String)>>,
    lines: Cell<usize>,
}

/// What a task that is done leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// JSON text, small: what later tasks can read.
    pub(crate) result: String,
    /// What is to be done as well. Whoever needs this task needs them too.
    pub(crate) spawn: Vec<TaskSpec>,
}

/// A task that is to be done.
#[derive(Debug, Clone)]
pub(crate) struct TaskSpec {
    /// Unique in the run: `link:acme/0/2018-07-22/0`.
    pub(crate) id: String,
    /// A kind of the registry.
    pub(crate) kind: &'static str,
    /// JSON text.
    pub(crate) params: String,
    /// Ids of tasks that have to succeed first, with all that they spawn.
    pub(crate) needs: Vec<String>,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TaskError {
    /// It may go better the next time.
    #[error("{0}")]
    Retry(String),
    /// It would fail each time.
    #[error("{0}")]
    Permanent(String),
}

impl TaskError {
    /// It would fail each time, for this reason.
    pub(crate) fn permanent(reason: impl ToString) -> Self {
        TaskError::Permanent(reason.to_string())
    }
}

impl From<worker::Error> for TaskError {
    fn from(error: worker::Error) -> Self {
        TaskError::Retry(error.to_string())
    }
}

impl From<Fault> for TaskError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) | Fault::Misconfigured(_) => TaskError::Permanent(fault.to_string()),
            _ => TaskError::Retry(fault.to_string()),
        }
    }
}

/// What a task is told, or leaves, does not fit.
impl From<serde_json::Error> for TaskError {
    fn from(error: serde_json::Error) -> Self {
        TaskError::Permanent(error.to_string())
    }
}

impl TaskSpec {
    /// A task with what it is told.
    pub(crate) fn new(
        id: String,
        kind: &'static str,
        params: &impl Serialize,
        needs: Vec<String>,
    ) -> Result<Self, TaskError> {
        Ok(Self { id, kind, params: serde_json::to_string(params)?, needs })
    }
}

impl Context {
    /// For whoever has this ticket.
    pub(crate) fn new(env: &Env, ticket: &Ticket) -> Self {
        Self {
            env: env.clone(),
            run: ticket.run.clone(),
            number: ticket.run_id().map_or(0, |run| run.number),
            task: ticket.task.clone(),
            log: RefCell::default(),
            lines: Cell::default(),
        }
    }

    /// Says a line into the task's log.
    pub(crate) fn log(&self, line: impl Into<String>) {
        let said = self.lines.replace(self.lines.get() + 1);
        let line = match said.cmp(&MAX_LINES) {
            std::cmp::Ordering::Less => line.into().chars().take(MAX_LINE_CHARS).collect(),
            std::cmp::Ordering::Equal => format!("more than {MAX_LINES} lines"),
            std::cmp::Ordering::Greater => return,
        };
        self.log.borrow_mut().push((clock::now().0, line));
    }

    /// The lines that were said since this was called the last time.
    pub(crate) fn take_log(&self) -> Vec<(i64, String)> {
        self.log.take()
    }

    /// What tasks of this run left whose ids begin so: ids and JSON texts, in the order of the ids.
    pub(crate) async fn results(&self, prefix: &str) -> Result<Vec<(String, String)>, TaskError> {
        Ok(Jobs::read(&self.env)?.results(&self.run, prefix).await?)
    }
}

/// Whether several tasks of a kind fit into an isolate's memory at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// They do.
    Light,
    /// It has the isolate to itself, apart from light ones.
    Heavy,
}

/// Who may ask for tasks of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Whoever defines a job.
    Open,
    /// Only other tasks.
    Inner,
}

/// Does a task.
pub(crate) async fn run(context: &Context, kind: &str, params: &str) -> End {
    match run_kind(context, kind, params).await {
        Ok(Done { result, .. }) if result.len() > MAX_RESULT_BYTES => {
            let bytes = result.len();
            End::FailedForGood(format!(
                "the result has {bytes} bytes, at most {MAX_RESULT_BYTES} are allowed"
            ))
        }
        Ok(Done { result, spawn }) => {
            let result = if result.is_empty() { "null".to_owned() } else { result };
            let new = |task: TaskSpec| NewTask {
                id: task.id,
                kind: task.kind.to_owned(),
                params: task.params,
                needs: task.needs,
            };
            End::Done { result, spawn: spawn.into_iter().map(new).collect() }
        }
        Err(TaskError::Retry(error)) => End::Failed(error),
        Err(TaskError::Permanent(error)) => End::FailedForGood(error),
    }
}

/// A name under which a task keeps how far it is; it stands in keys of the bucket.
fn plain<'a>(name: &'a str, example: &str) -> Result<&'a str, TaskError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(is_plain) {
        return Ok(name);
    }
    let wrong = format!("{name:?} is not a name such as {example}: letters, digits, _ and -");
    Err(TaskError::permanent(wrong))
}

/// How much memory tasks of a kind take.
pub(crate) fn weight(kind: &str) -> Weight {
    KINDS.iter().find(|(name, ..)| *name == kind).map_or(Weight::Light, |(_, weight, _)| *weight)
}

/// The kinds that jobs may be made of.
pub(crate) fn open_kinds() -> Vec<&'static str> {
    KINDS.iter().filter(|(.., used)| *used == Use::Open).map(|(name, ..)| *name).collect()
}

/// Makes the registry: `"kind": weight, use => module;`.
macro_rules! registry {
    ($($name:literal: $weight:ident, $use:ident => $module:ident;)*) => {
        const KINDS: &[(&str, Weight, Use)] = &[$(($name, Weight::$weight, Use::$use)),*];

        async fn run_kind(context: &Context, kind: &str, params: &str) -> Result<Done, TaskError> {
            match kind {
                $($name => $module::run(context, params).await,)*
                _ => Err(TaskError::Permanent(format!("there is no kind of task {kind:?}"))),
            }
        }
    };
}

registry! {
    "echo": Light, Open => echo;
    "webhook": Light, Open => webhook;
    "bill": Light, Open => bill;
    "postback": Light, Open => postback;
    "export": Light, Open => export;
    "check": Light, Open => check;
    "cubes": Heavy, Open => cubes;
    "cube_export": Heavy, Open => cube_export;
    "compact": Heavy, Inner => compact;
    "plan": Light, Inner => plan;
    "archive": Light, Inner => archive;
    "merge": Heavy, Inner => merge;
    "judge": Light, Inner => judge;
    "cut": Heavy, Inner => cut;
    "link": Heavy, Inner => link;
    "scopes": Light, Inner => scopes;
    "publish": Light, Inner => publish;
    "finish": Light, Inner => finish;
    "erase": Heavy, Inner => erase;
    "residue": Heavy, Inner => residue;
    "purge": Heavy, Inner => purge;
    "erased": Light, Inner => erased;
    "backup": Light, Inner => backup;
    "backup_part": Light, Inner => backup_part;
    "backup_seal": Light, Inner => backup_seal;
}
