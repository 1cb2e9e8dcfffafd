//! From facts to the segments of every scope, without a map of cells in between.
//!
//! A row is an hour, a tuple of dimensions, and the few figures that are not zero. A tuple is the codes of its values,
//! side by side in one number (`packing`); an hour has a table of its groups (`hourly`). Finding the group and adding
//! up is all that happens per row, texts are looked at once per tuple, and order is made once per segment (`scoped`).
//! The result is that of [`cells_of`](crate::link::cells_of), which stays as the simple way to say what it has to be.
//!
//! ```
//! use adtally_core::aggregate::Aggregator;
//! use adtally_core::cell::{CellKey, Dimension, Scope};
//! use adtally_core::key::Key;
//! use adtally_core::measure::Measure;
//! use adtally_core::time::Hour;
//!
//! let mut cell = CellKey::at(Hour(7));
//! cell.set(Dimension::Advertiser, Key::parse("acme")?);
//! let mut aggregator = Aggregator::default();
//! let tuple = aggregator.tuple(&cell.dims);
//! for cost in [20, 22] {
//!     aggregator.add(cell.hour, tuple, &[(Measure::Impressions, 1), (Measure::CostMicros, cost)], None);
//! }
//! let segments = aggregator.segments();
//! assert_eq!(segments.iter().map(|(scope, _)| scope.to_string()).collect::<Vec<_>>(), ["platform", "advertiser:acme"]);
//! assert_eq!(segments[1].1.sums().get(Measure::CostMicros), 42);
//! # Ok::<(), adtally_core::key::KeyError>(())
//! ```

mod hourly;
mod packing;
mod radix;
mod scoped;

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::hourly::{Hourly, Reached};
use self::packing::Packing;
pub use self::packing::Tuple;
use crate::cell::{Dimension, Scope};
use crate::key::{Key, UserKey};
use crate::link::{Fact, FactMeasures};
use crate::measure::Measure;
use crate::numbers::Numbers;
use crate::segment::Segment;
use crate::sketch;
use crate::time::Hour;

/// Sums rows by hour and tuple of dimensions.
#[derive(Debug, Default)]
pub struct Aggregator {
    /// By dimension, the values that came and their numbers.
    codes: [HashMap<Key, u32>; Dimension::COUNT],
    values: [Vec<Key>; Dimension::COUNT],
    packing: Packing,
    /// The hours that came, numbered as they did; their bits, that is.
    hours: Numbers<u32>,
    hourly: Vec<Hourly>,
    /// The tuples of combinations that facts share, by where they lie.
    shared: FxHashMap<usize, (Arc<[Key; Dimension::COUNT]>, Tuple)>,
    /// Fewer than [`TOGETHER`].
    waiting: Vec<Row>,
}

/// So many rows look for their groups together: a table is large, and what one row waits for, others do meanwhile.
const TOGETHER: usize = 64;

/// What an event counts.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The number of the hour.
    hour: u32,
    sign: i8,
    key: u64,
    measures: FactMeasures,
    /// The sketch entry of whom it reached.
    reached: Option<u32>,
}

impl Aggregator {
    /// A tuple of dimensions, in the order of [`Dimension`]; it holds until [`Aggregator::clear`].
    pub fn tuple(&mut self, dims: &[Key; Dimension::COUNT]) -> Tuple {
        let codes = Dimension::ALL.map(|dimension| self.code(dimension, &dims[dimension as usize]));
        self.tuple_of(&codes)
    }

    /// The number of a value of a dimension, for [`Aggregator::tuple_of`].
    pub fn code(&mut self, dimension: Dimension, value: &Key) -> u32 {
        let (codes, values) = (&mut self.codes[dimension as usize], &mut self.values[dimension as usize]);
        if let Some(code) = codes.get(value) {
            return *code;
        }
        let code = values.len() as u32;
        values.push(value.clone());
        codes.insert(value.clone(), code);
        let counts = self.values.each_ref().map(Vec::len);
        if !self.packing.has_room(counts) {
            self.settle();
        }
        if let Some(tuple) = self.packing.make_room(counts) {
            let packing = &mut self.packing;
            self.hourly.iter_mut().for_each(|hourly| hourly.rekey(|key| packing.key(tuple(key))));
        }
        code
    }

    /// A tuple whose values are numbered already, by [`Aggregator::code`].
    #[inline]
    pub fn tuple_of(&mut self, codes: &[u32; Dimension::COUNT]) -> Tuple {
        self.packing.tuple(codes)
    }

    /// Adds figures, and a user to the reach, to a cell.
    pub fn add(&mut self, hour: Hour, tuple: Tuple, figures: &[(Measure, i64)], reached: Option<UserKey>) {
        let (hour, key) = (self.hour(hour), self.packing.key(tuple));
        let hourly = &mut self.hourly[hour as usize];
        let group = hourly.group(key);
        figures.iter().for_each(|(measure, amount)| hourly.add(group, *measure, *amount));
        reached.into_iter().for_each(|user| hourly.reach(group, sketch::entry(user)));
    }

