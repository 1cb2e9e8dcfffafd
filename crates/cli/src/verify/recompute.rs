//! The report that an advertiser's events should give: the server's own core, without its storage and transport.

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::aggregate::Aggregator;
use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::link::{Bulk, Retention, SettingsNumber};
use adtally_core::route::shard_of;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::time::ServerTime;

/// What the figures depend on besides the events.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(crate) shards: u32,
    /// When the events count as received.
    pub(crate) received: ServerTime,
}

/// Links `events`, all of them at once, and sums them to the cells of `scope`.
pub(crate) fn cells(events: &[Event], rules: &Rules, scope: &Scope) -> Segment {
    let settings = Arc::new(rules.settings.clone());
    let empty = || {
        let mut bulk = Bulk::new(Retention::default(), []);
        let number = bulk.know_settings(0, settings.clone());
        (bulk, number)
    };
    let mut shards: BTreeMap<u32, (Bulk, SettingsNumber)> = BTreeMap::new();
    for event in events {
        let (bulk, number) = shards.entry(shard_of(event, rules.shards)).or_insert_with(empty);
        bulk.deliver(event, rules.received, *number);
    }
    // The cells of all shards are summed at once: linking never looks beyond a shard.
    let mut aggregator = Aggregator::default();
    for (bulk, _) in shards.into_values() {
        bulk.settle(|told| told.add_to(&mut aggregator));
    }
    aggregator.segment(scope)
}

#[cfg(test)]
mod tests {
    use adtally_core::intake::{Context, Media, read_body};
    use adtally_core::key::{Key, UserSalt};
    use adtally_core::link::{Arrival, Linker, cells_of};
    use adtally_core::measure::Measure;
    use adtally_core::screen::Lists;

    use super::*;

    /// Three shards of users who see, click and buy; every fifth event comes twice.
    fn events() -> Vec<Event> {
        let line = |n: u32| {
            let (kind, parent) = match n % 10 {
                0..7 => ("impression", String::new()),
                7 | 8 => ("click", format!(r#","impression":"i{}""#, n - 7)),
                _ => ("conversion", String::new()),
            };
            let (at, user) = (1_790_000_000_000 + i64::from(n) * 1_000, n / 10 % 40);
            let id = format!("{}{n}", &kind[..1]);
            format!(
                r#"{{"kind":"{kind}","id":"{id}","at":{at},"advertiser":"acme","ad":"a{}","user":"u{user}"{parent}}}"#,
                n % 3
            )
        };
        let lines = (0..900).flat_map(|n| std::iter::repeat_n(line(n), if n % 5 == 0 { 2 } else { 1 }));
        let body = lines.collect::<Vec<String>>().join("\n");
        let salt = UserSalt::new(b"salt");
        let now = ServerTime(1_790_001_000_000);
        let context = Context { now, nonce: 0, salt: &salt, lists: Lists::built_in(), visitor: None };
        let intake = read_body(body.as_bytes(), Media::Ndjson, &context).unwrap();
        assert!(intake.rejected.is_empty(), "{:?}", intake.rejected);
        intake.events.into_iter().map(|(_, event)| event).collect()
    }

    #[test]
    fn the_cells_are_those_of_the_linkers_that_the_server_has() {
        let events = events();
        let rules =
            Rules { settings: Settings::default(), shards: 3, received: ServerTime(1_790_001_000_000) };
        let scope = Scope::Advertiser(Key::parse("acme").unwrap());
        let settings = Arc::new(rules.settings.clone());
        let mut shards: BTreeMap<u32, Linker> = BTreeMap::new();
        let mut facts = Vec::new();
        for event in &events {
            let arrival =
                Arrival { event: event.clone(), received: rules.received, settings: settings.clone() };
            facts.extend(shards.entry(shard_of(event, 3)).or_default().apply([arrival]).facts);
        }
        let cells = cells(&events, &rules, &scope);
        assert_eq!(cells.encode(), Segment::from_cells(cells_of(&facts, &scope)).encode());
        let sums = cells.sums();
        assert!([Measure::LinkedClicks, Measure::Duplicates].iter().all(|measure| sums.get(*measure) > 0));
        assert_eq!(shards.len(), 3);
    }
}
