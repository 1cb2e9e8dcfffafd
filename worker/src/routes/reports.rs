//! `/v1/reports`: cells from Report objects, merged and put into rows here.

use adtally_core::access::Grant;
use adtally_core::cell::{Dimension, Scope};
use adtally_core::ledger::{self, AsOfError};
use adtally_core::report::{Format, Query, QueryError, Source, run};
use adtally_core::segment::{Merger, Segment};
use adtally_wire::etag;
use adtally_wire::object::{ReduceHead, ReduceQuery, Routed};
use adtally_wire::report::answer;
use worker::{Response, ResponseBuilder};

use crate::auth::authenticate;
use crate::call::Call;
use crate::directory;
use crate::problem::Fault;
use crate::reporters::{Reduced, last_generation, reduce, reduce_all};

/// The most advertisers that one platform-wide question is handed on to: each is a request to an object.
const MAX_FAN_OUT: usize = 500;

/// `GET`: a report as JSON or CSV.
pub(super) async fn get(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let parameters = call.parameters().into_iter().filter(|(name, _)| name != "scope").collect();
    let (query, reduce_query) = question(call, &scope, parameters).await?;
    let data = gather(call, &scope, &query, &reduce_query).await?;
    let etag = etag::of(&[&data.version, &query.canonical()]);
    let builder = ResponseBuilder::new()
        .with_header("ETag", &etag)?
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

/// The query of these parameters, which `scope` may ask, and how objects are asked it.
pub(super) async fn question(
    call: &Call,
    scope: &Scope,
    parameters: Vec<(String, String)>,
) -> Result<(Query, ReduceQuery), Fault> {
    let default_tz = default_tz(call, scope).await?;
    let asked = ReduceQuery { parameters, now_ms: call.now.0, default_tz, use_cubes: true };
    let query = Query::parse(&asked.parameters, &asked.default_tz, call.now).map_err(refused)?;
    query.check_scope(scope).map_err(refused)?;
    Ok((query, asked))
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

pub(super) async fn default_tz(call: &Call, scope: &Scope) -> Result<String, Fault> {
    match scope {
        Scope::Advertiser(key) => Ok(directory::place(&call.bindings.catalog, key, call.now).await?.timezone),
        Scope::Platform | Scope::Service(_) => Ok("UTC".to_owned()),
    }
}

/// The cells of a query, and which data they are.
pub(super) struct Data {
    pub(super) segment: Segment,
    pub(super) head: ReduceHead,
    pub(super) version: String,
    /// Where they come from, by scope that was asked.
    pub(super) routes: Vec<(String, Routed)>,
}

pub(super) async fn gather(
    call: &Call,
    scope: &Scope,
    query: &Query,
    reduce_query: &ReduceQuery,
) -> Result<Data, Fault> {
    let reports = &call.bindings.cells();
    let needed = query.plan().dimensions_needed();
    if needed.iter().all(|dimension| scope.dimensions().contains(dimension)) {
        let Reduced { head, segment, routed } = reduce(reports, scope, reduce_query).await?;
        check_as_of(call, scope, query.as_of(), &head).await?;
        let version = head.data_version(scope);
        return Ok(Data { segment, head, version, routes: vec![(scope.to_string(), routed)] });
    }
    // Only the platform gets here: its own cells are too coarse, so it asks those advertisers that have any.
    let platform = reduce(reports, scope, &reduce_query.which_advertisers()).await?;
    check_as_of(call, scope, query.as_of(), &platform.head).await?;
    let mut advertisers: Vec<Scope> = platform
        .segment
        .iter()
        .map(|(key, _)| Scope::Advertiser(key.dim(Dimension::Advertiser).clone()))
        .collect();
    advertisers.dedup();
    if advertisers.len() > MAX_FAN_OUT {
        let detail = format!(
            "{} advertisers have such events, at most {MAX_FAN_OUT} can be asked at once: filter by advertiser",
            advertisers.len()
        );
        return Err(Fault::refused(422, "too_many_advertisers", detail));
    }
    // Advertisers may publish a moment before the platform or after it: of the batch alone, all are asked for the same.
    let pinned = match (query.source(), query.as_of(), platform.head.generation) {
        (Source::Batch, None, generation @ 1..) => Some(generation),
        _ => query.as_of(),
    };
    let pinned_query = pinned.map(|generation| reduce_query.as_of(generation));
    let parts = reduce_all(reports, &advertisers, pinned_query.as_ref().unwrap_or(reduce_query)).await?;
    for part in &parts {
        readable(pinned, part.head.published, platform.head.published)?;
    }
    Ok(merge(scope, &platform.head, &advertisers, parts))
}

/// Refuses a past generation that cannot be read; a scope keeps its own where a batch changed nothing of it, so the last
/// one is known to the platform.
async fn check_as_of(call: &Call, scope: &Scope, as_of: Option<u64>, head: &ReduceHead) -> Result<(), Fault> {
    let last = match as_of {
        Some(asked) if asked > head.published && *scope != Scope::Platform => {
            last_generation(&call.bindings.reports, &Scope::Platform).await?
        }
        _ => head.published,
    };
    readable(as_of, head.published, last)
}

fn readable(as_of: Option<u64>, published: u64, last: u64) -> Result<(), Fault> {
    let refused = |error: AsOfError| Fault::refused(422, error.code(), error.to_string());
    as_of.map_or(Ok(()), |asked| ledger::check_as_of(asked, published, last).map_err(refused))
}

/// One answer of many: as old as its oldest part, and of a version that changes with any of them.
fn merge(scope: &Scope, platform: &ReduceHead, advertisers: &[Scope], parts: Vec<Reduced>) -> Data {
    let mut head = platform.clone();
    let mut segment = Merger::default();
    let mut versions = Vec::with_capacity(parts.len());
    let mut routes = Vec::with_capacity(parts.len());
    for (advertiser, part) in advertisers.iter().zip(parts) {
        versions.push(part.head.data_version(advertiser));
        segment.add(part.segment);
        routes.push((advertiser.to_string(), part.routed));
        head.generation = head.generation.min(part.head.generation);
        head.complete_through_ms = head.complete_through_ms.min(part.head.complete_through_ms);
        head.updated_ms = head.updated_ms.max(part.head.updated_ms);
    }
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    let version = format!("{}.{}", platform.data_version(scope), etag::fold(&versions));
    Data { segment: segment.finish(), head, version, routes }
}

fn refused(error: QueryError) -> Fault {
    Fault::refused(422, error.code(), error.to_string())
}
