//! Cubes: the JSON of `/v1/cubes`, and what is said between the worker, Report objects and the tasks that build.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::cube::{Cube, CubeError, Shape};
use adtally_core::report::TimeUnit;
use adtally_core::time::Day;
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::batch::ESCAPED;

/// Report: `POST` a [`CubeCall`] as JSON, answered by a [`CubeAnswer`] as JSON.
pub const CUBES: &str = "/cubes";
/// Report: `POST` [`CubeCells`] as JSON, answered by the bytes of a [`ReduceAnswer`](crate::object::ReduceAnswer) whose
/// generation is the last one that had changed the day.
pub const CUBE_CELLS: &str = "/cube_cells";

/// A definition, as it is given and shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CubeBody {
    /// What is told apart.
    pub dimensions: Vec<String>,
    /// With `reach` users are kept; sums always are.
    #[serde(default)]
    pub measures: Vec<String>,
    /// `hour`, `day` or `month`; absent: `day`.
    #[serde(default)]
    pub grain: Option<String>,
    /// The zone of days and months; absent: the scope's.
    #[serde(default)]
    pub tz: Option<String>,
    /// Sets of dimensions; absent: each alone, and none.
    #[serde(default)]
    pub cuboids: Option<Vec<Vec<String>>>,
}

/// A cube as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CubeInfo {
    /// Its name.
    pub name: String,
    /// What is told apart.
    pub dimensions: Vec<String>,
    /// `reach` where users are kept.
    pub measures: Vec<String>,
    /// `hour`, `day` or `month`.
    pub grain: String,
    /// The zone of days and months.
    pub tz: String,
    /// The cuboids, the finest first.
    pub cuboids: Vec<Vec<String>>,
    /// Whether questions are answered from it, and it is built.
    pub enabled: bool,
    /// Changes with the definition.
    pub revision: i64,
    /// Days of the batch.
    pub days: u64,
    /// Days of it that have to be built, or built again.
    pub stale_days: u64,
    /// Cells of all its parts.
    pub cells: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When something of it was built last.
    pub built: Option<String>,
    /// How long building its present parts took.
    pub took_ms: i64,
    /// What is built.
    pub parts: Vec<PartInfo>,
}

/// Stored cells of a day or a month of a cuboid.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartInfo {
    /// What is told apart.
    pub cuboid: Vec<String>,
    /// The first day.
    pub from: String,
    /// The day after the last one.
    pub to: String,
    /// The generation whose cells it has.
    pub generation: u64,
    /// Where it lies in the bucket; empty: there are no cells.
    pub key: String,
    /// Whether nothing was published after it.
    pub fresh: bool,
    /// How many cells.
    pub cells: u64,
    /// How many bytes.
    pub bytes: u64,
    /// When it was built.
    pub built: String,
    /// How long that took.
    pub took_ms: i64,
}

/// What a cube would amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// Days of the batch.
    pub days: u64,
    /// The days that were looked at, the latest.
    pub sampled_days: u64,
    /// Cells of all cuboids and days.
    pub cells: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Each cuboid.
    pub cuboids: Vec<CuboidEstimate>,
}

/// What a cuboid would amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CuboidEstimate {
    /// What is told apart.
    pub cuboid: Vec<String>,
    /// Cells of all days.
    pub cells: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A cuboid that would have helped with what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recommendation {
    /// What it tells apart.
    pub dimensions: Vec<String>,
    /// The unit of time.
    pub grain: String,
    /// The zone of the unit.
    pub tz: String,
    /// `reach` if users are counted.
    pub measures: Vec<String>,
    /// Its cells, about.
    pub cells: u64,
    /// How many questions it would have answered.
    pub questions: u64,
    /// How many cells fewer would have been read.
    pub saved_cells: u64,
}

