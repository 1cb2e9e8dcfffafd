//! `POST /v1/events`: bytes to events to Linkers; acknowledged only when all of them are durable.

use adtally_core::doors::Door;
use adtally_core::intake::Media;
use adtally_core::screen::Sender;
use adtally_wire::api::CollectAnswer;
use worker::{Response, ResponseBuilder};

use crate::auth::authenticate_sender;
use crate::call::{Call, json};
use crate::intake::{Batch, Incoming, Taken, browser, take, unpacked_body};
use crate::problem::Fault;

/// How long a browser may remember that it may send, in seconds: a day.
const PREFLIGHT_AGE_S: &str = "86400";

/// `OPTIONS` of a door: any site may send; the key decides what is taken.
pub(super) fn preflight(methods: &str) -> Result<Response, Fault> {
    let headers = [
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, SP-Anonymous"),
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
    let has_key_in_address = call.header("Authorization").is_none() && call.parameter("key").is_some();
    let visitor = match Sender::of(&content_type, has_key_in_address) {
        Sender::Server => None,
        Sender::Browser => Some(browser(call)),
    };
    let batch = Batch::Body(&body, Media::of(&content_type));
    let taken = take(call, &grant, Incoming { door: Door::Events, batch, visitor }).await?;
    accepted(taken)
}

/// What is told of a batch whose accepted events are durable.
pub(super) fn accepted(taken: Taken) -> Result<Response, Fault> {
    let Taken { stored, rejected } = taken;
    json(202, &CollectAnswer { accepted: stored.accepted, duplicates: stored.duplicates, rejected })
}
