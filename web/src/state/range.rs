//! The period that a page shows.

use adtally_core::time::parse_date;
use chrono::{Datelike, Days, Months, NaiveDate};

use super::params::Params;
use crate::calendar::Span;
use crate::phrase::Phrase;

/// The first day that an event can have; older ones are rejected on arrival.
const BEGINNING: NaiveDate = match NaiveDate::from_ymd_opt(2010, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// A period: one that moves with today, so that a shared link stays useful, or fixed days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// From a preset.
    Preset(Preset),
    /// Fixed days.
    Days(Span),
}

/// A period relative to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Today so far.
    Today,
    /// The day before today.
    Yesterday,
    /// Today and the six days before.
    Last7,
    /// Today and the 27 days before: four whole weeks, so that weekdays weigh the same.
    Last28,
    /// Today and the 89 days before.
    Last90,
    /// From the first of the month.
    ThisMonth,
    /// The month before.
    LastMonth,
    /// Since the first day that an event can have.
    All,
}

impl Preset {
    /// Every preset, in the order in which they are offered.
    pub const ALL: [Preset; 8] = [
        Preset::Today,
        Preset::Yesterday,
        Preset::Last7,
        Preset::Last28,
        Preset::Last90,
        Preset::ThisMonth,
        Preset::LastMonth,
        Preset::All,
    ];

    /// The name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Today => "today",
            Preset::Yesterday => "yesterday",
            Preset::Last7 => "7d",
            Preset::Last28 => "28d",
            Preset::Last90 => "90d",
            Preset::ThisMonth => "month",
            Preset::LastMonth => "last-month",
            Preset::All => "all",
        }
    }

    /// The name on a page.
    pub fn phrase(self) -> Phrase {
        match self {
            Preset::Today => Phrase::Today,
            Preset::Yesterday => Phrase::Yesterday,
            Preset::Last7 => Phrase::Last7Days,
            Preset::Last28 => Phrase::Last28Days,
            Preset::Last90 => Phrase::Last90Days,
            Preset::ThisMonth => Phrase::ThisMonth,
            Preset::LastMonth => Phrase::LastMonth,
            Preset::All => Phrase::AllTime,
        }
    }

    fn span(self, today: NaiveDate) -> Span {
        let tomorrow = later(today, 1);
        let month = today.with_day(1).unwrap_or(today);
        match self {
            Preset::Today => Span { from: today, to: tomorrow },
            Preset::Yesterday => Span { from: earlier(today, 1), to: today },
            Preset::Last7 => Span { from: earlier(today, 6), to: tomorrow },
            Preset::Last28 => Span { from: earlier(today, 27), to: tomorrow },
            Preset::Last90 => Span { from: earlier(today, 89), to: tomorrow },
            Preset::ThisMonth => Span { from: month, to: tomorrow },
            Preset::LastMonth => {
                Span { from: month.checked_sub_months(Months::new(1)).unwrap_or(month), to: month }
            }
            Preset::All => Span { from: BEGINNING, to: tomorrow },
        }
    }
}

impl Range {
    /// What an address without a period means.
    pub const DEFAULT: Range = Range::Preset(Preset::Last7);

    /// Its days, when `today` is today.
    pub fn span(self, today: NaiveDate) -> Span {
        match self {
            Range::Preset(preset) => preset.span(today),
            Range::Days(span) => span,
        }
    }

    /// The days of the same number just before, to compare with; all time has none.
    pub fn before(self, today: NaiveDate) -> Option<Span> {
        if self == Range::Preset(Preset::All) {
            return None;
        }
        let span = self.span(today);
        let days = Days::new(u64::try_from(span.days()).ok()?);
        Some(Span { from: span.from.checked_sub_days(days)?, to: span.from })
    }

    /// Reads `range=<preset>` or `from=&to=`.
    pub fn read(params: &Params, unread: &mut Vec<String>) -> Range {
        match (params.get("range"), params.get("from"), params.get("to")) {
            (None, None, None) => Range::DEFAULT,
            (Some(name), ..) => match Preset::ALL.into_iter().find(|preset| preset.name() == name) {
                Some(preset) => Range::Preset(preset),
                None => unreadable(unread, format!("range={name}")),
            },
            (None, from, to) => {
                let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
                match (parse_date(from), parse_date(to)) {
                    (Some(first), Some(end)) if first < end => Range::Days(Span { from: first, to: end }),
                    _ => unreadable(unread, format!("from={from}&to={to}")),
                }
            }
        }
    }

    /// The inverse of [`Range::read`].
    pub fn write(self, params: &mut Params) {
        match self {
            Range::DEFAULT => {}
            Range::Preset(preset) => params.push("range", preset.name()),
            Range::Days(span) => {
                params.push("from", span.from);
                params.push("to", span.to);
            }
        }
    }
}

fn unreadable(unread: &mut Vec<String>, what: String) -> Range {
    unread.push(what);
    Range::DEFAULT
}

fn earlier(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(date)
}

fn later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days(from: &str, to: &str) -> Span {
        Span { from: day(from), to: day(to) }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn presets_on_a_day_in_march() {
        fn check(preset: Preset, from: &str, to: &str, before: Option<(&str, &str)>) {
            let range = Range::Preset(preset);
            assert_eq!(range.span(day("2026-03-15")), days(from, to), "{preset:?}");
            let expected = before.map(|(from, to)| days(from, to));
            assert_eq!(range.before(day("2026-03-15")), expected, "before {preset:?}");
        }
        check(Preset::Today, "2026-03-15", "2026-03-16", Some(("2026-03-14", "2026-03-15")));
        check(Preset::Yesterday, "2026-03-14", "2026-03-15", Some(("2026-03-13", "2026-03-14")));
        check(Preset::Last7, "2026-03-09", "2026-03-16", Some(("2026-03-02", "2026-03-09")));
        check(Preset::Last28, "2026-02-16", "2026-03-16", Some(("2026-01-19", "2026-02-16")));
        check(Preset::Last90, "2025-12-16", "2026-03-16", Some(("2025-09-17", "2025-12-16")));
        check(Preset::ThisMonth, "2026-03-01", "2026-03-16", Some(("2026-02-14", "2026-03-01")));
        check(Preset::LastMonth, "2026-02-01", "2026-03-01", Some(("2026-01-04", "2026-02-01")));
        check(Preset::All, "2010-01-01", "2026-03-16", None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn ranges_round_trip() {
        let presets = Preset::ALL.into_iter().map(Range::Preset);
        for range in presets.chain([Range::Days(days("2019-11-24", "2019-12-01"))]) {
            let mut params = Params::default();
            range.write(&mut params);
            let mut unread = Vec::new();
            assert_eq!(Range::read(&Params::parse(&params.to_string()), &mut unread), range);
            assert!(unread.is_empty(), "{unread:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_broken_range_is_named() {
        fn check(query: &str, expected: &str) {
            let mut unread = Vec::new();
            assert_eq!(Range::read(&Params::parse(query), &mut unread), Range::DEFAULT);
            assert_eq!(unread, [expected]);
        }
        check("range=8d", "range=8d");
        check("from=2026-01-02&to=2026-01-02", "from=2026-01-02&to=2026-01-02");
        check("from=yesterday", "from=yesterday&to=");
    }
}
