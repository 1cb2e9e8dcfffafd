//! `cut`: closes the epoch of a shard, and says which of its days have to be linked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use adtally_core::batch::{Affected, MAX_NEWS, halves, ranges};
use adtally_core::link::Retention;
use adtally_core::time::Day;
use adtally_wire::batch::Cut;
use adtally_wire::erasure::Residues;
use serde::{Deserialize, Serialize};

use super::archive::ShardParams;
use super::{Context, Done, TaskError, TaskSpec, link};
use crate::batch::{self, Shard, rulings_of, settings_of};
use crate::store::Store;

/// The step whose cut a generation covers.
pub(super) const STEP: &str = "cut";

/// What a cut leaves for the tasks after it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Summary {
    /// The name of the Linker.
    pub(super) source: String,
    /// The epoch that was closed.
    pub(super) epoch: u64,
    /// The last row of the log before the cut.
    pub(super) row: i64,
    /// Everything acknowledged up to then is before the cut.
    pub(super) through_ms: i64,
    /// Every scope that the shard ever told anything.
    pub(super) scopes: Vec<String>,
    /// The days that are linked again, since 1970, and in how many parts.
    pub(super) days: Vec<(i32, u32)>,
    /// What stays of those days from entries that were erased: days since 1970, and keys in object storage.
    #[serde(default)]
    pub(super) residues: Vec<(i32, String)>,
}

/// May be repeated: a Linker gives the same cut for a generation.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ShardParams { source, days } = serde_json::from_str(params)?;
    let shard = Shard::of(&source)?;
    let store = Store::open(&context.env)?;
    let cut = batch::cut(&context.env, &source, context.number).await?;
    store.leave(&shard.cut_key(context.number, STEP), &cut).await?;
    let changed = changed(context, &store, &cut).await?;
    let is_due = |day: &Day| changed.contains(day) || days.contains(&day.to_string());
    let mut summary = Summary {
        source: source.clone(),
        epoch: cut.epoch,
        row: cut.row,
        through_ms: cut.through_ms,
        scopes: cut.scopes,
        days: Vec::new(),
        residues: Vec::new(),
    };
    let mut spawn = Vec::new();
    for (day, parts) in link::parts(&source, &cut.files, is_due) {
        for params in &parts {
            let id = format!("link:{source}/{day}/{}", params.part);
            spawn.push(TaskSpec::new(id, "link", params, vec![])?);
        }
        summary.days.push((day.0, u32::try_from(parts.len()).unwrap_or(u32::MAX)));
    }
    let Residues { days: residues } = batch::residues(&context.env, &source).await?;
    let is_linked = |day: &i32| summary.days.iter().any(|(linked, _)| linked == day);
    summary.residues = residues.into_iter().filter(|(day, _)| is_linked(day)).collect();
    context.log(format!("up to row {}: {} days to link", cut.row, summary.days.len()));
    Ok(Done { result: serde_json::to_string(&summary)?, spawn })
}

/// The days that have news, or whose events depend on what came; a range of groups at a time, so that memory is bounded.
async fn changed(context: &Context, store: &Store, cut: &Cut) -> Result<BTreeSet<Day>, TaskError> {
    let news = cut.files.iter().filter(|file| file.to_row > cut.published_row);
    let news: u64 = news.map(|file| file.entries).sum();
    let settings = settings_of(cut)?;
    let rulings = rulings_of(&cut.new_rulings)?;
    let affected = |groups, names| {
        let (rulings, settings) = (rulings.iter().copied(), settings.values().map(Arc::as_ref));
        Affected::new(cut.published_row, groups, rulings, Retention::default(), settings).with_names(names)
    };
    let mut days = BTreeSet::new();
    for groups in ranges(news, MAX_NEWS) {
        let all = batch::days_of(store, cut, affected(groups, (0, u64::MAX))).await?;
        // Nearly all new entries may be of one user, whose group cannot be divided.
        let mut names = if all.is_too_much { ranges(news, MAX_NEWS) } else { Vec::new() };
        context.log(format!("{} files looked at", all.opened));
        days.extend(all.days);
        while let Some(bounds) = names.pop() {
            let some = batch::days_of(store, cut, affected(groups, bounds)).await?;
            context.log(format!("{} files looked at for some of many touches", some.opened));
            days.extend(some.days);
            // What a new ruling is about is followed, too, and is not among the new entries that were counted.
            if some.is_too_much {
                let apart = || TaskError::permanent("more touches of one name than can be followed");
                names.extend(halves(bounds).ok_or_else(apart)?);
            }
        }
    }
    Ok(days)
}
