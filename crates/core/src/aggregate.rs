//! From facts to the segments of every scope, without a map of cells in between.
//!
//! A row is an hour, the number of a tuple of dimensions, and the few figures that are not zero: numbering and adding
//! up is all that happens per row, texts are looked at once per tuple, and order is made once per segment.
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

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::cell::{Dimension, Scope};
use crate::key::{Key, UserKey};
use crate::link::{Fact, FactMeasures};
use crate::measure::Measure;
use crate::numbers::Numbers;
use crate::segment::Segment;
use crate::segment::draft::{Draft, DraftColumn, Source};
use crate::sketch::{self, Sketch};
use crate::time::Hour;

/// Users of an hour that are kept as they came, before those that came more than once are dropped.
const MAX_REPEATED_USERS: usize = 1 << 20;

/// Sums rows by hour and tuple of dimensions.
#[derive(Debug, Default)]
pub struct Aggregator {
    tuples: Tuples,
    /// Ascending; few, and rows come mostly in the last ones.
    hours: Vec<(Hour, Hourly)>,
    /// The tuples of combinations that facts share, by where they lie.
    shared: FxHashMap<usize, (Arc<[Key; Dimension::COUNT]>, u32)>,
    /// The measures that came, each with a lane of the figures.
    measures: Vec<Measure>,
    /// By measure, one more than its lane; 0 where it has none.
    lanes: [u8; Measure::ALL.len()],
    /// How many figures each group has room for: a power of two, at least as many as there are measures.
    stride: usize,
}

/// The rows of one hour: a table that is small and used for a while, so it stays near.
#[derive(Debug, Default)]
struct Hourly {
    /// The tuples that came, numbered as groups.
    groups: Numbers<u32>,
    /// Per group as many as the stride: a group's figures lie together, as rows add to several.
    figures: Vec<i64>,
    /// Group and sketch entry of each user who was reached.
    reached: Vec<(u32, u32)>,
    /// How many of `reached` were different when that was looked at last.
    different: usize,
}

/// Tuples of dimensions, numbered as they come.
#[derive(Debug, Default)]
struct Tuples {
    codes: [HashMap<Key, u32>; Dimension::COUNT],
    values: [Vec<Key>; Dimension::COUNT],
    numbers: Numbers<[u32; Dimension::COUNT]>,
}

impl Aggregator {
    /// The number of a tuple of dimensions, in the order of [`Dimension`]; it holds until [`Aggregator::clear`].
    pub fn tuple(&mut self, dims: &[Key; Dimension::COUNT]) -> u32 {
        let codes = Dimension::ALL.map(|dimension| self.code(dimension, &dims[dimension as usize]));
        self.tuple_of(codes)
    }

    /// The number of a value of a dimension, for [`Aggregator::tuple_of`].
    pub fn code(&mut self, dimension: Dimension, value: &Key) -> u32 {
        let (codes, values) =
            (&mut self.tuples.codes[dimension as usize], &mut self.tuples.values[dimension as usize]);
        if let Some(code) = codes.get(value) {
            return *code;
        }
        let code = values.len() as u32;
        values.push(value.clone());
        codes.insert(value.clone(), code);
        code
    }

    /// The number of a tuple whose values are numbered already, by [`Aggregator::code`].
    pub fn tuple_of(&mut self, codes: [u32; Dimension::COUNT]) -> u32 {
        self.tuples.numbers.number(codes)
    }

    /// Adds figures, and a user to the reach, to a cell.
    pub fn add(&mut self, hour: Hour, tuple: u32, figures: &[(Measure, i64)], reached: Option<UserKey>) {
        for (measure, _) in figures {
            if self.lanes[*measure as usize] == 0 {
                self.add_lane(*measure);
            }
        }
        let stride = self.stride;
        let place = match self.hours.iter().rposition(|(other, _)| *other <= hour) {
            Some(place) if self.hours[place].0 == hour => place,
            before => {
                let place = before.map_or(0, |before| before + 1);
                self.hours.insert(place, (hour, Hourly::default()));
                place
            }
        };
        let hourly = &mut self.hours[place].1;
        let group = hourly.groups.number(tuple);
        let start = group as usize * stride;
        if hourly.figures.len() < start + stride {
            hourly.figures.resize(start + stride, 0);
        }
        let sums = &mut hourly.figures[start..start + stride];
        for (measure, amount) in figures {
            let sum = &mut sums[usize::from(self.lanes[*measure as usize]) - 1];
            *sum = sum.wrapping_add(*amount);
        }
        if let Some(user) = reached {
            hourly.reach(group, sketch::entry(user));
        }
    }

