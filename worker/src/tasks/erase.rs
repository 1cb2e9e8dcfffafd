//! `erase`: which days of a shard change when users go, or what is old.
//!
//! ```text
//! erase (a shard) -> residue (a part of a day), what stays of it in the figures
//!                 -> purge, after all of these: the Linker lets the events go
//! erased, after all of these: the requests are done
//! erase again (a shard), where the archive has what is older than it may be
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use adtally_core::batch::{Affected, Gone, Whose};
use adtally_core::link::Retention;
use adtally_core::time::DAY_MS;
use adtally_wire::batch::Cut;
use serde::{Deserialize, Serialize};
use worker::Env;

use super::erased::ErasedParams;
use super::purge::PurgeParams;
use super::residue::ResidueParams;
use super::{Context, Done, TaskError, TaskSpec, link};
use crate::batch::{self, Shard, settings_of};
use crate::bindings::{Bindings, RAW_DAYS};
use crate::catalog::erasures;
use crate::clock;
use crate::store::Store;

/// The least days for which events are kept: nothing that may still change depends on what arrived so long ago.
const LEAST_RAW_DAYS: i64 = 90;
/// Days of events that go at once because they are old; the next run goes on.
const MAX_OLD_DAYS: usize = 31;

/// What goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    /// The entries of these groups, as text: 64 bits.
    Users(Vec<String>),
    /// What arrived up to then, in ms since 1970.
    Before(i64),
}

/// What a shard's tasks are told.
#[derive(Debug, Serialize, Deserialize)]
struct ShardParams {
    /// The name of the Linker.
    source: String,
    what: What,
}

impl What {
    /// It tells the tasks of users from those of what is old.
    pub(super) fn step(&self) -> &'static str {
        match self {
            What::Users(_) => "erase",
            What::Before(_) => "expire",
        }
    }

    /// The entries up to a row.
    pub(super) fn gone(&self, upto: i64) -> Result<Gone, TaskError> {
        let group = |text: &String| text.parse::<u64>().map_err(TaskError::permanent);
        let whose = match self {
            What::Users(groups) => Whose::Groups(groups.iter().map(group).collect::<Result<_, _>>()?),
            What::Before(_) => Whose::Everybody,
        };
        Ok(Gone { whose, upto })
    }

    /// The last row that is meant; `None` where nothing is. Rows arrived in their order, so all before one that is old
    /// are.
    fn upto(&self, cut: &Cut) -> Option<i64> {
        let What::Before(before_ms) = self else { return Some(cut.row) };
        let mut old: Vec<_> = cut.files.iter().filter(|file| file.received_ms.1 < *before_ms).collect();
        old.sort_unstable_by_key(|file| file.to_row);
        let mut days = BTreeSet::new();
        let few = old.into_iter().take_while(|file| {
            days.insert(file.day);
            days.len() <= MAX_OLD_DAYS
        });
        few.last().map(|file| file.to_row)
    }
}

/// The id of the last task of a shard that may change its archive.
pub(super) fn last_id(tasks: &[TaskSpec], source: &str) -> Option<String> {
    let of = |step: &str| format!("{step}:{source}");
    let ids = [of("expire"), of("erase")];
    ids.into_iter().find(|id| tasks.iter().any(|task| task.id == *id))
}

/// The tasks for those who asked to be erased, and for what is old; none where there is neither.
pub(super) async fn tasks(context: &Context) -> Result<Vec<TaskSpec>, TaskError> {
    let pending = erasures::pending(&Bindings::catalog_of(&context.env)?).await?;
    let before_ms = raw_days(&context.env)?.map(|days| clock::now().0.saturating_sub(days * DAY_MS));
    if pending.is_empty() && before_ms.is_none() {
        return Ok(Vec::new());
    }
    let sources = batch::sources(&context.env).await?;
    let mut tasks = Vec::new();
    if !pending.is_empty() {
        let groups: BTreeSet<String> = pending.iter().map(|request| request.group.to_string()).collect();
        context.log(format!("{} users to erase", groups.len()));
        let users: Vec<String> = groups.into_iter().collect();
        let what = What::Users(users.clone());
        for source in &sources {
            tasks.push(task(source, what.clone(), vec![])?);
        }
        let needs = tasks.iter().map(|task| task.id.clone()).collect();
        let requests = pending.into_iter().map(|request| request.id).collect();
        tasks.push(TaskSpec::new("erased".to_owned(), "erased", &ErasedParams { requests, users }, needs)?);
    }
    if let Some(before_ms) = before_ms {
        for source in &sources {
            let needs = last_id(&tasks, source).into_iter().collect();
            tasks.push(task(source, What::Before(before_ms), needs)?);
        }
    }
    Ok(tasks)
}

fn task(source: &str, what: What, needs: Vec<String>) -> Result<TaskSpec, TaskError> {
    let id = format!("{}:{source}", what.step());
    TaskSpec::new(id, "erase", &ShardParams { source: source.to_owned(), what }, needs)
}

/// For how many days events are kept; `None`: for ever.
fn raw_days(env: &Env) -> Result<Option<i64>, TaskError> {
    let Ok(text) = env.var(RAW_DAYS).map(|days| days.to_string()) else { return Ok(None) };
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(days) if days >= LEAST_RAW_DAYS => Ok(Some(days)),
        _ => {
            let error = format!("{RAW_DAYS} is {text:?}, neither 0 nor at least {LEAST_RAW_DAYS}");
            Err(TaskError::Permanent(error))
        }
    }
}

/// May be repeated: what came since the first attempt is meant as well then.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ShardParams { source, what } = serde_json::from_str(params)?;
    let shard = Shard::of(&source)?;
    let store = Store::open(&context.env)?;
    let cut = batch::cut(&context.env, &source, 0).await?;
    let Some(upto) = what.upto(&cut) else { return Ok(Done::default()) };
    let step = what.step();
    store.leave(&shard.cut_key(context.number, step), &cut).await?;
    let settings = settings_of(&cut)?;
    let affected =
        Affected::of_gone(what.gone(upto)?, Retention::default(), settings.values().map(Arc::as_ref));
    let days = batch::days_of(&store, &cut, affected).await?.days;
    context.log(format!("up to row {upto}: {} days change", days.len()));
    let mut spawn = Vec::new();
    for (day, parts) in link::parts(&source, &cut.files, |day| days.contains(day)) {
        for part in parts {
            let id = format!("{step}-residue:{source}/{day}/{}", part.part);
            let params = ResidueParams { part, what: what.clone(), row: cut.row, upto };
            spawn.push(TaskSpec::new(id, "residue", &params, vec![])?);
        }
    }
    let needs = spawn.iter().map(|task| task.id.clone()).collect();
    let id = format!("{step}-purge:{source}");
    spawn.push(TaskSpec::new(id, "purge", &PurgeParams { source, what, upto }, needs)?);
    // Among whose rejected events `erased` looks for the users.
    Ok(Done { result: serde_json::to_string(&cut.scopes)?, spawn })
}
