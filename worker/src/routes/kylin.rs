//! `/kylin/api`: the REST protocol of Apache Kylin, version 1.

use adtally_core::access::{Grant, Owner};
use adtally_sql::protocol::kylin::{self, Build};
use adtally_sql::{Catalog, Dialect};
use adtally_wire::cube::{BuildBody, CubeCall, CubeInfo};
use adtally_wire::jobs::api::{NewRun, RunInfo, Runs, StartedRuns};
use adtally_wire::jobs::object::{LIST, ListRuns, OfRun, SHOW, START, Start};
use serde_json::{Value as Json, json as object};
use worker::{Method, Response, ResponseBuilder};

use super::cubes::{build as build_cube, cubes};
use super::sql::{MAX_BODY_BYTES, sources};
use crate::auth::authenticate_tool;
use crate::call::{Call, json};
use crate::cubes::CUBES_JOB;
use crate::problem::Fault;
use crate::statements::Unanswered;
use crate::tasks::BATCH;

/// Runs of a list where `limit` is absent, and the most runs of a list, with those that are left out by `offset`: the jobs
/// keep a few more.
const DEFAULT_RUNS: u32 = 200;
const MAX_RUNS: u32 = 500;

/// Answers whatever lies below `/kylin/api`; `path` is what follows it.
///
/// Clients look for `exception` in whatever is not answered with 200.
pub(super) async fn call(call: &mut Call, path: &[String]) -> Result<Response, Fault> {
    match dispatch(call, path).await {
        Err(Fault::Refused(refusal)) => {
            let response = respond(refusal.status, kylin::error(call.url.as_ref(), &refusal.detail))?;
            if refusal.status == 401 {
                response.headers().set("WWW-Authenticate", r#"Basic realm="adtally", charset="UTF-8""#)?;
            }
            Ok(response)
        }
        answered => answered,
    }
}

async fn dispatch(call: &mut Call, path: &[String]) -> Result<Response, Fault> {
    let grant = authenticate_tool(call).await?;
    grant.reads()?;
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match (call.method(), parts.as_slice()) {
        (Method::Get | Method::Post, ["user", "authentication"]) => {
            json(200, &kylin::user("adtally", grant.role.name()))
        }
        (Method::Post, ["query"] | ["query", "prestate"]) => query(call, grant).await,
        (Method::Get, ["tables_and_columns"]) => {
            json(200, &kylin::tables_and_columns(&catalog(call, grant).await?))
        }
        (Method::Get, ["projects"]) => json(200, &kylin::projects()),
        (Method::Get, ["cubes"]) => json(200, &kylin::cubes(&defined(call, &grant, &CubeCall::List).await?)),
        (Method::Get, ["models"]) => json(200, &kylin::models(&catalog(call, grant).await?)),
        (Method::Get, ["cube_desc", kylin::CUBE, "desc"]) => {
            json(200, &kylin::cube_desc(&catalog(call, grant).await?, None))
        }
        (Method::Get, ["cube_desc", name, "desc"]) => {
            let cube = defined(call, &grant, &CubeCall::Show { name: (*name).to_owned() }).await?;
            json(200, &kylin::cube_desc(&catalog(call, grant).await?, cube.first()))
        }
        (Method::Get, ["jobs"]) => jobs(call, &grant).await,
        (Method::Get, ["jobs", run]) => job(call, &grant, run).await,
        (Method::Put, ["cubes", name, verb @ ("build" | "rebuild")]) => build(call, &grant, name, verb).await,
        // There is one cube and it is always ready, so both change nothing.
        (Method::Put, ["cubes", kylin::CUBE, "enable" | "disable"]) => {
            grant.changes_of(&Owner::Platform)?;
            json(200, &kylin::cube())
        }
        (Method::Put, ["cubes", name, state @ ("enable" | "disable")]) => {
            grant.changes_of(&grant.scope.owner())?;
            let enabled = *state == "enable";
            let cubes =
                defined(call, &grant, &CubeCall::Enable { name: (*name).to_owned(), enabled }).await?;
            json(200, &cubes.first().map(kylin::defined_cube))
        }
        _ => Err(Fault::refused(404, "not_found", format!("there is nothing at {}", call.url.path()))),
    }
}

/// A query; what is wrong with a statement is an answer with status 500, as clients of Kylin expect.
async fn query(call: &mut Call, grant: Grant) -> Result<Response, Fault> {
    let body = call.body(MAX_BODY_BYTES).await?;
    let body: Json = serde_json::from_slice(&body)
        .map_err(|error| Fault::refused(400, "bad_json", format!("the body is not JSON: {error}")))?;
    let url = call.url.to_string();
    let failed = |message: &str| respond(500, kylin::error(&url, message));
    let request = match kylin::Request::read(&body) {
        Ok(request) => request,
        Err(error) => return failed(&error.to_string()),
    };
    let catalog = catalog(call, grant).await?;
    match sources(call).answer(&catalog, &request.sql, &request.parameters).await {
        Ok(answered) => respond(200, kylin::to_json(&answered.plan, &answered.rows, &request)),
        Err(Unanswered::Sql(error)) => failed(&error.to_string()),
        Err(Unanswered::Fault(fault)) => Err(fault),
    }
}

/// What the token's scope sees, in the words of Kylin.
async fn catalog(call: &Call, grant: Grant) -> Result<Catalog, Fault> {
    sources(call).catalog(grant.scope, None, Dialect::Calcite).await
}

/// Runs of the batch and of builds of cubes, the latest first; of one cube with `cubeName`, some with `limit` and `offset`.
async fn jobs(call: &Call, grant: &Grant) -> Result<Response, Fault> {
    let (limit, offset) = (number(call, "limit", DEFAULT_RUNS)?, number(call, "offset", 0)?);
    let is_platform = grant.reads_of(&Owner::Platform).is_ok();
    let cube = call.parameter("cubeName");
    let is_own = cube.as_deref().is_none_or(|cube| cube == kylin::CUBE);
    let is_defined = cube.as_deref().is_none_or(|cube| cube != kylin::CUBE);
    let first = ListRuns { limit: limit.saturating_add(offset).min(MAX_RUNS), ..ListRuns::default() };
    let mut wanted = Vec::new();
    if is_own && is_platform {
        wanted.push(ListRuns { job: Some(BATCH.to_owned()), ..first.clone() });
    }
    if is_defined {
        let scope = (!is_platform).then(|| grant.scope.to_string());
        wanted.push(ListRuns { job: Some(CUBES_JOB.to_owned()), scope, cube, ..first });
    }
    let mut runs = Vec::new();
    for query in wanted {
        runs.extend(call.bindings.jobs.ask::<Runs>(LIST, &query).await?.runs);
    }
    // That of the jobs' object for others than the platform: what is listed is also seen one by one.
    runs.retain(|run| sees(grant, run));
    runs.sort_by(|one, other| other.created.cmp(&one.created));
    let page = runs.iter().skip(offset as usize).take(limit as usize);
    json(200, &page.map(job_instance).collect::<Vec<Json>>())
}

fn number(call: &Call, name: &str, default: u32) -> Result<u32, Fault> {
    let Some(text) = call.parameter(name) else { return Ok(default) };
    text.parse()
        .map_err(|_| Fault::refused(422, "bad_limit", format!("{name} {text:?} is not a number from 0 on")))
}

async fn job(call: &Call, grant: &Grant, run: &str) -> Result<Response, Fault> {
    let of = OfRun { run: run.to_owned(), task: None };
    let found = match call.bindings.jobs.ask::<RunInfo>(SHOW, &of).await {
        Err(Fault::Refused(refusal)) if refusal.status == 404 => None,
        found => Some(found?).filter(|run| sees(grant, run)),
    };
    match found {
        Some(run) => json(200, &job_instance(&run)),
        None => Err(Fault::refused(404, "run_not_found", format!("there is no job {run:?}"))),
    }
}

/// The batch is the platform's business; a build of a cube is also that of the cube's scope.
fn sees(grant: &Grant, run: &RunInfo) -> bool {
    let is_platform = grant.reads_of(&Owner::Platform).is_ok();
    match run.job.as_str() {
        BATCH => is_platform,
        CUBES_JOB => is_platform || run.params["scope"] == grant.scope.to_string().as_str(),
        _ => false,
    }
}

/// Starts a run: of the batch, or of what builds a cube; `rebuild` makes what is there again.
async fn build(call: &mut Call, grant: &Grant, name: &str, verb: &str) -> Result<Response, Fault> {
    let body = call.body(MAX_BODY_BYTES).await?;
    let body: Json = match body.is_empty() {
        true => Json::Null,
        false => serde_json::from_slice(&body)
            .map_err(|error| Fault::refused(400, "bad_json", format!("the body is not JSON: {error}")))?,
    };
    let wanted = Build::read(verb, &body)?;
    let started = match name {
        kylin::CUBE => {
            grant.changes_of(&Owner::Platform)?;
            // Of the days of a range, else of all that changed.
            let (from, to) = wanted.range().map_or((None, None), |(from, to)| (Some(from), Some(to)));
            let new = NewRun { job: BATCH.to_owned(), from, to, ..NewRun::default() };
            call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?
        }
        name => {
            grant.changes_of(&grant.scope.owner())?;
            let text = |day: Option<adtally_core::time::Day>| day.map(|day| day.to_string());
            let wanted = BuildBody { refresh: wanted.is_again, from: text(wanted.from), to: text(wanted.to) };
            build_cube(call, &grant.scope, name, &wanted).await?
        }
    };
    let of = OfRun { run: started.run, task: None };
    json(200, &job_instance(&call.bindings.jobs.ask::<RunInfo>(SHOW, &of).await?))
}

/// The cubes that the token's scope has defined.
async fn defined(call: &Call, grant: &Grant, question: &CubeCall) -> Result<Vec<kylin::DefinedCube>, Fault> {
    let cube = |info: CubeInfo| kylin::DefinedCube {
        name: info.name,
        dimensions: info.dimensions,
        users: !info.measures.is_empty(),
        enabled: info.enabled,
        cells: info.cells,
        bytes: info.bytes,
    };
    Ok(cubes(call, &grant.scope, question).await?.into_iter().map(cube).collect())
}

fn job_instance(run: &RunInfo) -> Json {
    let (status, progress) = match run.state.as_str() {
        "queued" => ("PENDING", 0.0),
        "running" => ("RUNNING", 50.0),
        "succeeded" => ("FINISHED", 100.0),
        _ => ("ERROR", 0.0),
    };
    let cube = run.params["cube"].as_str().unwrap_or(kylin::CUBE);
    object!({
        "uuid": run.run, "name": format!("BUILD CUBE - {cube}"), "type": "BUILD", "duration": 0,
        "related_cube": cube, "job_status": status, "progress": progress, "steps": [],
    })
}

fn respond(status: u16, body: String) -> Result<Response, Fault> {
    let builder =
        ResponseBuilder::new().with_status(status).with_header("Content-Type", "application/json")?;
    Ok(builder.with_header("Cache-Control", "private, no-store")?.fixed(body.into_bytes()))
}
