//! What tasks of some kinds are told, so that what cannot be is refused when a job is made.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::report::Query;
use adtally_core::time::ServerTime;
use serde::Deserialize;
use serde_json::Value;

use super::definition::{Occasion, TaskDefinition, day_before};

/// One text or several: a parameter that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Parameters of a report.
pub type Parameters = BTreeMap<String, Texts>;

/// What `check` is told: a report or a statement, and between which bounds its figures lie.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckTold {
    /// Whose figures; absent: the platform's.
    pub scope: Option<String>,
    /// What `GET /v1/reports` takes; `metrics` has to name the metric.
    pub query: Option<Parameters>,
    /// What of a report is looked at: in each row where there is `by`, else in the totals.
    pub metric: Option<String>,
    /// Or a statement, of whose first row a column is looked at.
    pub sql: Option<String>,
    /// The values of its `?`.
    #[serde(default)]
    pub params: Vec<Value>,
    /// The zone of its days; absent: the scope's.
    pub tz: Option<String>,
    /// The column; absent: the first.
    pub column: Option<String>,
    /// The least that passes.
    pub min: Option<f64>,
    /// The most that passes.
    pub max: Option<f64>,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Checked<'t> {
    /// A metric of a report.
    Report(&'t Parameters, &'t str),
    /// A statement.
    Statement(&'t str),
}

/// A report as `export` and `webhook` ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTold {
    /// Whose report it is; absent: the platform's.
    #[serde(default)]
    pub scope: Option<String>,
    /// What `GET /v1/reports` takes.
    pub query: Parameters,
}

/// What `export` is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportTold {
    /// Whose report it is; absent: the platform's.
    pub scope: Option<String>,
    /// What `GET /v1/reports` takes.
    pub query: Parameters,
    /// The file's name: `acme/{{day}}.csv`; its ending says what it is.
    pub name: String,
}

/// What `webhook` is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTold {
    /// Where to.
    pub url: String,
    /// What is sent.
    #[serde(default)]
    pub body: Value,
    /// A report that is the body, as CSV.
    #[serde(default)]
    pub report: Option<ReportTold>,
}

/// What a task would be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The task.
    pub id: String,
    /// What sort of task it is.
    pub kind: String,
    /// What it would be told.
    pub params: Value,
}

/// What tasks would be told if the job ran now, except those whose placeholders need something of the run.
pub fn told(tasks: &[TaskDefinition], now: ServerTime) -> Vec<Told> {
    let params = BTreeMap::new();
    let occasion = Occasion { day: day_before(now.0), run: "job-1".to_owned(), number: 1, params };
    let bound = tasks.iter().filter_map(|task| task.bind(&occasion).ok());
    bound.map(|(spec, params)| Told { id: spec.id, kind: spec.kind, params }).collect()
}

/// The parameters of a report, one by one.
pub fn pairs(query: &Parameters) -> Vec<(String, String)> {
    let repeated = query.iter().flat_map(|(name, texts)| {
        let texts = match texts {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Many(texts) => texts,
        };
        texts.iter().map(|text| (name.clone(), text.clone()))
    });
    repeated.collect()
}

/// The scope of a name; absent: the platform.
pub fn scope_of(name: Option<&str>) -> Result<Scope, String> {
    match name {
        None => Ok(Scope::Platform),
        Some(text) => Scope::parse(text)
            .ok_or_else(|| format!("{text:?} is not platform, advertiser:<key> or service:<key>")),
    }
}

impl CheckTold {
    /// What is checked, if all is there that it takes.
    pub fn checked(&self) -> Result<Checked<'_>, String> {
        match (self.min, self.max) {
            (None, None) => return Err("neither min nor max is given".to_owned()),
            (Some(min), Some(max)) if min > max => return Err(format!("min {min} is above max {max}")),
            _ => {}
        }
        let of_statement = !self.params.is_empty() || self.tz.is_some() || self.column.is_some();
        match (&self.query, &self.metric, &self.sql) {
            (Some(query), Some(metric), None) if !of_statement => Ok(Checked::Report(query, metric)),
            (None, None, Some(sql)) => Ok(Checked::Statement(sql)),
            _ => Err("either query and metric, or sql, which may have params, tz and column".to_owned()),
        }
    }

    /// Whether a figure lies between the bounds; one that is missing does not.
    pub fn passes(&self, figure: Option<f64>) -> bool {
        figure.is_some_and(|figure| {
            self.min.is_none_or(|min| min <= figure) && self.max.is_none_or(|max| figure <= max)
        })
    }

    /// The bounds in words.
    pub fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            (None, None) => "anything".to_owned(),
        }
    }
}

