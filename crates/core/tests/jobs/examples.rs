//! Runs by example: what failures, silence and people do to them.

use adtally_core::jobs::{
    Board, Claimed, JobRules, LEASE_MS, Lane, MAX_IN_FLIGHT, MAX_LOSSES, MAX_RUN_IN_FLIGHT, Message, Outcome,
    PATIENCE_MS, PROOF_MS, Policy, RerunError, Run, RunId, RunState, SpawnError, Spec, TaskState,
};
use adtally_core::time::ServerTime;

const START: i64 = 1_000_000;

fn spec(id: &str, needs: &[&str]) -> Spec {
    let needs = needs.iter().map(|need| (*need).to_owned()).collect();
    Spec { id: id.to_owned(), kind: "k".to_owned(), needs, policy: Policy::default() }
}

/// A board with people and workers who speak in short sentences.
struct Desk {
    board: Board,
    now: i64,
}

impl Desk {
    fn with(specs: &[Spec]) -> Self {
        let mut desk = Self { board: Board::default(), now: START };
        desk.start("job", 1, specs);
        desk
    }

    fn start(&mut self, job: &str, number: u64, specs: &[Spec]) {
        let id = RunId { job: job.to_owned(), number };
        self.board.put(Run::new(id, specs.to_vec(), ServerTime(self.now), 7).unwrap());
    }

    /// What is sent at this time.
    fn step(&mut self, after_ms: i64) -> Vec<Message> {
        self.now += after_ms;
        self.board.step(ServerTime(self.now));
        self.board.take_messages()
    }

    fn ids(&mut self, after_ms: i64) -> Vec<String> {
        self.step(after_ms).into_iter().map(|message| message.task).collect()
    }

    fn claim(&mut self, message: &Message) -> bool {
        let claimed = self.board.claim(&message.run, &message.task, message.ticket, ServerTime(self.now));
        claimed == Claimed::Granted
    }

    fn end(&mut self, message: &Message, outcome: Outcome) -> bool {
        self.board.finish(&message.run, &message.task, message.ticket, outcome, ServerTime(self.now))
    }

    fn done(&mut self, message: &Message, spawn: &[Spec]) {
        assert!(self.claim(message));
        assert!(self.end(message, Outcome::Succeeded { spawn: spawn.to_vec() }));
    }

    fn run(&self) -> &Run {
        self.board.run(&RunId { job: "job".to_owned(), number: 1 }).unwrap()
    }

    fn states(&self) -> Vec<&str> {
        self.run().tasks().iter().map(|task| task.state.name()).collect()
    }

    fn error(&self, id: &str) -> String {
        self.run().task(id).unwrap().error.clone().unwrap_or_default()
    }
}

fn failed() -> Outcome {
    Outcome::Failed { error: "no".to_owned() }
}

#[test]
fn what_fails_is_tried_again_as_often_as_its_policy_says() {
    let mut desk = Desk::with(&[spec("a", &[])]);
    let mut message = desk.step(0).remove(0);
    for wait in [1_000, 2_000, 4_000] {
        assert!(desk.claim(&message) && desk.end(&message, failed()));
        assert_eq!(desk.step(wait / 2 - 1), [], "at least half of the wait");
        message = desk.step(wait / 2 + 1).remove(0);
    }
    assert!(desk.claim(&message) && desk.end(&message, failed()));
    assert_eq!(desk.step(60_000), []);
    assert_eq!((desk.run().state, desk.run().tasks()[0].attempts), (RunState::Failed, 4));
}

#[test]
fn a_message_that_nobody_claims_is_sent_again() {
    let mut desk = Desk::with(&[spec("a", &[])]);
    let first = desk.step(0);
    assert_eq!(desk.step(PATIENCE_MS - 1), []);
    assert_eq!(desk.step(1), first);
    assert_eq!(desk.step(2 * PATIENCE_MS - 1), []);
    assert_eq!(desk.step(1), first);
    assert!(desk.claim(&first[0]) && !desk.claim(&first[0]), "a ticket is granted once");
}

#[test]
fn whoever_is_silent_is_missed_and_heard_no_more() {
    let mut desk = Desk::with(&[spec("a", &[])]);
    let first = desk.step(0).remove(0);
    assert!(desk.claim(&first));
    desk.now += LEASE_MS - 1;
    assert!(desk.board.hear(&first.run, "a", first.ticket, ServerTime(desk.now)));
    assert_eq!(desk.step(LEASE_MS - 1), []);
    let second = desk.step(1).remove(0);
    assert_ne!(first.ticket, second.ticket);
    assert!(!desk.end(&first, Outcome::Succeeded { spawn: vec![] }));
    assert!(!desk.board.hear(&first.run, "a", first.ticket, ServerTime(desk.now)));
    // After a start of the board itself there is less time to prove oneself.
    assert!(desk.claim(&second));
    desk.board.wake(ServerTime(desk.now));
    assert_eq!((desk.ids(PROOF_MS - 1).len(), desk.ids(1).len()), (0, 1));
}

