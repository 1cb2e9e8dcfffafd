//! A report as tasks ask for it: what `GET /v1/reports` takes, in `scope` and `query`.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::report::{MAX_LIMIT, Query, Table, run};
use adtally_wire::object::ReduceQuery;
use serde::Deserialize;

use super::{Context, TaskError};
use crate::bindings::{CATALOG, REPORT, STORE};
use crate::clock;
use crate::directory;
use crate::reporters::{Reports, reduce};

/// One text or several: a parameter that may be repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Parameters of a report.
pub(super) type Parameters = BTreeMap<String, Texts>;

/// Answers a report from the cells of one scope.
pub(super) async fn ask(
    context: &Context,
    scope: Option<&str>,
    query: &Parameters,
) -> Result<Table, TaskError> {
    let scope = match scope {
        None => Scope::Platform,
        Some(text) => Scope::parse(text).ok_or_else(|| {
            TaskError::permanent(format!("{text:?} is not platform, advertiser:<key> or service:<key>"))
        })?,
    };
    let now = clock::now();
    let default_tz = match &scope {
        Scope::Advertiser(key) => directory::place(&context.env.d1(CATALOG)?, key, now).await?.timezone,
        Scope::Platform | Scope::Service(_) => "UTC".to_owned(),
    };
    let mut parameters = pairs(query);
    if !query.contains_key("limit") {
        parameters.push(("limit".to_owned(), MAX_LIMIT.to_string()));
    }
    let parsed = Query::parse(&parameters, &default_tz, now).map_err(TaskError::permanent)?;
    parsed.check_scope(&scope).map_err(TaskError::permanent)?;
    let needed = parsed.plan().dimensions_needed();
    if let Some(missing) = needed.iter().find(|dimension| !scope.dimensions().contains(dimension)) {
        let detail =
            format!("{scope} does not keep {} apart: ask in the scope of an advertiser", missing.name());
        return Err(TaskError::permanent(detail));
    }
    let reduce_query = ReduceQuery { parameters, now_ms: now.0, default_tz, use_cubes: true };
    let bucket = context.env.bucket(STORE).ok();
    let reports = Reports { namespace: &context.env.durable_object(REPORT)?, bucket: bucket.as_ref() };
    let reduced = reduce(&reports, &scope, &reduce_query).await?;
    let table = run(&parsed, &reduced.segment, &scope);
    if table.row_count > table.rows.len() as u64 && !query.contains_key("limit") {
        let detail = format!("{} rows, at most {MAX_LIMIT} fit", table.row_count);
        return Err(TaskError::permanent(detail));
    }
    Ok(table)
}

fn pairs(query: &Parameters) -> Vec<(String, String)> {
    let repeated = query.iter().flat_map(|(name, texts)| {
        let texts = match texts {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Many(texts) => texts,
        };
        texts.iter().map(|text| (name.clone(), text.clone()))
    });
    repeated.collect()
}
