//! Days and wall-clock times.

use std::fmt::Write;

use adtally_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::Value;

/// A part of a date or time, or a unit that times are cut off to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// A thousandth of a second.
    Millisecond,
    /// Of a minute.
    Second,
    /// Of an hour.
    Minute,
    /// Of a day.
    Hour,
    /// Of a month.
    Day,
    /// From Monday; ISO 8601.
    Week,
    /// Of a year.
    Month,
    /// Three months.
    Quarter,
    /// Of the calendar.
    Year,
    /// 1 is Sunday, as ODBC and Calcite count; Trino means the next by the same words.
    DayOfWeek,
    /// 1 is Monday.
    IsoDayOfWeek,
    /// From 1.
    DayOfYear,
    /// Seconds since 1970.
    Epoch,
}

impl Unit {
    /// By its name in any case, with or without a plural `s`.
    pub(crate) fn parse(name: &str) -> Option<Unit> {
        let name = name.to_ascii_lowercase();
        // As JDBC and ODBC write units.
        let name = name.strip_prefix("sql_tsi_").unwrap_or(&name);
        Some(match name.strip_suffix('s').unwrap_or(name) {
            "millisecond" => Unit::Millisecond,
            "second" => Unit::Second,
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "week" | "isoweek" => Unit::Week,
            "month" => Unit::Month,
            "quarter" => Unit::Quarter,
            "year" => Unit::Year,
            "dow" | "dayofweek" | "day_of_week" => Unit::DayOfWeek,
            "isodow" => Unit::IsoDayOfWeek,
            "doy" | "dayofyear" | "day_of_year" => Unit::DayOfYear,
            "epoch" => Unit::Epoch,
            _ => return None,
        })
    }
}

fn wall(ms: i64) -> Option<NaiveDateTime> {
    DateTime::<Utc>::from_timestamp_millis(ms).map(|time| time.naive_utc())
}

/// The day that holds a time.
pub(crate) fn day_of(ms: i64) -> i32 {
    i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

/// Midnight of a day.
pub(crate) fn midnight(day: i32) -> i64 {
    i64::from(day) * DAY_MS
}

fn days(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()) - 719_163
}

/// The first instant of the unit that holds a time; none outside of the calendar, and of units that cut off nothing.
pub(crate) fn trunc(unit: Unit, ms: i64) -> Option<i64> {
    let cut = |length: i64| Some(ms.div_euclid(length) * length);
    let date = || wall(ms).map(|time| time.date());
    let first =
        |date: NaiveDate, month| NaiveDate::from_ymd_opt(date.year(), month, 1).map(|d| days(d) * DAY_MS);
    match unit {
        Unit::Millisecond => Some(ms),
        Unit::Second => cut(SECOND_MS),
        Unit::Minute => cut(MINUTE_MS),
        Unit::Hour => cut(HOUR_MS),
        Unit::Day => cut(DAY_MS),
        // 1970-01-01 was a Thursday.
        Unit::Week => Some((ms.div_euclid(DAY_MS) + 3).div_euclid(7) * 7 * DAY_MS - 3 * DAY_MS),
        Unit::Month => date().and_then(|date| first(date, date.month())),
        Unit::Quarter => date().and_then(|date| first(date, date.month0() / 3 * 3 + 1)),
        Unit::Year => date().and_then(|date| first(date, 1)),
        Unit::DayOfWeek | Unit::IsoDayOfWeek | Unit::DayOfYear | Unit::Epoch => None,
    }
}

/// A part of a time as a number.
pub(crate) fn extract(unit: Unit, ms: i64) -> Option<i64> {
    let time = wall(ms)?;
    Some(match unit {
        Unit::Millisecond => ms.rem_euclid(MINUTE_MS),
        Unit::Second => time.second().into(),
        Unit::Minute => time.minute().into(),
        Unit::Hour => time.hour().into(),
        Unit::Day => time.day().into(),
        Unit::Week => time.iso_week().week().into(),
        Unit::Month => time.month().into(),
        Unit::Quarter => (time.month0() / 3 + 1).into(),
        Unit::Year => time.year().into(),
        Unit::DayOfWeek => (time.weekday().num_days_from_sunday() + 1).into(),
        Unit::IsoDayOfWeek => time.weekday().number_from_monday().into(),
        Unit::DayOfYear => time.ordinal().into(),
        Unit::Epoch => ms.div_euclid(SECOND_MS),
    })
}

