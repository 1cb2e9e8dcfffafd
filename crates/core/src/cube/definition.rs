//! What a cube is.

use std::ops::Range;

use thiserror::Error;

use crate::cell::{Dimension, Scope};
use crate::report::{Metric, Plan, TimeUnit, Zone};
use crate::segment::Segment;
use crate::time::Hour;

/// The most cuboids of a cube: each is an object per day.
pub const MAX_CUBOIDS: usize = 32;
/// The most characters of a name.
const MAX_NAME: usize = 64;

/// A valid definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cube {
    /// Unique in its scope.
    pub name: String,
    /// Units of local time that are told apart; weeks are not among them, as they are no part of months.
    pub grain: TimeUnit,
    /// The IANA zone in which units begin; that of hours does not matter.
    pub tz: String,
    /// Whether the users who were reached are kept: their sketches are most of the bytes.
    pub users: bool,
    /// What each cuboid tells apart, in the order of the enum; the first one is all dimensions of the cube.
    pub cuboids: Vec<Vec<Dimension>>,
}

/// Why a cube cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CubeError {
    /// Not a name.
    #[error("{0:?} is not a name of 1 to {MAX_NAME} of a-z, 0-9, _ and -")]
    Name(String),
    /// Not a dimension, or not one that the cells of the scope keep.
    #[error("{name:?} is not a dimension of {scope}, which keeps {seen}")]
    Dimension {
        /// As it was given.
        name: String,
        /// Whose cube.
        scope: String,
        /// What there is.
        seen: String,
    },
    /// Not a measure that the scope sees.
    #[error("{0:?} is not a measure of this scope")]
    Measure(String),
    /// Not a unit.
    #[error("{0:?} is not a grain, which is hour, day or month")]
    Grain(String),
    /// Not a zone.
    #[error("{0:?} is not an IANA time zone")]
    Zone(String),
    /// A cuboid of dimensions that the cube has not.
    #[error("a cuboid has {0:?}, which is not among the cube's dimensions")]
    Foreign(String),
    /// Too many.
    #[error("{0} cuboids, at most {MAX_CUBOIDS} can be kept")]
    TooMany(usize),
}

impl Cube {
    /// A cube of a scope; without `cuboids` there is one of each dimension alone, and one of none.
    ///
    /// `measures` says whether users are counted: sums are always kept.
    pub fn new(
        scope: &Scope,
        name: &str,
        (grain, tz): (&str, &str),
        dimensions: &[String],
        measures: &[String],
        cuboids: Option<&[Vec<String>]>,
    ) -> Result<Cube, CubeError> {
        if !is_cube_name(name) {
            return Err(CubeError::Name(name.to_owned()));
        }
        let unit = TimeUnit::ALL.into_iter().find(|unit| unit.name() == grain && *unit != TimeUnit::Week);
        let grain = unit.ok_or_else(|| CubeError::Grain(grain.to_owned()))?;
        let zone = Zone::named(tz).ok_or_else(|| CubeError::Zone(tz.to_owned()))?;
        let all = set(scope, dimensions)?;
        let cuboids: Vec<Vec<Dimension>> = match cuboids {
            None => all.iter().map(|one| vec![*one]).chain([Vec::new()]).collect(),
            Some(given) => given.iter().map(|one| set(scope, one)).collect::<Result<_, _>>()?,
        };
        if let Some(foreign) = cuboids.iter().flatten().find(|one| !all.contains(one)) {
            return Err(CubeError::Foreign(foreign.name().to_owned()));
        }
        let mut kept = vec![all];
        for cuboid in cuboids {
            if !kept.contains(&cuboid) {
                kept.push(cuboid);
            }
        }
        if kept.len() > MAX_CUBOIDS {
            return Err(CubeError::TooMany(kept.len()));
        }
        let users = counts_users(scope, measures)?;
        Ok(Cube { name: name.to_owned(), grain, tz: zone.name().to_owned(), users, cuboids: kept })
    }

    /// The dimensions of the cube.
    pub fn dimensions(&self) -> &[Dimension] {
        self.cuboids.first().map_or(&[], Vec::as_slice)
    }

    /// The cells of a cuboid; of cells of the scope, or of a cuboid with at least its dimensions.
    pub fn add_up(&self, cuboid: &[Dimension], hours: Range<Hour>, cells: &Segment) -> Segment {
        let plan = Plan::grouping(hours, cuboid.to_vec(), self.grain, &self.tz, self.users);
        plan.map(|plan| plan.reduce(cells)).unwrap_or_default()
    }
}

/// Whether a cube can have this name: it stands in keys of object storage.
pub fn is_cube_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_plain)
}

fn set(scope: &Scope, names: &[String]) -> Result<Vec<Dimension>, CubeError> {
    let seen = scope.dimensions();
    let dimension = |name: &String| {
        seen.iter().copied().find(|one| one.name() == name).ok_or_else(|| CubeError::Dimension {
            name: name.clone(),
            scope: scope.to_string(),
            seen: seen.iter().map(|one| one.name()).collect::<Vec<_>>().join(", "),
        })
    };
    let mut set = names.iter().map(dimension).collect::<Result<Vec<_>, _>>()?;
    set.sort();
    set.dedup();
    Ok(set)
}

fn counts_users(scope: &Scope, measures: &[String]) -> Result<bool, CubeError> {
    let mut users = false;
    for name in measures {
        match Metric::all().find(|metric| metric.name() == name && metric.is_seen_by(scope)) {
            Some(Metric::Reach) => users = true,
            Some(Metric::Measure(_)) => {}
            _ => return Err(CubeError::Measure(name.clone())),
        }
    }
    Ok(users)
}
