//! Local time: where hours, days, weeks and months of a time zone begin.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;

use crate::time::{HOUR_MS, Hour, SECOND_MS};

/// No zone is further than this from UTC, nor has ever put its clocks forward by more (Samoa left out a day in 2011).
const MAX_SHIFT_MS: i64 = 27 * HOUR_MS;

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone(Tz);

/// A unit of local time that rows can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// An hour of the clock.
    Hour,
    /// A calendar day; 23 to 25 hours where clocks change.
    Day,
    /// An ISO week, from Monday.
    Week,
    /// A calendar month.
    Month,
}

impl TimeUnit {
    /// Every unit, in the order of the enum.
    pub const ALL: [TimeUnit; 4] = [TimeUnit::Hour, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month];

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            TimeUnit::Hour => "hour",
            TimeUnit::Day => "day",
            TimeUnit::Week => "week",
            TimeUnit::Month => "month",
        }
    }

    /// The first instant, in ms since 1970, of the unit that `hour` starts in.
    pub(super) fn start(self, zone: Zone, hour: Hour) -> i64 {
        let local = zone.local(hour.start_ms());
        let date = local.date();
        match self {
            // Not by the zone's rules: of an hour that comes twice each pass is an hour of its own.
            TimeUnit::Hour => {
                let past = i64::from(local.minute()) * 60 + i64::from(local.second());
                hour.start_ms() - past * SECOND_MS
            }
            TimeUnit::Day => zone.day_start(date),
            TimeUnit::Week => zone.day_start(date.week(Weekday::Mon).first_day()),
            TimeUnit::Month => zone.day_start(date.with_day(1).unwrap_or(date)),
        }
    }
}

impl Zone {
    /// The zone of an IANA name.
    pub(super) fn parse(name: &str) -> Option<Zone> {
        name.parse().ok().map(Zone)
    }

