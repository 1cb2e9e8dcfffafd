//! `check`: figures of a report, or one of a statement, that have to lie between two bounds; if one does not, the run
//! fails and says which.

use adtally_core::report::{Table, Value};
use adtally_sql::answer::parameter;
use adtally_sql::{Dialect, Plan, SqlError, Statement, plan};
use adtally_wire::jobs::told::{CheckTold, Checked, scope_of};
use serde_json::{Value as Json, json};

use super::question::ask;
use super::{Context, Done, TaskError};
use crate::bindings::{CATALOG, REPORT, STORE};
use crate::clock;
use crate::problem::Fault;
use crate::reporters::Reports;
use crate::statements::Sources;

/// The kind of these tasks.
pub(crate) const CHECK_TASK: &str = "check";
/// How many rows that do not pass are named.
const NAMED_ROWS: usize = 5;

/// What was looked at.
struct Looked {
    /// How it is called.
    what: String,
    /// How many figures.
    checked: usize,
    /// Those that do not pass.
    failed: Vec<String>,
}

/// May be repeated: it changes nothing.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let told: CheckTold = serde_json::from_str(params)?;
    let Looked { what, checked, failed } = match told.checked().map_err(TaskError::Permanent)? {
        Checked::Report(query, metric) => {
            examine(&ask(context, told.scope.as_deref(), query).await?, metric, &told)?
        }
        Checked::Statement(sql) => examine_statement(context, sql, &told).await?,
    };
    if failed.is_empty() {
        context.log(format!("{checked} figures of {what} pass"));
        return Ok(Done { result: json!({ "checked": checked }).to_string(), spawn: Vec::new() });
    }
    failed.iter().for_each(|text| context.log(text.as_str()));
    let more = failed.len().saturating_sub(NAMED_ROWS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let named = failed[..failed.len().min(NAMED_ROWS)].join(", ");
    Err(TaskError::permanent(format!("{what} must be {}: {named}{more}", told.bounds())))
}

/// The figures of a report.
fn examine(table: &Table, metric: &str, told: &CheckTold) -> Result<Looked, TaskError> {
    let names = table.columns.len() - table.totals.len();
    let place = table.totals.iter().position(|(name, _)| *name == metric).ok_or_else(|| {
        TaskError::permanent(format!("metrics does not name {metric}, which is to be checked"))
    })?;
    let failing = |value: &Value| (!told.passes(number(value))).then(|| text(value));
    let (checked, failed) = if names == 0 {
        let failed = failing(&table.totals[place].1).map(|figure| format!("it is {figure}"));
        (1, failed.into_iter().collect())
    } else {
        let failed = table.rows.iter().filter_map(|row| {
            let figure = failing(&row[names + place])?;
            let group: Vec<String> = row[..names].iter().map(text).collect();
            Some(format!("{figure} for {}", group.join(" ")))
        });
        (table.rows.len(), failed.collect())
    };
    Ok(Looked { what: metric.to_owned(), checked, failed })
}

/// The figure of a statement: a column of its first row.
async fn examine_statement(context: &Context, sql: &str, told: &CheckTold) -> Result<Looked, TaskError> {
    let scope = scope_of(told.scope.as_deref()).map_err(TaskError::Permanent)?;
    let database = context.env.d1(CATALOG)?;
    let (namespace, bucket) = (context.env.durable_object(REPORT)?, context.env.bucket(STORE).ok());
    let reports = Reports { namespace: &namespace, bucket: bucket.as_ref() };
    let sources = Sources { catalog: &database, reports, now: clock::now() };
    let catalog = sources.catalog(scope, told.tz.as_deref(), Dialect::Calcite).await?;
    let parameters = told.params.iter().map(parameter).collect::<Result<Vec<_>, _>>();
    let parameters = parameters.map_err(TaskError::permanent)?;
    let answered = sources.answer(&catalog, sql, &parameters).await.map_err(Fault::from)?;
    let place = column(&answered.plan, told).map_err(TaskError::Permanent)?;
    let value = answered.rows.rows.first().map(|row| &row[place]);
    let shown = match value {
        None => "there is no row".to_owned(),
        Some(value) if value.is_null() => "it is nothing".to_owned(),
        Some(value) => format!("it is {value}"),
    };
    let passes = told.passes(value.and_then(adtally_sql::Value::number));
    let what = answered.plan.columns[place].name.clone();
    Ok(Looked { what, checked: 1, failed: (!passes).then_some(shown).into_iter().collect() })
}

/// The place of the column that is looked at; it has to be one of numbers.
fn column(plan: &Plan, told: &CheckTold) -> Result<usize, String> {
    if plan.explain {
        return Err("EXPLAIN has no figures".to_owned());
    }
    let place = match &told.column {
        None => 0,
        Some(name) => plan
            .columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("the statement has no column {name:?}"))?,
    };
    match plan.columns.get(place) {
        Some(column) if column.ty.is_number() => Ok(place),
        Some(column) => Err(format!("{} is {}, not a number", column.name, column.ty.name())),
        None => Err("the statement has no columns".to_owned()),
    }
}

/// Why a statement could never be checked, seen when the job is made; nothing if a report is, or if it could.
pub(crate) async fn refuse_statement(
    sources: &Sources<'_>,
    params: &Json,
) -> Result<Result<(), String>, Fault> {
    let Ok(told) = serde_json::from_value::<CheckTold>(params.clone()) else { return Ok(Ok(())) };
    let (Ok(Checked::Statement(sql)), Ok(scope)) = (told.checked(), scope_of(told.scope.as_deref())) else {
        return Ok(Ok(()));
    };
    let catalog = sources.catalog(scope, told.tz.as_deref(), Dialect::Calcite).await?;
    let planned = || -> Result<Plan, SqlError> {
        let parameters = told.params.iter().map(parameter).collect::<Result<Vec<_>, _>>()?;
        plan(&Statement::parse(sql)?, &catalog, &parameters)
    };
    Ok(planned().map_err(|error| error.to_string()).and_then(|plan| column(&plan, &told).map(drop)))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Count(count) => Some(*count as f64),
        Value::Ratio(ratio) => Some(*ratio),
        Value::Text(_) | Value::Nothing => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Ratio(ratio) => ratio.to_string(),
        Value::Text(text) if text.is_empty() => "(none)".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Nothing => "nothing".to_owned(),
    }
}
