//! Which rows of a segment pass the filters of a plan.

use std::ops::Range;

use super::super::Plan;
use super::Span;
use crate::cell::Dimension;
use crate::segment::Segment;
use crate::segment::narrow::{Codes, by_width};

/// Runs of codes are looked up one by one in hours with more rows per run than this; else all rows are tested.
const ROWS_PER_LOOKUP: usize = 64;

/// Codes are compared with the ends of that many runs, a word of them at a time; where there are more they are looked up.
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
    /// The ends of the runs in every lane of a word, where codes can be compared that way.
    ends: Option<Vec<(u64, u64)>>,
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
                let ends = ends(&column.codes, passes.len(), &runs);
                selection.tests.push(Tested { dimension, codes: &column.codes, passes, runs, ends });
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
        first.pick(rows.clone(), &mut self.flags, picked);
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
    /// Notes the places in `rows` of those that pass.
    fn pick(&self, rows: Range<usize>, flags: &mut Vec<u8>, places: &mut Vec<u32>) {
        match (self.codes, &self.ends) {
            (Codes::Byte(codes), Some(ends)) => {
                pick_by_word(&codes[rows], |word| u64::from_le_bytes(*word), ends, &self.passes, places);
            }
            (Codes::Short(codes), Some(ends)) => {
                let word = |[a, b, c, d]: &[u16; 4]| {
                    u64::from(*a) | u64::from(*b) << 16 | u64::from(*c) << 32 | u64::from(*d) << 48
                };
                pick_by_word(&codes[rows], word, ends, &self.passes, places);
            }
            (codes, _) => {
                by_width!(codes, same => {}, codes => {
                    let passes = |code| self.passes[code as usize];
                    flags.clear();
                    flags.extend(codes[rows].iter().map(|code| passes(*code)));
                    compress(flags, places);
                });
            }
        }
    }
}

/// The lowest bit of each lane of a word with so many lanes.
const fn low_bits(lanes: usize) -> u64 {
    u64::MAX / (u64::MAX >> (u64::BITS - u64::BITS / lanes as u32))
}

/// The first code of each run and the one behind its last, in every lane; none where codes may need the highest bit of theirs,
/// or there are too many runs.
fn ends(codes: &Codes, values: usize, runs: &[Range<u32>]) -> Option<Vec<(u64, u64)>> {
    let (lanes, most) = match codes {
        Codes::Byte(_) => (8, 1 << 7),
        Codes::Short(_) => (4, 1 << 15),
        Codes::Same | Codes::Word(_) => return None,
    };
    let everywhere = |code: u32| u64::from(code) * low_bits(lanes);
    let fits = values <= most && runs.len() <= MAX_COMPARED_RUNS;
    fits.then(|| runs.iter().map(|run| (everywhere(run.start), everywhere(run.end))).collect())
}

/// Notes the places of codes within one of the runs, a word of them at a time, in arithmetic that is the same wherever
/// this runs: without vector instructions too.
///
/// A lane is compared by taking the end from the code with its highest bit set: the bit stays where the code is as large.
fn pick_by_word<C: Copy + Into<u32>, const LANES: usize>(
    codes: &[C],
    word: impl Fn(&[C; LANES]) -> u64,
    ends: &[(u64, u64)],
    passes: &[u8],
    places: &mut Vec<u32>,
) {
    let bits = u64::BITS / LANES as u32;
    let high = low_bits(LANES) << (bits - 1);
    places.clear();
    places.resize(codes.len() + 1, 0);
    let mut count = 0;
    let (words, rest) = codes.as_chunks::<LANES>();
    for (first, codes) in (0..).step_by(LANES).zip(words) {
        let above = word(codes) | high;
        let within =
            ends.iter().fold(0, |within, (start, end)| within | (above - start) & !(above - end)) & high;
        // Often none of neighbours passes.
        if within != 0 {
            let mut flags = within >> (bits - 1);
            // Which of them pass cannot be foreseen.
            for place in first..first + LANES as u32 {
                places[count] = place;
                count += (flags & 1) as usize;
                flags = flags.wrapping_shr(bits);
            }
        }
    }
    for (place, code) in (LANES as u32 * words.len() as u32..).zip(rest) {
        places[count] = place;
        count += usize::from(passes[(*code).into() as usize]);
    }
    places.truncate(count);
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

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Every code, in every lane and behind the last whole word.
    #[wasm_bindgen_test(unsupported = test)]
    fn codes_that_pass_are_picked() {
        fn check(values: usize, passing: &[(u32, u32)], by_word: bool) {
            let mut passes = vec![0; values];
            passing.iter().for_each(|(from, to)| passes[*from as usize..*to as usize].fill(1));
            let runs = runs(&passes);
            for shift in 0..9 {
                let codes: Vec<u32> =
                    (0..2 * values as u32 + shift).map(|n| (n * 7 + shift) % values as u32).collect();
                let expected: Vec<u32> = (0..)
                    .zip(&codes)
                    .filter(|(_, code)| passes[**code as usize] == 1)
                    .map(|(place, _)| place)
                    .collect();
                let codes = Codes::new(codes, values);
                let ends = ends(&codes, values, &runs);
                assert_eq!(ends.is_some(), by_word, "{values} values");
                let (rows, runs) = (0..2 * values + shift as usize, runs.clone());
                let test =
                    Tested { dimension: Dimension::Ad, codes: &codes, passes: passes.clone(), runs, ends };
                let (mut flags, mut places) = (Vec::new(), vec![7; 3]);
                test.pick(rows, &mut flags, &mut places);
                assert_eq!(places, expected, "{values} values, {passing:?}");
            }
        }
        check(2, &[(0, 1)], true);
        check(50, &[(3, 4), (17, 20), (49, 50)], true);
        check(127, &[(0, 127)], true);
        check(128, &[(0, 1), (127, 128)], true);
        check(128, &[], true);
        check(129, &[(1, 2), (128, 129)], false);
        check(256, &[(254, 256)], false);
        check(300, &[(0, 1), (299, 300)], true);
        check(1 << 15, &[(1, 3), ((1 << 15) - 1, 1 << 15)], true);
        check((1 << 15) + 1, &[(1 << 15, (1 << 15) + 1)], false);
        check(70_000, &[(69_999, 70_000)], false);
        let many: Vec<_> = (0..9).map(|n| (3 * n, 3 * n + 1)).collect();
        check(50, &many, false);
        check(50, &many[1..], true);
    }
}
