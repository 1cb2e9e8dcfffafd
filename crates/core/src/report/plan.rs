//! What a query needs of cells, wherever they lie.

use std::collections::HashMap;
use std::ops::Range;

use super::filter::representative;
use super::zone::Zone;
use super::{By, Filter, Metric, Query, TimeUnit};
use crate::cell::{CellKey, Dimension, Tally};
use crate::segment::Segment;
use crate::segment::dictionary::Dictionary;
use crate::time::{HOUR_MS, Hour};

/// How to make the cells that a query needs, and no more, from any cells.
///
/// Reducing parts and merging them gives what merging and reducing the whole gives, and reducing once more changes
/// nothing: so cells can be reduced where they are stored, merged on the way, and reduced again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Cells of other hours are left out.
    pub hours: Range<Hour>,
    /// Dimensions that stay apart, in the order of the enum; of the others one value stands for all.
    pub keep: Vec<Dimension>,
    /// Whether hours of different units of time stay apart; else the first hour stands for all.
    pub keep_hour: bool,
    /// Cells that fail one are left out.
    pub filters: Vec<Filter>,
    /// Whether anything is derived from the sketches; else they are left out.
    pub keep_users: bool,
    units: Vec<TimeUnit>,
    zone: Zone,
    /// The values that stand for all where they need not be told apart.
    rest: CellKey,
}

impl Plan {
    pub(super) fn new(query: &Query) -> Plan {
        let (hours, filters) = (query.hours(), query.filters().to_vec());
        let (mut keep, mut units) = (Vec::new(), Vec::new());
        for by in query.by() {
            match by {
                By::Time(unit) => units.push(*unit),
                By::Dimension(dimension) => keep.push(*dimension),
            }
        }
        keep.sort();
        let mut rest = CellKey::at(hours.start);
        for dimension in filters.iter().map(|filter| filter.dimension) {
            rest.set(dimension, representative(dimension, &filters));
        }
        Plan {
            hours,
            keep,
            keep_hour: !units.is_empty(),
            filters,
            keep_users: query.metrics().contains(&Metric::Reach),
            units,
            zone: query.zone(),
            rest,
        }
    }

    /// The dimensions that cells must have for the answer to be right: those that stay apart or are filtered by.
    pub fn dimensions_needed(&self) -> Vec<Dimension> {
        let mut needed = self.keep.clone();
        needed.extend(self.filters.iter().map(|filter| filter.dimension));
        needed.sort();
        needed.dedup();
        needed
    }

    /// The cells of `segment` that the query asks for, added up as far as it does not tell them apart.
    pub fn reduce(&self, segment: &Segment) -> Segment {
        let mut rows: Vec<(CellKey, Tally)> = Vec::new();
        let mut places: HashMap<(Hour, [u32; Dimension::COUNT]), usize> = HashMap::new();
        let mut lanes = self.lanes();
        let mut clock = Clock::new(self);
        'cells: for (key, tally) in segment.rows_within(&self.hours) {
            let mut group = [0; Dimension::COUNT];
            for lane in &mut lanes {
                match lane.take(key) {
                    Verdict::Fails => continue 'cells,
                    Verdict::Passes(code) if lane.keep => group[lane.dimension as usize] = code,
                    Verdict::Passes(_) => {}
                }
            }
            let hour = clock.hour(key.hour);
            let place = *places.entry((hour, group)).or_insert_with(|| {
                rows.push((self.group_key(hour, key), Tally::default()));
                rows.len() - 1
            });
            let sum = &mut rows[place].1;
            sum.measures.merge(&tally.measures);
            if self.keep_users {
                sum.users.merge(&tally.users);
            }
        }
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Segment::from_ascending(rows)
    }

    fn lanes<'a>(&'a self) -> Vec<Lane<'a>> {
        let lane = |dimension| Lane {
            dimension,
            keep: self.keep.contains(&dimension),
            filters: self.filters.iter().filter(|filter| filter.dimension == dimension).collect(),
            dictionary: Dictionary::default(),
            passes: Vec::new(),
        };
        let mut lanes: Vec<Lane<'a>> = self.dimensions_needed().into_iter().map(lane).collect();
        // What fails should fail early.
        lanes.sort_by_key(|lane| lane.filters.is_empty());
        lanes
    }

    fn group_key(&self, hour: Hour, key: &CellKey) -> CellKey {
        let mut group = self.rest.clone();
        group.hour = hour;
        for dimension in &self.keep {
            group.set(*dimension, key.dim(*dimension).clone());
        }
        group
    }
}

/// One dimension on the way through the cells: each different value is numbered and tested once.
struct Lane<'a> {
    dimension: Dimension,
    keep: bool,
    filters: Vec<&'a Filter>,
    dictionary: Dictionary<'a>,
    /// By number of the value.
    passes: Vec<bool>,
}

enum Verdict {
    /// A filter fails.
    Fails,
    /// All filters pass; the number of the value.
    Passes(u32),
}

impl<'a> Lane<'a> {
    fn take(&mut self, key: &'a CellKey) -> Verdict {
        let code = self.dictionary.code(key.dim(self.dimension));
        if self.dictionary.len() > self.passes.len() {
            self.passes.push(self.filters.iter().all(|filter| filter.passes(key)));
        }
        if self.passes[code as usize] { Verdict::Passes(code) } else { Verdict::Fails }
    }
}

/// Finds the hour that stands for an hour; cells come in order of hours, so the last one is remembered.
struct Clock<'a> {
    plan: &'a Plan,
    last: Option<(Hour, Hour)>,
}

impl<'a> Clock<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self { plan, last: None }
    }

    fn hour(&mut self, hour: Hour) -> Hour {
        match self.last {
            _ if !self.plan.keep_hour => self.plan.hours.start,
            Some((last, representative)) if last == hour => representative,
            _ => {
                let representative = self.first_of_unit(hour);
                self.last = Some((hour, representative));
                representative
            }
        }
    }

    /// The first hour of the query that lies in the same units of time as `hour`.
    fn first_of_unit(&self, hour: Hour) -> Hour {
        let starts = |hour| self.plan.units.iter().map(move |unit| unit.start(self.plan.zone, hour));
        let latest = starts(hour).max().map_or(hour, |ms| Hour::holding(ms + HOUR_MS - 1));
        let mut first = latest.max(self.plan.hours.start);
        // Where clocks go back over midnight, hours of the day before come after the first instant of the day.
        while first < hour && !starts(first).eq(starts(hour)) {
            first.0 += 1;
        }
        first
    }
}
