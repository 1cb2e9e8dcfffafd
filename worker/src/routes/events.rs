//! `/v1/events`: single events and what became of them.

use adtally_core::access::{Grant, Owners, Side};
use adtally_core::event::Kind;
use adtally_core::key::{EventId, Key};
use adtally_core::link;
use adtally_core::report::Filter;
use adtally_core::time::parse_instant_or_day;
use adtally_wire::api::EventStory;
use adtally_wire::catalog::key as parse_key;
use adtally_wire::gather;
use adtally_wire::object::{EVENTS, EventsCursor, EventsPage, EventsQuery, STORY, StoryQuery};
use worker::Response;

use crate::auth::authenticate;
use crate::call::{Call, json};
use crate::directory;
use crate::linkers::ask_all;
use crate::problem::Fault;

/// Events of a list where `limit` is absent.
const DEFAULT_LIMIT: u32 = 100;
/// The most events of a list: every shard makes that many, and one page shows no more.
const MAX_LIMIT: u32 = 1_000;

/// `GET` of one: everything that is known about it.
pub(super) async fn story(call: &Call, id: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let advertiser = advertiser(call, &grant)?;
    call.known_only(&["advertiser", "kind"])?;
    let id = EventId::parse(id).map_err(|error| invalid("id", id, error))?;
    let query = StoryQuery { id: id.to_string(), kind: kind(call)?.map(|kind| kind.name().to_owned()) };
    let shards = directory::place(&call.bindings.catalog, &advertiser, call.now).await?.shards;
    let stories: Vec<EventStory> =
        ask_all(&call.bindings.linkers, &advertiser, shards, STORY, &query).await?;
    match gather::story(stories) {
        Some(story) => json(200, &story),
        None => {
            let kind = query.kind.as_deref().unwrap_or("event");
            let detail = format!("{advertiser} has no {kind} {id}");
            Err(Fault::refused(404, "event_not_found", detail))
        }
    }
}

/// `GET`: events of one advertiser, the newest first.
///
/// A user's events are in one shard, but a shard count may have been another one: all are asked.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let advertiser = advertiser(call, &grant)?;
    call.known_only(&["advertiser", "kind", "user", "outcome", "filter", "from", "to", "cursor", "limit"])?;
    let shards = directory::place(&call.bindings.catalog, &advertiser, call.now).await?.shards;
    let of_all = |cursor: &EventsCursor| cursor.0.len() == shards as usize;
    let query = EventsQuery {
        kind: kind(call)?.map(|kind| kind.name().to_owned()),
        user: call.parameter("user").map(|user| call.bindings.secrets.salt.pseudonym(&user).0),
        outcome: outcome(call)?,
        from_ms: time(call, "from")?,
        to_ms: time(call, "to")?,
        filters: filters(call)?,
        before: call.cursor(|text| EventsCursor::parse(text).filter(of_all))?,
        limit: call.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
    };
    let pages: Vec<EventsPage> = ask_all(&call.bindings.linkers, &advertiser, shards, EVENTS, &query).await?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    json(200, &gather::newest(pages, limit))
}

/// Whose events the call is about; single events are their advertiser's, a service does not see them.
fn advertiser(call: &Call, grant: &Grant) -> Result<Key, Fault> {
    grant.reads()?;
    let named = call.parameter("advertiser").map(|text| parse_key("advertiser", &text)).transpose()?;
    let owners: Owners = grant.scope.owners(Side::Advertiser);
    owners
        .meant(named)?
        .ok_or_else(|| Fault::refused(422, "missing_advertiser", "say whose event it is with ?advertiser="))
}

fn kind(call: &Call) -> Result<Option<Kind>, Fault> {
    let Some(text) = call.parameter("kind") else { return Ok(None) };
    let names = || Kind::ALL.map(Kind::name).join(", ");
    Kind::parse(&text).map(Some).ok_or_else(|| {
        Fault::refused(422, "unknown_kind", format!("unknown kind {text:?}, known are {}", names()))
    })
}

fn outcome(call: &Call) -> Result<Option<String>, Fault> {
    let Some(text) = call.parameter("outcome") else { return Ok(None) };
    if link::Filter::outcomes().any(|known| known == text) {
        return Ok(Some(text));
    }
    let names = link::Filter::outcomes().collect::<Vec<_>>().join(", ");
    Err(Fault::refused(422, "unknown_outcome", format!("unknown outcome {text:?}, known are {names}")))
}

fn time(call: &Call, name: &str) -> Result<Option<i64>, Fault> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    parse_instant_or_day(&text).map(Some).ok_or_else(|| {
        let detail = format!("{name} {text:?} is neither ms since 1970, nor RFC 3339, nor a day in UTC");
        Fault::refused(422, "bad_time", detail)
    })
}

/// The filters that are any, as they came.
fn filters(call: &Call) -> Result<Vec<String>, Fault> {
    let given = call.parameters().into_iter().filter(|(name, text)| name == "filter" && !text.is_empty());
    let texts: Vec<String> = given.map(|(_, text)| text).collect();
    match texts.iter().find(|text| Filter::parse(text).is_none()) {
        None => Ok(texts),
        Some(unknown) => {
            let detail = format!("filter {unknown:?} is not <dimension>:<eq|ne|in|prefix>:<value>");
            Err(Fault::refused(422, "unknown_filter", detail))
        }
    }
}

fn invalid(name: &str, value: &str, error: impl std::fmt::Display) -> Fault {
    Fault::refused(422, "invalid_id", format!("{name} {value:?} {error}"))
}
