//! `compact`: small files of a shard's archive become few large ones, day by day.
//!
//! Only other tasks of the batch may ask for it, when nothing of their run reads the archive any more: a task that goes
//! by a list of files would not find those that were replaced since. `merge` does the same to a large day before it is
//! linked.

use std::collections::BTreeMap;

use adtally_archive::{ArchiveError, Merge, compactable, folder, is_rewritten, merged_entries};
use adtally_core::time::{DAY_MS, Day};
use adtally_wire::backup::KEPT;
use adtally_wire::batch::{ArchiveFile, COMPACTED, Compaction};
use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError};
use crate::backup::Backups;
use crate::batch::{self, Shard};
use crate::clock;
use crate::store::Store;

/// Days of a shard that a task compacts at most; the next run goes on.
const MAX_DAYS: usize = 32;

/// Since when a merged file must lie about to be a stray: longer than any task goes on.
const STRAY_MS: i64 = DAY_MS;

/// What a task is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the Linker.
    pub(crate) source: String,
}

/// May be repeated: merged files are named by their content, and a Linker takes the same replacement again.
///
/// 1. Storing the new files may be repeated, and keeping the old ones where a backup relies on them.
/// 2. The Linker puts them into the place of the old ones in one transaction; it also removes those from the bucket.
/// 3. What is swept away is named by nobody, and has not been for a day.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { source } = serde_json::from_str(params)?;
    let cut = batch::cut(&context.env, &source, 0).await?;
    let mut days: BTreeMap<i32, Vec<ArchiveFile>> = BTreeMap::new();
    // Of files up to there a second attempt makes the same ones, whatever has come since.
    for file in cut.files.into_iter().filter(|file| file.to_row <= cut.published_row) {
        days.entry(file.day).or_default().push(file);
    }
    let due: Vec<_> = days.into_values().filter_map(compactable).take(MAX_DAYS).collect();
    let (mut replaced, mut by) = (0, 0);
    let store = Store::open(&context.env)?;
    let due_keys = due.iter().flatten().map(|file| file.key.clone()).collect();
    let needed = Backups(&store).needed(&due_keys).await?;
    for files in due {
        let compaction = compact(context, files).await?;
        keep(&store, compaction.replaced.iter().filter(|key| needed.contains(*key))).await?;
        (replaced, by) = (replaced + compaction.replaced.len(), by + compaction.by.len());
        batch::tell_linker(&context.env, &source, COMPACTED, &compaction).await?;
        if let Some(file) = compaction.by.first() {
            sweep(context, &source, Day(file.day)).await?;
        }
    }
    context.log(format!("{replaced} files of {source} became {by}"));
    Ok(Done { result: serde_json::json!({ "replaced": replaced, "by": by }).to_string(), spawn: Vec::new() })
}

/// Keeps what a backup relies on elsewhere: there it would be counted a second time.
pub(super) async fn keep<'a>(
    store: &Store,
    needed: impl IntoIterator<Item = &'a String>,
) -> Result<(), TaskError> {
    for key in needed {
        store.copy(key, &format!("{KEPT}{key}")).await?;
    }
    Ok(())
}

/// Removes merged files of a day that no manifest came to name: those of merges that were given up, which other engines
/// would count a second time.
pub(super) async fn sweep(context: &Context, source: &str, day: Day) -> Result<(), TaskError> {
    let store = Store::open(&context.env)?;
    let shard = Shard::of(source)?;
    // Listed first: what is put and named after that is not in the list.
    let stored = store.keys(&folder(&shard.advertiser, day, shard.number)).await?;
    let named = batch::cut(&context.env, source, 0).await?.files;
    let before_ms = clock::now().0 - STRAY_MS;
    let is_stray = |(key, put_ms): &(String, i64)| {
        is_rewritten(key) && *put_ms < before_ms && !named.iter().any(|file| file.key == *key)
    };
    let strays: Vec<String> = stored.into_iter().filter(is_stray).map(|(key, _)| key).collect();
    if !strays.is_empty() {
        context.log(format!("{} files of {day} that nobody names are removed", strays.len()));
        store.remove(&strays).await?;
    }
    Ok(())
}

/// Merges files of one day; the new ones are stored then.
pub(super) async fn compact(context: &Context, files: Vec<ArchiveFile>) -> Result<Compaction, TaskError> {
    let store = Store::open(&context.env)?;
    let mut readers = Vec::with_capacity(files.len());
    for file in &files {
        readers.push(store.archived(file).await?);
    }
    let entries = |files: &[ArchiveFile]| files.iter().map(|file| file.entries).sum::<u64>();
    let unmerged = |error: ArchiveError| TaskError::Permanent(error.to_string());
    let mut merge = Merge::new(readers, merged_entries(entries(&files))).map_err(unmerged)?;
    let mut by = Vec::new();
    while let Some(written) = merge.next_file().map_err(unmerged)? {
        by.push(store.archive_merged(written).await?);
    }
    if entries(&files) != entries(&by) {
        return Err(TaskError::permanent("the merged files have not as many entries as the old ones"));
    }
    Ok(Compaction { replaced: files.into_iter().map(|file| file.key).collect(), by })
}
