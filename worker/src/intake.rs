//! What every door does with what it has read: judge, send to the Linkers, tell what was wrong.

use std::collections::BTreeMap;

use adtally_core::access::{Denied, Grant};
use adtally_core::cell::Scope;
use adtally_core::doors::Door;
use adtally_core::event::Event;
use adtally_core::intake::{
    Context, Draft, Intake, MAX_BODY_BYTES, Media, RejectCode, Rejection, read_body, read_drafts,
};
use adtally_core::screen::Visitor;
use adtally_core::telemetry::Figure;
use adtally_wire::api::RejectedEvent;
use adtally_wire::gzip::{GzipError, gunzip};
use worker::Cf;

use crate::call::{Call, too_large};
use crate::clock;
use crate::dispatch::{Stored, store};
use crate::lists;
use crate::problem::Fault;
use crate::quarantine::Rejections;
use crate::telemetry;

/// Parameters of a request that hold for all of its events, where these say nothing of it themselves.
const DEFAULTS: [&str; 5] = ["advertiser", "campaign", "ad", "service", "placement"];

/// What came in.
pub(crate) struct Incoming<'a> {
    /// By which way.
    pub(crate) door: Door,
    /// What it says.
    pub(crate) batch: Batch<'a>,
    /// Of the person, if their own browser sent it.
    pub(crate) visitor: Option<Visitor>,
}

/// Events, in our words or in those of a door.
pub(crate) enum Batch<'a> {
    /// A body of `POST /v1/events`.
    Body(&'a [u8], Media),
    /// What a door made of something else.
    Drafts(&'a [Draft]),
}

/// What became of it; positions are those of the batch.
pub(crate) struct Taken {
    /// How many are stored.
    pub(crate) stored: Stored,
    /// What is not stored, in the order of the batch.
    pub(crate) rejected: Vec<RejectedEvent>,
}

/// Stores what is valid, and tells what is not.
///
/// May be repeated as a whole: an event that was stored before counts as a duplicate, by its id.
pub(crate) async fn take(call: &Call, grant: &Grant, incoming: Incoming<'_>) -> Result<Taken, Fault> {
    grant.collects()?;
    let lists = lists::current(&call.bindings.catalog, call.now).await?;
    let context = Context {
        now: call.now,
        nonce: u64::from_be_bytes(clock::random()?),
        salt: &call.bindings.secrets.salt,
        lists: &lists,
        visitor: incoming.visitor.as_ref(),
    };
    let Intake { events, mut rejected } = match &incoming.batch {
        Batch::Body(bytes, media) => read_body(bytes, *media, &context)?,
        Batch::Drafts(drafts) => read_drafts(drafts, &context)?,
    };
    let mut refused = BTreeMap::new();
    let mut own = Vec::with_capacity(events.len());
    for (index, event) in events {
        match grant.sends(&event) {
            Ok(()) => own.push(event),
            Err(denied) => {
                rejected.push(foreign(index, &event, denied));
                refused.insert(index, event);
            }
        }
    }
    rejected.sort_by_key(|rejection| rejection.index);
    let copies = if incoming.door.sends_once() { own.clone() } else { Vec::new() };
    let stored = store(call, own).await;
    if stored.is_err() {
        // Whoever sends again is told of its rejections then.
        rejected.clear();
        for (index, event) in copies.into_iter().enumerate() {
            rejected.push(not_stored(index, &event));
            refused.insert(index, event);
        }
    }
    count(call, incoming.door, stored.as_ref().ok(), &rejected);
    let rejections = Rejections { incoming: &incoming, rejected: &rejected, refused: &refused };
    call.bindings.quarantines.hold(grant, &rejections, &context).await;
    let stored = stored?;
    Ok(Taken { stored, rejected: rejected.into_iter().map(told).collect() })
}

fn count(call: &Call, door: Door, stored: Option<&Stored>, rejected: &[Rejection]) {
    if let Some(Stored { accepted, duplicates }) = stored {
        telemetry::add(Figure::Accepted, door.name(), *accepted);
        telemetry::add(Figure::Duplicates, door.name(), *duplicates);
        telemetry::observe(Figure::AckTime, clock::now().0 - call.now.0);
    }
    for rejection in rejected {
        telemetry::add(Figure::Rejected, rejection.code.name(), 1);
    }
}

/// Takes one event of a sender who cannot read a list of rejections: what is wrong with it is the answer's fault.
pub(crate) async fn take_one(
    call: &Call,
    grant: &Grant,
    door: Door,
    draft: Draft,
    visitor: Option<Visitor>,
) -> Result<Stored, Fault> {
    let taken = take(call, grant, Incoming { door, batch: Batch::Drafts(&[draft]), visitor }).await?;
    match taken.rejected.into_iter().next() {
        None => Ok(taken.stored),
        Some(rejected) => {
            let code = RejectCode::parse(&rejected.code).map_or("rejected", RejectCode::name);
            Err(Fault::refused(400, code, rejected.message))
        }
    }
}

/// Says of drafts what the request says of all of them: by its parameters, and by whose key it carries.
pub(crate) fn add_defaults(call: &Call, grant: &Grant, drafts: &mut [Draft]) {
    let mut defaults: Vec<(&str, String)> =
        DEFAULTS.into_iter().filter_map(|name| Some((name, call.parameter(name)?))).collect();
    match &grant.scope {
        Scope::Platform => {}
        Scope::Advertiser(key) => defaults.push(("advertiser", key.to_string())),
        Scope::Service(key) => defaults.push(("service", key.to_string())),
    }
    for draft in drafts {
        for (name, value) in &defaults {
            draft.or_say(name, value);
        }
    }
}

/// What the request tells of the person whose browser sends it.
pub(crate) fn browser(call: &Call) -> Visitor {
    let network = call.request.cf();
    Visitor {
        user_agent: call.header("User-Agent"),
        ip: call.header("CF-Connecting-IP"),
        country: network.and_then(Cf::country),
        asn: network.and_then(Cf::asn),
        organization: network.and_then(Cf::as_organization),
    }
}

/// The body, unpacked if need be.
pub(crate) async fn unpacked_body(call: &mut Call) -> Result<Vec<u8>, Fault> {
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

fn foreign(index: usize, event: &Event, denied: Denied) -> Rejection {
    Rejection {
        index,
        id: Some(event.id().to_string()),
        code: RejectCode::ForeignScope,
        message: format!("an event of {}: {denied}", event.advertiser),
        raw: 0..0,
    }
}

fn not_stored(index: usize, event: &Event) -> Rejection {
    Rejection {
        index,
        id: Some(event.id().to_string()),
        code: RejectCode::NotStored,
        message: "could not be stored, and nobody sends it again".to_owned(),
        raw: 0..0,
    }
}

fn told(rejection: Rejection) -> RejectedEvent {
    RejectedEvent {
        index: rejection.index as u64,
        id: rejection.id,
        code: rejection.code.name().to_owned(),
        message: rejection.message,
    }
}
