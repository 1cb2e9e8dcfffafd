//! Sums of columns by number of the group.

use std::ops::Range;

use crate::segment::narrow::{Figures, by_width};

/// Columns that are added up together, so that their group is looked up once.
const TOGETHER: usize = 4;

/// Rows take turns between lanes: those next to each other are often of one group, and adding to what was just added
/// to waits for it.
const LANES: usize = 2;

/// Columns of figures, and what was added up of them.
pub(super) struct Sums<'s> {
    narrow: Vec<Bundle<'s, u32>>,
    wide: Vec<Bundle<'s, i64>>,
}

/// Up to [`TOGETHER`] columns, whose figures are looked at as `T`.
struct Bundle<'s, T> {
    /// The columns and their places among all.
    columns: Vec<(usize, &'s Figures)>,
    /// Figures of a block that are not a `T` where they lie.
    copies: [Vec<T>; TOGETHER],
    sums: Lanes,
}

/// The sums of some columns by number, by how many columns there are.
enum Lanes {
    One(Vec<[[i64; 1]; LANES]>),
    Two(Vec<[[i64; 2]; LANES]>),
    Three(Vec<[[i64; 3]; LANES]>),
    Four(Vec<[[i64; 4]; LANES]>),
}

/// A width in which figures are added up.
trait Lane: Copy + Default + Into<i64> {
    /// The figures of some rows, or of those of them that were picked; copied where they lie in another width.
    fn figures<'f>(
        column: &'f Figures,
        rows: Range<usize>,
        picked: Option<&[u32]>,
        copy: &'f mut Vec<Self>,
    ) -> &'f [Self];
}

impl<'s> Sums<'s> {
    pub(super) fn new(columns: &[&'s Figures]) -> Self {
        let columns = columns.iter().copied().enumerate();
        let (wide, narrow): (Vec<_>, Vec<_>) =
            columns.partition(|(_, column)| matches!(column, Figures::Wide(_)));
        Self { narrow: bundles(&narrow), wide: bundles(&wide) }
    }

    /// Adds the figures of a block of rows, or of those of them that were picked, each to the sum of its number.
    pub(super) fn add(
        &mut self,
        groups: usize,
        numbers: &[u32],
        rows: &Range<usize>,
        picked: Option<&[u32]>,
    ) {
        self.narrow.iter_mut().for_each(|bundle| bundle.add(groups, numbers, rows, picked));
        self.wide.iter_mut().for_each(|bundle| bundle.add(groups, numbers, rows, picked));
    }

    /// The sums by number, one vector per column.
    pub(super) fn finish(self, groups: usize) -> Vec<Vec<i64>> {
        let narrow = self.narrow.into_iter().flat_map(|bundle| bundle.finish(groups));
        let mut columns: Vec<(usize, Vec<i64>)> = narrow.collect();
        columns.extend(self.wide.into_iter().flat_map(|bundle| bundle.finish(groups)));
        columns.sort_unstable_by_key(|(place, _)| *place);
        columns.into_iter().map(|(_, sums)| sums).collect()
    }
}

fn bundles<'s, T>(columns: &[(usize, &'s Figures)]) -> Vec<Bundle<'s, T>> {
    let bundle = |columns: &[(usize, &'s Figures)]| Bundle {
        columns: columns.to_vec(),
        copies: std::array::from_fn(|_| Vec::new()),
        sums: match columns.len() {
            1 => Lanes::One(Vec::new()),
            2 => Lanes::Two(Vec::new()),
            3 => Lanes::Three(Vec::new()),
            _ => Lanes::Four(Vec::new()),
        },
    };
    columns.chunks(TOGETHER).map(bundle).collect()
}

