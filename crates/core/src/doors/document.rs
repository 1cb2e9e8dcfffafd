//! What all doors for documents share.

use serde_json::{Map, Value};

use crate::intake::{Draft, MAX_EVENT_BYTES, RejectCode};

/// The most characters that a message quotes of what was sent.
const MAX_QUOTED_CHARS: usize = 80;

/// The start of a text, for a message.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(MAX_QUOTED_CHARS).collect()
}

/// The parts of a message one by one; one part alone stands for a list of one.
pub(super) fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// Refuses a document that is larger than an event may be.
pub(super) fn too_large(bytes: usize) -> Option<Draft> {
    let message = || format!("the event has {bytes} bytes, at most {MAX_EVENT_BYTES} are allowed");
    (bytes > MAX_EVENT_BYTES).then(|| Draft::rejected(Map::new(), RejectCode::EventTooLarge, message()))
}

/// The text of a member, if it is a text or a number.
pub(super) fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    match map.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Says a field, where there is something to say.
pub(super) fn say(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

/// The last word of a dotted name: `com.example.click` tells of a click.
pub(super) fn last_word(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}
