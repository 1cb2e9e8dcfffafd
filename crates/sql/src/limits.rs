//! What a statement may cost at most.

use std::cell::Cell;

use crate::error::{Code, Result, SqlError};

/// Bytes of a statement: a generated one with a thousand names in a list has a tenth of it.
pub const MAX_BYTES: usize = 100_000;
/// Words, names, numbers and signs of a statement.
pub const MAX_TOKENS: usize = 20_000;
/// Brackets, sub-queries and operators within each other: each takes some of a stack of one megabyte.
pub const MAX_DEPTH: usize = 400;
/// How deep brackets and sub-queries may be: the parser takes many frames for each.
pub const MAX_NESTING: usize = 40;
/// Tables, sub-queries and the like, where a `WITH` counts each time it is used.
pub const MAX_NODES: usize = 500;
/// Columns of an answer or a sub-query.
pub const MAX_COLUMNS: usize = 500;
/// Sets of one `GROUP BY`: a cube of six columns.
pub const MAX_SETS: usize = 64;
/// Rows of an answer: about 10 MB of JSON.
pub const MAX_ROWS: usize = 100_000;
/// Bytes of what is kept at once: rows to be sorted, groups, tables to be joined.
pub const MAX_KEPT_BYTES: u64 = 48 << 20;
/// Parts of expressions evaluated for rows: some seconds.
///
/// A clock is no measure: on the platform it stands still while a request computes.
pub const MAX_WORK: u64 = 100_000_000;

/// Counts what a statement costs.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    work: Cell<u64>,
    kept: Cell<u64>,
}

impl Meter {
    /// Some work was done.
    pub(crate) fn work(&self, parts: u64) -> Result<()> {
        let work = self.work.get().saturating_add(parts);
        self.work.set(work);
        if work > MAX_WORK {
            let text = format!("takes more than {MAX_WORK} steps: ask for fewer rows");
            return Err(SqlError::new(Code::TooMuchWork, text));
        }
        Ok(())
    }

    /// Some bytes are kept.
    pub(crate) fn keep(&self, bytes: usize) -> Result<()> {
        let kept = self.kept.get().saturating_add(bytes as u64);
        self.kept.set(kept);
        if kept > MAX_KEPT_BYTES {
            let text = format!("holds more than {MAX_KEPT_BYTES} bytes: ask for fewer groups or rows");
            return Err(SqlError::new(Code::TooManyRows, text));
        }
        Ok(())
    }

    /// How much work was done.
    pub(crate) fn done(&self) -> u64 {
        self.work.get()
    }
}
