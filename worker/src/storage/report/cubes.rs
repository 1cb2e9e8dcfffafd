//! The cubes' part of a Report object's store: definitions, what is built of them, and what was asked.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::cube::{Cube, Part, Shape};
use adtally_core::time::Day;
use adtally_wire::cube::{Built, CubeBody, ShapeV1};
use worker::{Error, Result};

use super::super::sql::integer;
use super::ReportStore;

/// A cube with what is built of it.
pub(crate) struct StoredCube {
    /// What it is.
    pub(crate) cube: Cube,
    /// Whether it is used and built.
    pub(crate) enabled: bool,
    /// Of the definition.
    pub(crate) revision: i64,
    /// By cuboid.
    pub(crate) parts: Vec<Vec<StoredPart>>,
}

/// A part, and what making it took.
pub(crate) struct StoredPart {
    pub(crate) part: Part,
    pub(crate) bytes: u64,
    pub(crate) built_ms: i64,
    pub(crate) took_ms: i64,
}

/// A shape of questions, how many there were, and how many cells all of them read.
pub(crate) type Asked = (Shape, u64, u64);

/// The most shapes that are kept: those that were asked last.
const MAX_SHAPES: i64 = 500;
/// Objects that are removed at once.
const MAX_GARBAGE: i64 = 500;

impl ReportStore {
    /// Forgets what was built of cubes: after a restore nobody knows what of it is still in the bucket.
    pub(crate) fn forget_parts(&self) -> Result<()> {
        self.database.atomically(|| {
            self.database.run("DELETE FROM cube_parts", vec![])?;
            self.database.run("DELETE FROM cube_garbage", vec![]).map(drop)
        })
    }

    /// The days of a generation, each with the last one that changed it.
    pub(crate) fn published_days(&self, generation: u64) -> Result<BTreeMap<Day, u64>> {
        let query = "SELECT day, max(generation) FROM days WHERE generation <= ? GROUP BY day";
        let rows = self.database.rows(query, vec![integer(generation)?])?;
        rows.into_iter().map(|mut row| Ok((day(row.integer()?)?, number(row.integer()?)?))).collect()
    }

    /// Every cube of the scope.
    pub(crate) fn cubes(&self, scope: &Scope) -> Result<Vec<StoredCube>> {
        let rows =
            self.database.rows("SELECT name, revision, enabled, body FROM cubes ORDER BY name", vec![])?;
        let mut cubes = Vec::with_capacity(rows.len());
        for mut row in rows {
            let (name, revision, enabled) = (row.text()?, row.integer()?, row.integer()? != 0);
            let body: CubeBody = serde_json::from_str(&row.text()?)?;
            let cube = body.cube(scope, &name, "UTC").map_err(|error| fault(error.to_string()))?;
            let parts = self.parts(&name, cube.cuboids.len())?;
            cubes.push(StoredCube { cube, enabled, revision, parts });
        }
        Ok(cubes)
    }

    fn parts(&self, cube: &str, cuboids: usize) -> Result<Vec<Vec<StoredPart>>> {
        let query =
            "SELECT cuboid, first, last, generation, key, cells, bytes, built_ms, took_ms FROM cube_parts
            WHERE cube = ? ORDER BY cuboid, first, last";
        let mut parts: Vec<Vec<StoredPart>> = (0..cuboids).map(|_| Vec::new()).collect();
        for mut row in self.database.rows(query, vec![cube.into()])? {
            let place = usize::try_from(row.integer()?).unwrap_or(usize::MAX);
            let (first, last) = (day(row.integer()?)?, day(row.integer()?)?);
            let (generation, key) = (number(row.integer()?)?, row.text()?);
            let part = Part { first, last, generation, key, cells: number(row.integer()?)? };
            let bytes = number(row.integer()?)?;
            let stored = StoredPart { part, bytes, built_ms: row.integer()?, took_ms: row.integer()? };
            if let Some(of_cuboid) = parts.get_mut(place) {
                of_cuboid.push(stored);
            }
        }
        Ok(parts)
    }

    /// Makes a cube, or replaces its definition: then nothing of it is built.
    pub(crate) fn put_cube(&self, name: &str, body: &CubeBody, revision: i64) -> Result<()> {
        let body = serde_json::to_string(body)?;
        self.database.atomically(|| {
            self.discard(name, i32::MIN, i32::MAX, revision)?;
            let upsert = "INSERT OR REPLACE INTO cubes (name, revision, enabled, body) VALUES (?, ?, 1, ?)";
            let bindings = vec![name.into(), integer(revision)?, body.as_str().into()];
            self.database.run(upsert, bindings).map(drop)
        })
    }

    /// Whether a cube is used.
    pub(crate) fn enable_cube(&self, name: &str, enabled: bool) -> Result<()> {
        let bindings = vec![integer(i64::from(enabled))?, name.into()];
        self.database.run("UPDATE cubes SET enabled = ? WHERE name = ?", bindings).map(drop)
    }

    /// Removes a cube.
    pub(crate) fn forget_cube(&self, name: &str, now_ms: i64) -> Result<()> {
        self.database.atomically(|| {
            self.discard(name, i32::MIN, i32::MAX, now_ms)?;
            self.database.run("DELETE FROM cubes WHERE name = ?", vec![name.into()]).map(drop)
        })
    }