/// So many units as months and milliseconds.
pub(crate) fn interval(unit: Unit, count: i64) -> Option<Value> {
    let months = |each: i64| Some(Value::Interval(i32::try_from(count.checked_mul(each)?).ok()?, 0));
    let ms = |each: i64| Some(Value::Interval(0, count.checked_mul(each)?));
    match unit {
        Unit::Millisecond => ms(1),
        Unit::Second => ms(SECOND_MS),
        Unit::Minute => ms(MINUTE_MS),
        Unit::Hour => ms(HOUR_MS),
        Unit::Day => ms(DAY_MS),
        Unit::Week => ms(7 * DAY_MS),
        Unit::Month => months(1),
        Unit::Quarter => months(3),
        Unit::Year => months(12),
        Unit::DayOfWeek | Unit::IsoDayOfWeek | Unit::DayOfYear | Unit::Epoch => None,
    }
}

/// A time moved by an interval; the 31st moved to a shorter month becomes its last day.
pub(crate) fn shift(ms: i64, months: i32, by_ms: i64) -> Option<i64> {
    let moved = match months {
        0 => ms,
        _ => {
            let time = wall(ms)?;
            let count = Months::new(months.unsigned_abs());
            let moved =
                if months < 0 { time.checked_sub_months(count) } else { time.checked_add_months(count) };
            moved?.and_utc().timestamp_millis()
        }
    };
    moved.checked_add(by_ms).filter(|ms| wall(*ms).is_some())
}

/// What a wall clock shows at an instant, in ms since 1970.
pub(crate) fn to_local(zone: Tz, ms: i64) -> i64 {
    let offset = DateTime::<Utc>::from_timestamp_millis(ms)
        .map_or(0, |time| zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc());
    ms.saturating_add(i64::from(offset) * SECOND_MS)
}

/// When a wall clock shows a time: of two instants the earlier one, and one that it leaves out is that much later.
pub(crate) fn from_local(zone: Tz, local: i64) -> Option<i64> {
    let at = |ms: i64| zone.from_local_datetime(&wall(ms)?).earliest().map(|time| time.timestamp_millis());
    at(local).or_else(|| at(local + HOUR_MS))
}

/// Whole units from one time to another: a month is over on the same day of the next, or on its last.
pub(crate) fn between(unit: Unit, from: i64, to: i64) -> Option<i64> {
    let each = match unit {
        Unit::Month => 1,
        Unit::Quarter => 3,
        Unit::Year => 12,
        _ => match interval(unit, 1)? {
            Value::Interval(_, each) => return Some(to.checked_sub(from)? / each),
            _ => return None,
        },
    };
    let month = |ms: i64| Some(extract(Unit::Year, ms)? * 12 + extract(Unit::Month, ms)?);
    let months = month(to)? - month(from)?;
    let reached = shift(from, i32::try_from(months).ok()?, 0)?;
    let months = match months.signum() {
        1 if reached > to => months - 1,
        -1 if reached < to => months + 1,
        _ => months,
    };
    Some(months / each)
}

/// A time as `DATE_FORMAT` of Trino and MySQL writes it; none where the pattern has what they do not know.
pub(crate) fn formatted(ms: i64, pattern: &str) -> Option<String> {
    let time = wall(ms)?;
    let mut text = String::with_capacity(2 * pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let ours = match characters.next()? {
            'Y' => "%Y",
            'y' => "%y",
            'm' => "%m",
            'c' => "%-m",
            'M' => "%B",
            'b' => "%b",
            'd' => "%d",
            'e' => "%-d",
            'j' => "%j",
            'a' => "%a",
            'W' => "%A",
            'v' => "%V",
            'x' => "%G",
            'H' => "%H",
            'k' => "%-H",
            'h' | 'I' => "%I",
            'l' => "%-I",
            'i' => "%M",
            's' | 'S' => "%S",
            'f' => "%6f",
            'p' => "%p",
            'T' => "%H:%M:%S",
            'r' => "%I:%M:%S %p",
            '%' => "%%",
            _ => return None,
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", time.format(ours));
    }
    Some(text)
}

/// Reads `2018-07-22`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    i32::try_from(days(date)).ok()
}

/// Reads `2018-07-22`, `2018-07-22 15:00[:00[.123]]`, or the same with `T`; a `Z` at the end is let pass.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z').trim_end_matches(" UTC");
    if let Some(day) = parse_date(text) {
        return Some(midnight(day));
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(time.and_utc().timestamp_millis())
}

