use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::cell::Tally;
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
