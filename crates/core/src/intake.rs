//! From bytes to events: each event is accepted or rejected on its own, with a reason.
//!
//! ```
//! use adtally_core::intake::{Context, Media, read_body};
//! use adtally_core::key::UserSalt;
//! use adtally_core::screen::Lists;
//! use adtally_core::time::ServerTime;
//!
//! let salt = UserSalt::new(b"secret");
//! let now = ServerTime(1_532_271_600_000);
//! let context = Context { now, nonce: 7, salt: &salt, lists: Lists::built_in(), visitor: None };
//! let body = br#"[{"kind":"impression","advertiser":"acme","ad":"a1"}, {"kind":"wink"}]"#;
//! let intake = read_body(body, Media::Json, &context).unwrap();
//! assert_eq!(intake.events.len(), 1);
//! assert_eq!(intake.rejected[0].code.name(), "unknown_kind");
//! ```

mod body;
mod scan;
mod word;
mod fields;
mod rules;
mod click_ids;
mod draft;
mod held;

use std::ops::Range;

use thiserror::Error;

use self::body::Reader;
pub use self::draft::{Draft, read_drafts};
pub use self::held::{
    Held, Kept, MAX_HELD_BYTES, hold_bytes, hold_event, hold_fields, release, safe_message,
};
use crate::event::Event;
use crate::key::UserSalt;
use crate::screen::{Lists, Visitor};
use crate::time::{DAY_MS, MINUTE_MS, ServerTime};

/// The most bytes in a request body, compressed or not: what one Linker commit can hold in memory many times over.
pub const MAX_BODY_BYTES: usize = 5_000_000;
/// The most events in a request body: keeps one request's answer and its log rows small.
pub const MAX_BODY_EVENTS: usize = 10_000;
/// The most bytes of one event as sent: a hundred keys of the longest kind.
pub const MAX_EVENT_BYTES: usize = 8_192;
/// The most properties of an event.
pub const MAX_PROPS: usize = 16;
/// The longest name of a property, in characters.
pub const MAX_PROP_NAME_CHARS: usize = 64;
/// The longest value of a property, in characters.
pub const MAX_PROP_VALUE_CHARS: usize = 256;
/// Where a page address is cut, in characters: long enough for scheme, host, path and campaign parameters.
pub const MAX_PAGE_CHARS: usize = 512;
/// The most that an event may cost or be worth: a thousand million units of the currency. Sums of thousands of such
/// events still fit 64 bits.
pub const MAX_AMOUNT_MICROS: i64 = 1_000_000_000_000_000;
/// The earliest event time, 2010-01-01: anything before it is a clock or unit error.
pub const EARLIEST_AT_MS: i64 = 14_610 * DAY_MS;
/// How far ahead of the server's clock an event time may be.
pub const MAX_AHEAD_MS: i64 = 10 * MINUTE_MS;

/// How the events of a body are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// One JSON object, or an array of them; several lines of objects are understood too.
    Json,
    /// One JSON object a line; blank lines are skipped.
    Ndjson,
}

impl Media {
    /// What a `Content-Type` announces; anything but NDJSON is read as JSON.
    pub fn of(content_type: &str) -> Media {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Media::Ndjson,
            _ => Media::Json,
        }
    }
}

/// What reading an event depends on besides its bytes.
pub struct Context<'a> {
    /// The server's clock: the time of events that bring none.
    pub now: ServerTime,
    /// Random for each request: makes the ids of events that bring none.
    pub nonce: u64,
    /// Hashes user keys.
    pub salt: &'a UserSalt,
    /// Robots and data centres.
    pub lists: &'a Lists,
    /// What the request tells of the person, if it comes from their browser: it stands in for what events leave out.
    pub visitor: Option<&'a Visitor>,
}

/// The events of a body, and what was wrong with the others.
#[derive(Debug, Default)]
pub struct Intake {
    /// Valid events with their position in the body.
    pub events: Vec<(usize, Event)>,
    /// Invalid ones, in the order of the body.
    pub rejected: Vec<Rejection>,
}

/// Why an event was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Position in the body, from 0; blank lines do not count.
    pub index: usize,
    /// The event's id where it is a string, cut at the length of an id.
    pub id: Option<String>,
    /// For programs.
    pub code: RejectCode,
    /// For people.
    pub message: String,
    /// Where it lies in the body; empty for a draft, which lies nowhere.
    pub raw: Range<usize>,
}

