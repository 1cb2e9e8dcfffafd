//! A question to the report API, as the address that asks it.

use adtally_core::cell::Scope;
use adtally_core::report::{By, Filter, Metric, Source};

use crate::calendar::Span;
use crate::state::params::Params;

/// The period of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Period {
    /// Whole days in the zone of the question.
    Days(Span),
    /// From one instant up to another, both in RFC 3339.
    Instants(String, String),
}

/// A question to the report API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// Whose figures.
    pub scope: Scope,
    /// Of when.
    pub period: Period,
    /// IANA zone in which days begin; `None` is the scope's.
    pub tz: Option<String>,
    /// What rows are told apart by.
    pub by: Vec<By>,
    /// What is shown of each.
    pub metrics: Vec<Metric>,
    /// What is left out.
    pub filters: Vec<Filter>,
    /// Figures of the batch alone, or of all that is known.
    pub source: Source,
    /// The order, as the API takes it.
    pub sort: String,
    /// How many rows; `None` is as many as the API gives.
    pub limit: Option<u32>,
    /// How many rows are skipped before.
    pub offset: u32,
}

impl ReportRequest {
    /// The figures of `scope` in `period` as one row.
    pub fn totals(scope: Scope, period: Period, tz: Option<String>, metrics: Vec<Metric>) -> Self {
        let (by, filters) = (Vec::new(), Vec::new());
        let source = Source::Merged;
        Self { scope, period, tz, by, metrics, filters, source, sort: String::new(), limit: None, offset: 0 }
    }

    /// The address of the answer as JSON.
    pub fn json(&self) -> String {
        let mut params = self.params();
        if let Some(limit) = self.limit {
            params.push("limit", limit);
        }
        params.push_unless("offset", self.offset, 0);
        params.after("/v1/reports")
    }

    /// The address of the whole answer, all pages, as a file.
    pub fn csv(&self) -> String {
        let mut params = self.params();
        params.push("format", "csv");
        params.after("/v1/reports")
    }

    fn params(&self) -> Params {
        let mut params = Params::default();
        params.push("scope", &self.scope);
        match &self.period {
            Period::Days(span) => {
                params.push("from", span.from);
                params.push("to", span.to);
            }
            Period::Instants(from, to) => {
                params.push("from", from);
                params.push("to", to);
            }
        }
        if let Some(tz) = &self.tz {
            params.push("tz", tz);
        }
        params.push("by", self.by.iter().map(|by| by.name()).collect::<Vec<_>>().join(","));
        params.push("metrics", self.metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(","));
        for filter in &self.filters {
            params.push("filter", filter);
        }
        params.push_unless("source", self.source.name(), Source::Merged.name());
        params.push_unless("sort", self.sort.as_str(), "");
        params
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, CTR};

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        let span = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
        let scope = Scope::parse("advertiser:acme").unwrap();
        let metrics = vec![CLICKS, CTR];
        let mut request = ReportRequest::totals(scope, Period::Days(span), None, metrics);
        assert_eq!(
            request.json(),
            "/v1/reports?scope=advertiser:acme&from=2026-11-16&to=2026-11-23&by=&metrics=clicks,ctr"
        );
        request.tz = Some("Asia/Seoul".to_string());
        request.by = vec![By::parse("day").unwrap(), By::parse("campaign").unwrap()];
        request.filters = vec![Filter::parse("campaign:ne:").unwrap()];
        request.sort = "-clicks".to_string();
        request.limit = Some(50);
        request.offset = 100;
        let common = "/v1/reports?scope=advertiser:acme&from=2026-11-16&to=2026-11-23&tz=Asia/Seoul&by=day,campaign\
                      &metrics=clicks,ctr&filter=campaign:ne:&sort=-clicks";
        assert_eq!(request.json(), format!("{common}&limit=50&offset=100"));
        assert_eq!(request.csv(), format!("{common}&format=csv"));
        request.source = Source::Batch;
        let common = common.replace("&sort", "&source=batch&sort");
        assert_eq!(request.csv(), format!("{common}&format=csv"));
    }
}
