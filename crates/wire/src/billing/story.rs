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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adtally_core::event::{EventRef, Kind};
    use adtally_core::intake::{Context, Media, read_body};
    use adtally_core::key::{EventId, UserSalt};
    use adtally_core::link::{Arrival, Linker};
    use adtally_core::screen::Lists;
    use adtally_core::settings::{Price, PriceModel, Settings};
    use adtally_core::time::ServerTime;

    use super::*;

    /// A click whose better parent comes last; of its three entries the last `open` are not confirmed.
    fn check(open: usize, expected: &[(&str, u64, &str)], state: &str) {
        let salt = UserSalt::new(b"s");
        let context = Context {
            now: ServerTime(1_532_271_600_000),
            nonce: 0,
            salt: &salt,
            lists: Lists::built_in(),
            visitor: None,
        };
        let body = r#"{"id":"far","kind":"impression","advertiser":"acme","user":"u","ad":"a","campaign":"c","at":1532271400000}
            {"id":"c1","kind":"click","advertiser":"acme","user":"u","ad":"a","at":1532271500000}
            {"id":"near","kind":"impression","advertiser":"acme","user":"u","ad":"a","campaign":"c","at":1532271450000}"#;
        let price = Price { model: PriceModel::Cpc, micros: 7 };
        let prices = [("c".to_owned(), price)].into();
        let settings = Arc::new(Settings { prices, ..Settings::default() });
        let mut linker = Linker::new();
        let mut facts = Vec::new();
        for (_, event) in read_body(body.as_bytes(), Media::Ndjson, &context).unwrap().events {
            let arrival = Arrival { event, received: context.now, settings: settings.clone() };
            facts.extend(linker.apply([arrival]).facts);
        }
        let click = EventRef { kind: Kind::Click, id: EventId::parse("c1").unwrap() };
        let facts: Vec<Fact> = facts.into_iter().filter(|fact| fact.event == click).collect();
        let history: Vec<(u64, Fact)> = [1, 2, 2].into_iter().zip(facts).collect();
        let all: Vec<Entry> = [&history[..1], &history[1..]]
            .iter()
            .flat_map(|part| entries(&part.iter().map(|(_, fact)| fact.clone()).collect::<Vec<_>>()))
            .collect();
        let story = tell(&history, &all[all.len() - open..]);
        let told: Vec<_> =
            story.entries.iter().map(|e| (e.kind.as_str(), e.position, e.state.as_str())).collect();
        assert_eq!((told.as_slice(), story.state.as_deref(), story.net_micros), (expected, Some(state), 7));
    }

    #[test]
    fn the_newest_entries_are_pending() {
        check(0, &[("charge", 1, "sent"), ("credit", 2, "sent"), ("charge", 2, "sent")], "sent");
        check(2, &[("charge", 1, "sent"), ("credit", 2, "pending"), ("charge", 2, "pending")], "pending");
        check(3, &[("charge", 1, "pending"), ("credit", 2, "pending"), ("charge", 2, "pending")], "pending");
    }

    #[test]
    fn what_costs_nothing_has_no_state() {
        let story = tell(&[], &[]);
        assert_eq!((story.state, story.net_micros, story.entries.len()), (None, 0, 0));
    }
}
