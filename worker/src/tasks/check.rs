//! `check`: a report whose figures have to lie between two bounds; if one does not, the run fails and says which.

use adtally_core::report::{Table, Value};
use serde::Deserialize;
use serde_json::json;

use super::question::{Parameters, ask};
use super::{Context, Done, TaskError};

/// How many rows that do not pass are named.
const NAMED_ROWS: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Whose report it is; absent: the platform's.
    scope: Option<String>,
    /// What `GET /v1/reports` takes; `metrics` has to name the metric.
    query: Parameters,
    /// What is looked at: in each row where there is `by`, else in the totals.
    metric: String,
    min: Option<f64>,
    max: Option<f64>,
}

/// May be repeated: it changes nothing.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let params: Params = serde_json::from_str(params)?;
    if params.min.is_none() && params.max.is_none() {
        return Err(TaskError::permanent("neither min nor max is given"));
    }
    let table = ask(context, params.scope.as_deref(), &params.query).await?;
    let (checked, failed) = examine(&table, &params)?;
    if failed.is_empty() {
        context.log(format!("{checked} figures of {} pass", params.metric));
        return Ok(Done { result: json!({ "checked": checked }).to_string(), spawn: Vec::new() });
    }
    failed.iter().for_each(|text| context.log(text.as_str()));
    let more = failed.len().saturating_sub(NAMED_ROWS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let named = failed[..failed.len().min(NAMED_ROWS)].join(", ");
    Err(TaskError::permanent(format!("{} must be {}: {named}{more}", params.metric, params.bounds())))
}

/// How many figures were looked at, and those that do not pass.
fn examine(table: &Table, params: &Params) -> Result<(usize, Vec<String>), TaskError> {
    let names = table.columns.len() - table.totals.len();
    let place = table.totals.iter().position(|(name, _)| *name == params.metric).ok_or_else(|| {
        TaskError::permanent(format!("metrics does not name {}, which is to be checked", params.metric))
    })?;
    if names == 0 {
        let total = &table.totals[place].1;
        let failed = params.failing(total).map(|figure| format!("it is {figure}"));
        return Ok((1, failed.into_iter().collect()));
    }
    let failing = table.rows.iter().filter_map(|row| {
        let figure = params.failing(&row[names + place])?;
        let group: Vec<String> = row[..names].iter().map(text).collect();
        Some(format!("{figure} for {}", group.join(" ")))
    });
    Ok((table.rows.len(), failing.collect()))
}

impl Params {
    /// The figure, if it does not pass; one that is missing does not.
    fn failing(&self, value: &Value) -> Option<String> {
        let number = match value {
            Value::Count(count) => Some(*count as f64),
            Value::Ratio(ratio) => Some(*ratio),
            Value::Text(_) | Value::Nothing => None,
        };
        let passes = |number: f64| {
            self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max)
        };
        (!number.is_some_and(passes)).then(|| text(value))
    }

    fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            (None, None) => "anything".to_owned(),
        }
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