    pub(super) fn name(self) -> &'static str {
        self.0.name()
    }

    /// What clocks show at an instant.
    pub(super) fn local(self, ms: i64) -> NaiveDateTime {
        // Reports reach from 1970 to 9999, which chrono can represent.
        let utc = DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::UNIX_EPOCH).naive_utc();
        utc + self.0.offset_from_utc_datetime(&utc).fix()
    }

    /// The first instant of a local day.
    pub(super) fn day_start(self, date: NaiveDate) -> i64 {
        self.first_instant(date.and_time(NaiveTime::MIN))
    }

    /// The first instant at which clocks show `local`, or, where they skip it, the first one after the skip.
    pub(super) fn first_instant(self, local: NaiveDateTime) -> i64 {
        if let Some(first) = self.0.from_local_datetime(&local).earliest() {
            return first.timestamp_millis();
        }
        // Around a skip local time never runs backwards, so the first instant can be bisected.
        let middle = local.and_utc().timestamp_millis();
        let (mut before, mut reached) = (middle - MAX_SHIFT_MS, middle + MAX_SHIFT_MS);
        while reached - before > SECOND_MS {
            let half = (before + reached) / 2 / SECOND_MS * SECOND_MS;
            if self.local(half) < local {
                before = half;
            } else {
                reached = half;
            }
        }
        reached
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::time::{parse_rfc3339, rfc3339};

    #[wasm_bindgen_test(unsupported = test)]
    fn units_start_in_local_time() {
        fn check(zone: &str, unit: TimeUnit, hour: &str, expected: &str) {
            let hour = Hour::holding(parse_rfc3339(hour).unwrap());
            let start = unit.start(Zone::parse(zone).unwrap(), hour);
            assert_eq!(rfc3339(start), expected, "{} of {zone}", unit.name());
        }
        use TimeUnit::{Day, Month, Week};
        check("UTC", Day, "2018-07-22T23:00:00Z", "2018-07-22T00:00:00Z");
        check("UTC", Week, "2018-07-22T23:00:00Z", "2018-07-16T00:00:00Z");
        check("UTC", Week, "2018-07-23T00:00:00Z", "2018-07-23T00:00:00Z");
        check("UTC", Week, "2019-01-01T00:00:00Z", "2018-12-31T00:00:00Z");
        check("UTC", Month, "2018-07-22T23:00:00Z", "2018-07-01T00:00:00Z");
        check("Asia/Seoul", Day, "2018-07-22T14:00:00Z", "2018-07-21T15:00:00Z");
        check("Asia/Seoul", Day, "2018-07-22T15:00:00Z", "2018-07-22T15:00:00Z");
        check("Asia/Seoul", Month, "2018-06-30T15:00:00Z", "2018-06-30T15:00:00Z");
        // India is 5:30 ahead: the hour of 18:00 starts at 23:30.
        check("Asia/Kolkata", Day, "2018-07-22T18:00:00Z", "2018-07-21T18:30:00Z");
        check("Asia/Kolkata", Day, "2018-07-22T19:00:00Z", "2018-07-22T18:30:00Z");
        check("Asia/Kolkata", TimeUnit::Hour, "2018-07-22T19:00:00Z", "2018-07-22T18:30:00Z");
        check("Asia/Kolkata", TimeUnit::Hour, "2018-07-22T18:00:00Z", "2018-07-22T17:30:00Z");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn units_start_where_clocks_change() {
        fn check(zone: &str, unit: TimeUnit, hour: &str, expected: &str) {
            let hour = Hour::holding(parse_rfc3339(hour).unwrap());
            assert_eq!(rfc3339(unit.start(Zone::parse(zone).unwrap(), hour)), expected, "{zone}, {hour:?}");
        }
        use TimeUnit::{Day, Week};
        // New York, 2018-03-11: 23 hours, 2018-11-04: 25 hours.
        check("America/New_York", Day, "2018-03-12T03:00:00Z", "2018-03-11T05:00:00Z");
        check("America/New_York", Day, "2018-03-12T04:00:00Z", "2018-03-12T04:00:00Z");
        check("America/New_York", Day, "2018-11-05T04:00:00Z", "2018-11-04T04:00:00Z");
        check("America/New_York", Day, "2018-11-05T05:00:00Z", "2018-11-05T05:00:00Z");
        check("America/New_York", Week, "2018-11-05T04:00:00Z", "2018-10-29T04:00:00Z");
        // 1:00 comes twice.
        check("America/New_York", TimeUnit::Hour, "2018-11-04T05:00:00Z", "2018-11-04T05:00:00Z");
        check("America/New_York", TimeUnit::Hour, "2018-11-04T06:00:00Z", "2018-11-04T06:00:00Z");
        // Sao Paulo skipped midnight of 2018-11-04.
        check("America/Sao_Paulo", Day, "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z");
        check("America/Sao_Paulo", Day, "2018-11-05T01:00:00Z", "2018-11-04T03:00:00Z");
        // Samoa skipped the whole of 2011-12-30.
        check("Pacific/Apia", Day, "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z");
        check("Pacific/Apia", Day, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z");
    }

    #[test]
    fn what_clocks_skip_begins_after_the_skip() {
        fn check(zone: &str, local: &str, expected: &str) {
            let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M").unwrap();
            assert_eq!(rfc3339(Zone::parse(zone).unwrap().first_instant(local)), expected, "{zone}, {local}");
        }
        check("America/New_York", "2018-03-11T01:59", "2018-03-11T06:59:00Z");
        check("America/New_York", "2018-03-11T02:00", "2018-03-11T07:00:00Z");
        check("America/New_York", "2018-03-11T02:30", "2018-03-11T07:00:00Z");
        check("America/New_York", "2018-03-11T03:00", "2018-03-11T07:00:00Z");
        check("America/New_York", "2018-11-04T01:30", "2018-11-04T05:30:00Z");
        check("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00:00Z");
        check("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z");
    }

    /// Each instant of some years in zones of all kinds: starts never lie ahead, never go back and stand still.
    #[test]
    fn units_follow_each_other() {
        for zone in
            ["America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia", "America/Havana", "Asia/Kathmandu"]
        {
            let zone = Zone::parse(zone).unwrap();
            for unit in [TimeUnit::Day, TimeUnit::Week, TimeUnit::Month] {
                let mut before = i64::MIN;
                for hour in (0..24 * 365 * 3).chain(350_000..24 * 365 + 350_000).map(Hour) {
                    let start = unit.start(zone, hour);
                    assert!(start <= hour.start_ms(), "{zone}, {hour:?}");
                    // Newfoundland's clocks went back over midnight until 2011: one day resumes after the next began.
                    let resumes = before - start < 25 * HOUR_MS && zone.name() == "America/St_Johns";
                    assert!(start >= before || resumes, "{zone}, {hour:?}");
                    before = start;
                }
            }
        }
    }
}
