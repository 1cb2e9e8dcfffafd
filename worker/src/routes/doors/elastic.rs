//! Enough of Elasticsearch for those who ship to it: `_bulk`, and what clients ask before they dare.

use adtally_core::doors::{Door, bulk};
use serde::Serialize;
use serde_json::{Value, json};
use worker::{Method, Response, ResponseBuilder};

use super::trackers::{bad_message, taken};
use crate::auth::authenticate_sender;
use crate::call::Call;
use crate::intake::unpacked_body;
use crate::problem::{Fault, Refusal};
use crate::route::ElasticRoute;

/// The version that clients are told: the last whose answers look like these.
const VERSION: &str = "8.19.0";
/// A status after which clients send again what they sent.
const AGAIN: u16 = 503;

/// Answers a client.
pub(super) async fn answer(call: &mut Call, route: &ElasticRoute) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    grant.collects()?;
    let is_change = matches!(call.request.method(), Method::Put | Method::Post | Method::Delete);
    let body = match route {
        ElasticRoute::Bulk(index) => return store(call, index.as_deref()).await,
        ElasticRoute::Info => json!({
            "name": "adtally", "cluster_name": "adtally", "cluster_uuid": "adtally",
            "version": {
                "number": VERSION, "build_flavor": "default", "build_type": "docker", "build_hash": "adtally",
                "build_date": "2025-01-01T00:00:00.000Z", "build_snapshot": false, "lucene_version": "9.12.2",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0"
            },
            "tagline": "You Know, for Search"
        }),
        ElasticRoute::License => json!({
            "license": { "status": "active", "uid": "adtally", "type": "basic", "mode": "basic" }
        }),
        ElasticRoute::Health => json!({
            "cluster_name": "adtally", "status": "green", "timed_out": false, "number_of_nodes": 1,
            "number_of_data_nodes": 1, "active_shards": 1, "active_primary_shards": 1
        }),
        ElasticRoute::CatHealth => json!([{ "cluster": "adtally", "status": "green" }]),
        // Templates, policies, pipelines, indices: there is nothing to set up.
        ElasticRoute::NoOp if is_change => json!({ "acknowledged": true }),
        ElasticRoute::NoOp => json!({}),
    };
    told(call, 200, &body)
}

/// All or nothing where storage is concerned; a bad document harms only itself.
async fn store(call: &mut Call, index: Option<&str>) -> Result<Response, Fault> {
    let body = unpacked_body(call).await?;
    let items = bulk::of_body(&body, index).map_err(bad_message)?;
    let drafts = items.iter().map(|item| item.draft.clone()).collect();
    let taken = taken(call, Door::Bulk, drafts, None).await?;
    let rejected = taken.rejected.iter().map(|rejected| {
        (
            usize::try_from(rejected.index).unwrap_or(usize::MAX),
            rejected.code.as_str(),
            rejected.message.as_str(),
        )
    });
    told(call, 200, &bulk::answer(&items, rejected))
}

/// In the media type that the client asks for: those of version 8 insist on their own.
fn told(call: &Call, status: u16, body: &Value) -> Result<Response, Fault> {
    let accept = call.header("Accept").unwrap_or_default();
    let vendor =
        accept.split(',').map(str::trim).find(|kind| kind.starts_with("application/vnd.elasticsearch+json"));
    let builder = ResponseBuilder::new()
        .with_status(status)
        .with_header("Content-Type", vendor.unwrap_or("application/json"))?;
    Ok(builder.fixed(bytes(body)?))
}

/// What clients understand of a refusal: they repeat a whole bulk after 503, and read `error` otherwise.
pub(in crate::routes) fn fault(refusal: &Refusal) -> worker::Result<Response> {
    let (status, kind, body) = match refusal.status {
        429 | 503 => (AGAIN, "text/plain", refusal.detail.clone().into_bytes()),
        status => {
            let error = json!({ "type": refusal.code, "reason": refusal.detail });
            (status, "application/json", serde_json::to_vec(&json!({ "error": error, "status": status }))?)
        }
    };
    let mut builder = ResponseBuilder::new().with_status(status).with_header("Content-Type", kind)?;
    if let Some((name, value)) = &refusal.header {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder.fixed(body))
}

fn bytes(body: &impl Serialize) -> Result<Vec<u8>, Fault> {
    Ok(serde_json::to_vec(body).map_err(worker::Error::from)?)
}
