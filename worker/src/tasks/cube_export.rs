//! `cube_export`: the cuboids of a cube as Parquet files in the bucket, for other engines.
//!
//! ```text
//! exports/cubes/scope=advertiser%3Aacme/cube=daily/cuboid=campaign,country/from=2026-03-01/cells.parquet
//! ```

use adtally_archive::cells_file;
use adtally_core::cell::{Dimension, Scope};
use adtally_wire::cube::{CubeCall, CubeTold, cube_folder};
use serde_json::json;

use super::cubes::Params;
use super::{Context, Done, TaskError};
use crate::bindings::{REPORT, STORE};
use crate::cubes::ask;
use crate::parts;

/// The kind of these tasks.
pub(crate) const CUBE_EXPORT_TASK: &str = "cube_export";

/// May be repeated: a file is written again, with what is built then.
///
/// Days are written one by one, so that a file that changes is small; a month that was merged has the same cells.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { scope, cube } = serde_json::from_str(params)?;
    let scope = Scope::parse(&scope).ok_or_else(|| TaskError::permanent(format!("{scope:?} is no scope")))?;
    let (namespace, bucket) = (context.env.durable_object(REPORT)?, context.env.bucket(STORE)?);
    let CubeTold::Cubes(cubes) = ask(&namespace, &scope, &CubeCall::Show { name: cube.clone() }).await?
    else {
        return Err(TaskError::permanent("the report does not tell its cubes"));
    };
    let (mut files, mut bytes, mut cells) = (0_u64, 0_u64, 0_u64);
    for info in &cubes {
        let with_users = !info.measures.is_empty();
        // A month's part spans more than a day; what is not fresh will be built again.
        let is_day = |from: &str, to: &str| {
            let day = |text| adtally_core::time::Day::parse(text).map(|day| day.0);
            day(from).zip(day(to)).is_some_and(|(from, to)| to == from + 1)
        };
        let days = info.parts.iter().filter(|part| part.fresh && is_day(&part.from, &part.to));
        for part in days.filter(|part| !part.key.is_empty()) {
            let dimensions: Vec<Dimension> = Dimension::ALL
                .into_iter()
                .filter(|one| part.cuboid.iter().any(|name| name == one.name()))
                .collect();
            let key = std::slice::from_ref(&part.key);
            for segment in parts::read(&bucket, key).await? {
                let file = cells_file(&segment, &dimensions, with_users).map_err(TaskError::permanent)?;
                (files, cells) = (files + 1, cells + segment.len() as u64);
                bytes += file.len() as u64;
                let cuboid = if part.cuboid.is_empty() { "total".to_owned() } else { part.cuboid.join(",") };
                let folder = cube_folder(&scope, &cube);
                let name = format!("exports/{folder}cuboid={cuboid}/from={}/cells.parquet", part.from);
                bucket.put(name.as_str(), file).execute().await?;
            }
        }
    }
    context.log(format!("{files} files, {cells} cells, {bytes} bytes"));
    Ok(Done {
        result: json!({ "files": files, "cells": cells, "bytes": bytes }).to_string(),
        spawn: Vec::new(),
    })
}
