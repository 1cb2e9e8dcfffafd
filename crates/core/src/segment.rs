//! Segments: sets of cells that travel and are stored as one block of bytes.
//!
//! A delta from Linker to Report, a stored hour, a batch day and what the browser downloads are all segments.
//! Merging and encoding are canonical: equal sets of cells give equal bytes, however they came about.
//!
//! In memory a segment is a set of columns: per dimension its values and a place among them per row, per measure a
//! number per row, both as narrow as they can be, so that a query reads little and works on numbers alone.

pub(crate) mod narrow;
mod users;
mod look;
pub(crate) mod draft;
mod column;
mod decode;
mod encode;

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use crate::cell::{CellKey, Cells, Dimension, Tally};
use crate::key::Key;
use crate::measure::{Measure, Measures};
use crate::sketch::SketchView;
use crate::time::Hour;

pub use decode::SegmentError;
use draft::{Draft, DraftColumn, Source};
use narrow::{Codes, Figures, by_width};
use users::Users;

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
    /// How many rows there are; a row is a cell that is not empty.
    len: usize,
    /// The hours that have rows, ascending, each with its first row.
    hours: Vec<(Hour, u32)>,
    /// By place of the dimension. Rows ascend by hour, then by the codes of all dimensions.
    dims: [Column; Dimension::COUNT],
    /// The measures that are not zero everywhere, ascending.
    measures: Vec<(Measure, Figures)>,
    users: Users,
}

/// A dimension of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Column {
    /// The values that rows have, ascending, so that codes compare as values do.
    pub(crate) values: Vec<Key>,
    /// Places in `values`.
    pub(crate) codes: Codes,
}

impl Segment {
    /// The segment of `cells`; empty ones are dropped.
    pub fn from_cells(cells: Cells) -> Self {
        let mut draft = Draft { hours: cells.keys().map(|key| key.hour).collect(), ..Draft::default() };
        for dimension in Dimension::ALL {
            let mut places: BTreeMap<&Key, u32> = BTreeMap::new();
            let mut values = Vec::new();
            let codes = cells.keys().map(|key| {
                *places.entry(key.dim(dimension)).or_insert_with(|| {
                    values.push(key.dim(dimension).clone());
                    values.len() as u32 - 1
                })
            });
            let codes = codes.collect();
            draft.dims[dimension as usize] = DraftColumn { values, codes };
        }
        for measure in Measure::ALL {
            let figures: Vec<i64> = cells.values().map(|tally| tally.measures.get(measure)).collect();
            if figures.iter().any(|figure| *figure != 0) {
                draft.measures.push((measure, Source::Whole(figures)));
            }
        }
        let users = (0..).zip(cells.values()).filter(|(_, tally)| !tally.users.is_empty());
        draft.users = users.map(|(row, tally)| (row, tally.users.view())).collect();
        draft.finish()
    }

    /// The cells as a map.
    pub fn cells(&self) -> Cells {
        self.iter().collect()
    }

