//! Random event sets in random orders, against the naive reference.

use std::collections::BTreeSet;
use std::sync::Arc;

use adtally_core::link::{Admission, Arrival, Candidacy, Linker, NoShelf, Related, Retention, SLICE_EVENTS};
use adtally_core::time::ServerTime;
use proptest::prelude::*;

use crate::scenario::{START, event, ruling, settings};
use crate::{assert_agrees, naive, net};

/// Distinct events, each under one of two settings, as deliveries without duplicates.
fn distinct() -> impl Strategy<Value = Vec<Arrival>> {
    let events = prop::collection::vec((event(), any::<bool>(), 0..2i64), 1..32);
    (events, settings(), settings()).prop_map(|(events, one, other)| {
        let (one, other) = (Arc::new(one), Arc::new(other));
        let mut seen = BTreeSet::new();
        events
            .into_iter()
            .filter(|(event, ..)| seen.insert(event.event.clone()))
            .map(|(event, first, hours)| Arrival {
                received: ServerTime(event.at.0 + hours * 3_700_000),
                settings: if first { one.clone() } else { other.clone() },
                event,
            })
            .collect()
    })
}

/// Deliveries in two orders, with duplicates, and the sizes of the batches of the second.
pub(crate) fn deliveries() -> impl Strategy<Value = (Vec<Arrival>, Vec<Arrival>, Vec<usize>)> {
    distinct().prop_flat_map(|events| {
        let repeats = prop::collection::vec(prop::sample::select(events.clone()), 0..6);
        repeats.prop_flat_map(move |repeats| {
            let all: Vec<_> = events.iter().cloned().chain(repeats).collect();
            (Just(all.clone()).prop_shuffle(), Just(all).prop_shuffle(), prop::collection::vec(1..9usize, 40))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// LINK-1, at every prefix: one by one equals the reference.
    #[test]
    fn every_prefix_equals_the_reference(arrivals in distinct(), slice in 1..30usize) {
        let mut linker = Linker::new().in_slices_of(slice);
        let mut told = Vec::new();
        for (n, arrival) in arrivals.iter().enumerate() {
            told.extend(linker.apply([arrival.clone()]).facts);
            assert_agrees(&mut linker, &net(told.clone()), &naive::link(&arrivals[..=n]));
        }
    }

    /// LINK-1: order, duplicates and batches do not show in the result.
    #[test]
    fn any_order_and_batching_gives_the_same_facts((one, other, sizes) in deliveries(), slice in 1..12usize) {
        let mut single = Linker::new();
        let told: Vec<_> = one.iter().flat_map(|arrival| single.apply([arrival.clone()]).facts).collect();
        let standing = net(told);
        assert_agrees(&mut single, &standing, &naive::link(&one));

        let mut batched = Linker::new().in_slices_of(slice);
        let mut rest = &other[..];
        let mut told = Vec::new();
        for size in sizes {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            let names = batch.iter().map(|arrival| &arrival.event.event);
            let foreseen = batched.admissions(names, ServerTime(START), &NoShelf).unwrap();
            let applied = batched.apply(batch.iter().cloned());
            prop_assert_eq!(&foreseen, &applied.admissions);
            told.extend(applied.facts);
            rest = later;
        }
        told.extend(batched.apply(rest.iter().cloned()).facts);
        prop_assert_eq!(net(told), standing);
    }

    /// LINK-1 with rulings at any place of the log, at every prefix: events before and after one fall under it alike.
    #[test]
    fn rulings_hold_from_then_on_for_all_events(
        (arrivals, _, sizes) in deliveries(),
        ruled in prop::collection::vec((0..12usize, ruling()), 0..5),
        slice in prop_oneof![Just(SLICE_EVENTS), 1..12usize],
    ) {
        let (mut linker, mut told) = (Linker::new().in_slices_of(slice), Vec::new());
        let (mut taken, mut rulings) = (0, Vec::new());
        let retention = Retention::default();
        for (batch, size) in sizes.iter().enumerate() {
            let next = arrivals.len().min(taken + size);
            told.extend(linker.apply(arrivals[taken..next].iter().cloned()).facts);
            let now: Vec<_> = ruled.iter().filter(|(place, _)| *place == batch).map(|(_, r)| *r).collect();
            rulings.extend(now.iter().copied());
            told.extend(linker.rule(0, now, &NoShelf).unwrap());
            taken = next;
            let naive = naive::link_within(&arrivals[..taken], &retention, &rulings);
            assert_agrees(&mut linker, &net(told.clone()), &naive);
        }
    }

    /// A log that keeps duplicates by reference only replays to the same state.
    #[test]
    fn replay_with_repeats_by_reference((_, other, _) in deliveries()) {
        let mut live = Linker::new();
        let mut replayed = Linker::new();
        for arrival in other {
            let (event, received) = (arrival.event.event.clone(), arrival.received);
            let admitted = live.apply([arrival.clone()]);
            let again = match admitted.admissions[0] {
                Admission::Accepted(_) => replayed.take(1, received, [arrival], [], &NoShelf),
                Admission::Duplicate => replayed.take(1, received, [], [event], &NoShelf),
            };
            prop_assert_eq!(Ok(admitted.facts), again);
        }
    }

    /// The history of an event ends with what it counts as now, and its signs add up; duplicates are not in it.
    #[test]
    fn histories_add_up(
        arrivals in distinct(),
        ruled in prop::collection::vec((0..32i64, ruling()), 0..4),
    ) {
        let mut linker = Linker::new();
        for (row, arrival) in (0..).zip(arrivals) {
            linker.take(row, arrival.received, [arrival], [], &NoShelf).unwrap();
            let now = ruled.iter().filter(|(place, _)| *place == row).map(|(_, ruling)| *ruling);
            linker.rule(row, now, &NoShelf).unwrap();
        }
        for related in linker.iter() {
            let story = linker.story(&related.event.event, &NoShelf).unwrap().unwrap();
            let chosen: Vec<_> =
                story.considered.iter().filter(|other| other.candidacy == Candidacy::Chosen).collect();
            let parents: Vec<_> = story.parents.iter().map(|parent| &parent.event.event).collect();
            prop_assert_eq!(
                chosen.iter().map(|other| &other.event).collect::<Vec<_>>(),
                parents.into_iter().take(1).collect::<Vec<_>>()
            );
            let is_unlinked = story.event.fact.reason().is_some();
            let has_lost = |candidacy| story.considered.iter().any(|other| other.candidacy == candidacy);
            prop_assert!(!(is_unlinked && has_lost(Candidacy::NotTheLatest)), "{:#?}", story);
            let history = story.history.unwrap();
            let standing = net(history.into_iter().map(|(_, fact)| fact));
            prop_assert_eq!(standing.get(&related.event.event), Some(&vec![related.fact]));
        }
    }

    /// What is told of an event does not depend on how many are settled at once, but for who else is told of.
    #[test]
    fn slices_do_not_show_in_stories(
        arrivals in distinct(),
        ruled in prop::collection::vec(ruling(), 0..3),
        slice in 1..12usize,
    ) {
        let linker = |linker: Linker| {
            let mut linker = linker;
            linker.apply(arrivals.clone());
            linker.rule(0, ruled.clone(), &NoShelf).unwrap();
            linker
        };
        let (mut whole, mut sliced) = (linker(Linker::new()), linker(Linker::new().in_slices_of(slice)));
        for related in whole.iter() {
            let event = &related.event.event;
            let told = sliced.get(event, Some(related.received), &NoShelf).unwrap().unwrap();
            prop_assert_eq!((&told.fact, told.position), (&related.fact, related.position));
            let [one, other] = [&mut whole, &mut sliced].map(|l| l.story(event, &NoShelf).unwrap().unwrap());
            let facts = |related: &[Related]| related.iter().map(|one| one.fact.clone()).collect::<Vec<_>>();
            prop_assert_eq!(facts(&one.parents), facts(&other.parents));
            prop_assert_eq!(one.rule, other.rule);
        }
    }
}
