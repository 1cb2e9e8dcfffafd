//! `residue`: what stays in the figures of a part of a day when entries go.

use adtally_core::batch::{Gone, residue};
use adtally_wire::batch::{Bytes, Cut};
use adtally_wire::erasure::residue_key;
use serde::{Deserialize, Serialize};

use super::erase::What;
use super::link::{PartParams, encoded, part_of, select};
use super::{Context, Done, TaskError};
use crate::batch::Shard;
use crate::store::Store;

/// A part of a day of a shard, and what goes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResidueParams {
    /// The part.
    pub(super) part: PartParams,
    pub(super) what: What,
    /// The last row of the log that is there.
    pub(super) row: i64,
    /// The last one that is meant.
    pub(super) upto: i64,
}

/// May be repeated: the same files make the same bytes under the same name.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ResidueParams { part, what, row, upto } = serde_json::from_str(params)?;
    let shard = Shard::of(&part.source)?;
    let store = Store::open(&context.env)?;
    let cut: Cut = store.left(&shard.cut_key(context.number, what.step())).await?;
    // An earlier attempt may have left a later list of files.
    let cut = Cut { row: cut.row.min(row), ..cut };
    let part = part_of(&part)?;
    let with = select(context, &store, &cut, part, Gone::default()).await?.finish();
    let without = select(context, &store, &cut, part, what.gone(upto)?).await?.finish();
    let stays = encoded(residue(with, without));
    if stays.segments.is_empty() {
        return Ok(Done::default());
    }
    let key = residue_key(&shard.advertiser, shard.number, part.day, &stays.to_bytes());
    store.leave(&key, &stays).await?;
    Ok(Done { result: serde_json::to_string(&(part.day.0, key))?, spawn: Vec::new() })
}
