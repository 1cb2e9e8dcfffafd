//! CloudEvents 1.0 over HTTP: structured, batched, or binary, where the attributes are headers.
//!
//! The last word of `type` says the kind (`com.example.click`), `id`, `time` and `source` what they say, and `data`, or
//! `data_base64` once it is unpacked, the rest of the event.

use serde_json::{Map, Value};

use super::document::{last_word, listed, quoted, say, text};
use super::{DoorError, base64};
use crate::event::Kind;
use crate::intake::{Draft, MAX_BODY_EVENTS, RejectCode};

/// Attributes of an event as headers of a request in binary mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `ce-id`.
    pub id: Option<String>,
    /// `ce-type`.
    pub kind: Option<String>,
    /// `ce-source`.
    pub source: Option<String>,
    /// `ce-time`.
    pub time: Option<String>,
}

/// Reads a body of `application/cloudevents+json` or `application/cloudevents-batch+json`.
pub fn of_structured(bytes: &[u8]) -> Result<Vec<Draft>, DoorError> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let items = listed(body);
    if items.len() > MAX_BODY_EVENTS {
        return Err(format!("{} events, at most {MAX_BODY_EVENTS} are allowed", items.len()));
    }
    Ok(items.into_iter().map(of_item).collect())
}

/// Reads a request in binary mode.
pub fn of_binary(attributes: Attributes, bytes: &[u8]) -> Draft {
    let data = if bytes.trim_ascii().is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(bytes).map_err(|error| format!("the data is not JSON: {error}"))
    };
    match data {
        Ok(data) => of_parts(attributes, data),
        Err(message) => Draft::rejected(Map::new(), RejectCode::BadJson, message),
    }
}

fn of_item(item: Value) -> Draft {
    let Value::Object(mut item) = item else {
        return Draft::rejected(Map::new(), RejectCode::NotAnObject, "a CloudEvent is a JSON object");
    };
    let attributes = Attributes {
        id: text(&item, "id"),
        kind: text(&item, "type"),
        source: text(&item, "source"),
        time: text(&item, "time"),
    };
    let packed = text(&item, "data_base64");
    match (item.remove("data"), packed) {
        (None, Some(packed)) => {
            let bytes = base64::decode(&packed);
            match bytes {
                Some(bytes) => of_binary(attributes, &bytes),
                None => Draft::rejected(Map::new(), RejectCode::BadMessage, "`data_base64` is not base64"),
            }
        }
        (data, _) => of_parts(attributes, data.unwrap_or(Value::Null)),
    }
}

fn of_parts(attributes: Attributes, data: Value) -> Draft {
    let mut fields = match data {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => return Draft::rejected(Map::new(), RejectCode::NotAnObject, "`data` must be an object"),
    };
    let Some(name) = attributes.kind else {
        return Draft::rejected(fields, RejectCode::BadMessage, "`type` is missing");
    };
    if !fields.contains_key("kind") {
        match Kind::parse(last_word(&name)) {
            Some(kind) => say(&mut fields, "kind", Some(kind.name())),
            None => {
                say(&mut fields, "type", Some(quoted(&name)));
                let message = format!("a CloudEvent of type {:?}", quoted(&name));
                return Draft::rejected(fields, RejectCode::NotAnAdEvent, message);
            }
        }
    }
    let mut draft = Draft::of(fields);
    for (name, value) in [("id", attributes.id), ("at", attributes.time), ("source", attributes.source)] {
        draft.or_say(name, &value.unwrap_or_default());
    }
    draft
}
