//! Jobs: what they are made of, and the runs that a request asks for.

use std::rc::Rc;

use adtally_core::jobs::{Policy, Schedule, Spec};
use adtally_core::time::{Day, ServerTime, rfc3339};
use adtally_wire::catalog::export::is_export;
use adtally_wire::jobs::api::{JobInfo, NewRun};
use adtally_wire::jobs::definition::{Occasion, day_before};
use adtally_wire::jobs::object::{Answer, Define, JobsRefusal};
use serde_json::{Value, json};
use worker::Result;

use super::Node;
use super::desk::{Desk, Order};
use crate::storage::jobs::StoredJob;
use crate::tasks::BUILT_IN;

/// The most days that one request may name.
const MAX_DAYS: usize = 366;
/// The most jobs, exports of views aside.
const MAX_JOBS: usize = 200;
/// The most exports of views, which tenants make: they take nothing from the other jobs.
const MAX_EXPORTS: usize = 2_000;

impl Node {
    /// Makes or changes a job.
    pub(super) fn define(self: &Rc<Self>, define: Define) -> Result<Answer<JobInfo>> {
        let node = self.clone();
        self.change(|desk, extras, now| {
            let Define { name, change, kinds } = define;
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            if let Err(wrong) = change.check(&name, &kinds) {
                return Ok(Err(JobsRefusal::Invalid(wrong)));
            }
            let mut job = match desk.jobs.get(&name) {
                Some(job) => job.clone(),
                None if change.tasks.is_none() => return Ok(Err(JobsRefusal::NoSuchJob(name))),
                None => {
                    if let Some(full) = full(desk, &name) {
                        return Ok(Err(JobsRefusal::Invalid(full)));
                    }
                    let runs = node.store()?.latest_number(&name)?;
                    StoredJob { runs, schedule: None, next_ms: None, paused: false, max_runs: 1, tasks: None }
                }
            };
            if is_built_in(&name) && (change.tasks.is_some() || change.max_runs.is_some_and(|runs| runs != 1))
            {
                return Ok(Err(JobsRefusal::BuiltIn(name)));
            }
            job.tasks = change.tasks.or(job.tasks);
            job.paused = change.paused.unwrap_or(job.paused);
            job.max_runs = change.max_runs.unwrap_or(job.max_runs);
            let schedule =
                change.schedule.unwrap_or(job.schedule).and_then(|text| Schedule::parse(&text).ok());
            job.next_ms = schedule.as_ref().and_then(|schedule| schedule.after(now)).map(|at| at.0);
            job.schedule = schedule.map(|schedule| schedule.to_string());
            desk.put_job(&name, job.clone(), extras);
            Ok(Ok(info(&name, &job)))
        })
    }

    /// Removes a job; its runs stay, and those that wait still run.
    pub(super) fn forget(self: &Rc<Self>, name: &str) -> Result<Answer<()>> {
        self.change(|desk, extras, _| {
            if is_built_in(name) {
                return Ok(Err(JobsRefusal::BuiltIn(name.to_owned())));
            }
            if desk.jobs.remove(name).is_none() {
                return Ok(Err(JobsRefusal::NoSuchJob(name.to_owned())));
            }
            desk.board.set_rules(name, Default::default());
            extras.jobs.insert(name.to_owned(), None);
            Ok(Ok(()))
        })
    }

    /// A job, if there is one of this name.
    pub(super) fn definition(self: &Rc<Self>, name: &str) -> Result<Answer<Option<JobInfo>>> {
        self.read(|desk| Ok(Ok(desk.jobs.get(name).map(|job| info(name, job)))))
    }

    /// Every job.
    pub(super) fn definitions(self: &Rc<Self>) -> Result<Answer<Vec<JobInfo>>> {
        self.read(|desk| Ok(Ok(desk.jobs.iter().map(|(name, job)| info(name, job)).collect())))
    }
}

