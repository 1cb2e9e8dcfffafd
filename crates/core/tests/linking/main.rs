//! LINK-1: for every permutation, duplication and batching of the same accepted events the final set of facts is the
//! same, and equal to a naive reference that sorts everything and scans.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod golden;
mod naive;
mod scenario;
mod order;
mod billing;
mod simulation;

use std::collections::BTreeMap;

use adtally_core::cell::Dimension;
use adtally_core::event::{Dims, EventRef};
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

/// What the linker says otherwise than the reference, if anything.
fn disagreement(
    linker: &Linker,
    standing: &BTreeMap<EventRef, FactBody>,
    naive: &BTreeMap<EventRef, naive::Naive>,
) -> Option<String> {
    if standing.len() != naive.len() || linker.len() != naive.len() {
        let lens = (linker.len(), standing.len(), naive.len());
        return Some(format!("{lens:?} events in the linker, among its facts, in the reference"));
    }
    linker.iter().find_map(|Related { event, fact, .. }| {
        if standing.get(&event.event) != Some(&fact) {
            return Some(format!("the facts told of {:?} differ from its state", event.event));
        }
        let (got, expected) = (in_plain_words(&fact), &naive[&event.event]);
        (got != *expected).then(|| format!("{:?} is {got:#?}, not {expected:#?}", event.event))
    })
}

/// Panics with what the linker says otherwise than the reference.
fn assert_agrees(
    linker: &Linker,
    standing: &BTreeMap<EventRef, FactBody>,
    naive: &BTreeMap<EventRef, naive::Naive>,
) {
    if let Some(disagreement) = disagreement(linker, standing, naive) {
        panic!("{disagreement}");
    }
}

fn in_plain_words(fact: &FactBody) -> naive::Naive {
    let dims = |dimension| fact.cell.dim(dimension).clone();
    naive::Naive {
        outcome: fact.outcome.name(),
        reason: fact.reason(),
        impression: fact.impression().cloned(),
        click: fact.click().cloned(),
        through: fact.through().map(Through::name),
        dims: Dims {
            campaign: dims(Dimension::Campaign),
            ad: dims(Dimension::Ad),
            service: dims(Dimension::Service),
            placement: dims(Dimension::Placement),
            country: dims(Dimension::Country),
            device: dims(Dimension::Device),
        },
        cost_micros: fact.measures.get(Measure::CostMicros),
        duplicates: fact.measures.get(Measure::Duplicates) as u64,
        late: fact.measures.get(Measure::Late) == 1,
    }
}
