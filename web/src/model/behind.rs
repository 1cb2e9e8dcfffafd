//! From a figure of a pivot to the events behind it.

use std::collections::BTreeMap;

use adtally_core::measure::Measure;
use adtally_core::report::{By, Filter, Metric, TimeUnit};
use adtally_core::time::parse_rfc3339;
use chrono::DateTime;

use crate::calendar::Offsets as _;
use crate::calendar::{Span, next_day};
use crate::intl::Zone;
use crate::metric;
use crate::model::sheet::Answered;
use crate::state::events::EventsState;
use crate::state::explore::equal;
use crate::state::frame::Frame;
use crate::state::range::Range;
use crate::state::report::ReportState;

/// The events that a cell counts: those of its row, its column and the filters; a time becomes its days.
pub fn events_behind(answered: &Answered, line: usize, column: usize) -> Option<EventsState> {
    let Answered { state, basis, sheet, .. } = answered;
    let line = sheet.lines.get(line)?;
    let key = state.column.zip(sheet.columns.get(column));
    let rows = state.rows.iter().copied().zip(line.path.iter().map(String::as_str));
    let told = rows.chain(key.map(|(by, key)| (by, key.as_str())));
    let from =
        EventsState { frame: state.frame.clone(), filters: state.filters.clone(), ..EventsState::default() };
    Some(narrowed(from, told, basis.span, |instant| day_of(instant, basis.zone.name())))
}

/// The events that a figure of a report counts: those of the keys of its row and of the filters.
pub fn events_of_row<'a>(
    state: &ReportState,
    told: impl Iterator<Item = (By, &'a str)>,
    metric: Metric,
    whole: Span,
    tz: &str,
) -> EventsState {
    let kind = metric::kind(metric);
    let from = EventsState {
        frame: state.frame.clone(),
        filters: state.filters.clone(),
        kind,
        ..EventsState::default()
    };
    narrowed(from, told, whole, |instant| day_of(instant, tz))
}

/// The events that a figure of a cell counts, those of its day; `None` where a key is none.
pub fn events_of_cell(
    frame: Frame,
    cell: &BTreeMap<String, String>,
    hour_ms: i64,
    measure: Option<Measure>,
    tz: &str,
) -> Option<EventsState> {
    let filter = |(name, key): (&String, &String)| Filter::parse(&format!("{name}:eq:{key}"));
    let filters = cell.iter().map(filter).collect::<Option<Vec<_>>>()?;
    let from = day_of(hour_ms, tz);
    let range = Range::Days(Span { from, to: from.succ_opt()? });
    let kind = measure.and_then(|measure| metric::kind(Metric::Measure(measure)));
    Some(EventsState { frame: Frame { range, ..frame }, filters, kind, ..EventsState::default() })
}

/// The local day of an instant.
fn day_of(instant_ms: i64, tz: &str) -> chrono::NaiveDate {
    match Zone::or_utc(tz) {
        Some(zone) => zone.local(instant_ms).date(),
        None => DateTime::from_timestamp_millis(instant_ms).unwrap_or_default().date_naive(),
    }
}

fn narrowed<'a>(
    state: EventsState,
    told: impl Iterator<Item = (By, &'a str)>,
    whole: Span,
    day: impl Fn(i64) -> chrono::NaiveDate,
) -> EventsState {
    let mut span = whole;
    let EventsState { mut frame, mut filters, .. } = state.clone();
    for (by, key) in told {
        filters.extend(equal(by, key));
        if let (By::Time(unit), Some(start)) = (by, parse_rfc3339(key)) {
            let first = day(start);
            let unit = if unit == TimeUnit::Hour { TimeUnit::Day } else { unit };
            let end = next_day(unit, first).unwrap_or(whole.to);
            span = Span { from: span.from.max(first), to: span.to.min(end) };
        }
    }
    if span != whole && span.from < span.to {
        frame.range = Range::Days(span);
    }
    EventsState { frame, filters, ..state }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_columns_and_filters_say_which_events() {
        fn check(told: &[(&str, &str)], expected: &str) {
            let (state, _) = EventsState::read("filter=country:eq:KR");
            let whole = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
            let told = told.iter().map(|(by, key)| (By::parse(by).unwrap(), *key));
            let day = |instant| DateTime::from_timestamp_millis(instant).unwrap().date_naive();
            assert_eq!(narrowed(state, told, whole, day).href(), format!("/events?{expected}"));
        }
        check(&[], "filter=country:eq:KR");
        check(&[("campaign", "a")], "filter=country:eq:KR&filter=campaign:eq:a");
        check(&[("hour", "2026-11-17T05:00:00Z")], "from=2026-11-17&to=2026-11-18&filter=country:eq:KR");
        check(&[("month", "2026-11-01T00:00:00Z")], "filter=country:eq:KR");
    }

    #[wasm_bindgen_test]
    fn a_figure_of_a_report_leads_to_events_of_its_kind() {
        fn check(metric: &str, told: &[(&str, &str)], expected: &str) {
            let (state, _) = ReportState::read("by=day,ad&filter=country:eq:KR");
            let whole = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
            let told = told.iter().map(|(by, key)| (By::parse(by).unwrap(), *key));
            let events = events_of_row(&state, told, Metric::parse(metric).unwrap(), whole, "Asia/Seoul");
            assert_eq!(events.href(), format!("/events?{expected}"), "{metric}");
        }
        check("clicks", &[("ad", "x")], "kind=click&filter=country:eq:KR&filter=ad:eq:x");
        check("value_micros", &[], "kind=conversion&filter=country:eq:KR");
        check(
            "ctr",
            &[("day", "2026-11-16T15:00:00Z")],
            "from=2026-11-17&to=2026-11-18&filter=country:eq:KR",
        );
    }

    #[wasm_bindgen_test]
    fn a_cell_leads_to_the_events_of_its_day() {
        let cell =
            BTreeMap::from([("ad".to_string(), "x".to_string()), ("label".to_string(), String::new())]);
        let state = events_of_cell(Frame::default(), &cell, 0, Some(Measure::InvalidClicks), "UTC").unwrap();
        assert_eq!(
            state.href(),
            "/events?from=1970-01-01&to=1970-01-02&kind=click&filter=ad:eq:x&filter=label:eq:"
        );
        let cell = BTreeMap::from([("planet".to_string(), "x".to_string())]);
        assert_eq!(events_of_cell(Frame::default(), &cell, 0, None, "UTC"), None);
    }
}
