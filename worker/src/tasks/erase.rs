//! `erase`: which days of a shard change when users go.
//!
//! ```text
//! erase (a shard) -> residue (a part of a day), what stays of it in the figures
//!                 -> purge, after all of these: the Linker lets the events go
//! erased, after all of these: the requests are done
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adtally_core::batch::{Affected, Gone, Part};
use adtally_core::link::Retention;
use adtally_core::time::Day;
use adtally_wire::batch::Cut;
use serde::{Deserialize, Serialize};

use super::erased::ErasedParams;
use super::link::PartParams;
use super::purge::PurgeParams;
use super::residue::ResidueParams;
use super::{Context, Done, TaskError, TaskSpec};
use crate::batch::{self, Shard, settings_of, span};
use crate::bindings::Bindings;
use crate::catalog::erasures;
use crate::store::Store;

/// The step whose cut the tasks after it go by.
pub(super) const STEP: &str = "erase";

/// Users that go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Users {
    /// Their groups, as text: 64 bits.
    pub(super) groups: Vec<String>,
}

/// What a shard's tasks are told.
#[derive(Debug, Serialize, Deserialize)]
struct ShardParams {
    /// The name of the Linker.
    source: String,
    users: Users,
}

impl Users {
    /// Their entries up to a row.
    pub(super) fn gone(&self, upto: i64) -> Result<Gone, TaskError> {
        let group = |text: &String| text.parse::<u64>().map_err(TaskError::permanent);
        Ok(Gone { groups: self.groups.iter().map(group).collect::<Result<_, _>>()?, upto })
    }
}

/// The id of the task of a shard.
pub(super) fn id(source: &str) -> String {
    format!("erase:{source}")
}

/// The tasks for those who asked to be erased; none where nobody did.
pub(super) async fn tasks(context: &Context) -> Result<Vec<TaskSpec>, TaskError> {
    let pending = erasures::pending(&Bindings::catalog_of(&context.env)?).await?;
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let groups: BTreeSet<String> = pending.iter().map(|request| request.group.to_string()).collect();
    let users = Users { groups: groups.into_iter().collect() };
    let sources = batch::sources(&context.env).await?.into_iter();
    let shards = sources.map(|source| {
        TaskSpec::new(id(&source), "erase", &ShardParams { source, users: users.clone() }, vec![])
    });
    let mut tasks = shards.collect::<Result<Vec<_>, _>>()?;
    let needs = tasks.iter().map(|task| task.id.clone()).collect();
    let requests = pending.into_iter().map(|request| request.id).collect();
    tasks.push(TaskSpec::new("erased".to_owned(), "erased", &ErasedParams { requests }, needs)?);
    context.log(format!("{} users to erase", users.groups.len()));
    Ok(tasks)
}

/// May be repeated: what came since the first attempt is meant as well then.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ShardParams { source, users } = serde_json::from_str(params)?;
    let shard = Shard::of(&source)?;
    let store = Store::open(&context.env)?;
    let cut = batch::cut(&context.env, &source, 0).await?;
    store.leave(&shard.cut_key(context.number, STEP), &cut).await?;
    let days = days(&store, &cut, &users.gone(cut.row)?).await?;
    context.log(format!("up to row {}: {} days change", cut.row, days.len()));
    let mut entries: BTreeMap<Day, u64> = BTreeMap::new();
    for file in &cut.files {
        *entries.entry(Day(file.day)).or_default() += file.entries;
    }
    let mut spawn = Vec::new();
    for (day, entries) in entries.into_iter().filter(|(day, _)| days.contains(day)) {
        for (part, Part { groups: (first, last), .. }) in (0..).zip(Part::divide(day, entries)) {
            let groups = (first.to_string(), last.to_string());
            let part = PartParams { source: source.clone(), day: day.0, part, groups };
            let id = format!("residue:{source}/{day}/{}", part.part);
            let params = ResidueParams { part, users: users.clone(), upto: cut.row };
            spawn.push(TaskSpec::new(id, "residue", &params, vec![])?);
        }
    }
    let needs = spawn.iter().map(|task| task.id.clone()).collect();
    let params = PurgeParams { source: source.clone(), users, upto: cut.row };
    spawn.push(TaskSpec::new(format!("purge:{source}"), "purge", &params, needs)?);
    Ok(Done { result: String::new(), spawn })
}

/// The days whose facts may depend on what goes.
async fn days(store: &Store, cut: &Cut, gone: &Gone) -> Result<BTreeSet<Day>, TaskError> {
    let settings = settings_of(cut)?;
    let settings = settings.values().map(Arc::as_ref);
    let mut affected = Affected::of_gone(gone.clone(), Retention::default(), settings);
    loop {
        for file in &cut.files {
            let span = span(file);
            if affected.opens(&span, file.to_row) {
                let glances = store.glances(file, cut.row).await?;
                glances.iter().for_each(|glance| affected.see(&span, glance.row, &glance.hashes));
            }
        }
        if !affected.next_round() {
            return Ok(affected.days());
        }
    }
}
