//! The segment of one scope, from groups by hour.

use super::Aggregator;
use super::hourly::{Hourly, NEAR, Reached};
use super::packing::{Codes, Layout, Packing};
use super::radix;
use crate::cell::{Dimension, Scope};
use crate::key::Key;
use crate::measure::Measure;
use crate::segment::Segment;
use crate::segment::draft::{Draft, DraftColumn, Source};
use crate::time::Hour;

/// By measure a figure per row; none where it did not come.
type Columns = [Option<Vec<i64>>; Measure::ALL.len()];

/// The order of cells of a scope, as numbers that are made of the keys of groups.
struct Order<'a> {
    packing: &'a Packing,
    /// The place of the dimension that all its tuples have the same value of, and the code of that.
    within: Option<(usize, u32)>,
    /// By dimension that the scope keeps the values, ascending, and by code the place among them.
    values: [Vec<Key>; Dimension::COUNT],
    places: [Vec<u32>; Dimension::COUNT],
    ranks: Ranks,
}

/// How the places of a tuple become a number of the same order.
enum Ranks {
    /// Side by side.
    Packed(Layout),
    /// Where that needs too many bits: by tuple its rank, by rank the places.
    Listed(Vec<u32>, Vec<Codes>),
}

impl<'a> Order<'a> {
    fn new(aggregator: &'a Aggregator, scope: &Scope) -> Self {
        let Aggregator { codes, values: known, packing, .. } = aggregator;
        let named = match scope {
            Scope::Platform => None,
            Scope::Advertiser(key) => Some((Dimension::Advertiser as usize, key)),
            Scope::Service(key) => Some((Dimension::Service as usize, key)),
        };
        // A name that never came has no code, and no tuple has the last one.
        let within = named.map(|(place, key)| (place, codes[place].get(key).copied().unwrap_or(u32::MAX)));
        let (mut values, mut places): ([Vec<Key>; Dimension::COUNT], [Vec<u32>; Dimension::COUNT]) =
            Default::default();
        for place in scope.dimensions().iter().map(|dimension| *dimension as usize) {
            let known = &known[place];
            let mut order: Vec<u32> = (0..known.len() as u32).collect();
            order.sort_unstable_by_key(|code| &known[*code as usize]);
            places[place] = vec![0; order.len()];
            (0..).zip(&order).for_each(|(rank, code)| places[place][*code as usize] = rank);
            values[place] = order.iter().map(|code| known[*code as usize].clone()).collect();
        }
        let mut order = Order { packing, within, values, places, ranks: Ranks::Packed(Layout::default()) };
        order.ranks = order.ranks();
        order
    }

    fn ranks(&self) -> Ranks {
        let Some(tuples) = self.packing.numbered() else {
            // What the scope keeps is not more than what the keys of groups have room for.
            return Ranks::Packed(Layout::of(self.values.each_ref().map(Vec::len), 0).unwrap_or_default());
        };
        let mut listed: Vec<(Codes, u32)> = tuples.iter().map(|codes| self.places(codes)).zip(0..).collect();
        listed.sort_unstable();
        let mut ranks = vec![0; listed.len()];
        (0..).zip(&listed).for_each(|(rank, (_, tuple))| ranks[*tuple as usize] = rank);
        Ranks::Listed(ranks, listed.into_iter().map(|(places, _)| places).collect())
    }

    /// The places of a tuple's values; 0 where the scope does not keep the dimension.
    #[inline]
    fn places(&self, codes: &Codes) -> Codes {
        std::array::from_fn(|place| self.places[place].get(codes[place] as usize).copied().unwrap_or(0))
    }

