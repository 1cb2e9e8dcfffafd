//! A report as tasks ask for it: what `GET /v1/reports` takes, in `scope` and `query`.

use adtally_core::report::{MAX_LIMIT, Table, run};
use adtally_wire::jobs::told::{Parameters, pairs, scope_of};

use super::{Context, TaskError};
use crate::bindings::{CATALOG, REPORT, STORE};
use crate::clock;
use crate::reporters::Reports;
use crate::reports::Question;

/// Answers a report: what `GET /v1/reports` would say now.
pub(super) async fn ask(
    context: &Context,
    scope: Option<&str>,
    query: &Parameters,
) -> Result<Table, TaskError> {
    let scope = scope_of(scope).map_err(TaskError::Permanent)?;
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
