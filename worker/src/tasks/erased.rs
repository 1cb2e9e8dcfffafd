//! `erased`: nothing of the users is left in any shard; what was rejected of them goes too, and the requests are done.

use std::collections::BTreeSet;

use adtally_core::cell::Scope;
use adtally_core::key::UserKey;
use adtally_wire::quarantine::Forget;
use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError};
use crate::bindings::Bindings;
use crate::catalog::{erasures, tokens};
use crate::clock;
use crate::quarantine::Quarantines;

/// Requests that are done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErasedParams {
    /// Their handles.
    pub(super) requests: Vec<String>,
    /// The groups of the users, as text: 64 bits.
    pub(super) users: Vec<String>,
}

/// May be repeated: what is done stays done. Whose requests they were is forgotten as well.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ErasedParams { requests, users } = serde_json::from_str(params)?;
    forget_rejected(context, &users).await?;
    let catalog = Bindings::catalog_of(&context.env)?;
    for request in &requests {
        erasures::done(&catalog, request, &context.run, clock::now().0).await?;
    }
    context.log(format!("{} requests done", requests.len()));
    Ok(Done::default())
}

/// Removes what was rejected of the users. It lies with those whose keys sent it: the platform, whom it has noted, and
/// every scope that a shard ever told anything or that a token is for.
async fn forget_rejected(context: &Context, users: &[String]) -> Result<(), TaskError> {
    let pseudonym = |user: &String| user.parse().map(|user| UserKey(user).to_string());
    let users = users.iter().map(pseudonym).collect::<Result<_, _>>().map_err(TaskError::permanent)?;
    let mut owners = BTreeSet::from([Scope::Platform]);
    for (_, scopes) in context.results("erase:").await? {
        let scopes: Vec<String> = serde_json::from_str(&scopes)?;
        owners.extend(scopes.iter().filter_map(|scope| Scope::parse(scope)));
    }
    let tokens = tokens::list(&Bindings::catalog_of(&context.env)?).await?;
    owners.extend(tokens.iter().filter_map(|token| Scope::parse(&token.scope)));
    let quarantines = Quarantines::read(&context.env)?;
    owners.extend(quarantines.owners().await?);
    let forget = Forget { users };
    for owner in &owners {
        quarantines.forget(owner, &forget).await?;
    }
    context.log(format!("looked at what was rejected of {} owners", owners.len()));
    Ok(())
}
