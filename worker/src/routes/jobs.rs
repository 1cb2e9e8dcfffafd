//! `/v1/jobs`: the business of the platform. Its analysts look, its admins start, stop and define.

use adtally_core::access::Owner;
use adtally_wire::catalog::read;
use adtally_wire::jobs::api::{JobInfo, Jobs, NewRun, Retry, RunInfo, Runs, StartedRuns, TaskDetail};
use adtally_wire::jobs::definition::JobChange;
use adtally_wire::jobs::object::{
    CANCEL, DEFINE, DEFINITION, DEFINITIONS, Define, FORGET, JobsRefusal, LIST, ListRuns, OfRun, RETRY, SHOW,
    START, Start,
};
use adtally_wire::jobs::told::{Told, told};
use worker::Response;

use super::sql::sources;
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json, no_content};
use crate::problem::Fault;
use crate::tasks::{CHECK_TASK, check, open_kinds};

/// Runs of a list where `limit` is absent.
const DEFAULT_LIMIT: u32 = 20;
/// The most runs of a list.
const MAX_LIMIT: u32 = 500;
/// The states of runs.
const STATES: [&str; 4] = ["queued", "running", "succeeded", "failed"];

/// `POST /v1/jobs`: starts a run, or one for each day.
///
/// Repeating it starts another one, which finds nothing to do where the first has done it.
pub(super) async fn start(call: &mut Call) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let new: NewRun = read(&body)?;
    json(202, &call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?)
}

/// `GET /v1/jobs`: runs, the latest first.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    may_look(call).await?;
    call.known_only(&["job", "state", "limit"])?;
    let state = call.parameter("state");
    if let Some(unknown) = state.as_ref().filter(|state| !STATES.contains(&state.as_str())) {
        let detail = format!("state {unknown:?} is not one of {}", STATES.join(", "));
        return Err(Fault::refused(422, "unknown_state", detail));
    }
    let query = ListRuns {
        job: call.parameter("job"),
        state,
        limit: call.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
        ..ListRuns::default()
    };
    json(200, &call.bindings.jobs.ask::<Runs>(LIST, &query).await?)
}

/// `GET /v1/jobs/{run}`.
pub(super) async fn show(call: &Call, run: &str) -> Result<Response, Fault> {
    may_look(call).await?;
    let of = OfRun { run: run.to_owned(), task: None };
    json(200, &call.bindings.jobs.ask::<RunInfo>(SHOW, &of).await?)
}

/// `GET /v1/jobs/{run}/tasks/{id}`: a task, what it was told, what it left, and what it said.
pub(super) async fn task(call: &Call, run: &str, task: &str) -> Result<Response, Fault> {
    may_look(call).await?;
    let of = OfRun { run: run.to_owned(), task: Some(task.to_owned()) };
    json(200, &call.bindings.jobs.ask::<TaskDetail>(SHOW, &of).await?)
}

/// `POST /v1/jobs/{run}/retry`: failed tasks, or one task, and all that depends on it, run again.
///
/// Repeating it where nothing has failed any more is refused and changes nothing.
pub(super) async fn retry(call: &mut Call, run: &str) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let Retry { task } = if body.is_empty() { Retry::default() } else { read(&body)? };
    let of = OfRun { run: run.to_owned(), task };
    json(202, &call.bindings.jobs.ask::<RunInfo>(RETRY, &of).await?)
}

/// `POST /v1/jobs/{run}/cancel`: ends a run.
pub(super) async fn cancel(call: &Call, run: &str) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let of = OfRun { run: run.to_owned(), task: None };
    json(202, &call.bindings.jobs.ask::<RunInfo>(CANCEL, &of).await?)
}

/// `GET /v1/jobs/definitions`: every job.
pub(super) async fn definitions(call: &Call) -> Result<Response, Fault> {
    may_look(call).await?;
    let jobs = call.bindings.jobs.ask::<Vec<JobInfo>>(DEFINITIONS, &()).await?;
    json(200, &Jobs { jobs, kinds: open_kinds().into_iter().map(str::to_owned).collect() })
}

/// `GET /v1/jobs/definitions/{name}`.
pub(super) async fn definition(call: &Call, name: &str) -> Result<Response, Fault> {
    may_look(call).await?;
    match call.bindings.jobs.ask::<Option<JobInfo>>(DEFINITION, &name).await? {
        Some(job) => json(200, &job),
        None => Err(JobsRefusal::NoSuchJob(name.to_owned()).into()),
    }
}

/// `PUT /v1/jobs/definitions/{name}`: makes or changes a job. May be repeated.
pub(super) async fn define(call: &mut Call, name: &str) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let change: JobChange = read(&body)?;
    check_told(call, &change).await?;
    let kinds = open_kinds().into_iter().map(str::to_owned).collect();
    let define = Define { name: name.to_owned(), change, kinds };
    json(200, &call.bindings.jobs.ask::<JobInfo>(DEFINE, &define).await?)
}

/// `DELETE /v1/jobs/definitions/{name}`: removes a job; its runs stay.
pub(super) async fn forget(call: &Call, name: &str) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    call.bindings.jobs.ask::<()>(FORGET, &name).await?;
    Ok(no_content())
}

/// `GET /v1/jobs/webhook_key`: what receivers of webhooks check signatures with; for admins alone.
pub(super) async fn webhook_key(call: &Call) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    json(200, &serde_json::json!({ "key": call.bindings.webhook_key.as_str() }))
}

/// Refuses a job of which it can be seen that a task of it would fail each time.
async fn check_told(call: &Call, change: &JobChange) -> Result<(), Fault> {
    for Told { id, kind, params } in told(change.tasks.as_deref().unwrap_or_default(), call.now) {
        let wrong = |error: String| Fault::from(JobsRefusal::Invalid(format!("task {id:?}: {error}")));
        adtally_wire::jobs::told::check_told(&kind, &params, call.now).map_err(wrong)?;
        if kind == CHECK_TASK {
            check::refuse_statement(&sources(call), &params).await?.map_err(wrong)?;
        }
    }
    Ok(())
}

pub(super) async fn may_look(call: &Call) -> Result<(), Fault> {
    Ok(authenticate(call).await?.reads_of(&Owner::Platform)?)
}
