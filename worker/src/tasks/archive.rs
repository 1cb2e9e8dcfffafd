//! `archive`: everything that a shard acknowledged goes to the archive, so that its days can be judged.

use std::collections::BTreeSet;

use adtally_core::time::Day;
use serde::{Deserialize, Serialize};

use super::judge::DayParams;
use super::{Context, Done, TaskError, TaskSpec};
use crate::batch::{self, Shard};
use crate::store::Store;

/// The step whose cut the judges go by.
pub(super) const STEP: &str = "archived";

/// What a shard's tasks are told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardParams {
    /// The name of the Linker.
    pub(super) source: String,
    /// Days that are linked again in any case.
    pub(super) days: Vec<String>,
}

/// May be repeated: what is archived is not archived again, and the list of files only grows.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ShardParams { source, days } = serde_json::from_str(params)?;
    let shard = Shard::of(&source)?;
    let archived = batch::cut(&context.env, &source, 0).await?;
    let news = archived.files.iter().filter(|file| file.to_row > archived.published_row);
    let news: BTreeSet<Day> = news.map(|file| Day(file.day)).collect();
    let has_wanted = archived.files.iter().any(|file| days.contains(&Day(file.day).to_string()));
    context.log(format!("{} files, {} days with news", archived.files.len(), news.len()));
    if news.is_empty() && !has_wanted {
        return Ok(Done::default());
    }
    Store::open(&context.env)?.leave(&shard.cut_key(context.number, STEP), &archived).await?;
    let judges = news.iter().map(|day| {
        let params = DayParams { source: source.clone(), day: day.0 };
        TaskSpec::new(format!("judge:{source}/{day}"), "judge", &params, vec![])
    });
    let mut spawn = judges.collect::<Result<Vec<_>, _>>()?;
    let needs = spawn.iter().map(|task| task.id.clone()).collect();
    spawn.push(TaskSpec::new(format!("cut:{source}"), "cut", &ShardParams { source, days }, needs)?);
    Ok(Done { result: String::new(), spawn })
}
