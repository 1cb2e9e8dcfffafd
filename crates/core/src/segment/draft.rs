//! From rows as they come to a segment: put in order, add up what is of one cell, drop what is nothing.

use std::ops::Range;

use super::narrow::{Codes, Figures, by_width};
use super::users::Users;
use super::{Column, Segment};
use crate::cell::Dimension;
use crate::key::Key;
use crate::measure::Measure;
use crate::sketch::{Sketch, SketchView};
use crate::time::Hour;

/// Rows on the way to a segment: in any order, a cell may come more than once, dictionaries may have surplus values.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    /// One per row.
    pub(crate) hours: Vec<Hour>,
    /// By place of the dimension.
    pub(crate) dims: [DraftColumn; Dimension::COUNT],
    /// Ascending by measure.
    pub(crate) measures: Vec<(Measure, Source<'a>)>,
    /// Row and users; ascending, a row may come more than once.
    pub(crate) users: Vec<(u32, SketchView<'a>)>,
}

/// A dimension of all rows.
#[derive(Default)]
pub(crate) struct DraftColumn {
    /// Each value once.
    pub(crate) values: Vec<Key>,
    /// Places in `values`, one per row; none where there is one value for all.
    pub(crate) codes: Vec<u32>,
}

/// Where the figures of a measure come from.
pub(crate) enum Source<'a> {
    /// One per row.
    Whole(Vec<i64>),
    /// The first row and the figures of it and those that follow; other rows have none.
    Parts(Vec<(usize, &'a Figures, Range<usize>)>),
}

/// Which rows make up which cells.
enum Order {
    /// Every row is a cell, and they ascend.
    Rows,
    Cells {
        /// The cell of each row.
        cell_of: Vec<u32>,
        /// A row of each cell, in the order of cells.
        rows: Vec<u32>,
    },
}

impl Draft<'_> {
    /// The segment that the rows amount to.
    pub(crate) fn finish(mut self) -> Segment {
        for dim in &mut self.dims {
            dim.put_in_order();
        }
        let order = self.order();
        let len = match &order {
            Order::Rows => self.hours.len(),
            Order::Cells { rows, .. } => rows.len(),
        };
        let users = order.users(std::mem::take(&mut self.users));
        let mut is_something = vec![false; len];
        users.rows().iter().for_each(|row| is_something[*row as usize] = true);
        let mut measures = Vec::with_capacity(self.measures.len());
        for (measure, source) in std::mem::take(&mut self.measures) {
            let figures = order.figures(source, len);
            for (is, figure) in is_something.iter_mut().zip(&figures) {
                *is |= *figure != 0;
            }
            measures.extend(Figures::new(figures).map(|figures| (measure, figures)));
        }
        if let Order::Cells { rows, .. } = &order {
            self.pick(rows);
        }
        let kept: Option<Vec<u32>> = is_something
            .contains(&false)
            .then(|| (0..).zip(&is_something).filter(|(_, is)| **is).map(|(row, _)| row).collect());
        let Some(kept) = kept else { return self.seal(measures, users) };
        self.pick(&kept);
        let measures = measures.into_iter().filter_map(|(measure, figures)| {
            Some((measure, Figures::new(kept.iter().map(|row| figures.get(*row as usize)).collect())?))
        });
        let mut kept_users = Users::default();
        let mut places = (0..).zip(&kept);
        for (row, sketch) in users.iter() {
            if let Some((place, _)) = places.find(|(_, kept)| **kept == row) {
                kept_users.push(place, sketch);
            }
        }
        let measures = measures.collect();
        self.seal(measures, kept_users)
    }

    /// Leaves the keys of these rows only, in this order.
    fn pick(&mut self, rows: &[u32]) {
        self.hours = rows.iter().map(|row| self.hours[*row as usize]).collect();
        for dim in self.dims.iter_mut().filter(|dim| !dim.codes.is_empty()) {
            dim.codes = rows.iter().map(|row| dim.codes[*row as usize]).collect();
        }
    }

    /// Keys in order and without repetition, each of something.
    fn seal(self, measures: Vec<(Measure, Figures)>, users: Users) -> Segment {
        let len = self.hours.len();
        let mut hours: Vec<(Hour, u32)> = Vec::new();
        for (row, hour) in (0..).zip(self.hours) {
            if hours.last().is_none_or(|(last, _)| *last != hour) {
                hours.push((hour, row));
            }
        }
        Segment { len, hours, dims: self.dims.map(|dim| dim.seal(len)), measures, users }
    }

    fn order(&self) -> Order {
        match self.packed() {
            Some(keys) if keys.is_sorted_by(|a, b| a < b) => Order::Rows,
            Some(keys) => {
                let mut rows: Vec<(u64, u32)> = keys.into_iter().zip(0..).collect();
                // Mostly some runs that ascend, which the standard sort merges.
                rows.sort_by_key(|(key, _)| *key);
                Order::cells(&rows, |a, b| a.0 == b.0, |row| row.1)
            }
            None => {
                let key = |row: u32| {
                    let row = row as usize;
                    let codes = self.dims.iter().map(move |dim| dim.codes.get(row).copied());
                    (self.hours[row], codes)
                };
                let mut rows: Vec<u32> = (0..self.hours.len() as u32).collect();
                rows.sort_by(|a, b| {
                    let ((a, a_codes), (b, b_codes)) = (key(*a), key(*b));
                    a.cmp(&b).then_with(|| a_codes.cmp(b_codes))
                });
                let same = |a: &u32, b: &u32| key(*a).0 == key(*b).0 && key(*a).1.eq(key(*b).1);
                Order::cells(&rows, same, |row| *row)
            }
        }
    }

    /// The keys as numbers of the same order, where 64 bits are enough for that.
    fn packed(&self) -> Option<Vec<u64>> {
        let columns = self.dims.iter().map(|dim| (dim.values.len(), &dim.codes[..]));
        pack(&self.hours, columns.filter(|(_, codes)| !codes.is_empty()))
    }
}

/// Hours and codes in one number per row that has the order of the keys; none where 64 bits are too few.
///
/// A column is the number of its values and its codes.
fn pack<'c>(hours: &[Hour], columns: impl Iterator<Item = (usize, &'c [u32])> + Clone) -> Option<Vec<u64>> {
    let first = hours.iter().min().map_or(0, |hour| i64::from(hour.0));
    let last = hours.iter().max().map_or(0, |hour| i64::from(hour.0));
    let bits = |values: u64| u64::BITS - values.saturating_sub(1).leading_zeros();
    let widths = columns.clone().map(|(values, _)| bits(values as u64));
    if bits((last - first) as u64 + 1) + widths.sum::<u32>() > u64::BITS {
        return None;
    }
    let mut keys: Vec<u64> = hours.iter().map(|hour| (i64::from(hour.0) - first) as u64).collect();
    for (values, codes) in columns {
        let bits = bits(values as u64);
        for (key, code) in keys.iter_mut().zip(codes) {
            *key = *key << bits | u64::from(*code);
        }
    }
    Some(keys)
}

