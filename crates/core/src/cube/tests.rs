use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::cell::{CellKey, Cells, Dimension, Scope};
use crate::key::{Key, UserKey};
use crate::measure::Measure;
use crate::report::{Plan, Query, TimeUnit};
use crate::segment::{Merger, Segment};
use crate::time::{Day, Hour, ServerTime};

fn scope() -> Scope {
    Scope::Advertiser(Key::parse("acme").unwrap())
}

fn texts(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

fn cube(grain: &str, tz: &str, dimensions: &str, cuboids: &[&str]) -> Cube {
    let cuboids: Vec<Vec<String>> = cuboids.iter().map(|one| texts(one)).collect();
    Cube::new(&scope(), "c", (grain, tz), &texts(dimensions), &[], Some(&cuboids)).unwrap()
}

fn plan(query: &str) -> Plan {
    let parameters: Vec<(String, String)> = query
        .split_whitespace()
        .map(|part| part.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Query::parse(&parameters, "UTC", ServerTime(day("2026-05-01").start_ms())).unwrap().plan()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn published(days: &[(&str, u64)]) -> BTreeMap<Day, u64> {
    days.iter().map(|(text, generation)| (day(text), *generation)).collect()
}

fn part(first: &str, last: &str, generation: u64, cells: u64) -> Part {
    Part { first: day(first), last: day(last), generation, cells, key: format!("{first}/{last}") }
}

#[test]
fn definitions() {
    fn check(
        name: &str,
        grain: &str,
        tz: &str,
        dimensions: &str,
        measures: &str,
        expected: Result<usize, &str>,
    ) {
        let cube = Cube::new(&scope(), name, (grain, tz), &texts(dimensions), &texts(measures), None);
        let told = cube.map(|cube| cube.cuboids.len()).map_err(|error| error.to_string());
        match (told, expected) {
            (Ok(told), Ok(expected)) => assert_eq!(told, expected, "{name} {dimensions}"),
            (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
            other => panic!("{name} {dimensions}: {other:?}"),
        }
    }
    check("daily", "day", "Asia/Seoul", "campaign country campaign", "clicks reach", Ok(4));
    check("one", "hour", "UTC", "ad", "", Ok(2));
    check("none", "month", "UTC", "", "", Ok(1));
    check("Daily", "day", "UTC", "ad", "", Err("not a name"));
    check("a", "week", "UTC", "ad", "", Err("not a grain"));
    check("a", "day", "Mars", "ad", "", Err("time zone"));
    check("a", "day", "UTC", "page", "", Err("keeps advertiser, campaign"));
    check("a", "day", "UTC", "ad", "ctr", Err("not a measure"));
    let foreign = Cube::new(&scope(), "a", ("day", "UTC"), &texts("ad"), &[], Some(&[texts("label")]));
    assert_eq!(foreign, Err(CubeError::Foreign("label".to_owned())));
}

#[test]
fn what_a_cuboid_covers() {
    fn check(grain: &str, tz: &str, query: &str, expected: Result<(), Gap>) {
        let cube = cube(grain, tz, "campaign country", &[]);
        let data = day("2026-03-01").hours().start..day("2026-03-31").hours().end;
        assert_eq!(covers(&cube, cube.dimensions(), &plan(query), &data), expected, "{grain} {tz} {query}");
    }
    check("day", "UTC", "by=day,campaign from=2026-03-02 to=2026-03-05", Ok(()));
    check("day", "UTC", "by=campaign filter=country:eq:KR from=2026-03-02 to=2026-03-05", Ok(()));
    check("day", "UTC", "by=ad from=2026-03-02", Err(Gap::Dimensions(vec![Dimension::Ad])));
    check("day", "UTC", "filter=ad:eq:a from=2026-03-02", Err(Gap::Dimensions(vec![Dimension::Ad])));
    check("day", "UTC", "metrics=reach from=2026-03-02", Err(Gap::Users));
    check("day", "UTC", "by=hour from=2026-03-02", Err(Gap::Unit(TimeUnit::Hour)));
    check("month", "UTC", "by=week from=2026-01-01", Err(Gap::Unit(TimeUnit::Week)));
    check("day", "UTC", "by=week from=2026-03-02", Ok(()));
    check("day", "UTC", "by=day tz=Asia/Seoul from=2026-01-01", Err(Gap::Zone("UTC".to_owned())));
    check("day", "Asia/Seoul", "by=day tz=Asia/Seoul from=2026-03-03 to=2026-03-05", Ok(()));
    check("hour", "UTC", "by=day tz=Asia/Seoul from=2026-03-03", Ok(()));
    check("day", "UTC", "from=2026-03-02T05:00:00Z to=2026-03-05", Err(Gap::Within(TimeUnit::Day)));
    check("day", "UTC", "tz=Asia/Seoul from=2026-03-02 to=2026-03-05", Err(Gap::Within(TimeUnit::Day)));
    check("hour", "UTC", "from=2026-03-02T05:00:00Z to=2026-03-05", Ok(()));
    check("month", "UTC", "from=2026-03-02 to=2026-04-01", Err(Gap::Within(TimeUnit::Month)));
    // Before and after all data nothing is cut.
    check("month", "UTC", "from=2026-02-20T07:00:00Z to=2026-05-02", Ok(()));
}

#[test]
fn the_smallest_cuboid_is_chosen() {
    let cube = cube("day", "UTC", "campaign country", &["campaign", "country"]);
    let days = published(&[("2026-03-01", 1), ("2026-03-02", 4), ("2026-03-03", 2)]);
    let parts = |cells: u64, second: u64| {
        vec![
            part("2026-03-01", "2026-03-01", 1, cells),
            part("2026-03-02", "2026-03-02", second, cells),
            part("2026-03-03", "2026-03-03", 2, cells),
        ]
    };
    let check = |query: &str, seconds: [u64; 3], expected: Option<&str>, rest: usize| {
        let sizes = [100, 10, 5];
        let cuboids: Vec<Cuboid<'_>> = cube
            .cuboids
            .iter()
            .zip(sizes.into_iter().zip(seconds))
            .map(|(dimensions, (cells, second))| Cuboid {
                cube: &cube,
                dimensions,
                parts: parts(cells, second),
            })
            .collect();
        let choice = choose(&plan(query), &days, &cuboids);
        let told = choice.cuboid.map(|(cube, dimensions)| named(&cube, &dimensions));
        assert_eq!(told.as_deref(), expected, "{query}");
        assert_eq!(
            (choice.rest, choice.passed_over.len()),
            (rest, 3 - usize::from(told.is_some())),
            "{query}"
        );
        assert_eq!(choice.parts.len(), choice.days.len());
    };
    check("by=campaign from=2026-01-01", [4; 3], Some("c (campaign)"), 0);
    check("by=country from=2026-01-01", [4; 3], Some("c (country)"), 0);
    check("from=2026-01-01", [4; 3], Some("c (country)"), 0);
    check("by=country,campaign from=2026-01-01", [4; 3], Some("c (campaign, country)"), 0);
    check("by=ad from=2026-01-01", [4; 3], None, 3);
    // What was published after a part makes it useless: fewer days left over come first.
    check("by=country from=2026-01-01", [4, 4, 3], Some("c (campaign, country)"), 0);
    check("by=country from=2026-01-01", [3, 4, 3], Some("c (country)"), 1);
    check("by=country from=2026-03-03", [3, 4, 3], Some("c (country)"), 0);
    check("by=country from=2026-03-02 to=2026-03-03", [3, 3, 3], None, 1);
    // A part of a generation that is not published yet is of no use for an older one.
    check("by=country from=2026-03-02 to=2026-03-03", [5, 5, 5], None, 1);
}

#[test]
fn months_take_the_place_of_days() {
    let cube = cube("day", "UTC", "campaign", &[]);
    let (first, second) = ("2026-02-01", "2026-02-02");
    let check = |days: &[(&str, u64)], month: Option<(u64, u64)>, due: usize, read: &[&str]| {
        let mut parts = vec![part(first, first, 1, 10), part(second, second, 2, 10)];
        parts.extend(month.map(|(generation, cells)| part(first, "2026-02-28", generation, cells)));
        parts.push(part("2026-03-01", "2026-03-01", 3, 10));
        let cuboids = [Cuboid { cube: &cube, dimensions: cube.dimensions(), parts }];
        let days = published(days);
        assert_eq!(months_due(&days, &cuboids).len(), due);
        let keys: Vec<String> = choose(&plan("from=2026-01-01"), &days, &cuboids)
            .parts
            .into_iter()
            .map(|part| part.key)
            .collect();
        assert_eq!(keys, read);
    };
    let days = [(first, 1), (second, 2), ("2026-03-01", 3)];
    let singly = ["2026-02-01/2026-02-01", "2026-02-02/2026-02-02", "2026-03-01/2026-03-01"];
    check(&days, None, 1, &singly);
    check(&days, Some((2, 15)), 0, &["2026-02-01/2026-02-28", "2026-03-01/2026-03-01"]);
    check(&days, Some((2, 25)), 0, &singly);
    // A day of the month that was published again: its own part is as old, and so is that of the month.
    check(&[(first, 1), (second, 4), ("2026-03-01", 3)], Some((2, 15)), 0, &[singly[0], singly[2]]);
    // The last month goes on.
    check(&days[..2], None, 0, &singly[..2]);
}

/// Days of cells in which figures cancel out, so that rows come and go.
fn random_days() -> BTreeMap<Day, Segment> {
    let mut seed = 7_u64;
    let mut dice = |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides
    };
    let key = |text: String| Key::parse(&text).unwrap();
    let first = day("2026-03-27");
    let days = (0..6).map(|offset| {
        let mut cells = Cells::new();
        for _ in 0..80 {
            let mut of = CellKey::at(Hour((first.0 + offset) * 24 + dice(24) as i32));
            of.set(Dimension::Campaign, key(format!("c{}", dice(3))));
            of.set(Dimension::Country, key(["KR", "US", ""][dice(3) as usize].to_owned()));
            of.set(Dimension::Ad, key(format!("a{}", dice(4))));
            let tally = cells.entry(of).or_default();
            tally.measures.add(Measure::ALL[dice(4) as usize], [-2, -1, 1, 2, 3][dice(5) as usize]);
            tally.users.insert(UserKey(dice(40).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        }
        (Day(first.0 + offset), Segment::from_cells(cells))
    });
    days.collect()
}

/// What a plan gets of days with a cube of which the first day is not built, and whether the cube has a part in it.
fn through(cube: &Cube, base: &BTreeMap<Day, Segment>, plan: &Plan) -> (Segment, bool) {
    let part_of = |place: usize, day: Day| {
        let finest = cube.add_up(&cube.cuboids[0], day.hours(), &base[&day]);
        cube.add_up(&cube.cuboids[place], day.hours(), &finest)
    };
    let cuboids: Vec<Cuboid<'_>> = (0..)
        .zip(&cube.cuboids)
        .map(|(place, dimensions)| {
            let parts = base.keys().skip(1).map(|day| {
                let cells = part_of(place, *day).len() as u64;
                Part { first: *day, last: *day, generation: 1, cells, key: place.to_string() }
            });
            Cuboid { cube, dimensions, parts: parts.collect() }
        })
        .collect();
    let choice = choose(plan, &base.keys().map(|day| (*day, 1)).collect(), &cuboids);
    let mut cells = Merger::default();
    for part in &choice.parts {
        cells.add(plan.reduce(&part_of(part.key.parse().unwrap(), part.first)));
    }
    let left = base.iter().filter(|(day, _)| !choice.days.contains(day));
    left.for_each(|(_, of_day)| cells.add(plan.reduce(of_day)));
    (cells.finish(), choice.cuboid.is_some())
}

/// **CUBE-1**, for cells, cubes and questions of all kinds.
#[test]
fn answers_are_the_same_with_and_without() {
    let base = random_days();
    let zones =
        [("hour", "UTC"), ("day", "UTC"), ("day", "Asia/Seoul"), ("day", "Asia/Kolkata"), ("month", "UTC")];
    let groups =
        ["", "campaign", "day", "month,country", "week", "hour,campaign", "ad", "day,campaign,country"];
    let ranges = [
        "from=2026-03-01",
        "from=2026-03-28 to=2026-04-01",
        "from=2026-03-28T05:00 to=2026-03-30",
        "from=2026-01-01 filter=country:ne:KR",
        "from=2026-01-01 filter=campaign:in:c0,c9",
    ];
    let mut answered = BTreeSet::new();
    for (grain, tz) in zones {
        let cube = Cube::new(&scope(), "c", (grain, tz), &texts("campaign country"), &texts("reach"), None);
        let cube = cube.unwrap();
        for (by, range) in groups.iter().flat_map(|by| ranges.iter().map(move |range| (by, range))) {
            let plan = plan(&format!("by={by} tz={tz} metrics=clicks,reach {range}"));
            let mut plain = Merger::default();
            base.values().for_each(|cells| plain.add(plan.reduce(cells)));
            let (with, is_used) = through(&cube, &base, &plan);
            assert_eq!(with, plain.finish(), "{grain} {tz} {by} {range}");
            if is_used {
                answered.insert((grain, by));
            }
        }
    }
    assert!(answered.len() > 15, "{answered:?}");
}

#[test]
fn advice_is_about_what_was_asked() {
    let shape = |query: &str| Shape::of(&plan(query), "UTC");
    let by_day = shape("by=day,campaign from=2026-03-01 to=2026-04-01");
    assert_eq!((by_day.grain, by_day.tz.as_str()), (TimeUnit::Day, "UTC"));
    assert_eq!(shape("by=campaign from=2026-03-01 to=2026-04-01").grain, TimeUnit::Month);
    assert_eq!(shape("by=campaign from=2026-03-01T01:00 to=2026-04-01").grain, TimeUnit::Hour);
    let all = shape("by=month tz=Asia/Seoul from=2010-01-01T00:00:00Z to=9999-12-31");
    assert_eq!((all.grain, all.tz.as_str()), (TimeUnit::Month, "Asia/Seoul"));
    assert_eq!(shape("by=week from=2026-03-01 to=2026-04-01").grain, TimeUnit::Day);
    let (country, ad) = (shape("by=day,country from=2026-03-01"), shape("by=hour,ad from=2026-03-01"));
    let asked = [(by_day.clone(), 10, 1_000), (country, 2, 1_000), (ad.clone(), 5, 1_000)];
    let size = |shape: &Shape| match (shape.grain, shape.dimensions.len()) {
        (TimeUnit::Hour, 1) => 900,
        (TimeUnit::Hour, _) => 5_000,
        (_, one) => 100 * one as u64,
    };
    let told: Vec<(usize, u64, u64)> = advise(&asked, size)
        .into_iter()
        .map(|advice| (advice.shape.dimensions.len(), advice.questions, advice.saved))
        .collect();
    // One of both saves 12 * 800, more than 10 * 900; then each alone saves the rest.
    assert_eq!(told[0], (2, 12, 9_600));
    assert!(told.contains(&(1, 10, 1_000)) && told.contains(&(1, 5, 500)), "{told:?}");
    assert!(advise(&[(ad, 5, 800)], size).is_empty());
}
