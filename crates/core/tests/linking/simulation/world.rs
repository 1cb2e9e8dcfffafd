//! The world: stores that survive, memory that does not, a network that repeats.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::batch::Ruling;
use adtally_core::billing::{Batch, BatchId, HandOff};
use adtally_core::cell::CellKey;
use adtally_core::cell::Scope;
use adtally_core::event::EventRef;
use adtally_core::ledger::{Heard, Hearing};
use adtally_core::link::Arrival;
use adtally_core::link::run::{Progress, Run};
use adtally_core::measure::Measures;
use adtally_core::route::shard_of;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::shard::{Parcel, Position, Row, Shard, Stored, Telling, Whom};
use adtally_core::time::ServerTime;

use super::backup::{Backup, Begun};
use super::billing::Books;
use super::merge::Run as BatchRun;
use super::{Bug, Configuration, Crash, Op};
use crate::scenario::START;
use crate::shelf::Extents;

/// What a Linker object has stored.
#[derive(Clone, Default)]
pub(super) struct Store {
    /// The epoch under which is told.
    pub(super) epoch: u64,
    /// The epoch of each parcel.
    pub(super) epochs: BTreeMap<u64, u64>,
    pub(super) rows: Vec<Row>,
    settings: Vec<(u64, Settings)>,
    /// Each parcel with the row up to which it tells; the parcel is gone once delivered.
    pub(super) outbox: Vec<(u64, i64, Option<Parcel>)>,
    /// Rows of billing that are not confirmed.
    pub(super) billing: BTreeMap<BatchId, Vec<Batch>>,
    /// The last row whose facts billing was told.
    billed_upto: i64,
    pub(super) extents: Extents,
    /// How far the log is spilled.
    position: Position,
    /// Runs were dropped.
    pub(super) has_forgotten: bool,
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
#[derive(Clone, Default)]
pub(super) struct Ledger {
    pub(super) heard: BTreeMap<usize, Heard>,
    /// By source and epoch.
    pub(super) realtime: BTreeMap<(usize, u64), Segment>,
    /// By day and source, from each generation on; those after the published one are staged.
    pub(super) days: BTreeMap<(i64, String), BTreeMap<u64, Segment>>,
    pub(super) generation: u64,
    /// What the batch was when each generation was published.
    pub(super) snapshots: BTreeMap<u64, Segment>,
    /// By day, its first publication and the restatements since.
    pub(super) on_record: BTreeMap<i64, BTreeMap<CellKey, Measures>>,
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
    /// Batch runs; the first is generation 1.
    pub(super) runs: Vec<BatchRun>,
    /// The backup that is being made.
    pub(super) begun: Option<Begun>,
    /// The last one that is complete.
    pub(super) backup: Option<Backup>,
}

impl Store {
    /// The memory that follows from the store.
    pub(super) fn replay(&self, config: &Configuration) -> Shard {
        let runs = self.extents.runs();
        self.replay_from(config, self.position, runs)
    }

    /// The memory that follows from the log alone, in which nothing is spilled or forgotten.
    pub(super) fn scratch(&self, config: &Configuration) -> Shard {
        self.replay_from(config, Position::default(), Vec::new())
    }

    fn replay_from(&self, config: &Configuration, position: Position, runs: Vec<Run>) -> Shard {
        let (last_seq, told_upto) = self.outbox.last().map_or((0, 0), |(seq, upto, _)| (*seq, *upto));
        // The bug: rulings are nowhere but in the log, and rows that are spilled are not linked again.
        let is_forgotten = config.bug == Some(Bug::RulingsForgotten);
        let rulings = if is_forgotten { Vec::new() } else { self.ruled() };
        let billed_upto = self.billed_upto;
        let stored = Stored { last_seq, told_upto, billed_upto, position, runs, rulings };
        let mut shard = Shard::new(stored, config.retention).in_slices_of(config.slice);
        for (revision, settings) in &self.settings {
            shard.set_settings(*revision, config.shards, settings.clone());
        }
        for (id, row) in (1..).zip(&self.rows).filter(|(id, _)| *id > position.row) {
            shard.committed(id, row.clone(), &self.extents).unwrap();
        }
        shard
    }

    /// The rulings of the log, each with its row.
    fn ruled(&self) -> Vec<(i64, Ruling)> {
        let rows = (1..).zip(&self.rows);
        rows.flat_map(|(id, row)| row.rulings.iter().map(move |ruling| (id, *ruling))).collect()
    }

    /// The rulings of the log, for the reference.
    pub(super) fn rulings(&self) -> Vec<Ruling> {
        self.ruled().into_iter().map(|(_, ruling)| ruling).collect()
    }

