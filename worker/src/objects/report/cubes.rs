//! Cubes of a scope: which of them answers a question, what has to be built, what is worth having.
//!
//! What is built lies in the bucket; here is what it is good for.
//! A part names the generation that its cells are of, and is used only while that is the last one of its days: so nothing
//! has to be undone when a generation is published.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use adtally_core::cube::{Advice, Choice, Cube, Cuboid, Shape, advise, choose, months_due, named};
use adtally_core::report::{Plan, TimeUnit};
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::{Day, rfc3339};
use adtally_wire::cube::{
    Built, CubeAnswer, CubeBody, CubeCall, CubeCells, CubeInfo, CubeRefusal, CubeTold, CuboidEstimate,
    Estimate, Merge, PartInfo, Recommendation, ShapeV1, Step, Work, names,
};
use adtally_wire::object::{ReduceAnswer, ReduceHead, Routed};
use worker::{Response, Result};

use super::super::refuse;
use super::Report;
use crate::clock;
use crate::storage::report::{Asked, ReportStore, StoredCube, StoredPart};

/// The most cubes of a scope: what is known of their parts is in memory.
const MAX_CUBES: usize = 20;
/// Steps that are handed out at once.
const MAX_STEPS: usize = 16;
/// How long an object stays that nobody is told of any more: longer than any request takes.
const GARBAGE_AFTER_MS: i64 = 10 * 60 * 1_000;
/// Questions that are noted together: a row per question would cost as much as the question.
const NOTED_TOGETHER: u64 = 16;
/// Days that an estimate looks at.
const SAMPLED_DAYS: usize = 3;
/// The share of a month's cells that days have, roughly: advertisers have some ads every day and some on few.
const DAYS_PER_MONTH: u64 = 10;

/// What is known of a scope's cubes, until something of it changes.
pub(super) struct Known {
    generation: u64,
    published: BTreeMap<Day, u64>,
    cubes: Vec<StoredCube>,
}

/// What a Report object remembers about cubes.
#[derive(Default)]
pub(super) struct Memory {
    known: RefCell<Option<Rc<Known>>>,
    asked: RefCell<BTreeMap<Shape, (u64, u64)>>,
}

impl Known {
    fn cuboids<'k>(&'k self, plan: Option<&Plan>) -> Vec<Cuboid<'k>> {
        let within = |part: &&StoredPart| {
            plan.is_none_or(|plan| {
                part.part.first.hours().start < plan.hours.end
                    && plan.hours.start < part.part.last.hours().end
            })
        };
        let enabled = self.cubes.iter().filter(|cube| cube.enabled);
        let cuboids = enabled.flat_map(move |stored| {
            stored.cube.cuboids.iter().zip(&stored.parts).map(move |(dimensions, parts)| Cuboid {
                cube: &stored.cube,
                dimensions,
                parts: parts.iter().filter(within).map(|part| part.part.clone()).collect(),
            })
        });
        cuboids.collect()
    }

    fn is_fresh(&self, part: &StoredPart) -> bool {
        let days = self.published.range(part.part.first..=part.part.last);
        days.map(|(_, generation)| *generation).max() == Some(part.part.generation)
    }

    /// Days of which a cuboid has no part that is good.
    fn stale<'k>(&'k self, cube: &'k StoredCube) -> impl Iterator<Item = Day> + 'k {
        let is_built = move |day: Day| {
            let good =
                |part: &StoredPart| part.part.first == day && part.part.last == day && self.is_fresh(part);
            cube.parts.iter().all(|parts| parts.iter().any(good))
        };
        self.published.keys().copied().filter(move |day| !is_built(*day))
    }
}

impl Report {
    /// What answers a question of a generation, and what was looked at.
    pub(super) fn route(&self, plan: &Plan, generation: u64) -> Result<Choice> {
        let known = self.known()?;
        if known.cubes.is_empty() {
            return Ok(Choice::default());
        }
        let cuboids = known.cuboids(Some(plan));
        if generation == known.generation {
            return Ok(choose(plan, &known.published, &cuboids));
        }
        Ok(choose(plan, &self.store()?.published_days(generation)?, &cuboids))
    }

