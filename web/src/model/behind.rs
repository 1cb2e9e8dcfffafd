//! From a figure of a pivot to the events behind it.

use adtally_core::report::{By, TimeUnit};
use adtally_core::time::parse_rfc3339;
use chrono::DateTime;

use crate::calendar::Offsets as _;
use crate::calendar::{Span, next_day};
use crate::intl::Zone;
use crate::model::sheet::Answered;
use crate::state::events::EventsState;
use crate::state::explore::{ExploreState, equal};
use crate::state::range::Range;

/// The events that a cell counts: those of its row, its column and the filters; a time becomes its days.
pub fn events_behind(answered: &Answered, line: usize, column: usize) -> Option<EventsState> {
    let Answered { state, basis, sheet, .. } = answered;
    let line = sheet.lines.get(line)?;
    let key = state.column.zip(sheet.columns.get(column));
    let day = |instant: i64| match Zone::or_utc(&basis.tz) {
        Some(zone) => zone.local(instant).date(),
        None => DateTime::from_timestamp_millis(instant).unwrap_or_default().date_naive(),
    };
    let rows = state.rows.iter().copied().zip(line.path.iter().map(String::as_str));
    let told = rows.chain(key.map(|(by, key)| (by, key.as_str())));
    Some(narrowed(state, told, basis.span, day))
}

fn narrowed<'a>(
    state: &ExploreState,
    told: impl Iterator<Item = (By, &'a str)>,
    whole: Span,
    day: impl Fn(i64) -> chrono::NaiveDate,
) -> EventsState {
    let mut span = whole;
    let mut filters = state.filters.clone();
    for (by, key) in told {
        filters.extend(equal(by, key));
        if let (By::Time(unit), Some(start)) = (by, parse_rfc3339(key)) {
            let first = day(start);
            let unit = if unit == TimeUnit::Hour { TimeUnit::Day } else { unit };
            let end = next_day(unit, first).unwrap_or(whole.to);
            span = Span { from: span.from.max(first), to: span.to.min(end) };
        }
    }
    let mut frame = state.frame.clone();
    if span != whole && span.from < span.to {
        frame.range = Range::Days(span);
    }
    EventsState { frame, filters, ..EventsState::default() }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_columns_and_filters_say_which_events() {
        fn check(told: &[(&str, &str)], expected: &str) {
            let (state, _) = ExploreState::read("rows=campaign&metrics=clicks&filter=country:eq:KR");
            let whole = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
            let told = told.iter().map(|(by, key)| (By::parse(by).unwrap(), *key));
            let day = |instant| DateTime::from_timestamp_millis(instant).unwrap().date_naive();
            assert_eq!(narrowed(&state, told, whole, day).href(), format!("/events?{expected}"));
        }
        check(&[], "filter=country:eq:KR");
        check(&[("campaign", "a")], "filter=country:eq:KR&filter=campaign:eq:a");
        check(&[("hour", "2026-11-17T05:00:00Z")], "from=2026-11-17&to=2026-11-18&filter=country:eq:KR");
        check(&[("month", "2026-11-01T00:00:00Z")], "filter=country:eq:KR");
    }
}
