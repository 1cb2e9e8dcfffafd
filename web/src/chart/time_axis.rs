//! Which buckets of time to mark on an axis.

use chrono::{Datelike, NaiveDateTime, Timelike};

use adtally_core::report::TimeUnit;

/// A mark on the time axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeTick {
    /// The bucket that it stands at.
    pub index: usize,
    /// As which kind of bucket it is named: midnight among hours is named as a day.
    pub named: TimeUnit,
}

/// Marks for buckets that begin at these local times, at most `room` of them.
///
/// They stand at round times (midnights, every sixth hour, firsts of a month), never at every n-th bucket from a
/// random start.
pub fn time_ticks(starts: &[NaiveDateTime], unit: TimeUnit, room: usize) -> Vec<TimeTick> {
    let mut best = Vec::new();
    for rule in rules(unit) {
        let ticks: Vec<_> = starts
            .iter()
            .enumerate()
            .filter(|(_, start)| (rule.at)(start))
            .map(|(index, start)| TimeTick { index, named: rule.named(start) })
            .collect();
        // One mark alone does not show how far apart things are.
        if (2..=room).contains(&ticks.len()) {
            return ticks;
        }
        if best.is_empty() || ticks.len() > room {
            best = ticks;
        }
    }
    let every = best.len().div_ceil(room.max(1)).max(1);
    best.into_iter().step_by(every).collect()
}

/// A way to choose marks.
struct Rule {
    unit: TimeUnit,
    at: fn(&NaiveDateTime) -> bool,
}

impl Rule {
    fn named(&self, start: &NaiveDateTime) -> TimeUnit {
        if self.unit == TimeUnit::Hour && start.hour() == 0 { TimeUnit::Day } else { self.unit }
    }
}

/// The ways to mark buckets of `unit`, closest first.
fn rules(unit: TimeUnit) -> Vec<Rule> {
    let rule = |unit, at| Rule { unit, at };
    match unit {
        TimeUnit::Hour => vec![
            rule(TimeUnit::Hour, |start| start.hour() % 2 == 0),
            rule(TimeUnit::Hour, |start| start.hour() % 3 == 0),
            rule(TimeUnit::Hour, |start| start.hour() % 6 == 0),
            rule(TimeUnit::Hour, |start| start.hour() % 12 == 0),
            rule(TimeUnit::Day, |start| start.hour() == 0),
        ],
        TimeUnit::Day => vec![
            rule(TimeUnit::Day, |_| true),
            rule(TimeUnit::Day, |start| start.ordinal() % 2 == 0),
            rule(TimeUnit::Day, |start| start.ordinal() % 3 == 0),
            rule(TimeUnit::Day, |start| start.weekday() == chrono::Weekday::Mon),
            rule(TimeUnit::Day, |start| {
                start.weekday() == chrono::Weekday::Mon && start.iso_week().week() % 2 == 0
            }),
            rule(TimeUnit::Month, |start| start.day() == 1),
        ],
        TimeUnit::Week => vec![
            rule(TimeUnit::Week, |_| true),
            rule(TimeUnit::Week, |start| start.iso_week().week() % 4 == 0),
            rule(TimeUnit::Month, |start| start.day() <= 7),
            rule(TimeUnit::Month, |start| start.day() <= 7 && start.month() % 3 == 1),
        ],
        TimeUnit::Month => vec![
            rule(TimeUnit::Month, |_| true),
            rule(TimeUnit::Month, |start| start.month() % 3 == 1),
            rule(TimeUnit::Month, |start| start.month() == 1),
        ],
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::calendar::{FixedOffset, Offsets, Span};

    fn ticks(from: &str, to: &str, unit: TimeUnit, room: usize) -> Vec<String> {
        let span = Span { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let utc = FixedOffset(0);
        let starts: Vec<_> =
            utc.bucket_starts(span, unit, 10_000).into_iter().map(|start| utc.local(start)).collect();
        time_ticks(&starts, unit, room)
            .into_iter()
            .map(|tick| format!("{} {}", starts[tick.index].format("%m-%d %H"), tick.named.name()))
            .collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn marks_stand_at_round_times() {
        assert_eq!(
            ticks("2026-11-22", "2026-11-23", TimeUnit::Hour, 4),
            ["11-22 00 day", "11-22 06 hour", "11-22 12 hour", "11-22 18 hour"]
        );
        assert_eq!(ticks("2026-11-21", "2026-11-23", TimeUnit::Hour, 2), ["11-21 00 day", "11-22 00 day"]);
        assert_eq!(ticks("2026-11-16", "2026-11-18", TimeUnit::Day, 7), ["11-16 00 day", "11-17 00 day"]);
        assert_eq!(
            ticks("2026-11-01", "2026-11-29", TimeUnit::Day, 4),
            ["11-02 00 day", "11-09 00 day", "11-16 00 day", "11-23 00 day"]
        );
        assert_eq!(
            ticks("2026-01-01", "2027-01-01", TimeUnit::Month, 4),
            ["01-01 00 month", "04-01 00 month", "07-01 00 month", "10-01 00 month"]
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn there_are_never_more_than_fit_and_always_one() {
        let spans =
            [("2026-11-22", "2026-11-23"), ("2026-11-03", "2026-11-08"), ("2010-01-01", "2026-11-23")];
        for (from, to) in spans {
            for unit in TimeUnit::ALL {
                for room in [0, 1, 3, 8] {
                    let count = ticks(from, to, unit, room).len();
                    assert!((1..=room.max(1)).contains(&count), "{from} {} {room}: {count}", unit.name());
                }
            }
        }
        assert!(time_ticks(&[], TimeUnit::Day, 5).is_empty());
    }
}
