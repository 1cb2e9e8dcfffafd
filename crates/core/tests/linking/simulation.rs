//! Linker objects, Report objects, a queue, a ledger and senders in one deterministic world, with faults as operations.
//!
//! The decisions are those of `adtally_core::shard` and `adtally_core::ledger`, the same that the worker executes;
//! the world executes them on stores that survive crashes and memory that does not.
//! After each operation the invariants are checked; at the end everything is sent again until it is acknowledged,
//! everything is flushed, and the reports must equal the naive reference.
//!
//! `cargo xtask simulate --seeds N` runs N seeds; a failure prints its seed and the smallest operations that show it.

mod invariants;
mod world;
mod billing;
mod merge;
mod backup;

use adtally_core::batch::Ruling;
use adtally_core::event::Event;
use adtally_core::link::{Retention, SLICE_EVENTS};
use adtally_core::settings::Settings;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::scenario;
use world::World;

/// Seeds that every test run tries; `ADTALLY_SEEDS` overrides it.
const SEEDS: u64 = 2_000;

/// A whole run.
#[derive(Debug, Clone)]
struct Input {
    config: Configuration,
    ops: Vec<Op>,
}

/// What does not change during a run.
#[derive(Debug, Clone)]
struct Configuration {
    /// How many shards the advertiser has.
    shards: u32,
    /// The distinct events that senders have to send.
    events: Vec<Event>,
    /// Settings in the order in which operations put them in force.
    settings: Vec<Settings>,
    /// For how long events have to do with each other.
    retention: Retention,
    /// How many events a Linker settles, and tells, at once.
    slice: usize,
    /// A bug planted into the world, to see that it is found.
    bug: Option<Bug>,
}

/// Mistakes that a shell could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    AckBeforeCommit,
    DeltaWithoutSeqCheck,
    OutboxApartFromPosition,
    CreditForgotten,
    EntryWithoutIdempotencyCheck,
    RowForgottenWhenSent,
    SentBeforeStored,
    SpillWithoutTelling,
    BillingTakenForTold,
    RulingsForgotten,
    EpochApartFromCut,
    CoveredDeltaCounted,
    RealTimeKept,
    NothingKept,
    PartsApart,
}

/// Where an object stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    No,
    BeforeStore,
    AfterStore,
}

/// One step of the world; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Op {
    /// A sender sends events, among them some that it sent before.
    Send { events: Vec<usize>, crash: Crash, answer_is_lost: bool },
    /// A Linker moves what is untold into its outbox, perhaps without what it costs.
    Tell { shard: usize, bills: bool, crash: Crash },
    /// A Linker delivers its oldest parcel to so many scopes, and marks it if that were all.
    Deliver { shard: usize, scopes: usize, answer_is_lost: bool },
    /// The network repeats a delta that was delivered before.
    Redeliver { delta: usize },
    /// A Linker hands so many rows of billing to the queue; a crash comes when a part of the last one is there.
    Bill { shard: usize, rows: usize, crash: bool },
    /// The ledger takes a message of the queue, which may keep it and deliver it again.
    Consume { message: usize, confirmation_is_lost: bool, is_kept: bool },
    /// The queue refuses a row of billing after its first message.
    Refuse { shard: usize },
    /// The queue loses what it has.
    LoseQueue,
    /// What is in memory becomes a run.
    Spill { shard: usize, crash: Crash },
    /// So many runs become one, so many records at a time.
    Merge { shard: usize, runs: usize, step: usize, crash: Crash },
    /// Runs of which nothing matters any more are dropped.
    Forget { shard: usize },
    /// An instance ends; its memory is gone.
    Restart { shard: usize },
    /// A batch run cuts every Linker, and links every day again up to the cuts.
    Cut { crash: Crash },
    /// A scope publishes a batch run, perhaps an old one, perhaps again.
    Publish { scope: usize, run: usize, crash: Crash },
    /// The server's clock jumps, backwards too.
    Clock { by_ms: i64 },
    /// A user has too many events of a kind in a day: its Linker is told.
    Rule { shard: usize, ruling: Ruling, crash: Crash },
    /// New settings come into force in every Linker.
    Settings { which: usize },
    /// A backup begins: receivers are copied.
    CopyReceivers,
    /// It goes on: Linkers are copied.
    CopyLinkers,
    /// Everything is lost, and the last backup restored.
    Restore,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let crash = || prop::sample::select(&[Crash::No, Crash::No, Crash::BeforeStore, Crash::AfterStore][..]);
    let op = prop_oneof![
        6 => (prop::collection::vec(0..64usize, 1..8), crash(), prop::bool::weighted(0.2))
            .prop_map(|(events, crash, answer_is_lost)| Op::Send { events, crash, answer_is_lost }),
        4 => (0..2usize, any::<bool>(), crash())
            .prop_map(|(shard, bills, crash)| Op::Tell { shard, bills, crash }),
        6 => (0..2usize, 0..6usize, prop::bool::weighted(0.3))
            .prop_map(|(shard, scopes, answer_is_lost)| Op::Deliver { shard, scopes, answer_is_lost }),
        1 => (0..64usize).prop_map(|delta| Op::Redeliver { delta }),
        4 => (0..2usize, 1..4usize, prop::bool::weighted(0.2))
            .prop_map(|(shard, rows, crash)| Op::Bill { shard, rows, crash }),
        6 => (0..64usize, prop::bool::weighted(0.3), prop::bool::weighted(0.3)).prop_map(
            |(message, confirmation_is_lost, is_kept)| Op::Consume { message, confirmation_is_lost, is_kept }
        ),
        1 => (0..2usize).prop_map(|shard| Op::Refuse { shard }),
        1 => Just(Op::LoseQueue),
        3 => (0..2usize, crash()).prop_map(|(shard, crash)| Op::Spill { shard, crash }),
        1 => (0..2usize, 2..4usize, 1..9usize, crash())
            .prop_map(|(shard, runs, step, crash)| Op::Merge { shard, runs, step, crash }),
        1 => (0..2usize).prop_map(|shard| Op::Forget { shard }),
        1 => (0..2usize).prop_map(|shard| Op::Restart { shard }),
        1 => crash().prop_map(|crash| Op::Cut { crash }),
        3 => (0..3usize, 0..64usize, crash())
            .prop_map(|(scope, run, crash)| Op::Publish { scope, run, crash }),
        1 => (-5_000_000..5_000_000i64).prop_map(|by_ms| Op::Clock { by_ms }),
        1 => (0..3usize).prop_map(|which| Op::Settings { which }),
        1 => Just(Op::CopyReceivers),
        1 => Just(Op::CopyLinkers),
        1 => Just(Op::Restore),
        1 => (0..2usize, scenario::ruling(), crash())
            .prop_map(|(shard, ruling, crash)| Op::Rule { shard, ruling, crash }),
    ];
    prop::collection::vec(op, 1..60)
}