    /// Adds a fact, or takes away one that is taken back; a sketch cannot forget, so users stay.
    pub fn add_fact(&mut self, fact: &Fact) {
        let Fact { sign, body, .. } = fact;
        let signed = |figure: i64| if *sign < 0 { figure.wrapping_neg() } else { figure };
        let figures = body.measures.iter().map(|(measure, figure)| (measure, signed(figure)));
        self.add_shared(body.cell.hour, &body.cell.dims, figures, body.reached.filter(|_| *sign > 0));
    }

    /// Adds what an event counts.
    pub(crate) fn add_counted(
        &mut self,
        hour: Hour,
        dims: &Arc<[Key; Dimension::COUNT]>,
        measures: &FactMeasures,
        reached: Option<UserKey>,
    ) {
        self.add_shared(hour, dims, measures.iter(), reached);
    }

    fn add_shared(
        &mut self,
        hour: Hour,
        dims: &Arc<[Key; Dimension::COUNT]>,
        all: impl Iterator<Item = (Measure, i64)>,
        reached: Option<UserKey>,
    ) {
        let tuple = match self.shared.get(&Arc::as_ptr(dims).addr()) {
            Some((_, tuple)) => *tuple,
            None => {
                let tuple = self.tuple(dims);
                // Kept, so that no other combination can come to lie there.
                self.shared.insert(Arc::as_ptr(dims).addr(), (dims.clone(), tuple));
                tuple
            }
        };
        let mut figures = [(Measure::Impressions, 0); Measure::ALL.len()];
        let mut count = 0;
        for figure in all {
            figures[count] = figure;
            count += 1;
        }
        self.add(hour, tuple, &figures[..count], reached);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// Forgets everything, tuples included.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The scopes that have cells, and their segments: the platform, the advertisers, the services.
    ///
    /// A scope whose cells all cancel out is left out.
    pub fn segments(&self) -> Vec<(Scope, Segment)> {
        let used: BTreeSet<u32> =
            self.hours.iter().flat_map(|(_, hourly)| hourly.groups.keys().iter().copied()).collect();
        let named = |dimension: Dimension| {
            let tuples = used.iter().map(|tuple| self.tuples.value(*tuple, dimension));
            tuples.filter(|key| !key.is_empty()).cloned().collect::<BTreeSet<Key>>()
        };
        let advertisers = named(Dimension::Advertiser).into_iter().map(Scope::Advertiser);
        let services = named(Dimension::Service).into_iter().map(Scope::Service);
        let users: Vec<Vec<(u32, Sketch)>> = self.hours.iter().map(|(_, hourly)| hourly.users()).collect();
        let segment = |scope: Scope| {
            let segment = self.segment_with(&scope, &users);
            (!segment.is_empty()).then_some((scope, segment))
        };
        [Scope::Platform].into_iter().chain(advertisers).chain(services).filter_map(segment).collect()
    }

    /// The segment of one scope.
    pub fn segment(&self, scope: &Scope) -> Segment {
        let users: Vec<_> = self.hours.iter().map(|(_, hourly)| hourly.users()).collect();
        self.segment_with(scope, &users)
    }

    /// The segment of one scope, given the sketches of each hour's groups.
    fn segment_with(&self, scope: &Scope, users: &[Vec<(u32, Sketch)>]) -> Segment {
        let ranks = self.tuples.ranks(scope);
        let mut draft = Draft::default();
        // The tuple of each row, and by hour the groups in the order of their rows.
        let (mut tuples, mut rows): (Vec<u32>, Vec<Vec<u32>>) = Default::default();
        for ((hour, hourly), users) in self.hours.iter().zip(users) {
            let keys = hourly.groups.keys();
            let ranked = (0..).zip(keys).filter_map(|(group, tuple)| Some((ranks[*tuple as usize]?, group)));
            let mut ranked: Vec<(u32, u32)> = ranked.collect();
            ranked.sort_unstable();
            let first = tuples.len() as u32;
            let groups: Vec<u32> = ranked.into_iter().map(|(_, group)| group).collect();
            draft.hours.resize(tuples.len() + groups.len(), *hour);
            tuples.extend(groups.iter().map(|group| keys[*group as usize]));
            if !users.is_empty() {
                let place = |group: u32| users.binary_search_by_key(&group, |(group, _)| *group);
                let of_group =
                    (first..).zip(&groups).filter_map(|(row, group)| Some((row, place(*group).ok()?)));
                draft.users.extend(of_group.map(|(row, place)| (row, users[place].1.view())));
            }
            rows.push(groups);
        }
        for dimension in Dimension::ALL {
            let place = dimension as usize;
            draft.dims[place] = if scope.dimensions().contains(&dimension) {
                let keys = self.tuples.numbers.keys();
                let codes = tuples.iter().map(|tuple| keys[*tuple as usize][place]).collect();
                DraftColumn { values: self.tuples.values[place].clone(), codes }
            } else {
                DraftColumn::constant(Key::empty())
            };
        }
        for measure in Measure::ALL.into_iter().filter(|measure| scope.sees(*measure)) {
            if let Some(lane) = self.lanes[measure as usize].checked_sub(1).map(usize::from) {
                let figures = self.hours.iter().zip(&rows).flat_map(|((_, hourly), groups)| {
                    let figure = move |group: &u32| hourly.figures[*group as usize * self.stride + lane];
                    groups.iter().map(figure)
                });
                draft.measures.push((measure, Source::Whole(figures.collect())));
            }
        }
        draft.finish()
    }

    /// Gives a measure that came first a lane.
    fn add_lane(&mut self, measure: Measure) {
        self.measures.push(measure);
        self.lanes[measure as usize] = self.measures.len() as u8;
        if self.measures.len() > self.stride {
            let stride = (2 * self.stride).max(4);
            for (_, hourly) in &mut self.hours {
                let mut figures = vec![0; hourly.groups.keys().len() * stride];
                let old = hourly.figures.chunks(self.stride.max(1));
                for (new, old) in figures.chunks_exact_mut(stride).zip(old) {
                    new[..old.len()].copy_from_slice(old);
                }
                hourly.figures = figures;
            }
            self.stride = stride;
        }
    }
}

impl Hourly {
    fn reach(&mut self, group: u32, entry: u32) {
        self.reached.push((group, entry));
        if self.reached.len() >= 2 * self.different.max(MAX_REPEATED_USERS) {
            self.reached.sort_unstable();
            self.reached.dedup();
            self.different = self.reached.len();
        }
    }