/// What a Report object is asked about cubes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CubeCall {
    /// Makes or changes one.
    Define {
        /// Its name.
        name: String,
        /// What it is.
        body: CubeBody,
        /// The zone where the body names none.
        default_tz: String,
    },
    /// Whether it is used.
    Enable {
        /// Its name.
        name: String,
        /// Whether.
        enabled: bool,
    },
    /// Removes one.
    Forget {
        /// Its name.
        name: String,
    },
    /// All of them, without parts.
    List,
    /// One, with its parts.
    Show {
        /// Its name.
        name: String,
    },
    /// What one would amount to.
    Estimate {
        /// What it would be.
        body: CubeBody,
        /// The zone where the body names none.
        default_tz: String,
    },
    /// Which cuboids would have helped.
    Recommend,
    /// What is to be built next.
    Work {
        /// Only this cube; absent: all.
        cube: Option<String>,
    },
    /// Something is built.
    Built(Built),
    /// Parts are to be built again.
    Refresh {
        /// The cube.
        name: String,
        /// The first day; absent: all from the first.
        from: Option<i32>,
        /// The day after the last one; absent: all to the last.
        to: Option<i32>,
    },
    /// These objects are removed.
    Swept {
        /// Where they were.
        keys: Vec<String>,
    },
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CubeTold {
    /// It is done.
    Done,
    /// Cubes.
    Cubes(Vec<CubeInfo>),
    /// An estimate.
    Estimate(Estimate),
    /// Recommendations.
    Recommendations(Vec<Recommendation>),
    /// What is to be done.
    Work(Work),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum CubeRefusal {
    /// There is none of this name.
    #[error("there is no cube {0:?}")]
    NotFound(String),
    /// Not a definition.
    #[error("{0}")]
    Bad(String),
    /// There are as many as there may be.
    #[error("there are {0} cubes, more cannot be")]
    TooMany(usize),
}

impl CubeRefusal {
    /// Of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            CubeRefusal::NotFound(_) => 404,
            CubeRefusal::Bad(_) | CubeRefusal::TooMany(_) => 422,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CubeRefusal::NotFound(_) => "cube_not_found",
            CubeRefusal::Bad(_) => "bad_cube",
            CubeRefusal::TooMany(_) => "too_many_cubes",
        }
    }
}

/// An answer.
pub type CubeAnswer = Result<CubeTold, CubeRefusal>;

/// What is to be done for cubes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Work {
    /// What to build.
    pub steps: Vec<Step>,
    /// Objects that nobody reads any more.
    pub garbage: Vec<String>,
}

/// Something that is to be built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The cube's name.
    pub cube: String,
    /// Its definition.
    pub body: CubeBody,
    /// The definition's revision.
    pub revision: i64,
    /// The first day.
    pub first: i32,
    /// The last day.
    pub last: i32,
    /// Of a month: by cuboid, where the cells of its days are; of a day: nothing.
    pub merge: Option<Merge>,
}

/// What a month is made of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Merge {
    /// The last generation of any of the days.
    pub generation: u64,
    /// By cuboid.
    pub keys: Vec<Vec<String>>,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Built {
    /// The cube's name.
    pub cube: String,
    /// The revision that it was built by.
    pub revision: i64,
    /// The first day.
    pub first: i32,
    /// The last day.
    pub last: i32,
    /// The generation whose cells it has.
    pub generation: u64,
    /// How long it took.
    pub took_ms: i64,
    /// By cuboid.
    pub parts: Vec<BuiltPart>,
}

/// What was built of a cuboid.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BuiltPart {
    /// Where it is; empty: there are no cells.
    pub key: String,
    /// How many cells.
    pub cells: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// Asks for the cells of the finest cuboid of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CubeCells {
    /// The definition.
    pub body: CubeBody,
    /// Days since 1970.
    pub day: i32,
}

/// What is to be built: the body of `POST /v1/cubes/{name}/build`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildBody {
    /// Whether what is built already is built again.
    #[serde(default)]
    pub refresh: bool,
    /// From this day on; absent: from the first.
    #[serde(default)]
    pub from: Option<String>,
    /// To the day before this one; absent: to the last.
    #[serde(default)]
    pub to: Option<String>,
}

