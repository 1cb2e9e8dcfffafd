//! Each part of each day is linked again by itself; together they are what one linker has made of the log.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::aggregate::Aggregator;
use adtally_core::batch::{
    Affected, Entry, Gone, Hashes, Look, Part, Relink, Ruling, Selection, Whose, residue,
};
use adtally_core::cell::{CellKey, Scope, Tally};
use adtally_core::event::{InvalidReason, Kind};
use adtally_core::link::Fact;
use adtally_core::measure::{Measure, Measures, invalid_for};
use adtally_core::segment::Segment;
use adtally_core::time::{DAY_MS, Day, EventTime, ServerTime};
use proptest::prelude::*;

use crate::history::{File, History, chain, history};
use crate::scenario::START;

/// A part of a day with all that it depends on, read from the archive.
fn relink(history: &History, files: &[File], cut: usize, part: Part) -> Relink {
    relink_without(history, files, cut, part, Gone::default())
}

/// The same, as if some entries had never been there.
fn relink_without(history: &History, files: &[File], cut: usize, part: Part, gone: Gone) -> Relink {
    let settings = (0..).zip(history.settings.iter().cloned());
    let relink = Relink::new(part, history.retention, settings, history.ruled(0..cut)).without(gone);
    fill(history, files, cut, part, relink)
}

/// The same, with what is under rulings counted as it comes.
fn relink_crowded(history: &History, files: &[File], cut: usize, part: Part) -> Relink {
    let settings = (0..).zip(history.settings.iter().cloned());
    let rulings = || history.ruled(0..cut);
    let mut foreseen = BTreeSet::new();
    loop {
        let empty = Relink::new(part, history.retention, settings.clone(), rulings());
        let mut relink = empty.crowded(rulings());
        for entry in files.iter().flat_map(|file| &file.entries) {
            if part.holds(entry.day(), entry.group()) {
                relink.foresee(entry.row(), &entry.hashes()).unwrap();
            }
        }
        foreseen.iter().for_each(|name| relink.foresee_name(*name));
        let relink = fill(history, files, cut, part, relink);
        let unforeseen = relink.unforeseen();
        if unforeseen.is_empty() {
            return relink;
        }
        assert!(foreseen.is_disjoint(&unforeseen), "a name is foreseen once");
        foreseen.extend(unforeseen);
    }
}

