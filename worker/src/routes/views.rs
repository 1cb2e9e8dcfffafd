//! `/v1/views`: states of pages under names, shared by all who read the scope that they belong to.
//!
//! Nothing of what a view shows is kept: whoever opens it asks for it again, with the rights that they have then.

use adtally_core::cell::Scope;
use adtally_wire::catalog::export::Exported;
use adtally_wire::catalog::read;
use adtally_wire::catalog::view::{self, ViewPut};
use worker::{Method, Response};

use super::reports::scope;
use super::view_exports;
use crate::auth::authenticate;
use crate::call::{self, Call, MAX_JSON_BYTES, json, no_content};
use crate::catalog::views::{self, MAX_VIEWS};
use crate::problem::Fault;

/// `GET`: the views of a scope.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let scope = readable(call).await?;
    let kind = call.parameter("kind").map(|text| view::kind(&text)).transpose()?;
    call::list("views", views::list(&call.bindings.catalog, &scope.to_string(), kind.as_deref()).await?)
}

/// One view, saved or removed.
pub(super) async fn one(call: &mut Call, name: &str) -> Result<Response, Fault> {
    match call.method() {
        Method::Put => put(call, name).await,
        _ => delete(call, name).await,
    }
}

/// `PUT`: saves a view; the same one again changes nothing but when it was saved.
async fn put(call: &mut Call, name: &str) -> Result<Response, Fault> {
    let scope = readable(call).await?.to_string();
    let name = view::name(name)?;
    let (kind, query) = read::<ViewPut>(&call.body(MAX_JSON_BYTES).await?)?.check()?;
    let db = &call.bindings.catalog;
    match views::put(db, (&scope, &name, &kind, &query), call.now.0).await? {
        Some(view) => json(200, &view),
        None => {
            let detail = format!("there are {MAX_VIEWS} views, more cannot be");
            Err(Fault::refused(409, "too_many_views", detail))
        }
    }
}

/// `DELETE`: an export of it goes too. May be repeated.
async fn delete(call: &Call, name: &str) -> Result<Response, Fault> {
    let (scope, name) = (readable(call).await?.to_string(), view::name(name)?);
    // First, so that no export is left without its view.
    view_exports::forget(call, Exported { scope: &scope, view: &name }).await?;
    if views::delete(&call.bindings.catalog, &scope, &name).await? {
        Ok(no_content())
    } else {
        Err(Fault::refused(404, "view_not_found", format!("there is no view {name:?}")))
    }
}

/// The scope that the caller means, which they must be able to read: a view changes no figure, so analysts save them too.
async fn readable(call: &Call) -> Result<Scope, Fault> {
    let grant = authenticate(call).await?;
    scope(call, &grant)
}
