//! `merge`: new files of a large day become few, so that each part of the day is linked from those that have its users.

use adtally_archive::is_rewritten;
use adtally_core::time::Day;
use adtally_wire::batch::{ArchiveFile, COMPACTED, Cut};
use serde::{Deserialize, Serialize};

use super::compact::{compact, keep, sweep};
use super::{Context, Done, TaskError, archive};
use crate::backup::Backups;
use crate::batch::{self, Shard};
use crate::store::Store;

/// Some files of a day.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Params {
    /// The name of the Linker.
    pub(super) source: String,
    /// Days since 1970.
    pub(super) day: i32,
    /// Which of the merges of that day.
    pub(super) number: u32,
    /// The rows of the log that are in its files.
    pub(super) rows: (i64, i64),
}

/// May be repeated: merged files are named by their content, and a Linker takes the same replacement again.
///
/// 1. Storing the new files may be repeated, and keeping the old ones where a backup relies on them: one may have been
///    made since they were archived.
/// 2. The Linker puts them into the place of the old ones in one transaction; it also removes those from the bucket.
///
/// Nothing of this run has gone by these files yet; a run before it that is tried again takes the merged ones.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let params: Params = serde_json::from_str(params)?;
    let Params { source, day, number, rows } = &params;
    let store = Store::open(&context.env)?;
    let archived: Cut = store.left(&Shard::of(source)?.cut_key(context.number, archive::STEP)).await?;
    let is_meant = |file: &ArchiveFile| {
        let is_within = rows.0 <= file.from_row && file.to_row <= rows.1;
        file.day == *day && is_within && !is_rewritten(&file.key)
    };
    let files: Vec<ArchiveFile> = archived.files.into_iter().filter(is_meant).collect();
    if files.is_empty() {
        return Ok(Done::default());
    }
    let replaced = files.len();
    let compaction = match compact(context, files.clone()).await {
        Ok(compaction) => compaction,
        Err(error) if is_merged(context, source, &files).await? => {
            context.log(format!("another attempt has merged them: {error}"));
            return Ok(Done::default());
        }
        Err(error) => return Err(error),
    };
    let replaced_keys = compaction.replaced.iter().cloned().collect();
    keep(&store, &Backups(&store).needed(&replaced_keys).await?).await?;
    batch::tell_linker(&context.env, source, COMPACTED, &compaction).await?;
    if *number == 0 {
        sweep(context, source, Day(*day)).await?;
    }
    context.log(format!("{replaced} files of {} became {}", Day(*day), compaction.by.len()));
    Ok(Done {
        result: serde_json::json!({ "replaced": replaced, "by": compaction.by.len() }).to_string(),
        spawn: Vec::new(),
    })
}

/// Whether the Linker has none of these files any more.
async fn is_merged(context: &Context, source: &str, files: &[ArchiveFile]) -> Result<bool, TaskError> {
    let named = batch::cut(&context.env, source, 0).await?.files;
    Ok(!files.iter().any(|file| named.iter().any(|other| other.key == file.key)))
}
