//! Columns of numbers in the narrowest width that holds them: what a query reads is what it costs.

use std::ops::Range;

/// Places in a dictionary, one per row.
///
/// The width follows from the number of values in the dictionary, so that equal columns are equal here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Codes {
    /// Every row has the first value, or there is no row.
    #[default]
    Same,
    /// Up to 2^8 values.
    Byte(Vec<u8>),
    /// Up to 2^16 values.
    Short(Vec<u16>),
    /// More.
    Word(Vec<u32>),
}

/// Figures, one per row.
///
/// The width follows from the least and the greatest, so that equal columns are equal here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Figures {
    /// 0 to 2^8 - 1.
    Byte(Vec<u8>),
    /// 0 to 2^16 - 1.
    Short(Vec<u16>),
    /// 0 to 2^32 - 1.
    Word(Vec<u32>),
    /// All others.
    Wide(Vec<i64>),
}

/// Evaluates an expression over the plain vector of [`Codes`] or [`Figures`], once per width.
macro_rules! by_width {
    ($figures:expr, $values:ident => $body:expr) => {{
        #[allow(
            clippy::useless_conversion,
            clippy::let_unit_value,
            reason = "it is one for the width that is the widest"
        )]
        let result = match $figures {
            $crate::segment::narrow::Figures::Byte($values) => $body,
            $crate::segment::narrow::Figures::Short($values) => $body,
            $crate::segment::narrow::Figures::Word($values) => $body,
            $crate::segment::narrow::Figures::Wide($values) => $body,
        };
        result
    }};
    ($codes:expr, same => $same:expr, $values:ident => $body:expr) => {{
        #[allow(
            clippy::useless_conversion,
            clippy::let_unit_value,
            reason = "it is one for the width that is the widest"
        )]
        let result = match $codes {
            $crate::segment::narrow::Codes::Same => $same,
            $crate::segment::narrow::Codes::Byte($values) => $body,
            $crate::segment::narrow::Codes::Short($values) => $body,
            $crate::segment::narrow::Codes::Word($values) => $body,
        };
        result
    }};
}
pub(crate) use by_width;

impl Codes {
    /// Codes of a dictionary of `values` values, each of them less than `values`.
    pub(crate) fn new(codes: Vec<u32>, values: usize) -> Self {
        match values {
            0 | 1 => Codes::Same,
            2..=0x100 => Codes::Byte(codes.iter().map(|code| *code as u8).collect()),
            0x101..=0x1_0000 => Codes::Short(codes.iter().map(|code| *code as u16).collect()),
            _ => Codes::Word(codes),
        }
    }

    /// The code of a row.
    pub(crate) fn get(&self, row: usize) -> u32 {
        by_width!(self, same => 0, codes => u32::from(codes[row]))
    }

    /// Appends the codes of some rows.
    pub(crate) fn copy_to(&self, rows: Range<usize>, out: &mut Vec<u32>) {
        by_width!(
            self,
            same => out.resize(out.len() + rows.len(), 0),
            codes => out.extend(codes[rows].iter().map(|code| u32::from(*code)))
        );
    }
}

impl Figures {
    /// The figures; none where all are zero.
    pub(crate) fn new(figures: Vec<i64>) -> Option<Self> {
        let (least, greatest) =
            figures.iter().fold((0, 0), |(least, greatest), one| (*one.min(&least), *one.max(&greatest)));
        if (least, greatest) == (0, 0) {
            return None;
        }
        Some(match (least, greatest) {
            (0, ..=0xff) => Figures::Byte(figures.iter().map(|one| *one as u8).collect()),
            (0, ..=0xffff) => Figures::Short(figures.iter().map(|one| *one as u16).collect()),
            (0, ..=0xffff_ffff) => Figures::Word(figures.iter().map(|one| *one as u32).collect()),
            _ => Figures::Wide(figures),
        })
    }

    /// The figure of a row.
    pub(crate) fn get(&self, row: usize) -> i64 {
        by_width!(self, figures => i64::from(figures[row]))
    }

    /// Appends the figures of some rows.
    pub(crate) fn copy_to(&self, rows: Range<usize>, out: &mut Vec<i64>) {
        by_width!(self, figures => out.extend(figures[rows].iter().map(|one| i64::from(*one))));
    }

    /// The sum of all rows.
    pub(crate) fn sum(&self) -> i64 {
        by_width!(self, figures => figures.iter().fold(0i64, |sum, one| sum.wrapping_add(i64::from(*one))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_width_is_taken() {
        fn check(figures: &[i64], expected: Option<Figures>) {
            let narrow = Figures::new(figures.to_vec());
            assert_eq!(narrow, expected);
            if let Some(narrow) = narrow {
                let mut wide = Vec::new();
                narrow.copy_to(0..figures.len(), &mut wide);
                assert_eq!(wide, figures);
                assert_eq!(narrow.sum(), figures.iter().sum::<i64>());
                assert_eq!(narrow.get(figures.len() - 1), figures[figures.len() - 1]);
            }
        }
        check(&[], None);
        check(&[0, 0], None);
        check(&[0, 255], Some(Figures::Byte(vec![0, 255])));
        check(&[256, 0], Some(Figures::Short(vec![256, 0])));
        check(&[65_536], Some(Figures::Word(vec![65_536])));
        check(&[1 << 32], Some(Figures::Wide(vec![1 << 32])));
        check(&[5, -1], Some(Figures::Wide(vec![5, -1])));
    }

    #[test]
    fn codes_of_any_width() {
        for values in [2usize, 256, 257, 65_536, 65_537] {
            let codes = vec![0, values as u32 - 1, 1];
            let narrow = Codes::new(codes.clone(), values);
            let mut wide = vec![7];
            narrow.copy_to(0..3, &mut wide);
            assert_eq!(wide, [&[7], &codes[..]].concat());
            assert_eq!(narrow.get(1), codes[1]);
        }
        assert_eq!(Codes::new(vec![0, 0], 1), Codes::Same);
    }
}
