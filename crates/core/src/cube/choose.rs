//! Which cuboid answers a question, and which of its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Cube, covers};
use crate::cell::Dimension;
use crate::report::Plan;
use crate::time::{Day, Hour};

/// Stored cells of some days of a cuboid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The first day.
    pub first: Day,
    /// The last one.
    pub last: Day,
    /// The last generation that had changed any of the days.
    pub generation: u64,
    /// How many cells there are.
    pub cells: u64,
    /// Where they are; empty: there are none.
    pub key: String,
}

/// A cuboid and what is built of it.
#[derive(Debug, Clone)]
pub struct Cuboid<'a> {
    /// Its cube.
    pub cube: &'a Cube,
    /// What it tells apart.
    pub dimensions: &'a [Dimension],
    /// Its parts, in any order.
    pub parts: Vec<Part>,
}

/// What answers a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The cube and the dimensions of the cuboid; none: the base cells.
    pub cuboid: Option<(String, Vec<Dimension>)>,
    /// What of it is read.
    pub parts: Vec<Part>,
    /// The days that are in it: their base cells are not read.
    pub days: BTreeSet<Day>,
    /// The days of the batch that are read from base cells.
    pub rest: usize,
    /// Cuboids that were not taken, with the reason.
    pub passed_over: Vec<String>,
}

/// Chooses the cuboid with the fewest days left over, and among those the one with the fewest cells.
///
/// `published` are all days of the batch, each with the last generation that changed it.
pub fn choose(plan: &Plan, published: &BTreeMap<Day, u64>, cuboids: &[Cuboid<'_>]) -> Choice {
    let within = days_of(&plan.hours);
    let wanted: Vec<Day> = published.keys().copied().filter(|day| within.contains(day)).collect();
    let data = data(published);
    let mut able: Vec<(usize, u64, Choice)> = Vec::new();
    let mut passed_over = Vec::new();
    for cuboid in cuboids {
        if let Err(gap) = covers(cuboid.cube, cuboid.dimensions, plan, &data) {
            passed_over.push(format!("{}: {gap}", named(&cuboid.cube.name, cuboid.dimensions)));
            continue;
        }
        let (parts, days) = good_parts(cuboid, &wanted, published);
        let cells = parts.iter().map(|part| part.cells).sum::<u64>();
        let rest = wanted.len() - days.len();
        let chosen = Some((cuboid.cube.name.clone(), cuboid.dimensions.to_vec()));
        able.push((rest, cells, Choice { cuboid: chosen, parts, days, rest, ..Choice::default() }));
    }
    // Of equals the one that tells less apart is read faster.
    able.sort_by_key(|(rest, cells, choice)| {
        (*rest, *cells, choice.cuboid.as_ref().map(|(_, dimensions)| dimensions.len()))
    });
    let mut best = Choice { rest: wanted.len(), ..Choice::default() };
    for (rest, cells, choice) in able {
        let name =
            choice.cuboid.as_ref().map(|(cube, dimensions)| named(cube, dimensions)).unwrap_or_default();
        if choice.days.is_empty() {
            passed_over.push(format!("{name}: it covers the question, but none of its days are built"));
        } else if best.cuboid.is_none() {
            best = choice;
        } else {
            passed_over.push(format!("{name}: {cells} cells, {rest} days left over"));
        }
    }
    Choice { passed_over, ..best }
}

/// Full months before the last day of the batch of which every cuboid has good parts of days but none of the month.
pub fn months_due(published: &BTreeMap<Day, u64>, cuboids: &[Cuboid<'_>]) -> Vec<(Day, Day)> {
    let mut months: BTreeMap<(Day, Day), Vec<Day>> = BTreeMap::new();
    for day in published.keys() {
        months.entry(month_of(*day)).or_default().push(*day);
    }
    let newest = published.keys().last().copied().unwrap_or(Day(i32::MIN));
    let is_due = |((first, last), days): &((Day, Day), Vec<Day>)| {
        let is_built = |cuboid: &Cuboid<'_>| {
            let of_day = |day: &Day| {
                let good = |part: &&Part| part.first == *day && part.last == *day && is_good(part, published);
                cuboid.parts.iter().any(|part| good(&part))
            };
            days.iter().all(of_day)
        };
        let is_merged = |cuboid: &Cuboid<'_>| {
            let good = |part: &Part| part.first == *first && part.last == *last && is_good(part, published);
            cuboid.parts.iter().any(good)
        };
        *last < newest && days.len() > 1 && cuboids.iter().all(is_built) && !cuboids.iter().all(is_merged)
    };
    months.into_iter().filter(is_due).map(|(month, _)| month).collect()
}

/// The first and the last day of the month (UTC) of a day.
fn month_of(day: Day) -> (Day, Day) {
    let (month, of_month) = day.month_and_day();
    let first = Day(day.0 - of_month as i32 + 1);
    let mut last = Day(first.0 + 27);
    while Day(last.0 + 1).month_and_day().0 == month {
        last.0 += 1;
    }
    (first, last)
}

/// The hours from the first to the last day of the batch.
fn data(published: &BTreeMap<Day, u64>) -> Range<Hour> {
    match (published.keys().next(), published.keys().last()) {
        (Some(first), Some(last)) => first.hours().start..last.hours().end,
        _ => Hour(0)..Hour(0),
    }
}

fn days_of(hours: &Range<Hour>) -> Range<Day> {
    if hours.is_empty() {
        return Day(0)..Day(0);
    }
    Day::of(hours.start)..Day(Day::of(Hour(hours.end.0 - 1)).0.saturating_add(1))
}

/// Whether nothing of its days was published after it.
fn is_good(part: &Part, published: &BTreeMap<Day, u64>) -> bool {
    let latest = published.range(part.first..=part.last).map(|(_, generation)| *generation).max();
    latest == Some(part.generation)
}

/// The fewest cells of good parts that have the wanted days, and the days that they have.
fn good_parts(
    cuboid: &Cuboid<'_>,
    wanted: &[Day],
    published: &BTreeMap<Day, u64>,
) -> (Vec<Part>, BTreeSet<Day>) {
    let good = cuboid.parts.iter().filter(|part| is_good(part, published));
    let (months, days): (Vec<&Part>, Vec<&Part>) = good.partition(|part| part.first != part.last);
    let of_day: BTreeMap<Day, &Part> = days.into_iter().map(|part| (part.first, part)).collect();
    let (mut parts, mut covered) = (Vec::new(), BTreeSet::new());
    for month in months {
        let inside: Vec<Day> =
            wanted.iter().copied().filter(|day| (month.first..=month.last).contains(day)).collect();
        let single: Option<u64> = inside.iter().map(|day| of_day.get(day).map(|part| part.cells)).sum();
        // A month is one object where days are many.
        if inside.len() > 1 && single.is_none_or(|single| month.cells <= single) {
            parts.push(month.clone());
            covered.extend(inside);
        }
    }
    for day in wanted {
        if let Some(part) = of_day.get(day).filter(|_| !covered.contains(day)) {
            parts.push((*part).clone());
            covered.insert(*day);
        }
    }
    (parts, covered)
}

/// A cuboid in words.
pub fn named(cube: &str, dimensions: &[Dimension]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|one| one.name()).collect();
    format!("{cube} ({})", names.join(", "))
}