fn fill(history: &History, files: &[File], cut: usize, part: Part, mut relink: Relink) -> Relink {
    let known = history.settings.iter().map(|settings| &**settings);
    let selection = Selection::new(part, history.retention, known);
    let mut selection = selection.with_rulings(history.ruled(0..cut));
    let mut read = BTreeSet::new();
    loop {
        for (n, file) in files.iter().enumerate() {
            let Some(look) = selection.opens(&file.span) else { continue };
            for (row, entry) in file.entries.iter().enumerate() {
                let Hashes { group, name, .. } = entry.hashes();
                let is_looked_at = look.holds(group) || (look.names && selection.seeks(name));
                if !is_looked_at {
                    continue;
                }
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

/// Of a scope: deliveries, and the other figures.
type Figures = (Scope, i64, Vec<(CellKey, Measures)>);

/// Figures but for those that name a reason of two, and but for which event it is that was delivered again.
fn without_reasons(cells: Vec<(Scope, Segment)>) -> Vec<Figures> {
    let scope = |(scope, segment): (Scope, Segment)| {
        let is_all = scope == Scope::Platform;
        let duplicates = if is_all { segment.sums().get(Measure::Duplicates) } else { 0 };
        let cell = |(key, tally): (CellKey, Tally)| {
            let mut measures = tally.measures;
            for kind in Kind::ALL {
                let [repeats, floods] =
                    [InvalidReason::Repeat, InvalidReason::Flood].map(|r| invalid_for(r, kind));
                measures.add(repeats, measures.get(floods));
                measures.add(floods, -measures.get(floods));
            }
            measures.add(Measure::Duplicates, -measures.get(Measure::Duplicates));
            (key, measures)
        };
        let cells = segment.iter().map(cell).filter(|(_, measures)| *measures != Measures::default());
        (scope, duplicates, cells.collect())
    };
    let has_any = |(_, duplicates, cells): &Figures| *duplicates > 0 || !cells.is_empty();
    cells.into_iter().map(scope).filter(has_any).collect()
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

    /// What is under rulings need not be held: the cells are the same. Where arrivals lie far apart or windows differ, but
    /// for whether an invalid event is a repeat, and which event of a name a repeated delivery counts for.
    #[test]
    fn crowds_are_counted_without_being_held(
        history in history(),
        ruled in prop::collection::vec((1..4u64, 0..4usize, 0..9i32), 0..12),
        chosen in any::<prop::sample::Index>(),
        is_still in any::<bool>(),
    ) {
        let mut history = history;
        let first = EventTime(START).day();
        let ruling = |&(group, kind, days): &(u64, usize, i32)| {
            (0, Ruling { group, kind: Kind::ALL[kind], day: Day(first.0 + days - 4) })
        };
        history.rulings.extend(ruled.iter().map(ruling));
        if is_still {
            history.settings[1] = history.settings[0].clone();
            history.rows.iter_mut().for_each(|row| row.received = ServerTime(START));
        }
        let rows = history.rows.len();
        let files = history.archive(rows);
        let groups: Vec<u64> = files.iter().flat_map(|file| &file.entries).map(Entry::group).collect();
        let cuts = BTreeSet::from([*chosen.get(&groups)]);
        for part in files.iter().map(|file| file.span.day).flat_map(|day| parts(day, &cuts)) {
            let held = relink(&history, &files, rows, part).finish();
            let counted = relink_crowded(&history, &files, rows, part).finish();
            match is_still && history.retention.dedupe_ms > 0 {
                true => prop_assert_eq!(held, counted),
                false => prop_assert_eq!(without_reasons(held), without_reasons(counted)),
            }
        }
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

/// Whether an entry has to be looked at.
pub(crate) fn looks_at(look: Look, affected: &Affected, entry: &Entry) -> bool {
    let Hashes { group, parent, .. } = entry.hashes();
    look.holds(group) || (look.names && parent.is_some_and(|parent| affected.seeks(parent)))
}

/// The days on which facts may depend on entries that go.
fn days_of(history: &History, files: &[File], gone: &Gone) -> BTreeSet<Day> {
    let settings = history.settings.iter().map(|settings| &**settings);
    let mut affected = Affected::of_gone(gone.clone(), history.retention, settings);
    loop {
        for file in files {
            if let Some(look) = affected.opens(&file.span, file.rows()) {
                let entries =
                    file.entries.iter().filter(|entry| looks_at(look, &affected, entry)).collect::<Vec<_>>();
                entries.into_iter().for_each(|entry| affected.see(&file.span, entry.row(), &entry.hashes()));
            }
        }
        if !affected.next_round() {
            return affected.days();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// KEEP-1: what the entries that are left amount to, with the residue of those that go, is what all amounted to;
    /// days that are not named are as they were.
    #[test]
    fn figures_stay_when_entries_go(
        (history, upto) in history().prop_flat_map(|history| {
            let rows = history.rows.len();
            (Just(history), 1..=rows)
        }),
        users in prop_oneof![
            3 => prop::collection::btree_set(1..4u64, 1..3).prop_map(Whose::Groups),
            1 => Just(Whose::Everybody),
        ],
    ) {
        let rows = history.rows.len();
        let files = history.archive(rows);
        let gone = Gone { whose: users, upto: upto as i64 };
        let affected = days_of(&history, &files, &gone);
        let left = |file: &File| {
            let entries = file.entries.iter().filter(|entry| !gone.holds(entry.group(), entry.row()));
            File { span: file.span, entries: entries.cloned().collect() }
        };
        let left: Vec<File> = files.iter().map(left).collect();
        for day in files.iter().map(|file| file.span.day).collect::<BTreeSet<Day>>() {
            let part = Part { day, groups: (0, u64::MAX) };
            let with = relink(&history, &files, rows, part).finish();
            let without = relink_without(&history, &files, rows, part, gone.clone()).finish();
            // It is what the rewritten files amount to.
            prop_assert_eq!(&relink(&history, &left, rows, part).finish(), &without);
            let stays = residue(with.clone(), without.clone());
            prop_assert!(affected.contains(&day) || stays.is_empty(), "{day} is not named");
            let mut sum: BTreeMap<Scope, Segment> = without.into_iter().collect();
            stays.into_iter().for_each(|(scope, segment)| sum.entry(scope).or_default().merge(&segment));
            // A user whom only one that goes made invalid is counted from then on.
            let measures = |(scope, segment): (Scope, Segment)| {
                let cells = segment.iter().map(|(key, tally)| (key, tally.measures));
                (scope, cells.filter(|(_, measures)| *measures != Measures::default()).collect::<Vec<_>>())
            };
            let nonzero = |(_, cells): &(Scope, Vec<_>)| !cells.is_empty();
            let sum: Vec<_> = sum.into_iter().map(measures).filter(nonzero).collect();
            prop_assert_eq!(sum, with.into_iter().map(measures).filter(nonzero).collect::<Vec<_>>());
        }
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