    /// Adds what an event counts, and whom it reached, or takes it away where `sign` is negative; a sketch cannot
    /// forget, so users stay.
    #[inline]
    pub fn count(
        &mut self,
        hour: Hour,
        tuple: Tuple,
        sign: i8,
        measures: &FactMeasures,
        reached: Option<UserKey>,
    ) {
        let row = Row {
            hour: self.hour(hour),
            sign,
            key: self.packing.key(tuple),
            measures: *measures,
            reached: reached.filter(|_| sign > 0).map(sketch::entry),
        };
        self.waiting.push(row);
        if self.waiting.len() == TOGETHER {
            self.settle();
        }
    }

    /// Adds the rows that wait.
    fn settle(&mut self) {
        let (mut slots, mut keys) = ([0; TOGETHER], [0; TOGETHER]);
        for (slot, row) in slots.iter_mut().zip(&self.waiting) {
            *slot = self.hourly[row.hour as usize].first_slot(row.key);
        }
        for ((key, slot), row) in keys.iter_mut().zip(slots).zip(&self.waiting) {
            *key = self.hourly[row.hour as usize].key_in(slot);
        }
        for ((key, slot), row) in keys.into_iter().zip(slots).zip(&self.waiting) {
            let hourly = &mut self.hourly[row.hour as usize];
            let group = if slot != 0 && key == row.key { slot - 1 } else { hourly.group(row.key) };
            hourly.count(group, row.sign, &row.measures);
            row.reached.into_iter().for_each(|entry| hourly.reach(group, entry));
        }
        self.waiting.clear();
    }

    /// Adds a fact, or takes away one that is taken back.
    pub fn add_fact(&mut self, fact: &Fact) {
        let Fact { sign, body, .. } = fact;
        let tuple = self.shared_tuple(&body.cell.dims);
        self.count(body.cell.hour, tuple, *sign, &body.measures, body.reached);
    }

    /// Adds what an event counts.
    pub(crate) fn add_counted(
        &mut self,
        hour: Hour,
        dims: &Arc<[Key; Dimension::COUNT]>,
        measures: &FactMeasures,
        reached: Option<UserKey>,
    ) {
        let tuple = self.shared_tuple(dims);
        self.count(hour, tuple, 1, measures, reached);
    }

    fn shared_tuple(&mut self, dims: &Arc<[Key; Dimension::COUNT]>) -> Tuple {
        let place = Arc::as_ptr(dims).addr();
        if let Some((_, tuple)) = self.shared.get(&place) {
            return *tuple;
        }
        let tuple = self.tuple(dims);
        // Kept, so that no other combination can come to lie there.
        self.shared.insert(place, (dims.clone(), tuple));
        tuple
    }

    /// The number of an hour.
    #[inline]
    fn hour(&mut self, hour: Hour) -> u32 {
        let place = self.hours.number(hour.0.cast_unsigned());
        if place as usize == self.hourly.len() {
            self.hourly.push(Hourly::default());
        }
        place
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.hourly.is_empty()
    }

    /// Forgets everything, tuples included.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The scopes that have cells, and their segments: the platform, the advertisers, the services.
    ///
    /// A scope whose cells all cancel out is left out.
    pub fn segments(&mut self) -> Vec<(Scope, Segment)> {
        self.settle();
        let advertisers = self.named(Dimension::Advertiser).into_iter().map(Scope::Advertiser);
        let services = self.named(Dimension::Service).into_iter().map(Scope::Service);
        let hours = self.by_hour();
        let segment = |scope: Scope| {
            let segment = self.segment_with(&scope, &hours);
            (!segment.is_empty()).then_some((scope, segment))
        };
        [Scope::Platform].into_iter().chain(advertisers).chain(services).filter_map(segment).collect()
    }

    /// The segment of one scope.
    pub fn segment(&mut self, scope: &Scope) -> Segment {
        self.settle();
        self.segment_with(scope, &self.by_hour())
    }

    /// The hours in order, with their users by group.
    fn by_hour(&self) -> Vec<(Hour, &Hourly, Reached)> {
        let hours = self.hours.keys().iter().map(|hour| Hour(hour.cast_signed()));
        let mut hours: Vec<_> =
            hours.zip(&self.hourly).map(|(hour, hourly)| (hour, hourly, hourly.users())).collect();
        hours.sort_unstable_by_key(|(hour, ..)| *hour);
        hours
    }

    /// The values of a dimension that some group has, ascending, but the unknown one.
    fn named(&self, dimension: Dimension) -> Vec<Key> {
        let values = &self.values[dimension as usize];
        let mut used = vec![false; values.len()];
        let keys = self.hourly.iter().flat_map(|hourly| hourly.groups().iter().map(|group| group.key));
        keys.for_each(|key| used[self.packing.codes(key)[dimension as usize] as usize] = true);
        let named = values.iter().zip(used).filter(|(key, used)| *used && !key.is_empty());
        let mut named: Vec<Key> = named.map(|(key, _)| key.clone()).collect();
        named.sort_unstable();
        named
    }
}

#[cfg(test)]
mod tests;
