//! Each part of each day is linked again by itself; together they are what one linker has made of the log.

use std::collections::BTreeSet;

use adtally_core::aggregate::Aggregator;
use adtally_core::batch::{Entry, Part, Relink, Selection};
use adtally_core::event::Kind;
use adtally_core::link::Fact;
use adtally_core::time::{DAY_MS, Day, EventTime};
use proptest::prelude::*;

use crate::history::{File, History, chain, history};
use crate::scenario::START;

/// A part of a day with all that it depends on, read from the archive.
fn relink(history: &History, files: &[File], cut: usize, part: Part) -> Relink {
    let settings = || (0..).zip(history.settings.iter().cloned());
    let known: Vec<_> = settings().map(|(_, settings)| settings).collect();
    let mut selection = Selection::new(part, history.retention, known.iter().map(|settings| &**settings));
    let mut relink = Relink::new(part, history.retention, settings(), history.ruled(0..cut));
    let mut read = BTreeSet::new();
    loop {
        for (n, file) in files.iter().enumerate() {
            if !selection.opens(&file.span) {
                continue;
            }
            for (row, entry) in file.entries.iter().enumerate() {
                if selection.wants(&file.span, &entry.hashes()) {
                    assert!(read.insert((n, row)), "{entry:?} is read twice");
                    let is_own = part.holds(entry.day(), entry.group());
                    assert!(is_own || matches!(entry, Entry::Accepted(_)), "{entry:?} is nobody's parent");
                    relink.add(entry).unwrap();
                }
            }
        }
        if !selection.next_round() {
            return relink;
        }
    }
}

/// The parts of a day that begin at these groups.
fn parts(day: Day, cuts: &BTreeSet<u64>) -> Vec<Part> {
    let firsts = [0].into_iter().chain(cuts.iter().copied().filter(|cut| *cut > 0));
    let lasts = cuts.iter().filter(|cut| **cut > 0).map(|cut| cut - 1).chain([u64::MAX]);
    firsts.zip(lasts).map(|groups| Part { day, groups }).collect()
}

fn facts(relink: Relink) -> Vec<Fact> {
    let mut facts = Vec::new();
    relink.facts(|fact| facts.push(fact));
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the cut and the parts, the facts are those of the log up to the cut.
    #[test]
    fn parts_of_days_are_what_the_log_is(
        (history, cut) in history().prop_flat_map(|history| {
            let rows = history.rows.len();
            (Just(history), 1..=rows)
        }),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let files = history.archive(cut);
        let groups: Vec<u64> =
            files.iter().flat_map(|file| &file.entries).map(|entry| entry.group()).collect();
        let cuts: BTreeSet<u64> = chosen.iter().map(|index| *index.get(&groups)).collect();
        let days: BTreeSet<Day> = files.iter().map(|file| file.span.day).collect();
        let mut all = Vec::new();
        for part in days.iter().flat_map(|day| parts(*day, &cuts)) {
            all.extend(facts(relink(&history, &files, cut, part)));
        }
        all.sort();
        prop_assert_eq!(all, history.facts(cut));
    }

    /// A part's cells are those of its facts.
    #[test]
    fn cells_are_those_of_the_facts(history in history()) {
        let files = history.archive(history.rows.len());
        let day = files[0].span.day;
        let whole = Part { day, groups: (0, u64::MAX) };
        let mut aggregator = Aggregator::default();
        let facts = history.facts(history.rows.len());
        facts.iter().filter(|fact| fact.at.day() == day).for_each(|fact| aggregator.add_fact(fact));
        prop_assert_eq!(relink(&history, &files, history.rows.len(), whole).finish(), aggregator.segments());
    }
}

/// What arrives as late or as early as it may is still looked for.
#[test]
fn the_ends_of_retention() {
    fn check(arrivals_ms: [i64; 4], is_repeat: bool) {
        let history = chain(arrivals_ms);
        let part = Part { day: EventTime(START).day(), groups: (0, u64::MAX) };
        let conversion =
            |facts: Vec<Fact>| facts.into_iter().rfind(|fact| fact.event.kind == Kind::Conversion).unwrap();
        let again = conversion(facts(relink(&history, &history.archive(4), 4, part)));
        assert_eq!(again, conversion(history.facts(4)), "{arrivals_ms:?}");
        assert_eq!(again.body.impression().is_none(), is_repeat, "{arrivals_ms:?}");
        assert!(again.body.click().is_some(), "{arrivals_ms:?}");
    }
    let day = DAY_MS;
    check([15 * day, 10 * day, 5 * day, 0], true);
    check([15 * day + 1, 10 * day, 5 * day, 0], false);
    check([-45 * day, -40 * day, -20 * day, 0], true);
    check([-45 * day - 1, -40 * day, -20 * day, 0], false);
}
