//! Events as this program sends them: the fields of the collect endpoint, in reading order.

use std::collections::BTreeMap;

use adtally_core::time::EventTime;
use serde::{Serialize, Serializer};

/// One event of `POST /v1/events`; what is absent or empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct OutgoingEvent {
    pub(crate) kind: String,
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "milliseconds")]
    pub(crate) at: Option<EventTime>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) advertiser: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) campaign: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ad: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) placement: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) impression: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) click: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_micros: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_micros: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) country: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) device: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) browser: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) page: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_agent: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ip: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) props: BTreeMap<String, String>,
}

impl OutgoingEvent {
    /// Appends the event as one line of NDJSON.
    pub(crate) fn write_line(&self, body: &mut Vec<u8>) {
        #[expect(
            clippy::expect_used,
            reason = "strings and integers are always JSON, and a Vec takes any bytes"
        )]
        serde_json::to_writer(&mut *body, self).expect("an event is JSON");
        body.push(b'\n');
    }
}

fn milliseconds<S: Serializer>(at: &Option<EventTime>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.0).serialize(serializer)
}
