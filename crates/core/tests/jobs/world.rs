//! A board, its store, a queue and workers.

use std::collections::BTreeSet;

use adtally_core::jobs::{Board, Claimed, JobRules, Message, Outcome, Run, RunId, RunState, Task, TaskState};
use adtally_core::time::ServerTime;

use crate::plan::Plan;
use crate::rules::needs_are_met;
use crate::{Bug, Crash, Op, Word};

/// Steps after which a run in which everybody works must have ended.
const PATIENCE: usize = 2_000;

pub(crate) struct World<'a> {
    pub(crate) plan: &'a Plan,
    bug: Option<Bug>,
    now: ServerTime,
    board: Board,
    id: RunId,
    /// Of the run itself; its tasks are stored apart.
    stored_run: Run,
    stored_tasks: Vec<Task>,
    is_paused: bool,
    queue: Vec<Message>,
    workers: Vec<Message>,
    granted: BTreeSet<u64>,
}

impl<'a> World<'a> {
    pub(crate) fn new(plan: &'a Plan, bug: Option<Bug>) -> Self {
        let (id, now) = (RunId { job: "job".to_owned(), number: 1 }, ServerTime(1_000_000));
        let run = Run::new(id.clone(), plan.spawn(None), now, 7).unwrap();
        let mut world = Self {
            plan,
            bug,
            now,
            board: Board::default(),
            id,
            stored_run: run.clone(),
            stored_tasks: Vec::new(),
            is_paused: false,
            queue: Vec::new(),
            workers: Vec::new(),
            granted: BTreeSet::new(),
        };
        world.board.put(run);
        world.settle(Crash::No);
        world
    }

    /// The run as it would be after a crash.
    pub(crate) fn stored(&self) -> Run {
        let mut run = Run::restore(self.id.clone(), 7, self.stored_run.created, self.stored_tasks.clone());
        run.state = self.stored_run.state;
        run.is_cancelled = self.stored_run.is_cancelled;
        run.next_ticket = self.stored_run.next_ticket;
        (run.started, run.ended) = (self.stored_run.started, self.stored_run.ended);
        run
    }

