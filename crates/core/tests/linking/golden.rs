//! The linking rules by example: event sets with their outcomes, made by an independent reference.
//!
//! They lie beside the checkout; where they are absent this says so and checks nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use adtally_core::cell::Dimension;
use adtally_core::event::{EventRef, Kind};
use adtally_core::intake::{Context, Media, read_body};
use adtally_core::key::{EventId, UserSalt};
use adtally_core::link::{Arrival, Linker, NoShelf, Through};
use adtally_core::measure::Measure;
use adtally_core::screen::Lists;
use adtally_core::settings::{Settings, Windows};
use adtally_core::time::{DAY_MS, ServerTime};
use serde_json::Value;

use crate::{assert_agrees, naive, net};

/// Later than every golden event.
const NOW: ServerTime = ServerTime(1_790_900_000_000);

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no golden event sets at {}", folder.display());
    None
}

fn arrivals(events: &str, settings: &BTreeMap<String, Windows>) -> Vec<Arrival> {
    let salt = UserSalt::new(b"golden");
    let context = Context { now: NOW, nonce: 0, salt: &salt, lists: Lists::built_in(), visitor: None };
    let intake = read_body(events.as_bytes(), Media::Ndjson, &context).unwrap();
    assert_eq!(intake.rejected, []);
    let arrival = |event: adtally_core::event::Event| {
        let windows = settings.get(event.advertiser.as_str()).cloned().unwrap_or_default();
        Arrival { received: NOW, settings: Arc::new(Settings { windows, ..Settings::default() }), event }
    };
    intake.events.into_iter().map(|(_, event)| arrival(event)).collect()
}

#[test]
fn outcomes_and_totals_come_out_exactly() {
    let Some(folder) = folder() else { return };
    for set in ["default", "custom"] {
        let read = |part: &str| std::fs::read_to_string(folder.join(format!("{set}.{part}"))).unwrap();
        let settings: BTreeMap<String, Windows> = serde_json::from_str(&read("settings.json")).unwrap();
        let mut linkers: BTreeMap<String, (Linker, Vec<_>, Vec<Arrival>)> = BTreeMap::new();
        for arrival in arrivals(&read("events.ndjson"), &settings) {
            let (linker, facts, seen) = linkers.entry(arrival.event.advertiser.to_string()).or_default();
            facts.extend(linker.apply([arrival.clone()]).facts);
            seen.push(arrival);
        }
        let outcomes: Vec<Value> =
            read("outcomes.ndjson").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        for expected in &outcomes {
            let advertiser = expected["advertiser"].as_str().unwrap();
            check_outcome(&mut linkers.get_mut(advertiser).unwrap().0, expected);
        }
        assert_eq!(outcomes.len(), linkers.values().map(|(linker, ..)| linker.len()).sum::<usize>());
        let totals: Vec<BTreeMap<String, Value>> = serde_json::from_str(&read("totals.json")).unwrap();
        let facts = linkers.values().flat_map(|(_, facts, _)| facts);
        check_totals(facts.cloned(), &totals);
        for (linker, facts, seen) in linkers.values_mut() {
            assert_agrees(linker, &net(facts.clone()), &naive::link(seen));
        }
    }
}

fn check_outcome(linker: &mut Linker, expected: &Value) {
    let text = |name: &str| expected[name].as_str();
    let kind = Kind::parse(text("kind").unwrap()).unwrap();
    let event = EventRef { kind, id: EventId::parse(text("id").unwrap()).unwrap() };
    let related = linker.get(&event, None, &NoShelf).unwrap();
    let fact = related.unwrap_or_else(|| panic!("{event:?} is missing")).fact;
    assert_eq!(fact.outcome.name(), text("outcome").unwrap(), "{expected}");
    assert_eq!(fact.reason(), text("reason"), "{expected}");
    assert_eq!(fact.impression().map(EventId::as_str), text("impression"), "{expected}");
    assert_eq!(fact.click().map(EventId::as_str), text("click"), "{expected}");
    assert_eq!(fact.through().map(Through::name), text("through"), "{expected}");
    for (name, value) in expected["cell"].as_object().unwrap() {
        let dimension = Dimension::ALL.into_iter().find(|d| d.name() == name).unwrap();
        assert_eq!(fact.cell.dim(dimension).as_str(), value.as_str().unwrap(), "{name} of {expected}");
    }
}

type Place = (String, String, i64);

fn check_totals(facts: impl Iterator<Item = adtally_core::link::Fact>, expected: &[BTreeMap<String, Value>]) {
    let mut totals: BTreeMap<Place, adtally_core::measure::Measures> = BTreeMap::new();
    for fact in facts {
        let cell = &fact.body.cell;
        let day = cell.hour.start_ms().div_euclid(DAY_MS) * DAY_MS;
        let dim = |d| cell.dim(d).to_string();
        let measures = fact.body.measures.measures();
        let measures = if fact.sign < 0 { measures.negate() } else { measures };
        totals
            .entry((dim(Dimension::Advertiser), dim(Dimension::Campaign), day))
            .or_default()
            .merge(&measures);
    }
    totals.retain(|_, measures| !measures.is_zero());
    assert_eq!(totals.len(), expected.len());
    for row in expected {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let place = (text("advertiser"), text("campaign"), row["day"].as_i64().unwrap());
        for measure in Measure::ALL {
            // The reference knows no arrival times and keeps no count of what waits or was repeated.
            // Nor does it break invalid traffic down.
            if matches!(measure, Measure::Duplicates | Measure::Late | Measure::Waiting)
                || measure > Measure::Waiting
            {
                continue;
            }
            let expected = row.get(measure.name()).and_then(Value::as_i64).unwrap_or(0);
            assert_eq!(totals[&place].get(measure), expected, "{} of {place:?}", measure.name());
        }
    }
}
