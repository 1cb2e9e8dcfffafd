//! Looking at a segment column by column, for engines that have plans of their own.

use super::Segment;
use crate::cell::Dimension;
use crate::key::Key;
use crate::measure::Measure;
use crate::sketch::Sketch;
use crate::time::Hour;

impl Segment {
    /// Each hour that has cells, ascending, and the number of its first row.
    pub fn hour_starts(&self) -> impl Iterator<Item = (Hour, usize)> {
        self.hour_rows().map(|(hour, rows)| (hour, rows.start))
    }

    /// The values that rows have in a dimension, ascending.
    pub fn dictionary(&self, dimension: Dimension) -> &[Key] {
        &self.column(dimension).values
    }

    /// The place of a row's value in the dictionary.
    pub fn code(&self, dimension: Dimension, row: usize) -> usize {
        self.column(dimension).codes.get(row) as usize
    }

    /// A figure of a row.
    pub fn figure(&self, measure: Measure, row: usize) -> i64 {
        let figures = self.measures().iter().find(|(one, _)| *one == measure);
        figures.map_or(0, |(_, figures)| figures.get(row))
    }

    /// The rows that have users, ascending, and their sketches.
    pub fn sketches(&self) -> impl Iterator<Item = (usize, Sketch)> {
        self.users().map(|(row, view)| {
            let mut sketch = Sketch::default();
            sketch.absorb(view);
            (row as usize, sketch)
        })
    }
}
