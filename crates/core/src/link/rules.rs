//! The linking rules: which parent an event has, given the others as they are.

use super::{Linker, Slot, SlotLink, Unlinked};
use crate::event::{Dims, EventRef, Kind};
use crate::key::{EventId, Key, UserKey};
use crate::settings::Windows;
use crate::time::EventTime;

/// How long after an event another of its lane is a repeat; `None` where the rule is off.
pub(super) fn repeat_window_ms(windows: &Windows, kind: Kind) -> Option<i64> {
    let window = match kind {
        Kind::Impression => windows.repeat_impression_ms,
        Kind::View => 0,
        Kind::Click => windows.repeat_click_ms,
        Kind::Conversion => windows.repeat_conversion_ms,
    };
    (window > 0).then_some(window)
}

/// The parent of the event in `slot`, or why it has none.
pub(super) fn link(linker: &Linker, slot: Slot) -> SlotLink {
    let entry = &linker.entries[slot];
    let (event, windows) = (&entry.event, &entry.settings.windows);
    if entry.invalid.is_some() {
        return SlotLink::Root;
    }
    let search = Search { linker, at: event.at, skew_ms: windows.skew_ms };
    let found = match (event.kind(), &event.click, &event.impression) {
        (Kind::Impression, ..) => return SlotLink::Root,
        (Kind::View | Kind::Click, _, Some(impression)) => {
            search.named(Kind::Impression, impression, windows.click_window_ms)
        }
        (Kind::View | Kind::Click, _, None) => by_user(event.user, |user| {
            search.latest_impression_of_ad(user, &event.dims.ad, windows.click_window_ms)
        }),
        (Kind::Conversion, Some(click), _) => {
            search.named(Kind::Click, click, windows.conversion_click_window_ms)
        }
        (Kind::Conversion, None, Some(impression)) => {
            search.named(Kind::Impression, impression, windows.conversion_view_window_ms)
        }
        (Kind::Conversion, None, None) => by_user(event.user, |user| {
            let latest = |kind, window| search.latest_of_campaign(user, kind, &event.dims.campaign, window);
            latest(Kind::Click, windows.conversion_click_window_ms)
                .or_else(|| latest(Kind::Impression, windows.conversion_view_window_ms))
        }),
    };
    match found {
        Err(reason) => SlotLink::Unlinked(reason),
        Ok(parent) if linker.entries[parent].event.kind() == Kind::Impression => SlotLink::Impression(parent),
        Ok(click) => {
            let impression = match linker.entries[click].link {
                SlotLink::Impression(impression) => Some(impression),
                _ => None,
            };
            SlotLink::Click { click, impression }
        }
    }
}

/// The dimensions of the event in `slot`, with what it inherits through `link`.
///
/// A view or click inherits what it leaves out.
/// A conversion takes campaign, ad, service and placement from its touch, and country and device where it has none.
pub(super) fn dims(linker: &Linker, slot: Slot, link: SlotLink) -> Dims {
    let event = &linker.entries[slot].event;
    let own = &event.dims;
    let Some(parent) = link.parent() else { return own.clone() };
    let theirs = linker.entries[parent].dims();
    let or = |own: &Key, theirs: &Key| if own.is_empty() { theirs.clone() } else { own.clone() };
    let (country, device) = (or(&own.country, &theirs.country), or(&own.device, &theirs.device));
    if event.kind() == Kind::Conversion {
        return Dims { country, device, ..theirs.clone() };
    }
    Dims {
        campaign: or(&own.campaign, &theirs.campaign),
        ad: or(&own.ad, &theirs.ad),
        service: or(&own.service, &theirs.service),
        placement: or(&own.placement, &theirs.placement),
        country,
        device,
    }
}

fn by_user(user: Option<UserKey>, find: impl FnOnce(UserKey) -> Option<Slot>) -> Result<Slot, Unlinked> {
    find(user.ok_or(Unlinked::NoKey)?).ok_or(Unlinked::NoTouch)
}

/// Looks for the parent of an event that happened at `at`.
struct Search<'a> {
    linker: &'a Linker,
    at: EventTime,
    skew_ms: i64,
}

impl Search<'_> {
    /// The parent that the event names; clocks of two senders may differ by the skew.
    fn named(&self, kind: Kind, id: &EventId, window_ms: i64) -> Result<Slot, Unlinked> {
        let parent = self.linker.by_ref.get(&EventRef { kind, id: id.clone() });
        let slot = *parent.ok_or(Unlinked::ParentMissing)?;
        let entry = &self.linker.entries[slot];
        if entry.invalid.is_some() {
            return Err(Unlinked::ParentInvalid);
        }
        let age_ms = self.at.0 - entry.event.at.0;
        if age_ms < -self.skew_ms || age_ms > window_ms {
            return Err(Unlinked::OutsideWindow);
        }
        Ok(slot)
    }

    fn latest_impression_of_ad(&self, user: UserKey, ad: &Key, window_ms: i64) -> Option<Slot> {
        let from = EventTime(self.at.0.saturating_sub(window_ms));
        self.linker.index.impressions_of_ad(user, ad, from, self.at).find(|slot| self.is_valid(*slot))
    }

    fn latest_of_campaign(&self, user: UserKey, kind: Kind, campaign: &Key, window_ms: i64) -> Option<Slot> {
        let from = EventTime(self.at.0.saturating_sub(window_ms));
        let of_campaign =
            |slot: &Slot| campaign.is_empty() || self.linker.entries[*slot].dims().campaign == *campaign;
        let mut candidates = self.linker.index.of_user(user, kind, from, self.at);
        candidates.find(|slot| self.is_valid(*slot) && of_campaign(slot))
    }

    fn is_valid(&self, slot: Slot) -> bool {
        self.linker.entries[slot].invalid.is_none()
    }
}