impl Order {
    /// Of rows in order, of which neighbours may be of one cell.
    fn cells<R>(ordered: &[R], same: impl Fn(&R, &R) -> bool, row: impl Fn(&R) -> u32) -> Order {
        let (mut cell_of, mut rows) = (vec![0; ordered.len()], Vec::with_capacity(ordered.len()));
        for (place, one) in ordered.iter().enumerate() {
            if place == 0 || !same(&ordered[place - 1], one) {
                rows.push(row(one));
            }
            cell_of[row(one) as usize] = rows.len() as u32 - 1;
        }
        Order::Cells { cell_of, rows }
    }

    fn figures(&self, source: Source<'_>, cells: usize) -> Vec<i64> {
        let parts = match (source, self) {
            (Source::Whole(figures), Order::Rows) => return figures,
            (Source::Whole(figures), Order::Cells { cell_of, .. }) => {
                let mut sums = vec![0i64; cells];
                for (cell, figure) in cell_of.iter().zip(figures) {
                    let sum = &mut sums[*cell as usize];
                    *sum = sum.wrapping_add(figure);
                }
                return sums;
            }
            (Source::Parts(parts), _) => parts,
        };
        let mut sums = vec![0i64; cells];
        for (first, figures, range) in parts {
            by_width!(figures, figures => match self {
                Order::Rows => {
                    for (sum, figure) in sums[first..].iter_mut().zip(&figures[range]) {
                        *sum = i64::from(*figure);
                    }
                }
                Order::Cells { cell_of, .. } => {
                    for (cell, figure) in cell_of[first..].iter().zip(&figures[range]) {
                        let sum = &mut sums[*cell as usize];
                        *sum = sum.wrapping_add(i64::from(*figure));
                    }
                }
            });
        }
        sums
    }

    fn users(&self, mut users: Vec<(u32, SketchView<'_>)>) -> Users {
        if let Order::Cells { cell_of, .. } = self {
            users.iter_mut().for_each(|(row, _)| *row = cell_of[*row as usize]);
            users.sort_by_key(|(cell, _)| *cell);
        }
        let mut merged = Users::default();
        for of_cell in users.chunk_by(|a, b| a.0 == b.0) {
            match of_cell {
                [(cell, only)] => merged.push(*cell, *only),
                _ => {
                    let mut sketch = Sketch::default();
                    of_cell.iter().for_each(|(_, part)| sketch.absorb(*part));
                    merged.push(of_cell[0].0, sketch.view());
                }
            }
        }
        merged
    }
}

impl DraftColumn {
    /// One value for all rows.
    pub(crate) fn constant(value: Key) -> Self {
        Self { values: vec![value], codes: Vec::new() }
    }

    /// Makes the values ascend.
    fn put_in_order(&mut self) {
        if self.values.is_sorted() {
            return;
        }
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.values[*a as usize].cmp(&self.values[*b as usize]));
        let mut places = vec![0; order.len()];
        (0..).zip(&order).for_each(|(place, code)| places[*code as usize] = place);
        self.codes.iter_mut().for_each(|code| *code = places[*code as usize]);
        self.values = order.iter().map(|code| std::mem::take(&mut self.values[*code as usize])).collect();
    }

    /// The column of `rows` rows in order, with the values that they have.
    fn seal(mut self, rows: usize) -> Column {
        if self.codes.is_empty() {
            self.values.truncate(rows.min(1));
            return Column { values: self.values, codes: Codes::Same };
        }
        let mut used = vec![false; self.values.len()];
        self.codes.iter().for_each(|code| used[*code as usize] = true);
        if used.contains(&false) {
            let mut next = 0;
            let places: Vec<u32> = used
                .iter()
                .map(|used| {
                    next += u32::from(*used);
                    next.wrapping_sub(1)
                })
                .collect();
            self.codes.iter_mut().for_each(|code| *code = places[*code as usize]);
            let mut used = used.into_iter();
            self.values.retain(|_| used.next().unwrap_or(false));
        }
        let codes = Codes::new(self.codes, self.values.len());
        Column { values: self.values, codes }
    }
}
