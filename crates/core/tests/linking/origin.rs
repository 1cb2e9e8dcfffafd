//! Which event a delivery repeated is known afterwards as it was then.

use std::sync::Arc;

use adtally_core::link::{Admission, Arrival, Linker, Retention, group_of};
use adtally_core::settings::Settings;
use adtally_core::time::{EventTime, ServerTime};
use proptest::prelude::*;

use crate::scenario::{START, event};
use crate::shelf::{Extents, spill};

/// How long a name is known, in the steps of the arrivals below.
const HORIZON: i64 = 5;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn later_arrivals_do_not_change_what_was_repeated(
        deliveries in prop::collection::vec((event(), 0..3_i64, prop::bool::weighted(0.1)), 1..60),
    ) {
        let settings = Arc::new(Settings::default());
        let mut linker = Linker::with_retention(Retention { touches_ms: 1_000, dedupe_ms: HORIZON });
        let mut extents = Extents::default();
        let (mut now, mut accepted, mut repeats) = (START, Vec::<(ServerTime, EventTime, Arrival)>::new(), Vec::new());
        for (row, (event, wait, spills)) in (1..).zip(deliveries) {
            now += wait;
            let received = ServerTime(now);
            let arrival = Arrival { event, received, settings: settings.clone() };
            let name = arrival.event.event.clone();
            match linker.admissions([&name], received, &extents).unwrap()[0] {
                Admission::Accepted(_) => {
                    linker.take(row, received, [arrival.clone()], [], &extents).unwrap();
                    accepted.push((received, arrival.event.at, arrival));
                }
                Admission::Duplicate => {
                    linker.take(row, received, [], [name.clone()], &extents).unwrap();
                    let origin = accepted.iter().rev().find(|(.., other)| other.event.event == name).unwrap();
                    repeats.push((name, received, (origin.1, group_of(&origin.2.event))));
                }
            }
            if spills {
                spill(&mut linker, &mut extents, row as u64);
            }
        }
        for (name, received, origin) in repeats {
            prop_assert_eq!(linker.origin(&name, received, &extents).unwrap(), Some(origin));
        }
    }
}
