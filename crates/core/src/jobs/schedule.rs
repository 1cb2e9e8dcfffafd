//! When a job runs by itself: `0 3 * * *`, or `daily 03:00`; always in UTC.

use std::fmt;

use thiserror::Error;

use crate::time::{DAY_MS, Day, MINUTE_MS, ServerTime};

/// How far ahead a time is looked for: the 29th of February comes at least once in eight years.
const HORIZON_DAYS: i32 = 8 * 366 + 1;

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Neither form.
    #[error("{0:?} is neither five fields as of cron nor \"daily HH:MM\"")]
    Form(String),
    /// A field of a cron expression.
    #[error("{text:?} is not a {field} of a cron expression, {from} to {to}")]
    Field {
        /// The field.
        text: String,
        /// Its name.
        field: &'static str,
        /// The least value.
        from: u8,
        /// The greatest value.
        to: u8,
    },
    /// There is no such time.
    #[error("{0:?} never comes")]
    Never(String),
}

/// See the module. The five fields of cron: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday);
/// each `*`, a number, a range, a list of these, or one with a step. Where both days are restricted, either does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    either_day: bool,
}

impl Schedule {
    /// Reads either form.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let wrong = || ScheduleError::Form(text.to_owned());
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let daily;
        let fields: [&str; 5] = match words.as_slice() {
            ["daily", time] => {
                daily = time.split_once(':').filter(|_| time.len() == 5).ok_or_else(wrong)?;
                [daily.1, daily.0, "*", "*", "*"]
            }
            fields => fields.try_into().map_err(|_| wrong())?,
        };
        let [minute, hour, day, month, weekday] = fields;
        let mut weekdays = field("day of the week", weekday, 0, 7)?;
        // Sunday has two numbers.
        weekdays |= weekdays >> 7 & 1;
        let schedule = Self {
            text: words.join(" "),
            minutes: field("minute", minute, 0, 59)?,
            hours: field("hour", hour, 0, 23)?,
            days: field("day of the month", day, 1, 31)?,
            months: field("month", month, 1, 12)?,
            weekdays,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        match schedule.after(ServerTime(0)) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(text.to_owned())),
        }
    }

    /// The first time that comes after this one.
    pub fn after(&self, time: ServerTime) -> Option<ServerTime> {
        let first = Day::holding(time.0);
        let minute_of_day = |day: Day| ((time.0 - day.start_ms()) / MINUTE_MS) as u32;
        (0..HORIZON_DAYS)
            .map(|ahead| Day(first.0.saturating_add(ahead)))
            .filter(|day| self.has(*day))
            .find_map(|day| {
                let from = if day == first { minute_of_day(day) + 1 } else { 0 };
                let fits = |minute: &u32| {
                    self.hours >> (minute / 60) & 1 == 1 && self.minutes >> (minute % 60) & 1 == 1
                };
                let minute = (from..(DAY_MS / MINUTE_MS) as u32).find(fits)?;
                Some(ServerTime(day.start_ms() + i64::from(minute) * MINUTE_MS))
            })
    }

    fn has(&self, day: Day) -> bool {
        let (month, of_month) = day.month_and_day();
        // 1970 began on a Thursday.
        let of_week = (i64::from(day.0) + 4).rem_euclid(7);
        let fits_month = self.days >> of_month & 1 == 1;
        let fits_week = self.weekdays >> of_week & 1 == 1;
        let fits = if self.either_day { fits_month || fits_week } else { fits_month && fits_week };
        self.months >> month & 1 == 1 && fits
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The values of a field, as bits.
fn field(name: &'static str, text: &str, from: u8, to: u8) -> Result<u64, ScheduleError> {
    let wrong = || ScheduleError::Field { text: text.to_owned(), field: name, from, to };
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u8>().ok().filter(|n| is_number && (from..=to).contains(n)).ok_or_else(wrong)
    };
    let mut bits = 0_u64;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<u8>().ok().filter(|n| *n > 0).ok_or_else(wrong)?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (from, to),
            Some((first, last)) => (number(first)?, number(last)?),
            // `5/15` begins at 5 and goes on to the end.
            None if item.contains('/') => (number(range)?, to),
            None => (number(range)?, number(range)?),
        };
        if first > last {
            return Err(wrong());
        }
        bits |= (first..=last).step_by(usize::from(step)).fold(0, |bits, n| bits | 1 << n);
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{parse_rfc3339, rfc3339};

    #[test]
    fn times() {
        fn check(schedule: &str, after: &str, expected: &[&str]) {
            let schedule = Schedule::parse(schedule).unwrap();
            let mut at = ServerTime(parse_rfc3339(after).unwrap());
            for expected in expected {
                at = schedule.after(at).unwrap();
                assert_eq!(rfc3339(at.0), *expected, "{schedule}");
            }
        }
        check("0 3 * * *", "2026-02-28T02:59:59.999Z", &["2026-02-28T03:00:00Z", "2026-03-01T03:00:00Z"]);
        check("daily 23:05", "2026-12-31T23:05:00Z", &["2027-01-01T23:05:00Z"]);
        check("*/20 8-9 * * *", "2026-01-01T08:20:30Z", &["2026-01-01T08:40:00Z", "2026-01-01T09:00:00Z"]);
        check("5/30 * * * *", "2026-01-01T00:00:00Z", &["2026-01-01T00:05:00Z", "2026-01-01T00:35:00Z"]);
        check("0 0 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        // The 22nd of November 2026 is a Sunday.
        check("0 12 * * 7", "2026-11-20T00:00:00Z", &["2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z"]);
        check("0 12 * * 0", "2026-11-20T00:00:00Z", &["2026-11-22T12:00:00Z"]);
        check(
            "0 0 1 * 1",
            "2026-11-22T00:00:00Z",
            &["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"],
        );
        check("0,30 1 1,15 6-7 *", "2026-06-01T01:10:00Z", &["2026-06-01T01:30:00Z", "2026-06-15T01:00:00Z"]);
    }

    #[test]
    fn what_is_no_schedule() {
        fn check(text: &str, says: &str) {
            let error = Schedule::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        check("", "neither");
        check("daily 3:00", "neither");
        check("daily 24:00", "24");
        check("60 * * * *", "minute");
        check("* * 0 * *", "day of the month");
        check("* * * * 8", "day of the week");
        check("*/0 * * * *", "minute");
        check("9-5 * * * *", "minute");
        check("+1 * * * *", "minute");
        check("0 0 31 2 *", "never comes");
        check("* * * * * *", "neither");
    }
}
