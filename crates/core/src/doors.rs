//! Other people's formats: what browsers, trackers and log shippers send, in our words.
//!
//! Each door is a small pure function from bytes to [`Draft`]s; [`read_drafts`](crate::intake::read_drafts) judges
//! them by the same rules as any event. All of them take bytes of strangers: whatever comes, they answer.
//!
//! ```
//! use adtally_core::doors::query;
//! use adtally_core::event::Kind;
//!
//! let pairs = [("advertiser", "acme"), ("ad", "a1"), ("cost_micros", "1200"), ("cb", "[CACHEBUSTING]")];
//! let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
//! let draft = query::event_of(Some(Kind::Impression), &pairs);
//! let json = serde_json::to_string(&draft.fields).unwrap();
//! assert_eq!(json, r#"{"ad":"a1","advertiser":"acme","cost_micros":1200,"kind":"impression"}"#);
//! ```

mod base64;
mod value;
pub mod query;
pub mod consent;
mod document;
pub mod snowplow;
pub mod prebid;
pub mod vast;
pub mod bulk;
pub mod cloud_events;
pub mod otlp;

/// The ways into the system, by the names under which they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    /// `POST /v1/events`.
    Events,
    /// `GET /v1/i.gif` and `/v1/v.gif`.
    Pixel,
    /// `GET /v1/c`.
    Redirect,
    /// `GET|POST /v1/postback`.
    Postback,
    /// `GET /v1/vast/{event}`.
    Vast,
    /// `POST /v1/prebid`.
    Prebid,
    /// Snowplow's trackers.
    Snowplow,
    /// Elasticsearch's `_bulk`.
    Bulk,
    /// `POST /v1/cloudevents`.
    CloudEvents,
    /// `POST /v1/logs`.
    Otlp,
}

impl Door {
    /// Every door.
    pub const ALL: [Door; 10] = [
        Door::Events,
        Door::Pixel,
        Door::Redirect,
        Door::Postback,
        Door::Vast,
        Door::Prebid,
        Door::Snowplow,
        Door::Bulk,
        Door::CloudEvents,
        Door::Otlp,
    ];

    /// The name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Door::Events => "events",
            Door::Pixel => "pixel",
            Door::Redirect => "redirect",
            Door::Postback => "postback",
            Door::Vast => "vast",
            Door::Prebid => "prebid",
            Door::Snowplow => "snowplow",
            Door::Bulk => "bulk",
            Door::CloudEvents => "cloudevents",
            Door::Otlp => "otlp",
        }
    }

    /// Whether nobody sends again what could not be stored: pictures and redirects have no second try.
    pub fn sends_once(self) -> bool {
        matches!(self, Door::Pixel | Door::Redirect | Door::Vast)
    }

    /// The door of that name.
    pub fn parse(name: &str) -> Option<Door> {
        Door::ALL.into_iter().find(|door| door.name() == name)
    }
}

/// A message that is not what the door takes; why.
pub type DoorError = String;

#[cfg(test)]
mod tests;
