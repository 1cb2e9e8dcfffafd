//! Which cuboids would have helped with what was asked.

use std::collections::BTreeSet;

use crate::cell::Dimension;
use crate::report::{Plan, TimeUnit};
use crate::time::Hour;

/// The most cuboids that are advised.
const MAX_ADVICE: usize = 5;
/// The most shapes that are looked at, those that cost most.
const MAX_CANDIDATES: usize = 40;

/// What questions have in common that the same cuboid answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// What is told apart or filtered by.
    pub dimensions: Vec<Dimension>,
    /// Whole hours, days or months are told apart or cut.
    pub grain: TimeUnit,
    /// The zone in which units begin; empty where that does not matter.
    pub tz: String,
    /// Whether users are counted.
    pub users: bool,
}

/// A cuboid that would have helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What it tells apart.
    pub shape: Shape,
    /// Its cells, as far as can be told before.
    pub cells: u64,
    /// How many questions it would have answered.
    pub questions: u64,
    /// How many cells fewer would have been read for them.
    pub saved: u64,
}

impl Shape {
    /// The shape of a question, and the zone in which its days begin.
    pub fn of(plan: &Plan, default_tz: &str) -> Shape {
        let tz = if plan.units().is_empty() { default_tz } else { plan.tz() };
        let fits = |unit| {
            let finer = |asked: &TimeUnit| *asked >= unit && (unit != TimeUnit::Month || *asked == unit);
            let bounds = [plan.hours.start, plan.hours.end];
            let cut = |hour| is_open(hour) || Plan::is_boundary(unit, tz, hour);
            plan.units().iter().all(finer) && bounds.into_iter().all(cut)
        };
        let units = [TimeUnit::Month, TimeUnit::Day, TimeUnit::Hour];
        let grain = units.into_iter().find(|unit| fits(*unit)).unwrap_or(TimeUnit::Hour);
        let tz = if grain == TimeUnit::Hour { String::new() } else { tz.to_owned() };
        Shape { dimensions: plan.dimensions_needed(), grain, tz, users: plan.keep_users }
    }

    /// Whether cells of this shape answer questions of another.
    fn answers(&self, other: &Shape) -> bool {
        let is_fine = match (self.grain, other.grain) {
            (TimeUnit::Hour, _) => true,
            (TimeUnit::Day, unit) => unit != TimeUnit::Hour && self.tz == other.tz,
            (one, unit) => one == unit && self.tz == other.tz,
        };
        is_fine
            && (self.users || !other.users)
            && other.dimensions.iter().all(|dimension| self.dimensions.contains(dimension))
    }
}

/// No cells are before 2010, as such events are rejected, nor after some hundred years.
fn is_open(hour: Hour) -> bool {
    const FIRST: i32 = 350_640;
    const LAST: i32 = FIRST + 24 * 366 * 100;
    !(FIRST + 1..LAST).contains(&hour.0)
}

/// Advises on cuboids by what was asked: shapes, how often, and how many cells were read for each question; `size` tells
/// how many cells a cuboid would have.
///
/// The one that saves most comes first, and the next is judged by what is left.
pub fn advise(asked: &[(Shape, u64, u64)], size: impl Fn(&Shape) -> u64) -> Vec<Advice> {
    let mut left: Vec<(&Shape, u64, u64)> =
        asked.iter().map(|(shape, n, cells)| (shape, *n, *cells)).collect();
    let mut dear: Vec<&(Shape, u64, u64)> = asked.iter().collect();
    dear.sort_by_key(|(shape, n, cells)| (std::cmp::Reverse(n.saturating_mul(*cells)), shape));
    let mut candidates: BTreeSet<Shape> =
        dear.iter().take(MAX_CANDIDATES).map(|(shape, ..)| shape.clone()).collect();
    let pairs = dear.iter().take(6).flat_map(|one| dear.iter().take(6).map(move |other| (&one.0, &other.0)));
    candidates.extend(pairs.filter_map(|(one, other)| both(one, other)));
    let sized: Vec<(Shape, u64)> =
        candidates.into_iter().map(|shape| (size(&shape), shape)).map(|(n, shape)| (shape, n)).collect();
    let mut advice = Vec::new();
    while advice.len() < MAX_ADVICE {
        let gain = |(shape, cells): &(Shape, u64)| {
            let helped = left.iter().filter(|(other, _, now)| shape.answers(other) && now > cells);
            helped.fold((0_u64, 0_u64), |(saved, questions), (_, n, now)| {
                (saved.saturating_add(n.saturating_mul(now - cells)), questions + n)
            })
        };
        let best = sized.iter().map(|one| (gain(one), one)).max_by_key(|((saved, _), one)| {
            // Of equals the smaller one, then the first.
            (*saved, std::cmp::Reverse((one.1, &one.0)))
        });
        let Some(((saved @ 1.., questions), (shape, cells))) = best else { break };
        advice.push(Advice { shape: shape.clone(), cells: *cells, questions, saved });
        for (other, _, now) in &mut left {
            if shape.answers(other) {
                *now = (*now).min(*cells);
            }
        }
    }
    advice
}

/// The shape that answers both, if their zones allow it.
fn both(one: &Shape, other: &Shape) -> Option<Shape> {
    let dimensions: BTreeSet<_> = one.dimensions.iter().chain(&other.dimensions).copied().collect();
    let grain = one.grain.min(other.grain);
    let tz = match grain {
        TimeUnit::Hour => String::new(),
        _ if one.tz == other.tz => one.tz.clone(),
        _ => return None,
    };
    Some(Shape { dimensions: dimensions.into_iter().collect(), grain, tz, users: one.users || other.users })
}
