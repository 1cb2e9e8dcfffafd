//! Figures and times as text, by language.
//!
//! Making an `Intl` formatter takes longer than a hundred uses of it, so each is made once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use adtally_core::report::{Metric, TimeUnit};
use wasm_bindgen::JsValue;

use crate::intl::{Dates, Numbers};
use crate::lang::Lang;
use crate::metric::{self, Unit};
use crate::phrase::Phrase;

/// What stands where there is no figure, such as a ratio over zero.
pub const NOTHING: &str = "–";

/// How much room a figure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// Every digit.
    Full,
    /// `1.23M`, where a figure is too long.
    Short,
    /// `1.2M`, for axes.
    Compact,
}

/// How a number is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Style {
    Count(Width),
    Percent(Width),
    Change,
    Multiple,
    Money(Width, Option<String>),
}

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The start of a bucket, with all that names it.
    Bucket(TimeUnit),
    /// The start of a bucket beside others of its kind, on an axis.
    Tick(TimeUnit),
    /// A day and a time of day to the second.
    Exact,
    /// A day of this year and a time of day, where there is little room.
    Minute,
    /// A day without its weekday.
    Day,
}

/// Formatters that have been made; `None` where the browser could not.
type Made<Key, Formatter> = RefCell<HashMap<Key, Option<Rc<Formatter>>>>;

thread_local! {
    static NUMBERS: Made<(Lang, Style), Numbers> = Made::default();
    static DATES: Made<(Lang, Moment, String), Dates> = Made::default();
}

/// A figure of `metric`; money is in micros of `currency`, and without a currency it is a plain number.
pub fn figure(
    lang: Lang,
    metric: Metric,
    value: Option<f64>,
    currency: Option<&str>,
    width: Width,
) -> String {
    let Some(value) = value else { return NOTHING.to_string() };
    match metric::unit(metric) {
        Unit::Count => number(lang, Style::Count(width), value),
        Unit::Percent => number(lang, Style::Percent(width), value),
        Unit::Multiple => number(lang, Style::Multiple, value) + "×",
        Unit::Money => number(lang, Style::Money(width, currency.map(str::to_string)), value / 1e6),
    }
}

/// A whole number.
pub fn count(lang: Lang, value: i64) -> String {
    number(lang, Style::Count(Width::Full), value as f64)
}

/// A share, in per cent.
pub fn percent(lang: Lang, value: f64) -> String {
    number(lang, Style::Percent(Width::Full), value)
}

/// A relative change, in per cent with its sign.
pub fn change(lang: Lang, value: f64) -> String {
    number(lang, Style::Change, value)
}

/// An instant in a zone; in UTC where the browser does not know the zone.
pub fn moment(lang: Lang, moment: Moment, instant_ms: i64, tz: &str) -> String {
    let key = (lang, moment, tz.to_string());
    let dates = DATES.with_borrow_mut(|known| {
        known
            .entry(key)
            .or_insert_with(|| dates(lang, moment, tz).or_else(|| dates(lang, moment, "UTC")).map(Rc::new))
            .clone()
    });
    dates.map_or_else(|| adtally_core::time::rfc3339(instant_ms), |dates| dates.write(instant_ms))
}

