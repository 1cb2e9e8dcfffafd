//! `/v1/views/{name}/export`: a saved report as a file every day, for whoever's figures it shows.
//!
//! The job is one of the platform's, but nobody reaches it from here by its name: it is made of the scope that was
//! checked and of the view's name, and so is the place of its file.

use adtally_core::access::Grant;
use adtally_core::cell::Scope;
use adtally_core::time::Day;
use adtally_wire::catalog::export::{
    EXPORT_TASK, EXPORTED_KIND, ExportInfo, ExportPut, Exported, MAX_EXPORTS, file_of,
};
use adtally_wire::catalog::{read, view};
use adtally_wire::jobs::api::{JobInfo, NewRun, RunInfo, Runs, StartedRuns, TaskDetail};
use adtally_wire::jobs::object::{
    DEFINE, DEFINITION, DEFINITIONS, Define, FORGET, LIST, ListRuns, OfRun, SHOW, START, Start,
};
use worker::{Method, Response};

use super::archive::send;
use super::reports::scope;
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json, no_content};
use crate::catalog::views;
use crate::problem::Fault;
use crate::reports::Question;
use crate::tasks::open_kinds;

/// Whoever reads the scope sees the export and has its file; its admins make, run and end it.
pub(super) async fn answer(call: &mut Call, name: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let view = view::name(name)?;
    let text = scope.to_string();
    let of = Exported { scope: &text, view: &view };
    match call.method() {
        Method::Put => put(call, &grant, &scope, of).await,
        Method::Post => start(call, &grant, &scope, of).await,
        Method::Delete => {
            grant.changes_of(&scope.owner())?;
            existing(call, of).await?;
            call.bindings.jobs.ask::<()>(FORGET, &of.job()).await?;
            Ok(no_content())
        }
        _ => json(200, &info(call, &existing(call, of).await?).await?),
    }
}

/// `GET …/file`: what the last run that succeeded has written.
pub(super) async fn file(call: &Call, name: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?.to_string();
    let view = view::name(name)?;
    let job = existing(call, Exported { scope: &scope, view: &view }).await?;
    let run = last(call, &job, Some("succeeded")).await?;
    let task = match &run {
        Some(run) => Some(task(call, run).await?),
        None => None,
    };
    match task.as_ref().and_then(file_of) {
        Some((key, _)) => send(call, key).await,
        None => Err(Fault::refused(404, "file_not_found", format!("{view:?} was not exported yet"))),
    }
}

/// Takes the export of a view away with it. May be repeated.
pub(super) async fn forget(call: &Call, of: Exported<'_>) -> Result<(), Fault> {
    if find(call, of).await?.is_some() {
        call.bindings.jobs.ask::<()>(FORGET, &of.job()).await?;
    }
    Ok(())
}

/// Makes or changes it. May be repeated.
async fn put(call: &mut Call, grant: &Grant, scope: &Scope, of: Exported<'_>) -> Result<Response, Fault> {
    grant.changes_of(&scope.owner())?;
    let put: ExportPut = read(&call.body(MAX_JSON_BYTES).await?)?;
    put.check()?;
    let views = views::list(&call.bindings.catalog, of.scope, Some(EXPORTED_KIND)).await?;
    if !views.iter().any(|view| view.name == of.view) {
        let detail = format!("there is no saved report {:?}", of.view);
        return Err(Fault::refused(404, "view_not_found", detail));
    }
    // What a run would refuse every day is refused now.
    let sample = put.sample(Day::holding(call.now.0));
    Question::new(&call.bindings.catalog, scope.clone(), sample, call.now).await?;
    let jobs = call.bindings.jobs.ask::<Vec<JobInfo>>(DEFINITIONS, &()).await?;
    if of.others(&jobs) >= MAX_EXPORTS {
        let detail = format!("{} has {MAX_EXPORTS} exports, more cannot be", of.scope);
        return Err(Fault::refused(409, "too_many_exports", detail));
    }
    let kinds = open_kinds().into_iter().map(str::to_owned).collect();
    let define = Define { name: of.job(), change: of.change(&put), kinds };
    let job = call.bindings.jobs.ask::<JobInfo>(DEFINE, &define).await?;
    json(200, &info(call, &job).await?)
}

/// Runs it now, of the day before; not beside a run that is still going on.
async fn start(call: &Call, grant: &Grant, scope: &Scope, of: Exported<'_>) -> Result<Response, Fault> {
    grant.changes_of(&scope.owner())?;
    let job = existing(call, of).await?;
    let running = |run: &RunInfo| ["queued", "running"].contains(&run.state.as_str());
    if last(call, &job, None).await?.as_ref().is_some_and(running) {
        return Err(Fault::refused(409, "export_running", "the last run is still going on"));
    }
    let new = NewRun { job: job.job.clone(), ..NewRun::default() };
    call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?;
    json(202, &info(call, &job).await?)
}

/// The job of this view.
async fn find(call: &Call, of: Exported<'_>) -> Result<Option<JobInfo>, Fault> {
    call.bindings.jobs.ask(DEFINITION, &of.job()).await
}

async fn existing(call: &Call, of: Exported<'_>) -> Result<JobInfo, Fault> {
    let missing = || Fault::refused(404, "export_not_found", format!("{:?} is not exported", of.view));
    find(call, of).await?.ok_or_else(missing)
}

async fn last(call: &Call, job: &JobInfo, state: Option<&str>) -> Result<Option<RunInfo>, Fault> {
    let query = ListRuns {
        job: Some(job.job.clone()),
        state: state.map(str::to_owned),
        limit: 1,
        ..ListRuns::default()
    };
    Ok(call.bindings.jobs.ask::<Runs>(LIST, &query).await?.runs.into_iter().next())
}

async fn task(call: &Call, run: &RunInfo) -> Result<TaskDetail, Fault> {
    let of = OfRun { run: run.run.clone(), task: Some(EXPORT_TASK.to_owned()) };
    call.bindings.jobs.ask::<TaskDetail>(SHOW, &of).await
}

async fn info(call: &Call, job: &JobInfo) -> Result<ExportInfo, Fault> {
    let Some(run) = last(call, job, None).await? else { return Ok(ExportInfo::of(job, None)) };
    let task = task(call, &run).await?;
    Ok(ExportInfo::of(job, Some((&run, Some(&task)))))
}
