//! Doors for other people's trackers: Snowplow, Prebid.js, video players, CloudEvents, OpenTelemetry.

use adtally_core::doors::{Door, DoorError, cloud_events, otlp, prebid, snowplow, vast};
use adtally_core::intake::Draft;
use adtally_core::screen::Visitor;
use serde_json::json;
use worker::{Method, Response, ResponseBuilder};

use super::browser::{is_only_looking, visitor_says};
use super::gif;
use crate::auth::authenticate_sender;
use crate::call::{Call, json};
use crate::intake::{Batch, Incoming, Taken, add_defaults, browser, take, take_one, unpacked_body};
use crate::problem::Fault;
use crate::routes::collect::accepted;

/// Snowplow's `POST`: any answer but 200 makes a tracker send again, so rejections are only in quarantine.
pub(super) async fn snowplow_post(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    grant.collects()?;
    let body = unpacked_body(call).await?;
    let drafts = snowplow::of_body(&body, call.now).map_err(bad_message)?;
    let visitor = web_visitor(call);
    taken(call, Door::Snowplow, drafts, visitor).await?;
    Ok(ResponseBuilder::new().with_header("Content-Type", "text/plain")?.fixed(b"ok".to_vec()))
}

/// Snowplow's `GET`.
pub(super) async fn snowplow_pixel(call: &Call, method: &Method) -> Result<Response, Fault> {
    authenticate_sender(call).await?.collects()?;
    if !is_only_looking(call, method) {
        let drafts = vec![snowplow::of_query(&call.parameters(), call.now)];
        taken(call, Door::Snowplow, drafts, web_visitor(call)).await?;
    }
    Ok(gif(200, None)?)
}

/// A video player's tracking address.
pub(super) async fn vast(call: &Call, event: &str, method: &Method) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    if is_only_looking(call, method) {
        return Ok(gif(200, None)?);
    }
    let mut drafts = [vast::event_of(event, &call.parameters())];
    add_defaults(call, &grant, &mut drafts);
    let [mut draft] = drafts;
    visitor_says(call, &mut draft)?;
    take_one(call, &grant, Door::Vast, draft, Some(browser(call))).await?;
    Ok(gif(200, None)?)
}

/// Prebid.js's generic analytics adapter, which sends `?data=` where its method is `GET`.
pub(super) async fn prebid(call: &mut Call) -> Result<Response, Fault> {
    authenticate_sender(call).await?.collects()?;
    let body = match call.request.method() {
        Method::Post => unpacked_body(call).await?,
        _ => call.parameter("data").unwrap_or_default().into_bytes(),
    };
    let drafts = prebid::of_body(&body).map_err(bad_message)?;
    let visitor = Some(browser(call));
    accepted(taken(call, Door::Prebid, drafts, visitor).await?)
}

/// CloudEvents of any mode, by the content type.
pub(super) async fn cloud_events(call: &mut Call) -> Result<Response, Fault> {
    authenticate_sender(call).await?.collects()?;
    let body = unpacked_body(call).await?;
    let content_type = call.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
    let drafts = if content_type.trim_start().starts_with("application/cloudevents") {
        cloud_events::of_structured(&body).map_err(bad_message)?
    } else {
        let attributes = cloud_events::Attributes {
            id: call.header("ce-id"),
            kind: call.header("ce-type"),
            source: call.header("ce-source"),
            time: call.header("ce-time"),
        };
        vec![cloud_events::of_binary(attributes, &body)]
    };
    accepted(taken(call, Door::CloudEvents, drafts, None).await?)
}

/// OpenTelemetry logs; the answer is `ExportLogsServiceResponse`.
pub(super) async fn otlp(call: &mut Call) -> Result<Response, Fault> {
    authenticate_sender(call).await?.collects()?;
    let content_type = call.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
    if content_type.contains("protobuf") {
        let detail = "set OTEL_EXPORTER_OTLP_PROTOCOL=http/json: protobuf is not known";
        return Err(Fault::refused(415, "unsupported_encoding", detail));
    }
    let body = unpacked_body(call).await?;
    let drafts = otlp::of_body(&body).map_err(bad_message)?;
    let Taken { rejected, .. } = taken(call, Door::Otlp, drafts, None).await?;
    match rejected.first() {
        None => json(200, &json!({ "partialSuccess": {} })),
        Some(first) => {
            let message = format!("{}: {}", first.code, first.message);
            let part = json!({ "rejectedLogRecords": rejected.len().to_string(), "errorMessage": message });
            json(200, &json!({ "partialSuccess": part }))
        }
    }
}

/// Stores drafts under the caller's key.
pub(super) async fn taken(
    call: &Call,
    door: Door,
    mut drafts: Vec<Draft>,
    visitor: Option<Visitor>,
) -> Result<Taken, Fault> {
    let grant = authenticate_sender(call).await?;
    add_defaults(call, &grant, &mut drafts);
    take(call, &grant, Incoming { door, batch: Batch::Drafts(&drafts), visitor }).await
}

/// The visitor, if a browser's page sends: trackers of servers speak the same protocol, but name no origin.
fn web_visitor(call: &Call) -> Option<Visitor> {
    let names = ["Origin", "Referer", "Sec-Fetch-Mode"];
    names.into_iter().any(|name| call.header(name).is_some()).then(|| browser(call))
}

/// A message that is not what the door takes.
pub(super) fn bad_message(error: DoorError) -> Fault {
    Fault::refused(400, "bad_message", error)
}
