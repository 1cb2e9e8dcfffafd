//! Which rows of a segment pass the filters of a plan.

use std::ops::Range;

use super::super::Plan;
use super::Span;
use crate::cell::Dimension;
use crate::segment::Segment;
use crate::segment::narrow::{Codes, by_width};

/// Runs of codes are looked up one by one in hours with more rows per run than this; else all rows are tested.
const ROWS_PER_LOOKUP: usize = 64;

/// Codes are compared with the ends of that many runs, many rows at a time; a value of more runs is looked up.
const MAX_COMPARED_RUNS: usize = 8;

/// The filters of a plan, each value of a dictionary tested once.
pub(super) struct Selection<'s> {
    tests: Vec<Tested<'s>>,
    /// Whether there is a filter that no value passes.
    is_empty: bool,
    /// One per row of a block.
    flags: Vec<u8>,
}

/// A dimension of which some values pass and others do not.
struct Tested<'s> {
    dimension: Dimension,
    codes: &'s Codes,
    /// By code, 1 for those that pass.
    passes: Vec<u8>,
    /// The codes that pass, neighbours together.
    runs: Vec<Range<u32>>,
}

impl<'s> Selection<'s> {
    pub(super) fn new(plan: &Plan, segment: &'s Segment) -> Self {
        let mut selection = Selection { tests: Vec::new(), is_empty: false, flags: Vec::new() };
        for dimension in Dimension::ALL {
            let filters: Vec<_> =
                plan.filters.iter().filter(|filter| filter.dimension == dimension).collect();
            let column = segment.column(dimension);
            let passes = |value: &str| u8::from(filters.iter().all(|filter| filter.test.passes(value)));
            let passes: Vec<u8> = column.values.iter().map(|value| passes(value.as_str())).collect();
            selection.is_empty |= !passes.contains(&1);
            if passes.contains(&0) {
                let runs = runs(&passes);
                selection.tests.push(Tested { dimension, codes: &column.codes, passes, runs });
            }
        }
        selection
    }

    /// Leaves out what the order of rows tells to fail: in an hour they ascend by the first dimension that differs.
    pub(super) fn narrow(&mut self, mut spans: Vec<Span>, segment: &Segment) -> Vec<Span> {
        if self.is_empty {
            return Vec::new();
        }
        let mut dimensions = Dimension::ALL.into_iter();
        let leading = dimensions.find(|dimension| segment.column(*dimension).codes != Codes::Same);
        if let Some(place) = self.tests.iter().position(|test| Some(test.dimension) == leading) {
            let runs = &self.tests[place].runs;
            let rows: usize = spans.iter().map(|span| span.rows.len()).sum();
            if runs.len() * spans.len() * ROWS_PER_LOOKUP < rows {
                let test = self.tests.remove(place);
                let found = |span: &Span| {
                    let (hour, rows) = (span.hour, span.rows.clone());
                    let find = |run: &Range<u32>| Span { rows: lookup(test.codes, rows.clone(), run), hour };
                    test.runs.iter().map(find).filter(|span| !span.rows.is_empty()).collect::<Vec<_>>()
                };
                spans = spans.iter().flat_map(found).collect();
            }
        }
        // Neighbours of one hour are one span.
        let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if last.hour == span.hour && last.rows.end == span.rows.start => {
                    last.rows.end = span.rows.end;
                }
                _ => joined.push(span),
            }
        }
        joined
    }

    /// Whether rows have to be picked, and if so the places in `rows` of those that pass.
    pub(super) fn pick(&mut self, rows: Range<usize>, picked: &mut Vec<u32>) -> bool {
        let Some((first, others)) = self.tests.split_first() else { return false };
        first.mark(rows.clone(), &mut self.flags);
        compress(&self.flags, picked);
        for test in others {
            by_width!(test.codes, same => {}, codes => {
                let codes = &codes[rows.clone()];
                let mut kept = 0;
                for place in 0..picked.len() {
                    let row = picked[place];
                    picked[kept] = row;
                    kept += usize::from(test.passes[codes[row as usize] as usize]);
                }
                picked.truncate(kept);
            });
        }
        true
    }
}

impl Tested<'_> {
    /// Sets a flag for each of some rows that passes, and clears the others.
    fn mark(&self, rows: Range<usize>, flags: &mut Vec<u8>) {
        flags.clear();
        flags.resize(rows.len(), 0);
        match (self.codes, self.runs.len() <= MAX_COMPARED_RUNS) {
            (Codes::Byte(codes), true) => {
                for run in &self.runs {
                    let (start, length) = (run.start as u8, (run.end - run.start - 1) as u8);
                    let within = |code: &u8| u8::from(code.wrapping_sub(start) <= length);
                    flags.iter_mut().zip(&codes[rows.clone()]).for_each(|(flag, code)| *flag |= within(code));
                }
            }
            (Codes::Short(codes), true) => {
                for run in &self.runs {
                    let (start, length) = (run.start as u16, (run.end - run.start - 1) as u16);
                    let within = |code: &u16| u8::from(code.wrapping_sub(start) <= length);
                    flags.iter_mut().zip(&codes[rows.clone()]).for_each(|(flag, code)| *flag |= within(code));
                }
            }
            (codes, _) => by_width!(codes, same => {}, codes => {
                let passes = |code| self.passes[code as usize];
                flags.iter_mut().zip(&codes[rows]).for_each(|(flag, code)| *flag = passes(*code));
            }),
        }
    }
}

/// The places of the flags that are set, without a branch per flag: which are set cannot be foreseen.
fn compress(flags: &[u8], places: &mut Vec<u32>) {
    places.clear();
    places.resize(flags.len() + 1, 0);
    let mut count = 0;
    let mut take = |place: u32, flag: u8| {
        places[count] = place;
        count += usize::from(flag);
    };
    let (eights, rest) = flags.as_chunks::<8>();
    for (first, eight) in (0..).step_by(8).zip(eights) {
        // Often none of neighbours passes.
        if u64::from_ne_bytes(*eight) != 0 {
            (first..).zip(eight).for_each(|(place, flag)| take(place, *flag));
        }
    }
    let first = 8 * eights.len() as u32;
    (first..).zip(rest).for_each(|(place, flag)| take(place, *flag));
    places.truncate(count);
}

/// The codes that pass, neighbours together.
fn runs(passes: &[u8]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for (code, _) in (0..).zip(passes).filter(|(_, passes)| **passes == 1) {
        match runs.last_mut() {
            Some(last) if last.end == code => last.end += 1,
            _ => runs.push(code..code + 1),
        }
    }
    runs
}

/// The rows with a code of a run, where codes ascend in `rows`.
fn lookup(codes: &Codes, rows: Range<usize>, run: &Range<u32>) -> Range<usize> {
    by_width!(codes, same => rows, codes => {
        let first = rows.start;
        let codes = &codes[rows];
        let start = codes.partition_point(|code| u32::from(*code) < run.start);
        let length = codes[start..].partition_point(|code| u32::from(*code) < run.end);
        first + start..first + start + length
    })
}
