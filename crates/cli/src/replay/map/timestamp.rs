//! Times of any notation become milliseconds since 1970.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{LocalResult, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use adtally_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, parse_rfc3339};

use super::decimal::{Decimal, Point, Rounding};

/// How a column writes times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// RFC 3339, or a whole number of milliseconds since 1970: what the collect endpoint takes.
    Auto,
    /// RFC 3339 only.
    Rfc3339,
    /// A number, and how many milliseconds its unit has.
    Epoch(Decimal),
    /// `strftime` notation; the zone holds for texts that carry no offset.
    Strftime { items: Vec<Item<'static>>, zone: Tz },
}

/// Why a map's time format is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeFormatError {
    /// `%Q`.
    #[error(
        "`{0}` is neither auto, rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns nor a strftime notation such as `%Y-%m-%d %H:%M:%S`"
    )]
    Notation(String),
    /// `Mars/Olympus`.
    #[error("`{0}` is no IANA time zone, such as Asia/Seoul")]
    Zone(String),
    /// A zone for a notation that has none to guess.
    #[error("`tz` has no meaning for `{0}`: it holds for strftime notations without an offset")]
    NeedlessZone(String),
}

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// It does not have the map's notation.
    #[error("`{0}` is not a time in the map's format")]
    Notation(String),
    /// The hour that is left out when summer time begins.
    #[error("`{0}` does not exist in {1}: the clock was put forward over it")]
    Gap(String, Tz),
}

impl TimeFormat {
    /// Reads the `format` and `tz` of a map.
    pub(crate) fn parse(format: &str, zone: Option<&str>) -> Result<Self, TimeFormatError> {
        let fixed = match format {
            "auto" => Some(Self::Auto),
            "rfc3339" => Some(Self::Rfc3339),
            "epoch_s" => epoch("1000"),
            "epoch_ms" => epoch("1"),
            "epoch_us" => epoch("0.001"),
            "epoch_ns" => epoch("0.000001"),
            _ => None,
        };
        match (fixed, zone) {
            (Some(_), Some(_)) => Err(TimeFormatError::NeedlessZone(format.to_owned())),
            (Some(fixed), None) => Ok(fixed),
            (None, zone) => strftime(format, zone.unwrap_or("UTC")),
        }
    }

    /// Milliseconds since 1970; what is finer is cut off. Of a local time that comes twice, the first.
    pub(crate) fn read(&self, text: &str) -> Result<i64, TimeError> {
        let wrong = || TimeError::Notation(text.to_owned());
        match self {
            Self::Auto => text.parse().ok().or_else(|| parse_rfc3339(text)).ok_or_else(wrong),
            Self::Rfc3339 => parse_rfc3339(text).ok_or_else(wrong),
            Self::Epoch(unit) => Decimal::parse(text, Point::Dot)
                .and_then(|number| number.scaled(*unit, Rounding::Down))
                .ok_or_else(wrong),
            Self::Strftime { items, zone } => {
                let mut parsed = Parsed::new();
                parse(&mut parsed, text, items.iter()).map_err(|_| wrong())?;
                if let Ok(exact) = parsed.to_datetime() {
                    return Ok(exact.timestamp_millis());
                }
                let local = local_time(&parsed).ok_or_else(wrong)?;
                match zone.from_local_datetime(&local) {
                    LocalResult::Single(exact) | LocalResult::Ambiguous(exact, _) => {
                        Ok(exact.timestamp_millis())
                    }
                    LocalResult::None => Err(TimeError::Gap(text.to_owned(), *zone)),
                }
            }
        }
    }
}

fn epoch(unit_ms: &str) -> Option<TimeFormat> {
    Decimal::parse(unit_ms, Point::Dot).map(TimeFormat::Epoch)
}

fn strftime(format: &str, zone: &str) -> Result<TimeFormat, TimeFormatError> {
    let items: Vec<_> = StrftimeItems::new(format).map(Item::to_owned).collect();
    let literal = |item: &Item<'_>| matches!(item, Item::Literal(_) | Item::OwnedLiteral(_));
    if items.iter().any(|item| matches!(item, Item::Error)) || items.iter().all(literal) {
        return Err(TimeFormatError::Notation(format.to_owned()));
    }
    let zone = zone.parse().map_err(|_| TimeFormatError::Zone(zone.to_owned()))?;
    Ok(TimeFormat::Strftime { items, zone })
}

