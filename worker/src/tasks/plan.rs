//! `plan`: the tasks of a generation.
//!
//! ```text
//! plan -> archive (a shard) -> merge (some files of a large day of it), then archive again
//!                           -> judge (a day of it)
//!                           -> cut -> link (a part of a day)
//! scopes, after all of these -> publish (a scope)
//! finish, after all of these
//! ```

use std::time::Duration;

use serde::Deserialize;
use worker::Delay;

use super::archive::Params as ArchiveParams;
use super::{Context, Done, TaskError, TaskSpec};
use crate::batch;
use crate::objects::linker::flush::FLUSH_EVERY_MS;

/// How long it takes at most until a Linker that never told anything has.
const FIRST_TELLING: Duration = Duration::from_millis(FLUSH_EVERY_MS.unsigned_abs() + 500);

/// What a run of the batch is started with.
#[derive(Debug, Deserialize)]
struct Params {
    /// Days that are linked again in any case; those that have news are anyway.
    #[serde(default)]
    days: Option<Vec<String>>,
}

/// Spawns tasks for each Linker that ever told anything. May be repeated: it only reads.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { days } = serde_json::from_str(params)?;
    let days = days.unwrap_or_default();
    // Linkers are known by what they told: one that was acknowledged for the first time just now tells it within this.
    Delay::from(FIRST_TELLING).await;
    let sources = batch::sources(&context.env).await?;
    context.log(format!("generation {}: {} shards", context.number, sources.len()));
    let shards = sources.into_iter().map(|source| {
        let id = format!("archive:{source}");
        let params = ArchiveParams { source, days: days.clone(), is_merged: false };
        TaskSpec::new(id, "archive", &params, vec![])
    });
    let mut spawn = shards.collect::<Result<Vec<_>, _>>()?;
    // Who needs a task needs what it spawned as well, and what that spawned.
    let shards = spawn.iter().map(|task| task.id.clone()).collect();
    spawn.push(TaskSpec::new("scopes".to_owned(), "scopes", &(), shards)?);
    spawn.push(TaskSpec::new("finish".to_owned(), "finish", &(), vec!["scopes".to_owned()])?);
    Ok(Done { result: String::new(), spawn })
}
