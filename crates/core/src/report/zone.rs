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
