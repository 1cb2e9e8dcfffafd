//! What an event's story says about its billing.

use adtally_core::billing::{Entry, entries};
use adtally_core::link::Fact;
use serde::{Deserialize, Serialize};

/// What an event costs, and how it came to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingStory {
    /// What it costs now; 0 where nothing is charged.
    pub net_micros: i64,
    /// `pending` while an entry is not confirmed by the ledger, else `sent`; absent where there is no entry.
    pub state: Option<String>,
    /// Its entries, arrival by arrival; those of one flush reach the ledger netted.
    pub entries: Vec<StoryEntry>,
}

/// An entry of the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryEntry {
    /// `charge` or `credit`.
    pub kind: String,
    /// Identity of the charge.
    pub charge: String,
    /// More than 0, for credits too.
    pub amount_micros: i64,
    /// ISO 4217; empty where it was not known.
    pub currency: String,
    /// `own`, `cpm`, `cpc` or `cpa`.
    pub basis: String,
    /// The arrival that caused it: position in the shard's log.
    pub position: u64,
    /// `pending`: not confirmed by the ledger; `sent`: the ledger or the dead letters have it.
    pub state: String,
}

const PENDING: &str = "pending";
const SENT: &str = "sent";

/// The story of an event with this history; `pending` are its entries that are not confirmed, the newest last.
pub fn tell(history: &[(u64, Fact)], pending: &[Entry]) -> BillingStory {
    let arrivals = history.chunk_by(|(one, _), (other, _)| one == other);
    let told: Vec<(u64, Entry)> = arrivals
        .flat_map(|arrival| {
            let facts: Vec<Fact> = arrival.iter().map(|(_, fact)| fact.clone()).collect();
            let position = arrival[0].0;
            entries(&facts).into_iter().map(move |entry| (position, entry))
        })
        .collect();
    let net_micros = told.iter().map(|(_, entry)| entry.signed_micros()).sum();
    // Entries are confirmed in about the order in which they are made: the pending ones are the newest.
    let mut open: Vec<&Entry> = pending.iter().collect();
    let mut story: Vec<StoryEntry> = told
        .iter()
        .rev()
        .map(|(position, entry)| {
            let place = open.iter().rposition(|other| *other == entry);
            let is_open = place.map(|place| open.remove(place)).is_some();
            story_entry(*position, entry, if is_open { PENDING } else { SENT })
        })
        .collect();
    story.reverse();
    let is_pending = !pending.is_empty();
    let state = (!story.is_empty()).then(|| if is_pending { PENDING } else { SENT }.to_owned());
    BillingStory { net_micros, state, entries: story }
}

fn story_entry(position: u64, entry: &Entry, state: &str) -> StoryEntry {
    let charge = &entry.charge;
    StoryEntry {
        kind: entry.kind.name().to_owned(),
        charge: charge.identity().to_string(),
        amount_micros: charge.amount_micros,
        currency: charge.currency.to_string(),
        basis: charge.basis.name().to_owned(),
        position,
        state: state.to_owned(),
    }
}
