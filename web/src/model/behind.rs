//! From a figure of a pivot to the events behind it.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::model::sheet::{Answered, Line, Stands};
use crate::state::events::EventsState;
use crate::state::explore::{ExploreState, equal};
use crate::state::frame::Frame;
use crate::state::params::encode;
use crate::state::range::Range;
use crate::state::report::ReportState;

/// How long the filters of others may be in an address: the way to the API takes 16,000 characters at the most.
const MOST_CHARS: usize = 8_000;

/// The events that a figure of a cell counts: those of its row, its column and the filters; a time becomes its days.
///
/// `None` where there is no such line, and where others are so many that no address can tell them.
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
    let day = |instant| day_of(instant, basis.zone.name());
    let from = counted_by(metric, state.frame.clone(), &state.filters);
    let mut events = narrowed(from, told, basis.span, day);
    for others in [Others::of_line(answered, line), Others::of_column(answered, column)].into_iter().flatten()
    {
        events = others.alone(events, basis.span, day)?;
    }
    Some(with_owner(events, &basis.scope, catalog))
}

/// The pivot of just the others that a line adds up; `None` where these are times, or too many for an address.
pub fn others_alone(answered: &Answered, line: &Line) -> Option<ExploreState> {
    let others = Others::of_line(answered, line)?;
    let By::Dimension(dimension) = others.by else { return None };
    let mut state = answered.state.clone().drilled(&line.path, &answered.basis.scope);
    state.filters.extend(others.filters(dimension)?);
    Some(state)
}

/// What a row or a column adds up because there is no room for it.
struct Others<'a> {
    /// What tells it apart.
    by: By,
    /// What is shown instead.
    shown: Vec<&'a str>,
    /// The keys that are added up.
    keys: Vec<String>,
}

