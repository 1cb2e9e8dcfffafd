//! `/v1/sql`: statements over the cells and the catalog of a scope.

use adtally_sql::Dialect;
use adtally_sql::answer::{Format, Request, to_csv, to_json};
use worker::{Response, ResponseBuilder};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::Call;
use crate::problem::Fault;
use crate::statements::{Answered, Sources};

/// The most bytes of a request: a statement has 100,000, and as many parameters.
pub(super) const MAX_BODY_BYTES: usize = 400_000;

/// `POST`: answers a statement.
pub(super) async fn query(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let body = call.body(MAX_BODY_BYTES).await?;
    let body = serde_json::from_slice(&body)
        .map_err(|error| Fault::refused(400, "bad_json", format!("the body is not JSON: {error}")))?;
    let request = Request::read(&body)?;
    let sources = sources(call);
    let catalog = sources.catalog(scope, request.tz.as_deref(), Dialect::Calcite).await?;
    let Answered { plan, rows, versions } =
        sources.answer(&catalog, &request.sql, &request.parameters).await.map_err(Fault::from)?;
    let builder = ResponseBuilder::new().with_header("Cache-Control", "private, no-store")?;
    let (media, body) = match request.format {
        Format::Json => ("application/json", to_json(&plan, &rows, &versions)),
        Format::Csv => ("text/csv; charset=utf-8", to_csv(&plan, &rows)),
    };
    Ok(builder.with_header("Content-Type", media)?.fixed(body.into_bytes()))
}

/// Where the statements of a call find what they need.
pub(super) fn sources(call: &Call) -> Sources<'_> {
    let bindings = &call.bindings;
    Sources { catalog: &bindings.catalog, reports: bindings.cells(), now: call.now }
}
