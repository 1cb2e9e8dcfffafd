use proptest::prelude::*;

use super::*;
use crate::cell::Dimension;
use crate::key::Key;
use crate::time::Hour;

/// Cells of one hour by country, each with some figures.
fn segment(cells: &[(&str, &[(Measure, i64)])]) -> Segment {
    let mut map = Cells::new();
    for (country, figures) in cells {
        let mut key = CellKey::at(Hour(7));
        key.set(Dimension::Country, Key::parse(country).unwrap());
        let tally = map.entry(key).or_default();
        figures.iter().for_each(|(measure, figure)| tally.measures.add(*measure, *figure));
    }
    Segment::from_cells(map)
}

type Case<'a> = &'a [(&'a str, &'a [(Measure, i64)])];

fn check(before: Case<'_>, after: Case<'_>, expected: &[(&str, Measure, i64, i64, Cause)]) {
    let changes = between(&segment(before), &segment(after));
    let mut changes: Vec<_> = changes.iter().flat_map(Restatement::changes).collect();
    changes.sort_by(|a, b| (&a.cell, a.measure).cmp(&(&b.cell, b.measure)));
    let changes: Vec<_> = changes
        .iter()
        .map(|c| (c.cell.dim(Dimension::Country).as_str(), c.measure, c.from, c.to, c.cause))
        .collect();
    assert_eq!(changes, expected, "{before:?} {after:?}");
}

#[test]
fn arrivals_and_links() {
    use Measure as M;
    // Nothing.
    check(&[("KR", &[(M::Clicks, 3)])], &[("KR", &[(M::Clicks, 3)])], &[]);
    // New events, with their cost.
    check(
        &[("KR", &[(M::Clicks, 3), (M::CostMicros, 30)])],
        &[("KR", &[(M::Clicks, 5), (M::CostMicros, 50), (M::Late, 2)])],
        &[
            ("KR", M::Clicks, 3, 5, Cause::Late),
            ("KR", M::CostMicros, 30, 50, Cause::Late),
            ("KR", M::Late, 0, 2, Cause::Late),
        ],
    );
    // An event that moved to another cell of its hour.
    check(
        &[("KR", &[(M::Conversions, 3)])],
        &[("JP", &[(M::Conversions, 1)]), ("KR", &[(M::Conversions, 2)])],
        &[("JP", M::Conversions, 0, 1, Cause::Relink), ("KR", M::Conversions, 3, 2, Cause::Relink)],
    );
    // A click that found its impression.
    check(
        &[("KR", &[(M::Clicks, 3), (M::Waiting, 1)])],
        &[("KR", &[(M::Clicks, 3), (M::LinkedClicks, 1)])],
        &[("KR", M::LinkedClicks, 0, 1, Cause::Relink), ("KR", M::Waiting, 1, 0, Cause::Relink)],
    );
    // A repeated delivery is an arrival.
    check(&[], &[("KR", &[(M::Duplicates, 1)])], &[("KR", M::Duplicates, 0, 1, Cause::Late)]);
}

#[test]
fn verdicts_and_corrections() {
    use Measure as M;
    // A late neighbour made a click a repeat; nothing arrived in this hour.
    check(
        &[("KR", &[(M::Clicks, 3), (M::CostMicros, 30)])],
        &[("KR", &[(M::Clicks, 2), (M::InvalidClicks, 1), (M::RepeatClicks, 1), (M::CostMicros, 20)])],
        &[
            ("KR", M::Clicks, 3, 2, Cause::InvalidTraffic),
            ("KR", M::CostMicros, 30, 20, Cause::InvalidTraffic),
            ("KR", M::InvalidClicks, 0, 1, Cause::InvalidTraffic),
            ("KR", M::RepeatClicks, 0, 1, Cause::InvalidTraffic),
        ],
    );
    // Too many in a day, among them new ones.
    check(
        &[("KR", &[(M::Clicks, 100)])],
        &[("KR", &[(M::InvalidClicks, 130), (M::FloodClicks, 130)])],
        &[
            ("KR", M::Clicks, 100, 0, Cause::InvalidTraffic),
            ("KR", M::InvalidClicks, 0, 130, Cause::InvalidTraffic),
            ("KR", M::FloodClicks, 0, 130, Cause::InvalidTraffic),
        ],
    );
    // Deleted, and corrected.
    check(
        &[("KR", &[(M::Impressions, 3)])],
        &[("KR", &[(M::Impressions, 1)])],
        &[("KR", M::Impressions, 3, 1, Cause::Correction)],
    );
    check(
        &[("KR", &[(M::Conversions, 1), (M::ValueMicros, 5)])],
        &[("KR", &[(M::Conversions, 1), (M::ValueMicros, 7)])],
        &[("KR", M::ValueMicros, 5, 7, Cause::Correction)],
    );
    check(
        &[("KR", &[(M::Clicks, 1), (M::CostMicros, 5)])],
        &[("KR", &[(M::Clicks, 1), (M::CostMicros, 7)])],
        &[("KR", M::CostMicros, 5, 7, Cause::Correction)],
    );
}

#[test]
fn cause_names() {
    for cause in Cause::ALL {
        assert_eq!(Cause::parse(cause.name()), Some(cause));
    }
    assert_eq!(Cause::parse("weather"), None);
}

fn cells() -> impl Strategy<Value = Segment> {
    let figure = (prop::sample::select(&Measure::ALL[..]), -3..9i64);
    let cell = (0..4i32, prop::sample::select(&["", "KR", "JP"][..]), prop::collection::vec(figure, 0..4));
    prop::collection::vec(cell, 0..12).prop_map(|cells| {
        let mut map = Cells::new();
        for (hour, country, figures) in cells {
            let mut key = CellKey::at(Hour(hour));
            key.set(Dimension::Country, Key::parse(country).unwrap());
            let tally = map.entry(key).or_default();
            figures.iter().for_each(|(measure, figure)| tally.measures.add(*measure, *figure));
        }
        Segment::from_cells(map)
    })
}

proptest! {
    /// RESTATE-1, of any cells: what was published first, plus every change of it, is what is published.
    #[test]
    fn what_was_first_and_its_restatements_are_what_is(published in prop::collection::vec(cells(), 1..6)) {
        let mut sum = published[0].clone();
        for pair in published.windows(2) {
            for restatement in between(&pair[0], &pair[1]) {
                for change in restatement.changes() {
                    prop_assert_ne!(change.from, change.to);
                    let mut cells = Cells::new();
                    cells.entry(change.cell).or_default().measures.add(change.measure, change.to - change.from);
                    sum.merge(&Segment::from_cells(cells));
                }
            }
        }
        prop_assert_eq!(sum, published[published.len() - 1].clone());
    }

    /// Parts are the whole, whatever their size.
    #[test]
    fn parts_are_the_whole(before in cells(), after in cells(), max_bytes in 0..200usize) {
        for restatement in between(&before, &after) {
            let changes: Vec<Change> = restatement.changes().collect();
            let parts = restatement.within(max_bytes);
            prop_assert_eq!(parts.iter().flat_map(Restatement::changes).collect::<Vec<_>>(), changes);
        }
    }
}
