//! Rejected events: what the worker says to the Quarantine objects, what these store, and what the API tells.
//!
//! A stored row is a gzipped JSON array of [`Record`]s, so that a request's rejections, or those of many requests at
//! once, are one row.

mod owners;

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::event::Screening;
use adtally_core::intake::{Held, Kept};
use adtally_core::key::UserKey;
use adtally_core::time::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::owners::{Address, Cursor, Gathered, MAX_ASKED, NOTE, OWNERS, Owner, gather};
use crate::api::RejectedEvent;

/// Quarantine: `POST` a [`Parcel`], answered by 200 once it is stored.
pub const HOLD: &str = "/hold";
/// Quarantine: `POST` a [`Filter`], answered by a [`Listing`].
pub const LIST: &str = "/list";
/// Quarantine: `POST` a [`Settled`], answered by 200.
pub const SETTLE: &str = "/settle";
/// Quarantine: `POST` a [`Forget`], answered by 200 when nothing of the users is left.
pub const FORGET: &str = "/forget";

/// Users whose records go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// Their pseudonyms, as records have them.
    pub users: Vec<String>,
}

/// The most bytes of a parcel's records, as JSON: what is beyond them is only counted.
pub const MAX_PARCEL_BYTES: usize = 256_000;
/// The most records of an answer.
pub const MAX_LISTED: usize = 1_000;
/// How long a record is kept, in days: long enough to find and repair a cause.
pub const MAX_AGE_DAYS: i64 = 30;

/// A rejected event as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it came, in ms.
    pub at_ms: i64,
    /// By which door.
    pub door: String,
    /// Why it is here: from the last time that it was judged.
    pub code: String,
    /// For people.
    pub message: String,
    /// How often a replay was tried.
    #[serde(default)]
    pub tries: u32,
    /// What it said, without user, address and user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Map<String, Value>>,
    /// What it looked like, where it was no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// The pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `clean`, `bot` or `datacenter`.
    pub screening: String,
}

impl Record {
    /// What came at `at_ms` by `door`, and was refused with that code and message.
    pub fn new(held: Held, at_ms: i64, door: &str, code: &str, message: String) -> Record {
        let (fields, shape) = match held.kept {
            Kept::Fields(fields) => (Some(fields), None),
            Kept::Shape(shape) => (None, Some(shape)),
        };
        let screening = match held.screening {
            Screening::Clean => "clean",
            Screening::Bot => "bot",
            Screening::Datacenter => "datacenter",
        };
        Record {
            at_ms,
            door: door.to_owned(),
            code: code.to_owned(),
            message,
            tries: 0,
            fields,
            shape,
            user: held.user.map(|user| user.to_string()),
            screening: screening.to_owned(),
        }
    }

    /// As the core knows it.
    pub fn held(&self) -> Held {
        let kept = match (&self.fields, &self.shape) {
            (Some(fields), _) => Kept::Fields(fields.clone()),
            (None, shape) => Kept::Shape(shape.clone().unwrap_or_default()),
        };
        let user = self.user.as_deref().and_then(|user| u64::from_str_radix(user, 16).ok()).map(UserKey);
        let screening = match self.screening.as_str() {
            "bot" => Screening::Bot,
            "datacenter" => Screening::Datacenter,
            _ => Screening::Clean,
        };
        Held { kept, user, screening }
    }
}

/// Rejections of one request, for one owner.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Parcel {
    /// What is to be kept.
    pub records: Vec<Record>,
    /// What is only counted, by code: there was too much of it.
    pub uncounted: BTreeMap<String, u64>,
    /// The bytes of the records as JSON.
    pub bytes: usize,
}

impl Parcel {
    /// Adds how many rejections these are, by code.
    pub fn count_in(&self, counts: &mut BTreeMap<String, u64>) {
        for record in &self.records {
            *counts.entry(record.code.clone()).or_default() += 1;
        }
        for (code, count) in &self.uncounted {
            *counts.entry(code.clone()).or_default() += count;
        }
    }

    /// Adds a record, or counts it where there is no more room.
    pub fn add(&mut self, record: Record) {
        let bytes = serde_json::to_vec(&record).map_or(MAX_PARCEL_BYTES, |json| json.len());
        if self.bytes + bytes > MAX_PARCEL_BYTES {
            *self.uncounted.entry(record.code).or_default() += 1;
        } else {
            self.bytes += bytes;
            self.records.push(record);
        }
    }
}

/// Where a record is: number of its row, and place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The row.
    pub row: i64,
    /// From 0; stays when others of the row are gone.
    pub index: u32,
}

impl Place {
    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Place> {
        let (row, index) = text.split_once('.')?;
        Some(Place { row: row.parse().ok()?, index: index.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.row, self.index)
    }
}

/// In which order records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// For people.
    NewestFirst,
    /// For replays.
    OldestFirst,
}

/// Which records are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only this code.
    pub code: Option<String>,
    /// Only these records; empty: any.
    pub ids: Vec<Place>,
    /// From this time of arrival on.
    pub from_ms: i64,
    /// Before this one.
    pub to_ms: i64,
    /// The most records.
    pub limit: usize,
    /// Beyond this record, in the order asked for.
    pub beyond: Option<Place>,
    /// Newest or oldest first.
    pub order: Order,
}