    /// The sketches by group, ascending.
    fn users(&self) -> Vec<(u32, Sketch)> {
        // By counting, as groups are many and each has few.
        let mut ends = vec![0u32; self.groups.keys().len() + 1];
        self.reached.iter().for_each(|(group, _)| ends[*group as usize + 1] += 1);
        (1..ends.len()).for_each(|group| ends[group] += ends[group - 1]);
        let mut entries = vec![0u32; self.reached.len()];
        for (group, entry) in &self.reached {
            let place = &mut ends[*group as usize];
            entries[*place as usize] = *entry;
            *place += 1;
        }
        let mut start = 0;
        let mut users = Vec::new();
        for (group, end) in (0..).zip(&ends[..ends.len() - 1]) {
            let of_group = &mut entries[start..*end as usize];
            start = *end as usize;
            if !of_group.is_empty() {
                of_group.sort_unstable();
                users.push((group, Sketch::of_ascending(of_group)));
            }
        }
        users
    }
}

impl Tuples {
    /// By tuple its place in the order of the scope's cells; none where it lies outside of the scope.
    fn ranks(&self, scope: &Scope) -> Vec<Option<u32>> {
        let dimensions = scope.dimensions();
        let mut places: Vec<Vec<u32>> = Vec::new();
        for dimension in dimensions {
            let values = &self.values[*dimension as usize];
            let mut order: Vec<u32> = (0..values.len() as u32).collect();
            order.sort_unstable_by_key(|code| &values[*code as usize]);
            let mut places_of = vec![0; order.len()];
            (0..).zip(&order).for_each(|(place, code)| places_of[*code as usize] = place);
            places.push(places_of);
        }
        let within = match scope {
            Scope::Platform => None,
            Scope::Advertiser(key) => Some((Dimension::Advertiser, key)),
            Scope::Service(key) => Some((Dimension::Service, key)),
        };
        // A name that never came has no code, and no tuple has the last one.
        let within = within.map(|(dimension, key)| {
            (dimension as usize, self.codes[dimension as usize].get(key).copied().unwrap_or(u32::MAX))
        });
        let keys = (0..).zip(self.numbers.keys());
        let keys = keys.filter(|(_, codes)| within.is_none_or(|(place, code)| codes[place] == code));
        let mut keys: Vec<([u32; Dimension::COUNT], u32)> = keys
            .map(|(tuple, codes)| {
                let mut ranks = [0; Dimension::COUNT];
                for ((rank, dimension), places) in ranks.iter_mut().zip(dimensions).zip(&places) {
                    *rank = places[codes[*dimension as usize] as usize];
                }
                (ranks, tuple)
            })
            .collect();
        keys.sort_unstable();
        let mut ranks = vec![None; self.numbers.keys().len()];
        (0..).zip(&keys).for_each(|(rank, (_, tuple))| ranks[*tuple as usize] = Some(rank));
        ranks
    }

    fn value(&self, tuple: u32, dimension: Dimension) -> &Key {
        let code = self.numbers.keys()[tuple as usize][dimension as usize];
        &self.values[dimension as usize][code as usize]
    }
}

#[cfg(test)]
mod tests;
