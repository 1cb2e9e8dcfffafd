//! LINK-1 for a set of deliveries that is linked at once.

use std::collections::BTreeSet;

use adtally_core::aggregate::Aggregator;
use adtally_core::batch::Ruling;
use adtally_core::event::Kind;
use adtally_core::link::{Arrival, Bulk, Fact, Linker, NoShelf, Retention};
use adtally_core::time::ServerTime;
use proptest::prelude::*;

use crate::order::deliveries;
use crate::scenario::ruling;
use crate::{in_plain_words, many, naive, net};

/// The deliveries as a set, in their order.
fn bulk(deliveries: &[Arrival], retention: Retention, rulings: &[Ruling]) -> Bulk {
    let mut bulk = Bulk::new(retention, rulings.iter().copied());
    let mut known = Vec::new();
    for Arrival { event, received, settings } in deliveries {
        let number = match known.iter().find(|(other, _)| other == settings) {
            Some((_, number)) => *number,
            None => {
                let number = bulk.know_settings(known.len() as u64, settings.clone());
                known.push((settings.clone(), number));
                number
            }
        };
        bulk.deliver(event, *received, number);
    }
    bulk
}

fn facts(bulk: Bulk) -> Vec<Fact> {
    let mut facts = Vec::new();
    bulk.settle(|told| facts.push(told.fact()));
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the retention, it is what the reference says, name by name.
    #[test]
    fn a_set_equals_the_reference(
        (arrivals, ..) in deliveries(),
        hours in prop_oneof![1 => Just((31 * 24, 7 * 24)), 3 => (0..4i64, 0..3i64)],
        lifts in prop::collection::vec(0..3i64, 40),
        ruled in prop::collection::vec(ruling(), 0..4),
    ) {
        let retention = Retention { touches_ms: hours.0 * 3_600_000, dedupe_ms: hours.1 * 3_600_000 };
        let lifted = arrivals.into_iter().zip(&lifts).map(|(arrival, lift)| Arrival {
            received: ServerTime(arrival.received.0 + lift * 3_600_000),
            ..arrival
        });
        let arrivals: Vec<Arrival> = lifted.collect();
        let naive = naive::link_within(&arrivals, &retention, &ruled);
        let expected = naive.into_iter().map(|((event, _), naive)| format!("{event:?} {naive:?}"));
        let told = facts(bulk(&arrivals, retention, &ruled));
        let told = told.into_iter().map(|fact| format!("{:?} {:?}", fact.event, in_plain_words(&fact.body)));
        let sorted = |texts: &mut dyn Iterator<Item = String>| {
            let mut texts: Vec<String> = texts.collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(sorted(&mut { told }), sorted(&mut { expected }));
    }

    /// The facts are those of a linker to the letter, and the cells are those of the facts.
    #[test]
    fn a_set_equals_a_linker((arrivals, ..) in deliveries(), ruled in prop::collection::vec(ruling(), 0..4)) {
        let mut linker = Linker::new();
        linker.rule(0, ruled.iter().copied(), &NoShelf).unwrap();
        let told = net(arrivals.iter().flat_map(|arrival| linker.apply([arrival.clone()]).facts));
        let facts = facts(bulk(&arrivals, Retention::default(), &ruled));
        let (mut of_facts, mut of_set) = (Aggregator::default(), Aggregator::default());
        facts.iter().for_each(|fact| of_facts.add_fact(fact));
        bulk(&arrivals, Retention::default(), &ruled).settle(|event| event.add_to(&mut of_set));
        prop_assert_eq!(of_set.segments(), of_facts.segments());
        prop_assert_eq!(net(facts), told);
    }
}

/// Thousands of events of all kinds, in any order that keeps which delivery is the first, are what a linker makes of them.
#[test]
fn a_large_set_equals_a_linker() {
    let mut arrivals = many::traffic(40_000);
    let mut linker = Linker::new();
    let expected = net(linker.apply(arrivals.clone()).facts);
    assert!(linker.len() < arrivals.len(), "nothing came twice");
    assert_eq!(net(facts(bulk(&arrivals, Retention::default(), &[]))), expected);
    arrivals.sort_by_key(|arrival| (arrival.event.at, arrival.received));
    assert_eq!(net(facts(bulk(&arrivals, Retention::default(), &[]))), expected);
}

/// Numbers that lie further from each other than 32 bits reach.
#[test]
fn far_numbers_are_kept() {
    let arrivals = many::traffic(200);
    let far = [0, 1, -1, i64::from(u32::MAX), i64::from(i32::MIN), 1 << 40, -(1 << 40), 1 << 52];
    let moved = arrivals.into_iter().zip(far.into_iter().cycle()).map(|(mut arrival, by)| {
        arrival.event.at.0 += by;
        arrival.received.0 += by;
        arrival.event.cost_micros = Some(by.saturating_abs());
        arrival.event.value_micros = by.saturating_abs() / 2;
        arrival
    });
    let mut names = BTreeSet::new();
    let moved: Vec<Arrival> = moved.filter(|arrival| names.insert(arrival.event.event.clone())).collect();
    assert!(moved.iter().any(|arrival| arrival.event.kind() != Kind::Impression));
    let expected = net(Linker::new().apply(moved.clone()).facts);
    assert_eq!(net(facts(bulk(&moved, Retention::default(), &[]))), expected);
}
