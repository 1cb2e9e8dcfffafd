//! `/kylin/api`: the REST protocol of Apache Kylin, version 1.

use adtally_core::access::{Grant, Owner};
use adtally_sql::protocol::kylin;
use adtally_wire::cube::{BuildBody, CubeCall, CubeInfo};
use adtally_wire::jobs::api::{NewRun, RunInfo, Runs, StartedRuns};
use adtally_wire::jobs::object::{LIST, ListRuns, START, Start};
use serde_json::{Value as Json, json as object};
use worker::{Method, Response, ResponseBuilder};

use super::cubes::{build as build_cube, cubes};
use super::sql::{MAX_BODY_BYTES, Unanswered, answer, catalog};
use crate::auth::authenticate_tool;
use crate::call::{Call, json};
use crate::problem::Fault;

/// The job that makes batch segments.
const BATCH: &str = "batch";
/// The most runs that are listed.
const MAX_RUNS: u32 = 100;

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
            json(200, &kylin::tables_and_columns(&catalog(call, grant.scope, None).await?))
        }
        (Method::Get, ["projects"]) => json(200, &kylin::projects()),
        (Method::Get, ["cubes"]) => json(200, &kylin::cubes(&defined(call, &grant, &CubeCall::List).await?)),
        (Method::Get, ["models"]) => json(200, &kylin::models(&catalog(call, grant.scope, None).await?)),
        (Method::Get, ["cube_desc", kylin::CUBE, "desc"]) => {
            json(200, &kylin::cube_desc(&catalog(call, grant.scope, None).await?, None))
        }
        (Method::Get, ["cube_desc", name, "desc"]) => {
            let cube = defined(call, &grant, &CubeCall::Show { name: (*name).to_owned() }).await?;
            json(200, &kylin::cube_desc(&catalog(call, grant.scope, None).await?, cube.first()))
        }
        (Method::Get, ["jobs"]) => jobs(call, &grant).await,
        (Method::Get, ["jobs", run]) => job(call, &grant, run).await,
        (Method::Put, ["cubes", kylin::CUBE, "build" | "rebuild"]) => build(call, &grant).await,
        // There is one cube and it is always ready, so both change nothing.
        (Method::Put, ["cubes", kylin::CUBE, "enable" | "disable"]) => {
            grant.changes_of(&Owner::Platform)?;
            json(200, &kylin::cube())
        }
        (Method::Put, ["cubes", name, "build" | "rebuild"]) => build_defined(call, &grant, name).await,
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
    let catalog = catalog(call, grant.scope, None).await?;
    match answer(call, &catalog, &request.sql, &request.parameters).await {
        Ok(answered) => respond(200, kylin::to_json(&answered.plan, &answered.rows, &request)),
        Err(Unanswered::Sql(error)) => failed(&error.to_string()),
        Err(Unanswered::Fault(fault)) => Err(fault),
    }
}

/// Runs of the batch, the latest first.
async fn jobs(call: &Call, grant: &Grant) -> Result<Response, Fault> {
    json(200, &runs(call, grant).await?.iter().map(job_instance).collect::<Vec<Json>>())
}

async fn job(call: &Call, grant: &Grant, run: &str) -> Result<Response, Fault> {
    match runs(call, grant).await?.iter().find(|known| known.run == run) {
        Some(run) => json(200, &job_instance(run)),
        None => Err(Fault::refused(404, "run_not_found", format!("there is no job {run:?}"))),
    }
}

/// The batch is the platform's business; others see no jobs.
async fn runs(call: &Call, grant: &Grant) -> Result<Vec<RunInfo>, Fault> {
    if grant.reads_of(&Owner::Platform).is_err() {
        return Ok(Vec::new());
    }
    let query = ListRuns { job: Some(BATCH.to_owned()), state: None, limit: MAX_RUNS };
    Ok(call.bindings.jobs.ask::<Runs>(LIST, &query).await?.runs)
}

/// Starts a run of the batch: of all days that changed.
async fn build(call: &Call, grant: &Grant) -> Result<Response, Fault> {
    grant.changes_of(&Owner::Platform)?;
    let new: NewRun = serde_json::from_value(object!({ "job": BATCH })).map_err(worker::Error::from)?;
    let started = call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?;
    let runs = runs(call, grant).await?;
    let run = runs.iter().find(|run| run.run == started.run);
    json(200, &run.map_or_else(|| object!({ "uuid": started.run, "job_status": "PENDING" }), job_instance))
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

/// Starts to build what is missing of a cube.
async fn build_defined(call: &Call, grant: &Grant, name: &str) -> Result<Response, Fault> {
    grant.changes_of(&grant.scope.owner())?;
    let started = build_cube(call, &grant.scope, name, &BuildBody::default()).await?;
    json(
        200,
        &object!({
            "uuid": started.run, "name": format!("BUILD CUBE - {name}"), "type": "BUILD", "duration": 0,
            "related_cube": name, "job_status": "PENDING", "progress": 0.0, "steps": [],
        }),
    )
}

fn job_instance(run: &RunInfo) -> Json {
    let (status, progress) = match run.state.as_str() {
        "queued" => ("PENDING", 0.0),
        "running" => ("RUNNING", 50.0),
        "succeeded" => ("FINISHED", 100.0),
        _ => ("ERROR", 0.0),
    };
    object!({
        "uuid": run.run, "name": format!("BUILD CUBE - {}", kylin::CUBE), "type": "BUILD", "duration": 0,
        "related_cube": kylin::CUBE, "job_status": status, "progress": progress, "steps": [],
    })
}

fn respond(status: u16, body: String) -> Result<Response, Fault> {
    let builder =
        ResponseBuilder::new().with_status(status).with_header("Content-Type", "application/json")?;
    Ok(builder.with_header("Cache-Control", "private, no-store")?.fixed(body.into_bytes()))
}
