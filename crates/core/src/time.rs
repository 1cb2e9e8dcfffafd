//! Two time scales that cannot be confused, and the hour that cells are counted in.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

/// One second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// When something happened, by the sender's clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

/// When something reached us, by the server's clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTime(pub i64);

/// An hour in UTC, counted from 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub i32);

/// A day in UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl EventTime {
    /// The hour that holds this time.
    pub fn hour(self) -> Hour {
        Hour::holding(self.0)
    }

    /// The day that holds this time.
    pub fn day(self) -> Day {
        Day::holding(self.0)
    }
}

impl Day {
    /// The day that holds `ms` since 1970; times outside of the range of `Day` saturate.
    pub fn holding(ms: i64) -> Self {
        let day = ms.div_euclid(DAY_MS);
        Self(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The day that holds an hour.
    pub fn of(hour: Hour) -> Self {
        Self(hour.0.div_euclid(24))
    }

    /// The first millisecond of the day since 1970.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The hours of the day.
    pub fn hours(self) -> Range<Hour> {
        Hour(self.0.saturating_mul(24))..Hour(self.0.saturating_add(1).saturating_mul(24))
    }

    /// The month of the year and the day of the month, each from 1.
    pub fn month_and_day(self) -> (u32, u32) {
        use chrono::Datelike;
        let date = DateTime::<Utc>::from_timestamp_millis(self.start_ms());
        date.map_or((1, 1), |date| (date.month(), date.day()))
    }

    /// Reads `2018-07-22`.
    pub fn parse(text: &str) -> Option<Self> {
        let date = parse_date(text)?;
        Some(Self::holding(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()))
    }
}

/// `2018-07-22`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.start_ms()) {
            Some(t) => write!(f, "{}", t.date_naive()),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Reads a date as `2018-07-22`: the digits by hand, so that what reads only dates need not carry a reader of formats.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = digits(text, [4, 2, 2], "-")?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// Reads what [`parse_instant`] does, and a day as its start in UTC.
pub fn parse_instant_or_day(text: &str) -> Option<i64> {
    parse_instant(text).or_else(|| Day::parse(text).map(Day::start_ms))
}

/// Reads a time of the clock as `15:04` or `15:04:05`.
pub(crate) fn parse_clock(text: &str) -> Option<NaiveTime> {
    match text.len() {
        5 => digits(text, [2, 2], ":").and_then(|[hour, minute]| NaiveTime::from_hms_opt(hour, minute, 0)),
        _ => digits(text, [2, 2, 2], ":")
            .and_then(|[hour, minute, second]| NaiveTime::from_hms_opt(hour, minute, second)),
    }
}

/// Numbers of so many digits each, with `between` between them.
fn digits<const N: usize>(text: &str, lengths: [usize; N], between: &str) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(between);
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next()?;
        let are_digits = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| are_digits)?;
    }
    parts.next().is_none().then_some(numbers)
}

impl Hour {
    /// The hour that holds `ms` since 1970; times outside of the range of `Hour` saturate.
    pub fn holding(ms: i64) -> Self {
        let hour = ms.div_euclid(HOUR_MS);
        Self(i32::try_from(hour).unwrap_or(if hour < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The first millisecond of the hour since 1970.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * HOUR_MS
    }
}

/// RFC 3339 in UTC, with milliseconds only where there are any: `2018-07-22T15:00:00Z`.
pub fn rfc3339(ms: i64) -> String {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(t) if ms.rem_euclid(SECOND_MS) == 0 => t.to_rfc3339_opts(SecondsFormat::Secs, true),
        Some(t) => t.to_rfc3339_opts(SecondsFormat::Millis, true),
        None => ms.to_string(),
    }
}

/// Reads RFC 3339 with any offset; what is finer than a millisecond is cut off.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|t| t.timestamp_millis())
}

/// Reads an instant as the API takes it: RFC 3339, or ms since 1970 in at least five digits, which no year has.
pub fn parse_instant(text: &str) -> Option<i64> {
    if text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    parse_rfc3339(text)
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

impl fmt::Display for ServerTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_round_down() {
        fn check(ms: i64, expected: i32) {
            assert_eq!(Hour::holding(ms), Hour(expected));
        }
        check(0, 0);
        check(HOUR_MS - 1, 0);
        check(HOUR_MS, 1);
        check(-1, -1);
        check(i64::MAX, i32::MAX);
    }

    #[test]
    fn dates_and_clocks() {
        fn date(text: &str, expected: Option<(i32, u32, u32)>) {
            let expected = expected.and_then(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day));
            assert_eq!(parse_date(text), expected, "{text}");
        }
        date("2018-07-22", Some((2018, 7, 22)));
        date("2024-02-29", Some((2024, 2, 29)));
        for text in [
            "2023-02-29",
            "2018-7-22",
            "2018-07-2",
            "+018-07-22",
            "2018-07-22 ",
            "2018-07-22-01",
            "2018/07/22",
            "",
        ] {
            date(text, None);
        }
        fn clock(text: &str, expected: Option<(u32, u32, u32)>) {
            let expected =
                expected.and_then(|(hour, minute, second)| NaiveTime::from_hms_opt(hour, minute, second));
            assert_eq!(parse_clock(text), expected, "{text}");
        }
        clock("15:04", Some((15, 4, 0)));
        clock("23:59:59", Some((23, 59, 59)));
        for text in ["24:00", "15:4", "15:04:5", "15:04:05Z", "15", "１５:04"] {
            clock(text, None);
        }
    }

    #[test]
    fn rfc3339_both_ways() {
        fn check(ms: i64, text: &str) {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_rfc3339(text), Some(ms));
        }
        check(1_532_271_600_000, "2018-07-22T15:00:00Z");
        check(1_532_271_600_123, "2018-07-22T15:00:00.123Z");
        assert_eq!(parse_rfc3339("2018-07-23T00:00:00+09:00"), Some(1_532_271_600_000));
        assert_eq!(parse_rfc3339("2018-07-23"), None);
    }

    #[test]
    fn instants() {
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(parse_instant(text), expected, "{text}");
        }
        check("1532271600000", Some(1_532_271_600_000));
        check("2018-07-22T15:00:00Z", Some(1_532_271_600_000));
        check("2018", None);
        check("99999999999999999999", None);
        check("-1532271600000", None);
    }
}
