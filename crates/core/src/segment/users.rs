//! The sketches of a segment's rows, side by side: most rows have few users, so each costs a number per user and
//! no allocation of its own.

use crate::sketch::{Registers, SketchView};

/// Sketches by row, ascending; rows without users are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Users {
    rows: Vec<u32>,
    /// Where the entries of each row end; they begin where those before end. A dense sketch has none.
    ends: Vec<u32>,
    entries: Vec<u32>,
    /// The dense sketches, in the order of their rows.
    dense: Vec<Box<Registers>>,
}

impl Users {
    /// How many rows have users.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows that have users, ascending.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Appends the sketch of a row behind all others; empty ones are left out.
    pub(crate) fn push(&mut self, row: u32, sketch: SketchView<'_>) {
        match sketch {
            SketchView::Sparse([]) => return,
            SketchView::Sparse(entries) => self.entries.extend_from_slice(entries),
            SketchView::Dense(registers) => self.dense.push(Box::new(*registers)),
        }
        self.rows.push(row);
        self.ends.push(self.entries.len() as u32);
    }

    /// The sketches by row, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, SketchView<'_>)> {
        let (mut start, mut dense) = (0, self.dense.iter());
        self.rows.iter().zip(&self.ends).map(move |(row, end)| {
            let entries = &self.entries[start as usize..*end as usize];
            start = *end;
            let view = match (entries, entries.is_empty().then(|| dense.next()).flatten()) {
                (_, Some(registers)) => SketchView::Dense(registers),
                (entries, None) => SketchView::Sparse(entries),
            };
            (*row, view)
        })
    }
}
