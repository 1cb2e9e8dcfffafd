//! Saved views: where they lead, and the job that exports one every day.

use adtally_core::cell::Scope;
use adtally_core::report::Source;
use adtally_core::time::parse_rfc3339;
use adtally_wire::catalog::view::View;
use adtally_wire::jobs::definition::{JobChange, TaskDefinition};
use serde_json::{Map, Value, json};

use crate::state::params::{Params, encode};
use crate::state::report::ReportState;

/// The task of the job that exports a view.
pub const EXPORT_TASK: &str = "file";
/// What the names of such jobs begin with.
const PREFIX: &str = "export";
/// The most characters of a view's name that its job's name has.
const MAX_SLUG: usize = 24;

/// What is saved of an address: its query.
pub fn query_of(href: &str) -> String {
    href.split_once('?').map(|(_, query)| query.to_string()).unwrap_or_default()
}

/// Where a view leads: the page, whose figures, and its state.
pub fn href(view: &View) -> String {
    let and = if view.query.is_empty() { "" } else { "&" };
    format!("/{}?scope={}{and}{}", view.kind, encode(&view.scope), view.query)
}

/// The API's list of views of a scope and a page.
pub fn list_address(scope: &Scope, kind: &str) -> String {
    let mut params = Params::default();
    params.push("scope", scope);
    params.push("kind", kind);
    params.after("/v1/views")
}

/// The API's address of a view.
pub fn address(scope: &Scope, name: &str) -> String {
    let mut params = Params::default();
    params.push("scope", scope);
    // A slash in a name is not one of the path.
    params.after(&format!("/v1/views/{}", encode(name).replace('/', "%2F")))
}

/// The name of the job that exports a view: the same for the same view, and no other's.
pub fn export_job(view: &View) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let slug: String = view.name.chars().map(plain).take(MAX_SLUG).collect();
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let words: Vec<&str> = [PREFIX].into_iter().chain(words).collect();
    format!("{}-{:08x}", words.join("-"), fnv1a(&format!("{}\n{}", view.scope, view.name)))
}

/// The job that writes a view's table for the day before as a file, every day at a time of UTC.
pub fn export_change(view: &View, time: &str, ending: &str) -> JobChange {
    let job = export_job(view);
    let params = json!({
        "scope": view.scope,
        "name": format!("{job}/{{{{day}}}}.{ending}"),
        "query": export_query(view),
    });
    let task = TaskDefinition {
        id: EXPORT_TASK.to_string(),
        kind: "export".to_string(),
        params,
        needs: Vec::new(),
        attempts: None,
        timeout_s: None,
    };
    JobChange {
        tasks: Some(vec![task]),
        schedule: Some(Some(format!("daily {time}"))),
        paused: Some(false),
        ..JobChange::default()
    }
}

/// What a view asks the API for, of the day that a run is about; pages do not matter for a file.
fn export_query(view: &View) -> Map<String, Value> {
    let (state, _) = ReportState::read(&view.query);
    let list = |names: Vec<&str>| Value::from(names.join(","));
    let mut query = Map::new();
    query.insert("from".to_string(), "{{day}}".into());
    query.insert("to".to_string(), "{{next_day}}".into());
    query.insert("by".to_string(), list(state.by.iter().map(|by| by.name()).collect()));
    query.insert("metrics".to_string(), list(state.metrics.iter().map(|metric| metric.name()).collect()));
    query.insert("source".to_string(), Source::Merged.name().into());
    if let Some(tz) = &state.frame.tz {
        query.insert("tz".to_string(), tz.clone().into());
    }
    if !state.filters.is_empty() {
        let filters = state.filters.iter().map(|filter| Value::from(filter.to_string()));
        query.insert("filter".to_string(), filters.collect());
    }
    let order = ReportState { order: state.orders(), ..state }.sort();
    if !order.is_empty() {
        query.insert("sort".to_string(), order.into());
    }
    query
}

/// The time of day of a job's schedule `daily HH:MM`.
pub fn time_of(schedule: &str) -> Option<&str> {
    schedule.strip_prefix("daily ")
}

/// The key of the file in a task's result, and how many rows it has.
pub fn file_of(result: &Value) -> Option<(String, i64)> {
    Some((result.get("key")?.as_str()?.to_string(), result.get("rows")?.as_i64()?))
}

/// When a run ended, or began if it is still going on.
pub fn moment_of(ended: Option<&str>, started: Option<&str>) -> Option<i64> {
    parse_rfc3339(ended.or(started)?)
}

/// FNV-1a, 32 bits: short enough for a name.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn view(name: &str, kind: &str, query: &str) -> View {
        View {
            name: name.to_string(),
            scope: "advertiser:acme".to_string(),
            kind: kind.to_string(),
            query: query.to_string(),
            saved: String::new(),
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        let scope = Scope::parse("advertiser:acme").unwrap();
        assert_eq!(href(&view("a", "report", "by=day")), "/report?scope=advertiser:acme&by=day");
        assert_eq!(href(&view("a", "explore", "")), "/explore?scope=advertiser:acme");
        assert_eq!(address(&scope, "a/b c"), "/v1/views/a%2Fb%20c?scope=advertiser:acme");
        assert_eq!(list_address(&scope, "report"), "/v1/views?scope=advertiser:acme&kind=report");
        assert_eq!((query_of("/report?by=day").as_str(), query_of("/report").as_str()), ("by=day", ""));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn jobs_have_names_of_their_own() {
        fn check(name: &str, expected: &str) {
            let job = export_job(&view(name, "report", ""));
            assert!(job.starts_with(expected) && job.len() == expected.len() + 8, "{job}");
            assert!(adtally_core::jobs::is_job_name(&job), "{job}");
        }
        check("Morning  numbers!", "export-morning-numbers-");
        check("여름", "export-");
        check(&"x".repeat(200), "export-xxxxxxxxxxxxxxxxxxxxxxxx-");
        assert_ne!(export_job(&view("여름", "report", "")), export_job(&view("겨울", "report", "")));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn an_export_asks_what_the_view_asks() {
        let query = "by=campaign&metrics=clicks,ctr&filter=country:eq:KR&filter=ad:ne:x&tz=Asia/Seoul&offset=50&limit=25";
        let change = export_change(&view("a", "report", query), "06:30", "csv");
        assert_eq!(change.schedule, Some(Some("daily 06:30".to_string())));
        assert_eq!(change.check("export-a", &["export"]), Ok(()));
        let task = &change.tasks.as_ref().unwrap()[0];
        let name = task.params["name"].as_str().unwrap();
        assert!(name.ends_with("/{{day}}.csv"), "{name}");
        assert_eq!(
            task.params["query"],
            json!({"from": "{{day}}", "to": "{{next_day}}", "by": "campaign", "metrics": "clicks,ctr",
                "source": "merged", "tz": "Asia/Seoul", "filter": ["country:eq:KR", "ad:ne:x"], "sort": "-clicks"})
        );
        assert_eq!(time_of("daily 06:30"), Some("06:30"));
        assert_eq!(time_of("0 3 * * *"), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn results_name_their_file() {
        assert_eq!(
            file_of(&json!({"key": "exports/a.csv", "rows": 3})),
            Some(("exports/a.csv".to_string(), 3))
        );
        assert_eq!(file_of(&json!("")), None);
    }
}
