//! BILL-1: at every flush, the entries of an event sum to what the naive reference says that it costs.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::batch::Ruling;
use adtally_core::billing::{BatchId, Charge, ChargeId, Entry, EntryKind, MAX_BATCH_BYTES, batches, entries};
use adtally_core::event::EventRef;
use adtally_core::link::{Arrival, Linker, NoShelf, Retention};
use proptest::prelude::*;

use crate::naive;
use crate::order::deliveries;

/// What the entries sum to, by event; events that sum to nothing are left out.
pub(crate) fn balance<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<EventRef, i64> {
    let mut balance: BTreeMap<EventRef, i64> = BTreeMap::new();
    for entry in entries {
        *balance.entry(entry.charge.event.clone()).or_default() += entry.signed_micros();
    }
    balance.retain(|_, micros| *micros != 0);
    balance
}

/// What the reference says that the events cost; those that cost nothing are left out.
pub(crate) fn naive_costs(deliveries: &[Arrival]) -> BTreeMap<EventRef, i64> {
    naive_costs_within(deliveries, &Retention::default(), &[])
}

/// [`naive_costs`] for events that matter for other times than the default, and users who have too many.
pub(crate) fn naive_costs_within(
    deliveries: &[Arrival],
    retention: &Retention,
    rulings: &[Ruling],
) -> BTreeMap<EventRef, i64> {
    let mut costs: BTreeMap<EventRef, i64> = BTreeMap::new();
    for ((event, _), naive) in naive::link_within(deliveries, retention, rulings) {
        *costs.entry(event).or_default() += naive.cost_micros;
    }
    costs.retain(|_, micros| *micros != 0);
    costs
}

/// The charges that are not taken back, by event.
fn standing(entries: &[Entry]) -> BTreeMap<EventRef, Charge> {
    let mut standing: BTreeMap<EventRef, Charge> = BTreeMap::new();
    for Entry { kind, charge } in entries {
        match kind {
            EntryKind::Charge => {
                let other = standing.insert(charge.event.clone(), charge.clone());
                assert_eq!(other, None, "{:?} is charged twice", charge.event);
            }
            EntryKind::Credit => {
                let other = standing.remove(&charge.event);
                assert_eq!(other.as_ref(), Some(charge), "what is taken back was not charged");
            }
        }
    }
    standing
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// BILL-1, at every flush, however many arrivals it has.
    #[test]
    fn entries_sum_to_the_naive_costs((_, arrivals, sizes) in deliveries()) {
        let mut linker = Linker::new();
        let mut told: Vec<Entry> = Vec::new();
        let mut rest = &arrivals[..];
        for size in sizes {
            let (flush, later) = rest.split_at(size.min(rest.len()));
            let facts: Vec<_> = flush.iter().flat_map(|one| linker.apply([one.clone()]).facts).collect();
            let fresh = entries(&facts);
            let charges: BTreeSet<ChargeId> = fresh.iter().map(|entry| entry.charge.identity()).collect();
            prop_assert_eq!(charges.len(), fresh.len(), "a flush charges what it takes back");
            told.extend(fresh);
            rest = later;
            prop_assert_eq!(balance(&told), naive_costs(&arrivals[..arrivals.len() - rest.len()]));
        }
        let mut sums: BTreeMap<ChargeId, i64> = BTreeMap::new();
        for entry in &told {
            *sums.entry(entry.charge.identity()).or_default() += entry.signed_micros();
        }
        for entry in &told {
            let sum = sums[&entry.charge.identity()];
            prop_assert!(sum == 0 || sum == entry.charge.amount_micros, "a charge sums to {sum}");
        }
        for (event, charge) in standing(&told) {
            let fact = linker.get(&event, None, &NoShelf).unwrap().unwrap();
            prop_assert_eq!(Charge::of(&event, fact.event.at, &fact.fact), Some(charge));
        }
    }

    /// Batches keep every entry in order, and no two entries of a shard share an id.
    #[test]
    fn batches_keep_every_entry((_, arrivals, _) in deliveries(), copies in 1..200usize) {
        let fresh = entries(&Linker::new().apply(arrivals).facts);
        let many: Vec<Entry> = std::iter::repeat_n(fresh, copies).flatten().collect();
        let packed = batches(7, many.clone(), MAX_BATCH_BYTES);
        let parts: Vec<BatchId> = packed.iter().map(|batch| batch.id).collect();
        prop_assert_eq!(&parts, &(0..).map(|part| BatchId { seq: 7, part }).take(parts.len()).collect::<Vec<_>>());
        prop_assert!(packed.iter().all(|batch| !batch.entries.is_empty()));
        prop_assert!(packed.iter().all(|batch| batch.entries.len() * 300 < MAX_BATCH_BYTES));
        let ids: BTreeSet<String> = packed
            .iter()
            .flat_map(|batch| (0..batch.entries.len()).map(|index| batch.id.entry("acme/0", index)))
            .collect();
        prop_assert_eq!(ids.len(), many.len());
        prop_assert_eq!(packed.into_iter().flat_map(|batch| batch.entries).collect::<Vec<_>>(), many);
    }
}
