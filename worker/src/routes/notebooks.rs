//! `/v1/notebooks`: statements and remarks, kept for everybody who reads a scope.
//!
//! Whoever reads a scope may change its notebooks too: they are what analysts work in, and no figure depends on them.

use adtally_core::cell::Scope;
use adtally_core::time::rfc3339;
use adtally_wire::catalog::read;
use adtally_wire::notebook::{MAX_BYTES, Notebook, NotebookBody, NotebookError, NotebookInfo};
use adtally_wire::token::handle;
use worker::{Method, Response};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::{self, Call, json, no_content};
use crate::catalog::notebooks;
use crate::clock;
use crate::problem::Fault;

/// Texts may grow to six times their length in JSON, but hardly ever to twice.
const MAX_BODY_BYTES: usize = 2 * MAX_BYTES;

impl From<NotebookError> for Fault {
    fn from(error: NotebookError) -> Self {
        Fault::refused(422, "invalid_notebook", error.to_string())
    }
}

/// `GET`: those of a scope. `POST`: keeps another one; repeating it keeps it twice.
pub(super) async fn all(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?.to_string();
    if call.method() != Method::Post {
        return call::list("notebooks", notebooks::list(&call.bindings.catalog, &scope).await?);
    }
    let body = body(call).await?;
    let id = handle(clock::random()?);
    if !notebooks::insert(&call.bindings.catalog, &id, &scope, &body, call.now.0).await? {
        return Err(Fault::refused(422, "too_many_notebooks", format!("{scope} has as many as it may have")));
    }
    let info = NotebookInfo { id, scope, name: body.name, revision: 1, changed: rfc3339(call.now.0) };
    json(201, &Notebook { info, cells: body.cells })
}

/// `GET`, `PUT` and `DELETE` of one.
///
/// A `PUT` of a revision that is not the last one is refused, so that nobody's work is written over unseen; the same
/// one again is refused too, and what it meant is kept.
pub(super) async fn one(call: &mut Call, id: &str) -> Result<Response, Fault> {
    let found = found(call, id).await?;
    match call.method() {
        Method::Put => {
            let body = body(call).await?;
            let Some(revision) = notebooks::update(&call.bindings.catalog, id, &body, call.now.0).await?
            else {
                let detail = format!("{id:?} was changed meanwhile: read it again");
                return Err(Fault::refused(409, "notebook_changed", detail));
            };
            let changed = rfc3339(call.now.0);
            let info = NotebookInfo { name: body.name, revision, changed, ..found.info };
            json(200, &Notebook { info, cells: body.cells })
        }
        Method::Delete => {
            notebooks::delete(&call.bindings.catalog, id).await?;
            Ok(no_content())
        }
        _ => json(200, &found),
    }
}

/// The notebook; one of a scope that the caller does not read is as one that is not there.
async fn found(call: &Call, id: &str) -> Result<Notebook, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let found = notebooks::find(&call.bindings.catalog, id).await?;
    let is_seen = |notebook: &Notebook| {
        Scope::parse(&notebook.info.scope).is_some_and(|scope| grant.reads_of(&scope.owner()).is_ok())
    };
    let missing = || Fault::refused(404, "notebook_not_found", format!("there is no notebook {id:?}"));
    found.filter(is_seen).ok_or_else(missing)
}

async fn body(call: &mut Call) -> Result<NotebookBody, Fault> {
    let bytes = call.body(MAX_BODY_BYTES).await?;
    Ok(read::<NotebookBody>(&bytes)?.checked()?)
}
