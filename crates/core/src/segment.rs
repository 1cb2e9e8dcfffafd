//! Segments: sets of cells that travel and are stored as one block of bytes.
//!
//! A delta from Linker to Report, a stored hour, a batch day and what the browser downloads are all segments.
//! Merging and encoding are canonical: equal sets of cells give equal bytes, however they came about.

mod column;
mod decode;
pub(crate) mod dictionary;
mod encode;

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use crate::cell::{CellKey, Cells, Tally};
use crate::time::Hour;

pub use decode::SegmentError;

/// A set of cells in key order, without empty ones.
///
/// ```
/// use adtally_core::cell::{CellKey, Cells};
/// use adtally_core::measure::Measure;
/// use adtally_core::segment::Segment;
/// use adtally_core::time::Hour;
///
/// let mut cells = Cells::new();
/// cells.entry(CellKey::at(Hour(7))).or_default().measures.add(Measure::Clicks, 2);
/// let mut segment = Segment::from_cells(cells);
/// segment.merge(&segment.clone());
/// let read = Segment::decode(&segment.encode())?;
/// assert_eq!(read.iter().next().map(|(_, tally)| tally.measures.get(Measure::Clicks)), Some(4));
/// # Ok::<(), adtally_core::segment::SegmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Segment {
    /// Ascending by key; no key twice; no tally for which [`is_nothing`] holds.
    rows: Vec<(CellKey, Tally)>,
}

/// Whether a cell says as much as its absence.
fn is_nothing(tally: &Tally) -> bool {
    tally.measures.is_zero() && tally.users.is_empty()
}

impl Segment {
    /// The segment of `cells`; empty ones are dropped.
    pub fn from_cells(cells: Cells) -> Self {
        Self::from_ascending(cells.into_iter().collect())
    }

    /// The segment of cells that are in order already.
    pub(crate) fn from_ascending(mut rows: Vec<(CellKey, Tally)>) -> Self {
        debug_assert!(rows.is_sorted_by(|a, b| a.0 < b.0), "keys ascend");
        rows.retain(|(_, tally)| !is_nothing(tally));
        Self { rows }
    }

    /// The cells as a map.
    pub fn cells(&self) -> Cells {
        self.rows.iter().cloned().collect()
    }

    /// The cells in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CellKey, &Tally)> {
        self.rows.iter().map(|(key, tally)| (key, tally))
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first and the last hour that have cells.
    pub fn hours(&self) -> Option<RangeInclusive<Hour>> {
        Some(self.rows.first()?.0.hour..=self.rows.last()?.0.hour)
    }

    /// The cells whose hour lies in `hours`, in key order.
    pub(crate) fn rows_within(&self, hours: &std::ops::Range<Hour>) -> &[(CellKey, Tally)] {
        let start = self.rows.partition_point(|(key, _)| key.hour < hours.start);
        let length = self.rows[start..].partition_point(|(key, _)| key.hour < hours.end);
        &self.rows[start..start + length]
    }

    /// The bytes of segments that together hold these cells, each of at most `max_bytes` unless it is a single cell.
    pub fn encode_within(&self, max_bytes: usize) -> Vec<Vec<u8>> {
        let bytes = self.encode();
        if bytes.len() <= max_bytes || self.rows.len() < 2 {
            return vec![bytes];
        }
        let (first, second) = self.rows.split_at(self.rows.len() / 2);
        let part = |rows: &[(CellKey, Tally)]| Self::from_ascending(rows.to_vec()).encode_within(max_bytes);
        [first, second].into_iter().flat_map(part).collect()
    }

    /// Adds all cells of `other`; those that cancel out disappear.
    ///
    /// A small `other` whose keys are known, or that lies behind the last cell, costs little however many cells there
    /// are; else it is one pass over both.
    pub fn merge(&mut self, other: &Segment) {
        let mut added = Vec::new();
        let mut cancelled = false;
        let mut at = 0;
        for (key, tally) in &other.rows {
            match seek(&self.rows, &mut at, key) {
                Some(mine) => {
                    let mine = &mut self.rows[mine].1;
                    mine.merge(tally);
                    cancelled |= is_nothing(mine);
                }
                None => added.push((key.clone(), tally.clone())),
            }
        }
        if cancelled {
            self.rows.retain(|(_, tally)| !is_nothing(tally));
        }
        let in_order = match (self.rows.last(), added.first()) {
            (Some(last), Some(first)) => last.0 < first.0,
            _ => true,
        };
        self.rows.append(&mut added);
        if !in_order {
            // Two ascending runs: the standard sort recognises them and merges in one pass.
            self.rows.sort_by(|a, b| a.0.cmp(&b.0));
        }
    }

    /// The cells by hour, in ascending order.
    pub fn split_by_hour(self) -> impl Iterator<Item = (Hour, Segment)> {
        let mut rows = self.rows.into_iter().peekable();
        std::iter::from_fn(move || {
            let first = rows.next()?;
            let hour = first.0.hour;
            let mut of_hour = vec![first];
            while let Some(row) = rows.next_if(|(key, _)| key.hour == hour) {
                of_hour.push(row);
            }
            Some((hour, Segment { rows: of_hour }))
        })
    }
}

/// The place of `key` at or after `from`, which moves up to it: steps that double, then bisection, so that few keys
/// among many and many among many both cost little.
fn seek(rows: &[(CellKey, Tally)], from: &mut usize, key: &CellKey) -> Option<usize> {
    let rest = &rows[*from..];
    let mut step = 1;
    while step < rest.len() && rest[step].0 < *key {
        step *= 2;
    }
    let low = step / 2;
    let high = rest.len().min(step + 1);
    let place = low + rest[low..high].partition_point(|(other, _)| other < key);
    *from += place;
    match rows.get(*from)?.0.cmp(key) {
        Ordering::Equal => Some(*from),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