impl<'a> Others<'a> {
    /// Those of a line; `None` where it is no line of others.
    fn of_line(answered: &'a Answered, line: &Line) -> Option<Others<'a>> {
        let (Stands::Others(_), by) = (&line.stands, *answered.state.rows.get(line.path.len())?) else {
            return None;
        };
        let lies_there = |path: &[String]| path.len() == line.path.len() + 1 && path.starts_with(&line.path);
        let rows = answered.sheet.lines.iter().filter(|one| matches!(one.stands, Stands::Row { .. }));
        let shown = rows.filter(|one| lies_there(&one.path)).filter_map(|one| one.path.last());
        Some(Others::of(answered, by, shown.map(String::as_str).collect(), &line.path))
    }

    /// Those of a column; `None` where it is no column of others.
    fn of_column(answered: &'a Answered, column: usize) -> Option<Others<'a>> {
        let (by, sheet) = (answered.state.column?, &answered.sheet);
        let is_others = sheet.other_columns > 0 && column == sheet.columns.len();
        is_others.then(|| Others::of(answered, by, sheet.columns.iter().map(String::as_str).collect(), &[]))
    }

    fn of(answered: &Answered, by: By, shown: Vec<&'a str>, path: &[String]) -> Others<'a> {
        let Answered { state, basis, .. } = answered;
        let mut filters = state.filters.clone();
        filters.extend(state.rows.iter().zip(path).filter_map(|(by, key)| equal(*by, key)));
        let grouped = basis.group(&[by], &state.metrics, &filters);
        let found = grouped.names.first().zip(grouped.places.first());
        let found = found.into_iter().flat_map(|(names, places)| {
            let present: BTreeSet<u32> = places.iter().copied().collect();
            present.into_iter().filter_map(|place| names.get(place as usize))
        });
        let keys = found.filter(|key| !shown.contains(&key.as_str())).cloned().collect();
        Others { by, shown, keys }
    }

    /// Only those, by the shorter of two ways to say it: none of what is shown, or one of what is not.
    fn filters(&self, dimension: Dimension) -> Option<Vec<Filter>> {
        let name = dimension.name();
        let none_of: Option<Vec<Filter>> =
            self.shown.iter().map(|key| Filter::parse(&format!("{name}:ne:{key}"))).collect();
        // A comma would be the end of a key.
        let is_list = self.keys.iter().all(|key| !key.contains(','));
        let one_of = is_list.then(|| Filter::parse(&format!("{name}:in:{}", self.keys.join(","))));
        let length = |filters: &Vec<Filter>| {
            filters.iter().map(|filter| "&filter=".len() + encode(&filter.to_string()).len()).sum::<usize>()
        };
        let both = [none_of, one_of.flatten().map(|filter| vec![filter])].into_iter().flatten();
        both.min_by_key(length).filter(|filters| length(filters) <= MOST_CHARS)
    }

    /// Only events of those; times are shown from the last one backwards, so the others are all before the first.
    fn alone(
        &self,
        mut events: EventsState,
        whole: Span,
        day: impl Fn(i64) -> chrono::NaiveDate,
    ) -> Option<EventsState> {
        match self.by {
            By::Dimension(dimension) => events.filters.extend(self.filters(dimension)?),
            By::Time(_) => {
                let first = self.shown.iter().filter_map(|key| parse_rfc3339(key)).min()?;
                let span = match events.frame.range {
                    Range::Days(span) => span,
                    Range::Preset(_) => whole,
                };
                // The first one that is shown may begin within a day, part of which is before it.
                let begins_within = day(first - 1) == day(first);
                let end = if begins_within { day(first).succ_opt()? } else { day(first) };
                let before = Span { from: span.from, to: span.to.min(end) };
                // Where none are left the figure is zero, and so is the list.
                let is_empty = before.from >= before.to;
                events.until = (begins_within || is_empty).then_some(first).or(events.until);
                events.frame.range = Range::Days(if is_empty { span } else { before });
            }
        }
        Some(events)
    }
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
    use crate::model::sheet::sheet;
    use crate::model::sheet::tests::basis;

    /// The pivot of clicks by hour, campaign and ad.
    fn answered(query: &str, clicks: &[(u32, &str, &str, i64)]) -> Answered {
        let (state, unread) = ExploreState::read(query);
        assert!(unread.is_empty(), "{unread:?}");
        let basis = basis(clicks);
        let sheet = std::sync::Arc::new(sheet(&basis, None, &state));
        Answered { state, basis, sheet, took_ms: 0.0 }
    }

    /// Seven campaigns of which the first have the most, and fourteen ads of the first.
    fn crowd() -> Vec<(u32, String, String, i64)> {
        let campaign = |i: u32| (0, format!("c{i}"), "x".to_string(), 1_000 - i64::from(i));
        let ad = |i: u32| (0, "c0".to_string(), format!("ad{i}"), 100 - i64::from(i));
        (1..7).map(campaign).chain((0..14).map(ad)).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn others_open_what_is_not_shown() {
        fn check(query: &str, at: (usize, usize), expected: &str) {
            let crowd = crowd();
            let clicks: Vec<_> =
                crowd.iter().map(|(hour, a, b, n)| (*hour, a.as_str(), b.as_str(), *n)).collect();
            let answered = answered(&format!("{query}&metrics=clicks&top=5"), &clicks);
            let events = events_behind(&answered, at, None, &Catalog::default()).unwrap();
            assert_eq!(events.href(), format!("/events?{expected}"), "{query} {at:?}");
        }
        let two = "filter=campaign:in:c5,c6";
        check("rows=campaign", (6, 0), two);
        check("rows=campaign&filter=ad:eq:x", (6, 0), "filter=ad:eq:x&filter=campaign:in:c6");
        // All, c0, five of its ads, and the others.
        let nine = "filter=campaign:eq:c0&filter=ad:in:ad10,ad11,ad12,ad13,ad5,ad6,ad7,ad8,ad9";
        check("rows=campaign,ad&open=c0", (7, 0), nine);
        check("rows=campaign,ad&open=c0", (12, 0), two);
        // Columns: the twelve largest ads, then the others, then all.
        let column = "filter=ad:in:ad11,ad12,ad13";
        check("rows=campaign&cols=ad", (1, 12), &format!("filter=campaign:eq:c0&{column}"));
        check("rows=campaign&cols=ad", (6, 12), &format!("{two}&{column}"));
        check("rows=campaign&cols=ad", (6, 13), two);
        check("rows=campaign&cols=ad", (0, 12), column);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn others_are_a_pivot_of_their_own() {
        let crowd: Vec<_> = crowd();
        let clicks: Vec<_> =
            crowd.iter().map(|(hour, a, b, n)| (*hour, a.as_str(), b.as_str(), *n)).collect();
        let check = |query: &str, line: usize, expected: Option<&str>| {
            let answered = answered(&format!("{query}&metrics=clicks&top=5"), &clicks);
            let alone = others_alone(&answered, &answered.sheet.lines[line]);
            let expected = expected.map(|expected| format!("/explore?{expected}"));
            assert_eq!(alone.map(|state| state.href()), expected, "{query}");
        };
        let outer = "rows=campaign,ad&metrics=clicks&filter=campaign:in:c5,c6&top=5";
        check("rows=campaign,ad", 6, Some(outer));
        check("rows=campaign,ad", 1, None);
        let nine = "filter=campaign:eq:c0&filter=ad:in:ad10,ad11,ad12,ad13,ad5,ad6,ad7,ad8,ad9";
        let inner = format!("rows=ad&metrics=clicks&{nine}");
        check("rows=campaign,ad&open=c0", 7, Some(&format!("{inner}&top=5")));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn others_are_named_as_shortly_as_they_can_be() {
        fn check(shown: &[&str], keys: &[String], expected: Option<&str>) {
            let by = By::Dimension(Dimension::Ad);
            let others = Others { by, shown: shown.to_vec(), keys: keys.to_vec() };
            let filters = others.filters(Dimension::Ad);
            let texts =
                filters.map(|filters| filters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            assert_eq!(texts.as_deref(), expected);
        }
        let keys = |keys: &[&str]| keys.iter().map(|key| key.to_string()).collect::<Vec<_>>();
        check(&["a", "b"], &keys(&["c", ""]), Some("ad:in:,c"));
        check(&["a"], &keys(&["b", "c", "a long one"]), Some("ad:ne:a"));
        // A list cannot have it.
        check(&["a", "b"], &keys(&["c,d"]), Some("ad:ne:a ad:ne:b"));
        let many: Vec<String> = (0..200).map(|i| format!("{i:064}")).collect();
        let shown: Vec<&str> = many.iter().map(String::as_str).collect();
        check(&shown, &many, None);
        check(&shown, &keys(&["c"]), Some("ad:in:c"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn others_of_times_are_before_the_first() {
        fn check(query: &str, by: &str, shown: &[&str], expected: &str) {
            let (state, _) = EventsState::read(query);
            let whole = Span { from: "2026-11-01".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
            let others = Others { by: By::parse(by).unwrap(), shown: shown.to_vec(), keys: Vec::new() };
            let day = |instant| DateTime::from_timestamp_millis(instant).unwrap().date_naive();
            let events = others.alone(state, whole, day).unwrap();
            assert_eq!(events.href(), format!("/events?{expected}"), "{query}");
        }
        let days = ["2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z"];
        check("kind=click", "day", &days, "from=2026-11-01&to=2026-11-05&kind=click");
        check("", "hour", &days, "from=2026-11-01&to=2026-11-05");
        let hours = ["2026-11-05T07:00:00Z", "2026-11-05T08:00:00Z"];
        check("", "hour", &hours, "from=2026-11-01&to=2026-11-06&until=2026-11-05T07:00:00Z");
        // Of the row of a day: what of it is before, and nothing where none is.
        let row = "from=2026-11-05&to=2026-11-06";
        check(row, "hour", &hours, "from=2026-11-05&to=2026-11-06&until=2026-11-05T07:00:00Z");
        let row = "from=2026-11-06&to=2026-11-07";
        check(row, "hour", &hours, "from=2026-11-06&to=2026-11-07&until=2026-11-05T07:00:00Z");
    }

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