    /// How a question was answered, and a note of it.
    pub(super) fn routed(
        &self,
        plan: &Plan,
        default_tz: &str,
        choice: Choice,
        read: (u64, u64, u64),
    ) -> Result<Routed> {
        let (base_days, base_cells, realtime_cells) = read;
        let part_cells = choice.parts.iter().map(|part| part.cells).sum();
        let shape = Shape::of(plan, default_tz);
        let wanted = ShapeV1::from(&shape).words();
        self.note(shape, base_cells + part_cells)?;
        let cuboid = choice.cuboid.map(|(cube, dimensions)| named(&cube, &dimensions)).unwrap_or_default();
        let keys = choice.parts.into_iter().map(|part| part.key).filter(|key| !key.is_empty());
        Ok(Routed {
            parts: keys.collect(),
            cuboid,
            part_cells,
            part_days: choice.days.len() as u64,
            base_days,
            base_cells,
            realtime_cells,
            passed_over: choice.passed_over,
            wanted,
        })
    }

    fn note(&self, shape: Shape, cells: u64) -> Result<()> {
        let mut asked = self.cubes.asked.borrow_mut();
        let of_shape = asked.entry(shape).or_default();
        *of_shape = (of_shape.0 + 1, of_shape.1.saturating_add(cells));
        if asked.values().map(|(questions, _)| questions).sum::<u64>() >= NOTED_TOGETHER {
            self.store()?.note_asked(&asked, clock::now().0)?;
            asked.clear();
        }
        Ok(())
    }

    /// Something that routes go by is not as it was.
    pub(super) fn forget_cubes(&self) {
        self.cubes.known.take();
    }

    fn known(&self) -> Result<Rc<Known>> {
        if let Some(known) = self.cubes.known.borrow().as_ref() {
            return Ok(known.clone());
        }
        let store = self.store()?;
        let generation = store.last_generation()?.generation;
        let cubes = store.cubes(&self.scope()?)?;
        // Days are counted only where somebody needs to know.
        let published = if cubes.is_empty() { BTreeMap::new() } else { store.published_days(generation)? };
        let known = Rc::new(Known { generation, published, cubes });
        self.cubes.known.replace(Some(known.clone()));
        Ok(known)
    }

    /// Whether there is anything to build, or to be removed.
    pub(super) fn has_cubes(&self) -> Result<bool> {
        let is_used = self.known()?.cubes.iter().any(|cube| cube.enabled);
        Ok(is_used || !self.store()?.garbage(clock::now().0)?.is_empty())
    }

    /// Whatever is asked about cubes.
    pub(super) fn cube_call(&self, call: CubeCall) -> Result<Response> {
        let answer: CubeAnswer = match call {
            CubeCall::Define { name, body, default_tz } => self.define(&name, &body, &default_tz)?,
            CubeCall::Enable { name, enabled } => {
                self.change(&name, |store, _| store.enable_cube(&name, enabled))?
            }
            CubeCall::Forget { name } => self.change(&name, |store, now| store.forget_cube(&name, now))?,
            CubeCall::Refresh { name, from, to } => self.change(&name, |store, now| {
                store.drop_parts(&name, from.unwrap_or(i32::MIN), to.unwrap_or(i32::MAX), now)
            })?,
            CubeCall::List => Ok(CubeTold::Cubes(self.infos(None)?)),
            CubeCall::Show { name } => match self.infos(Some(&name))? {
                infos if infos.is_empty() => Err(CubeRefusal::NotFound(name)),
                infos => Ok(CubeTold::Cubes(infos)),
            },
            CubeCall::Estimate { body, default_tz } => self.estimate(&body, &default_tz)?,
            CubeCall::Recommend => self.recommend()?,
            CubeCall::Work { cube } => Ok(CubeTold::Work(self.work(cube.as_deref())?)),
            CubeCall::Built(built) => self.built(&built)?,
            CubeCall::Swept { keys } => {
                self.store()?.swept(&keys)?;
                Ok(CubeTold::Done)
            }
        };
        Response::from_json(&answer)
    }

