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

use crate::cell::{Dimension, Scope};
use crate::key::{Key, UserKey};
use crate::link::Fact;
use crate::measure::Measure;
use crate::numbers::Numbers;
use crate::segment::Segment;
use crate::segment::draft::{Draft, DraftColumn, Source};
use crate::sketch::{self, Sketch};
use crate::time::Hour;

/// Users that are kept as they came, before those that came more than once are dropped.
const MAX_REPEATED_USERS: usize = 1 << 20;

/// Sums rows by hour and tuple of dimensions.
#[derive(Debug, Default)]
pub struct Aggregator {
    tuples: Tuples,
    /// By number: the hour and the tuple.
    groups: Numbers<u64>,
    /// The measures that came, each with a lane of the figures.
    measures: Vec<Measure>,
    /// By measure, one more than its lane; 0 where it has none.
    lanes: [u8; Measure::ALL.len()],
    /// Per group as many as `stride`: a group's figures lie together, as rows add to several.
    figures: Vec<i64>,
    /// At least as many as there are measures.
    stride: usize,
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
        let group = self.groups.number(u64::from(hour.0 as u32) << 32 | u64::from(tuple));
        let room = (group as usize + 1) * self.stride;
        if self.figures.len() < room {
            self.figures.resize(room, 0);
        }
        for (measure, amount) in figures {
            let lane = match self.lanes[*measure as usize] {
                0 => self.add_lane(*measure),
                lane => usize::from(lane) - 1,
            };
            let figure = &mut self.figures[group as usize * self.stride + lane];
            *figure = figure.wrapping_add(*amount);
        }
        if let Some(user) = reached {
            self.reached.push((group, sketch::entry(user)));
            if self.reached.len() >= 2 * self.different.max(MAX_REPEATED_USERS) {
                self.reached.sort_unstable();
                self.reached.dedup();
                self.different = self.reached.len();
            }
        }
    }

    /// Adds a fact, or takes away one that is taken back; a sketch cannot forget, so users stay.
    pub fn add_fact(&mut self, fact: &Fact) {
        let tuple = self.tuple(&fact.body.cell.dims);
        let mut figures = [(Measure::Impressions, 0); Measure::ALL.len()];
        let mut count = 0;
        for measure in Measure::ALL {
            let figure = fact.body.measures.get(measure);
            if figure != 0 {
                figures[count] = (measure, if fact.sign < 0 { figure.wrapping_neg() } else { figure });
                count += 1;
            }
        }
        let reached = fact.body.reached.filter(|_| fact.sign > 0);
        self.add(fact.body.cell.hour, tuple, &figures[..count], reached);
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.groups.keys().is_empty()
    }

    /// Forgets everything, tuples included.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The scopes that have cells, and their segments: the platform, the advertisers, the services.
    ///
    /// A scope whose cells all cancel out is left out.
    pub fn segments(&self) -> Vec<(Scope, Segment)> {
        let used: BTreeSet<u32> = self.groups.keys().iter().map(|key| *key as u32).collect();
        let named = |dimension: Dimension| {
            let tuples = used.iter().map(|tuple| self.tuples.value(*tuple, dimension));
            tuples.filter(|key| !key.is_empty()).cloned().collect::<BTreeSet<Key>>()
        };
        let advertisers = named(Dimension::Advertiser).into_iter().map(Scope::Advertiser);
        let services = named(Dimension::Service).into_iter().map(Scope::Service);
        let users = self.users();
        let segment = |scope: Scope| {
            let segment = self.segment_with(&scope, &users);
            (!segment.is_empty()).then_some((scope, segment))
        };
        [Scope::Platform].into_iter().chain(advertisers).chain(services).filter_map(segment).collect()
    }

    /// The segment of one scope.
    pub fn segment(&self, scope: &Scope) -> Segment {
        self.segment_with(scope, &self.users())
    }

    fn segment_with(&self, scope: &Scope, users: &[(u32, Sketch)]) -> Segment {
        let groups = self.groups_of(scope);
        let tuple = |group: &u32| self.groups.keys()[*group as usize] as u32;
        let mut draft = Draft {
            hours: groups
                .iter()
                .map(|group| Hour((self.groups.keys()[*group as usize] >> 32) as i32))
                .collect(),
            ..Draft::default()
        };
        for dimension in Dimension::ALL {
            let place = dimension as usize;
            draft.dims[place] = if scope.dimensions().contains(&dimension) {
                let codes = groups
                    .iter()
                    .map(|group| self.tuples.numbers.keys()[tuple(group) as usize][place])
                    .collect();
                DraftColumn { values: self.tuples.values[place].clone(), codes }
            } else {
                DraftColumn::constant(Key::empty())
            };
        }
        for measure in Measure::ALL.into_iter().filter(|measure| scope.sees(*measure)) {
            if let Some(lane) = self.lanes[measure as usize].checked_sub(1).map(usize::from) {
                let figure = |group: &u32| self.figures[*group as usize * self.stride + lane];
                draft.measures.push((measure, Source::Whole(groups.iter().map(figure).collect())));
            }
        }
        // Both ascend by group.
        let mut places = (0..).zip(&groups).peekable();
        for (group, sketch) in users {
            while places.next_if(|(_, other)| *other < group).is_some() {}
            if let Some((row, _)) = places.next_if(|(_, other)| *other == group) {
                draft.users.push((row, sketch.view()));
            }
        }
        draft.finish()
    }

    /// The groups that lie in a scope, ascending.
    fn groups_of(&self, scope: &Scope) -> Vec<u32> {
        let (dimension, wanted) = match scope {
            Scope::Platform => return (0..self.groups.keys().len() as u32).collect(),
            Scope::Advertiser(key) => (Dimension::Advertiser, key),
            Scope::Service(key) => (Dimension::Service, key),
        };
        let Some(code) = self.tuples.codes[dimension as usize].get(wanted) else { return Vec::new() };
        let is_of = |key: &u64| self.tuples.numbers.keys()[*key as u32 as usize][dimension as usize] == *code;
        (0..).zip(self.groups.keys()).filter(|(_, key)| is_of(key)).map(|(group, _)| group).collect()
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

    /// Gives a measure that came first a lane.
    fn add_lane(&mut self, measure: Measure) -> usize {
        let lane = self.measures.len();
        self.measures.push(measure);
        self.lanes[measure as usize] = lane as u8 + 1;
        if lane == self.stride {
            let stride = (2 * self.stride).max(4);
            let mut figures = vec![0; self.groups.keys().len() * stride];
            for (new, old) in figures.chunks_exact_mut(stride).zip(self.figures.chunks(self.stride.max(1))) {
                new[..old.len()].copy_from_slice(old);
            }
            (self.figures, self.stride) = (figures, stride);
        }
        lane
    }
}

impl Tuples {
    fn value(&self, tuple: u32, dimension: Dimension) -> &Key {
        let code = self.numbers.keys()[tuple as usize][dimension as usize];
        &self.values[dimension as usize][code as usize]
    }
}

#[cfg(test)]
mod tests;
