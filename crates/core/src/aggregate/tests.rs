use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::cell::CellKey;

#[wasm_bindgen_test(unsupported = test)]
fn rows_of_one_cell_add_up_and_cancel() {
    let mut aggregator = Aggregator::default();
    assert!(aggregator.is_empty() && aggregator.segments().is_empty());
    let dims = CellKey::at(Hour(0)).dims;
    let tuple = aggregator.tuple(&dims);
    aggregator.add(Hour(-1), tuple, &[(Measure::Clicks, 1), (Measure::CostMicros, -7)], None);
    aggregator.add(Hour(-1), tuple, &[(Measure::Clicks, 2)], Some(UserKey(9)));
    aggregator.add(Hour(5), tuple, &[(Measure::Clicks, 2)], None);
    aggregator.add(Hour(5), tuple, &[(Measure::Clicks, -2)], None);
    let segment = aggregator.segment(&Scope::Platform);
    let cells: Vec<_> = segment.iter().collect();
    assert_eq!(cells.len(), 1);
    assert_eq!((cells[0].0.hour, cells[0].1.measures.get(Measure::Clicks)), (Hour(-1), 3));
    assert_eq!(cells[0].1.users.estimate(), 1);
    // Nobody's name is the name of nobody.
    assert_eq!(aggregator.segments(), [(Scope::Platform, segment)]);
    aggregator.clear();
    assert!(aggregator.is_empty());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::{Cells, Tally};

    type Row = (i32, Vec<&'static str>, Vec<(Measure, i64)>, Option<u64>);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let value = prop::sample::select(vec!["", "a", "b", "여름"]);
        let measure = prop::sample::select(Measure::ALL.to_vec());
        let amount = prop_oneof![Just(1), Just(-1), any::<i64>()];
        let row = (
            -2..3i32,
            prop::collection::vec(value, Dimension::COUNT),
            prop::collection::vec((measure, amount), 0..4),
            prop::option::of(0..4u64),
        );
        prop_oneof![
            prop::collection::vec(row.clone(), 0..40),
            // Many users in one cell.
            (row, 700..900u64).prop_map(|((hour, dims, figures, _), users)| {
                (0..users).map(|user| (hour, dims.clone(), figures.clone(), Some(user))).collect()
            }),
        ]
    }

    fn naive(rows: &[Row], scope: &Scope) -> Cells {
        let mut cells = Cells::new();
        for (hour, dims, figures, user) in rows {
            let mut key = CellKey::at(Hour(*hour));
            for (dimension, value) in Dimension::ALL.into_iter().zip(dims) {
                key.set(dimension, Key::parse(value).unwrap());
            }
            let is_within = match scope {
                Scope::Platform => true,
                Scope::Advertiser(name) => key.dim(Dimension::Advertiser) == name,
                Scope::Service(name) => key.dim(Dimension::Service) == name,
            };
            if is_within {
                let tally: &mut Tally = cells.entry(scope.project(&key)).or_default();
                for (measure, amount) in figures.iter().filter(|(measure, _)| scope.sees(*measure)) {
                    tally.measures.add(*measure, *amount);
                }
                user.iter().for_each(|user| tally.users.insert(spread(*user)));
            }
        }
        cells
    }

    /// The sign and the measures of an event that counts these figures, if one does.
    fn as_counted(figures: &[(Measure, i64)]) -> Option<(i8, FactMeasures)> {
        let mut measures = FactMeasures::default();
        let sign: i8 = if figures.iter().any(|(_, amount)| *amount == -1) { -1 } else { 1 };
        let mut sums = crate::measure::Measures::ZERO;
        for (measure, amount) in figures {
            measures.set(*measure, amount.wrapping_mul(sign.into()));
            sums.add(*measure, *amount);
        }
        let counted = if sign < 0 { measures.measures().negate() } else { measures.measures() };
        (counted == sums).then_some((sign, measures))
    }

    fn spread(user: u64) -> UserKey {
        UserKey(user.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    proptest! {
        #[test]
        fn segments_are_those_of_maps(
            rows in rows(),
            others in prop::sample::select(vec![0u32, 3, 40, 300]),
            before in 0..40usize,
        ) {
            let mut aggregator = Aggregator::default();
            let tuple = |aggregator: &mut Aggregator, dims: &[&str]| {
                let dims: Vec<Key> = dims.iter().map(|value| Key::parse(value).unwrap()).collect();
                aggregator.tuple(&dims.try_into().unwrap())
            };
            // Some before there are more values, so that keys change or no longer fit 64 bits, some by tuples of then.
            let tuples: Vec<Tuple> = rows.iter().map(|(_, dims, ..)| tuple(&mut aggregator, dims)).collect();
            for (place, ((hour, dims, figures, user), of_then)) in rows.iter().zip(tuples).enumerate() {
                if place == before.min(rows.len() - 1) {
                    for (dimension, other) in Dimension::ALL.into_iter().flat_map(|one| (0..others).map(move |n| (one, n))) {
                        aggregator.code(dimension, &Key::parse(&format!("other {other}")).unwrap());
                    }
                }
                let tuple = if place % 2 == 0 { of_then } else { tuple(&mut aggregator, dims) };
                match as_counted(figures) {
                    Some((sign, measures)) => {
                        // A user who is not reached is added apart.
                        let reached = user.filter(|_| sign > 0).map(spread);
                        aggregator.count(Hour(*hour), tuple, sign, &measures, reached);
                        aggregator.add(Hour(*hour), tuple, &[], user.map(spread));
                    }
                    None => aggregator.add(Hour(*hour), tuple, figures, user.map(spread)),
                }
            }
            let segments = aggregator.segments();
            let scopes = ["platform", "advertiser:a", "advertiser:b", "advertiser:여름"];
            for scope in scopes.into_iter().chain(["service:a", "service:b", "service:여름", "service:none"]) {
                let scope = Scope::parse(scope).unwrap();
                let expected = Segment::from_cells(naive(&rows, &scope));
                prop_assert_eq!(&aggregator.segment(&scope), &expected);
                let listed = segments.iter().find(|(other, _)| *other == scope);
                let listed = listed.map(|(_, segment)| segment.clone()).unwrap_or_default();
                prop_assert_eq!(listed.encode(), expected.encode());
            }
        }
    }
}