fn input(bug: Option<Bug>) -> impl Strategy<Value = Input> {
    let events = prop::collection::vec(scenario::event(), 1..40);
    let settings = prop::collection::vec(scenario::settings(), 3);
    let short = Retention { touches_ms: 4_000_000, dedupe_ms: 1_000_000 };
    let retention = prop_oneof![Just(Retention::default()), Just(short)];
    let slice = prop_oneof![Just(SLICE_EVENTS), 1..8usize];
    let input = (1..3u32, events, settings, (retention, slice), ops());
    input.prop_map(move |(shards, mut events, settings, (retention, slice), ops)| {
        let mut seen = std::collections::BTreeSet::new();
        events.retain(|event| seen.insert(event.event.clone()));
        Input { config: Configuration { shards, events, settings, retention, slice, bug }, ops }
    })
}

/// Runs one input to its end; the first violation ends it.
fn run(input: &Input) -> Result<(), String> {
    let mut world = World::new(input.config.clone());
    for op in &input.ops {
        world.step(op);
        invariants::check(&world)?;
    }
    world.heal();
    invariants::check(&world)?;
    invariants::check_settled(&world)
}

/// Tries seeds until one fails; gives back the seed and the smallest failing input.
fn search(seeds: u64, bug: Option<Bug>) -> Option<(u64, Input, String)> {
    let strategy = input(bug);
    (0..seeds).find_map(|seed| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config =
            Config { cases: 1, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new_with_rng(config, rng)
            .run(&strategy, |input| run(&input).map_err(TestCaseError::fail));
        match outcome {
            Err(TestError::Fail(reason, input)) => Some((seed, input, reason.to_string())),
            Err(TestError::Abort(reason)) => panic!("seed {seed}: {reason}"),
            Ok(()) => None,
        }
    })
}

#[test]
fn no_seed_breaks_an_invariant() {
    let seeds = std::env::var("ADTALLY_SEEDS").ok().map_or(SEEDS, |text| text.parse().unwrap());
    if let Some((seed, input, reason)) = search(seeds, None) {
        panic!("seed {seed}: {reason}\n{input:#?}");
    }
    println!("{seeds} seeds, no violation");
}

#[test]
fn planted_bugs_are_found() {
    for (bug, invariant) in [
        (Bug::AckBeforeCommit, "ACK-1"),
        (Bug::DeltaWithoutSeqCheck, "ONCE-1"),
        (Bug::OutboxApartFromPosition, "ONCE-1"),
        (Bug::CreditForgotten, "BILL-1"),
        (Bug::EntryWithoutIdempotencyCheck, "BILL-1"),
        (Bug::RowForgottenWhenSent, "BILL-1"),
        (Bug::SentBeforeStored, "BILL-1"),
        (Bug::SpillWithoutTelling, "-1"),
        (Bug::BillingTakenForTold, "BILL-1"),
        (Bug::RulingsForgotten, "-1"),
        (Bug::EpochApartFromCut, "MERGE-1"),
        (Bug::CoveredDeltaCounted, "MERGE-1"),
        (Bug::RealTimeKept, "MERGE-1"),
        (Bug::NothingKept, "-1"),
        (Bug::PartsApart, "-1"),
    ] {
        let Some((seed, input, reason)) = search(1_000, Some(bug)) else { panic!("{bug:?} was not found") };
        assert!(reason.contains(invariant), "{bug:?} was found by {reason}");
        println!("{bug:?}: seed {seed}, {} operations, {invariant}", input.ops.len());
    }
}
