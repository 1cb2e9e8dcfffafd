//! `/v1/cubes`: cells that are added up beforehand, for statements and reports that ask for the same again and again.

use adtally_core::cell::Scope;
use adtally_core::time::Day;
use adtally_sql::catalog::is_table;
use adtally_wire::catalog::read;
use adtally_wire::cube::{BuildBody, CubeBody, CubeCall, CubeInfo, CubeRefusal, CubeTold};
use adtally_wire::cube_export::export_folder;
use adtally_wire::jobs::api::{JobInfo, NewRun, StartedRuns};
use adtally_wire::jobs::definition::{JobChange, TaskDefinition};
use adtally_wire::jobs::object::{DEFINE, Define, START, Start};
use serde_json::{Value, json as object};
use worker::{Method, Response};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json, list as list_of, no_content};
use crate::cubes::{CUBES_JOB, EXPORTS_JOB, ask};
use crate::problem::Fault;
use crate::reports::default_tz;
use crate::route::{CubeAction, CubeRoute};
use crate::store::Store;
use crate::tasks::{CUBE_EXPORT_TASK, CUBES_TASK, open_kinds};

/// Runs of builds and exports that may be under way at once.
const MAX_RUNS: u32 = 4;

/// Answers whatever lies below `/v1/cubes`.
pub(super) async fn answer(call: &mut Call, route: CubeRoute) -> Result<Response, Fault> {
    match (route, call.method()) {
        (CubeRoute::All, _) => list(call).await,
        (CubeRoute::Estimate, _) => estimate(call).await,
        (CubeRoute::Recommendations, _) => recommendations(call).await,
        (CubeRoute::One(name), Method::Put) => define(call, &name).await,
        (CubeRoute::One(name), Method::Delete) => forget(call, &name).await,
        (CubeRoute::One(name), _) => show(call, &name).await,
        (CubeRoute::Act(name, action), _) => act(call, &name, action).await,
    }
}

/// `GET /v1/cubes`.
async fn list(call: &Call) -> Result<Response, Fault> {
    let scope = readable(call).await?;
    list_of("cubes", cubes(call, &scope, &CubeCall::List).await?)
}

/// `GET /v1/cubes/{name}`: a cube, and what of it is built.
async fn show(call: &Call, name: &str) -> Result<Response, Fault> {
    let scope = readable(call).await?;
    one(200, cubes(call, &scope, &CubeCall::Show { name: name.to_owned() }).await?)
}

/// `PUT /v1/cubes/{name}`: makes or changes a cube; the same one again changes nothing.
async fn define(call: &mut Call, name: &str) -> Result<Response, Fault> {
    let scope = changeable(call).await?;
    if is_table(name) {
        let refusal = CubeRefusal::Bad(format!("{name:?} is the name of a table, a cube has another"));
        return Err(Fault::refused(refusal.status(), refusal.code(), refusal.to_string()));
    }
    let body: CubeBody = read(&call.body(MAX_JSON_BYTES).await?)?;
    let default_tz = default_tz(&call.bindings.catalog, &scope, call.now).await?;
    one(200, cubes(call, &scope, &CubeCall::Define { name: name.to_owned(), body, default_tz }).await?)
}

/// `DELETE /v1/cubes/{name}`: with its export. What is built of it goes when nobody can have been told of it any more.
async fn forget(call: &Call, name: &str) -> Result<Response, Fault> {
    let scope = changeable(call).await?;
    cubes(call, &scope, &CubeCall::Show { name: name.to_owned() }).await?;
    Store::of(call.bindings.store()?).remove_all(&export_folder(&scope, name)).await?;
    cubes(call, &scope, &CubeCall::Forget { name: name.to_owned() }).await?;
    Ok(no_content())
}

/// `POST /v1/cubes/estimate`: what a cube would amount to, from the latest days.
async fn estimate(call: &mut Call) -> Result<Response, Fault> {
    let scope = readable(call).await?;
    let body: CubeBody = read(&call.body(MAX_JSON_BYTES).await?)?;
    let default_tz = default_tz(&call.bindings.catalog, &scope, call.now).await?;
    match ask(&call.bindings.reports, &scope, &CubeCall::Estimate { body, default_tz }).await? {
        CubeTold::Estimate(estimate) => json(200, &estimate),
        _ => Err(unexpected()),
    }
}

