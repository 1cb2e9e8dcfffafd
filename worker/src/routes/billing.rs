//! `/v1/billing`: what advertisers are charged, and what is stuck on its way there.
//!
//! Charges name campaigns and ads, so a service does not see them: what its placements earned is in its reports.

pub(super) mod kafka;

use adtally_core::access::{Grant, Owner, Side};
use adtally_core::billing::EntryKind;
use adtally_core::key::Key;
use adtally_core::report::{Query, QueryError};
use adtally_core::time::rfc3339;
use adtally_wire::billing::api::{
    BillingAnswer, BillingEntries, DeadLetter, DeadLetters, Outbox, OutboxShard, Replay, ReplayAnswer,
    ReplayFailure,
};
use adtally_wire::billing::object::{
    Cursor, ENTRIES, EntriesQuery, LettersQuery, OUTBOX, Page, StoredLetter, TOTALS,
};
use adtally_wire::billing::{Envelope, Message};
use adtally_wire::catalog::{key as parse_key, read};
use adtally_wire::object::ReduceQuery;
use worker::Response;

use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::directory;
use crate::linkers::ask_all;
use crate::problem::Fault;

/// Entries of a page where `limit` is absent.
const DEFAULT_LIMIT: u32 = 1_000;
/// The most entries of a page: some 5 MB of JSON.
const MAX_LIMIT: u32 = 10_000;
/// Dead letters of a page, and the most that one replay tries: each may have 120 kB.
const DEAD_LIMIT: u32 = 100;

/// `GET`: sums by day, campaign, currency and basis.
pub(super) async fn totals(call: &Call) -> Result<Response, Fault> {
    let advertiser = advertiser(call).await?;
    call.known_only(&["advertiser", "from", "to", "tz"])?;
    let query = range(call, &advertiser).await?;
    // Only to refuse it here, with its reason, instead of in the ledger.
    parse(&query)?;
    let answer: BillingAnswer = call.bindings.ledgers.ask(&advertiser, TOTALS, &query).await?;
    json(200, &answer)
}

/// `GET .../entries`: entries in the order in which the ledger took them.
pub(super) async fn entries(call: &Call) -> Result<Response, Fault> {
    let advertiser = advertiser(call).await?;
    call.known_only(&["advertiser", "from", "to", "tz", "campaign", "kind", "event", "cursor", "limit"])?;
    let hours = match (call.parameter("from"), call.parameter("to")) {
        (None, None) => None,
        _ => Some(parse(&range(call, &advertiser).await?)?.hours()),
    };
    let query = EntriesQuery {
        from_hour: hours.as_ref().map(|hours| hours.start.0),
        to_hour: hours.as_ref().map(|hours| hours.end.0),
        campaign: call.parameter("campaign"),
        kind: kind(call)?,
        event: call.parameter("event"),
        after: call.cursor(Cursor::parse)?,
        limit: call.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
    };
    let Page { entries, next, more } = call.bindings.ledgers.ask(&advertiser, ENTRIES, &query).await?;
    json(200, &BillingEntries { entries, next: next.to_string(), more })
}

/// `GET .../outbox`: what no ledger has confirmed yet.
pub(super) async fn outbox(call: &Call) -> Result<Response, Fault> {
    let advertiser = advertiser(call).await?;
    call.known_only(&["advertiser"])?;
    let place = directory::place(&call.bindings.catalog, &advertiser, call.now).await?;
    let shards: Vec<OutboxShard> =
        ask_all(&call.bindings.linkers, &advertiser, place.shards, OUTBOX, &()).await?;
    let oldest_ms = shards.iter().filter_map(|shard| shard.oldest_ms).min();
    json(
        200,
        &Outbox {
            entries: shards.iter().map(|shard| shard.entries).sum(),
            oldest: oldest_ms.map(rfc3339),
            age_ms: oldest_ms.map(|oldest| (call.now.0 - oldest).max(0)),
            shards: shards.into_iter().filter(|shard| shard.rows > 0).collect(),
        },
    )
}

