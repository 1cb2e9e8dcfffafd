//! `/v1/erasures`: who asked to be forgotten. The business of the platform's admins alone.

use adtally_core::access::Owner;
use adtally_wire::catalog::{key, read};
use adtally_wire::erasure::{ErasureInfo, NewErasure};
use adtally_wire::token::handle_of;
use worker::{Method, Response};

use crate::auth;
use crate::call::{self, Call, MAX_JSON_BYTES, json};
use crate::catalog::erasures;
use crate::clock;
use crate::problem::Fault;

/// `GET`: every request, the newest first. `POST`: asks for an erasure, which the next run of the batch does.
///
/// Repeating it makes another request, which finds nothing left to do.
pub(super) async fn answer(call: &mut Call) -> Result<Response, Fault> {
    authorize(call).await?;
    if call.method() != Method::Post {
        return call::list("erasures", erasures::list(&call.bindings.catalog).await?);
    }
    let body = call.body(MAX_JSON_BYTES).await?;
    let NewErasure { user } = read(&body)?;
    let user = key("user", &user)?;
    if user.is_empty() {
        return Err(Fault::refused(422, "invalid_user", "say which user"));
    }
    let user = call.bindings.secrets.salt.pseudonym(user.as_str());
    let id = handle_of("erasure", clock::random()?);
    erasures::insert(&call.bindings.catalog, &id, user, call.now.0).await?;
    json(202, &found(call, &id).await?)
}

/// `GET` of one.
pub(super) async fn show(call: &Call, id: &str) -> Result<Response, Fault> {
    authorize(call).await?;
    json(200, &found(call, id).await?)
}

async fn found(call: &Call, id: &str) -> Result<ErasureInfo, Fault> {
    let info = erasures::find(&call.bindings.catalog, id).await?;
    info.ok_or_else(|| Fault::refused(404, "erasure_not_found", format!("there is no erasure {id:?}")))
}

async fn authorize(call: &Call) -> Result<(), Fault> {
    Ok(auth::authenticate(call).await?.changes_of(&Owner::Platform)?)
}
