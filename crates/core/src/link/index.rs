//! Where the linker looks events up: by user, by explicit parent, by neighbour.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Slot;
use crate::event::{Event, Kind};
use crate::key::{EventId, Key, UserKey};
use crate::settings::Windows;
use crate::time::EventTime;

/// Events among which one can be a repeat of another: same user and kind, and same ad, parent or label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Sameness {
    Ad(Key),
    Impression(EventId),
    Label(Key),
}

/// Every lookup structure of a [`super::Linker`]; events stand in place order: by time, then by id bytewise.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Events of a user by kind, in place order.
    users: BTreeMap<(UserKey, Kind, EventTime, EventId), Slot>,
    /// Events by repeat lane, in place order; the impressions of a user and ad are one.
    lanes: BTreeMap<(UserKey, Kind, Sameness, EventTime, EventId), Slot>,
    /// Events that name this impression.
    of_impression: HashMap<EventId, Vec<Slot>>,
    /// Conversions that name this click.
    of_click: HashMap<EventId, Vec<Slot>>,
    /// One allocation per distinct dimension value.
    keys: HashSet<Key>,
    widest: Widest,
}

/// The widest windows that any accepted event was subject to: how far a parent's influence reaches.
#[derive(Debug, Default)]
struct Widest {
    click_ms: i64,
    conversion_click_ms: i64,
    conversion_view_ms: i64,
}

impl Index {
    /// Makes equal dimension values of all events share one allocation.
    pub(super) fn intern(&mut self, event: &mut Event) {
        let Event { advertiser, dims, label, .. } = event;
        let shared = [
            advertiser,
            &mut dims.campaign,
            &mut dims.ad,
            &mut dims.service,
            &mut dims.placement,
            &mut dims.country,
            &mut dims.device,
            label,
        ];
        for key in shared {
            match self.keys.get(key) {
                Some(known) => *key = known.clone(),
                None => {
                    self.keys.insert(key.clone());
                }
            }
        }
    }

    pub(super) fn insert(&mut self, slot: Slot, event: &Event, windows: &Windows) {
        self.widest.click_ms = self.widest.click_ms.max(windows.click_window_ms);
        self.widest.conversion_click_ms =
            self.widest.conversion_click_ms.max(windows.conversion_click_window_ms);
        self.widest.conversion_view_ms =
            self.widest.conversion_view_ms.max(windows.conversion_view_window_ms);
        match (&event.click, &event.impression) {
            (Some(click), _) => self.of_click.entry(click.clone()).or_default().push(slot),
            (None, Some(impression)) => self.of_impression.entry(impression.clone()).or_default().push(slot),
            (None, None) => {}
        }
        let Some(user) = event.user else { return };
        let (at, id) = (event.at, event.id().clone());
        self.users.insert((user, event.kind(), at, id.clone()), slot);
        if let Some(sameness) = sameness(event) {
            self.lanes.insert((user, event.kind(), sameness, at, id), slot);
        }
    }

    /// The time of the event just before this one in its repeat lane.
    pub(super) fn previous_in_lane(&self, event: &Event) -> Option<EventTime> {
        let key = |at, id| Some((event.user?, event.kind(), sameness(event)?, at, id));
        let here = key(event.at, event.id().clone())?;
        let ((user, kind, same, at, _), _) = self.lanes.range(..&here).next_back()?;
        ((user, kind, same) == (&here.0, &here.1, &here.2)).then_some(*at)
    }

    /// The event just after this one in its repeat lane.
    pub(super) fn next_in_lane(&self, event: &Event) -> Option<Slot> {
        use std::ops::Bound::{Excluded, Unbounded};
        let here = (event.user?, event.kind(), sameness(event)?, event.at, event.id().clone());
        let ((user, kind, same, ..), slot) = self.lanes.range((Excluded(&here), Unbounded)).next()?;
        ((user, kind, same) == (&here.0, &here.1, &here.2)).then_some(*slot)
    }

    /// The user's impressions of an ad from `from` to `to`, both included, latest first.
    pub(super) fn impressions_of_ad(
        &self,
        user: UserKey,
        ad: &Key,
        from: EventTime,
        to: EventTime,
    ) -> impl Iterator<Item = Slot> {
        let place = |at| (user, Kind::Impression, Sameness::Ad(ad.clone()), at, EventId::first());
        let range = (from <= to).then(|| place(from)..place(after(to)));
        range.map(|range| self.lanes.range(range)).into_iter().flatten().rev().map(|(_, slot)| *slot)
    }

    /// The user's events of a kind from `from` to `to`, both included, latest first.
    pub(super) fn of_user(
        &self,
        user: UserKey,
        kind: Kind,
        from: EventTime,
        to: EventTime,
    ) -> impl Iterator<Item = Slot> {
        let place = |at| (user, kind, at, EventId::first());
        let range = (from <= to).then(|| place(from)..place(after(to)));
        range.map(|range| self.users.range(range)).into_iter().flatten().rev().map(|(_, slot)| *slot)
    }

    /// Tells every event that may link to this one: those that name it, and those that may find it by user.
    ///
    /// May tell one twice, and may tell events that turn out not to be children.
    pub(super) fn children(&self, event: &Event, mut tell: impl FnMut(Slot)) {
        let reaches: &[(Kind, i64)] = match event.kind() {
            Kind::Impression => &[
                (Kind::View, self.widest.click_ms),
                (Kind::Click, self.widest.click_ms),
                (Kind::Conversion, self.widest.conversion_view_ms),
            ],
            Kind::Click => &[(Kind::Conversion, self.widest.conversion_click_ms)],
            Kind::View | Kind::Conversion => return,
        };
        let named = match event.kind() {
            Kind::Click => self.of_click.get(event.id()),
            _ => self.of_impression.get(event.id()),
        };
        named.into_iter().flatten().for_each(|slot| tell(*slot));
        let Some(user) = event.user else { return };
        for (kind, reach_ms) in reaches {
            let to = EventTime(event.at.0.saturating_add(*reach_ms));
            self.of_user(user, *kind, event.at, to).for_each(&mut tell);
        }
    }
}

/// The first instant after `at`.
fn after(at: EventTime) -> EventTime {
    EventTime(at.0.saturating_add(1))
}

fn sameness(event: &Event) -> Option<Sameness> {
    match event.kind() {
        Kind::Conversion => Some(Sameness::Label(event.label.clone())),
        _ if !event.dims.ad.is_empty() => Some(Sameness::Ad(event.dims.ad.clone())),
        _ => event.impression.clone().map(Sameness::Impression),
    }
}
