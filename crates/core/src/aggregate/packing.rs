//! Tuples of codes as one number each: what groups are found by.
//!
//! The codes lie side by side in 64 bits, each dimension as wide as its values need, so that a tuple costs arithmetic
//! and no table. Where a dimension gets more values than its bits hold, all of them are laid out anew; where 64 bits are
//! too few, tuples are numbered as they come.

use crate::cell::Dimension;
use crate::numbers::Numbers;

/// A code per dimension.
pub(super) type Codes = [u32; Dimension::COUNT];

/// A tuple of dimensions, for one [`Aggregator`](super::Aggregator) until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuple {
    key: u64,
    /// How the key was made, by place among the layouts.
    layout: u32,
}

/// Where codes lie in a number, the first dimension highest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout {
    shifts: [u32; Dimension::COUNT],
    masks: [u64; Dimension::COUNT],
}

/// How the tuples of an aggregator become keys.
#[derive(Debug)]
pub(super) struct Packing {
    /// The last one counts; tuples may have been made by those before.
    layouts: Vec<Layout>,
    /// In place of a layout, where 64 bits are too few.
    numbers: Option<Numbers<Codes>>,
}

impl Default for Packing {
    fn default() -> Self {
        Self { layouts: vec![Layout::default()], numbers: None }
    }
}

impl Layout {
    /// Of so many bits for each dimension, at most 64 together.
    fn new(widths: [u32; Dimension::COUNT]) -> Layout {
        let mut layout = Layout::default();
        let mut shift = 0;
        for (place, width) in widths.into_iter().enumerate().rev() {
            layout.shifts[place] = shift;
            layout.masks[place] = (1 << width) - 1;
            shift += width;
        }
        layout
    }

    /// For codes below these; `spare` bits more for each dimension, if all of that fits.
    pub(super) fn of(values: [usize; Dimension::COUNT], spare: u32) -> Option<Layout> {
        let widths =
            values.map(|values| spare + u64::BITS - (values.saturating_sub(1) as u64).leading_zeros());
        // A code has 32 bits.
        let widths = widths.map(|width| width.min(u32::BITS));
        (widths.iter().sum::<u32>() <= u64::BITS).then(|| Layout::new(widths))
    }

    /// How many bits keys have.
    pub(super) fn bits(&self) -> u32 {
        self.masks.iter().map(|mask| mask.count_ones()).sum()
    }

    /// The key of codes that it has room for; keys have the order of their codes.
    #[inline]
    pub(super) fn pack(&self, codes: &Codes) -> u64 {
        // A dimension without bits may lie behind the last one; its code is 0.
        let digits = codes.iter().zip(self.shifts).map(|(code, shift)| u64::from(*code).wrapping_shl(shift));
        digits.fold(0, |key, digit| key | digit)
    }

    /// One code of a key.
    #[inline]
    pub(super) fn code(&self, key: u64, place: usize) -> u32 {
        (key.wrapping_shr(self.shifts[place]) & self.masks[place]) as u32
    }

    /// The codes of a key.
    #[inline]
    pub(super) fn codes(&self, key: u64) -> Codes {
        std::array::from_fn(|place| self.code(key, place))
    }
}

impl Packing {
    /// The tuple of codes that there is room for.
    #[inline]
    pub(super) fn tuple(&mut self, codes: &Codes) -> Tuple {
        let key = match &mut self.numbers {
            Some(numbers) => u64::from(numbers.number(*codes)),
            None => self.layouts[self.layouts.len() - 1].pack(codes),
        };
        Tuple { key, layout: self.present() }
    }

    /// The key of a tuple, as keys are made at present.
    #[inline]
    pub(super) fn key(&mut self, tuple: Tuple) -> u64 {
        if tuple.layout == self.present() { tuple.key } else { self.packed_anew(tuple) }
    }

    #[cold]
    fn packed_anew(&mut self, tuple: Tuple) -> u64 {
        let codes = self.layouts[tuple.layout as usize].codes(tuple.key);
        self.tuple(&codes).key
    }

    /// The codes of a key, as keys are made at present.
    pub(super) fn codes(&self, key: u64) -> Codes {
        match &self.numbers {
            Some(numbers) => numbers.keys()[key as usize],
            None => self.layouts[self.layouts.len() - 1].codes(key),
        }
    }

    /// The tuples by number, where they are numbered.
    pub(super) fn numbered(&self) -> Option<&[Codes]> {
        self.numbers.as_ref().map(Numbers::keys)
    }

    /// Whether keys stay as they are with these numbers of values.
    #[inline]
    pub(super) fn has_room(&self, values: [usize; Dimension::COUNT]) -> bool {
        let masks = self.layouts[self.layouts.len() - 1].masks;
        self.numbers.is_some() || values.iter().zip(masks).all(|(values, mask)| *values as u64 <= mask + 1)
    }

    /// Makes room for these numbers of values; where keys change for that, what makes tuples of those of before.
    pub(super) fn make_room(
        &mut self,
        values: [usize; Dimension::COUNT],
    ) -> Option<impl Fn(u64) -> Tuple + use<>> {
        if self.has_room(values) {
            return None;
        }
        let before = self.present();
        // One bit to spare, so that it does not come to this with every other value.
        match Layout::of(values, 1).or_else(|| Layout::of(values, 0)) {
            Some(layout) => self.layouts.push(layout),
            None => self.numbers = Some(Numbers::default()),
        }
        Some(move |key| Tuple { key, layout: before })
    }

    /// Which way of making keys is in use: a layout, or numbers behind all layouts.
    #[inline]
    fn present(&self) -> u32 {
        self.layouts.len() as u32 - u32::from(self.numbers.is_none())
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn codes_come_out_as_they_went_in() {
        fn check(values: [usize; Dimension::COUNT], spare: u32, fits: bool) {
            let Some(layout) = Layout::of(values, spare) else { return assert!(!fits, "{values:?}") };
            assert!(fits, "{values:?}");
            let last = values.map(|values| values.saturating_sub(1) as u32);
            for codes in [[0; Dimension::COUNT], last, last.map(|code| code / 2)] {
                assert_eq!(layout.codes(layout.pack(&codes)), codes, "{values:?}");
            }
            assert!(layout.pack(&last) >= layout.pack(&last.map(|code| code / 2)));
        }
        check([0; Dimension::COUNT], 0, true);
        check([1; Dimension::COUNT], 0, true);
        check([1, 1_000, 7_000, 8, 40, 50, 4, 1], 1, true);
        // Exactly 64 bits, and none for the first; one more.
        check([1, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1, 1, 1], 0, true);
        check([2, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1, 1, 1], 0, false);
        check([1 << 8; Dimension::COUNT], 0, true);
        check([1 << 8; Dimension::COUNT], 1, false);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn tuples_of_before_stay_what_they_were() {
        let mut packing = Packing::default();
        let (mut values, mut codes) = ([1; Dimension::COUNT], [0; Dimension::COUNT]);
        let mut tuples = vec![(packing.tuple(&codes), codes)];
        let mut changes = 0;
        for round in 0..9 {
            for place in 0..Dimension::COUNT {
                values[place] = 1 << (round + 1);
                codes[place] = (1 << (round + 1)) - 1;
                changes += u32::from(packing.make_room(values).is_some());
                tuples.push((packing.tuple(&codes), codes));
            }
        }
        // 72 bits, with spare ones as long as there was room for them.
        assert!(packing.numbered().is_some() && changes < 9 * Dimension::COUNT as u32, "{changes}");
        for (tuple, codes) in tuples {
            let key = packing.key(tuple);
            assert_eq!(packing.codes(key), codes);
        }
    }
}
