//! What a statement may cost at most.

use std::cell::Cell;

use crate::error::{Code, Result, SqlError};
use crate::value::Value;

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
/// The most mentions of `ad_stats`: for each the hours are found that it needs, cells are asked for, and held.
pub const MAX_SCANS: usize = 20;
/// Columns of an answer or a sub-query.
pub const MAX_COLUMNS: usize = 500;
/// Sets of one `GROUP BY`: a cube of six columns.
pub const MAX_SETS: usize = 64;
/// Rows of an answer: about 10 MB of JSON.
pub const MAX_ROWS: usize = 100_000;
/// Bytes of what is kept at once: rows to be sorted, groups, tables to be joined.
pub const MAX_KEPT_BYTES: u64 = 48 << 20;
/// Bytes of a text that is calculated: more than a statement can write out.
pub const MAX_TEXT_BYTES: usize = 256 << 10;
/// Bytes of the texts of an answer: on their way out there are some copies of them.
pub const MAX_ANSWER_BYTES: u64 = 16 << 20;
/// Parts of expressions evaluated for rows, and what else takes about as long: some seconds.
///
/// A clock is no measure: on the platform it stands still while a request computes.
pub const MAX_WORK: u64 = 60_000_000;
/// The same for a constant that is worked out before: one that is more work is left to the rows.
const MAX_FOLDING_WORK: u64 = 1_000;
/// The same for the hours that a statement needs: where it is more, conditions are left to the rows.
const MAX_PLANNING_WORK: u64 = 4_000_000;
/// Bytes of a text that are looked at or written in one step.
const BYTES_PER_STEP: usize = 16;
/// Columns of a row that are copied in one step.
const COLUMNS_PER_STEP: usize = 4;
/// A text of so many bytes is nothing beside the value that it is.
const SHORT_TEXT_BYTES: usize = 64;

/// Counts what a statement costs.
#[derive(Debug)]
pub(crate) struct Meter {
    work: Cell<u64>,
    kept: Cell<u64>,
    max_work: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { work: Cell::new(0), kept: Cell::new(0), max_work: MAX_WORK }
    }
}

/// Texts that are held while a row is looked at; they are let go with it.
#[derive(Debug)]
pub(crate) struct Held<'m> {
    meter: &'m Meter,
    bytes: usize,
}

impl Held<'_> {
    /// One value more: if it is a long text, it is looked at and held.
    pub(crate) fn add(&mut self, value: &Value) -> Result<()> {
        let bytes = value.text_bytes();
        if bytes <= SHORT_TEXT_BYTES {
            return Ok(());
        }
        self.bytes += bytes;
        self.meter.look(bytes)?;
        self.meter.keep(bytes)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.meter.release(self.bytes);
    }
}

impl Meter {
    /// For a constant.
    pub(crate) fn folding() -> Self {
        Self { max_work: MAX_FOLDING_WORK, ..Self::default() }
    }

    /// For the hours that are needed.
    pub(crate) fn planning() -> Self {
        Self { max_work: MAX_PLANNING_WORK, ..Self::default() }
    }

    /// Some work was done.
    pub(crate) fn work(&self, parts: u64) -> Result<()> {
        let work = self.work.get().saturating_add(parts);
        self.work.set(work);
        if work > self.max_work {
            let text = format!("takes more than {} steps: ask for fewer rows", self.max_work);
            return Err(SqlError::new(Code::TooMuchWork, text));
        }
        Ok(())
    }

    /// So many bytes of texts are looked at.
    pub(crate) fn look(&self, bytes: usize) -> Result<()> {
        self.work((bytes / BYTES_PER_STEP) as u64)
    }

    /// A text of so many bytes will be made.
    pub(crate) fn make(&self, bytes: usize) -> Result<()> {
        if bytes > MAX_TEXT_BYTES {
            let text = format!("makes a text of {bytes} bytes, at most {MAX_TEXT_BYTES}");
            return Err(SqlError::new(Code::TooMuchWork, text));
        }
        self.look(bytes)
    }

    /// The values of a row, which are held until it is done with; none yet.
    pub(crate) fn holding(&self) -> Held<'_> {
        Held { meter: self, bytes: 0 }
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

    /// Some bytes are let go.
    pub(crate) fn release(&self, bytes: usize) {
        self.kept.set(self.kept.get().saturating_sub(bytes as u64));
    }

    /// How much work was done.
    pub(crate) fn done(&self) -> u64 {
        self.work.get()
    }
}

/// What copying a row of so many columns costs.
pub(crate) fn copying(columns: usize) -> u64 {
    columns.div_ceil(COLUMNS_PER_STEP) as u64
}
