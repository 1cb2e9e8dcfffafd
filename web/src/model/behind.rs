//! From a figure of a pivot to the events behind it.

use std::collections::BTreeMap;

use adtally_core::cell::{Dimension, Scope};
use adtally_core::measure::Measure;
use adtally_core::report::{By, Filter, Metric, TimeUnit};
use adtally_core::time::parse_rfc3339;
use chrono::DateTime;

use crate::calendar::Offsets as _;
use crate::calendar::{Span, next_day};
use crate::intl::Zone;
use crate::metric;
use crate::model::catalog::Catalog;
use crate::model::sheet::Answered;
use crate::state::events::EventsState;
use crate::state::explore::equal;
use crate::state::frame::Frame;
use crate::state::range::Range;
use crate::state::report::ReportState;

/// The events that a figure of a cell counts: those of its row, its column and the filters; a time becomes its days.
pub fn events_behind(
    answered: &Answered,
    (line, column): (usize, usize),
    metric: Option<Metric>,
    catalog: &Catalog,
) -> Option<EventsState> {
    let Answered { state, basis, sheet, .. } = answered;
    let line = sheet.lines.get(line)?;
    let key = state.column.zip(sheet.columns.get(column));
    let rows = state.rows.iter().copied().zip(line.path.iter().map(String::as_str));
    let told = rows.chain(key.map(|(by, key)| (by, key.as_str())));
    let from = counted_by(metric, state.frame.clone(), &state.filters);
    let events = narrowed(from, told, basis.span, |instant| day_of(instant, basis.zone.name()));
    Some(with_owner(events, &basis.scope, catalog))
}

/// Events of the kind and with the outcome that a metric counts.
fn counted_by(metric: Option<Metric>, frame: Frame, filters: &[Filter]) -> EventsState {
    let (kind, outcome) = (metric.and_then(metric::kind), metric.and_then(metric::outcome));
    let (filters, outcome) = (filters.to_vec(), outcome.map(str::to_string));
    EventsState { frame, filters, kind, outcome, ..EventsState::default() }
}

/// The platform lists the events of one advertiser at a time: that of the campaign, where one is named.
fn with_owner(mut state: EventsState, scope: &Scope, catalog: &Catalog) -> EventsState {
    if *scope == Scope::Platform && state.advertiser(scope).is_none() {
        let campaign = state.filters.iter().find(|filter| filter.dimension == Dimension::Campaign);
        let one = campaign.filter(|filter| filter.test.op() == "eq");
        let owner = one.and_then(|filter| catalog.owner(filter.test.values().first()?));
        let by = By::Dimension(Dimension::Advertiser);
        state.filters.extend(owner.and_then(|advertiser| equal(by, advertiser)));
    }
    state
}

/// The events that a figure of a report counts: those of the keys of its row and of the filters.
pub fn events_of_row<'a>(
    state: &ReportState,
    told: impl Iterator<Item = (By, &'a str)>,
    metric: Metric,
    (scope, whole, tz): (&Scope, Span, &str),
    catalog: &Catalog,
) -> EventsState {
    let from = counted_by(Some(metric), state.frame.clone(), &state.filters);
    with_owner(narrowed(from, told, whole, |instant| day_of(instant, tz)), scope, catalog)
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
    let EventsState { mut frame, mut filters, mut hour, .. } = state.clone();
    for (by, key) in told {
        filters.extend(equal(by, key));
        if let (By::Time(unit), Some(start)) = (by, parse_rfc3339(key)) {
            let first = day(start);
            hour = (unit == TimeUnit::Hour).then_some(start).or(hour);
            let unit = if unit == TimeUnit::Hour { TimeUnit::Day } else { unit };
            let end = next_day(unit, first).unwrap_or(whole.to);
            span = Span { from: span.from.max(first), to: span.to.min(end) };
        }
    }
    if span != whole && span.from < span.to {
        frame.range = Range::Days(span);
    }
    EventsState { frame, filters, hour, ..state }
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
        check(
            &[("hour", "2026-11-17T05:00:00Z")],
            "from=2026-11-17&to=2026-11-18&hour=2026-11-17T05:00:00Z&filter=country:eq:KR",
        );
        check(&[("month", "2026-11-01T00:00:00Z")], "filter=country:eq:KR");
    }

    #[wasm_bindgen_test]
    fn a_figure_of_a_report_leads_to_events_of_its_kind() {
        fn check(metric: &str, told: &[(&str, &str)], expected: &str) {
            let (state, _) = ReportState::read("by=day,ad&filter=country:eq:KR");
            let whole = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
            let told = told.iter().map(|(by, key)| (By::parse(by).unwrap(), *key));
            let (metric, own) = (Metric::parse(metric).unwrap(), Scope::parse("advertiser:a").unwrap());
            let frame = (&own, whole, "Asia/Seoul");
            let events = events_of_row(&state, told, metric, frame, &Catalog::default());
            assert_eq!(events.href(), format!("/events?{expected}"), "{}", metric.name());
        }
        check("clicks", &[("ad", "x")], "kind=click&outcome=counted&filter=country:eq:KR&filter=ad:eq:x");
        check("value_micros", &[], "kind=conversion&outcome=counted&filter=country:eq:KR");
        check("bot_views", &[], "kind=view&outcome=bot&filter=country:eq:KR");
        check("gross_clicks", &[], "kind=click&filter=country:eq:KR");
        check(
            "ctr",
            &[("day", "2026-11-16T15:00:00Z")],
            "from=2026-11-17&to=2026-11-18&outcome=counted&filter=country:eq:KR",
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_campaign_says_whose_events_the_platform_lists() {
        fn check(scope: &str, query: &str, expected: &str) {
            let (state, _) = EventsState::read(query);
            let catalog = crate::model::catalog::tests::catalog(&[("a", "KRW"), ("b", "USD")]);
            let found = with_owner(state, &Scope::parse(scope).unwrap(), &catalog);
            assert_eq!(found.href(), format!("/events?{expected}"), "{scope} {query}");
        }
        let campaign = "filter=campaign:eq:b-spring";
        check("platform", campaign, "filter=campaign:eq:b-spring&filter=advertiser:eq:b");
        check("advertiser:b", campaign, campaign);
        for other in [
            "filter=campaign:ne:b-spring",
            "filter=campaign:eq:gone",
            "filter=advertiser:eq:a&filter=campaign:eq:b-spring",
        ] {
            check("platform", other, other);
        }
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