    /// Makes a cube, or changes it; the same definition again changes nothing.
    fn define(&self, name: &str, body: &CubeBody, default_tz: &str) -> Result<CubeAnswer> {
        let cube = match body.cube(&self.scope()?, name, default_tz) {
            Ok(cube) => cube,
            Err(error) => return Ok(Err(CubeRefusal::Bad(error.to_string()))),
        };
        let known = self.known()?;
        let before = known.cubes.iter().find(|stored| stored.cube.name == name);
        if before.is_none() && known.cubes.len() >= MAX_CUBES {
            return Ok(Err(CubeRefusal::TooMany(MAX_CUBES)));
        }
        if before.is_none_or(|stored| stored.cube != cube) {
            self.store()?.put_cube(name, &CubeBody::of(&cube), clock::now().0)?;
            self.forget_cubes();
        }
        Ok(Ok(CubeTold::Cubes(self.infos(Some(name))?)))
    }

    fn change(&self, name: &str, change: impl Fn(&ReportStore, i64) -> Result<()>) -> Result<CubeAnswer> {
        if !self.known()?.cubes.iter().any(|stored| stored.cube.name == name) {
            return Ok(Err(CubeRefusal::NotFound(name.to_owned())));
        }
        change(&self.store()?, clock::now().0)?;
        self.forget_cubes();
        Ok(Ok(CubeTold::Cubes(self.infos(Some(name))?)))
    }

    /// All cubes without parts, or one with them.
    fn infos(&self, name: Option<&str>) -> Result<Vec<CubeInfo>> {
        let known = self.known()?;
        let wanted = known.cubes.iter().filter(|stored| name.is_none_or(|name| stored.cube.name == name));
        Ok(wanted.map(|stored| info(&known, stored, name.is_some())).collect())
    }

