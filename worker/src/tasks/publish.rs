//! `publish`: a scope's reports go over to the generation.

use adtally_wire::batch::{HAS_CUBES, PUBLISH, Publication, generation_prefix};
use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError};
use crate::batch;
use crate::store::Store;

/// A scope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PublishParams {
    /// Its name, which is that of its Report object.
    pub(super) scope: String,
}

/// What is left for the last task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Published {
    /// The scope's name.
    pub(super) scope: String,
    /// Whether there may be something to build.
    pub(super) has_cubes: bool,
}

/// Where a scope's publication is kept.
pub(super) fn publication_key(generation: u64, scope: &str) -> String {
    format!("{}publication/{scope}", generation_prefix(generation))
}

/// May be repeated: a Report object publishes each generation once.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let PublishParams { scope } = serde_json::from_str(params)?;
    let store = Store::open(&context.env)?;
    let publication: Publication = store.left(&publication_key(context.number, &scope)).await?;
    context.log(format!("{} days of {} shards", publication.days.len(), publication.cuts.len()));
    let said = batch::tell_report(&context.env, &scope, PUBLISH, &publication).await?;
    let left = Published { scope, has_cubes: said == HAS_CUBES.as_bytes() };
    Ok(Done { result: serde_json::to_string(&left)?, spawn: Vec::new() })
}
