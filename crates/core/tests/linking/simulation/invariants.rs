//! What must hold after every operation, one predicate an invariant.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::billing::Entry;
use adtally_core::cell::{CellKey, Scope};
use adtally_core::event::EventRef;
use adtally_core::ledger::Hearing;
use adtally_core::link::{Fact, Related, cells_of};
use adtally_core::measure::Measures;
use adtally_core::segment::Segment;
use adtally_core::shard::Whom;
use adtally_core::time::ServerTime;

use super::Configuration;
use super::billing::identified;
use super::merge::scopes;
use super::world::{Ledger, Store, World};
use crate::billing::{balance, naive_costs_within};
use crate::{disagreement, naive, net};

type Figures = BTreeMap<CellKey, Measures>;

/// Those that hold at every instant.
pub(super) fn check(world: &World) -> Result<(), String> {
    check_ack(world)?;
    check_bill(world)?;
    scopes().iter().try_for_each(|scope| check_once(world, scope))?;
    world.ledgers.iter().try_for_each(|(scope, ledger)| ledger.check(scope))
}

/// ACK-1: what was acknowledged is stored.
fn check_ack(world: &World) -> Result<(), String> {
    let stored: BTreeSet<&EventRef> = world
        .nodes
        .iter()
        .flat_map(|node| &node.store.rows)
        .flat_map(|row| &row.accepted)
        .map(|event| &event.event)
        .collect();
    match world.acknowledged.iter().find(|event| !stored.contains(event)) {
        Some(event) => Err(format!("ACK-1: {event:?} was acknowledged but is not stored")),
        None => Ok(()),
    }
}

/// ONCE-1 and MERGE-1: what a report counts, batch and real time, and what is on its way to it, is what the stored events
/// amount to.
fn check_once(world: &World, scope: &Scope) -> Result<(), String> {
    let mut counted = Segment::default();
    let mut expected = Segment::default();
    let ledger = world.ledgers.get(scope);
    counted.merge(&ledger.map(Ledger::merged).unwrap_or_default());
    for (source, node) in world.nodes.iter().enumerate() {
        let heard = ledger.and_then(|ledger| ledger.heard.get(&source)).copied().unwrap_or_default();
        let epoch_of = |seq: u64| node.store.epochs.get(&seq).copied().unwrap_or(node.store.epoch);
        let stored = node.store.outbox.iter().filter_map(|(_, _, parcel)| parcel.as_ref());
        let untold = node.store.replay(&world.config).tell(ServerTime(0), Whom::ReportsAndBilling);
        let untold = untold.iter().flat_map(|telling| &telling.parcels);
        for parcel in stored.chain(untold) {
            if heard.hear(parcel.seq, epoch_of(parcel.seq)) != Hearing::Take {
                continue;
            }
            let own = parcel.segments.iter().filter(|(other, _)| other == scope);
            own.for_each(|(_, segment)| counted.merge(&Segment::decode(segment).unwrap()));
        }
        expected.merge(&amounts_to(&node.store, &world.config, scope));
    }
    let (counted, expected) = (figures(&counted), figures(&expected));
    if counted == expected {
        return Ok(());
    }
    Err(format!("ONCE-1, MERGE-1: {scope} counts {counted:#?}, but {expected:#?} is stored"))
}

/// BILL-1: what the ledger has counted, and what is on its way to it, is what the stored events cost.
///
/// What is in the queue does not count: it may be lost at any time.
fn check_bill(world: &World) -> Result<(), String> {
    let mut counted: Vec<Entry> = world.books.entries.clone();
    let mut expected = BTreeMap::new();
    for (source, node) in world.nodes.iter().enumerate() {
        let untold = node.store.replay(&world.config).tell(ServerTime(0), Whom::ReportsAndBilling);
        let untold = untold.iter().flat_map(|telling| &telling.billing);
        let on_the_way = node.store.billing.values().flatten().chain(untold);
        let entries = on_the_way.flat_map(|batch| identified(source, batch));
        let new = entries.filter(|(id, _)| !world.books.taken.contains(id));
        counted.extend(new.map(|(_, entry)| entry.clone()));
        expected.extend(naive_costs_within(
            &node.store.deliveries(),
            &world.config.retention,
            &node.store.rulings(),
        ));
    }
    let counted = balance(&counted);
    if counted == expected {
        return Ok(());
    }
    Err(format!("BILL-1: {counted:?} is billed or about to be, but {expected:?} is what it costs"))
}

/// LINK-1 and the end of all delivery: reports equal the naive reference.
pub(super) fn check_settled(world: &World) -> Result<(), String> {
    for node in &world.nodes {
        let mut shard = node.store.scratch(&world.config);
        let all: Vec<Related> = shard.linker().iter().collect();
        let standing = net(all.iter().map(told));
        let naive =
            naive::link_within(&node.store.deliveries(), &world.config.retention, &node.store.rulings());
        if let Some(disagreement) = disagreement(all, &standing, &naive) {
            return Err(format!("LINK-1: {disagreement}"));
        }
        let mut shard = node.store.replay(&world.config);
        let all = shard.linker().all(&node.store.extents).unwrap();
        match disagreement(all, &standing, &naive) {
            Some(disagreement) if !node.store.has_forgotten => {
                return Err(format!("LINK-1: with runs: {disagreement}"));
            }
            _ => {}
        }
        let is_open = node.store.outbox.iter().any(|(_, _, parcel)| parcel.is_some());
        if is_open || shard.tell(ServerTime(0), Whom::ReportsAndBilling).is_some() {
            return Err("ONCE-1: something is left to be told".to_owned());
        }
        if !node.store.billing.is_empty() {
            return Err("BILL-1: something is left to be billed".to_owned());
        }
    }
    let rows = world.nodes.iter().flat_map(|node| &node.store.rows);
    let stored: BTreeSet<_> = rows.flat_map(|row| &row.accepted).map(|event| &event.event).collect();
    match stored.len() == world.config.events.len() {
        true => Ok(()),
        false => Err(format!(
            "LINK-1: {} events are stored, {} were sent",
            stored.len(),
            world.config.events.len()
        )),
    }
}

/// The cells of everything that is stored, linked from scratch.
fn amounts_to(store: &Store, config: &Configuration, scope: &Scope) -> Segment {
    let facts: Vec<Fact> = store.scratch(config).linker().iter().map(|related| told(&related)).collect();
    Segment::from_cells(cells_of(&facts, scope))
}

/// What is told of an event that counts like this.
pub(super) fn told(related: &Related) -> Fact {
    let Related { event, fact, .. } = related;
    Fact { sign: 1, event: event.event.clone(), at: event.at, body: fact.clone() }
}

/// The figures that are not zero; sketches are left out, they only grow.
pub(super) fn figures(segment: &Segment) -> Figures {
    let cells = segment.iter().map(|(key, tally)| (key.clone(), tally.measures));
    cells.filter(|(_, measures)| !measures.is_zero()).collect()
}
