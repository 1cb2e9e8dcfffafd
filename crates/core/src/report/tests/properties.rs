use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cell::Tally;
use crate::segment::Merger;
use crate::sketch::Sketch;

/// From the Sunday in 2018 on which New York's clocks go back.
const START: i32 = 428_136;

fn cells() -> impl Strategy<Value = Cells> {
    let value = prop::sample::select(vec!["", "a", "ab", "b", "c"]);
    let key = (START - 30..START + 60, prop::collection::vec(value, 3)).prop_map(|(hour, values)| {
        let mut key = CellKey::at(Hour(hour));
        for (dimension, value) in
            [Dimension::Ad, Dimension::Country, Dimension::Label].into_iter().zip(values)
        {
            key.set(dimension, Key::parse(value).unwrap());
        }
        key
    });
    let tally =
        (0..5i64, -2..50i64, prop::collection::vec(0..40u64, 0..4)).prop_map(|(clicks, shown, users)| {
            let mut tally = Tally::default();
            tally.measures.add(Measure::Clicks, clicks);
            tally.measures.add(Measure::Impressions, shown);
            users.into_iter().for_each(|user| tally.users.insert(UserKey(user << 40)));
            tally
        });
    prop::collection::btree_map(key, tally, 0..60)
}

fn queries() -> impl Strategy<Value = String> {
    let by =
        prop::sample::subsequence(vec!["hour", "day", "week", "month", "ad", "country"], 0..4).prop_shuffle();
    let filters = prop::sample::subsequence(
        vec![
            "ad:ne:a",
            "ad:ne:",
            "ad:prefix:a",
            "country:in:a,b,",
            "country:ne:b",
            "label:eq:c",
            "label:ne:c",
        ],
        0..3,
    );
    let tz = prop::sample::select(vec!["UTC", "Asia/Seoul", "Asia/Kolkata", "America/New_York"]);
    (by, filters, tz, any::<bool>()).prop_map(|(by, filters, tz, reach)| {
        let filters: String = filters.iter().map(|filter| format!("&filter={filter}")).collect();
        let reach = if reach { ",reach" } else { "" };
        format!(
            "from=2018-11-04&to=2018-11-06&tz={tz}&by={}&metrics=impressions,clicks{reach}{filters}",
            by.join(",")
        )
    })
}

/// Group by group, straight from what a report is.
fn naive(query: &Query, cells: &Cells) -> BTreeMap<Vec<String>, Tally> {
    let mut groups: BTreeMap<Vec<String>, Tally> = BTreeMap::new();
    for (key, tally) in cells {
        if query.hours().contains(&key.hour) && query.filters().iter().all(|filter| filter.passes(key)) {
            let group = query.by().iter().map(|by| match by {
                By::Time(unit) => crate::time::rfc3339(unit.start(query.zone(), key.hour)),
                By::Dimension(dimension) => key.dim(*dimension).to_string(),
            });
            groups.entry(group.collect()).or_default().merge(tally);
        }
    }
    for tally in groups.values_mut().filter(|_| !query.metrics().contains(&Metric::Reach)) {
        tally.users = Sketch::default();
    }
    groups.retain(|_, tally| !tally.measures.is_zero() || !tally.users.is_empty());
    groups
}