/// A date without a time of day is its midnight.
fn local_time(parsed: &Parsed) -> Option<NaiveDateTime> {
    let date = parsed.to_naive_date().ok()?;
    if parsed.hour_div_12().is_none() && parsed.hour_mod_12().is_none() {
        return Some(date.and_time(NaiveTime::MIN));
    }
    Some(date.and_time(parsed.to_naive_time().ok()?))
}

/// Reads a span such as `5s`, `-250ms`, `3m`, `2h` or `1d`, in milliseconds.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => SECOND_MS,
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    number.trim().parse::<i64>().ok()?.checked_mul(unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading() {
        #[track_caller]
        fn check(format: &str, zone: Option<&str>, text: &str, expected: Option<i64>) {
            assert_eq!(TimeFormat::parse(format, zone).unwrap().read(text).ok(), expected);
        }
        const T: i64 = 1_532_271_600_000; // 2018-07-22T15:00:00Z
        check("auto", None, "1532271600123", Some(T + 123));
        check("auto", None, "2018-07-23T00:00:00.5+09:00", Some(T + 500));
        check("auto", None, "2018-07-23", None);
        check("rfc3339", None, "2018-07-22T15:00:00Z", Some(T));
        check("rfc3339", None, "1532271600000", None);
        check("epoch_s", None, "1532271600", Some(T));
        check("epoch_s", None, "1532271600.9999", Some(T + 999));
        check("epoch_s", None, "1.5322716e9", Some(T));
        check("epoch_ms", None, "1532271600123", Some(T + 123));
        check("epoch_us", None, "1532271600123999", Some(T + 123));
        check("epoch_us", None, "-1", Some(-1));
        check("epoch_ns", None, "1532271600123999999", Some(T + 123));
        check("epoch_s", None, "", None);
        check("%Y-%m-%d %H:%M:%S%.f%:z", None, "2018-07-22 15:00:00.123456+00:00", Some(T + 123));
        check("%Y-%m-%d %H:%M:%S%.f%:z", None, "2018-07-23 00:00:00+09:00", Some(T));
        check("%Y-%m-%d %H:%M:%S", None, "2018-07-22 15:00:00", Some(T));
        check("%Y-%m-%d %H:%M:%S", Some("Asia/Seoul"), "2018-07-23 00:00:00", Some(T));
        check("%Y-%m-%d %H:%M", Some("Asia/Seoul"), "2018-07-23 00:00", Some(T));
        check("%Y-%m-%d", Some("Asia/Seoul"), "2018-07-23", Some(T));
        check("%d/%b/%Y:%H:%M:%S %z", None, "23/Jul/2018:00:00:00 +0900", Some(T));
        check("%m/%d/%Y %I:%M %p", Some("Asia/Seoul"), "07/23/2018 12:00 AM", Some(T));
        check("%s", None, "1532271600", Some(T));
        check("%Y-%m-%d", None, "2018-07-23 10:00", None);
    }

    #[test]
    fn summer_time() {
        #[track_caller]
        fn check(text: &str, expected: Result<i64, TimeError>) {
            let format = TimeFormat::parse("%Y-%m-%d %H:%M", Some("Europe/Berlin")).unwrap();
            assert_eq!(format.read(text), expected);
        }
        // 2026-03-29: the clock goes from 02:00 to 03:00; 2026-10-25: from 03:00 back to 02:00.
        check("2026-03-29 01:59", Ok(parse_rfc3339("2026-03-29T00:59:00Z").unwrap()));
        check("2026-03-29 02:30", Err(TimeError::Gap("2026-03-29 02:30".into(), chrono_tz::Europe::Berlin)));
        check("2026-10-25 02:30", Ok(parse_rfc3339("2026-10-25T00:30:00Z").unwrap()));
    }

    #[test]
    fn formats_that_are_none() {
        #[track_caller]
        fn check(format: &str, zone: Option<&str>, expected: TimeFormatError) {
            assert_eq!(TimeFormat::parse(format, zone), Err(expected));
        }
        check("%Q", None, TimeFormatError::Notation("%Q".into()));
        check("seconds", None, TimeFormatError::Notation("seconds".into()));
        check("%Y", Some("Mars/Olympus"), TimeFormatError::Zone("Mars/Olympus".into()));
        check("epoch_s", Some("Asia/Seoul"), TimeFormatError::NeedlessZone("epoch_s".into()));
    }

    #[test]
    fn spans() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(parse_span(text), expected);
        }
        check("5s", Some(5_000));
        check("-250ms", Some(-250));
        check(" 3 m ", Some(180_000));
        check("2h", Some(7_200_000));
        check("1d", Some(86_400_000));
        check("5", None);
        check("s", None);
        check("5 weeks", None);
        check("9223372036854775807d", None);
    }
}
