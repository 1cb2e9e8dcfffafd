//! Runs: starting and showing them, and what consumers say about their tasks.

use std::rc::Rc;

use adtally_core::jobs::{Claimed, RerunError, Run, RunId, TaskState};
use adtally_core::time::ServerTime;
use adtally_wire::jobs::api::{MAX_LISTED_TASKS, RunInfo, Runs, StartedRuns, TaskDetail, TaskInfo};
use adtally_wire::jobs::object::{
    Answer, Beat, ClaimAnswer, Finish, GoOn, JobsRefusal, ListRuns, OfRun, Results, ResultsOf, Start, Ticket,
    value,
};
use worker::{Response, Result};

use super::desk::Desk;
use super::{Node, answer};
use crate::clock;
use crate::storage::jobs::{Extras, JobStore};
use crate::tasks::BATCH;

/// The most runs of a job that wait or are under way: a year of days, and some.
const MAX_WAITING_RUNS: usize = 400;

impl Node {
    /// Starts runs.
    pub(super) fn start(self: &Rc<Self>, start: Start) -> Result<Answer<StartedRuns>> {
        self.change(|desk, extras, now| {
            let new = start.new;
            let orders = match super::definitions::orders(desk, &new, now) {
                Ok(orders) => orders,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let waiting = desk.waiting(&new.job) + orders.len();
            if waiting > MAX_WAITING_RUNS {
                return Ok(Err(JobsRefusal::TooManyRuns(waiting, MAX_WAITING_RUNS)));
            }
            let mut runs = Vec::new();
            for order in orders {
                runs.push(desk.start(order, extras, now)?.to_string());
            }
            let first = runs.first().cloned().unwrap_or_default();
            Ok(Ok(StartedRuns { run: first, runs }))
        })
    }

    /// The latest runs.
    pub(super) fn list(&self, query: &ListRuns) -> Result<Answer<Runs>> {
        let (store, now) = (self.store()?, clock::now());
        let mut runs = Vec::new();
        for id in store.list(query)? {
            let Some(run) = store.run(&id)? else { continue };
            let mut info = RunInfo::of(&run, value(&store.run_params(&id)?), now);
            if info.tasks.len() > MAX_LISTED_TASKS {
                info.tasks.clear();
            }
            runs.push(info);
        }
        Ok(Ok(Runs { runs }))
    }

    /// A run, or one of its tasks with what it said.
    pub(super) fn show(&self, of: &OfRun) -> Result<Response> {
        let store = self.store()?;
        let run = match known(store, &of.run)? {
            Ok(run) => run,
            Err(refusal) => return answer::<()>(Err(refusal)),
        };
        let now = clock::now();
        let Some(task) = &of.task else { return answer(info(store, &run, now)) };
        let Some(found) = run.task(task) else { return answer::<()>(Err(unknown_task(&run.id, task))) };
        let papers = store.papers(&run.id, task)?;
        answer(Ok(TaskDetail {
            task: TaskInfo::of(found, now),
            params: value(&papers.params),
            result: value(papers.result.as_deref().unwrap_or("null")),
            log: papers.log,
        }))
    }

    /// Runs a task again, or all that failed, with all that depends on it.
    pub(super) fn retry(self: &Rc<Self>, of: &OfRun) -> Result<Answer<RunInfo>> {
        let node = self.clone();
        let done = self.change(|desk, _, _| {
            let run = match known(node.store()?, &of.run)? {
                Ok(run) => run,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let id = run.id.clone();
            let latest = desk.jobs.get(&id.job).map_or(0, |job| job.runs);
            if id.job == BATCH && id.number < latest && run.state.has_ended() {
                let later = RunId { number: latest, ..id.clone() };
                let (run, later) = (id.to_string(), later.to_string());
                return Ok(Err(JobsRefusal::Superseded { run, later }));
            }
            if desk.board.run(&id).is_none() {
                desk.board.put(run);
            }
            Ok(desk.board.rerun(&id, of.task.as_deref()).map_err(|error| match error {
                RerunError::Unknown(task) => unknown_task(&id, &task),
                other => JobsRefusal::NotNow(other.to_string()),
            }))
        })?;
        self.then_show(done, &of.run)
    }

    /// Ends a run.
    pub(super) fn cancel(self: &Rc<Self>, of: &OfRun) -> Result<Answer<RunInfo>> {
        let node = self.clone();
        let done = self.change(|desk, _, now| {
            Ok(match known(node.store()?, &of.run)? {
                Ok(run) if desk.board.cancel(&run.id, now) => Ok(()),
                Ok(run) => Err(JobsRefusal::NotNow(format!("run {} has ended", run.id))),
                Err(refusal) => Err(refusal),
            })
        })?;
        self.then_show(done, &of.run)
    }

    fn then_show(&self, done: Answer<()>, run: &str) -> Result<Answer<RunInfo>> {
        let store = self.store()?;
        match done {
            Ok(()) => Ok(known(store, run)?.and_then(|run| info(store, &run, clock::now()))),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Grants a ticket, once.
    pub(super) fn claim(self: &Rc<Self>, ticket: &Ticket) -> Result<Answer<ClaimAnswer>> {
        let node = self.clone();
        self.change(|desk, _, now| {
            let Some(run) = ticket.run_id() else { return Ok(Ok(ClaimAnswer { params: None })) };
            let params = match desk.board.claim(&run, &ticket.task, ticket.ticket, now) {
                Claimed::Granted => node.store()?.params(&run, &ticket.task)?,
                Claimed::Refused => None,
            };
            Ok(Ok(ClaimAnswer { params }))
        })
    }

    /// Hears a sign of life.
    pub(super) fn beat(self: &Rc<Self>, beat: Beat) -> Result<Answer<GoOn>> {
        self.change(|desk, extras, now| {
            let Beat { ticket, log } = beat;
            let Some(run) = ticket.run_id() else { return Ok(Ok(GoOn { go_on: false })) };
            let go_on = desk.board.hear(&run, &ticket.task, ticket.ticket, now);
            if go_on {
                extras.logs.push((run, ticket.task, log));
            }
            Ok(Ok(GoOn { go_on }))
        })
    }

    /// Hears what became of a task.
    pub(super) fn finish(self: &Rc<Self>, finish: Finish) -> Result<Answer<GoOn>> {
        self.change(|desk, extras, now| {
            let Finish { ticket, log, end } = finish;
            let Some(run) = ticket.run_id() else { return Ok(Ok(GoOn { go_on: false })) };
            let (outcome, result, params) = end.outcome();
            let go_on = desk.board.finish(&run, &ticket.task, ticket.ticket, outcome, now);
            if go_on {
                let has_succeeded =
                    |run: &Run| run.task(&ticket.task).is_some_and(|task| task.state == TaskState::Succeeded);
                // What it would spawn can be refused; then there is nobody to be told anything.
                if desk.board.run(&run).is_some_and(has_succeeded) {
                    file(extras, &run, &ticket.task, result, params);
                }
                extras.logs.push((run, ticket.task, log));
            }
            Ok(Ok(GoOn { go_on }))
        })
    }

    /// What earlier tasks left.
    pub(super) fn results(&self, of: &ResultsOf) -> Result<Answer<Results>> {
        Ok(Ok(Results { results: self.store()?.results(&of.run, &of.prefix)? }))
    }

    /// Does what is due after an alarm that was late by so much.
    pub(super) fn wake(self: &Rc<Self>, late_ms: i64) -> Result<()> {
        let node = self.clone();
        let woken = self.change(|desk, extras, now| {
            if late_ms > super::DEAF_MS {
                desk.board.pardon(late_ms);
            }
            node.start_due(desk, extras, now)?;
            Ok(Ok(()))
        })?;
        woken.map_err(|refusal| worker::Error::RustError(refusal.to_string()))
    }
}

/// Notes what a task left, and what those that it spawned are told.
fn file(extras: &mut Extras, run: &RunId, task: &str, result: Option<String>, params: Vec<(String, String)>) {
    extras.result = result.map(|result| (run.clone(), task.to_owned(), result));
    extras.params.extend(params.into_iter().map(|(task, params)| ((run.clone(), task), params)));
}

fn known(store: &JobStore, name: &str) -> Result<Answer<Run>> {
    let run = RunId::parse(name).map(|id| store.run(&id)).transpose()?.flatten();
    Ok(run.ok_or_else(|| JobsRefusal::UnknownRun(name.to_owned())))
}

fn info(store: &JobStore, run: &Run, now: ServerTime) -> Answer<RunInfo> {
    let params = store.run_params(&run.id).unwrap_or_default();
    Ok(RunInfo::of(run, value(&params), now))
}

fn unknown_task(run: &RunId, task: &str) -> JobsRefusal {
    JobsRefusal::UnknownTask { run: run.to_string(), task: task.to_owned() }
}

impl Desk {
    /// How many runs of a job have not ended.
    pub(super) fn waiting(&self, job: &str) -> usize {
        self.board.runs().filter(|run| run.id.job == job).count()
    }
}
