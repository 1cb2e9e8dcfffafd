//! Random events and settings in which everything collides with everything.

use adtally_core::batch::Ruling;
use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::settings::{Price, PriceModel, Settings, Windows};
use adtally_core::time::{Day, EventTime};
use proptest::prelude::*;

/// When the first event happens.
pub(crate) const START: i64 = 1_700_000_000_000;
/// The grain of all times.
const STEP_MS: i64 = 500;

/// Few ids, users, ads and times, so that everything collides with everything.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let maybe = |texts: &'static [&'static str]| prop::sample::select(texts);
    let dims = (maybe(&["", "c1", "c2"]), maybe(&["a1", "a2", ""]), maybe(&["", "news"]), maybe(&["", "KR"]));
    let parents = (prop::option::weighted(0.4, 0..8u8), prop::option::weighted(0.3, 0..8u8));
    let what = (prop::sample::select(&Kind::ALL[..]), 0..8u8, 0..40i64, prop::option::weighted(0.8, 0..3u64));
    let rest = (0..12u8, prop::option::weighted(0.5, 0..3i64), maybe(&["", "buy"]));
    (what, dims, parents, rest).prop_map(
        |((kind, n, at, user), dims, (impression, click), (bot, cost, label))| {
            let id = |n: u8| EventId::parse(&format!("e{n}")).unwrap();
            let key = |text: &str| Key::parse(text).unwrap();
            let (campaign, ad, service, country) = dims;
            let ad = if kind == Kind::Impression && ad.is_empty() { "a1" } else { ad };
            let needs_parent = matches!(kind, Kind::View | Kind::Click) && ad.is_empty();
            let impression = impression.or(needs_parent.then_some(n)).filter(|_| kind != Kind::Impression);
            let dims = Dims {
                campaign: key(campaign),
                ad: key(ad),
                service: key(service),
                country: key(country),
                ..Dims::default()
            };
            Event {
                event: EventRef { kind, id: id(n) },
                at: EventTime(START + at * STEP_MS),
                advertiser: key("acme"),
                dims,
                label: key(label),
                user: user.map(UserKey),
                impression: impression.map(id),
                click: click.filter(|_| kind == Kind::Conversion).map(id),
                cost_micros: cost,
                value_micros: 3,
                screening: if bot == 0 { Screening::Bot } else { Screening::Clean },
                extras: None,
            }
        },
    )
}

/// Windows of a few steps, so that events fall on both sides of each.
pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let steps = |most: i64| (0..most).prop_map(|n| n * STEP_MS);
    let windows = (steps(30), steps(40), steps(30), steps(4), steps(4), steps(4), steps(6));
    let model = prop::sample::select(&[PriceModel::Cpm, PriceModel::Cpc, PriceModel::Cpa][..]);
    (windows, model).prop_map(|(w, model)| Settings {
        windows: Windows {
            click_window_ms: w.0,
            conversion_click_window_ms: w.1,
            conversion_view_window_ms: w.2,
            repeat_click_ms: w.3,
            repeat_conversion_ms: w.4,
            repeat_impression_ms: w.5,
            skew_ms: w.6,
        },
        prices: [("c1".to_owned(), Price { model, micros: 5_000 })].into(),
        currency: Key::parse("USD").unwrap(),
    })
}

/// That a user has too many events of a kind, on the day of the events or the one after.
pub(crate) fn ruling() -> impl Strategy<Value = Ruling> {
    let day = (0..5i32).prop_map(|n| Day(EventTime(START).day().0 + n / 4));
    let ruling = (0..3u64, prop::sample::select(&Kind::ALL[..]), day);
    ruling.prop_map(|(group, kind, day)| Ruling { group, kind, day })
}