/// `2018-07-22`.
pub(crate) fn date_text(day: i32) -> String {
    let origin = NaiveDate::from_ymd_opt(1970, 1, 1);
    let date = origin.and_then(|origin| match u64::try_from(day) {
        Ok(days) => origin.checked_add_days(Days::new(days)),
        Err(_) => origin.checked_sub_days(Days::new(day.unsigned_abs().into())),
    });
    date.map_or_else(|| day.to_string(), |date| date.format("%Y-%m-%d").to_string())
}

/// `2018-07-22 15:00:00`, with milliseconds only where there are any.
pub(crate) fn timestamp_text(ms: i64) -> String {
    let format = if ms.rem_euclid(SECOND_MS) == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    wall(ms).map_or_else(|| ms.to_string(), |time| time.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let at = parse_timestamp("2018-07-22T15:42:07.250Z").unwrap();
        let check = |unit, text: &str| assert_eq!(timestamp_text(trunc(unit, at).unwrap()), text);
        check(Unit::Hour, "2018-07-22 15:00:00");
        check(Unit::Week, "2018-07-16 00:00:00");
        check(Unit::Quarter, "2018-07-01 00:00:00");
        assert_eq!(extract(Unit::DayOfWeek, at), Some(1));
        assert_eq!(extract(Unit::IsoDayOfWeek, at), Some(7));
        assert_eq!(timestamp_text(at), "2018-07-22 15:42:07.250");
        let end = midnight(parse_date("2024-01-31").unwrap());
        assert_eq!(date_text(day_of(shift(end, 1, 0).unwrap())), "2024-02-29");
        assert_eq!(date_text(-1), "1969-12-31");
        assert_eq!(parse_date("1970-01-01"), Some(0));
    }

    #[test]
    fn whole_units() {
        let check = |unit, from: &str, to: &str, expected: i64| {
            let (from, to) = (parse_timestamp(from).unwrap(), parse_timestamp(to).unwrap());
            assert_eq!(between(unit, from, to), Some(expected), "{unit:?} {from} {to}");
        };
        check(Unit::Day, "2026-01-01", "2026-03-01", 59);
        check(Unit::Hour, "2026-01-01 00:30", "2026-01-01 02:00", 1);
        check(Unit::Month, "2026-01-15", "2026-03-14", 1);
        check(Unit::Month, "2026-01-15", "2026-03-15", 2);
        check(Unit::Month, "2026-01-31", "2026-02-28", 1);
        check(Unit::Quarter, "2026-01-02", "2026-07-01", 1);
        check(Unit::Year, "2024-02-29", "2026-02-28", 2);
        check(Unit::Week, "2026-01-01", "2026-01-14", 1);
        check(Unit::Month, "2026-03-14", "2026-01-15", -1);
        check(Unit::Month, "2026-03-15", "2026-01-15", -2);
        check(Unit::Day, "2026-01-03", "2026-01-01", -2);
    }

    #[test]
    fn patterns_of_dates() {
        let at = parse_timestamp("2026-03-07 15:04:05.250").unwrap();
        let check = |pattern: &str, expected: Option<&str>| {
            assert_eq!(formatted(at, pattern).as_deref(), expected, "{pattern}");
        };
        check("%Y-%m-%d %H:%i:%s", Some("2026-03-07 15:04:05"));
        check("%x week %v, %W %e %M (%b) %y", Some("2026 week 10, Saturday 7 March (Mar) 26"));
        check("%T.%f %r %% %l %c %j", Some("15:04:05.250000 03:04:05 PM % 3 3 066"));
        check("%Q", None);
        check("100%", None);
    }

    #[test]
    fn zones() {
        let check = |zone: Tz, local: &str, utc: &str| {
            let found = from_local(zone, parse_timestamp(local).unwrap()).unwrap();
            assert_eq!(timestamp_text(found), utc, "{zone} {local}");
        };
        check(Tz::Asia__Seoul, "2026-03-07 09:00", "2026-03-07 00:00:00");
        check(Tz::America__New_York, "2026-03-08 02:30", "2026-03-08 07:30:00");
        check(Tz::America__New_York, "2026-11-01 01:30", "2026-11-01 05:30:00");
        assert_eq!(to_local(Tz::Asia__Seoul, 0), 9 * HOUR_MS);
    }
}
