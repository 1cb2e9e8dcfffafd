//! `/v1/segments`: the cells themselves, for those who add them up on their own.

use adtally_core::cell::Scope;
use adtally_core::time::rfc3339;
use adtally_wire::etag;
use worker::{Response, ResponseBuilder};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::Call;
use crate::problem::Fault;
use crate::reports::{Question, kept};

/// The most cells of one answer: some 10 MB, which a browser can hold and add up in a few hundredths of a second.
const MAX_CELLS: usize = 500_000;
/// What cells are told apart by is asked for as in reports; these mean nothing here.
const FOREIGN: [&str; 4] = ["sort", "limit", "offset", "format"];

/// `GET`: the bytes of one segment.
///
/// A scope's cells hold only what it may see, and a question is checked as that of a report is.
pub(super) async fn get(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let parameters = parameters(call, &scope)?;
    let question = Question::new(&call.bindings.catalog, scope, parameters, call.now).await?;
    let (data, found) = kept::gather(call, &question).await?;
    let cells = data.segment.len();
    if cells > MAX_CELLS {
        let detail =
            format!("{cells} cells are more than {MAX_CELLS}: tell fewer apart, or ask for less time");
        return Err(Fault::refused(422, "too_many_cells", detail));
    }
    let etag = etag::of(&["segment", &data.version, &question.query.canonical()]);
    let builder = ResponseBuilder::new()
        .with_header("ETag", &etag)?
        .with_header("X-Cache", found.name())?
        .with_header("Cache-Control", "private, no-cache")?
        .with_header("Vary", "Authorization, Cookie")?
        .with_header("Adtally-Version", &data.version)?
        .with_header("Adtally-Generation", &data.head.generation.to_string())?;
    let builder = match data.head.updated_ms {
        Some(updated) => builder.with_header("Adtally-Updated", &rfc3339(updated))?,
        None => builder,
    };
    if call.header("If-None-Match").is_some_and(|header| etag::matches(&header, &etag)) {
        return Ok(builder.with_status(304).empty());
    }
    let builder = builder.with_header("Content-Type", "application/octet-stream")?;
    Ok(builder.fixed(data.segment.encode()))
}

/// The parameters of the report whose cells are asked for; without `by` everything that the scope's own cells keep.
fn parameters(call: &Call, scope: &Scope) -> Result<Vec<(String, String)>, Fault> {
    let given = call.parameters().into_iter().filter(|(name, _)| name != "scope");
    let mut parameters: Vec<(String, String)> = given.collect();
    if let Some((name, _)) = parameters.iter().find(|(name, _)| FOREIGN.contains(&name.as_str())) {
        return Err(Fault::refused(422, "unknown_parameter", format!("{name} means nothing for cells")));
    }
    if call.parameter("by").is_none() {
        parameters.retain(|(name, _)| name != "by");
        let all = scope.dimensions().iter().map(|dimension| dimension.name());
        let all: Vec<&str> = std::iter::once("hour").chain(all).collect();
        parameters.push(("by".to_owned(), all.join(",")));
    }
    Ok(parameters)
}
