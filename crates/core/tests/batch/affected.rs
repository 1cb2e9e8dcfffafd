//! Days that are not named as affected are as they were.

use std::collections::BTreeSet;
use std::sync::Arc;

use adtally_core::batch::{Affected, ranges};
use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::link::{Fact, Retention};
use adtally_core::time::{DAY_MS, Day, EventTime, ServerTime};
use proptest::prelude::*;

use crate::history::{File, History, Row, chain, history};
use crate::relink::looks_at;
use crate::scenario::START;

/// The days that rows after this one affect, followed in so many ranges of groups.
fn affected(history: &History, files: &[File], (known, cut): (usize, usize), parts: u64) -> BTreeSet<Day> {
    let settings = || history.settings.iter().map(|settings| &**settings);
    let mut days = BTreeSet::new();
    // A range of groups at a time, and of each of them a range of names.
    let bounds = ranges(parts, 1)
        .into_iter()
        .flat_map(|groups| ranges(parts, 1).into_iter().map(move |names| (groups, names)));
    for (groups, names) in bounds {
        let affected =
            Affected::new(known as i64, groups, history.ruled(known..cut), history.retention, settings());
        let mut affected = affected.with_names(names);
        loop {
            for file in files {
                if let Some(look) = affected.opens(&file.span, file.rows()) {
                    let entries = file.entries.iter().filter(|entry| looks_at(look, &affected, entry));
                    let entries: Vec<_> = entries.collect();
                    entries
                        .into_iter()
                        .for_each(|entry| affected.see(&file.span, entry.row(), &entry.hashes()));
                }
            }
            if !affected.next_round() {
                break;
            }
        }
        days.extend(affected.days());
    }
    days
}

/// The days whose facts differ.
fn changed(before: &[Fact], after: &[Fact]) -> BTreeSet<Day> {
    let days = before.iter().chain(after).map(|fact| fact.at.day());
    let days: BTreeSet<Day> = days.collect();
    let of_day =
        |facts: &[Fact], day| facts.iter().filter(|fact| fact.at.day() == day).cloned().collect::<Vec<_>>();
    days.into_iter().filter(|day| of_day(before, *day) != of_day(after, *day)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_days_are_as_they_were(
        (history, known, cut) in history().prop_flat_map(|history| {
            let rows = history.rows.len();
            (Just(history), 0..=rows, 1..=rows)
        }),
        parts in 1..4u64,
    ) {
        let known = known.min(cut);
        let files = history.archive(cut);
        let named = affected(&history, &files, (known, cut), parts);
        let changed = changed(&history.facts(known), &history.facts(cut));
        prop_assert!(changed.is_subset(&named), "{:?} changed, {:?} named", changed, named);
    }
}

/// Where everything arrives in order, what is new affects no day before it.
#[test]
fn days_before_are_left_alone() {
    let event = |kind, id: &str, day: i64| Event {
        event: EventRef { kind, id: EventId::parse(id).unwrap() },
        at: EventTime(START + day * DAY_MS),
        advertiser: Key::parse("acme").unwrap(),
        dims: Dims { ad: Key::parse("a1").unwrap(), ..Dims::default() },
        label: Key::empty(),
        user: Some(UserKey(1)),
        impression: None,
        click: None,
        cost_micros: None,
        value_micros: 0,
        screening: Screening::Clean,
        extras: None,
    };
    let row = |day: i64| {
        let events = vec![
            event(Kind::Impression, &format!("i{day}"), day),
            event(Kind::Click, &format!("c{day}"), day),
            event(Kind::Conversion, &format!("v{day}"), day),
        ];
        Row { received: ServerTime(START + day * DAY_MS), revision: 0, events }
    };
    let rows = (0..4).map(row).collect();
    let (settings, retention) = (vec![Arc::default()], Retention::default());
    let history = History { retention, settings, rows, closings: vec![1, 2, 3], rulings: vec![] };
    let day = |n: i64| EventTime(START + n * DAY_MS).day();
    for known in 0..4 {
        let expected: BTreeSet<Day> = (known as i64..4).map(day).collect();
        assert_eq!(affected(&history, &history.archive(4), (known, 4), 1), expected);
    }
}

/// What arrives as late as it may still affects the day of a conversion three steps from it.
#[test]
fn the_end_of_retention() {
    fn check(last_ms: i64, is_affected: bool) {
        let history = chain([last_ms, 10 * DAY_MS, 5 * DAY_MS, 0]);
        let day = EventTime(START).day();
        assert_eq!(changed(&history.facts(3), &history.facts(4)).contains(&day), is_affected);
        assert_eq!(affected(&history, &history.archive(4), (3, 4), 1).contains(&day), is_affected);
    }
    check(15 * DAY_MS, true);
    check(15 * DAY_MS + 1, false);
}