proptest! {
    #[test]
    fn an_answer_is_that_of_the_naive_evaluation(cells in cells(), text in queries()) {
        let query = query(&text);
        let table = run(&query, &Segment::from_cells(cells.clone()), &Scope::Platform);
        let expected = naive(&query, &cells);
        prop_assert_eq!(table.row_count, expected.len() as u64);
        for (row, (group, tally)) in table.rows.iter().zip(&expected) {
            let (groups, figures) = row.split_at(group.len());
            prop_assert_eq!(&groups.iter().map(show).collect::<Vec<_>>(), group);
            let expected: Vec<Value> = query.metrics().iter().map(|metric| metric.of(tally)).collect();
            prop_assert_eq!(figures, expected);
        }
    }

    #[test]
    fn any_number_of_parts_merges_to_the_same(parts in prop::collection::vec(cells(), 0..30)) {
        let (mut merger, mut one_by_one) = (Merger::default(), Segment::default());
        for part in parts.into_iter().map(Segment::from_cells) {
            one_by_one.merge(&part);
            merger.add(part);
        }
        prop_assert_eq!(merger.finish(), one_by_one);
    }

    #[test]
    fn parts_can_be_reduced_where_they_lie(parts in prop::collection::vec(cells(), 0..4), text in queries()) {
        let query = query(&text);
        let plan = query.plan();
        let (mut whole, mut reduced) = (Segment::default(), Segment::default());
        for part in parts.into_iter().map(Segment::from_cells) {
            whole.merge(&part);
            reduced.merge(&plan.reduce(&part));
        }
        prop_assert_eq!(&plan.reduce(&reduced), &reduced);
        prop_assert_eq!(&plan.reduce(&whole), &reduced);
        prop_assert_eq!(run(&query, &whole, &Scope::Platform), run(&query, &reduced, &Scope::Platform));
    }
}

/// More values of each dimension than fit one number: codes of two bytes, groups by hash, in two stages, keys of more
/// than 64 bits.
#[test]
fn many_values_of_every_dimension() {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut cells = Cells::new();
    for _ in 0..3_000 {
        let mut key = CellKey::at(Hour(START + random(5) as i32));
        for dimension in Dimension::ALL {
            key.set(dimension, Key::parse(&format!("{}{}", dimension.name(), random(700))).unwrap());
        }
        for ad in 0..random(3) {
            key.set(Dimension::Ad, Key::parse(&format!("ad{ad}")).unwrap());
            let tally = cells.entry(key.clone()).or_default();
            tally.measures.add(Measure::Impressions, random(100_000) as i64);
            tally.measures.add(Measure::CostMicros, random(1 << 40) as i64 - (1 << 39));
            tally.measures.add(Measure::Clicks, random(2) as i64);
            tally.users.insert(UserKey(random(u64::MAX) << 31));
        }
    }
    let whole = Segment::from_cells(cells.clone());
    assert_eq!(Segment::decode(&whole.encode()).as_ref(), Ok(&whole));
    let (mut even, mut odd) = (cells.clone(), cells.clone());
    let mut places = 0..;
    even.retain(|_, _| places.next().is_some_and(|place| place % 2 == 0));
    odd.retain(|key, _| !even.contains_key(key));
    assert_eq!(Segment::merged(&[&Segment::from_cells(even), &Segment::from_cells(odd)]), whole);
    let every = "advertiser,campaign,ad,service,placement,country,device,label";
    for by in ["ad", "campaign,ad", "campaign,service", every, &format!("hour,{every}")] {
        for filter in ["", "&filter=campaign:prefix:campaign1", "&filter=label:ne:label7&filter=ad:eq:ad1"] {
            let text = format!(
                "from=2018-11-04&to=2018-11-06&by={by}&metrics=impressions,clicks,cost_micros,reach{filter}"
            );
            let query = query(&text);
            let table = run(&query, &whole, &Scope::Platform);
            let expected = naive(&query, &cells);
            assert_eq!(table.row_count, expected.len() as u64, "{text}");
            for (row, (group, tally)) in table.rows.iter().zip(&expected) {
                let (groups, figures) = row.split_at(group.len());
                assert_eq!(&groups.iter().map(show).collect::<Vec<_>>(), group, "{text}");
                let expected: Vec<Value> = query.metrics().iter().map(|metric| metric.of(tally)).collect();
                assert_eq!(figures, expected, "{text}");
            }
            let plan = query.plan();
            let reduced = plan.reduce(&whole);
            assert_eq!(plan.reduce(&reduced), reduced, "{text}");
            assert_eq!(run(&query, &reduced, &Scope::Platform), table, "{text}");
        }
    }
}
