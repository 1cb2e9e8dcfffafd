//! `archive`: everything that a shard acknowledged goes to the archive, so that its days can be judged.
//!
//! ```text
//! archive -> judge (a day), then cut
//! archive -> merge (some files of a large day), then archive again, if there are such days
//! ```

use std::collections::{BTreeMap, BTreeSet};

use adtally_archive::merges;
use adtally_core::batch::MAX_PART_ENTRIES;
use adtally_core::time::Day;
use adtally_wire::batch::{ArchiveFile, Cut};
use serde::{Deserialize, Serialize};

use super::judge::DayParams;
use super::{Context, Done, TaskError, TaskSpec, merge};
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

/// What this task is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Params {
    /// The name of the Linker.
    pub(super) source: String,
    /// Days that are linked again in any case.
    pub(super) days: Vec<String>,
    /// Whether files were merged already.
    #[serde(default)]
    pub(super) is_merged: bool,
}

/// May be repeated: what is archived is not archived again, and what is merged is not merged again.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { source, days, is_merged } = serde_json::from_str(params)?;
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
    let merges = if is_merged { Vec::new() } else { merge_tasks(&source, &archived)? };
    if !merges.is_empty() {
        context.log(format!("{} merges of files before", merges.len()));
        let needs = merges.iter().map(|task| task.id.clone()).collect();
        let (id, mut spawn) = (format!("archive:{source}/merged"), merges);
        spawn.push(TaskSpec::new(id, "archive", &Params { source, days, is_merged: true }, needs)?);
        return Ok(Done { result: String::new(), spawn });
    }
    let judges = news.iter().map(|day| {
        let params = DayParams { source: source.clone(), day: day.0 };
        TaskSpec::new(format!("judge:{source}/{day}"), "judge", &params, vec![])
    });
    let mut spawn = judges.collect::<Result<Vec<_>, _>>()?;
    let needs = spawn.iter().map(|task| task.id.clone()).collect();
    spawn.push(TaskSpec::new(format!("cut:{source}"), "cut", &ShardParams { source, days }, needs)?);
    Ok(Done { result: String::new(), spawn })
}

/// The merges of the new files of days that take more than a part to link.
fn merge_tasks(source: &str, archived: &Cut) -> Result<Vec<TaskSpec>, TaskError> {
    let mut days: BTreeMap<i32, Vec<ArchiveFile>> = BTreeMap::new();
    for file in archived.files.iter().filter(|file| file.from_row > archived.published_row) {
        days.entry(file.day).or_default().push(file.clone());
    }
    days.retain(|_, files| files.iter().map(|file| file.entries).sum::<u64>() > MAX_PART_ENTRIES);
    let mut tasks = Vec::new();
    for (day, files) in days {
        for (number, batch) in (0..).zip(merges(files)) {
            let id = format!("merge:{source}/{}/{number}", Day(day));
            let rows =
                batch.first().map_or(0, |file| file.from_row)..=batch.last().map_or(0, |file| file.to_row);
            let params =
                merge::Params { source: source.to_owned(), day, number, rows: (*rows.start(), *rows.end()) };
            tasks.push(TaskSpec::new(id, "merge", &params, vec![])?);
        }
    }
    Ok(tasks)
}
