//! Why an event has the parent that it has: the rule, and what became of each touch that it could have had.

use std::cmp::Reverse;

use super::pool::{Pool, Slot};
use super::settle::{Settled, SlotLink, counts_for, window_ms};
use super::{Linker, Retention};
use crate::cell::Dimension;
use crate::event::{EventRef, Kind};
use crate::time::EventTime;

/// The most touches that are told: those nearest in time.
pub const MAX_CONSIDERED: usize = 20;

/// By what an event looks for its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It needs none: an impression, or an invalid event.
    None,
    /// It names its impression.
    NamedImpression,
    /// It names its click.
    NamedClick,
    /// The user's latest impression of its ad.
    LatestImpressionOfAd,
    /// The user's latest click, else the latest impression; of its campaign where it says one.
    LatestTouch,
    /// It names nothing and has no user.
    Unknowable,
}

/// What became of a touch that an event could have had as its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Candidacy {
    /// It is the parent.
    Chosen,
    /// Another one is later.
    NotTheLatest,
    /// A click wins over an impression.
    ClickBeatsView,
    /// Another event of the same name arrived first.
    NotTheFirst,
    /// It is of another ad.
    OtherAd,
    /// It is of another campaign.
    OtherCampaign,
    /// It is invalid traffic.
    Invalid,
    /// It lies too far before the event, or after it.
    OutsideWindow,
    /// It arrived too long before the event, or too long after it.
    NotKept,
}

/// A touch that an event could have had as its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The touch.
    pub event: EventRef,
    /// When it happened.
    pub at: EventTime,
    /// What became of it.
    pub candidacy: Candidacy,
}

impl Rule {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Rule::None => "none",
            Rule::NamedImpression => "named_impression",
            Rule::NamedClick => "named_click",
            Rule::LatestImpressionOfAd => "latest_impression_of_ad",
            Rule::LatestTouch => "latest_touch",
            Rule::Unknowable => "no_key",
        }
    }
}

impl Candidacy {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Candidacy::Chosen => "chosen",
            Candidacy::NotTheLatest => "not_the_latest",
            Candidacy::ClickBeatsView => "click_beats_view",
            Candidacy::NotTheFirst => "not_the_first_of_its_name",
            Candidacy::OtherAd => "other_ad",
            Candidacy::OtherCampaign => "other_campaign",
            Candidacy::Invalid => "invalid",
            Candidacy::OutsideWindow => "outside_window",
            Candidacy::NotKept => "not_kept",
        }
    }
}

impl Linker {
    /// By what rule the event in `slot` is linked, and what it could have been linked to, nearest first.
    pub(super) fn explain(&self, settled: &Settled, slot: Slot) -> (Rule, Vec<Considered>) {
        let child = Child { pool: &self.pool, settled, slot, retention: &self.rules.retention };
        let rule = child.rule();
        let mut touches: Vec<(Slot, Candidacy)> =
            settled.order.iter().filter_map(|touch| Some((*touch, child.judge(rule, *touch)?))).collect();
        let at = self.pool.get(slot).at;
        let place = |(touch, candidacy): &(Slot, Candidacy)| {
            let record = self.pool.get(*touch);
            (*candidacy != Candidacy::Chosen, (at - record.at).abs(), Reverse(record.kind), record.position)
        };
        touches.sort_by_key(place);
        touches.truncate(MAX_CONSIDERED);
        let considered = |(touch, candidacy): (Slot, Candidacy)| Considered {
            event: self.pool.event_ref(touch),
            at: EventTime(self.pool.get(touch).at),
            candidacy,
        };
        (rule, touches.into_iter().map(considered).collect())
    }
}

struct Child<'a> {
    pool: &'a Pool,
    settled: &'a Settled,
    slot: Slot,
    retention: &'a Retention,
}

impl Child<'_> {
    fn rule(&self) -> Rule {
        let record = self.pool.get(self.slot);
        let is_valid = self.settled.state(self.slot).is_some_and(|state| state.invalid.is_none());
        let named = self.pool.named_parent(self.slot).map(|(kind, _)| kind);
        match (record.kind, named) {
            _ if !is_valid => Rule::None,
            (Kind::Impression, _) => Rule::None,
            (_, Some(Kind::Click)) => Rule::NamedClick,
            (_, Some(_)) => Rule::NamedImpression,
            (_, None) if !record.has_user => Rule::Unknowable,
            (Kind::Conversion, None) => Rule::LatestTouch,
            (_, None) => Rule::LatestImpressionOfAd,
        }
    }

    /// What became of another event as a parent; `None` where it could never have been one.
    fn judge(&self, rule: Rule, touch: Slot) -> Option<Candidacy> {
        let (own, other) = (self.pool.get(self.slot), self.pool.get(touch));
        let is_named = rule != Rule::LatestTouch && rule != Rule::LatestImpressionOfAd;
        let is_candidate = match rule {
            Rule::None | Rule::Unknowable => false,
            Rule::NamedImpression | Rule::NamedClick => {
                let (kind, name) = self.pool.named_parent(self.slot)?;
                other.kind == kind && self.pool.id(touch) == name
            }
            Rule::LatestImpressionOfAd => self.is_of_user(touch) && other.kind == Kind::Impression,
            Rule::LatestTouch => {
                self.is_of_user(touch) && matches!(other.kind, Kind::Impression | Kind::Click)
            }
        };
        if !is_candidate || touch == self.slot {
            return None;
        }
        let link = self.settled.state(self.slot)?.link;
        let windows = &self.pool.settings(self.slot).windows;
        let age_ms = own.at - other.at;
        let least_ms = if is_named { -windows.skew_ms } else { 0 };
        let state = self.settled.state(touch)?;
        Some(match () {
            () if link.parent() == Some(touch) => Candidacy::Chosen,
            () if !counts_for(other, own, self.retention) => Candidacy::NotKept,
            () if is_named && link.parent().is_some() => Candidacy::NotTheFirst,
            () if state.invalid.is_some() => Candidacy::Invalid,
            () if age_ms < least_ms || age_ms > window_ms(windows, own.kind, other.kind) => {
                Candidacy::OutsideWindow
            }
            () if is_named => Candidacy::NotTheFirst,
            () if rule == Rule::LatestImpressionOfAd && !self.is_same(self.slot, touch, Dimension::Ad) => {
                Candidacy::OtherAd
            }
            () if rule == Rule::LatestTouch && !self.is_of_campaign(state.tuple) => Candidacy::OtherCampaign,
            () if other.kind == Kind::Impression && matches!(link, SlotLink::Click { .. }) => {
                Candidacy::ClickBeatsView
            }
            () => Candidacy::NotTheLatest,
        })
    }

    fn is_of_user(&self, touch: Slot) -> bool {
        let (own, other) = (self.pool.get(self.slot), self.pool.get(touch));
        own.has_user && other.has_user && own.group == other.group
    }

    fn is_same(&self, one: Slot, other: Slot, dimension: Dimension) -> bool {
        let value = |slot: Slot| self.pool.words.value(self.pool.get(slot).tuple, dimension);
        value(one) == value(other)
    }

    fn is_of_campaign(&self, touch: super::words::Tuple) -> bool {
        let wanted = self.pool.words.value(self.pool.get(self.slot).tuple, Dimension::Campaign);
        wanted == 0 || self.pool.words.value(touch, Dimension::Campaign) == wanted
    }
}
