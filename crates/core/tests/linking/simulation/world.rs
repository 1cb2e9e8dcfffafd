//! The world: stores that survive, memory that does not, a network that repeats.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::billing::{Batch, BatchId, HandOff};
use adtally_core::cell::Scope;
use adtally_core::event::EventRef;
use adtally_core::ledger::{Hearing, hear};
use adtally_core::link::Arrival;
use adtally_core::route::shard_of;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::shard::{Parcel, Row, Shard};
use adtally_core::time::ServerTime;

use super::billing::Books;
use super::{Bug, Configuration, Crash, Op};
use crate::scenario::START;

/// What a Linker object has stored.
#[derive(Default)]
pub(super) struct Store {
    pub(super) rows: Vec<Row>,
    settings: Vec<(u64, Settings)>,
    /// Each parcel with the row up to which it tells; the parcel is gone once delivered.
    pub(super) outbox: Vec<(u64, i64, Option<Parcel>)>,
    /// Rows of billing that are not confirmed.
    pub(super) billing: BTreeMap<BatchId, Vec<Batch>>,
}

/// A Linker object.
#[derive(Default)]
pub(super) struct Node {
    pub(super) store: Store,
    pub(super) memory: Option<Shard>,
    /// Memory, too.
    pub(super) hand_off: HandOff,
    /// The next revision of its settings.
    revision: u64,
}

/// A Report object; it has nothing that is not stored.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) heard: BTreeMap<usize, u64>,
    pub(super) cells: Segment,
}

pub(super) struct World {
    pub(super) config: Configuration,
    pub(super) nodes: Vec<Node>,
    pub(super) ledgers: BTreeMap<Scope, Ledger>,
    /// What senders were told is stored.
    pub(super) acknowledged: BTreeSet<EventRef>,
    /// Messages between Linkers and the ledger, with the Linker that sent them.
    pub(super) queue: Vec<(usize, Batch)>,
    pub(super) books: Books,
    pub(super) now: ServerTime,
    delivered: Vec<(usize, Scope, u64, Segment)>,
}

impl Store {
    /// The memory that follows from the store.
    pub(super) fn replay(&self, shards: u32) -> Shard {
        let (last_seq, told_upto) = self.outbox.last().map_or((0, 0), |(seq, upto, _)| (*seq, *upto));
        let mut shard = Shard::new(last_seq, told_upto);
        for (revision, settings) in &self.settings {
            shard.set_settings(*revision, shards, settings.clone());
        }
        for (id, row) in (1..).zip(&self.rows) {
            shard.committed(id, row.clone()).unwrap();
        }
        shard
    }

    /// Every delivery that the log holds, in order, for the reference.
    pub(super) fn deliveries(&self) -> Vec<Arrival> {
        let mut known = BTreeMap::new();
        let mut deliveries = Vec::new();
        for row in &self.rows {
            let settings = self.settings.iter().find(|(revision, _)| *revision == row.revision).unwrap();
            let settings = std::sync::Arc::new(settings.1.clone());
            for event in &row.accepted {
                let arrival =
                    Arrival { event: event.clone(), received: row.received, settings: settings.clone() };
                known.insert(event.event.clone(), arrival.clone());
                deliveries.push(arrival);
            }
            deliveries.extend(row.repeats.iter().map(|repeat| known[repeat].clone()));
        }
        deliveries
    }
}

impl Node {
    /// The instance ends; its memory is gone.
    pub(super) fn crash(&mut self) {
        (self.memory, self.hand_off) = (None, HandOff::default());
    }

    fn shard(&mut self, shards: u32) -> &mut Shard {
        let Node { memory, store, .. } = self;
        memory.get_or_insert_with(|| store.replay(shards))
    }
}

impl World {
    pub(super) fn new(config: Configuration) -> Self {
        let mut nodes: Vec<Node> = (0..config.shards).map(|_| Node::default()).collect();
        for node in &mut nodes {
            node.store.settings.push((0, config.settings[0].clone()));
            node.revision = 1;
        }
        let now = ServerTime(START + 100_000);
        let (ledgers, acknowledged, delivered) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        let (queue, books) = (Vec::new(), Books::default());
        World { config, nodes, ledgers, acknowledged, queue, books, now, delivered }
    }