/// `GET .../dead`: messages that could not be processed.
pub(super) async fn dead(call: &Call) -> Result<Response, Fault> {
    authenticate(call).await?.reads_of(&Owner::Platform)?;
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    let query = LettersQuery {
        ids: Vec::new(),
        after: call.cursor(number)?.unwrap_or(0),
        limit: call.limit(DEAD_LIMIT, DEAD_LIMIT)?,
    };
    let found = call.bindings.ledgers.letters(&query).await?;
    let is_full = found.letters.len() >= query.limit as usize;
    let next = found.letters.last().filter(|_| is_full).map(|last| last.number.to_string());
    let dead = found.letters.into_iter().map(dead_letter).collect();
    json(200, &DeadLetters { count: found.count, dead, next })
}

/// `POST .../dead/replay`: tries them again, now.
///
/// Why each await may be repeated:
/// 1. reading the letters: read only;
/// 2. into the ledgers: they know the batches that they have;
/// 3. forgetting those that are there: a crash before it leaves letters that a further replay finds in the ledger;
/// 4. keeping the new reason of the others: it counts one death more.
pub(super) async fn replay(call: &mut Call) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let Replay { ids } = if body.is_empty() { Replay::default() } else { read(&body)? };
    if ids.len() > DEAD_LIMIT as usize {
        let detail = format!("{} letters at once, at most {DEAD_LIMIT} can be replayed", ids.len());
        return Err(Fault::refused(422, "too_many_letters", detail));
    }
    let ledgers = &call.bindings.ledgers;
    let found = ledgers.letters(&LettersQuery { ids, after: 0, limit: DEAD_LIMIT }).await?;
    let texts: Vec<String> = found.letters.iter().map(|stored| stored.letter.text.clone()).collect();
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (stored, outcome) in found.letters.into_iter().zip(ledgers.take(&texts).await) {
        let letter = stored.letter;
        match outcome {
            Ok(_) => done.push(letter.id),
            Err(error) => {
                ledgers.park(&letter.text, &error, call.now.0).await?;
                failed.push(ReplayFailure { id: letter.id, error });
            }
        }
    }
    let replayed = done.len() as u64;
    ledgers.replayed(done).await?;
    json(200, &ReplayAnswer { replayed, failed, left: found.count.saturating_sub(replayed) })
}

/// Whose ledger the call is about.
async fn advertiser(call: &Call) -> Result<Key, Fault> {
    let grant: Grant = authenticate(call).await?;
    grant.reads()?;
    let named = call.parameter("advertiser").map(|text| parse_key("advertiser", &text)).transpose()?;
    grant
        .scope
        .owners(Side::Advertiser)
        .meant(named)?
        .ok_or_else(|| Fault::refused(422, "missing_advertiser", "say whose ledger it is with ?advertiser="))
}

/// The asked range as a report's: the same parameters mean the same.
async fn range(call: &Call, advertiser: &Key) -> Result<ReduceQuery, Fault> {
    let is_range = |name: &str| ["from", "to", "tz"].contains(&name);
    Ok(ReduceQuery {
        parameters: call.parameters().into_iter().filter(|(name, _)| is_range(name)).collect(),
        now_ms: call.now.0,
        default_tz: directory::place(&call.bindings.catalog, advertiser, call.now).await?.timezone,
        known: None,
        use_cubes: false,
    })
}

fn parse(query: &ReduceQuery) -> Result<Query, Fault> {
    let now = adtally_core::time::ServerTime(query.now_ms);
    let refused = |error: QueryError| Fault::refused(422, error.code(), error.to_string());
    Query::parse(&query.parameters, &query.default_tz, now).map_err(refused)
}

fn kind(call: &Call) -> Result<Option<String>, Fault> {
    let Some(text) = call.parameter("kind") else { return Ok(None) };
    match EntryKind::parse(&text) {
        Some(kind) => Ok(Some(kind.name().to_owned())),
        None => Err(Fault::refused(422, "unknown_kind", format!("{text:?} is neither charge nor credit"))),
    }
}

fn dead_letter(stored: StoredLetter) -> DeadLetter {
    let StoredLetter { first_ms, times, letter, .. } = stored;
    DeadLetter {
        id: letter.id,
        advertiser: Envelope::read(&letter.text).ok().map(|envelope| envelope.advertiser.to_string()),
        entries: Message::parse(&letter.text).ok().map(|message| message.batch.entries.len() as u64),
        error: letter.error,
        first: rfc3339(first_ms),
        last: rfc3339(letter.at_ms),
        times,
        message: letter.text,
    }
}
