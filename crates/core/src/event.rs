//! Events as the linker knows them: parsed, valid, pseudonymous.

use crate::key::{EventId, Key, UserKey};
use crate::time::EventTime;

/// What happened.
///
/// The order is that in which links can be decided: no kind has a parent of a later kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An ad was delivered.
    Impression,
    /// A delivered ad was viewable (MRC: half of its pixels for one second).
    View,
    /// A user followed the ad.
    Click,
    /// A user did what the advertiser wants: purchase, install, ...
    Conversion,
}

impl Kind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Kind; 4] = [Kind::Impression, Kind::View, Kind::Click, Kind::Conversion];

    /// The name in events and API answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Impression => "impression",
            Kind::View => "view",
            Kind::Click => "click",
            Kind::Conversion => "conversion",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What identifies an event within its advertiser.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventRef {
    /// Kinds have separate id spaces.
    pub kind: Kind,
    /// The sender's idempotency key.
    pub id: EventId,
}

/// The dimensions that a chain of events hands down, and those of the user's side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dims {
    /// The campaign of the ad.
    pub campaign: Key,
    /// What was shown.
    pub ad: Key,
    /// The publisher service that showed it.
    pub service: Key,
    /// The place in the service.
    pub placement: Key,
    /// ISO 3166-1 alpha-2 country of the user.
    pub country: Key,
    /// Device class of the user.
    pub device: Key,
}

/// Why an event is invalid traffic, in the order in which the reasons are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InvalidReason {
    /// The user agent is that of a robot.
    Bot,
    /// The address belongs to a data centre.
    Datacenter,
    /// The same user did the same a moment before.
    Repeat,
    /// The user has too many of them in a day.
    Flood,
}

impl InvalidReason {
    /// All of them.
    pub const ALL: [InvalidReason; 4] =
        [InvalidReason::Bot, InvalidReason::Datacenter, InvalidReason::Repeat, InvalidReason::Flood];

    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            InvalidReason::Bot => "bot",
            InvalidReason::Datacenter => "datacenter",
            InvalidReason::Repeat => "repeat",
            InvalidReason::Flood => "flood",
        }
    }
}

/// What arrival alone tells of an event's validity; user agent and address are dropped after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screening {
    /// Nothing against it.
    Clean,
    /// From a robot.
    Bot,
    /// From a data centre.
    Datacenter,
}

/// What no cell counts by, but the archive and the event's story keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extras {
    /// Operating system.
    pub os: Key,
    /// Browser.
    pub browser: Key,
    /// Address of the page, cut at 256 characters.
    pub page: String,
    /// Further properties, in name order.
    pub props: Vec<(String, String)>,
}

/// A valid event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Kind and id.
    pub event: EventRef,
    /// When it happened.
    pub at: EventTime,
    /// Who pays; never empty.
    pub advertiser: Key,
    /// What the event itself says; what it leaves out it may inherit from its parent.
    pub dims: Dims,
    /// Conversion name.
    pub label: Key,
    /// Who did it.
    pub user: Option<UserKey>,
    /// The explicit impression, on views, clicks and conversions.
    pub impression: Option<EventId>,
    /// The explicit click, on conversions.
    pub click: Option<EventId>,
    /// Own spend in millionths of the currency, not negative; absent: the campaign's price decides.
    pub cost_micros: Option<i64>,
    /// Value of a conversion in millionths of the currency, not negative.
    pub value_micros: i64,
    /// Verdict of arrival.
    pub screening: Screening,
    /// What is kept besides; most events have nothing.
    pub extras: Option<Box<Extras>>,
}

impl Event {
    /// Impression, view, click or conversion.
    pub fn kind(&self) -> Kind {
        self.event.kind
    }

    /// The sender's idempotency key.
    pub fn id(&self) -> &EventId {
        &self.event.id
    }
}
