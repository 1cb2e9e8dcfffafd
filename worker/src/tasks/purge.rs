//! `purge`: files of a shard's archive without what goes take the place of the old ones, and its Linker lets the rest
//! go.

use adtally_archive::{Rewritten, erase, is_of_shard, owner_folder};
use adtally_core::batch::Whose;
use adtally_wire::backup::KEPT;
use adtally_wire::erasure::{ERASE, Erasure};
use serde::{Deserialize, Serialize};

use super::erase::What;
use super::{Context, Done, TaskError};
use crate::batch::{self, Shard, span};
use crate::store::Store;

/// A shard, and what goes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PurgeParams {
    /// The name of the Linker.
    pub(super) source: String,
    pub(super) what: What,
    /// The last row of the log that is meant.
    pub(super) upto: i64,
}

/// May be repeated: rewritten files are named by their content, and a Linker looks only for what is still there.
///
/// 1. Storing the new files may be repeated.
/// 2. What was kept for backups goes before the Linker forgets that anybody went: whoever tries again would not know.
/// 3. The Linker puts them into the place of the old ones, with what stays of them, in one transaction.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let PurgeParams { source, what, upto } = serde_json::from_str(params)?;
    let gone = what.gone(upto)?;
    let store = Store::open(&context.env)?;
    let cut = batch::cut(&context.env, &source, 0).await?;
    let groups = match &gone.whose {
        Whose::Groups(groups) => Some(groups.iter().copied().collect()),
        Whose::Everybody => None,
    };
    let mut erasure = Erasure { groups, upto, replaced: Vec::new(), by: Vec::new(), residues: Vec::new() };
    let files = cut.files.iter().filter(|file| file.from_row <= upto && gone.may_be_among(span(file).groups));
    for file in files {
        let damaged = |error| TaskError::Retry(format!("{}: {error}", file.key));
        match erase(&store.archived(file).await?, &gone).map_err(damaged)? {
            Rewritten::Same => continue,
            Rewritten::Empty => {}
            Rewritten::File(written) => {
                erasure.by.push(store.archive_merged(*written).await?);
            }
        }
        erasure.replaced.push(file.key.clone());
    }
    for (_, result) in context.results(&format!("{}-residue:{source}/", what.step())).await? {
        erasure.residues.extend(serde_json::from_str::<Option<(i32, String)>>(&result)?);
    }
    if erasure.groups.is_some() && !erasure.replaced.is_empty() {
        let kept = forget_kept(&store, &source).await?;
        context.log(format!("{kept} files that backups needed removed"));
    }
    let (files, days) = (erasure.replaced.len(), erasure.residues.len());
    batch::tell_linker(&context.env, &source, ERASE, &erasure).await?;
    context.log(format!("{files} files written again, {days} parts of days keep figures"));
    Ok(Done::default())
}

/// Removes what merges have kept of the shard for backups, which are refused from then on: users who go are in it as well.
async fn forget_kept(store: &Store, source: &str) -> Result<usize, TaskError> {
    let Shard { advertiser, number } = Shard::of(source)?;
    let folder = format!("{KEPT}{}", owner_folder(&advertiser));
    let keys = store.keys(&folder).await?.into_iter().map(|(key, _)| key);
    let kept: Vec<String> = keys.filter(|key| is_of_shard(key, number)).collect();
    store.remove(&kept).await?;
    Ok(kept.len())
}
