//! Days, and the instants at which they begin in a time zone.
//!
//! Pure: the zone comes in as a function from an instant to its offset, so that it needs no zone table here;
//! [`crate::intl`] has the browser's.

use adtally_core::report::TimeUnit;
use adtally_core::time::{DAY_MS, HOUR_MS};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime};

/// The unit at which `days` are read best: a week by the hour shows the rhythm of its days.
pub fn unit_for_days(days: i64) -> TimeUnit {
    match days {
        ..=7 => TimeUnit::Hour,
        8..=92 => TimeUnit::Day,
        93..=730 => TimeUnit::Week,
        _ => TimeUnit::Month,
    }
}

/// The units at which `days` make a chart: more than one bucket, and not more than can be told apart.
pub fn units_for_days(days: i64) -> Vec<TimeUnit> {
    let fits = |unit: &TimeUnit| match unit {
        TimeUnit::Hour => days <= 14,
        TimeUnit::Day => (2..=400).contains(&days),
        TimeUnit::Week => days >= 14,
        TimeUnit::Month => days >= 59,
    };
    TimeUnit::ALL.into_iter().filter(fits).collect()
}

/// The day on which the bucket of `date` begins.
fn first_day(unit: TimeUnit, date: NaiveDate) -> NaiveDate {
    match unit {
        TimeUnit::Hour | TimeUnit::Day => date,
        TimeUnit::Week => date.week(chrono::Weekday::Mon).first_day(),
        TimeUnit::Month => date.with_day(1).unwrap_or(date),
    }
}

/// The day on which the bucket after the one that begins on `date` begins.
pub fn next_day(unit: TimeUnit, date: NaiveDate) -> Option<NaiveDate> {
    match unit {
        TimeUnit::Hour | TimeUnit::Day => date.checked_add_days(Days::new(1)),
        TimeUnit::Week => date.checked_add_days(Days::new(7)),
        TimeUnit::Month => date.checked_add_months(Months::new(1)),
    }
}

/// Whole days, from `from` up to but not including `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last one.
    pub to: NaiveDate,
}

impl Span {
    /// How many days it has.
    pub fn days(self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// The last day.
    pub fn last(self) -> NaiveDate {
        self.to.pred_opt().unwrap_or(self.to)
    }
}

/// A time zone: milliseconds to add to an instant in UTC to get its local time.
pub trait Offsets {
    /// The offset that is in force at `instant_ms`.
    fn offset_ms(&self, instant_ms: i64) -> i64;

    /// The local wall time at an instant.
    fn local(&self, instant_ms: i64) -> NaiveDateTime {
        let local = instant_ms.saturating_add(self.offset_ms(instant_ms));
        DateTime::from_timestamp_millis(local).unwrap_or_default().naive_utc()
    }

    /// The instant at which a local day begins.
    ///
    /// Where the clocks go forward over midnight the day begins when they have; asking twice settles on the offset
    /// that is in force at the answer.
    fn day_start_ms(&self, day: NaiveDate) -> i64 {
        let wall = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
        let guess = wall - self.offset_ms(wall);
        let start = wall - self.offset_ms(guess);
        if self.local(start).date() < day { start + HOUR_MS } else { start }
    }

    /// The instants at which the buckets of `span` begin, in order.
    ///
    /// `limit` bounds what a hand-written link can make the browser do.
    fn bucket_starts(&self, span: Span, unit: TimeUnit, limit: usize) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut day = first_day(unit, span.from);
        while day < span.to && starts.len() < limit {
            let Some(next) = next_day(unit, day) else { break };
            let start = self.day_start_ms(day);
            if unit == TimeUnit::Hour {
                let end = self.day_start_ms(next);
                starts.extend((start..end).step_by(HOUR_MS as usize));
            } else {
                starts.push(start);
            }
            day = next;
        }
        starts.truncate(limit);
        starts
    }
}

