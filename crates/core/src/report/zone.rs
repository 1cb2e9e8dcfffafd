//! Local time: where hours, days, weeks and months of a time zone begin.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;

use crate::time::{DAY_MS, HOUR_MS, Hour, SECOND_MS};

/// No zone's clocks are further ahead of UTC.
const MOST_AHEAD_MS: i64 = 15 * HOUR_MS;
/// No zone's clocks are further behind UTC.
const MOST_BEHIND_MS: i64 = 13 * HOUR_MS;

/// How far clocks are from UTC, at every instant.
pub trait Offsets: Send + Sync {
    /// What clocks show at an instant less what those of UTC show, in ms.
    fn offset_ms(&self, instant_ms: i64) -> i64;
}

/// An IANA time zone: a name, and the rules that go by it.
///
/// Rules are reached through a pointer: a program that brings its own, as the browser does, need not carry the
/// tables behind [`Zone::named`].
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    offsets: Arc<dyn Offsets>,
}

/// Changes of clocks: from each instant on the offset beside it.
struct Changes(Vec<(i64, i64)>);

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
    pub(super) fn start(self, zone: &Zone, hour: Hour) -> i64 {
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
    /// The zone of an IANA name, by the tables of this program.
    pub fn named(name: &str) -> Option<Zone> {
        let tz: Tz = name.parse().ok()?;
        Some(Zone { name: tz.name().into(), offsets: Arc::new(tz) })
    }

    /// A zone whose clocks somebody else knows, who is asked once for every day of `instants`.
    ///
    /// Before and after them clocks are as at their ends. Clocks that change twice within a day are not seen to.
    pub fn sampled(name: &str, instants: Range<i64>, offset_of: impl Fn(i64) -> i64) -> Zone {
        let mut changes = vec![(i64::MIN, offset_of(instants.start))];
        let (mut at, mut offset) = (instants.start, offset_of(instants.start));
        while at < instants.end {
            let next = at.saturating_add(DAY_MS).min(instants.end);
            let after = offset_of(next);
            if after != offset {
                changes.push((bisect(at, next, |instant| offset_of(instant) != offset), after));
            }
            (at, offset) = (next, after);
        }
        Zone { name: name.into(), offsets: Arc::new(Changes(changes)) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clocks show at an instant.
    pub(super) fn local(&self, ms: i64) -> NaiveDateTime {
        // Reports reach from 1970 to 9999, which chrono can represent.
        let local = DateTime::from_timestamp_millis(ms + self.offsets.offset_ms(ms));
        local.unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
    }

    /// The first instant of a local day.
    pub(super) fn day_start(&self, date: NaiveDate) -> i64 {
        self.first_instant(date.and_time(NaiveTime::MIN))
    }

    /// The first instant at which clocks show `local`, or, where they skip it, the first one after the skip.
    pub(super) fn first_instant(&self, local: NaiveDateTime) -> i64 {
        let wall = local.and_utc().timestamp_millis();
        let (earliest, latest) = (wall - MOST_AHEAD_MS, wall + MOST_BEHIND_MS);
        // Clocks change once in that time at most, so they are right by the offset before or by the one after.
        let by = |instant| wall - self.offsets.offset_ms(instant);
        let shows = |instant: &i64| instant + self.offsets.offset_ms(*instant) == wall;
        let first = [by(earliest), by(latest)].into_iter().filter(shows).min();
        // Around a skip local time never runs backwards, so the first instant can be bisected.
        first.unwrap_or_else(|| bisect(earliest, latest, |instant| self.local(instant) >= local))
    }
}

/// The first whole second after `before` from which on something is so, which is so at `reached`.
fn bisect(mut before: i64, mut reached: i64, is_so: impl Fn(i64) -> bool) -> i64 {
    while reached - before > SECOND_MS {
        let half = (before + reached) / 2 / SECOND_MS * SECOND_MS;
        if is_so(half) {
            reached = half;
        } else {
            before = half;
        }
    }
    reached
}

impl Offsets for Tz {
    fn offset_ms(&self, instant_ms: i64) -> i64 {
        let utc = DateTime::from_timestamp_millis(instant_ms).unwrap_or(DateTime::UNIX_EPOCH).naive_utc();
        i64::from(self.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * SECOND_MS
    }
}

impl Offsets for Changes {
    fn offset_ms(&self, instant_ms: i64) -> i64 {
        let after = self.0.partition_point(|(from, _)| *from <= instant_ms);
        self.0.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }
}

/// Zones of one name are one zone, whoever knows its rules.
impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
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
            let start = unit.start(&Zone::named(zone).unwrap(), hour);
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
            assert_eq!(rfc3339(unit.start(&Zone::named(zone).unwrap(), hour)), expected, "{zone}, {hour:?}");
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
            assert_eq!(rfc3339(Zone::named(zone).unwrap().first_instant(local)), expected, "{zone}, {local}");
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
            let zone = Zone::named(zone).unwrap();
            for unit in [TimeUnit::Day, TimeUnit::Week, TimeUnit::Month] {
                let mut before = i64::MIN;
                for hour in (0..24 * 365 * 3).chain(350_000..24 * 365 + 350_000).map(Hour) {
                    let start = unit.start(&zone, hour);
                    assert!(start <= hour.start_ms(), "{zone}, {hour:?}");
                    // Newfoundland's clocks went back over midnight until 2011: one day resumes after the next began.
                    let resumes = before - start < 25 * HOUR_MS && zone.name() == "America/St_Johns";
                    assert!(start >= before || resumes, "{zone}, {hour:?}");
                    before = start;
                }
            }
        }
    }

    /// Every time of the clock around the changes of some decades, in zones of all kinds.
    #[test]
    fn clocks_are_those_of_the_tables() {
        let odd = [
            "America/St_Johns",
            "Pacific/Apia",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Asia/Pyongyang",
        ];
        let others = chrono_tz::TZ_VARIANTS.iter().step_by(23).map(|zone| zone.name());
        for name in odd.into_iter().chain(others) {
            let (zone, tz) = (Zone::named(name).unwrap(), name.parse::<Tz>().unwrap());
            let (from, to) = (parse_rfc3339("1995-01-01T00:00:00Z"), parse_rfc3339("2030-01-01T00:00:00Z"));
            let instants = from.unwrap()..to.unwrap();
            let sampled = Zone::sampled(name, instants.clone(), |instant| tz.offset_ms(instant));
            for day in instants.step_by(DAY_MS as usize) {
                if tz.offset_ms(day) == tz.offset_ms(day + DAY_MS) {
                    continue;
                }
                for at in (day - DAY_MS..day + 2 * DAY_MS).step_by(HOUR_MS as usize / 4) {
                    assert_eq!(sampled.local(at), zone.local(at), "{name} at {at}");
                    let wall = DateTime::from_timestamp_millis(at).unwrap().naive_utc();
                    let first = zone.first_instant(wall);
                    assert_eq!(sampled.first_instant(wall), first, "{name}, {wall}");
                    match tz.from_local_datetime(&wall).earliest() {
                        Some(expected) => assert_eq!(first, expected.timestamp_millis(), "{name}, {wall}"),
                        None => assert!(
                            zone.local(first) > wall && zone.local(first - 1) < wall,
                            "{name}, {wall}"
                        ),
                    }
                }
            }
        }
    }
}
