//! Saved views: where they lead, and what exports one every day.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_wire::catalog::export::{Asked, ExportPut};
use adtally_wire::catalog::view::View;

use crate::api::failure::Failure;
use crate::state::params::{Params, encode};
use crate::state::report::ReportState;

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

/// The API's address of a view's daily export.
pub fn export_address(view: &View) -> String {
    under(view, "export")
}

/// The API's address of the last file of it.
pub fn export_file_address(view: &View) -> String {
    under(view, "export/file")
}

fn under(view: &View, what: &str) -> String {
    let mut params = Params::default();
    params.push("scope", &view.scope);
    params.after(&format!("/v1/views/{}/{what}", encode(&view.name).replace('/', "%2F")))
}

/// What is known of a view's export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing yet.
    Unknown,
    /// That there is none.
    None,
    /// What it is; it may be a little old.
    There,
    /// Nothing, because the question failed.
    Lost,
}

/// What the last answer and the last failure tell of an export; a failure that came after an answer leaves it standing.
pub fn standing(is_shown: bool, failure: Option<&Failure>) -> Standing {
    match (is_shown, failure) {
        (_, Some(failure)) if failure.is_missing() => Standing::None,
        (true, _) => Standing::There,
        (false, Some(_)) => Standing::Lost,
        (false, None) => Standing::Unknown,
    }
}

/// What exports a view's table of the day before, every day at a time of UTC; pages do not matter for a file.
pub fn export_put(view: &View, time: &str, format: &str) -> ExportPut {
    let (state, _) = ReportState::read(&view.query);
    let list = |names: Vec<&str>| Asked::One(names.join(","));
    let mut query = BTreeMap::new();
    query.insert("by".to_string(), list(state.by.iter().map(|by| by.name()).collect()));
    query.insert("metrics".to_string(), list(state.metrics.iter().map(|metric| metric.name()).collect()));
    if let Some(tz) = &state.frame.tz {
        query.insert("tz".to_string(), Asked::One(tz.clone()));
    }
    if !state.filters.is_empty() {
        let filters = state.filters.iter().map(|filter| filter.to_string());
        query.insert("filter".to_string(), Asked::Many(filters.collect()));
    }
    let order = ReportState { order: state.orders(), ..state }.sort();
    if !order.is_empty() {
        query.insert("sort".to_string(), Asked::One(order));
    }
    ExportPut { time: time.to_string(), format: format.to_string(), query }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
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
    fn what_is_known_of_an_export() {
        let (missing, broken, offline) =
            (Failure::Status(404), Failure::Status(500), Failure::Unreachable(String::new()));
        let table = [
            (false, None, Standing::Unknown),
            (true, None, Standing::There),
            (false, Some(&missing), Standing::None),
            // It was there, and was ended.
            (true, Some(&missing), Standing::None),
            (false, Some(&broken), Standing::Lost),
            (true, Some(&broken), Standing::There),
            (false, Some(&offline), Standing::Lost),
            (true, Some(&offline), Standing::There),
        ];
        for (is_shown, failure, expected) in table {
            assert_eq!(standing(is_shown, failure), expected, "{is_shown} {failure:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn an_export_asks_what_the_view_asks() {
        let query = "by=campaign&metrics=clicks,ctr&filter=country:eq:KR&filter=ad:ne:x&tz=Asia/Seoul&offset=50&limit=25";
        let put = export_put(&view("a", "report", query), "06:30", "csv");
        assert_eq!(put.check(), Ok(()));
        assert_eq!(
            serde_json::to_value(&put).unwrap(),
            json!({"time": "06:30", "format": "csv", "query": {"by": "campaign", "metrics": "clicks,ctr",
                "tz": "Asia/Seoul", "filter": ["country:eq:KR", "ad:ne:x"], "sort": "-clicks"}})
        );
        let view = view("a/b c", "report", "");
        assert_eq!(export_address(&view), "/v1/views/a%2Fb%20c/export?scope=advertiser:acme");
        assert_eq!(export_file_address(&view), "/v1/views/a%2Fb%20c/export/file?scope=advertiser:acme");
    }
}
