//! Single figures out of a report.

use adtally_core::report::Metric;
use adtally_core::time::parse_rfc3339;
use adtally_wire::api::{ReportAnswer, ReportValue};

/// A figure as a number; a name or nothing is none.
pub fn number(value: &ReportValue) -> Option<f64> {
    match value {
        ReportValue::Count(count) => Some(*count as f64),
        ReportValue::Ratio(ratio) => Some(*ratio),
        ReportValue::Text(_) | ReportValue::Nothing => None,
    }
}

/// The start of a bucket of time.
pub fn instant(value: &ReportValue) -> Option<i64> {
    match value {
        ReportValue::Text(text) => parse_rfc3339(text),
        ReportValue::Count(_) | ReportValue::Ratio(_) | ReportValue::Nothing => None,
    }
}

/// A figure exactly as the API sent it, for `data-value`.
pub fn raw(value: &ReportValue) -> Option<String> {
    match value {
        ReportValue::Count(count) => Some(count.to_string()),
        ReportValue::Ratio(ratio) => Some(ratio.to_string()),
        ReportValue::Text(text) => Some(text.clone()),
        ReportValue::Nothing => None,
    }
}

/// A figure over all rows.
pub fn total(answer: &ReportAnswer, metric: Metric) -> Option<f64> {
    answer.totals.get(metric.name()).and_then(number)
}

/// Where a column stands.
pub fn position(answer: &ReportAnswer, name: &str) -> Option<usize> {
    answer.columns.iter().position(|column| column.name == name)
}

#[cfg(test)]
pub(crate) mod tests {
    use adtally_wire::api::ReportColumn;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, CTR};

    /// An answer with these columns and rows and no totals.
    pub(crate) fn answer(columns: &[(&str, &str)], rows: Vec<Vec<ReportValue>>) -> ReportAnswer {
        let column =
            |(name, kind): &(&str, &str)| ReportColumn { name: name.to_string(), kind: kind.to_string() };
        ReportAnswer {
            columns: columns.iter().map(column).collect(),
            row_count: rows.len() as u64,
            rows,
            totals: Default::default(),
            version: "advertiser:acme@g0.1".to_string(),
            generation: 0,
            complete_through: None,
            updated: None,
            link_rate: None,
            waiting: 0,
            tz: "UTC".to_string(),
            from: String::new(),
            to: String::new(),
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_as_numbers_times_and_text() {
        fn check(value: ReportValue, expected: (Option<f64>, Option<i64>, Option<&str>)) {
            assert_eq!((number(&value), instant(&value), raw(&value).as_deref()), expected, "{value:?}");
        }
        check(ReportValue::Count(-3), (Some(-3.0), None, Some("-3")));
        check(ReportValue::Ratio(0.25), (Some(0.25), None, Some("0.25")));
        check(
            ReportValue::Text("1970-01-01T01:00:00Z".to_string()),
            (None, Some(3_600_000), Some("1970-01-01T01:00:00Z")),
        );
        check(ReportValue::Text("news".to_string()), (None, None, Some("news")));
        check(ReportValue::Nothing, (None, None, None));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn totals_by_metric() {
        let mut answer = answer(&[("clicks", "count")], Vec::new());
        answer.totals.insert("clicks".to_string(), ReportValue::Count(12));
        assert_eq!(total(&answer, CLICKS), Some(12.0));
        assert_eq!(total(&answer, CTR), None);
        assert_eq!(position(&answer, "clicks"), Some(0));
        assert_eq!(position(&answer, "ad"), None);
    }
}
