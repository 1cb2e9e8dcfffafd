//! Restatements: every published change of a published figure, on record.
//!
//! **RESTATE-1.** The totals of a day are those of its first publication plus its restatements, cell by cell and measure
//! by measure. Sketches (reach) have no difference that could be added, so they are replaced without a restatement.
//!
//! A publication compares the cells of a day before and after it ([`between`]) and keeps what differs: per cause two
//! segments with the figures that changed and no others, so that a correction of a thousand cells is one stored row.
//!
//! ```
//! use adtally_core::cell::{CellKey, Cells};
//! use adtally_core::measure::Measure;
//! use adtally_core::restate::{Cause, between};
//! use adtally_core::segment::Segment;
//! use adtally_core::time::Hour;
//!
//! let clicks = |count| {
//!     let mut cells = Cells::new();
//!     cells.entry(CellKey::at(Hour(7))).or_default().measures.add(Measure::Clicks, count);
//!     Segment::from_cells(cells)
//! };
//! let restatements = between(&clicks(10), &clicks(12));
//! let change = restatements[0].changes().next();
//! assert_eq!(change.map(|change| (change.from, change.to, change.cause)), Some((10, 12, Cause::Late)));
//! ```

mod cause;
mod selection;

use std::cmp::Ordering;
use std::iter::Peekable;

use crate::cell::{CellKey, Cells, Tally};
use crate::measure::{Measure, Measures};
use crate::segment::Segment;

use cause::Arrivals;
pub use cause::Cause;
pub use selection::{Cursor, MAX_LIMIT, Selection, SelectionError};

/// Changes of one cause: of these cells, the figures that changed, and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restatement {
    /// Why they changed.
    pub cause: Cause,
    /// What was published before.
    pub before: Segment,
    /// What is published now.
    pub after: Segment,
}

/// A figure that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub cell: CellKey,
    /// Which.
    pub measure: Measure,
    /// What was published before.
    pub from: i64,
    /// What is published now.
    pub to: i64,
    /// Why it changed.
    pub cause: Cause,
}

/// What changed between two publications of the same cells, by cause.
///
/// Both must hold all cells of the hours and advertisers in them: what an hour of an advertiser gained tells new events
/// from those that moved ([`Cause`]).
pub fn between(before: &Segment, after: &Segment) -> Vec<Restatement> {
    let differing = || pairs(before, after).filter(|(_, from, to)| from != to);
    let mut arrivals = Arrivals::default();
    differing().for_each(|(key, from, to)| arrivals.count(&key, &difference(&from, &to)));
    let mut changed: [(Cells, Cells); Cause::ALL.len()] = Default::default();
    for (key, from, to) in differing() {
        for (measure, cause) in arrivals.causes(&key, &difference(&from, &to)) {
            let (before, after) = &mut changed[cause as usize];
            set(before, &key, measure, &from);
            set(after, &key, measure, &to);
        }
    }
    let restatement = |(cause, (before, after)): (Cause, (Cells, Cells))| {
        let (before, after) = (Segment::from_cells(before), Segment::from_cells(after));
        (!before.is_empty() || !after.is_empty()).then_some(Restatement { cause, before, after })
    };
    Cause::ALL.into_iter().zip(changed).filter_map(restatement).collect()
}

impl Restatement {
    /// The figures that changed, in the order of cells and measures.
    pub fn changes(&self) -> impl Iterator<Item = Change> {
        pairs(&self.before, &self.after).flat_map(move |(cell, from, to)| {
            let changed = Measure::ALL.into_iter().filter(move |one| from.get(*one) != to.get(*one));
            changed.map(move |measure| {
                let (from, to) = (from.get(measure), to.get(measure));
                Change { cell: cell.clone(), measure, from, to, cause: self.cause }
            })
        })
    }

    /// The same in parts, of which each has at most `max_bytes` before and after unless it is a single cell.
    pub fn within(self, max_bytes: usize) -> Vec<Restatement> {
        if self.before.encode().len() <= max_bytes && self.after.encode().len() <= max_bytes {
            return vec![self];
        }
        let keys: Vec<CellKey> = pairs(&self.before, &self.after).map(|(key, ..)| key).collect();
        if keys.len() < 2 {
            return vec![self];
        }
        let middle = &keys[keys.len() / 2];
        let halves = [true, false].map(|is_first| {
            let half = |of: &Segment| {
                Segment::from_cells(of.iter().filter(|(key, _)| (key < middle) == is_first).collect())
            };
            Restatement { cause: self.cause, before: half(&self.before), after: half(&self.after) }
        });
        halves.into_iter().flat_map(|half| half.within(max_bytes)).collect()
    }
}

/// The cells of either, in order, with the figures of both.
fn pairs(before: &Segment, after: &Segment) -> impl Iterator<Item = (CellKey, Measures, Measures)> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || next_pair(&mut before, &mut after))
}

fn next_pair(
    before: &mut Peekable<impl Iterator<Item = (CellKey, Tally)>>,
    after: &mut Peekable<impl Iterator<Item = (CellKey, Tally)>>,
) -> Option<(CellKey, Measures, Measures)> {
    let order = match (before.peek(), after.peek()) {
        (None, None) => return None,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some((old, _)), Some((new, _))) => old.cmp(new),
    };
    let old = if order.is_le() { before.next() } else { None };
    let new = if order.is_ge() { after.next() } else { None };
    let figures =
        |cell: &Option<(CellKey, Tally)>| cell.as_ref().map_or(Measures::ZERO, |(_, tally)| tally.measures);
    let (from, to) = (figures(&old), figures(&new));
    old.or(new).map(|(key, _)| (key, from, to))
}

fn difference(from: &Measures, to: &Measures) -> Measures {
    let mut difference = *to;
    difference.merge(&from.negate());
    difference
}

fn set(cells: &mut Cells, key: &CellKey, measure: Measure, figures: &Measures) {
    let figure = figures.get(measure);
    if figure != 0 {
        cells.entry(key.clone()).or_default().measures.add(measure, figure);
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
