//! Where somebody is, read from the address, and how they get elsewhere.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::time::MINUTE_MS;
use gloo::timers::callback::Interval;
use leptos::prelude::*;

use crate::address::Address;
use crate::api::session::Session;
use crate::calendar::Offsets as _;
use crate::clock;
use crate::intl::Zone;
use crate::lang::Lang;
use crate::model::catalog::Catalog;
use crate::model::setting::Setting;
use crate::phrase::Phrase;
use crate::state::frame::Frame;
use crate::state::place::Place;

/// Where somebody is, in the context of every page.
#[derive(Clone, Copy)]
pub struct CurrentPlace {
    /// The page and its state; `None` when there is no such page.
    pub place: Memo<Option<Place>>,
    /// What of the address was not understood.
    pub unread: Memo<Vec<String>>,
    /// Whose figures of which days in which zone; `None` until it is known who is looking.
    pub setting: Memo<Option<Setting>>,
    /// Now, to the minute: what is open, and which day is today.
    pub now_ms: RwSignal<i64>,
    address: Address,
    session: Session,
}

impl CurrentPlace {
    /// Follows the address.
    pub fn follow() -> CurrentPlace {
        CurrentPlace::at(Address::follow())
    }

    /// Whatever an address says.
    pub fn at(address: Address) -> CurrentPlace {
        let session = Session::expect();
        let read = Memo::new(move |_| address.at.with(|(path, query)| Place::read(path, query)));
        let place = Memo::new(move |_| read.get().map(|(place, _)| place));
        let unread = Memo::new(move |_| read.get().map(|(_, unread)| unread).unwrap_or_default());
        let frame = Memo::new(move |_| place.get().map(|place| place.frame().clone()));
        let now_ms = minutes();
        let setting = Memo::new(move |_| {
            let (own, catalog, frame) = (session.own_scope()?, session.catalog.get()?, frame.get()?);
            Some(Setting::new(&frame, &own, &catalog, |tz| today_in(tz, now_ms.get())))
        });
        CurrentPlace { place, unread, setting, now_ms, address, session }
    }

    /// The place of the page around.
    pub fn expect() -> CurrentPlace {
        expect_context()
    }

    /// Goes to another state, which back leaves again.
    pub fn go(self, place: &Place) {
        self.address.go(&place.href());
    }

    /// The same page of other figures.
    pub fn change_frame(self, change: impl FnOnce(Frame) -> Frame) {
        let (Some(place), Some(own)) = (self.place.get_untracked(), self.session.own_scope()) else { return };
        let frame = change(place.frame().clone());
        let scope = frame.scope.clone().unwrap_or(own);
        self.go(&place.moved_to(frame, &scope));
    }

    /// The frame, for links to other pages.
    pub fn frame(self) -> Frame {
        self.place.get().map(|place| place.frame().clone()).unwrap_or_default()
    }
}

/// Now, to the minute.
fn minutes() -> RwSignal<i64> {
    let now_ms = RwSignal::new(clock::now_ms());
    let interval = Interval::new(MINUTE_MS as u32, move || {
        now_ms.try_set(clock::now_ms());
    });
    let interval = StoredValue::new_local(Some(interval));
    on_cleanup(move || drop(interval.try_update_value(Option::take)));
    now_ms
}

fn today_in(tz: &str, now_ms: i64) -> chrono::NaiveDate {
    Zone::or_utc(tz).map(|zone| zone.local(now_ms).date()).unwrap_or_default()
}

/// A scope by name.
pub fn scope_text(scope: &Scope, session: Session, lang: Lang) -> String {
    let catalog = session.catalog.get();
    let named = |dimension, key: &str| {
        catalog
            .as_deref()
            .and_then(|catalog: &Catalog| catalog.name(dimension, key))
            .unwrap_or(key)
            .to_string()
    };
    match scope {
        Scope::Platform => Phrase::ScopePlatform.text(lang).to_string(),
        Scope::Advertiser(key) => named(Dimension::Advertiser, key.as_str()),
        Scope::Service(key) => named(Dimension::Service, key.as_str()),
    }
}