#[test]
fn a_board_that_could_not_listen_blames_nobody() {
    let mut desk = Desk::with(&[spec("a", &[])]);
    let message = desk.step(0).remove(0);
    assert!(desk.claim(&message));
    desk.board.pardon(LEASE_MS);
    assert_eq!(desk.step(LEASE_MS), []);
    assert!(desk.end(&message, Outcome::Succeeded { spawn: vec![] }));
}

#[test]
fn a_task_that_takes_its_workers_with_it_fails_at_last() {
    let mut desk = Desk::with(&[spec("a", &[])]);
    for _ in 0..=MAX_LOSSES {
        let message = desk.step(LEASE_MS).remove(0);
        assert!(desk.claim(&message));
    }
    assert_eq!(desk.step(LEASE_MS), []);
    assert_eq!(desk.states(), ["failed"]);
    assert!(desk.error("a").contains("vanished"), "{}", desk.error("a"));
}

#[test]
fn an_attempt_that_takes_too_long_fails() {
    let slow =
        Spec { policy: Policy { attempts: 1, timeout_ms: 5_000, ..Policy::default() }, ..spec("a", &[]) };
    let mut desk = Desk::with(&[slow, spec("b", &["a"])]);
    let message = desk.step(0).remove(0);
    assert!(desk.claim(&message));
    assert_eq!(desk.board.due(ServerTime(desk.now)), Some(ServerTime(START + 5_000)));
    desk.step(5_000);
    assert_eq!(desk.states(), ["failed", "upstream_failed"]);
    assert_eq!(desk.error("a"), "no end after 5 s");
}

#[test]
fn what_can_never_begin_ends_the_run() {
    let mut desk = Desk::with(&[spec("a", &[]), spec("b", &["a"])]);
    let message = desk.step(0).remove(0);
    // What `a` spawns needs `b`, which needs all that `a` spawns.
    desk.done(&message, &[spec("c", &["b"])]);
    desk.step(0);
    assert_eq!((desk.states(), desk.run().state), (vec!["succeeded", "failed", "failed"], RunState::Failed));
    assert!(desk.error("b").contains("needs it in turn"), "{}", desk.error("b"));
}

#[test]
fn what_may_not_be_spawned_fails_its_maker() {
    fn check(spawn: &[Spec], says: &str) {
        let mut desk = Desk::with(&[spec("a", &[])]);
        let message = desk.step(0).remove(0);
        desk.done(&message, spawn);
        assert!(desk.error("a").contains(says), "{} {says}", desk.error("a"));
        assert_eq!(desk.run().tasks().len(), 1);
    }
    check(&[spec("a", &[])], "more than one task \"a\"");
    check(&[spec("b", &[]), spec("b", &[])], "more than one task \"b\"");
    check(&[spec("b", &["x"])], "needs \"x\", which is not there");
    check(&[spec("", &[])], "is not the id of a task");
    let id = RunId { job: "job".to_owned(), number: 1 };
    assert_eq!(Run::new(id, vec![], ServerTime(0), 0).err(), Some(SpawnError::None));
}