    pub(super) fn step(&mut self, op: &Op) {
        let nodes = self.nodes.len();
        match op {
            Op::Send { events, crash, answer_is_lost } => {
                let picked: BTreeSet<usize> = events.iter().map(|n| n % self.config.events.len()).collect();
                for shard in 0..nodes {
                    self.send(shard, &picked, *crash, *answer_is_lost);
                }
            }
            Op::Tell { shard, crash } => self.tell(shard % nodes, *crash),
            Op::Deliver { shard, scopes, answer_is_lost } => {
                self.deliver(shard % nodes, *scopes, *answer_is_lost);
            }
            Op::Redeliver { delta } if !self.delivered.is_empty() => {
                let (source, scope, seq, segment) = self.delivered[delta % self.delivered.len()].clone();
                self.hear(source, &scope, seq, &segment);
            }
            Op::Redeliver { .. } => {}
            Op::Bill { shard, rows, crash } => self.bill(shard % nodes, *rows, *crash),
            Op::Consume { message, confirmation_is_lost, is_kept } => {
                self.consume(*message, *confirmation_is_lost, *is_kept);
            }
            Op::Refuse { shard } => self.refuse(shard % nodes),
            Op::LoseQueue => self.queue.clear(),
            Op::Restart { shard } => self.nodes[shard % nodes].crash(),
            Op::Clock { by_ms } => self.now.0 += by_ms,
            Op::Settings { which } => {
                for node in &mut self.nodes {
                    let settings = self.config.settings[*which].clone();
                    let revision = node.revision;
                    node.revision += 1;
                    node.shard(self.config.shards).set_settings(
                        revision,
                        self.config.shards,
                        settings.clone(),
                    );
                    node.store.settings.push((revision, settings));
                }
            }
        }
    }

    fn send(&mut self, shard: usize, picked: &BTreeSet<usize>, crash: Crash, answer_is_lost: bool) {
        let shards = self.config.shards;
        let mine = |n: &usize| shard_of(&self.config.events[*n], shards) as usize == shard;
        let events: Vec<_> =
            picked.iter().filter(|n| mine(n)).map(|n| self.config.events[*n].clone()).collect();
        if events.is_empty() {
            return;
        }
        let sent: Vec<EventRef> = events.iter().map(|event| event.event.clone()).collect();
        if self.config.bug == Some(Bug::AckBeforeCommit) {
            self.acknowledged.extend(sent.iter().cloned());
        }
        let node = &mut self.nodes[shard];
        let (row, _) = node.shard(shards).commit(events, self.now);
        if crash == Crash::BeforeStore {
            node.crash();
            return;
        }
        node.store.rows.push(row.clone());
        if crash == Crash::AfterStore {
            node.crash();
            return;
        }
        let id = node.store.rows.len() as i64;
        node.shard(shards).committed(id, row).unwrap();
        if !answer_is_lost {
            self.acknowledged.extend(sent);
        }
    }

    fn tell(&mut self, shard: usize, crash: Crash) {
        let now = self.now;
        let node = &mut self.nodes[shard];
        let Some(telling) = node.shard(self.config.shards).tell(now) else { return };
        if crash == Crash::BeforeStore {
            node.crash();
            return;
        }
        // The bug: parcels are stored, but how far they tell is stored only after the crash that never lets it.
        let forget = self.config.bug == Some(Bug::OutboxApartFromPosition) && crash == Crash::AfterStore;
        let upto =
            if forget { node.store.outbox.last().map_or(0, |(_, upto, _)| *upto) } else { telling.upto };
        let rows = telling.parcels.iter().map(|parcel| (parcel.seq, upto, Some(parcel.clone())));
        node.store.outbox.extend(rows);
        node.store.bill(&telling, self.config.bug);
        if crash == Crash::AfterStore {
            node.crash();
            return;
        }
        node.shard(self.config.shards).told(&telling);
    }

    /// Delivers the oldest parcel to the first `scopes` of its scopes; marks it when all have it.
    fn deliver(&mut self, shard: usize, scopes: usize, answer_is_lost: bool) {
        let open = self.nodes[shard].store.outbox.iter().position(|(_, _, parcel)| parcel.is_some());
        let Some((place, parcel)) =
            open.and_then(|n| Some((n, self.nodes[shard].store.outbox[n].2.clone()?)))
        else {
            return;
        };
        for (scope, segment) in parcel.segments.iter().take(scopes) {
            let segment = Segment::decode(segment).unwrap();
            self.hear(shard, scope, parcel.seq, &segment);
            self.delivered.push((shard, scope.clone(), parcel.seq, segment));
        }
        if scopes >= parcel.segments.len() && !answer_is_lost {
            self.nodes[shard].store.outbox[place].2 = None;
        }
    }

    fn hear(&mut self, source: usize, scope: &Scope, seq: u64, segment: &Segment) {
        let checks = self.config.bug != Some(Bug::DeltaWithoutSeqCheck);
        let ledger = self.ledgers.entry(scope.clone()).or_default();
        let known = hear(ledger.heard.get(&source).copied(), seq) == Hearing::Known;
        if known && checks {
            return;
        }
        ledger.cells.merge(segment);
        let last = ledger.heard.entry(source).or_default();
        *last = seq.max(*last);
    }

    /// No more faults: everything is sent until it is acknowledged, and everything is delivered.
    pub(super) fn heal(&mut self) {
        let missing: BTreeSet<usize> = (0..self.config.events.len())
            .filter(|n| !self.acknowledged.contains(&self.config.events[*n].event))
            .collect();
        for shard in 0..self.nodes.len() {
            self.send(shard, &missing, Crash::No, false);
            self.tell(shard, Crash::No);
            while self.nodes[shard].store.outbox.iter().any(|(_, _, parcel)| parcel.is_some()) {
                self.deliver(shard, usize::MAX, false);
            }
        }
        self.settle_bills();
    }
}
