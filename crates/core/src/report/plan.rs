//! What a query needs of cells, wherever they lie.

use std::ops::Range;

use super::filter::representative;
use super::groups::Groups;
use super::zone::Zone;
use super::{By, Filter, Metric, Query, TimeUnit};
use crate::cell::{CellKey, Dimension};
use crate::segment::Segment;
use crate::time::{HOUR_MS, Hour};

/// A unit of local time that is interrupted goes on within so many hours.
const RESUMES_WITHIN: i32 = 27;

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
    pub(super) rest: CellKey,
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
            zone: query.zone().clone(),
            rest,
        }
    }

    /// The plan that adds cells up by dimensions and a unit of local time; none for a zone that does not exist.
    pub(crate) fn grouping(
        hours: Range<Hour>,
        keep: Vec<Dimension>,
        unit: TimeUnit,
        tz: &str,
        keep_users: bool,
    ) -> Option<Plan> {
        let (zone, rest) = (Zone::named(tz)?, CellKey::at(hours.start));
        let units = vec![unit];
        Some(Plan { hours, keep, keep_hour: true, filters: Vec::new(), keep_users, units, zone, rest })
    }

    /// The units of local time that stay apart.
    pub fn units(&self) -> &[TimeUnit] {
        &self.units
    }

    /// The IANA zone in which they begin.
    pub fn tz(&self) -> &str {
        self.zone.name()
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
        Groups::of(self, segment, None).into_segment(self)
    }

    /// The hour that stands for an hour of the query.
    pub(super) fn representative_hour(&self, hour: Hour) -> Hour {
        if self.keep_hour { self.first_of_unit(hour) } else { self.hours.start }
    }

    /// Whether no unit of local time has hours both before this one and from it on.
    pub(crate) fn is_boundary(unit: TimeUnit, tz: &str, hour: Hour) -> bool {
        let Some(zone) = Zone::named(tz) else { return false };
        let start = |hour| unit.start(&zone, hour);
        // Where clocks go back over midnight, a day may resume after the next one began: no more than this later.
        let near = |offsets: Range<i32>| offsets.map(|offset| start(Hour(hour.0.saturating_add(offset))));
        let before: Vec<i64> = near(-RESUMES_WITHIN..0).collect();
        near(0..RESUMES_WITHIN).all(|start| !before.contains(&start))
    }

    /// The first hour of the query that lies in the same units of time as `hour`.
    fn first_of_unit(&self, hour: Hour) -> Hour {
        let starts = |hour| self.units.iter().map(move |unit| unit.start(&self.zone, hour));
        let latest = starts(hour).max().map_or(hour, |ms| Hour::holding(ms + HOUR_MS - 1));
        let mut first = latest.max(self.hours.start);
        // Where clocks go back over midnight, hours of the day before come after the first instant of the day.
        while first < hour && !starts(first).eq(starts(hour)) {
            first.0 += 1;
        }
        first
    }
}
