//! What a publication changes of a day: decided for one advertiser at a time, so that little is in memory at once.
//!
//! A day of an advertiser has one segment per source, that is per shard. The batch links some of them again; the others
//! stay as they are. What is the same as before is not stored again.

use std::collections::BTreeMap;

use crate::measure::Measures;
use crate::restate::{Restatement, between};
use crate::segment::Segment;

/// The cells of a day of an advertiser, by source.
pub type BySource = BTreeMap<String, Segment>;

/// What to store under the new generation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staged {
    /// The sources whose cells differ from what is published, with all their cells of the day.
    pub segments: BySource,
    /// The changes to put on record; none where the day is published for the first time.
    pub restatements: Vec<Restatement>,
    /// What the totals gain.
    pub gained: Measures,
}

/// Whether a day was published before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Never in this scope, of any source: nothing is restated.
    New,
    /// Every change is a restatement.
    Published,
}

/// Decides what to store where `published` is the whole day of an advertiser, and `linked` those of its sources that
/// were linked again.
pub fn stage(published: &BySource, linked: BySource, before: Before) -> Staged {
    let mut segments = linked;
    // One that is new is stored even without cells: that it was published must be known.
    segments.retain(|source, segment| published.get(source) != Some(segment));
    let mut gained = Measures::ZERO;
    for (source, segment) in &segments {
        gained.merge(&segment.sums());
        if let Some(old) = published.get(source) {
            gained.merge(&old.sums().negate());
        }
    }
    let restatements = match before {
        Before::New => Vec::new(),
        Before::Published => {
            let kept = published.iter().filter(|(source, _)| !segments.contains_key(*source));
            let now: Vec<&Segment> = kept.map(|(_, segment)| segment).chain(segments.values()).collect();
            between(&whole(published), &Segment::merged(&now))
        }
    };
    Staged { segments, restatements, gained }
}

fn whole(sources: &BySource) -> Segment {
    Segment::merged(&sources.values().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{CellKey, Cells};
    use crate::measure::Measure;
    use crate::restate::Cause;
    use crate::time::Hour;

    fn clicks(count: i64) -> Segment {
        let mut cells = Cells::new();
        cells.entry(CellKey::at(Hour(7))).or_default().measures.add(Measure::Clicks, count);
        Segment::from_cells(cells)
    }

    fn by_source(cells: &[(&str, i64)]) -> BySource {
        cells.iter().map(|(source, count)| ((*source).to_owned(), clicks(*count))).collect()
    }

    #[test]
    fn only_what_differs_is_stored_and_restated() {
        fn check(
            published: &[(&str, i64)],
            linked: &[(&str, i64)],
            before: Before,
            stored: &[(&str, i64)],
            restated: Option<(i64, i64)>,
        ) {
            let staged = stage(&by_source(published), by_source(linked), before);
            assert_eq!(staged.segments, by_source(stored), "{published:?} {linked:?}");
            let changes: Vec<_> = staged.restatements.iter().flat_map(Restatement::changes).collect();
            let changes: Vec<_> = changes.iter().map(|c| (c.from, c.to, c.cause)).collect();
            let expected: Vec<_> = restated.into_iter().map(|(from, to)| (from, to, Cause::Late)).collect();
            assert_eq!(changes, expected, "{published:?} {linked:?}");
            let sum = |of: &[(&str, i64)]| of.iter().map(|(_, count)| count).sum::<i64>();
            let replaced = published.iter().filter(|(source, _)| stored.iter().any(|(one, _)| one == source));
            let replaced: Vec<_> = replaced.copied().collect();
            assert_eq!(staged.gained.get(Measure::Clicks), sum(stored) - sum(&replaced));
        }
        check(&[], &[("a/0", 3)], Before::New, &[("a/0", 3)], None);
        check(&[], &[("a/0", 0)], Before::New, &[("a/0", 0)], None);
        check(&[("a/0", 3)], &[("a/0", 3)], Before::Published, &[], None);
        check(&[("a/0", 3), ("a/1", 2)], &[("a/1", 4)], Before::Published, &[("a/1", 4)], Some((5, 7)));
        // A shard that had nothing of the day before.
        check(&[("a/0", 3)], &[("a/1", 4)], Before::Published, &[("a/1", 4)], Some((3, 7)));
        // An advertiser that had nothing of a day that others had.
        check(&[], &[("b/0", 4)], Before::Published, &[("b/0", 4)], Some((0, 4)));
    }
}