#[test]
fn a_task_runs_again_with_all_that_depends_on_it() {
    // `d` needs all that `a` spawns; `e` has nothing to do with it.
    let mut desk = Desk::with(&[spec("a", &[]), spec("d", &["a"]), spec("e", &[])]);
    let run = RunId { job: "job".to_owned(), number: 1 };
    let first = desk.step(0);
    desk.done(&first[0], &[spec("b", &["a"]), spec("c", &["b"])]);
    desk.done(&first[1], &[]);
    for id in ["b", "c", "d"] {
        let message = desk.step(0).remove(0);
        assert_eq!(message.task, id);
        desk.done(&message, &[]);
    }
    desk.step(0);
    assert_eq!(desk.run().state, RunState::Succeeded);
    assert_eq!(desk.board.rerun(&run, None), Err(RerunError::NothingFailed));
    assert_eq!(desk.board.rerun(&run, Some("x")), Err(RerunError::Unknown("x".to_owned())));

    assert_eq!(desk.board.rerun(&run, Some("c")), Ok(()));
    let again = desk.step(0);
    assert_eq!(again.iter().map(|message| message.task.as_str()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(desk.board.rerun(&run, Some("c")), Err(RerunError::NotEnded("c".to_owned())));
    desk.done(&again[0], &[]);
    assert_eq!(desk.ids(0), ["d"]);

    // What `a` had spawned is gone, and `d`, which is under way, is not heard any more.
    assert_eq!(desk.board.rerun(&run, Some("a")), Ok(()));
    let ids: Vec<&str> = desk.run().tasks().iter().map(|task| task.spec.id.as_str()).collect();
    assert_eq!((ids, desk.states()), (vec!["a", "d", "e"], vec!["queued", "queued", "succeeded"]));
}

#[test]
fn limits_and_pauses() {
    let many: Vec<Spec> = (0..40).map(|at| spec(&format!("t{at}"), &[])).collect();
    let mut desk = Desk::with(&many);
    desk.start("job", 2, &many);
    assert_eq!(desk.step(0).len(), MAX_RUN_IN_FLIGHT, "one run of the job at a time");
    for number in 1..=3 {
        desk.start("other", number, &many);
    }
    desk.board.set_rules("other", JobRules { max_runs: 3, is_paused: true, ..JobRules::default() });
    assert_eq!(desk.step(0), []);
    desk.board.set_rules("other", JobRules { max_runs: 3, ..JobRules::default() });
    assert_eq!(desk.step(0).len(), MAX_IN_FLIGHT - MAX_RUN_IN_FLIGHT);
    assert_eq!(desk.board.in_flight(), MAX_IN_FLIGHT);
}

/// BACKUP-1 rests on it: while a backup is made no batch changes anything, and the other way round.
#[test]
fn who_is_alone_waits_for_who_is_alone() {
    let tasks = [spec("a", &[])];
    let mut desk = Desk::with(&tasks);
    let alone = JobRules { max_runs: 2, lane: Lane::Alone, ..JobRules::default() };
    desk.board.set_rules("job", alone);
    let first = desk.step(0);
    assert_eq!(first.len(), 1);
    // One that stands before it, and one behind.
    for job in ["earlier", "other"] {
        desk.board.set_rules(job, alone);
        desk.start(job, 1, &tasks);
    }
    desk.start("free", 1, &tasks);
    let jobs = |messages: &[Message]| -> Vec<String> {
        messages.iter().map(|message| message.run.job.clone()).collect()
    };
    assert_eq!(jobs(&desk.step(0)), ["free"]);
    desk.done(&first[0], &[]);
    let second = desk.step(0);
    assert_eq!(second.len(), 1, "{second:?}");
    desk.done(&second[0], &[]);
    // Nothing else happens that would lead to another step.
    let third = desk.step(0);
    assert_eq!(third.len(), 1, "{third:?}");
    desk.done(&third[0], &[]);
    assert_eq!(jobs(&desk.step(0)), Vec::<String>::new());
    let mut both = jobs(&[second, third].concat());
    both.sort();
    assert_eq!(both, ["earlier", "other"]);
}

#[test]
fn a_cancelled_run_is_over() {
    let mut desk = Desk::with(&[spec("a", &[]), spec("b", &["a"])]);
    let run = RunId { job: "job".to_owned(), number: 1 };
    let message = desk.step(0).remove(0);
    assert!(desk.claim(&message));
    assert!(desk.board.cancel(&run, ServerTime(desk.now)));
    assert!(!desk.board.cancel(&run, ServerTime(desk.now)));
    assert!(!desk.end(&message, Outcome::Succeeded { spawn: vec![] }));
    assert_eq!((desk.states(), desk.run().is_cancelled), (vec!["failed", "skipped"], true));
    assert_eq!(desk.run().tasks()[1].state, TaskState::Skipped);
    assert_eq!(desk.board.rerun(&run, None), Ok(()));
    assert_eq!(desk.ids(0), ["a"]);
}

#[test]
fn names_of_runs() {
    fn check(text: &str, expected: Option<(&str, u64)>) {
        let found = RunId::parse(text);
        assert_eq!(found.as_ref().map(|id| (id.job.as_str(), id.number)), expected, "{text}");
    }
    check("batch-3", Some(("batch", 3)));
    check("a-b-12", Some(("a-b", 12)));
    for wrong in ["batch", "batch-", "batch-03", "batch-+3", "-3", "Batch-3", "a/b-3"] {
        check(wrong, None);
    }
}