/// A shape of questions, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeV1 {
    /// What is told apart or filtered by.
    pub dimensions: Vec<String>,
    /// The unit of time.
    pub grain: String,
    /// Its zone; empty where that does not matter.
    pub tz: String,
    /// Whether users are counted.
    pub users: bool,
}

impl From<&Shape> for ShapeV1 {
    fn from(shape: &Shape) -> Self {
        let (grain, tz) = (shape.grain.name().to_owned(), shape.tz.clone());
        Self { dimensions: names(&shape.dimensions), grain, tz, users: shape.users }
    }
}

impl ShapeV1 {
    /// The shape; none where it names what there is not any more.
    pub fn shape(&self) -> Option<Shape> {
        let dimension = |name: &String| Dimension::ALL.into_iter().find(|one| one.name() == name);
        let dimensions = self.dimensions.iter().map(dimension).collect::<Option<_>>()?;
        let grain = TimeUnit::ALL.into_iter().find(|unit| unit.name() == self.grain)?;
        Some(Shape { dimensions, grain, tz: self.tz.clone(), users: self.users })
    }

    /// In words.
    pub fn words(&self) -> String {
        let users = if self.users { " with reach" } else { "" };
        let tz = if self.tz.is_empty() { String::new() } else { format!(" in {}", self.tz) };
        format!("({}) by {}{tz}{users}", self.dimensions.join(", "), self.grain)
    }
}

impl CubeBody {
    /// The cube that it is.
    pub fn cube(&self, scope: &Scope, name: &str, default_tz: &str) -> Result<Cube, CubeError> {
        let grain = self.grain.as_deref().unwrap_or(TimeUnit::Day.name());
        let tz = self.tz.as_deref().unwrap_or(default_tz);
        Cube::new(scope, name, (grain, tz), &self.dimensions, &self.measures, self.cuboids.as_deref())
    }

    /// All that a cube is.
    pub fn of(cube: &Cube) -> CubeBody {
        CubeBody {
            dimensions: names(cube.dimensions()),
            measures: if cube.users { vec!["reach".to_owned()] } else { Vec::new() },
            grain: Some(cube.grain.name().to_owned()),
            tz: Some(cube.tz.clone()),
            cuboids: Some(cube.cuboids.iter().map(|one| names(one)).collect()),
        }
    }
}

impl Step {
    /// Where the cells of a cuboid go: a generation has one content.
    pub fn key(&self, scope: &Scope, generation: u64, cuboid: usize) -> String {
        let (first, last) = (Day(self.first), Day(self.last));
        let folder = cube_folder(scope, &self.cube);
        format!("{folder}revision={}/cuboid={cuboid}/{first}_{last}_g{generation}.cells", self.revision)
    }
}

/// Where all that belongs to a cube lies.
pub fn cube_folder(scope: &Scope, name: &str) -> String {
    let scope = scope.to_string();
    format!("cubes/scope={}/cube={name}/", utf8_percent_encode(&scope, ESCAPED))
}

/// The names of dimensions.
pub fn names(dimensions: &[Dimension]) -> Vec<String> {
    dimensions.iter().map(|one| one.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_bodies() {
        let scope = Scope::parse("advertiser:a/b").unwrap();
        let body = CubeBody { dimensions: vec!["country".to_owned()], ..CubeBody::default() };
        let cube = body.cube(&scope, "daily", "Asia/Seoul").unwrap();
        let whole = CubeBody::of(&cube);
        assert_eq!((whole.tz.as_deref(), whole.grain.as_deref()), (Some("Asia/Seoul"), Some("day")));
        assert_eq!(whole.cube(&scope, "daily", "UTC"), Ok(cube));
        let step = Step { cube: "daily".to_owned(), body, revision: 7, first: 0, last: 30, merge: None };
        let expected =
            "cubes/scope=advertiser%3Aa%2Fb/cube=daily/revision=7/cuboid=1/1970-01-01_1970-01-31_g3.cells";
        assert_eq!(step.key(&scope, 3, 1), expected);
    }
}
