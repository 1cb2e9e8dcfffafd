//! `judge`: whose events of a day are too many; the Linker is told, and goes by it.

use adtally_core::batch::Judge;
use adtally_core::time::Day;
use adtally_wire::batch::{ArchiveFile, Cut, RULE, RulingV1, Rulings};
use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError, archive};
use crate::batch::{self, Shard};
use crate::store::Store;

/// A day of a shard.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DayParams {
    /// The name of the Linker.
    pub(super) source: String,
    /// Days since 1970.
    pub(super) day: i32,
}

/// May be repeated: a Linker that has a ruling already changes nothing.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let DayParams { source, day } = serde_json::from_str(params)?;
    let shard = Shard::of(&source)?;
    let store = Store::open(&context.env)?;
    let archived: Cut = store.left(&shard.cut_key(context.number, archive::STEP)).await?;
    let files: Vec<_> = archived.files.iter().filter(|file| file.day == day).collect();
    let mut judge = Judge::new(Day(day), files.iter().map(|file| file.entries).sum());
    count(&store, &files, archived.row, &mut judge).await?;
    if judge.next_pass() {
        count(&store, &files, archived.row, &mut judge).await?;
    }
    let rulings: Vec<RulingV1> = judge.rulings().into_iter().map(RulingV1::from).collect();
    context.log(format!("{} files, {} users with too many events", files.len(), rulings.len()));
    if !rulings.is_empty() {
        batch::tell_linker(&context.env, &source, RULE, &Rulings { rulings }).await?;
    }
    Ok(Done::default())
}

/// A pass over the day.
async fn count(store: &Store, files: &[&ArchiveFile], upto: i64, judge: &mut Judge) -> Result<(), TaskError> {
    for file in files {
        let glances = store.glances(file, 0..=u64::MAX, upto).await?;
        glances.iter().for_each(|glance| judge.count(&glance.hashes));
    }
    Ok(())
}
