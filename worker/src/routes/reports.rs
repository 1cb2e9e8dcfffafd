//! `/v1/reports`: cells from Report objects, merged and put into rows here.

use adtally_core::access::Grant;
use adtally_core::cell::Scope;
use adtally_core::report::{Format, run};
use adtally_wire::etag;
use adtally_wire::report::answer;
use worker::{Response, ResponseBuilder};

use crate::auth::authenticate;
use crate::call::Call;
use crate::problem::Fault;
use crate::reports::{Question, kept};

/// `GET`: a report as JSON or CSV.
pub(super) async fn get(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let parameters = call.parameters().into_iter().filter(|(name, _)| name != "scope").collect();
    let question = Question::new(&call.bindings.catalog, scope, parameters, call.now).await?;
    let (data, found) = kept::gather(call, &question).await?;
    let Question { scope, query, .. } = question;
    let etag = etag::of(&[&data.version, &query.canonical()]);
    let builder = ResponseBuilder::new()
        .with_header("ETag", &etag)?
        .with_header("X-Cache", found.name())?
        // Whoever shares the cache may not share the scope; the browser asks again each time.
        .with_header("Cache-Control", "private, no-cache")?
        .with_header("Vary", "Authorization, Cookie")?;
    if call.header("If-None-Match").is_some_and(|header| etag::matches(&header, &etag)) {
        return Ok(builder.with_status(304).empty());
    }
    let table = run(&query, &data.segment, &scope);
    match query.format() {
        Format::Json => Ok(builder.from_json(&answer(&query, table, data.version, &data.head))?),
        Format::Csv => {
            let builder = builder.with_header("Content-Type", "text/csv; charset=utf-8")?;
            Ok(builder.fixed(table.to_csv().into_bytes()))
        }
    }
}

/// The scope that a call is about: its `scope` parameter, else the token's own.
pub(super) fn scope(call: &Call, grant: &Grant) -> Result<Scope, Fault> {
    grant.reads()?;
    let Some(text) = call.parameter("scope") else { return Ok(grant.scope.clone()) };
    let Some(scope) = Scope::parse(&text) else {
        let detail = format!("{text:?} is not platform, advertiser:<key> or service:<key>");
        return Err(Fault::refused(422, "unknown_scope", detail));
    };
    // A platform token may look at everything the way anybody else sees it.
    grant.reads_of(&scope.owner())?;
    Ok(scope)
}