/// Why a whole body was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Nothing but white space.
    #[error("the body is empty")]
    Empty,
    /// Not one event could be read.
    #[error("the body is not JSON: {0}")]
    BadJson(String),
    /// More than [`MAX_BODY_EVENTS`].
    #[error("the body has {0} events, at most {MAX_BODY_EVENTS} are allowed")]
    TooManyEvents(usize),
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
}

impl BodyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            BodyError::Empty => "empty_body",
            BodyError::BadJson(_) => "bad_json",
            BodyError::TooManyEvents(_) => "too_many_events",
            BodyError::TooLarge => "body_too_large",
        }
    }
}

/// The stable code of a [`Rejection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectCode {
    /// A line that is not JSON.
    BadJson,
    /// JSON, but not an object.
    NotAnObject,
    /// A field of another type than it has to be.
    WrongType,
    /// No `kind`.
    MissingKind,
    /// Not one of the four kinds.
    UnknownKind,
    /// No `advertiser`.
    MissingAdvertiser,
    /// An impression without `ad`, or a click or view with neither `ad` nor `impression`.
    MissingAd,
    /// `id`, `impression` or `click` is not an event id.
    InvalidId,
    /// A dimension, user or label is not a key.
    InvalidKey,
    /// `at` is neither an integer nor RFC 3339.
    InvalidAt,
    /// `at` is before 2010.
    AtTooOld,
    /// `at` is more than ten minutes ahead.
    AtInFuture,
    /// An amount below zero.
    NegativeAmount,
    /// An amount above [`MAX_AMOUNT_MICROS`].
    AmountTooLarge,
    /// More than [`MAX_PROPS`] properties.
    TooManyProps,
    /// A property's name or value is too long.
    PropTooLong,
    /// More than [`MAX_EVENT_BYTES`].
    EventTooLarge,
    /// A door understood the message, but it tells of none of the four kinds.
    NotAnAdEvent,
    /// Not what the door takes.
    BadMessage,
    /// The sender may not send events of that advertiser or service.
    ForeignScope,
    /// The event is right, but it could not be stored; its sender does not send twice.
    NotStored,
}

impl RejectCode {
    /// Every code.
    pub const ALL: [RejectCode; 21] = [
        RejectCode::BadJson,
        RejectCode::NotAnObject,
        RejectCode::WrongType,
        RejectCode::MissingKind,
        RejectCode::UnknownKind,
        RejectCode::MissingAdvertiser,
        RejectCode::MissingAd,
        RejectCode::InvalidId,
        RejectCode::InvalidKey,
        RejectCode::InvalidAt,
        RejectCode::AtTooOld,
        RejectCode::AtInFuture,
        RejectCode::NegativeAmount,
        RejectCode::AmountTooLarge,
        RejectCode::TooManyProps,
        RejectCode::PropTooLong,
        RejectCode::EventTooLarge,
        RejectCode::NotAnAdEvent,
        RejectCode::BadMessage,
        RejectCode::ForeignScope,
        RejectCode::NotStored,
    ];

    /// The code of that name.
    pub fn parse(name: &str) -> Option<RejectCode> {
        RejectCode::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The code as it appears in answers.
    pub fn name(self) -> &'static str {
        match self {
            RejectCode::BadJson => "bad_json",
            RejectCode::NotAnObject => "not_an_object",
            RejectCode::WrongType => "wrong_type",
            RejectCode::MissingKind => "missing_kind",
            RejectCode::UnknownKind => "unknown_kind",
            RejectCode::MissingAdvertiser => "missing_advertiser",
            RejectCode::MissingAd => "missing_ad",
            RejectCode::InvalidId => "invalid_id",
            RejectCode::InvalidKey => "invalid_key",
            RejectCode::InvalidAt => "invalid_at",
            RejectCode::AtTooOld => "at_too_old",
            RejectCode::AtInFuture => "at_in_future",
            RejectCode::NegativeAmount => "negative_amount",
            RejectCode::AmountTooLarge => "amount_too_large",
            RejectCode::TooManyProps => "too_many_props",
            RejectCode::PropTooLong => "prop_too_long",
            RejectCode::EventTooLarge => "event_too_large",
            RejectCode::NotAnAdEvent => "not_an_ad_event",
            RejectCode::BadMessage => "bad_message",
            RejectCode::ForeignScope => "foreign_scope",
            RejectCode::NotStored => "not_stored",
        }
    }
}

/// Reads the events of a request body; a rejected event never fails its neighbours.
pub fn read_body(bytes: &[u8], media: Media, context: &Context<'_>) -> Result<Intake, BodyError> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge);
    }
    Reader::new(bytes, context).read(media)
}

#[cfg(test)]
mod tests;
