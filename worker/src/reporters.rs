//! Talking to Report objects.

use adtally_core::cell::Scope;
use adtally_core::report::Query;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_wire::api::RestatementList;
use adtally_wire::freshness::ScopeNews;
use adtally_wire::object::{
    GENERATION, LIVE, LastGeneration, NEWS, REDUCE, RESTATEMENTS, ReduceAnswer, ReduceHead, ReduceQuery,
    Routed,
};
use futures_util::{StreamExt, stream};
use worker::{Bucket, Method, ObjectNamespace, Request, Response};

use crate::linkers::{MAX_PARALLEL, request};
use crate::parts;
use crate::problem::Fault;
use crate::troubles::trouble;

/// Where cells are.
#[derive(Clone, Copy)]
pub(crate) struct Reports<'a> {
    /// Report objects.
    pub(crate) namespace: &'a ObjectNamespace,
    /// Parts of cubes; where there is none, cubes are not used.
    pub(crate) bucket: Option<&'a Bucket>,
}

/// The cells that a scope has for a query.
pub(crate) struct Reduced {
    /// What is known about them.
    pub(crate) head: ReduceHead,
    /// What the scope says of all its data.
    pub(crate) news: ScopeNews,
    /// The cells; none if they are those that the question knows.
    pub(crate) segment: Option<Segment>,
    /// Where they come from.
    pub(crate) routed: Routed,
}

/// The cells of a scope for a query: of its Report object, and of the parts of a cube that it names.
///
/// A part that cannot be read is no loss: the object is asked again for base cells.
pub(crate) async fn reduce(
    reports: &Reports<'_>,
    scope: &Scope,
    query: &ReduceQuery,
) -> Result<Reduced, Fault> {
    let Reports { namespace, bucket } = *reports;
    let Some(bucket) = bucket.filter(|_| query.use_cubes) else {
        return reduce_base(namespace, scope, &ReduceQuery { use_cubes: false, ..query.clone() }).await;
    };
    let reduced = reduce_base(namespace, scope, query).await?;
    if reduced.routed.parts.is_empty() {
        return Ok(reduced);
    }
    let plan = Query::parse(&query.parameters, &query.default_tz, ServerTime(query.now_ms));
    let plan = plan.map_err(|error| Fault::Internal(error.to_string()))?.plan();
    match parts::read(bucket, &reduced.routed.parts).await {
        Ok(cells) => {
            let mut merged = Merger::default();
            cells.iter().for_each(|part| merged.add(plan.reduce(part)));
            reduced.segment.into_iter().for_each(|cells| merged.add(cells));
            Ok(Reduced { segment: Some(merged.finish()), ..reduced })
        }
        Err(error) => {
            trouble!("{scope}: {error}");
            reduce_base(namespace, scope, &ReduceQuery { use_cubes: false, ..query.clone() }).await
        }
    }
}

async fn reduce_base(
    namespace: &ObjectNamespace,
    scope: &Scope,
    query: &ReduceQuery,
) -> Result<Reduced, Fault> {
    let stub = namespace.get_by_name(&scope.to_string())?;
    let body = serde_json::to_vec(query).map_err(worker::Error::from)?;
    let unavailable = |error: worker::Error| Fault::unavailable(format!("report {scope}: {error}"));
    let answer = stub.fetch_with_request(request(Method::Post, REDUCE, &body)?).await;
    let mut answer = answer.map_err(unavailable)?;
    if answer.status_code() != 200 {
        return Err(Fault::unavailable(format!("report {scope} answered {}", answer.status_code())));
    }
    let bytes = answer.bytes().await.map_err(unavailable)?;
    let ReduceAnswer { head, news, routed, segment } =
        ReduceAnswer::decode(&bytes).map_err(|error| Fault::Internal(error.to_string()))?;
    let segment = segment.map(|bytes| Segment::decode(&bytes)).transpose();
    let segment = segment.map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(Reduced { head, news, segment, routed })
}

/// Asks several scopes the same.
pub(crate) async fn reduce_all(
    reports: &Reports<'_>,
    scopes: &[Scope],
    query: &ReduceQuery,
) -> Result<Vec<Reduced>, Fault> {
    let questions = scopes.iter().map(|scope| reduce(reports, scope, query));
    let answers: Vec<Result<Reduced, Fault>> =
        stream::iter(questions).buffered(MAX_PARALLEL).collect::<Vec<_>>().await;
    answers.into_iter().collect()
}

/// What a scope says of its data.
pub(crate) async fn news(namespace: &ObjectNamespace, scope: &Scope) -> Result<ScopeNews, Fault> {
    let unavailable = |error: worker::Error| Fault::unavailable(format!("report {scope}: {error}"));
    let stub = namespace.get_by_name(&scope.to_string())?;
    let answer = stub.fetch_with_request(request(Method::Get, NEWS, &[])?).await;
    let bytes = answer.map_err(unavailable)?.bytes().await.map_err(unavailable)?;
    Ok(serde_json::from_slice(&bytes).map_err(worker::Error::from)?)
}

/// The last generation that a scope published; 0: none.
pub(crate) async fn last_generation(namespace: &ObjectNamespace, scope: &Scope) -> Result<u64, Fault> {
    let unavailable = |error: worker::Error| Fault::unavailable(format!("report {scope}: {error}"));
    let stub = namespace.get_by_name(&scope.to_string())?;
    let answer = stub.fetch_with_request(request(Method::Get, GENERATION, &[])?).await;
    let last: LastGeneration = answer.map_err(unavailable)?.json().await.map_err(unavailable)?;
    Ok(last.generation)
}

/// A page of what publications changed of a scope's figures.
pub(crate) async fn restatements(
    namespace: &ObjectNamespace,
    scope: &Scope,
    query: &ReduceQuery,
) -> Result<RestatementList, Fault> {
    let unavailable = |error: worker::Error| Fault::unavailable(format!("report {scope}: {error}"));
    let stub = namespace.get_by_name(&scope.to_string())?;
    let body = serde_json::to_vec(query).map_err(worker::Error::from)?;
    let answer = stub.fetch_with_request(request(Method::Post, RESTATEMENTS, &body)?).await;
    answer.map_err(unavailable)?.json().await.map_err(unavailable)
}

/// Hands a WebSocket upgrade on to the Report object of a scope.
pub(crate) async fn live(namespace: &ObjectNamespace, scope: &Scope) -> Result<Response, Fault> {
    let stub = namespace.get_by_name(&scope.to_string())?;
    let mut upgrade = Request::new(&format!("{}{LIVE}", crate::linkers::HOST), Method::Get)?;
    upgrade.headers_mut()?.set("Upgrade", "websocket")?;
    let answer = stub.fetch_with_request(upgrade).await;
    answer.map_err(|error| Fault::unavailable(format!("report {scope}: {error}")))
}
