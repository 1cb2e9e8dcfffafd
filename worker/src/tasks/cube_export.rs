//! `cube_export`: the cuboids of a cube as Parquet files in the bucket, for other engines.
//!
//! ```text
//! exports/cubes/scope=advertiser%3Aacme/cube=daily/cuboid=campaign,country/from=2026-03-01/r7-g3.parquet
//! exports/cubes/scope=advertiser%3Aacme/cube=daily/manifest.json
//! ```

use adtally_archive::{cells_columns, cells_file};
use adtally_core::cell::{Dimension, Scope};
use adtally_core::time::Day;
use adtally_wire::cube::{CubeCall, CubeInfo, CubeTold, PartInfo};
use adtally_wire::cube_export::{Manifest, export_folder, file_key, manifest_key};
use serde_json::json;

use super::cubes::Params;
use super::{Context, Done, TaskError};
use crate::bindings::{REPORT, STORE};
use crate::cubes::ask;
use crate::parts;
use crate::problem::Fault;
use crate::store::Store;

/// The kind of these tasks.
pub(crate) const CUBE_EXPORT_TASK: &str = "cube_export";

/// May be repeated: a file has one content by its name, the manifest is written when all of them are there, and what
/// it does not name is removed after that.
///
/// 1. Days are written one by one, so that a day that changes is a small file; a month has the same cells.
/// 2. The manifest takes the place of the last one.
/// 3. What the last export had and this one has not is removed. A cube that is gone by then takes its export with it:
///    whoever removed it may have been faster than this.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { scope, cube } = serde_json::from_str(params)?;
    let scope = Scope::parse(&scope).ok_or_else(|| TaskError::permanent(format!("{scope:?} is no scope")))?;
    let Some(info) = found(context, &scope, &cube).await? else {
        return Err(TaskError::permanent(format!("there is no cube {cube:?}")));
    };
    let store = Store::open(&context.env)?;
    let manifest = write(context, &scope, &info).await?;
    let (own, folder) = (manifest_key(&scope, &cube), export_folder(&scope, &cube));
    let text = serde_json::to_vec_pretty(&manifest)?;
    context.env.bucket(STORE)?.put(own.as_str(), text).execute().await?;
    if found(context, &scope, &cube).await?.is_none() {
        store.remove_all(&folder).await?;
        return Err(TaskError::permanent(format!("the cube {cube:?} is gone")));
    }
    let there = store.keys(&folder).await?;
    let strangers = manifest.strangers(there.iter().map(|(key, _)| key.as_str()), &own);
    for keys in strangers.chunks(MAX_REMOVED) {
        store.remove(keys).await?;
    }
    let (files, cells, bytes) = (manifest.files(), manifest.rows, manifest.bytes);
    context
        .log(format!("{files} files, {cells} cells, {bytes} bytes; {} old files removed", strangers.len()));
    let result = json!({ "files": files, "cells": cells, "bytes": bytes, "manifest": own });
    Ok(Done { result: result.to_string(), spawn: Vec::new() })
}

/// Objects that the bucket removes at once.
const MAX_REMOVED: usize = 1_000;

/// The cube with its parts; none where it is gone.
async fn found(context: &Context, scope: &Scope, cube: &str) -> Result<Option<CubeInfo>, TaskError> {
    let namespace = context.env.durable_object(REPORT)?;
    match ask(&namespace, scope, &CubeCall::Show { name: cube.to_owned() }).await {
        Ok(CubeTold::Cubes(cubes)) => Ok(cubes.into_iter().next()),
        Ok(_) => Err(TaskError::permanent("the report does not tell its cubes")),
        Err(Fault::Refused(refusal)) if refusal.status == 404 => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

async fn write(context: &Context, scope: &Scope, info: &CubeInfo) -> Result<Manifest, TaskError> {
    let bucket = context.env.bucket(STORE)?;
    let with_users = !info.measures.is_empty();
    let mut manifest = Manifest::new(scope, info);
    // A month's part spans more than a day; what is not fresh will be built again.
    let is_day = |part: &PartInfo| {
        let day = |text: &str| Day::parse(text).map(|day| day.0);
        day(&part.from).zip(day(&part.to)).is_some_and(|(from, to)| to == from + 1)
    };
    let days = info.parts.iter().filter(|part| part.fresh && !part.key.is_empty() && is_day(part));
    for part in days {
        let is_told = |one: &Dimension| part.cuboid.iter().any(|name| name == one.name());
        let dimensions: Vec<Dimension> = Dimension::ALL.into_iter().filter(is_told).collect();
        for segment in parts::read(&bucket, std::slice::from_ref(&part.key)).await? {
            let file = cells_file(&segment, &dimensions, with_users).map_err(TaskError::permanent)?;
            let key = file_key(scope, info, part);
            let columns = cells_columns(&dimensions, with_users);
            manifest.add(part, &columns, key.clone(), segment.len() as u64, &file);
            bucket.put(key.as_str(), file).execute().await?;
        }
    }
    Ok(manifest)
}