/// Why a task of a kind would fail each time it is told this, as far as that can be seen beforehand; statements are
/// looked at by those who can read them.
pub fn check_told(kind: &str, told: &Value, now: ServerTime) -> Result<(), String> {
    match kind {
        "check" => {
            let told: CheckTold = read(told)?;
            scope_of(told.scope.as_deref())?;
            match told.checked()? {
                Checked::Statement(_) => Ok(()),
                Checked::Report(query, metric) => {
                    check_report(told.scope.as_deref(), query, now)?;
                    let metrics = pairs(query).into_iter().filter(|(name, _)| name == "metrics");
                    let mut named = metrics.flat_map(|(_, value)| {
                        value.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>()
                    });
                    match named.any(|named| named == metric) {
                        true => Ok(()),
                        false => Err(format!("metrics does not name {metric}, which is to be checked")),
                    }
                }
            }
        }
        "export" => {
            let told: ExportTold = read(told)?;
            check_report(told.scope.as_deref(), &told.query, now)
        }
        "webhook" => {
            let told: WebhookTold = read(told)?;
            if !told.url.starts_with("http://") && !told.url.starts_with("https://") {
                return Err(format!("{:?} is not an address with http or https", told.url));
            }
            match &told.report {
                Some(_) if !told.body.is_null() => {
                    Err("a webhook has a body or a report, not both".to_owned())
                }
                Some(report) => check_report(report.scope.as_deref(), &report.query, now),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(told: &Value) -> Result<T, String> {
    T::deserialize(told).map_err(|error| format!("params: {error}"))
}

fn check_report(scope: Option<&str>, query: &Parameters, now: ServerTime) -> Result<(), String> {
    let scope = scope_of(scope)?;
    let query = Query::parse(&pairs(query), "UTC", now).map_err(|error| error.to_string())?;
    query.check_scope(&scope).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_would_fail_each_time() {
        fn check(kind: &str, told: Value, says: &str) {
            let error = check_told(kind, &told, ServerTime(1_785_000_000_000)).err().unwrap_or_default();
            assert!(
                error.contains(says) && says.is_empty() == error.is_empty(),
                "{told}: {error:?} {says:?}"
            );
        }
        let query = json!({"metrics": "clicks,ctr", "from": "2026-03-01", "to": "2026-03-02"});
        let sql = "SELECT SUM(clicks) FROM ad_stats";
        check("check", json!({"query": query, "metric": "ctr", "min": 1}), "");
        check("check", json!({"query": query, "metric": "ctr"}), "neither min nor max");
        check("check", json!({"query": query, "metric": "reach", "min": 1}), "does not name reach");
        check("check", json!({"query": {"metrics": "nope"}, "metric": "nope", "min": 1}), "nope");
        check("check", json!({"query": query, "metric": "ctr", "min": 2, "max": 1}), "above");
        check(
            "check",
            json!({"query": query, "metric": "ctr", "min": 1, "scope": "acme"}),
            "\"acme\" is not platform",
        );
        check("check", json!({"query": query, "metric": "ctr", "min": 1, "colour": "red"}), "colour");
        check("check", json!({"query": query, "min": 1}), "either query and metric, or sql");
        check("check", json!({"sql": sql, "max": 0, "column": "n", "params": [1], "tz": "UTC"}), "");
        check(
            "check",
            json!({"sql": sql, "query": query, "metric": "ctr", "max": 0}),
            "either query and metric",
        );
        check(
            "check",
            json!({"query": query, "metric": "ctr", "max": 0, "column": "n"}),
            "either query and metric",
        );
        check("check", json!({"sql": sql}), "neither min nor max");
        check("export", json!({"query": {"metrics": "nope"}, "name": "a.csv"}), "nope");
        check(
            "export",
            json!({"query": {"metrics": "clicks", "by": ["ad"]}, "scope": "service:news", "name": "a.csv"}),
            "ad",
        );
        check("export", json!({"query": query}), "name");
        check("export", json!({"query": query, "name": "a.csv"}), "");
        check("webhook", json!({}), "url");
        check("webhook", json!(null), "params");
        check("webhook", json!({"url": "ftp://example.com"}), "ftp");
        check("webhook", json!({"url": "https://example.com", "body": {"a": 1}}), "");
        check(
            "webhook",
            json!({"url": "https://example.com", "body": 1, "report": {"query": query}}),
            "not both",
        );
        check(
            "webhook",
            json!({"url": "https://example.com", "report": {"query": {"metrics": "nope"}}}),
            "nope",
        );
        check("echo", json!({"anything": "goes"}), "");
    }

    #[test]
    fn what_tasks_would_be_told() {
        let task = |id: &str, params: Value| {
            TaskDefinition::deserialize(json!({"id": id, "kind": "echo", "params": params})).unwrap()
        };
        let tasks = [task("a", json!({"from": "{{day}}"})), task("b", json!("{{who}}")), task("c", json!(1))];
        let told = told(&tasks, ServerTime(1_785_000_000_000));
        let told: Vec<(&str, &Value)> = told.iter().map(|told| (told.id.as_str(), &told.params)).collect();
        assert_eq!(told, [("a", &json!({"from": "2026-07-24"})), ("c", &json!(1))]);
    }

    #[test]
    fn bounds() {
        let told = |min: Option<f64>, max: Option<f64>| {
            let told = json!({"sql": "SELECT 1", "min": min, "max": max});
            CheckTold::deserialize(told).unwrap()
        };
        for (min, max, figure, passes) in [
            (Some(1.0), None, Some(1.0), true),
            (Some(1.0), None, Some(0.9), false),
            (None, Some(0.0), Some(0.0), true),
            (None, Some(0.0), Some(0.1), false),
            (Some(1.0), Some(2.0), Some(1.5), true),
            (Some(1.0), Some(2.0), None, false),
        ] {
            assert_eq!(told(min, max).passes(figure), passes, "{min:?} {max:?} {figure:?}");
        }
        assert_eq!(told(Some(1.0), Some(2.0)).bounds(), "between 1 and 2");
    }
}
