//! `/v1/tokens`: the business of the platform's admins alone.

use adtally_core::access::Owner;
use adtally_core::time::rfc3339;
use adtally_wire::api::{NewToken, TokenInfo};
use adtally_wire::catalog::{read, token};
use adtally_wire::token::{TokenHash, handle, secret};
use worker::Response;

use crate::auth;
use crate::call::{self, Call, MAX_JSON_BYTES, json, no_content};
use crate::catalog::tokens::{self, NewRow};
use crate::clock;
use crate::problem::Fault;

/// `GET`: every token, without secrets.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    authorize(call).await?;
    call::list("tokens", tokens::list(&call.bindings.catalog).await?)
}

/// `POST`: makes a token and shows its secret, this once.
///
/// Repeating it makes another token; one whose answer was lost can be found in the list and removed.
pub(super) async fn create(call: &mut Call) -> Result<Response, Fault> {
    authorize(call).await?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let (name, grant) = token::check(read::<NewToken>(&body)?)?;
    let secret = secret(grant.role, clock::random()?);
    let hash = TokenHash::of(&secret);
    let info = TokenInfo {
        id: handle(clock::random()?),
        name,
        role: grant.role.name().to_owned(),
        scope: grant.scope.to_string(),
        created: rfc3339(call.now.0),
        token: Some(secret),
    };
    let row = NewRow { id: &info.id, hash: &hash, name: &info.name, grant: &grant, created_ms: call.now.0 };
    tokens::insert(&call.bindings.catalog, &row).await?;
    json(201, &info)
}

/// `DELETE`: revokes a token: at once here, within [`auth::REMEMBER_MS`] everywhere.
pub(super) async fn delete(call: &Call, id: &str) -> Result<Response, Fault> {
    authorize(call).await?;
    let removed = tokens::delete(&call.bindings.catalog, id).await?;
    auth::forget();
    if removed {
        Ok(no_content())
    } else {
        Err(Fault::refused(404, "token_not_found", format!("there is no token {id:?}")))
    }
}

async fn authorize(call: &Call) -> Result<(), Fault> {
    Ok(auth::authenticate(call).await?.changes_of(&Owner::Platform)?)
}