/// A fixed offset: UTC, and time zones in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedOffset(pub i64);

impl Offsets for FixedOffset {
    fn offset_ms(&self, _: i64) -> i64 {
        self.0
    }
}

/// The first instant of the UTC hour that holds `instant_ms`: cells are counted by it, whatever the zone.
pub fn hour_start_ms(instant_ms: i64) -> i64 {
    instant_ms - instant_ms.rem_euclid(HOUR_MS)
}

/// `days` days in milliseconds.
pub fn days_ms(days: i64) -> i64 {
    days.saturating_mul(DAY_MS)
}

#[cfg(test)]
mod tests {
    use adtally_core::time::{parse_rfc3339, rfc3339};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Central European time in 2026: forward at 01:00 UTC on March 29, back at 01:00 UTC on October 25.
    struct Berlin;

    impl Offsets for Berlin {
        fn offset_ms(&self, instant_ms: i64) -> i64 {
            let summer = parse_rfc3339("2026-03-29T01:00:00Z").unwrap()
                ..parse_rfc3339("2026-10-25T01:00:00Z").unwrap();
            if summer.contains(&instant_ms) { 2 * HOUR_MS } else { HOUR_MS }
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn starts(zone: &impl Offsets, from: &str, to: &str, unit: TimeUnit) -> Vec<String> {
        let span = Span { from: day(from), to: day(to) };
        zone.bucket_starts(span, unit, 1_000).into_iter().map(rfc3339).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn days_begin_at_local_midnight_also_when_clocks_change() {
        fn check(zone: &impl Offsets, date: &str, expected: &str) {
            assert_eq!(rfc3339(zone.day_start_ms(day(date))), expected, "{date}");
        }
        check(&FixedOffset(0), "2026-11-22", "2026-11-22T00:00:00Z");
        check(&FixedOffset(9 * HOUR_MS), "2026-11-22", "2026-11-21T15:00:00Z");
        check(&FixedOffset(-5 * HOUR_MS), "2026-11-22", "2026-11-22T05:00:00Z");
        check(&Berlin, "2026-03-29", "2026-03-28T23:00:00Z");
        check(&Berlin, "2026-03-30", "2026-03-29T22:00:00Z");
        check(&Berlin, "2026-10-26", "2026-10-25T23:00:00Z");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_day_has_as_many_hours_as_the_clocks_say() {
        fn check(from: &str, to: &str, expected: usize) {
            assert_eq!(starts(&Berlin, from, to, TimeUnit::Hour).len(), expected, "{from}");
        }
        check("2026-03-28", "2026-03-29", 24);
        check("2026-03-29", "2026-03-30", 23);
        check("2026-10-25", "2026-10-26", 25);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn buckets_begin_where_the_report_begins_them() {
        let seoul = FixedOffset(9 * HOUR_MS);
        assert_eq!(
            starts(&seoul, "2026-11-20", "2026-11-22", TimeUnit::Day),
            ["2026-11-19T15:00:00Z", "2026-11-20T15:00:00Z"]
        );
        // A week or month that has begun before the first day is the bucket of that day.
        assert_eq!(
            starts(&FixedOffset(0), "2026-11-19", "2026-11-24", TimeUnit::Week),
            ["2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"]
        );
        assert_eq!(
            starts(&FixedOffset(0), "2026-11-19", "2026-12-02", TimeUnit::Month),
            ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_limit_holds() {
        let span = Span { from: day("2010-01-01"), to: day("2026-01-01") };
        assert_eq!(FixedOffset(0).bucket_starts(span, TimeUnit::Hour, 100).len(), 100);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn hours_and_units() {
        assert_eq!(hour_start_ms(HOUR_MS + 1), HOUR_MS);
        assert_eq!(hour_start_ms(-1), -HOUR_MS);
        for days in 1..6_000 {
            assert!(units_for_days(days).contains(&unit_for_days(days)), "{days}");
        }
    }
}
