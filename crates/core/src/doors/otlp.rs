//! OpenTelemetry logs over HTTP in JSON (`ExportLogsServiceRequest`).
//!
//! A record is an event if its attributes, its body, or the last word of its event name say a kind. Attributes may
//! have the prefix `adtally.`; the body may be an object, or the text of one.

use serde_json::{Map, Value};

use super::DoorError;
use super::document::{last_word, say};
use crate::event::Kind;
use crate::intake::{Draft, MAX_BODY_EVENTS, RejectCode};

/// In front of the attributes that are about us.
const PREFIX: &str = "adtally.";
/// How deep a value may be nested.
const MAX_DEPTH: u32 = 8;

/// Reads a request; resources and scopes only group the records.
pub fn of_body(bytes: &[u8]) -> Result<Vec<Draft>, DoorError> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    // A request without any telemetry is right (OTLP, "Full success").
    let resources = match (&body, body.get("resourceLogs")) {
        (Value::Object(_), None | Some(Value::Null)) => return Ok(Vec::new()),
        (_, Some(Value::Array(resources))) => resources,
        _ => return Err("`resourceLogs` is not an array".to_owned()),
    };
    let inner = |value: &'static str| {
        move |outer: &'_ Value| outer.get(value).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let records: Vec<Value> = resources
        .iter()
        .flat_map(inner("scopeLogs"))
        .collect::<Vec<_>>()
        .iter()
        .flat_map(inner("logRecords"))
        .collect();
    if records.len() > MAX_BODY_EVENTS {
        return Err(format!("{} records, at most {MAX_BODY_EVENTS} are allowed", records.len()));
    }
    Ok(records.iter().map(of_record).collect())
}

fn of_record(record: &Value) -> Draft {
    let body = record.get("body").and_then(|body| plain(body, MAX_DEPTH));
    let mut fields = match body {
        Some(Value::Object(fields)) => fields,
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or_default(),
        _ => Map::new(),
    };
    for attribute in record.get("attributes").and_then(Value::as_array).into_iter().flatten() {
        let name = attribute.get("key").and_then(Value::as_str).unwrap_or_default();
        let value = attribute.get("value").and_then(|value| plain(value, MAX_DEPTH));
        if let Some(value) = value.filter(|_| !name.is_empty()) {
            fields.insert(name.strip_prefix(PREFIX).unwrap_or(name).to_owned(), value);
        }
    }
    let named = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
    let mut draft = Draft::of(fields);
    draft.or_say("kind", Kind::parse(last_word(named)).map_or("", Kind::name));
    if !draft.fields.contains_key("at") {
        let time =
            ["timeUnixNano", "observedTimeUnixNano"].into_iter().find_map(|name| nanos(record.get(name)?));
        say(&mut draft.fields, "at", time.map(|nanos| nanos / 1_000_000));
    }
    if !draft.fields.contains_key("kind") {
        draft.fault = Some((RejectCode::NotAnAdEvent, "a log record that says no `kind`".to_owned()));
    }
    draft
}

/// 64-bit integers are texts in this JSON, but not every writer knows.
fn nanos(value: &Value) -> Option<i64> {
    let nanos = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (nanos > 0).then_some(nanos)
}

/// A tagged value as JSON has it; bytes and what is nested too deep are left out.
fn plain(value: &Value, depth: u32) -> Option<Value> {
    let (tag, inner) = value.as_object()?.iter().next()?;
    let depth = depth.checked_sub(1)?;
    match tag.as_str() {
        "stringValue" | "boolValue" | "doubleValue" => Some(inner.clone()),
        "intValue" => {
            let integer = inner.as_i64().or_else(|| inner.as_str()?.parse().ok());
            Some(integer.map_or_else(|| inner.clone(), Value::from))
        }
        "arrayValue" => {
            let values = inner.get("values").and_then(Value::as_array)?;
            Some(values.iter().filter_map(|value| plain(value, depth)).collect())
        }
        "kvlistValue" => {
            let pairs = inner.get("values").and_then(Value::as_array)?;
            let pair = |pair: &Value| {
                let name = pair.get("key")?.as_str()?.to_owned();
                Some((name, plain(pair.get("value")?, depth)?))
            };
            Some(Value::Object(pairs.iter().filter_map(pair).collect()))
        }
        _ => None,
    }
}
