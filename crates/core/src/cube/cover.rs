//! Whether the cells of a cuboid are fine enough for a question.

use std::fmt;
use std::ops::Range;

use super::Cube;
use crate::cell::Dimension;
use crate::report::{Plan, TimeUnit};
use crate::time::Hour;

/// What a cuboid lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// It does not tell these apart.
    Dimensions(Vec<Dimension>),
    /// It has no users.
    Users,
    /// Its units of time are longer than this.
    Unit(TimeUnit),
    /// Its units begin in another zone.
    Zone(String),
    /// The question begins or ends within one of its units.
    Within(TimeUnit),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Dimensions(missing) => {
                let names: Vec<&str> = missing.iter().map(|one| one.name()).collect();
                write!(f, "it does not tell {} apart", names.join(", "))
            }
            Gap::Users => f.write_str("it does not keep users"),
            Gap::Unit(unit) => write!(f, "it does not tell every {} apart", unit.name()),
            Gap::Zone(tz) => write!(f, "its days are those of {tz}"),
            Gap::Within(unit) => write!(f, "the time begins or ends within a {}", unit.name()),
        }
    }
}

/// Whether the cells of a cuboid answer a plan as the cells that they were made of do; `data` are the hours in which there
/// are any.
pub fn covers(cube: &Cube, cuboid: &[Dimension], plan: &Plan, data: &Range<Hour>) -> Result<(), Gap> {
    let needed = plan.dimensions_needed();
    let missing: Vec<Dimension> = needed.into_iter().filter(|one| !cuboid.contains(one)).collect();
    if !missing.is_empty() {
        return Err(Gap::Dimensions(missing));
    }
    if plan.keep_users && !cube.users {
        return Err(Gap::Users);
    }
    if cube.grain == TimeUnit::Hour {
        return Ok(());
    }
    if let Some(unit) = plan.units().iter().find(|unit| !is_within(cube.grain, **unit)) {
        return Err(Gap::Unit(*unit));
    }
    if !plan.units().is_empty() && plan.tz() != cube.tz {
        return Err(Gap::Zone(cube.tz.clone()));
    }
    let bounds = [plan.hours.start, plan.hours.end];
    // Where there are no cells a boundary cuts nothing.
    let mut cuts = bounds.into_iter().filter(|hour| data.start < *hour && *hour < data.end);
    match cuts.all(|hour| Plan::is_boundary(cube.grain, &cube.tz, hour)) {
        true => Ok(()),
        false => Err(Gap::Within(cube.grain)),
    }
}

/// Whether each unit of one kind lies in one unit of the other.
fn is_within(fine: TimeUnit, coarse: TimeUnit) -> bool {
    match fine {
        TimeUnit::Hour => true,
        TimeUnit::Day => coarse != TimeUnit::Hour,
        TimeUnit::Week => coarse == TimeUnit::Week,
        TimeUnit::Month => coarse == TimeUnit::Month,
    }
}
