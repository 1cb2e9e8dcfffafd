//! LINK-1 for linkers whose past is in runs: spilled, merged and forgotten at any time.

use std::collections::BTreeSet;
use std::sync::Arc;

use adtally_core::batch::Ruling;
use adtally_core::event::{Event, EventRef};
use adtally_core::key::EventId;
use adtally_core::link::run::Erased;
use adtally_core::link::{Arrival, Fact, Linker, Retention, SLICE_EVENTS};
use adtally_core::settings::Settings;
use adtally_core::time::ServerTime;
use proptest::prelude::*;

use crate::scenario::{START, event, ruling, settings};
use crate::shelf::{Extents, spill};
use crate::{disagreement, naive, net};

/// What happens to a linker.
#[derive(Debug, Clone)]
enum Step {
    /// Deliveries arrive together.
    Arrive(Vec<Arrival>),
    /// A user has too many events of a kind in a day.
    Rule(Ruling),
    Spill,
    /// So many of the oldest runs become one.
    Merge(usize, usize),
    /// Runs of which nothing matters any more are dropped.
    Forget,
    /// Memory is made from what is stored.
    Restart,
    /// A user's events go.
    Erase(u64),
}

/// Times of the order of those of the events, so that some matter for each other and some do not.
fn retention() -> impl Strategy<Value = Retention> {
    prop_oneof![
        Just(Retention::default()),
        (0..8i64, 0..4i64).prop_map(|(touches, dedupe)| Retention {
            touches_ms: touches * 2_000,
            dedupe_ms: dedupe * 2_000
        }),
    ]
}

/// So many events are settled at once: all, or a slice after the other.
fn slice() -> impl Strategy<Value = usize> {
    prop_oneof![Just(SLICE_EVENTS), 1..12usize]
}

/// Steps in which server time never goes back; events may be delivered again at any time.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let deliveries = prop::collection::vec((event(), any::<bool>()), 1..6);
    let step = prop_oneof![
        6 => (deliveries, 0..4i64).prop_map(|(events, wait)| (Some((events, wait)), Step::Spill)),
        4 => Just((None, Step::Spill)),
        2 => (2..5usize, 1..4usize).prop_map(|(runs, step)| (None, Step::Merge(runs, step))),
        2 => Just((None, Step::Forget)),
        1 => Just((None, Step::Restart)),
        1 => ruling().prop_map(|ruling| (None, Step::Rule(ruling))),
    ];
    (prop::collection::vec(step, 1..30), settings(), settings()).prop_map(|(steps, one, other)| {
        let (one, other) = (Arc::new(one), Arc::new(other));
        let mut now = START;
        let arrive = |(events, wait): (Vec<_>, i64)| {
            now += wait * 1_500;
            let received = ServerTime(now);
            let settings = |first| if first { one.clone() } else { other.clone() };
            let arrival = |(event, first)| Arrival { event, received, settings: settings(first) };
            Step::Arrive(events.into_iter().map(arrival).collect())
        };
        let mut arrive = arrive;
        let step = |(events, step): (Option<_>, Step)| events.map_or(step, &mut arrive);
        steps.into_iter().map(step).collect()
    })
}

/// A linker with its runs.
struct Machine {
    linker: Linker,
    extents: Extents,
    retention: Retention,
    revisions: Vec<Arc<Settings>>,
    next_run: u64,
    now: ServerTime,
    rulings: Vec<Ruling>,
    /// How many events are settled at once.
    slice: usize,
}

impl Machine {
    fn new(retention: Retention, slice: usize) -> Self {
        let (extents, revisions, rulings) = Default::default();
        let (linker, now) = (Linker::with_retention(retention).in_slices_of(slice), ServerTime(START));
        Self { linker, extents, retention, revisions, next_run: 0, now, rulings, slice }
    }

    /// A spill forgets settings that nothing refers to, so they are made known whenever they are used.
    fn know(&mut self, settings: &Arc<Settings>) {
        let known = self.revisions.iter().position(|known| Arc::ptr_eq(known, settings));
        let revision = known.unwrap_or(self.revisions.len());
        if known.is_none() {
            self.revisions.push(settings.clone());
        }
        if !self.linker.revisions().any(|known| known == revision as u64) {
            self.linker.know_settings(revision as u64, settings.clone());
        }
    }

    /// What is told of deliveries that arrive together.
    fn arrive(&mut self, arrivals: &[Arrival]) -> Vec<Fact> {
        arrivals.iter().for_each(|arrival| self.know(&arrival.settings));
        self.now = arrivals[0].received;
        self.linker.apply_on(arrivals.to_vec(), &self.extents).unwrap().facts
    }

    fn spill(&mut self) {
        self.next_run += 1;
        spill(&mut self.linker, &mut self.extents, self.next_run);
    }

    fn merge(&mut self, runs: usize, step: usize) {
        let mut known = self.extents.runs();
        known.sort_by_key(|run| run.summary.age);
        known.truncate(runs);
        if known.len() < 2 {
            return;
        }
        self.next_run += 1;
        let merge = self.linker.merge_of(self.next_run, &known, self.now);
        let inputs = merge.inputs.clone();
        let written = self.extents.merge(merge, self.next_run, step);
        self.linker.merged(&inputs, written.run);
    }

