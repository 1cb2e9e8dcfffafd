//! LINK-1: for every permutation, duplication and batching of the same accepted events the final set of facts is the
//! same, and equal to a naive reference that sorts everything and scans.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod golden;
mod naive;
mod scenario;
mod order;
mod origin;
mod shelf;
mod runs;
mod many;
mod bulk;
mod billing;
mod simulation;

use std::collections::BTreeMap;

use adtally_core::cell::Dimension;
use adtally_core::event::{Dims, EventRef};
use adtally_core::link::{Fact, FactBody, Linker, Related, Through};
use adtally_core::measure::Measure;

/// What stands of each name; a name that is used again after the dedupe horizon has several.
type Standing = BTreeMap<EventRef, Vec<FactBody>>;

/// The facts that remain when each retraction has taken its fact away; panics where the signs do not add up.
fn net(facts: impl IntoIterator<Item = Fact>) -> Standing {
    let mut standing = Standing::new();
    for Fact { sign, event, body, .. } in facts {
        let bodies = standing.entry(event.clone()).or_default();
        if sign == 1 {
            bodies.push(body);
        } else {
            let place = bodies.iter().position(|other| *other == body);
            let place =
                place.unwrap_or_else(|| panic!("{event:?} retracted, but it does not stand: {body:#?}"));
            bodies.remove(place);
        }
    }
    standing.values_mut().for_each(|bodies| bodies.sort());
    standing.retain(|_, bodies| !bodies.is_empty());
    standing
}

/// What the linker says otherwise than the reference, if anything.
fn disagreement(
    all: impl IntoIterator<Item = Related>,
    standing: &Standing,
    naive: &BTreeMap<naive::Name, naive::Naive>,
) -> Option<String> {
    let mut state = Standing::new();
    for Related { event, fact, received, .. } in all {
        let name = (event.event.clone(), received.0);
        let Some(expected) = naive.get(&name) else {
            return Some(format!("{name:?} is unknown to the reference"));
        };
        let got = in_plain_words(&fact);
        if got != *expected {
            return Some(format!("{name:?} is {got:#?}, not {expected:#?}"));
        }
        state.entry(event.event).or_default().push(fact);
    }
    state.values_mut().for_each(|bodies| bodies.sort());
    let count = state.values().map(Vec::len).sum::<usize>();
    if count != naive.len() {
        return Some(format!("{count} events in the linker, {} in the reference", naive.len()));
    }
    let differs = |(event, bodies): &(&EventRef, &Vec<FactBody>)| standing.get(event) != Some(bodies);
    state.iter().find(differs).map(|(event, _)| format!("the facts told of {event:?} differ from its state"))
}

/// Panics with what the linker says otherwise than the reference.
fn assert_agrees(linker: &mut Linker, standing: &Standing, naive: &BTreeMap<naive::Name, naive::Naive>) {
    if let Some(disagreement) = disagreement(linker.iter(), standing, naive) {
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