impl<T: Lane> Bundle<'_, T> {
    fn add(&mut self, groups: usize, numbers: &[u32], rows: &Range<usize>, picked: Option<&[u32]>) {
        let mut columns = self.columns.iter().zip(&mut self.copies);
        // A bundle has as many columns as its lanes say; none is missing.
        let mut next = || match columns.next() {
            Some(((_, column), copy)) => T::figures(column, rows.clone(), picked, copy),
            None => &[],
        };
        match &mut self.sums {
            Lanes::One(sums) => add_up(sums, groups, numbers, [next()]),
            Lanes::Two(sums) => add_up(sums, groups, numbers, [next(), next()]),
            Lanes::Three(sums) => add_up(sums, groups, numbers, [next(), next(), next()]),
            Lanes::Four(sums) => add_up(sums, groups, numbers, [next(), next(), next(), next()]),
        }
    }

    fn finish(self, groups: usize) -> impl Iterator<Item = (usize, Vec<i64>)> {
        let sums = match self.sums {
            Lanes::One(sums) => finished(sums, groups),
            Lanes::Two(sums) => finished(sums, groups),
            Lanes::Three(sums) => finished(sums, groups),
            Lanes::Four(sums) => finished(sums, groups),
        };
        self.columns.into_iter().map(|(place, _)| place).zip(sums)
    }
}

impl Lane for u32 {
    fn figures<'f>(
        column: &'f Figures,
        rows: Range<usize>,
        picked: Option<&[u32]>,
        copy: &'f mut Vec<u32>,
    ) -> &'f [u32] {
        copy.clear();
        match (column, picked) {
            (Figures::Word(figures), None) => return &figures[rows],
            (Figures::Byte(figures), None) => copy.extend(figures[rows].iter().map(|one| u32::from(*one))),
            (Figures::Short(figures), None) => copy.extend(figures[rows].iter().map(|one| u32::from(*one))),
            (Figures::Byte(figures), Some(picked)) => gather(&figures[rows], picked, copy),
            (Figures::Short(figures), Some(picked)) => gather(&figures[rows], picked, copy),
            (Figures::Word(figures), Some(picked)) => gather(&figures[rows], picked, copy),
            // Wide columns are in bundles of their own.
            (Figures::Wide(_), _) => {}
        }
        copy
    }
}

impl Lane for i64 {
    fn figures<'f>(
        column: &'f Figures,
        rows: Range<usize>,
        picked: Option<&[u32]>,
        copy: &'f mut Vec<i64>,
    ) -> &'f [i64] {
        copy.clear();
        match (column, picked) {
            (Figures::Wide(figures), None) => return &figures[rows],
            (column, Some(picked)) => by_width!(column, figures => gather(&figures[rows], picked, copy)),
            (column, None) => column.copy_to(rows, copy),
        }
        copy
    }
}

fn gather<F: Copy, T: From<F>>(figures: &[F], picked: &[u32], copy: &mut Vec<T>) {
    copy.extend(picked.iter().map(|row| T::from(figures[*row as usize])));
}

fn add_up<T: Lane, const COLUMNS: usize>(
    sums: &mut Vec<[[i64; COLUMNS]; LANES]>,
    groups: usize,
    numbers: &[u32],
    figures: [&[T]; COLUMNS],
) {
    if sums.len() < groups {
        sums.resize(groups, [[0; COLUMNS]; LANES]);
    }
    let sums = &mut sums[..groups];
    let (pairs, rest) = numbers.as_chunks::<LANES>();
    let figures = figures.map(|figures| &figures[..numbers.len()]);
    let chunks = figures.map(|figures| &figures.as_chunks::<LANES>().0[..pairs.len()]);
    for (place, pair) in pairs.iter().enumerate() {
        for lane in 0..LANES {
            let sum = &mut sums[pair[lane] as usize][lane];
            for column in 0..COLUMNS {
                sum[column] = sum[column].wrapping_add(chunks[column][place][lane].into());
            }
        }
    }
    for (number, place) in rest.iter().zip(LANES * pairs.len()..) {
        let sum = &mut sums[*number as usize][0];
        for column in 0..COLUMNS {
            sum[column] = sum[column].wrapping_add(figures[column][place].into());
        }
    }
}

fn finished<const COLUMNS: usize>(mut sums: Vec<[[i64; COLUMNS]; LANES]>, groups: usize) -> Vec<Vec<i64>> {
    sums.resize(groups, [[0; COLUMNS]; LANES]);
    let of_column = |column: usize| {
        let total = |lanes: &[[i64; COLUMNS]; LANES]| {
            lanes.iter().fold(0i64, |total, lane| total.wrapping_add(lane[column]))
        };
        sums.iter().map(total).collect()
    };
    (0..COLUMNS).map(of_column).collect()
}