    /// The groups of an hour that lie in the scope, in the order of cells, each with what that order goes by.
    fn groups_of(&self, hourly: &Hourly) -> Vec<(u64, u32)> {
        let ranked = |(number, key): (u32, u64)| {
            let codes = self.packing.codes(key);
            if self.within.is_some_and(|(place, code)| codes[place] != code) {
                return None;
            }
            let rank = match &self.ranks {
                Ranks::Packed(layout) => layout.pack(&self.places(&codes)),
                Ranks::Listed(ranks, _) => u64::from(ranks[key as usize]),
            };
            Some((rank, number))
        };
        let keys = hourly.groups().iter().map(|group| group.key);
        let mut groups: Vec<(u64, u32)> = (0..).zip(keys).filter_map(ranked).collect();
        let low = usize::BITS - hourly.groups().len().leading_zeros();
        let high = match &self.ranks {
            Ranks::Packed(layout) => layout.bits(),
            Ranks::Listed(ranks, _) => usize::BITS - ranks.len().leading_zeros(),
        };
        if low + high > u64::BITS {
            groups.sort_unstable();
            return groups;
        }
        let mut words: Vec<u64> =
            groups.iter().map(|(rank, number)| rank << low | u64::from(*number)).collect();
        radix::sort(&mut words, low, low + high);
        let parts = |word: &u64| (word >> low, (word & ((1 << low) - 1)) as u32);
        groups.iter_mut().zip(&words).for_each(|(group, word)| *group = parts(word));
        groups
    }

    /// Appends the places of one dimension.
    fn append(&self, dimension: Dimension, groups: &[(u64, u32)], codes: &mut Vec<u32>) {
        let place = dimension as usize;
        match &self.ranks {
            Ranks::Packed(layout) => codes.extend(groups.iter().map(|(rank, _)| layout.code(*rank, place))),
            Ranks::Listed(_, places) => {
                codes.extend(groups.iter().map(|(rank, _)| places[*rank as usize][place]));
            }
        }
    }
}

impl Aggregator {
    /// The segment of one scope, given the users of each hour.
    pub(super) fn segment_with(&self, scope: &Scope, hours: &[(Hour, &Hourly, Reached)]) -> Segment {
        let order = Order::new(self, scope);
        let mut draft = Draft::default();
        let mut columns: Columns = std::array::from_fn(|_| None);
        let mut codes: [Vec<u32>; Dimension::COUNT] = Default::default();
        for (hour, hourly, reached) in hours {
            let first = draft.hours.len();
            let groups = order.groups_of(hourly);
            draft.hours.resize(first + groups.len(), *hour);
            for dimension in scope.dimensions() {
                order.append(*dimension, &groups, &mut codes[*dimension as usize]);
            }
            figures(hourly, &groups, first, &mut columns);
            if !reached.is_empty() {
                let users = (first as u32..).zip(&groups);
                draft.users.extend(users.filter_map(|(row, (_, group))| Some((row, reached.of(*group)?))));
            }
        }
        let dims = order.values.into_iter().zip(codes);
        for (dimension, (values, codes)) in Dimension::ALL.into_iter().zip(dims) {
            draft.dims[dimension as usize] = match scope.dimensions().contains(&dimension) {
                true => DraftColumn { values, codes },
                false => DraftColumn::constant(Key::empty()),
            };
        }
        let rows = draft.hours.len();
        for (measure, column) in Measure::ALL.into_iter().zip(columns) {
            if let Some(mut column) = column.filter(|_| scope.sees(measure)) {
                column.resize(rows, 0);
                draft.measures.push((measure, Source::Whole(column)));
            }
        }
        draft.finish()
    }
}

/// Appends the figures of some groups, whose rows begin at `first`.
fn figures(hourly: &Hourly, groups: &[(u64, u32)], first: usize, columns: &mut Columns) {
    let all = hourly.groups();
    for (place, measure) in NEAR.into_iter().enumerate() {
        let column = columns[measure as usize].get_or_insert_default();
        column.resize(first, 0);
        column.extend(groups.iter().map(|(_, group)| all[*group as usize].near[place]));
    }
    if hourly.rare().is_empty() {
        return;
    }
    let mut rows = vec![None; all.len()];
    (first..).zip(groups).for_each(|(row, (_, group))| rows[*group as usize] = Some(row));
    for (group, measure, amount) in hourly.rare() {
        if let Some(row) = rows[*group as usize] {
            let column = columns[*measure as usize].get_or_insert_default();
            if column.len() < first + groups.len() {
                column.resize(first + groups.len(), 0);
            }
            column[row] = column[row].wrapping_add(*amount);
        }
    }
}
