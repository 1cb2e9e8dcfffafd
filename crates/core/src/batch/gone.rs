//! Entries that go, because their user is to be forgotten or because they are old, and what stays of them in the figures.

use std::collections::{BTreeMap, BTreeSet};

use crate::cell::{Cells, Scope};
use crate::segment::Segment;

/// Whose entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of these groups: users.
    Groups(BTreeSet<u64>),
    /// All.
    Everybody,
}

/// The entries of some users, or all, up to a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Of whom.
    pub whose: Whose,
    /// The last row of the log; what came later is not meant.
    pub upto: i64,
}

/// None.
impl Default for Gone {
    fn default() -> Self {
        Self { whose: Whose::Groups(BTreeSet::new()), upto: 0 }
    }
}

impl Whose {
    /// Whether a group is among them.
    pub fn holds(&self, group: u64) -> bool {
        match self {
            Whose::Groups(groups) => groups.contains(&group),
            Whose::Everybody => true,
        }
    }
}

impl Gone {
    /// Whether an entry of this group and row goes.
    pub fn holds(&self, group: u64, row: i64) -> bool {
        row <= self.upto && self.whose.holds(group)
    }

    /// Whether any of the groups is within these bounds, both included.
    pub fn may_be_among(&self, (first, last): (u64, u64)) -> bool {
        match &self.whose {
            Whose::Groups(groups) => first <= last && groups.range(first..=last).next().is_some(),
            Whose::Everybody => true,
        }
    }
}

/// What has to be added to the figures without some entries to have those with them, by scope; scopes without a
/// difference are left out.
///
/// Sketches cannot be subtracted: a cell that differs keeps the whole one, which added to a part of it is the whole. So
/// a user whose impressions only an entry that goes made invalid is counted among those reached from then on.
pub fn residue(with: Vec<(Scope, Segment)>, without: Vec<(Scope, Segment)>) -> Vec<(Scope, Segment)> {
    let mut scopes: BTreeMap<Scope, (Segment, Segment)> = BTreeMap::new();
    with.into_iter().for_each(|(scope, segment)| scopes.entry(scope).or_default().0 = segment);
    without.into_iter().for_each(|(scope, segment)| scopes.entry(scope).or_default().1 = segment);
    let differences = scopes.into_iter().map(|(scope, (with, without))| (scope, difference(&with, &without)));
    differences.filter(|(_, segment)| !segment.is_empty()).collect()
}

fn difference(with: &Segment, without: &Segment) -> Segment {
    let mut cells: Cells = with.cells();
    for (key, less) in without.iter() {
        let tally = cells.entry(key).or_default();
        if *tally == less {
            tally.users = Default::default();
        }
        tally.measures.merge(&less.measures.negate());
    }
    Segment::from_cells(cells)
}
