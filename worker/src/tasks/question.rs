//! A report as tasks ask for it: what `GET /v1/reports` takes, in `scope` and `query`.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::report::{MAX_LIMIT, Table, run};
use serde::Deserialize;

use super::{Context, TaskError};
use crate::bindings::{CATALOG, REPORT, STORE};
use crate::clock;
use crate::reporters::Reports;
use crate::reports::Question;

/// One text or several: a parameter that may be repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Parameters of a report.
pub(super) type Parameters = BTreeMap<String, Texts>;

/// Answers a report: what `GET /v1/reports` would say now.
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
    let mut parameters = pairs(query);
    if !query.contains_key("limit") {
        parameters.push(("limit".to_owned(), MAX_LIMIT.to_string()));
    }
    let question = Question::new(&context.env.d1(CATALOG)?, scope, parameters, now).await?;
    let bucket = context.env.bucket(STORE).ok();
    let reports = Reports { namespace: &context.env.durable_object(REPORT)?, bucket: bucket.as_ref() };
    let data = question.gather(&reports).await?;
    let table = run(&question.query, &data.segment, &question.scope);
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