    /// What has to be built next: days first, then months of days that are all there.
    fn work(&self, cube: Option<&str>) -> Result<Work> {
        let (known, store) = (self.known()?, self.store()?);
        let mut steps = Vec::new();
        let wanted =
            |stored: &&StoredCube| stored.enabled && cube.is_none_or(|name| stored.cube.name == name);
        for stored in known.cubes.iter().filter(wanted) {
            let step = |first: Day, last: Day, merge| Step {
                cube: stored.cube.name.clone(),
                body: CubeBody::of(&stored.cube),
                revision: stored.revision,
                first: first.0,
                last: last.0,
                merge,
            };
            let days: Vec<Step> = known.stale(stored).map(|day| step(day, day, None)).collect();
            if !days.is_empty() {
                steps.extend(days);
                continue;
            }
            let all = known.cuboids(None);
            let cuboids: Vec<Cuboid<'_>> =
                all.into_iter().filter(|cuboid| cuboid.cube.name == stored.cube.name).collect();
            for (first, last) in months_due(&known.published, &cuboids) {
                let generation = known.published.range(first..=last).map(|(_, generation)| *generation).max();
                let of_days = |cuboid: &Cuboid<'_>| {
                    let days = cuboid.parts.iter().filter(|part| {
                        part.first == part.last
                            && (first..=last).contains(&part.first)
                            && !part.key.is_empty()
                    });
                    days.map(|part| part.key.clone()).collect()
                };
                let keys = cuboids.iter().map(of_days).collect();
                steps.push(step(first, last, Some(Merge { generation: generation.unwrap_or(0), keys })));
            }
        }
        steps.truncate(MAX_STEPS);
        Ok(Work { steps, garbage: store.garbage(clock::now().0 - GARBAGE_AFTER_MS)? })
    }

    /// Takes up what was built, unless it is of another definition or of a generation that is not the last any more.
    fn built(&self, built: &Built) -> Result<CubeAnswer> {
        let known = self.known()?;
        let days = known.published.range(Day(built.first)..=Day(built.last));
        let is_last = days.map(|(_, generation)| *generation).max() == Some(built.generation);
        let is_it = |stored: &StoredCube| {
            stored.cube.name == built.cube
                && stored.revision == built.revision
                && stored.cube.cuboids.len() == built.parts.len()
        };
        if is_last && known.cubes.iter().any(is_it) {
            self.store()?.put_parts(built, clock::now().0)?;
            self.forget_cubes();
        }
        Ok(Ok(CubeTold::Done))
    }

    /// The cells of the finest cuboid of a day.
    pub(super) fn cube_cells(&self, wanted: &CubeCells) -> Result<Response> {
        let cube = match wanted.body.cube(&self.scope()?, "cells", "UTC") {
            Ok(cube) => cube,
            Err(error) => return refuse(422, None, &error.to_string()),
        };
        let (known, day) = (self.known()?, Day(wanted.day));
        let cells = self.day(&cube, day, known.generation)?;
        let generation = known.published.get(&day).copied().unwrap_or(0);
        let head = ReduceHead { generation, published: known.generation, ..ReduceHead::default() };
        let answer = ReduceAnswer { head, segment: Some(cells.encode()), ..ReduceAnswer::default() };
        Response::from_bytes(answer.encode())
    }

    fn day(&self, cube: &Cube, day: Day, generation: u64) -> Result<Segment> {
        let mut cells = Merger::default();
        let take = |segment: Segment| cells.add(cube.add_up(cube.dimensions(), day.hours(), &segment));
        self.store()?.days_of(&day.hours(), generation, &Default::default(), take)?;
        Ok(cells.finish())
    }

    fn estimate(&self, body: &CubeBody, default_tz: &str) -> Result<CubeAnswer> {
        let cube = match body.cube(&self.scope()?, "estimate", default_tz) {
            Ok(cube) => cube,
            Err(error) => return Ok(Err(CubeRefusal::Bad(error.to_string()))),
        };
        let (published, generation) = self.published()?;
        let sample: Vec<Day> = published.keys().rev().take(SAMPLED_DAYS).copied().collect();
        let mut sums = vec![(0, 0); cube.cuboids.len()];
        for day in &sample {
            let finest = self.day(&cube, *day, generation)?;
            for (cuboid, (cells, bytes)) in cube.cuboids.iter().zip(&mut sums) {
                let of_cuboid = cube.add_up(cuboid, day.hours(), &finest);
                *cells += of_cuboid.len() as u64;
                *bytes += of_cuboid.encode().len() as u64;
            }
        }
        let (days, looked_at) = (published.len() as u64, (sample.len() as u64).max(1));
        let whole = |of_sample: u64| of_sample.saturating_mul(days) / looked_at;
        let cuboids = cube.cuboids.iter().zip(&sums).map(|(cuboid, (cells, bytes))| CuboidEstimate {
            cuboid: names(cuboid),
            cells: whole(*cells),
            bytes: whole(*bytes),
        });
        let cuboids: Vec<CuboidEstimate> = cuboids.collect();
        Ok(Ok(CubeTold::Estimate(Estimate {
            days,
            sampled_days: sample.len() as u64,
            cells: cuboids.iter().map(|cuboid| cuboid.cells).sum(),
            bytes: cuboids.iter().map(|cuboid| cuboid.bytes).sum(),
            cuboids,
        })))
    }

    fn published(&self) -> Result<(BTreeMap<Day, u64>, u64)> {
        let store = self.store()?;
        let generation = store.last_generation()?.generation;
        Ok((store.published_days(generation)?, generation))
    }

    /// Which cuboids would have helped with what was asked since the scope is there.
    fn recommend(&self) -> Result<CubeAnswer> {
        let store = self.store()?;
        let noted = self.cubes.asked.take();
        if !noted.is_empty() {
            store.note_asked(&noted, clock::now().0)?;
        }
        let asked: Vec<Asked> = store
            .asked()?
            .into_iter()
            .filter(|(_, questions, _)| *questions > 0)
            .map(|(shape, questions, cells)| (shape, questions, cells / questions))
            .collect();
        let (published, generation) = self.published()?;
        let mut day = Merger::default();
        if let Some(newest) = published.keys().last() {
            store.days_of(&newest.hours(), generation, &Default::default(), |cells| day.add(cells))?;
        }
        let (day, days) = (day.finish(), published.len() as u64);
        let scope = self.scope()?;
        let size = |shape: &Shape| {
            let body = body(shape);
            let Ok(cube) = body.cube(&scope, "size", "UTC") else { return u64::MAX };
            let hours = published.keys().last().map_or(Day(0), |day| *day).hours();
            let of_day = cube.add_up(cube.dimensions(), hours, &day).len() as u64;
            match shape.grain {
                TimeUnit::Month => of_day.saturating_mul(days.div_ceil(DAYS_PER_MONTH)),
                _ => of_day.saturating_mul(days),
            }
        };
        let told = advise(&asked, size).into_iter().map(|advice| recommendation(&advice)).collect();
        Ok(Ok(CubeTold::Recommendations(told)))
    }
}

