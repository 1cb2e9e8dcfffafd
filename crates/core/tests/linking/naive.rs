//! The linking rules as naively as they can be written: sort everything, scan everything, once a kind.
//!
//! It shares no code with the linker but the types, so that a mistake must be made twice to go unseen.

use std::collections::BTreeMap;

use adtally_core::batch::Ruling;
use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::EventId;
use adtally_core::link::{Arrival, Retention};
use adtally_core::settings::PriceModel;

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

/// What tells events apart: a name may be used again after the dedupe horizon, so the arrival belongs to it.
pub(crate) type Name = (EventRef, i64);

fn name(arrival: &Arrival) -> Name {
    (arrival.event.event.clone(), arrival.received.0)
}

/// The outcome of each distinct event; the first delivery of an event is the accepted one.
pub(crate) fn link(deliveries: &[Arrival]) -> BTreeMap<Name, Naive> {
    link_within(deliveries, &Retention::default(), &[])
}

/// [`link`] for events that matter for other times than the default, where some users have too many events of a kind in
/// a day.
pub(crate) fn link_within(
    deliveries: &[Arrival],
    retention: &Retention,
    rulings: &[Ruling],
) -> BTreeMap<Name, Naive> {
    let mut accepted: Vec<&Arrival> = Vec::new();
    let mut duplicates: BTreeMap<Name, u64> = BTreeMap::new();
    for delivery in deliveries {
        let is_it = |other: &&&Arrival| {
            let apart_ms = (other.received.0 - delivery.received.0).abs();
            other.event.event == delivery.event.event && apart_ms <= retention.dedupe_ms
        };
        match accepted.iter().rev().find(is_it) {
            Some(other) => *duplicates.entry(name(other)).or_default() += 1,
            None => accepted.push(delivery),
        }
    }
    // A name that is used again for the same time is told apart by when it arrived.
    accepted.sort_by_key(|arrival| (arrival.event.at, arrival.event.id(), arrival.received));
    let mut world = World { all: accepted, invalid: BTreeMap::new(), done: BTreeMap::new(), retention };
    for (i, arrival) in world.all.iter().enumerate() {
        let has_too_many = || is_ruled(&arrival.event, rulings).then_some("flood");
        if let Some(reason) = invalid_reason(arrival, &world.all[..i], retention).or_else(has_too_many) {
            world.invalid.insert(name(arrival), reason);
        }
    }
    for kind in [Kind::Impression, Kind::View, Kind::Click, Kind::Conversion] {
        for arrival in world.all.clone().into_iter().filter(|arrival| arrival.event.kind() == kind) {
            let mut naive = outcome(arrival, &world);
            naive.duplicates = duplicates.get(&name(arrival)).copied().unwrap_or(0);
            world.done.insert(name(arrival), naive);
        }
    }
    world.done
}

/// Everything that is decided so far.
struct World<'a> {
    /// In order of event time, id and arrival.
    all: Vec<&'a Arrival>,
    invalid: BTreeMap<Name, &'static str>,
    done: BTreeMap<Name, Naive>,
    retention: &'a Retention,
}

fn is_ruled(event: &Event, rulings: &[Ruling]) -> bool {
    let is_it = |ruling: &Ruling| {
        event.user.is_some_and(|user| user.0 == ruling.group)
            && event.kind() == ruling.kind
            && event.at.0.div_euclid(86_400_000) == i64::from(ruling.day.0)
    };
    rulings.iter().any(is_it)
}

fn invalid_reason(arrival: &Arrival, before: &[&Arrival], retention: &Retention) -> Option<&'static str> {
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
    let same = |other: &Arrival| {
        let apart_ms = (other.received.0 - arrival.received.0).abs();
        let other = &other.event;
        event.kind() == other.kind()
            && event.user.is_some()
            && event.user == other.user
            && event.at.0 - other.at.0 <= window
            && apart_ms <= retention.dedupe_ms
            && match event.kind() {
                Kind::Conversion => event.label == other.label,
                _ if event.dims.ad.is_empty() => {
                    other.dims.ad.is_empty() && event.impression == other.impression
                }
                _ => event.dims.ad == other.dims.ad,
            }
    };
    (window > 0 && before.iter().any(|other| same(other))).then_some("repeat")
}

fn outcome(arrival: &Arrival, world: &World<'_>) -> Naive {
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
    if let Some(reason) = world.invalid.get(&name(arrival)) {
        (naive.outcome, naive.reason) = ("invalid", Some(*reason));
        return naive;
    }
    match find_parent(arrival, world) {
        Ok(None) => {}
        Err(reason) => naive.reason = Some(reason),
        Ok(Some(parent)) => {
            let touch = &world.done[&name(parent)];
            inherit(&mut naive, event, &touch.dims);
            if parent.event.kind() == Kind::Impression {
                naive.impression = Some(parent.event.id().clone());
                naive.through = (event.kind() == Kind::Conversion).then_some("view");
            } else {
                naive.impression = touch.impression.clone();
                naive.click = Some(parent.event.id().clone());
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
fn find_parent<'a>(arrival: &Arrival, world: &World<'a>) -> Result<Option<&'a Arrival>, &'static str> {
    let (event, windows) = (&arrival.event, &arrival.settings.windows);
    // A touch counts for what arrives while it is kept, or at most a dedupe horizon before it.
    let counts = |touch: &Arrival| {
        let before_ms = arrival.received.0 - touch.received.0;
        -world.retention.dedupe_ms <= before_ms && before_ms <= world.retention.touches_ms
    };
    let named = |kind: Kind, id: &EventId, window: i64| {
        let all = world.all.iter().copied();
        let fits = all.filter(|a| a.event.kind() == kind && a.event.id() == id && counts(a));
        let parent = fits.min_by_key(|a| a.received).ok_or("parent_missing")?;
        if world.invalid.contains_key(&name(parent)) {
            return Err("parent_invalid");
        }
        let age = event.at.0 - parent.event.at.0;
        if age < -windows.skew_ms || age > window { Err("outside_window") } else { Ok(Some(parent)) }
    };
    let latest = |kind: Kind, window: i64, fits: &dyn Fn(&Arrival) -> bool| {
        world.all.iter().copied().rev().find(|a| {
            let e = &a.event;
            e.kind() == kind
                && e.user == event.user
                && !world.invalid.contains_key(&name(a))
                && e.at <= event.at
                && event.at.0 - e.at.0 <= window
                && counts(a)
                && fits(a)
        })
    };
    match event.kind() {
        Kind::Impression => Ok(None),
        Kind::View | Kind::Click => match &event.impression {
            Some(id) => named(Kind::Impression, id, windows.click_window_ms),
            None if event.user.is_none() => Err("no_key"),
            None => {
                let ad = |a: &Arrival| a.event.dims.ad == event.dims.ad;
                latest(Kind::Impression, windows.click_window_ms, &ad).map(Some).ok_or("no_touch")
            }
        },
        Kind::Conversion => {
            let wanted = &event.dims.campaign;
            let campaign = |a: &Arrival| wanted.is_empty() || world.done[&name(a)].dims.campaign == *wanted;
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