    /// Forgets the parts that have any of these days.
    pub(crate) fn drop_parts(&self, name: &str, from: i32, to: i32, now_ms: i64) -> Result<()> {
        self.database.atomically(|| self.discard(name, from, to, now_ms))
    }

    fn discard(&self, name: &str, from: i32, to: i32, now_ms: i64) -> Result<()> {
        let bindings = || Ok::<_, Error>(vec![name.into(), integer(from)?, integer(to)?]);
        let garbage = "INSERT OR REPLACE INTO cube_garbage (key, since_ms) SELECT key, ? FROM cube_parts
            WHERE key <> '' AND cube = ? AND last >= ? AND first < ?";
        let mut with_time = vec![integer(now_ms)?];
        with_time.extend(bindings()?);
        self.database.run(garbage, with_time)?;
        let delete = "DELETE FROM cube_parts WHERE cube = ? AND last >= ? AND first < ?";
        self.database.run(delete, bindings()?).map(drop)
    }

    /// Keeps what was built, in the place of what was there.
    pub(crate) fn put_parts(&self, built: &Built, now_ms: i64) -> Result<()> {
        self.database.atomically(|| {
            for (place, part) in built.parts.iter().enumerate() {
                let at = || Ok::<_, Error>([integer(place)?, integer(built.first)?, integer(built.last)?]);
                let garbage =
                    "INSERT OR REPLACE INTO cube_garbage (key, since_ms) SELECT key, ? FROM cube_parts
                    WHERE key <> '' AND key <> ? AND cube = ? AND cuboid = ? AND first = ? AND last = ?";
                let mut bindings =
                    vec![integer(now_ms)?, part.key.as_str().into(), built.cube.as_str().into()];
                bindings.extend(at()?);
                self.database.run(garbage, bindings)?;
                let upsert = "INSERT OR REPLACE INTO cube_parts
                    (cube, cuboid, first, last, generation, key, cells, bytes, built_ms, took_ms)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
                let mut bindings = vec![built.cube.as_str().into()];
                bindings.extend(at()?);
                bindings.extend([integer(built.generation)?, part.key.as_str().into()]);
                bindings.extend([integer(part.cells)?, integer(part.bytes)?]);
                bindings.extend([integer(now_ms)?, integer(built.took_ms)?]);
                self.database.run(upsert, bindings)?;
                // Built again, it may have the name that it had before.
                let delete = "DELETE FROM cube_garbage WHERE key = ?";
                self.database.run(delete, vec![part.key.as_str().into()])?;
            }
            Ok(())
        })
    }

    /// Objects that nobody has been told of since.
    pub(crate) fn garbage(&self, since_ms: i64) -> Result<Vec<String>> {
        let query = "SELECT key FROM cube_garbage WHERE since_ms < ? LIMIT ?";
        let rows = self.database.rows(query, vec![integer(since_ms)?, integer(MAX_GARBAGE)?])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Forgets objects that are removed.
    pub(crate) fn swept(&self, keys: &[String]) -> Result<()> {
        self.database.atomically(|| {
            for key in keys {
                self.database.run("DELETE FROM cube_garbage WHERE key = ?", vec![key.as_str().into()])?;
            }
            Ok(())
        })
    }

    /// Adds questions to those that were asked before.
    pub(crate) fn note_asked(&self, asked: &BTreeMap<Shape, (u64, u64)>, now_ms: i64) -> Result<()> {
        self.database.atomically(|| {
            for (shape, (questions, cells)) in asked {
                let shape = serde_json::to_string(&ShapeV1::from(shape))?;
                let upsert = "INSERT INTO cube_asked (shape, questions, cells, last_ms) VALUES (?, ?, ?, ?)
                    ON CONFLICT (shape) DO UPDATE SET questions = questions + excluded.questions,
                    cells = cells + excluded.cells, last_ms = excluded.last_ms";
                let bindings =
                    vec![shape.as_str().into(), integer(*questions)?, integer(*cells)?, integer(now_ms)?];
                self.database.run(upsert, bindings)?;
            }
            let old = "DELETE FROM cube_asked WHERE shape IN
                (SELECT shape FROM cube_asked ORDER BY last_ms DESC LIMIT -1 OFFSET ?)";
            self.database.run(old, vec![integer(MAX_SHAPES)?]).map(drop)
        })
    }

    /// All that was asked.
    pub(crate) fn asked(&self) -> Result<Vec<Asked>> {
        let rows = self.database.rows("SELECT shape, questions, cells FROM cube_asked", vec![])?;
        let mut asked = Vec::with_capacity(rows.len());
        for mut row in rows {
            let shape: ShapeV1 = serde_json::from_str(&row.text()?)?;
            let (questions, cells) = (number(row.integer()?)?, number(row.integer()?)?);
            if let Some(shape) = shape.shape() {
                asked.push((shape, questions, cells));
            }
        }
        Ok(asked)
    }
}

fn day(number: i64) -> Result<Day> {
    i32::try_from(number).map(Day).map_err(|_| fault(format!("stored day {number}")))
}

fn number(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| fault(format!("stored number {number}")))
}

fn fault(text: String) -> Error {
    Error::RustError(text)
}
