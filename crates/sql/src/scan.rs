//! Which cells a statement needs, and how far they may be added up before they are read.
//!
//! `ad_stats` has a row per cell of the finest grain.
//! Where a statement only adds measures up, and looks at its groups and conditions otherwise, cells may be added up
//! over all dimensions that it does not look at: the core does that where the cells lie.
//! **The steps above are the same for rows of either grain**, so what is pushed down can change how long an answer
//! takes, but not the answer.

mod grain;
mod linear;
mod time;
mod rows;

use std::collections::BTreeSet;
use std::ops::Range;

use adtally_core::cell::Dimension;
use adtally_core::report::Filter;
use adtally_core::time::{Hour, rfc3339};

pub(crate) use grain::choose_grains;
pub(crate) use rows::Facts;

use crate::value::time::Unit;

/// The cells that one mention of `ad_stats` needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactScan {
    /// Cells of other hours are not needed.
    pub hours: Range<Hour>,
    /// Cells that fail one are not needed.
    pub filters: Vec<Filter>,
    /// Dimensions that have to stay apart.
    pub keep: BTreeSet<Dimension>,
    /// Units of local time that have to stay apart.
    pub units: BTreeSet<Unit>,
    /// Whether users are counted.
    pub users: bool,
    /// Why cells cannot be added up, if they cannot.
    pub whole: Option<&'static str>,
    pub(crate) zone: &'static str,
    /// The places of the columns that are read; none: all.
    pub(crate) columns: Option<BTreeSet<usize>>,
}

impl Default for FactScan {
    fn default() -> Self {
        Self {
            hours: time::first_hour()..Hour(i32::MAX),
            filters: Vec::new(),
            keep: BTreeSet::new(),
            units: BTreeSet::new(),
            users: false,
            whole: None,
            zone: "UTC",
            columns: None,
        }
    }
}

impl FactScan {
    /// The parameters of a report whose cells are these.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut by: Vec<&str> = self.units.iter().filter_map(|unit| unit_name(*unit)).collect();
        by.extend(self.keep.iter().map(|dimension| dimension.name()));
        let metrics = if self.users { "impressions,reach" } else { "impressions" };
        let last = time::last_hour();
        let end = self.hours.end.min(last);
        let start = self.hours.start.min(end);
        let mut parameters = vec![
            ("from", rfc3339(start.start_ms())),
            ("to", rfc3339(end.start_ms())),
            ("tz", self.zone.to_owned()),
            ("by", by.join(",")),
            ("metrics", metrics.to_owned()),
        ];
        parameters.extend(self.filters.iter().map(|filter| ("filter", filter.to_string())));
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn unit_name(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Hour => Some("hour"),
        Unit::Day => Some("day"),
        Unit::Week => Some("week"),
        Unit::Month => Some("month"),
        _ => None,
    }
}
