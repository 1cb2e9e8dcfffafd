//! A frame with everything that it leaves open filled in.

use adtally_core::cell::Scope;
use adtally_core::time::rfc3339;
use chrono::{DateTime, NaiveDate};

use super::catalog::Catalog;
use crate::api::request::Period;
use crate::calendar::{Offsets, Span, days_ms, hour_start_ms};
use crate::state::frame::Frame;
use crate::state::range::{Preset, Range};

/// Whose figures of which days in which zone, with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Whose figures.
    pub scope: Scope,
    /// IANA zone in which days begin.
    pub tz: String,
    /// The period as chosen.
    pub range: Range,
    /// Today in that zone.
    pub today: NaiveDate,
    /// The days of the period.
    pub span: Span,
}

/// Two periods that can be compared: both whole, or both as long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The period that is shown, or the part of it that has passed.
    pub now: Period,
    /// As much of the period before.
    pub before: Period,
    /// Whether the period is still going on, so that only its ended hours are compared.
    pub ongoing: bool,
}

impl Setting {
    /// Fills in what `frame` leaves open: the token's scope, that scope's zone, and today.
    pub fn new(
        frame: &Frame,
        own: &Scope,
        catalog: &Catalog,
        today_in: impl Fn(&str) -> NaiveDate,
    ) -> Setting {
        let scope = frame.scope.clone().unwrap_or_else(|| own.clone());
        let tz = frame.tz.clone().unwrap_or_else(|| catalog.zone(&scope));
        let today = today_in(&tz);
        let (range, span) = (frame.range, frame.range.span(today));
        Setting { scope, tz, range, today, span }
    }

    /// Whether it has no bounds that mean anything: charts then begin at the first figure.
    pub fn is_all_time(&self) -> bool {
        self.range == Range::Preset(Preset::All)
    }

    /// The last day of the period in UTC, or of those before it, that has ended.
    pub fn last_finished_day(&self, now_ms: i64) -> NaiveDate {
        let today = DateTime::from_timestamp_millis(now_ms).unwrap_or_default().date_naive();
        let yesterday = today.pred_opt().unwrap_or(today);
        self.span.last().min(yesterday)
    }

    /// What to compare with what; a period of which no hour has ended has nothing to be compared.
    ///
    /// A day that is half over is compared with half of the day before: with the whole day it would always look
    /// like a loss.
    pub fn comparison(&self, zone: &impl Offsets, now_ms: i64) -> Option<Comparison> {
        let before = self.range.before(self.today)?;
        let (start, end) = (zone.day_start_ms(self.span.from), zone.day_start_ms(self.span.to));
        if now_ms >= end {
            return Some(Comparison {
                now: Period::Days(self.span),
                before: Period::Days(before),
                ongoing: false,
            });
        }
        let ended = hour_start_ms(now_ms);
        if ended <= start {
            return None;
        }
        let shift = days_ms(self.span.days());
        let before_start = zone.day_start_ms(before.from);
        Some(Comparison {
            now: Period::Instants(rfc3339(start), rfc3339(ended)),
            before: Period::Instants(rfc3339(before_start), rfc3339(ended - shift)),
            ongoing: true,
        })
        .filter(|_| ended - shift > before_start)
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::time::{HOUR_MS, parse_rfc3339};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::calendar::FixedOffset;
    use crate::model::catalog::tests::catalog;

    fn setting(query: &str) -> Setting {
        let frame = Frame::read(&crate::state::params::Params::parse(query), &mut Vec::new());
        let own = Scope::parse("advertiser:a").unwrap();
        Setting::new(&frame, &own, &catalog(&[("a", "KRW")]), |_| "2026-11-22".parse().unwrap())
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_left_open_is_the_tokens_own() {
        let open = setting("");
        assert_eq!((open.scope.to_string().as_str(), open.tz.as_str()), ("advertiser:a", "Asia/Seoul"));
        assert_eq!((open.span.days(), open.span.last()), (7, open.today));
        let chosen = setting("scope=platform&tz=Europe/Berlin&range=all");
        assert_eq!((chosen.scope, chosen.tz.as_str()), (Scope::Platform, "Europe/Berlin"));
        assert!(setting("range=all").is_all_time() && !open.is_all_time());
    }

    /// In Seoul it is 2026-11-22, which in UTC begins nine hours later.
    #[wasm_bindgen_test(unsupported = test)]
    fn a_day_is_verified_when_it_is_over() {
        fn check(query: &str, now: &str, expected: &str) {
            let found = setting(query).last_finished_day(parse_rfc3339(now).unwrap());
            assert_eq!(found.to_string(), expected, "{query} at {now}");
        }
        check("", "2026-11-21T15:30:00Z", "2026-11-20");
        check("", "2026-11-22T00:00:00Z", "2026-11-21");
        check("", "2026-11-22T23:59:59Z", "2026-11-21");
        check("range=today", "2026-11-22T12:00:00Z", "2026-11-21");
        check("from=2026-11-01&to=2026-11-08", "2026-11-22T12:00:00Z", "2026-11-07");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn like_is_compared_with_like() {
        fn check(query: &str, now: &str, expected: Option<(&str, &str)>) {
            let comparison =
                setting(query).comparison(&FixedOffset(9 * HOUR_MS), parse_rfc3339(now).unwrap());
            let period = |period: Period| match period {
                Period::Days(span) => format!("{} {}", span.from, span.to),
                Period::Instants(from, to) => format!("{from} {to}"),
            };
            let found = comparison.map(|found| (period(found.now), period(found.before)));
            let expected = expected.map(|(now, before)| (now.to_string(), before.to_string()));
            assert_eq!(found, expected, "{query} at {now}");
        }
        // 2026-11-22 is over: two whole days.
        check(
            "range=today",
            "2026-11-22T15:00:00Z",
            Some(("2026-11-22 2026-11-23", "2026-11-21 2026-11-22")),
        );
        // It is 12:30 in Seoul: twelve hours of each.
        check(
            "range=today",
            "2026-11-22T03:30:00Z",
            Some(("2026-11-21T15:00:00Z 2026-11-22T03:00:00Z", "2026-11-20T15:00:00Z 2026-11-21T03:00:00Z")),
        );
        check(
            "",
            "2026-11-22T03:30:00Z",
            Some(("2026-11-15T15:00:00Z 2026-11-22T03:00:00Z", "2026-11-08T15:00:00Z 2026-11-15T03:00:00Z")),
        );
        // No hour of the day has ended yet.
        check("range=today", "2026-11-21T15:59:59Z", None);
        check("range=all", "2026-11-22T03:30:00Z", None);
    }
}