fn info(name: &str, job: &StoredJob) -> JobInfo {
    JobInfo {
        job: name.to_owned(),
        built_in: job.tasks.is_none(),
        schedule: job.schedule.clone(),
        next: job.next_ms.filter(|_| !job.paused).map(rfc3339),
        paused: job.paused,
        max_runs: job.max_runs,
        runs: job.runs,
        tasks: job.tasks.clone().unwrap_or_default(),
    }
}

/// The runs that a request asks for.
pub(super) fn orders(desk: &Desk, new: &NewRun, now: ServerTime) -> Answer<Vec<Order>> {
    let Some(job) = desk.jobs.get(&new.job) else {
        let known = desk.jobs.keys().cloned().collect();
        return Err(JobsRefusal::UnknownJob { name: new.job.clone(), known });
    };
    let days = days(new)?;
    match &job.tasks {
        None => Ok(vec![built_in(&new.job, days)]),
        Some(_) => {
            let days = days.unwrap_or_else(|| vec![day_before(now.0)]);
            let first = desk.next_run(&new.job);
            let orders = days.into_iter().zip(first.number..).map(|(day, number)| {
                let run = adtally_core::jobs::RunId { number, ..first.clone() }.to_string();
                defined(job, &new.job, Occasion { day, run, number, params: new.params.clone() })
            });
            orders.collect()
        }
    }
}

fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(known, ..)| *known == name)
}

/// A run of what is part of the program: its first task makes all others. A backup has no days.
fn built_in(job: &str, days: Option<Vec<Day>>) -> Order {
    let days = days.map(|days| days.iter().map(Day::to_string).collect::<Vec<_>>());
    let params = json!({ "days": days });
    let first = BUILT_IN.iter().find(|(known, ..)| *known == job).map_or(job, |(.., first)| *first);
    let (id, kind) = (first.to_owned(), first.to_owned());
    let spec = Spec { id, kind, needs: Vec::new(), policy: Policy::default() };
    Order { job: job.to_owned(), params: params.to_string(), due_ms: None, tasks: vec![(spec, params)] }
}

fn defined(job: &StoredJob, name: &str, occasion: Occasion) -> Answer<Order> {
    let bound = job.tasks.iter().flatten().map(|task| task.bind(&occasion));
    let tasks: Vec<(Spec, Value)> =
        bound.collect::<std::result::Result<_, _>>().map_err(JobsRefusal::Invalid)?;
    let mut params = json!({ "day": occasion.day.to_string() });
    for (key, value) in occasion.params {
        params[key] = Value::String(value);
    }
    Ok(Order { job: name.to_owned(), params: params.to_string(), due_ms: None, tasks })
}

/// The days that are asked for, one by one or as a range.
fn days(new: &NewRun) -> Answer<Option<Vec<Day>>> {
    let wrong = |text: String| JobsRefusal::Invalid(text);
    let day =
        |text: &String| Day::parse(text).ok_or_else(|| wrong(format!("{text:?} is not a day, YYYY-MM-DD")));
    let days: Vec<Day> = match (&new.days, &new.from, &new.to) {
        (None, None, None) => return Ok(None),
        (Some(days), None, None) => days.iter().map(day).collect::<Answer<_>>()?,
        (None, Some(from), Some(to)) => {
            let (from, to) = (day(from)?, day(to)?);
            if from.0 >= to.0 {
                return Err(wrong(format!("there is no day from {from} to before {to}")));
            }
            (from.0..to.0).take(MAX_DAYS + 1).map(Day).collect()
        }
        _ => return Err(wrong("either days, or from and to".to_owned())),
    };
    if days.is_empty() || days.len() > MAX_DAYS {
        return Err(wrong(format!("{} days, between 1 and {MAX_DAYS} can be asked for", days.len())));
    }
    Ok(Some(days))
}

/// Why there cannot be another job.
fn full(desk: &Desk, name: &str) -> Option<String> {
    let (most, what) = if is_export(name) { (MAX_EXPORTS, "exports") } else { (MAX_JOBS, "jobs") };
    let same = desk.jobs.keys().filter(|job| is_export(job) == is_export(name)).count();
    (same >= most).then(|| format!("there are {most} {what}, more cannot be"))
}
