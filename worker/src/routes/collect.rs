//! `POST /v1/events`: bytes to events to Linkers; acknowledged only when all of them are durable.

use adtally_core::access::Denied;
use adtally_core::event::Event;
use adtally_core::intake::{Context, Intake, MAX_BODY_BYTES, Media, read_body};
use adtally_core::screen::{Sender, Visitor};
use adtally_wire::api::{CollectAnswer, RejectedEvent};
use adtally_wire::gzip::{GzipError, gunzip};
use worker::{Cf, Response, ResponseBuilder};

use crate::auth::authenticate_sender;
use crate::call::{Call, json, too_large};
use crate::clock;
use crate::dispatch::{Stored, store};
use crate::lists;
use crate::problem::Fault;

/// How long a browser may remember that it may send, in seconds: a day.
const PREFLIGHT_AGE_S: &str = "86400";

/// `OPTIONS`: any site may send; the key decides what is taken.
pub(super) fn preflight() -> Result<Response, Fault> {
    let headers = [
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding"),
        ("Access-Control-Max-Age", PREFLIGHT_AGE_S),
    ];
    let mut builder = ResponseBuilder::new().with_status(204);
    for (name, value) in headers {
        builder = builder.with_header(name, value)?;
    }
    Ok(builder.empty())
}

/// `POST`: stores what is valid, tells what is not.
///
/// May be repeated as a whole: an event that was stored before counts as a duplicate, by its id.
pub(super) async fn events(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    grant.collects()?;
    let body = unpacked_body(call).await?;
    let content_type = call.header("Content-Type").unwrap_or_default();
    let media = Media::of(&content_type);
    let lists = lists::current(&call.bindings.catalog, call.now).await?;
    let visitor = visitor(call, &content_type);
    let context = Context {
        now: call.now,
        nonce: u64::from_be_bytes(clock::random()?),
        salt: &call.bindings.secrets.salt,
        lists: &lists,
        visitor: visitor.as_ref(),
    };
    let Intake { events, rejected } = read_body(&body, media, &context)?;
    drop(body);
    let mut rejected: Vec<RejectedEvent> = rejected
        .into_iter()
        .map(|rejection| RejectedEvent {
            index: rejection.index as u64,
            id: rejection.id,
            code: rejection.code.name().to_owned(),
            message: rejection.message,
        })
        .collect();
    let mut own = Vec::with_capacity(events.len());
    for (index, event) in events {
        match grant.sends(&event) {
            Ok(()) => own.push(event),
            Err(denied) => rejected.push(foreign(index, &event, denied)),
        }
    }
    rejected.sort_by_key(|rejection| rejection.index);
    let Stored { accepted, duplicates } = store(call, own).await?;
    json(202, &CollectAnswer { accepted, duplicates, rejected })
}

/// What the request tells of the person, if their own browser sends it.
fn visitor(call: &Call, content_type: &str) -> Option<Visitor> {
    let has_key_in_address = call.header("Authorization").is_none() && call.parameter("key").is_some();
    match Sender::of(content_type, has_key_in_address) {
        Sender::Server => None,
        Sender::Browser => {
            let network = call.request.cf();
            Some(Visitor {
                user_agent: call.header("User-Agent"),
                ip: call.header("CF-Connecting-IP"),
                country: network.and_then(Cf::country),
                asn: network.and_then(Cf::asn),
                organization: network.and_then(Cf::as_organization),
            })
        }
    }
}

fn foreign(index: usize, event: &Event, denied: Denied) -> RejectedEvent {
    RejectedEvent {
        index: index as u64,
        id: Some(event.id().to_string()),
        code: "foreign_scope".to_owned(),
        message: format!("an event of {}: {denied}", event.advertiser),
    }
}

async fn unpacked_body(call: &mut Call) -> Result<Vec<u8>, Fault> {
    let encoding = call.header("Content-Encoding").unwrap_or_default().trim().to_ascii_lowercase();
    let gzipped = match encoding.as_str() {
        "" | "identity" => false,
        "gzip" | "x-gzip" => true,
        _ => {
            let detail = format!("Content-Encoding {encoding:?} is not known, gzip is");
            return Err(Fault::refused(415, "unsupported_encoding", detail));
        }
    };
    let body = call.body(MAX_BODY_BYTES).await?;
    if !gzipped {
        return Ok(body);
    }
    gunzip(&body, MAX_BODY_BYTES).map_err(|error| match error {
        GzipError::Broken(_) => Fault::refused(400, "bad_gzip", error.to_string()),
        GzipError::TooLarge(limit) => too_large(limit),
    })
}