    pub(crate) fn execute(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Pass { ms } => {
                self.now.0 += ms;
                if self.bug != Some(Bug::NobodyWatches) {
                    self.settle(Crash::No);
                }
            }
            Op::Receive { message, comes_again, crash } => self.receive(*message, *comes_again, *crash)?,
            Op::Lose { message } => _ = take(&mut self.queue, *message),
            Op::Beat { worker } => {
                if let Some(worker) = pick(&self.workers, *worker) {
                    let Message { run, task, ticket, .. } = worker.clone();
                    self.board.hear(&run, &task, ticket, self.now);
                    self.settle(Crash::No);
                }
            }
            Op::Finish { worker, word, crash } => self.finish(*worker, *word, *crash)?,
            Op::Vanish { worker } => _ = take(&mut self.workers, *worker),
            Op::Restart => self.restart(),
            Op::Rerun { task, crash } => {
                self.know();
                let ids: Vec<String> = self.stored_tasks.iter().map(|task| task.spec.id.clone()).collect();
                let task = task.map(|at| ids[at % ids.len()].clone());
                // A task that has not ended, or no failed task: refused, and nothing changed.
                if self.board.rerun(&self.id, task.as_deref()).is_ok() {
                    self.settle(*crash);
                }
            }
            Op::Cancel => {
                if self.board.cancel(&self.id, self.now) {
                    self.settle(Crash::No);
                }
            }
            Op::Pause { on } => {
                self.is_paused = *on;
                self.set_rules();
                self.settle(Crash::No);
            }
        }
        Ok(())
    }

    fn receive(&mut self, message: usize, comes_again: bool, crash: Crash) -> Result<(), String> {
        let message =
            if comes_again { pick(&self.queue, message).cloned() } else { take(&mut self.queue, message) };
        let Some(message) = message else { return Ok(()) };
        let Message { run, task, ticket, .. } = &message;
        let claimed = self.board.claim(run, task, *ticket, self.now);
        let is_told = crash == Crash::No || self.bug == Some(Bug::ClaimAnsweredBeforeStored);
        self.settle(crash);
        if claimed == Claimed::Granted && is_told {
            if !self.granted.insert(*ticket) {
                return Err(format!("ticket {ticket} was granted twice"));
            }
            if !needs_are_met(self.plan, &self.stored(), Plan::at(task)) {
                return Err(format!("{task} begins too early"));
            }
            self.workers.push(message);
        }
        Ok(())
    }

    fn finish(&mut self, worker: usize, word: Word, crash: Crash) -> Result<(), String> {
        let Some(Message { run, task, ticket, .. }) = pick(&self.workers, worker).cloned() else {
            return Ok(());
        };
        let before = self.board.run(&run).and_then(|run| run.task(&task)).map(|task| task.ticket);
        let outcome = match word {
            Word::Done => Outcome::Succeeded { spawn: self.plan.spawn(Some(Plan::at(&task))) },
            Word::Failed => Outcome::Failed { error: "failed".to_owned() },
            Word::FailedForGood => Outcome::FailedForGood { error: "failed for good".to_owned() },
        };
        let heard_as = if self.bug == Some(Bug::LateAnswerHeard) { before.unwrap_or(ticket) } else { ticket };
        let is_heard = self.board.finish(&run, &task, heard_as, outcome, self.now);
        if is_heard && before != Some(ticket) {
            return Err(format!("{task} was heard under ticket {ticket}, {before:?} is the present one"));
        }
        self.settle(crash);
        if crash == Crash::No {
            take(&mut self.workers, worker);
        }
        Ok(())
    }

    /// Steps, stores and sends, as far as it gets.
    fn settle(&mut self, crash: Crash) {
        self.board.step(self.now);
        if crash == Crash::BeforeStore {
            return self.restart();
        }
        for changes in self.board.take_changes() {
            let Some(run) = self.board.run(&changes.run) else { continue };
            self.stored_run = run.clone();
            if self.bug != Some(Bug::RemovedKept) {
                self.stored_tasks.retain(|task| !changes.removed.contains(&task.spec.id));
            }
            // In the order of the run, as a store would number them.
            for task in run.tasks().iter().filter(|task| changes.changed.contains(&task.spec.id)) {
                match self.stored_tasks.iter_mut().find(|stored| stored.spec.id == task.spec.id) {
                    Some(stored) => *stored = task.clone(),
                    None if self.bug == Some(Bug::SpawnNotStored) && task.parent.is_some() => {}
                    None => self.stored_tasks.push(task.clone()),
                }
            }
        }
        let messages = self.board.take_messages();
        if crash == Crash::AfterStore {
            return self.restart();
        }
        self.queue.extend(messages);
    }

    fn restart(&mut self) {
        self.board = Board::default();
        self.know();
        self.board.wake(self.now);
        self.set_rules();
    }

    /// A run that has ended may be forgotten and taken up again.
    fn know(&mut self) {
        if self.board.run(&self.id).is_none_or(|run| run.state.has_ended()) {
            self.board.put(self.stored());
        }
    }

    fn set_rules(&mut self) {
        self.board.set_rules("job", JobRules { is_paused: self.is_paused, ..JobRules::default() });
    }

    /// From now on everybody works: the run has to end, and once more if something had failed before.
    pub(crate) fn end_well(&mut self) -> Result<(), String> {
        self.execute(&Op::Pause { on: false })?;
        self.work()?;
        if self.stored().state == RunState::Failed {
            self.execute(&Op::Rerun { task: None, crash: Crash::No })?;
            self.work()?;
        }
        let run = self.stored();
        let is_done =
            |at: usize| run.task(&Plan::id(at)).is_some_and(|task| task.state == TaskState::Succeeded);
        if run.state != RunState::Succeeded || !(0..self.plan.tasks.len()).all(is_done) {
            return Err(format!("the run is {}: {:?}", run.state.name(), run.tasks()));
        }
        if run.tasks().len() != self.plan.tasks.len() {
            return Err("there are tasks that nobody planned".to_owned());
        }
        Ok(())
    }

    fn work(&mut self) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if self.stored().state.has_ended() {
                return Ok(());
            }
            if !self.queue.is_empty() {
                self.execute(&Op::Receive { message: 0, comes_again: false, crash: Crash::No })?;
            } else if !self.workers.is_empty() {
                self.execute(&Op::Finish { worker: 0, word: Word::Done, crash: Crash::No })?;
            } else {
                // Exactly when the board asks for it.
                let due = self.board.due(self.now).map_or(0, |due| (due.0 - self.now.0).max(0));
                self.execute(&Op::Pass { ms: due })?;
            }
            crate::rules::check(self)?;
        }
        Err(format!("the run does not end: {:?}", self.stored().tasks()))
    }
}

fn pick(messages: &[Message], at: usize) -> Option<&Message> {
    messages.get(at.checked_rem(messages.len())?)
}

fn take(messages: &mut Vec<Message>, at: usize) -> Option<Message> {
    let at = at.checked_rem(messages.len())?;
    Some(messages.swap_remove(at))
}
