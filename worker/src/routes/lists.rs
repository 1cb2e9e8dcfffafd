//! `/v1/lists/{name}`: the business of the platform's admins alone.

use adtally_core::access::Owner;
use adtally_core::screen::{ListName, MAX_LIST_BYTES, check};
use adtally_wire::api::ListInfo;
use worker::{Response, ResponseBuilder};

use crate::auth;
use crate::call::{Call, json, no_content};
use crate::catalog::lists;
use crate::lists::forget;
use crate::problem::Fault;

/// `GET`: the list that is in force, one entry a line.
pub(super) async fn get(call: &Call, list: ListName) -> Result<Response, Fault> {
    authorize(call).await?;
    let row = lists::find(&call.bindings.catalog, list).await?;
    let revision = row.as_ref().map_or(0, |row| row.revision);
    let text = row.and_then(|row| row.text).unwrap_or_else(|| list.built_in().to_owned());
    let builder = ResponseBuilder::new().with_header("Content-Type", "text/plain; charset=utf-8")?;
    Ok(builder.with_header("ETag", &etag(revision))?.fixed(text.into_bytes()))
}

/// `PUT`: replaces the list: at once here, within seconds everywhere.
///
/// May be repeated: the list is the same, under a further revision.
pub(super) async fn put(call: &mut Call, list: ListName) -> Result<Response, Fault> {
    authorize(call).await?;
    let body = call.body(MAX_LIST_BYTES).await?;
    let (text, entries) = check(list, &body)?;
    let revision = lists::put(&call.bindings.catalog, list, Some(text)).await?;
    forget();
    json(200, &ListInfo { list: list.name().to_owned(), revision, entries: entries as u64 })
}

/// `DELETE`: the built-in list holds again.
///
/// May be repeated: see [`put`].
pub(super) async fn delete(call: &Call, list: ListName) -> Result<Response, Fault> {
    authorize(call).await?;
    lists::put(&call.bindings.catalog, list, None).await?;
    forget();
    Ok(no_content())
}

fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

async fn authorize(call: &Call) -> Result<(), Fault> {
    Ok(auth::authenticate(call).await?.changes_of(&Owner::Platform)?)
}
