//! `cubes`: builds what is missing of a scope's cubes, or is older than what was published.
//!
//! The Report object says what is missing; its cells of a day become the finest cuboid, that becomes all others, and
//! days become months where all of them are there.

use adtally_core::cell::Scope;
use adtally_core::cube::Cube;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::Day;
use adtally_wire::cube::{Built, BuiltPart, CUBE_CELLS, CubeCall, CubeCells, CubeTold, Merge, Step, Work};
use adtally_wire::object::ReduceAnswer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use worker::Method;

use super::{Context, Done, TaskError, TaskSpec};
use crate::bindings::{REPORT, STORE};
use crate::clock;
use crate::cubes::ask;
use crate::linkers::request;
use crate::parts;
use crate::store::Store;

/// The kind of these tasks.
pub(crate) const CUBES_TASK: &str = "cubes";
/// Steps of a task: a consumer of a queue is ended after a quarter of an hour.
const MAX_STEPS: usize = 200;

/// What a task is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Whose cubes.
    pub(super) scope: String,
    /// Only this one; empty: all.
    #[serde(default)]
    pub(super) cube: String,
}

/// May be repeated: what is built is named by definition, days and generation, and has the same bytes each time; the
/// Report object takes up only what is of its last generation.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { scope: name, cube } = serde_json::from_str(params)?;
    let scope = Scope::parse(&name).ok_or_else(|| TaskError::permanent(format!("{name:?} is no scope")))?;
    let only = Some(cube.clone()).filter(|cube| !cube.is_empty());
    let namespace = context.env.durable_object(REPORT)?;
    let (mut days, mut months, mut cells) = (0, 0, 0);
    while days + months < MAX_STEPS {
        let told = ask(&namespace, &scope, &CubeCall::Work { cube: only.clone() }).await?;
        let CubeTold::Work(Work { steps, garbage }) = told else {
            return Err(TaskError::permanent("the report does not say what to do"));
        };
        if !garbage.is_empty() {
            Store::open(&context.env)?.remove(&garbage).await?;
            ask(&namespace, &scope, &CubeCall::Swept { keys: garbage }).await?;
        }
        if steps.is_empty() {
            context.log(format!("{name}: {days} days, {months} months, {cells} cells"));
            let result = json!({ "days": days, "months": months, "cells": cells }).to_string();
            return Ok(Done { result, spawn: Vec::new() });
        }
        for step in steps {
            let built = build(context, &scope, &step).await?;
            cells += built.parts.iter().map(|part| part.cells).sum::<u64>();
            if step.merge.is_some() {
                months += 1
            } else {
                days += 1
            }
            ask(&namespace, &scope, &CubeCall::Built(built)).await?;
        }
    }
    // There is more: another task goes on.
    let spawn =
        TaskSpec::new(format!("{}+", context.task), CUBES_TASK, &Params { scope: name, cube }, vec![])?;
    Ok(Done { result: String::new(), spawn: vec![spawn] })
}

async fn build(context: &Context, scope: &Scope, step: &Step) -> Result<Built, TaskError> {
    let started = clock::now().0;
    let cube = step.body.cube(scope, &step.cube, "UTC").map_err(TaskError::permanent)?;
    let (generation, cuboids) = match &step.merge {
        None => day(context, scope, step, &cube).await?,
        Some(merge) => (merge.generation, month(context, step, &cube, merge).await?),
    };
    let bucket = context.env.bucket(STORE)?;
    let mut parts = Vec::with_capacity(cuboids.len());
    for (place, cells) in cuboids.iter().enumerate() {
        if cells.is_empty() {
            parts.push(BuiltPart::default());
            continue;
        }
        let (key, bytes) = (step.key(scope, generation, place), cells.encode());
        parts.push(BuiltPart { key: key.clone(), cells: cells.len() as u64, bytes: bytes.len() as u64 });
        bucket.put(&key, bytes).execute().await?;
    }
    let Step { cube, revision, first, last, .. } = step.clone();
    Ok(Built { cube, revision, first, last, generation, took_ms: clock::now().0 - started, parts })
}

/// The cuboids of a day, and the generation that its cells are of.
async fn day(
    context: &Context,
    scope: &Scope,
    step: &Step,
    cube: &Cube,
) -> Result<(u64, Vec<Segment>), TaskError> {
    let stub = context.env.durable_object(REPORT)?.get_by_name(&scope.to_string())?;
    let wanted = serde_json::to_vec(&CubeCells { body: step.body.clone(), day: step.first })?;
    let mut answer = stub.fetch_with_request(request(Method::Post, CUBE_CELLS, &wanted)?).await?;
    if answer.status_code() != 200 {
        return Err(TaskError::Retry(format!("{scope} answered {}", answer.status_code())));
    }
    let unreadable = |error: String| TaskError::Retry(format!("{scope}: {error}"));
    let answer =
        ReduceAnswer::decode(&answer.bytes().await?).map_err(|error| unreadable(error.to_string()))?;
    let finest = Segment::decode(&answer.segment.unwrap_or_default());
    let finest = finest.map_err(|error| unreadable(error.to_string()))?;
    let hours = Day(step.first).hours();
    let cuboids = cube.cuboids.iter().map(|cuboid| cube.add_up(cuboid, hours.clone(), &finest)).collect();
    Ok((answer.head.generation, cuboids))
}

/// The cuboids of a month, of those of its days.
async fn month(
    context: &Context,
    step: &Step,
    cube: &Cube,
    merge: &Merge,
) -> Result<Vec<Segment>, TaskError> {
    let bucket = context.env.bucket(STORE)?;
    let hours = Day(step.first).hours().start..Day(step.last).hours().end;
    let mut cuboids = Vec::with_capacity(merge.keys.len());
    for (cuboid, keys) in cube.cuboids.iter().zip(&merge.keys) {
        let mut month = Merger::default();
        for part in parts::read(&bucket, keys).await? {
            month.add(cube.add_up(cuboid, hours.clone(), &part));
        }
        cuboids.push(cube.add_up(cuboid, hours.clone(), &month.finish()));
    }
    Ok(cuboids)
}
