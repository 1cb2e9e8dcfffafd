//! Gross is valid and invalid together, and invalid is what its reasons add up to, in every report.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::cell::Scope;
use adtally_core::event::{Dims, Event, EventRef, InvalidReason, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::link::{Arrival, Linker, cells_of};
use adtally_core::measure;
use adtally_core::report::{Metric, Query, Table, Value, run};
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::time::{EventTime, ServerTime};
use proptest::prelude::*;

const START: i64 = 1_700_000_000_000;

/// Events of few users in a few hours, many of them robots or repeats.
fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let screening = prop::sample::select(&[Screening::Clean, Screening::Bot, Screening::Datacenter][..]);
    let event = (prop::sample::select(&Kind::ALL[..]), 0..30i64, 0..3u64, screening, any::<bool>());
    prop::collection::vec(event, 1..40).prop_map(|events| {
        let mut settings = Settings::default();
        settings.windows.repeat_impression_ms = 20_000;
        settings.windows.repeat_conversion_ms = 20_000;
        let settings = Arc::new(settings);
        let event = |(n, (kind, at, user, screening, korea)): (usize, _)| Event {
            event: EventRef { kind, id: EventId::parse(&format!("e{n}")).unwrap() },
            at: EventTime(START + at * 10_000 + at % 3 * 3_600_000),
            advertiser: Key::parse("acme").unwrap(),
            dims: Dims {
                ad: Key::parse("a1").unwrap(),
                service: Key::parse("news").unwrap(),
                country: Key::parse(if korea { "KR" } else { "US" }).unwrap(),
                ..Dims::default()
            },
            label: Key::empty(),
            user: Some(UserKey(user)),
            impression: None,
            click: None,
            cost_micros: None,
            value_micros: 0,
            screening,
            extras: None,
        };
        let arrival = |event| Arrival { event, received: ServerTime(START), settings: settings.clone() };
        events.into_iter().enumerate().map(event).map(arrival).collect()
    })
}

/// The counts of each row by metric, then those of the totals.
fn figures(table: &Table) -> Vec<BTreeMap<&'static str, i64>> {
    let count = |value: &Value| match value {
        Value::Count(count) => Some(*count),
        _ => None,
    };
    let named = |row: &Vec<Value>| {
        let columns = table.columns.iter().zip(row);
        columns.filter_map(|(column, value)| Some((column.name, count(value)?))).collect()
    };
    let totals = table.totals.iter().filter_map(|(name, value)| Some((*name, count(value)?))).collect();
    table.rows.iter().map(named).chain([totals]).collect()
}

/// Every metric that the scope sees, by `by`.
fn report(segment: &Segment, scope: &Scope, by: &str) -> Table {
    let metrics: Vec<_> = Metric::all().filter(|metric| metric.is_seen_by(scope)).map(Metric::name).collect();
    let parameters =
        [("by", by), ("metrics", &metrics.join(",")), ("from", "2023-11-01"), ("to", "2023-12-01")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    run(&Query::parse(&parameters, "UTC", ServerTime(START)).unwrap(), segment, scope)
}

proptest! {
    #[test]
    fn gross_is_valid_and_invalid_and_invalid_is_its_reasons(arrivals in arrivals()) {
        let sent = arrivals.len() as i64;
        let mut linker = Linker::new();
        let facts: Vec<_> = arrivals.into_iter().flat_map(|arrival| linker.apply([arrival]).facts).collect();
        for scope in ["platform", "advertiser:acme", "service:news"] {
            let scope = Scope::parse(scope).unwrap();
            let segment = Segment::from_cells(cells_of(&facts, &scope));
            for by in ["", "country", "hour", "day,country,device"] {
                let rows = figures(&report(&segment, &scope, by));
                for row in &rows {
                    for kind in Kind::ALL {
                        let invalid = row[measure::invalid(kind).name()];
                        let reasons = [InvalidReason::Bot, InvalidReason::Datacenter, InvalidReason::Repeat];
                        let reasons = reasons.map(|reason| row[measure::invalid_for(reason, kind).name()]);
                        prop_assert_eq!(reasons.iter().sum::<i64>(), invalid);
                        let gross = row[measure::valid(kind).name()] + invalid;
                        prop_assert_eq!(row[Metric::Gross(kind).name()], gross);
                    }
                }
                let totals = rows.last().unwrap();
                let gross = Kind::ALL.map(|kind| totals[Metric::Gross(kind).name()]);
                prop_assert_eq!(gross.iter().sum::<i64>(), sent);
            }
        }
    }
}
