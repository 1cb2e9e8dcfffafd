//! LINK-1: for every permutation, duplication and batching of the same accepted events the final set of facts is the
//! same, and equal to a naive reference that sorts everything and scans.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod golden;
mod naive;
mod order;

use std::collections::BTreeMap;

use adtally_core::cell::Dimension;
use adtally_core::event::EventRef;
use adtally_core::link::{Fact, FactBody, Linker, Related, Through};
use adtally_core::measure::Measure;

/// The facts that remain when each retraction has taken its fact away; panics where the signs do not add up.
fn net(facts: impl IntoIterator<Item = Fact>) -> BTreeMap<EventRef, FactBody> {
    let mut standing: BTreeMap<EventRef, FactBody> = BTreeMap::new();
    for fact in facts {
        match fact.sign {
            1 => assert_eq!(
                standing.insert(fact.event.clone(), fact.body),
                None,
                "{:?} added twice",
                fact.event
            ),
            _ => assert_eq!(
                standing.remove(&fact.event).as_ref(),
                Some(&fact.body),
                "{:?} retracted, but it does not stand",
                fact.event
            ),
        }
    }
    standing
}

/// Asserts that the linker's facts say what the reference says.
fn assert_agrees(
    linker: &Linker,
    standing: &BTreeMap<EventRef, FactBody>,
    naive: &BTreeMap<EventRef, naive::Naive>,
) {
    assert_eq!(standing.len(), naive.len());
    for Related { event, fact, .. } in linker.iter() {
        assert_eq!(standing.get(&event.event), Some(&fact), "told facts differ from the state");
        let expected = &naive[&event.event];
        let dims = |d: Dimension| fact.cell.dim(d);
        let got = naive::Naive {
            outcome: fact.outcome.name(),
            reason: fact.reason(),
            impression: fact.impression().cloned(),
            click: fact.click().cloned(),
            through: fact.through().map(Through::name),
            dims: adtally_core::event::Dims {
                campaign: dims(Dimension::Campaign).clone(),
                ad: dims(Dimension::Ad).clone(),
                service: dims(Dimension::Service).clone(),
                placement: dims(Dimension::Placement).clone(),
                country: dims(Dimension::Country).clone(),
                device: dims(Dimension::Device).clone(),
            },
            cost_micros: fact.measures.get(Measure::CostMicros),
            duplicates: fact.measures.get(Measure::Duplicates) as u64,
            late: fact.measures.get(Measure::Late) == 1,
        };
        assert_eq!(&got, expected, "{:?}", event.event);
    }
}