/// `GET /v1/cubes/recommendations`: cuboids that would have helped with what was asked.
async fn recommendations(call: &Call) -> Result<Response, Fault> {
    let scope = readable(call).await?;
    match ask(&call.bindings.reports, &scope, &CubeCall::Recommend).await? {
        CubeTold::Recommendations(told) => list_of("recommendations", told),
        _ => Err(unexpected()),
    }
}

/// `POST /v1/cubes/{name}/build|export|enable|disable`.
///
/// Repeating a build starts another run, which finds nothing to do where the first has done it.
async fn act(call: &mut Call, name: &str, action: CubeAction) -> Result<Response, Fault> {
    let scope = changeable(call).await?;
    match action {
        CubeAction::Build => {
            let body = call.body(MAX_JSON_BYTES).await?;
            let wanted: BuildBody = if body.is_empty() { BuildBody::default() } else { read(&body)? };
            json(202, &build(call, &scope, name, &wanted).await?)
        }
        CubeAction::Export => {
            cubes(call, &scope, &CubeCall::Show { name: name.to_owned() }).await?;
            json(202, &start(call, &scope, name, EXPORTS_JOB, CUBE_EXPORT_TASK).await?)
        }
        CubeAction::Enable | CubeAction::Disable => {
            let enabled = action == CubeAction::Enable;
            one(200, cubes(call, &scope, &CubeCall::Enable { name: name.to_owned(), enabled }).await?)
        }
    }
}

/// Starts to build what is missing of a cube, or what is asked for again.
pub(super) async fn build(
    call: &Call,
    scope: &Scope,
    name: &str,
    wanted: &BuildBody,
) -> Result<StartedRuns, Fault> {
    let day = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match Day::parse(text) {
            Some(day) => Ok(Some(day.0)),
            None => Err(Fault::refused(422, "bad_day", format!("{text:?} is not a day, YYYY-MM-DD"))),
        },
    };
    let (from, to) = (day(&wanted.from)?, day(&wanted.to)?);
    if let (Some(first), Some(end)) = (from, to)
        && first >= end
    {
        let detail = "from is not before to, the day after the last one".to_owned();
        return Err(Fault::refused(422, "bad_range", detail));
    }
    let name = name.to_owned();
    let first = match wanted.refresh {
        true => CubeCall::Refresh { name: name.clone(), from, to },
        false => CubeCall::Show { name: name.clone() },
    };
    cubes(call, scope, &first).await?;
    start(call, scope, &name, CUBES_JOB, CUBES_TASK).await
}

/// Starts a job about one cube; whoever may change the cube may.
async fn start(call: &Call, scope: &Scope, cube: &str, job: &str, kind: &str) -> Result<StartedRuns, Fault> {
    let task = TaskDefinition {
        id: kind.to_owned(),
        kind: kind.to_owned(),
        params: object!({ "scope": "{{scope}}", "cube": "{{cube}}" }),
        needs: Vec::new(),
        attempts: None,
        timeout_s: None,
    };
    let change = JobChange { tasks: Some(vec![task]), max_runs: Some(MAX_RUNS), ..JobChange::default() };
    let kinds = open_kinds().into_iter().map(str::to_owned).collect();
    let define = Define { name: job.to_owned(), change, kinds };
    call.bindings.jobs.ask::<JobInfo>(DEFINE, &define).await?;
    let params = [("scope", scope.to_string()), ("cube", cube.to_owned())];
    let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let new = NewRun { job: job.to_owned(), params, ..NewRun::default() };
    call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await
}

/// What a Report object tells of its cubes.
pub(super) async fn cubes(call: &Call, scope: &Scope, question: &CubeCall) -> Result<Vec<CubeInfo>, Fault> {
    match ask(&call.bindings.reports, scope, question).await? {
        CubeTold::Cubes(cubes) => Ok(cubes),
        _ => Err(unexpected()),
    }
}

fn one(status: u16, cubes: Vec<CubeInfo>) -> Result<Response, Fault> {
    let cube = cubes.into_iter().next().map_or(Value::Null, |cube| object!(cube));
    json(status, &cube)
}

async fn readable(call: &Call) -> Result<Scope, Fault> {
    let grant = authenticate(call).await?;
    scope(call, &grant)
}

async fn changeable(call: &Call) -> Result<Scope, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    grant.changes_of(&scope.owner())?;
    Ok(scope)
}

fn unexpected() -> Fault {
    Fault::Internal("a report answered something else than it was asked".to_owned())
}
