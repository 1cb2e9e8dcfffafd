//! The linking rules as naively as they can be written: sort everything, scan everything, once a kind.
//!
//! It shares no code with the linker but the types, so that a mistake must be made twice to go unseen.

use std::collections::BTreeMap;

use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::EventId;
use adtally_core::link::Arrival;
use adtally_core::settings::{PriceModel, Windows};

/// What an event counts as, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naive {
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) impression: Option<EventId>,
    pub(crate) click: Option<EventId>,
    pub(crate) through: Option<&'static str>,
    pub(crate) dims: Dims,
    pub(crate) cost_micros: i64,
    pub(crate) duplicates: u64,
    pub(crate) late: bool,
}

/// The outcome of each distinct event; the first delivery of an event is the accepted one.
pub(crate) fn link(deliveries: &[Arrival]) -> BTreeMap<EventRef, Naive> {
    let mut accepted: Vec<&Arrival> = Vec::new();
    let mut duplicates: BTreeMap<&EventRef, u64> = BTreeMap::new();
    for delivery in deliveries {
        if accepted.iter().any(|other| other.event.event == delivery.event.event) {
            *duplicates.entry(&delivery.event.event).or_default() += 1;
        } else {
            accepted.push(delivery);
        }
    }
    accepted.sort_by(|a, b| (a.event.at, a.event.id()).cmp(&(b.event.at, b.event.id())));
    let invalid: BTreeMap<&EventRef, &'static str> = accepted
        .iter()
        .enumerate()
        .filter_map(|(i, arrival)| Some((&arrival.event.event, invalid_reason(arrival, &accepted[..i])?)))
        .collect();
    let mut done: BTreeMap<EventRef, Naive> = BTreeMap::new();
    for kind in [Kind::Impression, Kind::View, Kind::Click, Kind::Conversion] {
        for arrival in accepted.iter().filter(|arrival| arrival.event.kind() == kind) {
            let mut naive = outcome(arrival, &accepted, &invalid, &done);
            naive.duplicates = duplicates.get(&arrival.event.event).copied().unwrap_or(0);
            done.insert(arrival.event.event.clone(), naive);
        }
    }
    done
}

fn invalid_reason(arrival: &Arrival, before: &[&Arrival]) -> Option<&'static str> {
    let event = &arrival.event;
    let windows = &arrival.settings.windows;
    match event.screening {
        Screening::Bot => return Some("bot"),
        Screening::Datacenter => return Some("datacenter"),
        Screening::Clean => {}
    }
    let window = match event.kind() {
        Kind::Impression => windows.repeat_impression_ms,
        Kind::View => 0,
        Kind::Click => windows.repeat_click_ms,
        Kind::Conversion => windows.repeat_conversion_ms,
    };
    let same = |other: &Event| {
        event.kind() == other.kind()
            && event.user.is_some()
            && event.user == other.user
            && event.at.0 - other.at.0 <= window
            && match event.kind() {
                Kind::Conversion => event.label == other.label,
                _ if event.dims.ad.is_empty() => {
                    other.dims.ad.is_empty() && event.impression == other.impression
                }
                _ => event.dims.ad == other.dims.ad,
            }
    };
    (window > 0 && before.iter().any(|other| same(&other.event))).then_some("repeat")
}

fn outcome(
    arrival: &Arrival,
    all: &[&Arrival],
    invalid: &BTreeMap<&EventRef, &'static str>,
    done: &BTreeMap<EventRef, Naive>,
) -> Naive {
    let event = &arrival.event;
    let mut naive = Naive {
        outcome: "counted",
        reason: None,
        impression: None,
        click: None,
        through: None,
        dims: event.dims.clone(),
        cost_micros: 0,
        duplicates: 0,
        late: arrival.received.0 - event.at.0 > 3_600_000,
    };
    if let Some(reason) = invalid.get(&event.event) {
        (naive.outcome, naive.reason) = ("invalid", Some(*reason));
        return naive;
    }
    let parent = find_parent(event, &arrival.settings.windows, all, invalid, done);
    match parent {
        Ok(None) => {}
        Err(reason) => naive.reason = Some(reason),
        Ok(Some(parent)) => {
            let touch = &done[&parent.event];
            inherit(&mut naive, event, &touch.dims);
            if parent.kind() == Kind::Impression {
                naive.impression = Some(parent.id().clone());
                naive.through = (event.kind() == Kind::Conversion).then_some("view");
            } else {
                naive.impression = touch.impression.clone();
                naive.click = Some(parent.id().clone());
                naive.through = Some("click");
            }
        }
    }
    naive.cost_micros = cost(arrival, &naive);
    naive
}

