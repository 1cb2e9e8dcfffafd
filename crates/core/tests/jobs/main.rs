//! JOB-1: random runs in a world in which messages are lost, repeated and reordered, workers and the board die, answers
//! get lost, and people retry, cancel and pause.
//!
//! The world executes what the board decides on a store that survives crashes, as the Jobs object does; it stores nothing
//! but what the board says has changed. After each operation the invariants are checked; at the end everybody works,
//! and every run must end with all of its tasks succeeded.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod examples;
mod plan;
mod rules;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use plan::Plan;
use world::World;

/// Inputs that every test run tries; `ADTALLY_SEEDS` overrides it.
const SEEDS: u32 = 3_000;

/// A whole run.
#[derive(Debug, Clone)]
struct Input {
    plan: Plan,
    ops: Vec<Op>,
}

/// Mistakes that a shell could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    ClaimAnsweredBeforeStored,
    SpawnNotStored,
    RemovedKept,
    LateAnswerHeard,
    NobodyWatches,
}

/// Where the board stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    No,
    BeforeStore,
    AfterStore,
}

/// What a worker says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Done,
    Failed,
    FailedForGood,
}

/// One step of the world; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Op {
    /// Time goes by, and an alarm rings.
    Pass { ms: i64 },
    /// A worker gets a message, which may come again, and claims its task.
    Receive { message: usize, comes_again: bool, crash: Crash },
    /// The queue loses a message.
    Lose { message: usize },
    /// A worker gives a sign of life.
    Beat { worker: usize },
    /// A worker says what became of its task; if it hears no answer, it may say so again.
    Finish { worker: usize, word: Word, crash: Crash },
    /// A worker vanishes.
    Vanish { worker: usize },
    /// The board's memory is lost.
    Restart,
    /// Somebody runs all that failed again, or one task.
    Rerun { task: Option<usize>, crash: Crash },
    /// Somebody ends the run.
    Cancel,
    /// Somebody pauses the job, or resumes it.
    Pause { on: bool },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let any = 0_usize..64;
    let crash =
        || prop_oneof![8 => Just(Crash::No), 1 => Just(Crash::BeforeStore), 1 => Just(Crash::AfterStore)];
    let word = prop_oneof![6 => Just(Word::Done), 2 => Just(Word::Failed), 1 => Just(Word::FailedForGood)];
    let op = prop_oneof![
        4 => (0_i64..40_000).prop_map(|ms| Op::Pass { ms }),
        10 => (any.clone(), prop::bool::weighted(0.2), crash())
            .prop_map(|(message, comes_again, crash)| Op::Receive { message, comes_again, crash }),
        1 => any.clone().prop_map(|message| Op::Lose { message }),
        2 => any.clone().prop_map(|worker| Op::Beat { worker }),
        10 => (any.clone(), word, crash()).prop_map(|(worker, word, crash)| Op::Finish { worker, word, crash }),
        1 => any.clone().prop_map(|worker| Op::Vanish { worker }),
        1 => Just(Op::Restart),
        2 => (prop::option::of(any), crash()).prop_map(|(task, crash)| Op::Rerun { task, crash }),
        1 => prop::bool::weighted(0.1).prop_map(|is_cancel| if is_cancel { Op::Cancel } else { Op::Restart }),
        1 => prop::bool::weighted(0.3).prop_map(|on| Op::Pause { on }),
    ];
    prop::collection::vec(op, 1..80)
}

fn inputs() -> impl Strategy<Value = Input> {
    (plan::plans(), ops()).prop_map(|(plan, ops)| Input { plan, ops })
}

/// Runs the world; an error says which invariant does not hold.
fn simulate(input: &Input, bug: Option<Bug>) -> Result<(), String> {
    let mut world = World::new(&input.plan, bug);
    for op in &input.ops {
        world
            .execute(op)
            .and_then(|()| rules::check(&world))
            .map_err(|error| format!("after {op:?}: {error}"))?;
    }
    world.end_well()
}

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn runs_end_right_whatever_happens() {
    let seeds = std::env::var("ADTALLY_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let outcome = runner(seeds).run(&inputs(), |input| simulate(&input, None).map_err(TestCaseError::fail));
    if let Err(TestError::Fail(reason, input)) = outcome {
        panic!("{reason}\n{input:#?}");
    }
    outcome.unwrap();
    println!("{seeds} runs, no violation");
}

#[test]
fn planted_bugs_are_found() {
    for bug in [
        Bug::ClaimAnsweredBeforeStored,
        Bug::SpawnNotStored,
        Bug::RemovedKept,
        Bug::LateAnswerHeard,
        Bug::NobodyWatches,
    ] {
        let outcome =
            runner(SEEDS).run(&inputs(), |input| simulate(&input, Some(bug)).map_err(TestCaseError::fail));
        assert!(matches!(outcome, Err(TestError::Fail(..))), "{bug:?} was not found");
    }
}
