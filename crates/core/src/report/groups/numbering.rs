//! Numbers for the groups of a plan, from the codes that tell them apart.

use std::ops::Range;

use super::super::Plan;
use crate::numbers::Numbers;
use crate::segment::Segment;
use crate::segment::narrow::{Codes, by_width};

/// The most numbers that are given out whether or not there is such a group: sums of that many stay in near memory.
const MAX_DIRECT: u64 = 1 << 15;

/// Numbers groups: by arithmetic where there are few combinations of codes, else as they come.
pub(super) struct Numbering<'s> {
    columns: Vec<&'s Codes>,
    /// How many hours there are, then how many values each column has.
    radices: Vec<u64>,
    stages: Vec<Stage>,
    keys: Vec<u64>,
}

/// Some columns, numbered together with what the stage before made of those before them.
struct Stage {
    columns: Range<usize>,
    /// None where the key itself is the number.
    seen: Option<Numbers<u64>>,
}

impl<'s> Numbering<'s> {
    pub(super) fn new(plan: &Plan, segment: &'s Segment, hours: usize) -> Self {
        let kept: Vec<_> = plan.keep.iter().map(|dimension| segment.column(*dimension)).collect();
        let values = kept.iter().map(|column| column.values.len().max(1) as u64);
        let radices: Vec<u64> = [hours.max(1) as u64].into_iter().chain(values).collect();
        let columns: Vec<&Codes> = kept.iter().map(|column| &column.codes).collect();
        let product =
            |radices: &[u64]| radices.iter().try_fold(1u64, |product, one| product.checked_mul(*one));
        let stages = if product(&radices).is_some_and(|product| product <= MAX_DIRECT) {
            vec![Stage { columns: 0..columns.len(), seen: None }]
        } else {
            // As many columns at a time as 64 bits hold; there are less than 2^32 groups of those before.
            let mut stages: Vec<Stage> = Vec::new();
            let (mut start, mut room) = (0, u64::MAX / radices[0]);
            for (place, radix) in radices[1..].iter().enumerate() {
                if room < *radix {
                    stages.push(Stage { columns: start..place, seen: Some(Numbers::default()) });
                    (start, room) = (place, u64::from(u32::MAX));
                }
                room /= radix;
            }
            stages.push(Stage { columns: start..columns.len(), seen: Some(Numbers::default()) });
            stages
        };
        Self { columns, radices, stages, keys: Vec::new() }
    }

    /// How many numbers were given out.
    pub(super) fn len(&self) -> usize {
        match &self.stages[self.stages.len() - 1].seen {
            Some(seen) => seen.keys().len(),
            // At most `MAX_DIRECT`.
            None => self.radices.iter().product::<u64>() as usize,
        }
    }

    /// The numbers of some rows of one hour, or of those of them that were picked.
    pub(super) fn number(
        &mut self,
        hour: u32,
        rows: Range<usize>,
        picked: Option<&[u32]>,
        out: &mut Vec<u32>,
    ) {
        out.clear();
        let count = picked.map_or(rows.len(), <[u32]>::len);
        if self.stages[0].seen.is_none() {
            return self.number_directly(hour, rows, picked, out);
        }
        out.resize(count, hour);
        for stage in &mut self.stages {
            let columns = stage.columns.clone().map(|place| (self.columns[place], self.radices[place + 1]));
            let Some(seen) = &mut stage.seen else { continue };
            self.keys.clear();
            self.keys.extend(out.iter().map(|number| u64::from(*number)));
            columns.for_each(|(codes, radix)| append(codes, radix, rows.clone(), picked, &mut self.keys));
            let mut last = None;
            for (number, key) in out.iter_mut().zip(&self.keys) {
                *number = match last {
                    Some((same, number)) if same == *key => number,
                    _ => seen.number(*key),
                };
                last = Some((*key, *number));
            }
        }
    }

    /// By arithmetic: as few passes over the rows as there are columns, at most, since few instructions is all that there
    /// is to be gained without vector instructions.
    fn number_directly(&self, hour: u32, rows: Range<usize>, picked: Option<&[u32]>, out: &mut Vec<u32>) {
        let columns = self.columns.iter().zip(&self.radices[1..]);
        // At most `MAX_DIRECT`, so 32 bits hold all.
        let mut columns = columns
            .filter(|(codes, _)| **codes != &Codes::Same)
            .map(|(codes, radix)| (*codes, *radix as u32));
        let Some((first, radix)) = columns.next() else {
            return out.resize(picked.map_or(rows.len(), <[u32]>::len), hour);
        };
        let base = hour * radix;
        match (first, columns.clone().next(), picked) {
            (Codes::Byte(first), Some((Codes::Byte(second), radix)), None) => {
                let pairs = first[rows.clone()].iter().zip(&second[rows.clone()]);
                out.extend(pairs.map(|(one, other)| (base + u32::from(*one)) * radix + u32::from(*other)));
                columns.next();
            }
            (first, _, None) => by_width!(first, same => {}, codes => {
                out.extend(codes[rows.clone()].iter().map(|code| base + u32::from(*code)));
            }),
            (first, _, Some(picked)) => by_width!(first, same => {}, codes => {
                let codes = &codes[rows.clone()];
                out.extend(picked.iter().map(|row| base + u32::from(codes[*row as usize])));
            }),
        }
        columns.for_each(|(codes, radix)| append(codes, radix, rows.clone(), picked, out));
    }

    /// Per number the place of its hour, and per column its codes.
    pub(super) fn names(&self, numbers: &[u32]) -> (Vec<u32>, Vec<Vec<u32>>) {
        let mut before = numbers.to_vec();
        let mut codes = vec![Vec::new(); self.columns.len()];
        for stage in self.stages.iter().rev() {
            let mut keys: Vec<u64> = match &stage.seen {
                Some(seen) => before.iter().map(|number| seen.keys()[*number as usize]).collect(),
                None => before.iter().map(|number| u64::from(*number)).collect(),
            };
            for place in stage.columns.clone().rev() {
                let radix = self.radices[place + 1];
                codes[place] = keys.iter().map(|key| (key % radix) as u32).collect();
                keys.iter_mut().for_each(|key| *key /= radix);
            }
            before = keys.into_iter().map(|key| key as u32).collect();
        }
        (before, codes)
    }
}

/// Puts a digit behind each number: the code of its row.
fn append<T: Digit>(codes: &Codes, radix: T, rows: Range<usize>, picked: Option<&[u32]>, numbers: &mut [T]) {
    by_width!(codes, same => {}, codes => {
        let codes = &codes[rows];
        match picked {
            None => {
                for (number, code) in numbers.iter_mut().zip(codes) {
                    *number = number.append(radix, u32::from(*code));
                }
            }
            Some(picked) => {
                for (number, row) in numbers.iter_mut().zip(picked) {
                    *number = number.append(radix, u32::from(codes[*row as usize]));
                }
            }
        }
    });
}

/// Numbers that are wide enough for every combination of codes.
trait Digit: Copy {
    /// The number with one more digit.
    fn append(self, radix: Self, digit: u32) -> Self;
}

impl Digit for u32 {
    fn append(self, radix: u32, digit: u32) -> u32 {
        self.wrapping_mul(radix).wrapping_add(digit)
    }
}

impl Digit for u64 {
    fn append(self, radix: u64, digit: u32) -> u64 {
        self.wrapping_mul(radix).wrapping_add(u64::from(digit))
    }
}