fn inherit(naive: &mut Naive, event: &Event, touch: &Dims) {
    let own = &event.dims;
    let pick = |own: &adtally_core::key::Key, theirs: &adtally_core::key::Key| {
        if own.is_empty() { theirs.clone() } else { own.clone() }
    };
    let from_touch = event.kind() == Kind::Conversion;
    let chain =
        |own, theirs: &adtally_core::key::Key| if from_touch { theirs.clone() } else { pick(own, theirs) };
    naive.dims = Dims {
        campaign: chain(&own.campaign, &touch.campaign),
        ad: chain(&own.ad, &touch.ad),
        service: chain(&own.service, &touch.service),
        placement: chain(&own.placement, &touch.placement),
        country: pick(&own.country, &touch.country),
        device: pick(&own.device, &touch.device),
    };
}

fn cost(arrival: &Arrival, naive: &Naive) -> i64 {
    let linked = naive.impression.is_some() || naive.click.is_some();
    let price = arrival.settings.prices.get(naive.dims.campaign.as_str());
    match (arrival.event.cost_micros, price) {
        (Some(own), _) => own,
        (None, None) => 0,
        (None, Some(price)) => match (price.model, arrival.event.kind()) {
            (PriceModel::Cpm, Kind::Impression) => price.micros / 1_000,
            (PriceModel::Cpc, Kind::Click) if linked => price.micros,
            (PriceModel::Cpa, Kind::Conversion) if linked => price.micros,
            _ => 0,
        },
    }
}

/// The parent; `None` for what needs none.
fn find_parent<'a>(
    event: &Event,
    windows: &Windows,
    all: &[&'a Arrival],
    invalid: &BTreeMap<&EventRef, &'static str>,
    done: &BTreeMap<EventRef, Naive>,
) -> Result<Option<&'a Event>, &'static str> {
    let named = |kind: Kind, id: &EventId, window: i64| {
        let parent = all.iter().map(|a| &a.event).find(|e| e.kind() == kind && e.id() == id);
        let parent = parent.ok_or("parent_missing")?;
        if invalid.contains_key(&parent.event) {
            return Err("parent_invalid");
        }
        let age = event.at.0 - parent.at.0;
        if age < -windows.skew_ms || age > window { Err("outside_window") } else { Ok(Some(parent)) }
    };
    let latest = |kind: Kind, window: i64, fits: &dyn Fn(&Event) -> bool| {
        all.iter().map(|a| &a.event).rev().find(|e| {
            e.kind() == kind
                && e.user == event.user
                && !invalid.contains_key(&e.event)
                && e.at <= event.at
                && event.at.0 - e.at.0 <= window
                && fits(e)
        })
    };
    match event.kind() {
        Kind::Impression => Ok(None),
        Kind::View | Kind::Click => match &event.impression {
            Some(id) => named(Kind::Impression, id, windows.click_window_ms),
            None if event.user.is_none() => Err("no_key"),
            None => latest(Kind::Impression, windows.click_window_ms, &|e| e.dims.ad == event.dims.ad)
                .map(Some)
                .ok_or("no_touch"),
        },
        Kind::Conversion => {
            let wanted = &event.dims.campaign;
            let campaign = |e: &Event| wanted.is_empty() || done[&e.event].dims.campaign == *wanted;
            match (&event.click, &event.impression) {
                (Some(id), _) => named(Kind::Click, id, windows.conversion_click_window_ms),
                (None, Some(id)) => named(Kind::Impression, id, windows.conversion_view_window_ms),
                (None, None) if event.user.is_none() => Err("no_key"),
                (None, None) => latest(Kind::Click, windows.conversion_click_window_ms, &campaign)
                    .or_else(|| latest(Kind::Impression, windows.conversion_view_window_ms, &campaign))
                    .map(Some)
                    .ok_or("no_touch"),
            }
        }
    }
}