impl Filter {
    /// Whether a record is meant.
    pub fn takes(&self, place: Place, record: &Record) -> bool {
        let is_beyond = self.beyond.is_none_or(|beyond| match self.order {
            Order::NewestFirst => place < beyond,
            Order::OldestFirst => place > beyond,
        });
        is_beyond
            && (self.from_ms..self.to_ms).contains(&record.at_ms)
            && self.code.as_ref().is_none_or(|code| *code == record.code)
            && (self.ids.is_empty() || self.ids.contains(&place))
    }
}

/// Some records, and how many there were of each code.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Listing {
    /// All that were rejected in the hours asked for, also those that are gone.
    pub counts: BTreeMap<String, u64>,
    /// Where and what.
    pub records: Vec<(Place, Record)>,
    /// Whether there are more.
    pub more: bool,
}

/// What became of records in a replay.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Settled {
    /// They are events now.
    pub gone: Vec<Place>,
    /// They are still wrong: where, code and message.
    pub still_wrong: Vec<(Place, String, String)>,
}

/// Answer of `GET /v1/rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedList {
    /// How many were rejected in the hours asked for, by code; replayed and expired ones too.
    pub counts: BTreeMap<String, u64>,
    /// Newest first.
    pub rejected: Vec<RejectedRecord>,
    /// For `before`, if there are more.
    pub next: Option<String>,
}

/// A rejected event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// To replay it: its place, with its owner in lists of many owners' records.
    pub id: String,
    /// Whose it is: a scope.
    pub owner: String,
    /// When it came.
    pub received: String,
    /// By which door.
    pub door: String,
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// How often a replay was tried.
    pub tries: u32,
    /// What it said, without user, address and user agent.
    pub event: Option<Map<String, Value>>,
    /// What it looked like, where it was no JSON.
    pub shape: Option<String>,
    /// The pseudonym.
    pub user: Option<String>,
}

impl RejectedRecord {
    /// As the API tells it.
    pub fn of(owner: &Scope, id: &Address, record: Record) -> RejectedRecord {
        RejectedRecord {
            id: id.to_string(),
            owner: owner.to_string(),
            received: rfc3339(record.at_ms),
            door: record.door,
            code: record.code,
            message: record.message,
            tries: record.tries,
            event: record.fields,
            shape: record.shape,
            user: record.user,
        }
    }
}

/// Body of `POST /v1/rejected/replay`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayOrder {
    /// Whose.
    pub advertiser: Option<String>,
    /// Whose.
    pub service: Option<String>,
    /// Only these.
    pub ids: Vec<String>,
    /// Only this code.
    pub code: Option<String>,
    /// From this time of arrival on.
    pub from: Option<String>,
    /// Before this one.
    pub to: Option<String>,
    /// What is said instead of what they said; null unsays a field.
    pub set: Map<String, Value>,
    /// Beyond this record: `next` of the answer before.
    pub after: Option<String>,
}

/// Answer of `POST /v1/rejected/replay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayResult {
    /// Events stored for the first time.
    pub accepted: u64,
    /// Events that were stored before.
    pub duplicates: u64,
    /// Still wrong; `index` is the place in this replay, `id` that of the record.
    pub rejected: Vec<RejectedEvent>,
    /// For `after`, if there are more.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(code: &str, at_ms: i64) -> Record {
        let fields = serde_json::from_str(r#"{"kind":"wink"}"#).unwrap();
        let held = Held { kept: Kept::Fields(fields), user: Some(UserKey(0xab)), screening: Screening::Bot };
        Record::new(held, at_ms, "events", code, "m".to_owned())
    }

    #[test]
    fn records_keep_what_is_held() {
        let one = record("unknown_kind", 5);
        assert_eq!(one.user.as_deref(), Some("00000000000000ab"));
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap().held(), one.held());
        assert_eq!(one.held().screening, Screening::Bot);
    }

    #[test]
    fn parcels_end() {
        let mut parcel = Parcel::default();
        (0..10_000).for_each(|_| parcel.add(record("unknown_kind", 5)));
        assert!(parcel.bytes <= MAX_PARCEL_BYTES);
        assert_eq!(parcel.records.len() as u64 + parcel.uncounted["unknown_kind"], 10_000);
    }

    #[test]
    fn filters() {
        let base = Filter {
            code: None,
            ids: Vec::new(),
            from_ms: 0,
            to_ms: 10,
            limit: 1,
            beyond: None,
            order: Order::NewestFirst,
        };
        let place = Place { row: 3, index: 1 };
        let check = |filter: &Filter, expected: bool| {
            assert_eq!(filter.takes(place, &record("a", 5)), expected, "{filter:?}");
        };
        check(&base, true);
        check(&Filter { to_ms: 5, ..base.clone() }, false);
        check(&Filter { code: Some("b".to_owned()), ..base.clone() }, false);
        check(&Filter { ids: vec![Place { row: 3, index: 2 }], ..base.clone() }, false);
        check(&Filter { beyond: Some(place), ..base.clone() }, false);
        check(&Filter { beyond: Place::parse("3.2"), ..base.clone() }, true);
        check(&Filter { beyond: Place::parse("3.0"), order: Order::OldestFirst, ..base.clone() }, true);
        assert_eq!(Place::parse("x.1"), None);
        assert_eq!(place.to_string(), "3.1");
    }
}
