//! Batch runs and their publications: cuts of Linkers, days linked again up to them, Reports that go over to them.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_core::ledger::{Judgement, judge, oldest_kept};
use adtally_core::link::{Fact, cells_of};
use adtally_core::publish::{Before, BySource, stage};
use adtally_core::restate::Restatement;
use adtally_core::segment::Segment;
use adtally_core::shard::Whom;

use super::world::{Ledger, World};
use super::{Bug, Crash};
use crate::scenario::START;

/// What counts as a day here, so that a run has several.
const DAY_MS: i64 = 7_000;

/// A batch run: where it cut each Linker, and the cells of each day up to there.
#[derive(Clone)]
pub(super) struct Run {
    /// By Linker, the epoch that was closed.
    epochs: Vec<u64>,
    days: BTreeMap<Scope, BTreeMap<i64, BySource>>,
}

/// The scopes that events of the world have.
pub(super) fn scopes() -> [Scope; 3] {
    let key = |text| Key::parse(text).unwrap();
    [Scope::Platform, Scope::Advertiser(key("acme")), Scope::Service(key("news"))]
}

fn source(node: usize) -> String {
    format!("acme/{node}")
}

impl Ledger {
    /// The batch as of a generation.
    pub(super) fn batch(&self, generation: u64) -> Segment {
        let latest = self.days.values().filter_map(|kept| kept.range(..=generation).next_back());
        Segment::merged(&latest.map(|(_, segment)| segment).collect::<Vec<_>>())
    }

    /// Everything that the report counts.
    pub(super) fn merged(&self) -> Segment {
        let batch = self.batch(self.generation);
        let parts: Vec<&Segment> = self.realtime.values().chain([&batch]).collect();
        Segment::merged(&parts)
    }

    fn day(&self, day: i64) -> BySource {
        let of_day = self.days.iter().filter(|((of, _), _)| *of == day);
        let latest = of_day.filter_map(|((_, source), kept)| {
            let (_, segment) = kept.range(..=self.generation).next_back()?;
            Some((source.clone(), segment.clone()))
        });
        latest.collect()
    }
}

impl World {
    /// A batch run cuts every Linker and links every day again; a Linker that crashes is asked again.
    pub(super) fn cut(&mut self, crash: Crash) {
        let mut run = Run { epochs: Vec::new(), days: BTreeMap::new() };
        for node in 0..self.nodes.len() {
            self.cut_node(node, crash, &mut run);
        }
        self.runs.push(run);
    }

    fn cut_node(&mut self, node: usize, crash: Crash, run: &mut Run) {
        if crash == Crash::BeforeStore {
            self.nodes[node].crash();
        }
        let Self { nodes, config, now, .. } = self;
        let telling = nodes[node].shard(config).0.tell(*now, Whom::ReportsAndBilling);
        let store = &mut nodes[node].store;
        if let Some(telling) = &telling {
            store.post(telling, false, config.bug);
        }
        run.epochs.push(store.epoch);
        // The bug: the epoch is closed after the crash that never lets it.
        if config.bug != Some(Bug::EpochApartFromCut) || crash != Crash::AfterStore {
            store.epoch += 1;
        }
        let facts: Vec<Fact> =
            store.scratch(config).linker().iter().map(|related| super::invariants::told(&related)).collect();
        for scope in scopes() {
            let days = run.days.entry(scope.clone()).or_default();
            let mut by_day: BTreeMap<i64, Vec<Fact>> = BTreeMap::new();
            for fact in &facts {
                by_day.entry((fact.at.0 - START) / DAY_MS).or_default().push(fact.clone());
            }
            for (day, facts) in by_day {
                let cells = Segment::from_cells(cells_of(&facts, &scope));
                days.entry(day).or_default().insert(source(node), cells);
            }
        }
        match crash {
            Crash::No => {
                if let Some(telling) = &telling {
                    nodes[node].shard(config).0.told(telling);
                }
            }
            Crash::BeforeStore | Crash::AfterStore => nodes[node].crash(),
        }
    }

    /// A scope publishes a run, perhaps an old one or one that it has; a crash before the end leaves it staged.
    pub(super) fn publish(&mut self, scope: usize, run: usize, crash: Crash) {
        if self.runs.is_empty() {
            return;
        }
        let (scope, place) = (scopes()[scope % 3].clone(), run % self.runs.len());
        let (run, generation, bug) = (self.runs[place].clone(), place as u64 + 1, self.config.bug);
        let ledger = self.ledgers.entry(scope.clone()).or_default();
        if judge(ledger.generation, generation) == Judgement::Known {
            return;
        }
        let published = ledger.generation;
        ledger.days.values_mut().for_each(|kept| kept.retain(|generation, _| *generation <= published));
        ledger.days.retain(|_, kept| !kept.is_empty());
        let mut restated = Vec::new();
        for (day, linked) in run.days.get(&scope).cloned().unwrap_or_default() {
            let is_known = ledger.days.keys().any(|(of, _)| *of == day);
            let before = if is_known { Before::Published } else { Before::New };
            let staged = stage(&ledger.day(day), linked, before);
            for (source, segment) in staged.segments {
                ledger.days.entry((day, source)).or_default().insert(generation, segment);
            }
            restated.push((day, before, staged.restatements));
            if crash == Crash::BeforeStore {
                return;
            }
        }
        ledger.flip(&run, generation, bug);
        ledger.record(restated);
    }
}

impl Ledger {
    fn flip(&mut self, run: &Run, generation: u64, bug: Option<Bug>) {
        self.generation = generation;
        for (node, epoch) in run.epochs.iter().enumerate() {
            let heard = self.heard.entry(node).or_default();
            *heard = heard.cut(*epoch);
            let covered = *heard;
            if bug != Some(Bug::RealTimeKept) {
                self.realtime.retain(|(of, epoch), _| *of != node || !covered.covers(*epoch));
            }
        }
        let oldest = oldest_kept(generation);
        for kept in self.days.values_mut() {
            let last = kept.range(..=oldest).next_back().map_or(0, |(generation, _)| *generation);
            kept.retain(|generation, _| *generation >= last);
        }
        self.snapshots.insert(generation, self.batch(generation));
    }

    /// RESTATE-1: what was published first, and the changes since.
    fn record(&mut self, restated: Vec<(i64, Before, Vec<Restatement>)>) {
        for (day, before, restatements) in restated {
            if before == Before::New {
                let first = self.day(day);
                let first = Segment::merged(&first.values().collect::<Vec<_>>());
                self.on_record.insert(day, super::invariants::figures(&first));
            }
            let record = self.on_record.entry(day).or_default();
            for change in restatements.iter().flat_map(Restatement::changes) {
                record.entry(change.cell).or_default().add(change.measure, change.to - change.from);
            }
            record.retain(|_, figures| !figures.is_zero());
        }
    }

    /// What is published of each day is what is on record; what past generations were can still be read.
    pub(super) fn check(&self, scope: &Scope) -> Result<(), String> {
        for (day, record) in &self.on_record {
            let is = self.day(*day);
            let is = super::invariants::figures(&Segment::merged(&is.values().collect::<Vec<_>>()));
            if is != *record {
                return Err(format!("RESTATE-1: {scope} publishes {is:#?}, on record is {record:#?}"));
            }
        }
        let oldest = oldest_kept(self.generation);
        match self.snapshots.range(oldest..).find(|(generation, was)| self.batch(**generation) != **was) {
            Some((generation, _)) => Err(format!("MERGE-1: {scope} as of g{generation} is not what it was")),
            None => Ok(()),
        }
    }
}