    /// Puts parcels and bills into the outboxes.
    pub(super) fn post(&mut self, telling: &Telling, forget_position: bool, bug: Option<Bug>) {
        let last = self.outbox.last().map_or(0, |(_, upto, _)| *upto);
        let upto = if forget_position { last } else { telling.upto };
        self.epochs.extend(telling.parcels.iter().map(|parcel| (parcel.seq, self.epoch)));
        self.outbox.extend(telling.parcels.iter().map(|parcel| (parcel.seq, upto, Some(parcel.clone()))));
        // The bug: what reports were told counts as told to billing.
        let is_taken = bug == Some(Bug::BillingTakenForTold);
        self.billed_upto = if is_taken { telling.upto } else { telling.billed_upto };
        self.bill(telling, bug);
    }

    /// Every delivery that the log holds, in order, for the reference.
    pub(super) fn deliveries(&self) -> Vec<Arrival> {
        let mut known: BTreeMap<EventRef, Arrival> = BTreeMap::new();
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
            let again = |repeat: &EventRef| Arrival { received: row.received, ..known[repeat].clone() };
            deliveries.extend(row.repeats.iter().map(again));
        }
        deliveries
    }
}

impl Node {
    /// The instance ends; its memory is gone.
    pub(super) fn crash(&mut self) {
        (self.memory, self.hand_off) = (None, HandOff::default());
    }

