//! The report that an advertiser's events should give: the server's own core, without its storage and transport.

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::link::{Arrival, Linker, cells_of};
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

/// Links `events` and sums them to the cells of `scope`.
pub(crate) fn cells(events: &[Event], rules: &Rules, scope: &Scope) -> Segment {
    let settings = Arc::new(rules.settings.clone());
    let mut shards: BTreeMap<u32, Vec<Arrival>> = BTreeMap::new();
    for event in events {
        let arrival = Arrival { event: event.clone(), received: rules.received, settings: settings.clone() };
        shards.entry(shard_of(event, rules.shards)).or_default().push(arrival);
    }
    // The cells of all shards are summed at once: linking never looks beyond a shard.
    let facts: Vec<_> =
        shards.into_values().flat_map(|arrivals| Linker::new().apply(arrivals).facts).collect();
    Segment::from_cells(cells_of(&facts, scope))
}