/// A cube of one cuboid of a shape.
fn body(shape: &Shape) -> CubeBody {
    CubeBody {
        dimensions: names(&shape.dimensions),
        measures: if shape.users { vec!["reach".to_owned()] } else { Vec::new() },
        grain: Some(shape.grain.name().to_owned()),
        tz: Some(if shape.tz.is_empty() { "UTC".to_owned() } else { shape.tz.clone() }),
        cuboids: Some(Vec::new()),
    }
}

fn recommendation(advice: &Advice) -> Recommendation {
    let CubeBody { dimensions, measures, grain, tz, .. } = body(&advice.shape);
    Recommendation {
        dimensions,
        grain: grain.unwrap_or_default(),
        tz: tz.unwrap_or_default(),
        measures,
        cells: advice.cells,
        questions: advice.questions,
        saved_cells: advice.saved,
    }
}

fn info(known: &Known, stored: &StoredCube, with_parts: bool) -> CubeInfo {
    let CubeBody { dimensions, measures, grain, tz, cuboids } = CubeBody::of(&stored.cube);
    let all = || stored.parts.iter().flatten();
    let part = |(cuboid, stored): (&Vec<String>, &StoredPart)| PartInfo {
        cuboid: cuboid.clone(),
        from: stored.part.first.to_string(),
        to: Day(stored.part.last.0 + 1).to_string(),
        generation: stored.part.generation,
        key: stored.part.key.clone(),
        fresh: known.is_fresh(stored),
        cells: stored.part.cells,
        bytes: stored.bytes,
        built: rfc3339(stored.built_ms),
        took_ms: stored.took_ms,
    };
    let cuboids = cuboids.unwrap_or_default();
    let parts = cuboids.iter().zip(&stored.parts);
    let parts = parts.flat_map(|(cuboid, parts)| parts.iter().map(move |stored| (cuboid, stored)));
    let parts = if with_parts { parts.map(part).collect() } else { Vec::new() };
    CubeInfo {
        name: stored.cube.name.clone(),
        dimensions,
        measures,
        grain: grain.unwrap_or_default(),
        tz: tz.unwrap_or_default(),
        enabled: stored.enabled,
        revision: stored.revision,
        days: known.published.len() as u64,
        stale_days: known.stale(stored).count() as u64,
        cells: all().map(|stored| stored.part.cells).sum(),
        bytes: all().map(|stored| stored.bytes).sum(),
        built: all().map(|stored| stored.built_ms).max().map(rfc3339),
        // All cuboids of a day or month are built together.
        took_ms: stored.parts.first().into_iter().flatten().map(|stored| stored.took_ms).sum(),
        cuboids,
        parts,
    }
}