    /// Its memory, and what it reads.
    pub(super) fn shard(&mut self, config: &Configuration) -> (&mut Shard, &Extents) {
        let Node { memory, store, .. } = self;
        (memory.get_or_insert_with(|| store.replay(config)), &store.extents)
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
        let (runs, begun, backup) = (Vec::new(), None, None);
        World { config, nodes, ledgers, acknowledged, queue, books, now, delivered, runs, begun, backup }
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
            Op::Tell { shard, bills, crash } => {
                let whom = if *bills { Whom::ReportsAndBilling } else { Whom::Reports };
                self.tell(shard % nodes, whom, *crash);
            }
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
                let Self { nodes, config, .. } = self;
                for node in nodes {
                    let settings = config.settings[*which].clone();
                    let revision = node.revision;
                    node.revision += 1;
                    node.shard(config).0.set_settings(revision, config.shards, settings.clone());
                    node.store.settings.push((revision, settings));
                }
            }
            Op::Rule { shard, ruling, crash } => self.rule(shard % nodes, *ruling, *crash),
            Op::Spill { shard, crash } => self.spill(shard % nodes, *crash),
            Op::Merge { shard, runs, step, crash } => self.merge(shard % nodes, *runs, *step, *crash),
            Op::Forget { shard } => self.forget(shard % nodes),
            // A batch and a backup are never under way together.
            Op::Cut { crash } => {
                self.begun = None;
                self.cut(*crash);
            }
            Op::Publish { scope, run, crash } => {
                self.begun = None;
                self.publish(*scope, *run, *crash);
            }
            Op::CopyReceivers => self.copy_receivers(),
            Op::CopyLinkers => self.copy_linkers(),
            Op::Restore => self.restore(),
        }
    }

    fn send(&mut self, shard: usize, picked: &BTreeSet<usize>, crash: Crash, answer_is_lost: bool) {
        let config = &self.config;
        let mine = |n: &usize| shard_of(&config.events[*n], config.shards) as usize == shard;
        let events: Vec<_> =
            picked.iter().filter(|n| mine(n)).map(|n| self.config.events[*n].clone()).collect();
        if events.is_empty() {
            return;
        }
        let sent: Vec<EventRef> = events.iter().map(|event| event.event.clone()).collect();
        if self.config.bug == Some(Bug::AckBeforeCommit) {
            self.acknowledged.extend(sent.iter().cloned());
        }
        let (memory, shelf) = self.nodes[shard].shard(config);
        let (row, _) = memory.commit(events, self.now, shelf).unwrap();
        if self.append(shard, row, crash) && !answer_is_lost {
            self.acknowledged.extend(sent);
        }
    }

    fn rule(&mut self, shard: usize, ruling: Ruling, crash: Crash) {
        let Self { nodes, config, now, .. } = self;
        if let Some(row) = nodes[shard].shard(config).0.rule([ruling], *now) {
            self.append(shard, row, crash);
        }
    }

    /// Stores a row and links it; whether it came that far.
    fn append(&mut self, shard: usize, row: Row, crash: Crash) -> bool {
        let Self { nodes, config, now, .. } = self;
        let node = &mut nodes[shard];
        if crash == Crash::BeforeStore {
            node.crash();
            return false;
        }
        node.store.rows.push(row.clone());
        if crash == Crash::AfterStore {
            node.crash();
            return false;
        }
        let id = node.store.rows.len() as i64;
        let (memory, shelf) = node.shard(config);
        let mut parts = Vec::new();
        memory.committed_in_parts(id, row, *now, shelf, &mut |part| parts.push(part.clone())).unwrap();
        // The bug: they are not stored as one, and a crash comes in between.
        let is_torn = config.bug == Some(Bug::PartsApart) && parts.len() > 1;
        parts.truncate(if is_torn { 1 } else { parts.len() });
        parts.iter().for_each(|part| node.store.post(part, false, config.bug));
        if is_torn {
            node.crash();
        }
        true
    }

    fn tell(&mut self, shard: usize, whom: Whom, crash: Crash) {
        let Self { nodes, config, now, .. } = self;
        let node = &mut nodes[shard];
        let Some(telling) = node.shard(config).0.tell(*now, whom) else { return };
        if crash == Crash::BeforeStore {
            if config.bug == Some(Bug::SentBeforeStored) {
                self.queue.extend(telling.billing.into_iter().map(|batch| (shard, batch)));
            }
            node.crash();
            return;
        }
        // The bug: parcels are stored, but how far they tell is stored only after the crash that never lets it.
        let forget = config.bug == Some(Bug::OutboxApartFromPosition) && crash == Crash::AfterStore;
        node.store.post(&telling, forget, config.bug);
        if crash == Crash::AfterStore {
            node.crash();
            return;
        }
        node.shard(config).0.told(&telling);
    }

    fn spill(&mut self, shard: usize, crash: Crash) {
        let Self { nodes, config, now, .. } = self;
        let node = &mut nodes[shard];
        let Some(spill) = node.shard(config).0.spill(*now) else { return };
        if crash == Crash::BeforeStore {
            node.crash();
            return;
        }
        // The bug: what is untold leaves memory with its events.
        if let Some(telling) = spill.telling.as_ref().filter(|_| config.bug != Some(Bug::SpillWithoutTelling))
        {
            node.store.post(telling, false, config.bug);
        }
        node.store.extents.add(&spill.written);
        node.store.position = spill.position;
        if crash == Crash::AfterStore {
            node.crash();
            return;
        }
        node.shard(config).0.spilled(spill);
    }

    /// Merges the oldest runs; a crash comes after the first extents.
    fn merge(&mut self, shard: usize, runs: usize, step: usize, crash: Crash) {
        let Self { nodes, config, .. } = self;
        let node = &mut nodes[shard];
        let Some(mut merge) = node.shard(config).0.merge(runs) else { return };
        loop {
            let progress = merge.step(step, &node.store.extents).unwrap();
            if crash == Crash::BeforeStore {
                return node.crash();
            }
            match progress {
                Progress::Extents(extents) => node.store.extents.put(merge.id, extents),
                Progress::Done(written) => {
                    node.store.extents.add(&written);
                    node.store.extents.forget(&merge.inputs);
                    if crash == Crash::AfterStore {
                        return node.crash();
                    }
                    return node.shard(config).0.merged(&merge.inputs, written.run);
                }
            }
        }
    }

    fn forget(&mut self, shard: usize) {
        let Self { nodes, config, now, .. } = self;
        let node = &mut nodes[shard];
        let Some(expiry) = node.shard(config).0.expire(*now) else { return };
        node.store.extents.forget(&expiry.runs);
        node.store.position = expiry.position;
        node.store.has_forgotten = true;
        node.shard(config).0.expired(&expiry);
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
            if let Some(begun) = &mut self.begun {
                begun.keep_parcel(shard, &parcel);
            }
        }
    }

    fn hear(&mut self, source: usize, scope: &Scope, seq: u64, segment: &Segment) {
        let bug = self.config.bug;
        let epoch = self.nodes[source].store.epochs[&seq];
        let ledger = self.ledgers.entry(scope.clone()).or_default();
        let heard = ledger.heard.entry(source).or_default();
        let hearing = match heard.hear(seq, epoch) {
            Hearing::Known if bug == Some(Bug::DeltaWithoutSeqCheck) => Hearing::Take,
            Hearing::Covered if bug == Some(Bug::CoveredDeltaCounted) => Hearing::Take,
            hearing => hearing,
        };
        if hearing == Hearing::Take {
            ledger.realtime.entry((source, epoch)).or_default().merge(segment);
        }
        heard.seq = heard.seq.max(Some(seq));
    }

    /// What was on its way is gone.
    pub(super) fn forget_network(&mut self) {
        self.queue.clear();
        self.delivered.clear();
    }

    /// No more faults: everything is sent until it is acknowledged, and everything is delivered.
    pub(super) fn heal(&mut self) {
        let missing: BTreeSet<usize> = (0..self.config.events.len())
            .filter(|n| !self.acknowledged.contains(&self.config.events[*n].event))
            .collect();
        for shard in 0..self.nodes.len() {
            self.send(shard, &missing, Crash::No, false);
            self.tell(shard, Whom::ReportsAndBilling, Crash::No);
            while self.nodes[shard].store.outbox.iter().any(|(_, _, parcel)| parcel.is_some()) {
                self.deliver(shard, usize::MAX, false);
            }
        }
        self.settle_bills();
    }
}
