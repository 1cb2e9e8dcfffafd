//! Linkers with many events: pages and extents by the dozen, merges of merges.

use std::sync::Arc;

use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::link::{Arrival, Linker, MERGE_RUNS, Retention};
use adtally_core::settings::Settings;
use adtally_core::time::{EventTime, MINUTE_MS, ServerTime};

use crate::net;
use crate::scenario::START;
use crate::shelf::{Extents, spill};

/// A few thousand users who see, click and buy for some days; every twentieth event is late, every fiftieth comes twice.
pub(crate) fn traffic(events: u64) -> Vec<Arrival> {
    let settings = Arc::new(Settings::default());
    let mut dice = 88_172_645_463_325_252_u64;
    let mut roll = move |sides: u64| {
        // Xorshift (Marsaglia 2003).
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    let key = |text: String| Key::parse(&text).unwrap();
    let mut arrivals: Vec<Arrival> = Vec::new();
    for n in 0..events {
        let received = START + n as i64 * MINUTE_MS / 4;
        let kind = match roll(100) {
            0..70 => Kind::Impression,
            70..90 => Kind::View,
            90..97 => Kind::Click,
            _ => Kind::Conversion,
        };
        let before = |arrivals: &[Arrival], back: u64| {
            let earlier = arrivals.len().checked_sub(1 + back as usize)?;
            arrivals[..=earlier].iter().rev().take(200).find(|a| a.event.kind() == Kind::Impression).cloned()
        };
        let touch = before(&arrivals, roll(2_000)).filter(|_| kind != Kind::Impression && roll(10) < 9);
        let ad = roll(200);
        let own = Dims {
            campaign: key(format!("campaign-{}", ad / 8)),
            ad: key(format!("ad-{ad}")),
            service: key(format!("service-{}", roll(12))),
            placement: key(format!("place-{}", roll(40))),
            ..Dims::default()
        };
        let user = Some(UserKey(roll(3_000).wrapping_mul(0x9e37_79b9_7f4a_7c15))).filter(|_| roll(30) > 0);
        let named = touch.as_ref().map(|touch| touch.event.id().clone()).filter(|_| roll(3) > 0);
        let late = if roll(20) == 0 { roll(3_000) as i64 * MINUTE_MS } else { 0 };
        let event = Event {
            event: EventRef { kind, id: EventId::parse(&format!("{kind:?}-{n}")).unwrap() },
            at: EventTime(received - late),
            advertiser: key("acme".to_owned()),
            dims: touch.as_ref().map_or(own, |touch| touch.event.dims.clone()),
            label: Key::empty(),
            user: touch.as_ref().map_or(user, |touch| touch.event.user),
            impression: named.clone().filter(|_| kind != Kind::Impression),
            click: None,
            cost_micros: Some(1_000),
            value_micros: 0,
            screening: Screening::Clean,
            extras: None,
        };
        arrivals.push(Arrival { event, received: ServerTime(received), settings: settings.clone() });
        if n % 50 == 49 {
            let again = arrivals[arrivals.len() - 1 - roll(arrivals.len() as u64) as usize].clone();
            arrivals.push(Arrival { received: ServerTime(received), ..again });
        }
    }
    arrivals
}

/// LINK-1: a linker that spills every thousand events tells what one that keeps all of them tells.
#[test]
fn runs_of_many_pages_do_not_show() {
    let arrivals = traffic(30_000);
    let mut whole = Linker::new();
    let expected = net(whole.apply(arrivals.clone()).facts);

    let mut linker = Linker::with_retention(Retention::default());
    linker.know_settings(0, arrivals[0].settings.clone());
    let (mut extents, mut next_run, mut told) = (Extents::default(), 0, Vec::new());
    for batch in arrivals.chunks(97) {
        told.extend(linker.apply_on(batch.iter().cloned(), &extents).unwrap().facts);
        if linker.records_in_memory() < 1_000 {
            continue;
        }
        next_run += 1;
        spill(&mut linker, &mut extents, next_run);
        while let Some(merge) = linker.merge(next_run + 1, MERGE_RUNS / 2, batch[0].received) {
            next_run += 1;
            let inputs = merge.inputs.clone();
            let written = extents.merge(merge, next_run, 700);
            linker.merged(&inputs, written.run);
        }
    }
    assert!(linker.runs().iter().any(|run| run.summary.level >= 2), "no merge of merges");
    assert_eq!(net(told), expected);
    let state = linker.all(&extents).unwrap();
    assert_eq!(state.len(), expected.values().map(Vec::len).sum::<usize>());
    assert_eq!(state.len(), whole.len());
}