    /// Writes every run again without the events of a group.
    fn erase(&mut self, group: u64) {
        self.spill();
        let erased = Erased { groups: [group].into(), upto: self.now };
        for run in self.linker.runs().to_vec() {
            self.next_run += 1;
            let merge = self.linker.erase_of(self.next_run, &run, erased.clone());
            let inputs = merge.inputs.clone();
            let written = self.extents.merge(merge, self.next_run, 2);
            self.linker.merged(&inputs, written.run);
        }
    }

    fn restart(&mut self) {
        self.spill();
        let mut runs = self.extents.runs();
        runs.sort_by_key(|run| run.summary.age);
        let linker = Linker::with_runs(self.retention, self.linker.len() as u64, runs);
        self.linker = linker.in_slices_of(self.slice);
        self.linker.know_rulings(self.rulings.iter().map(|ruling| (0, *ruling)));
        for (revision, settings) in (0..).zip(&self.revisions) {
            self.linker.know_settings(revision, settings.clone());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The facts that were told are those of the reference, whatever is in memory and whatever is forgotten.
    #[test]
    fn spilling_merging_and_forgetting_do_not_show(
        steps in steps(),
        retention in retention(),
        slice in slice(),
    ) {
        let mut machine = Machine::new(retention, slice);
        let (mut told, mut seen) = (Vec::new(), Vec::new());
        let mut forgotten = BTreeSet::new();
        for step in steps {
            match step {
                Step::Arrive(arrivals) => {
                    told.extend(machine.arrive(&arrivals));
                    seen.extend(arrivals);
                }
                // Only what is there can be ruled; a shard refuses rulings for days that may be forgotten.
                Step::Rule(_) if retention != Retention::default() => {}
                Step::Rule(ruling) => {
                    told.extend(machine.linker.rule(0, [ruling], &machine.extents).unwrap());
                    machine.rulings.push(ruling);
                }
                Step::Spill => machine.spill(),
                Step::Merge(runs, step) => machine.merge(runs, step),
                Step::Forget => {
                    let expired = machine.linker.expired(machine.now);
                    machine.linker.forget(&expired);
                    machine.extents.forget(&expired);
                    forgotten.extend(expired);
                }
                Step::Restart => machine.restart(),
                Step::Erase(_) => unreachable!("no such step here"),
            }
        }
        let naive = naive::link_within(&seen, &retention, &machine.rulings);
        let standing = net(told);
        let mut reference = Linker::with_retention(retention);
        reference.know_rulings(machine.rulings.iter().map(|ruling| (0, *ruling)));
        let from_scratch = net(reference.apply(seen).facts);
        prop_assert_eq!(disagreement(reference.iter(), &from_scratch, &naive), None);
        prop_assert_eq!(&standing, &from_scratch);
        if retention == Retention::default() {
            let all = machine.linker.all(&machine.extents).unwrap();
            prop_assert_eq!(disagreement(all, &standing, &naive), None);
        }
    }
}

/// Whether an arrival is a user's.
fn is_of(arrival: &Arrival, user: u64) -> bool {
    arrival.event.user.is_some_and(|key| key.0 == user)
}

/// The same, but for names: nobody has or names one of another user, whom a child would remember.
fn apart(arrival: Arrival) -> Arrival {
    let user = arrival.event.user.map_or(0, |key| key.0);
    let own = |id: &EventId| EventId::parse(&format!("{}-{user}", id.as_str())).unwrap();
    let event = arrival.event;
    let name = EventRef { kind: event.event.kind, id: own(&event.event.id) };
    let (impression, click) = (event.impression.as_ref().map(own), event.click.as_ref().map(own));
    Arrival { event: Event { event: name, impression, click, ..event }, ..arrival }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// KEEP-1: nothing is told when a user's events go, and what is told afterwards is told of the others as if they had
    /// never been there.
    #[test]
    fn what_is_erased_stays_in_the_figures(
        steps in steps(),
        erasures in prop::collection::vec((0..30usize, 1..4u64), 1..3),
        slice in slice(),
    ) {
        let retention = Retention::default();
        let mut machine = Machine::new(retention, slice);
        let apart = |step| match step {
            Step::Arrive(arrivals) => Step::Arrive(arrivals.into_iter().map(apart).collect()),
            other => other,
        };
        let mut steps: Vec<Step> = steps.into_iter().map(apart).collect();
        for (place, user) in erasures {
            steps.insert(place.min(steps.len()), Step::Erase(user));
        }
        let facts = |seen: &[Arrival]| Linker::with_retention(retention).apply(seen.to_vec()).facts;
        let (mut told, mut seen): (Vec<Fact>, Vec<Arrival>) = Default::default();
        for step in steps {
            match step {
                Step::Arrive(arrivals) => {
                    told.extend(machine.arrive(&arrivals));
                    seen.extend(arrivals);
                }
                Step::Spill => machine.spill(),
                Step::Merge(runs, step) => machine.merge(runs, step),
                Step::Restart => machine.restart(),
                Step::Erase(user) => {
                    // What it amounted to is taken out of what was told, to be compared with the rest.
                    let negated = |fact: Fact| Fact { sign: -fact.sign, ..fact };
                    told.extend(facts(&seen).into_iter().map(negated));
                    seen.retain(|arrival| !is_of(arrival, user));
                    told.extend(facts(&seen));
                    machine.erase(user);
                    let left = machine.linker.all(&machine.extents).unwrap();
                    prop_assert!(left.iter().all(|one| one.event.user.is_none_or(|key| key.0 != user)));
                }
                Step::Rule(_) | Step::Forget => {}
            }
        }
        prop_assert_eq!(net(told), net(facts(&seen)));
    }
}