    /// The cells in key order.
    pub fn iter(&self) -> impl Iterator<Item = (CellKey, Tally)> {
        let mut users = self.users.iter().peekable();
        self.hour_rows().flat_map(|(hour, rows)| rows.map(move |row| (hour, row))).map(move |(hour, row)| {
            let mut key = CellKey::at(hour);
            for (dimension, column) in Dimension::ALL.into_iter().zip(&self.dims) {
                key.set(dimension, column.values[column.codes.get(row) as usize].clone());
            }
            let mut tally = Tally::default();
            for (measure, figures) in &self.measures {
                tally.measures.add(*measure, figures.get(row));
            }
            if let Some((_, sketch)) = users.next_if(|(of, _)| *of as usize == row) {
                tally.users.absorb(sketch);
            }
            (key, tally)
        })
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first and the last hour that have cells.
    pub fn hours(&self) -> Option<RangeInclusive<Hour>> {
        Some(self.hours.first()?.0..=self.hours.last()?.0)
    }

    /// Each hour that has cells.
    pub fn hours_with_cells(&self) -> impl Iterator<Item = Hour> {
        self.hours.iter().map(|(hour, _)| *hour)
    }

    /// The sums of all cells.
    pub fn sums(&self) -> Measures {
        let mut sums = Measures::ZERO;
        for (measure, figures) in &self.measures {
            sums.add(*measure, figures.sum());
        }
        sums
    }

    /// Each hour that has cells, and its rows.
    pub(crate) fn hour_rows(&self) -> impl Iterator<Item = (Hour, Range<usize>)> {
        let ends = self.hours.iter().skip(1).map(|(_, row)| *row as usize).chain([self.len]);
        self.hours.iter().zip(ends).map(|((hour, row), end)| (*hour, *row as usize..end))
    }

    /// The values and codes of a dimension.
    pub(crate) fn column(&self, dimension: Dimension) -> &Column {
        &self.dims[dimension as usize]
    }

    /// The measures that are not zero everywhere.
    pub(crate) fn measures(&self) -> &[(Measure, Figures)] {
        &self.measures
    }

    /// The rows that have users, ascending, and their sketches.
    pub(crate) fn users(&self) -> impl Iterator<Item = (u32, SketchView<'_>)> {
        self.users.iter()
    }

    /// The bytes of segments that together hold these cells, each of at most `max_bytes` unless it is a single cell.
    pub fn encode_within(&self, max_bytes: usize) -> Vec<Vec<u8>> {
        let bytes = self.encode();
        if bytes.len() <= max_bytes || self.len < 2 {
            return vec![bytes];
        }
        let parts = [0..self.len / 2, self.len / 2..self.len];
        parts.into_iter().flat_map(|rows| self.slice(rows).encode_within(max_bytes)).collect()
    }

    /// Adds all cells of `other`; those that cancel out disappear.
    ///
    /// It rewrites both: many segments are better merged by [`Segment::merged`] or [`Merger`].
    pub fn merge(&mut self, other: &Segment) {
        if !other.is_empty() {
            *self = if self.is_empty() { other.clone() } else { Segment::merged(&[self, other]) };
        }
    }

    /// The cells of all of them; those that cancel out disappear.
    pub fn merged(parts: &[&Segment]) -> Segment {
        let mut draft = Draft::default();
        let mut firsts = Vec::with_capacity(parts.len());
        for part in parts {
            firsts.push(draft.hours.len());
            for (hour, rows) in part.hour_rows() {
                draft.hours.resize(rows.end + firsts[firsts.len() - 1], hour);
            }
        }
        draft.dims = std::array::from_fn(|place| {
            let columns: Vec<(&Column, usize)> = parts
                .iter()
                .filter(|part| !part.is_empty())
                .map(|part| (&part.dims[place], part.len))
                .collect();
            joined(&columns)
        });
        for measure in Measure::ALL {
            let of_measure = parts.iter().zip(&firsts).filter_map(|(part, first)| {
                let (_, figures) = part.measures.iter().find(|(one, _)| *one == measure)?;
                Some((*first, figures, 0..part.len))
            });
            let of_measure: Vec<_> = of_measure.collect();
            if !of_measure.is_empty() {
                draft.measures.push((measure, Source::Parts(of_measure)));
            }
        }
        for (part, first) in parts.iter().zip(&firsts) {
            draft.users.extend(part.users.iter().map(|(row, sketch)| (row + *first as u32, sketch)));
        }
        draft.finish()
    }

    /// The cells of some rows.
    fn slice(&self, rows: Range<usize>) -> Segment {
        let mut draft = Draft::default();
        let place = self.hours.partition_point(|(_, first)| *first as usize <= rows.start);
        for (hour, of_hour) in self.hour_rows().skip(place.saturating_sub(1)) {
            if of_hour.start >= rows.end {
                break;
            }
            let of_hour = of_hour.start.max(rows.start)..of_hour.end.min(rows.end);
            draft.hours.resize(draft.hours.len() + of_hour.len(), hour);
        }
        draft.dims = std::array::from_fn(|place| {
            let Column { values, codes } = &self.dims[place];
            let mut copied = Vec::new();
            if *codes != Codes::Same {
                codes.copy_to(rows.clone(), &mut copied);
            }
            DraftColumn { values: values.clone(), codes: copied }
        });
        let measures = self.measures.iter();
        draft.measures = measures
            .map(|(measure, figures)| (*measure, Source::Parts(vec![(0, figures, rows.clone())])))
            .collect();
        let within = self.users.iter().filter(|(row, _)| rows.contains(&(*row as usize)));
        draft.users = within.map(|(row, sketch)| (row - rows.start as u32, sketch)).collect();
        draft.finish()
    }

    /// The cells by hour, in ascending order.
    pub fn split_by_hour(self) -> impl Iterator<Item = (Hour, Segment)> {
        let hours: Vec<_> = self.hour_rows().collect();
        hours.into_iter().map(move |(hour, rows)| (hour, self.slice(rows)))
    }
}

/// The column of several ones behind each other, each with its number of rows.
fn joined(columns: &[(&Column, usize)]) -> DraftColumn {
    let Some(((first, _), others)) = columns.split_first() else { return DraftColumn::default() };
    let mut codes = Vec::new();
    if others.iter().all(|(other, _)| other.values == first.values) {
        if first.codes != Codes::Same {
            columns.iter().for_each(|(column, rows)| column.codes.copy_to(0..*rows, &mut codes));
        }
        return DraftColumn { values: first.values.clone(), codes };
    }
    let mut values: Vec<Key> = columns.iter().flat_map(|(column, _)| column.values.iter().cloned()).collect();
    // Some runs that ascend, which the standard sort merges.
    values.sort();
    values.dedup();
    for (column, rows) in columns {
        let mut from = 0;
        let places = column.values.iter().map(|value| {
            from += values[from..].partition_point(|other| other < value);
            from as u32
        });
        let places: Vec<u32> = places.collect();
        by_width!(
            &column.codes,
            same => codes.resize(codes.len() + rows, places[0]),
            narrow => codes.extend(narrow.iter().map(|code| places[*code as usize]))
        );
    }
    DraftColumn { values, codes }
}

/// Merges many segments without rewriting all of them for each: those of similar size are merged first.
#[derive(Debug, Default)]
pub struct Merger {
    /// Before those that wait to be merged, each is more than twice as long as the next.
    parts: Vec<Segment>,
}

impl Merger {
    /// Adds all cells of a segment.
    pub fn add(&mut self, segment: Segment) {
        self.parts.push(segment);
        let mut from = self.parts.len() - 1;
        let mut len = self.parts[from].len;
        while from > 0 && self.parts[from - 1].len <= 2 * len {
            from -= 1;
            len += self.parts[from].len;
        }
        // Few at once cost as much as one.
        if self.parts.len() - from >= 8 {
            self.merge_from(from);
        }
    }

    /// All cells.
    pub fn finish(mut self) -> Segment {
        self.merge_from(0);
        self.parts.pop().unwrap_or_default()
    }

    fn merge_from(&mut self, from: usize) {
        if self.parts.len() - from > 1 {
            let merged = Segment::merged(&self.parts[from..].iter().collect::<Vec<_>>());
            self.parts.truncate(from);
            self.parts.push(merged);
        }
    }
}

#[cfg(test)]
mod tests;
