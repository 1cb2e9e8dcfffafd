//! `erased`: nothing of the users is left in any shard.

use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError};
use crate::bindings::Bindings;
use crate::catalog::erasures;
use crate::clock;

/// Requests that are done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErasedParams {
    /// Their handles.
    pub(super) requests: Vec<String>,
}

/// May be repeated: what is done stays done. Whose requests they were is forgotten as well.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ErasedParams { requests } = serde_json::from_str(params)?;
    let catalog = Bindings::catalog_of(&context.env)?;
    for request in &requests {
        erasures::done(&catalog, request, &context.run, clock::now().0).await?;
    }
    context.log(format!("{} requests done", requests.len()));
    Ok(Done::default())
}
