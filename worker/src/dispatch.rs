//! Events to their Linkers: by advertiser and shard, all of them durable or none acknowledged.

use std::collections::BTreeMap;

use adtally_core::event::Event;
use adtally_core::key::Key;
use adtally_core::route::shard_of;
use adtally_wire::log::Append;
use adtally_wire::object::{AppendAnswer, Appended};
use futures_util::{StreamExt, stream};

use crate::call::Call;
use crate::catalog::advertisers::Place;
use crate::directory;
use crate::linkers::{Linker, LinkerFault, MAX_PARALLEL};
use crate::problem::Fault;

/// The most Linkers that one body may concern: each is a request to an object, six at a time.
const MAX_LINKERS: usize = 500;

/// How many events were new and how many were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stored {
    /// Stored for the first time.
    pub(crate) accepted: u64,
    /// Stored before.
    pub(crate) duplicates: u64,
}

/// What one Linker is to store.
struct Batch {
    advertiser: Key,
    shard: u32,
    append: Append,
}

/// Stores events; an error means that none of them is acknowledged.
///
/// Why each await may be repeated:
/// 1. the advertisers' shard counts: read only;
/// 2. the appends: a Linker knows an event by its id. Should some Linkers have stored and others not, the whole
///    request fails and is sent again: what was stored then counts as a duplicate, which is the truth about it;
/// 3. where a Linker goes by another shard count, it stored nothing: once, the counts are read anew and the events of
///    its advertiser are routed again. A second conflict means that the count is being changed right now: 503.
pub(crate) async fn store(call: &Call, events: Vec<Event>) -> Result<Stored, Fault> {
    let mut stored = Stored::default();
    let conflicted = append_all(call, route(call, events).await?, &mut stored).await?;
    if conflicted.is_empty() {
        return Ok(stored);
    }
    for batch in &conflicted {
        directory::forget(&batch.advertiser);
    }
    let events = conflicted.into_iter().flat_map(|batch| batch.append.events).collect();
    match append_all(call, route(call, events).await?, &mut stored).await?.first() {
        None => Ok(stored),
        Some(batch) => {
            let detail = format!("{} and its linkers disagree on the shard count", batch.advertiser);
            Err(Fault::unavailable(detail))
        }
    }
}

/// Splits events by Linker; each Linker's events stay in order.
async fn route(call: &Call, events: Vec<Event>) -> Result<Vec<Batch>, Fault> {
    let mut by_advertiser: BTreeMap<Key, Vec<Event>> = BTreeMap::new();
    for event in events {
        by_advertiser.entry(event.advertiser.clone()).or_default().push(event);
    }
    let keys = by_advertiser.keys().cloned();
    let places = directory::places(&call.bindings.catalog, keys, call.now).await?;
    let mut batches: BTreeMap<(Key, u32), Batch> = BTreeMap::new();
    for (advertiser, events) in by_advertiser {
        let shards = places.get(&advertiser).map_or_else(|| Place::default().shards, |place| place.shards);
        for event in events {
            let shard = shard_of(&event, shards);
            let batch = batches.entry((advertiser.clone(), shard)).or_insert_with(|| Batch {
                advertiser: advertiser.clone(),
                shard,
                append: Append { shards, events: Vec::new() },
            });
            batch.append.events.push(event);
        }
    }
    if batches.len() > MAX_LINKERS {
        let detail = format!(
            "the events concern {} advertisers and shards, at most {MAX_LINKERS} may share a body",
            batches.len()
        );
        return Err(Fault::refused(413, "too_many_advertisers", detail));
    }
    Ok(batches.into_values().collect())
}

/// Sends every batch and waits for all answers; gives back those that were routed by a wrong shard count.
async fn append_all(call: &Call, batches: Vec<Batch>, stored: &mut Stored) -> Result<Vec<Batch>, Fault> {
    let linkers = &call.bindings.linkers;
    let appends = batches.into_iter().map(|batch| async move {
        let answer =
            Linker::of(linkers, &batch.advertiser, batch.shard).append(&batch.append, &call.id).await;
        (batch, answer)
    });
    let answers: Vec<(Batch, Result<AppendAnswer, LinkerFault>)> =
        stream::iter(appends).buffer_unordered(MAX_PARALLEL).collect::<Vec<_>>().await;
    let mut conflicted = Vec::new();
    for (batch, answer) in answers {
        match answer {
            Ok(answer) => stored.count(&answer),
            Err(LinkerFault::Shards(_)) => conflicted.push(batch),
            Err(LinkerFault::Fault(fault)) => return Err(fault),
        }
    }
    Ok(conflicted)
}

impl Stored {
    fn count(&mut self, answer: &AppendAnswer) {
        for status in &answer.statuses {
            match status {
                Appended::Accepted => self.accepted += 1,
                Appended::Duplicate => self.duplicates += 1,
            }
        }
    }
}