/// How long something took.
pub fn took(lang: Lang, ms: i64) -> String {
    let ms = ms.max(0);
    let (seconds, minutes) = (ms / 1_000, ms / 60_000);
    let text = |phrase: Phrase, values: &[i64]| {
        let values: Vec<String> = values.iter().map(i64::to_string).collect();
        phrase.with(lang, &values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    match ms {
        0..1_000 => text(Phrase::Milliseconds, &[ms]),
        1_000..60_000 => Phrase::Seconds.with(lang, &[&format!("{}.{}", seconds, ms % 1_000 / 100)]),
        60_000..3_600_000 => text(Phrase::MinutesSeconds, &[minutes, seconds % 60]),
        _ => text(Phrase::HoursMinutes, &[minutes / 60, minutes % 60]),
    }
}

fn number(lang: Lang, style: Style, value: f64) -> String {
    let key = (lang, style);
    let numbers = NUMBERS.with_borrow_mut(|known| {
        if let Some(numbers) = known.get(&key) {
            return numbers.clone();
        }
        let made = numbers(lang, &key.1).map(Rc::new);
        known.insert(key, made.clone());
        made
    });
    numbers.map_or_else(|| value.to_string(), |numbers| numbers.write(value))
}

fn numbers(lang: Lang, style: &Style) -> Option<Numbers> {
    let mut entries: Vec<(&str, JsValue)> = match style {
        Style::Count(_) => vec![("maximumFractionDigits", 0.into())],
        Style::Percent(Width::Full | Width::Short) => {
            vec![
                ("style", "percent".into()),
                ("minimumFractionDigits", 2.into()),
                ("maximumFractionDigits", 2.into()),
            ]
        }
        Style::Percent(Width::Compact) => {
            vec![("style", "percent".into()), ("maximumFractionDigits", 2.into())]
        }
        Style::Change => vec![
            ("style", "percent".into()),
            ("maximumFractionDigits", 1.into()),
            ("signDisplay", "exceptZero".into()),
        ],
        Style::Multiple => vec![("minimumFractionDigits", 2.into()), ("maximumFractionDigits", 2.into())],
        Style::Money(_, None) => {
            vec![("minimumFractionDigits", 2.into()), ("maximumFractionDigits", 2.into())]
        }
        Style::Money(_, Some(currency)) => vec![
            ("style", "currency".into()),
            ("currency", currency.as_str().into()),
            ("currencyDisplay", "narrowSymbol".into()),
        ],
    };
    let digits = match style {
        Style::Count(Width::Compact) | Style::Money(Width::Compact, _) => Some(1),
        Style::Count(Width::Short) | Style::Money(Width::Short, _) => Some(2),
        _ => None,
    };
    if let Some(digits) = digits {
        entries.extend([("notation", "compact".into()), ("maximumFractionDigits", digits.into())]);
        entries.push(("minimumFractionDigits", 0.into()));
    }
    let made = Numbers::new(lang.locale(), &entries);
    match style {
        // A code that is no currency: the bare number is still right.
        Style::Money(width, Some(_)) if made.is_none() => numbers(lang, &Style::Money(*width, None)),
        _ => made,
    }
}

fn dates(lang: Lang, moment: Moment, tz: &str) -> Option<Dates> {
    const YEAR: (&str, &str) = ("year", "numeric");
    const MONTH: (&str, &str) = ("month", "short");
    const DAY: (&str, &str) = ("day", "numeric");
    const WEEKDAY: (&str, &str) = ("weekday", "short");
    const HOUR: (&str, &str) = ("hour", "2-digit");
    const MINUTE: (&str, &str) = ("minute", "2-digit");
    const SECOND: (&str, &str) = ("second", "2-digit");
    let fields: &[(&str, &str)] = match moment {
        Moment::Bucket(TimeUnit::Hour) => &[YEAR, MONTH, DAY, WEEKDAY, HOUR, MINUTE],
        Moment::Bucket(TimeUnit::Day | TimeUnit::Week) => &[YEAR, MONTH, DAY, WEEKDAY],
        Moment::Bucket(TimeUnit::Month) | Moment::Tick(TimeUnit::Month) => &[YEAR, MONTH],
        Moment::Tick(TimeUnit::Hour) => &[HOUR, MINUTE],
        Moment::Tick(TimeUnit::Day | TimeUnit::Week) => &[MONTH, DAY],
        Moment::Exact => &[MONTH, DAY, HOUR, MINUTE, SECOND],
        Moment::Minute => &[MONTH, DAY, HOUR, MINUTE],
        Moment::Day => &[YEAR, MONTH, DAY],
    };
    let mut entries: Vec<_> = fields.iter().map(|(name, value)| (*name, JsValue::from_str(value))).collect();
    entries.push(("timeZone", tz.into()));
    entries.push(("hourCycle", "h23".into()));
    Dates::new(lang.locale(), &entries)
}

#[cfg(test)]
mod tests {
    use adtally_core::time::parse_rfc3339;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, COST, CTR};

    #[wasm_bindgen_test]
    fn figures_by_language() {
        fn check(
            lang: Lang,
            metric: Metric,
            value: f64,
            currency: Option<&str>,
            width: Width,
            expected: &str,
        ) {
            assert_eq!(figure(lang, metric, Some(value), currency, width), expected);
        }
        use Lang::{En, Ko};
        use Width::{Compact, Full};
        check(En, CLICKS, 1_234_567.0, None, Full, "1,234,567");
        check(En, CLICKS, 1_234_567.0, None, Compact, "1.2M");
        check(Ko, CLICKS, 1_234_567.0, None, Compact, "123.5만");
        check(En, CTR, 0.012_34, None, Full, "1.23%");
        check(En, Metric::Ratio(adtally_core::report::Ratio::Roas), 3.0, None, Full, "3.00×");
        check(En, COST, 1_234_500_000.0, Some("USD"), Full, "$1,234.50");
        check(Ko, COST, 1_234_500_000.0, Some("KRW"), Full, "₩1,235");
        check(En, COST, 12_345_000_000.0, Some("USD"), Compact, "$12.3K");
        check(En, COST, 1_500_000.0, None, Full, "1.50");
        check(En, COST, 1_500_000.0, Some("not money"), Full, "1.50");
        assert_eq!(figure(En, CTR, None, None, Full), NOTHING);
        assert_eq!(change(En, 0.1234), "+12.3%");
        assert_eq!(change(En, -0.5), "-50%");
        assert_eq!(change(En, 0.0), "0%");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn how_long_it_took() {
        fn check(ms: i64, en: &str, ko: &str) {
            assert_eq!((took(Lang::En, ms).as_str(), took(Lang::Ko, ms).as_str()), (en, ko));
        }
        check(-5, "0 ms", "0밀리초");
        check(999, "999 ms", "999밀리초");
        check(5_470, "5.4 s", "5.4초");
        check(59_999, "59.9 s", "59.9초");
        check(60_000, "1 min 0 s", "1분 0초");
        check(3_599_000, "59 min 59 s", "59분 59초");
        check(7_380_000, "2 h 3 min", "2시간 3분");
    }

    #[wasm_bindgen_test]
    fn times_are_those_of_the_zone() {
        let at = parse_rfc3339("2026-11-21T15:04:05Z").unwrap();
        fn check(lang: Lang, as_moment: Moment, at: i64, tz: &str, expected: &str) {
            assert_eq!(moment(lang, as_moment, at, tz), expected);
        }
        check(Lang::En, Moment::Bucket(TimeUnit::Day), at, "Asia/Seoul", "Sun, Nov 22, 2026");
        check(Lang::En, Moment::Bucket(TimeUnit::Day), at, "UTC", "Sat, Nov 21, 2026");
        check(Lang::En, Moment::Tick(TimeUnit::Hour), at, "Asia/Seoul", "00:04");
        check(Lang::En, Moment::Minute, at, "Asia/Seoul", "Nov 22, 00:04");
        check(Lang::En, Moment::Exact, at, "no/zone", "Nov 21, 15:04:05");
        check(Lang::Ko, Moment::Bucket(TimeUnit::Month), at, "Asia/Seoul", "2026년 11월");
    }
}
