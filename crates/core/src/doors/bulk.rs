//! Elasticsearch's `_bulk`: a line that says what to do, then a line with the document.
//!
//! A document is an event of ours, or has the text of one in `message`, as shippers of log files send it. What shippers
//! add of themselves is left out. Blank lines are skipped wherever they stand.

use serde_json::{Map, Value};

use super::DoorError;
use super::document::{quoted, text, too_large};
use crate::intake::{Draft, MAX_BODY_EVENTS, RejectCode};

/// What shippers say of themselves.
const OF_SHIPPERS: [&str; 10] =
    ["@version", "@metadata", "agent", "ecs", "event", "host", "input", "log", "tags", "stream"];

/// A document and what its sender wants to hear about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `index` or `create`; whatever else was asked for is refused.
    pub action: String,
    /// The index that it was for.
    pub index: String,
    /// Its id there, if it has one.
    pub id: Option<String>,
    /// The event.
    pub draft: Draft,
}

/// Reads a body; `index` is that of the path. An action line that is no such thing ends it: nobody knows what follows.
pub fn of_body(bytes: &[u8], index: Option<&str>) -> Result<Vec<Item>, DoorError> {
    let mut lines =
        bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut items = Vec::new();
    while let Some(line) = lines.next() {
        if items.len() == MAX_BODY_EVENTS {
            return Err(format!("more than {MAX_BODY_EVENTS} documents"));
        }
        let (action, about) = action(line)?;
        let document = match action.as_str() {
            "delete" => None,
            _ => Some(lines.next().ok_or("the last action has no document")?),
        };
        let id = text(&about, "_id");
        let index = text(&about, "_index").or_else(|| index.map(str::to_owned)).unwrap_or_default();
        let draft = match (action.as_str(), document) {
            ("index" | "create", Some(document)) => of_document(document, id.as_deref()),
            _ => {
                let message = format!("{action} is not possible: events are only added");
                Draft::rejected(Map::new(), RejectCode::BadMessage, message)
            }
        };
        items.push(Item { action, index, id, draft });
    }
    if items.is_empty() { Err("the body has no actions".to_owned()) } else { Ok(items) }
}

fn action(line: &[u8]) -> Result<(String, Map<String, Value>), DoorError> {
    let shown = || quoted(&String::from_utf8_lossy(line));
    let map: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("{:?} is not an action: {error}", shown()))?;
    let found = map.into_iter().next();
    match found {
        Some((name, about)) if ["index", "create", "update", "delete"].contains(&name.as_str()) => {
            let about = if let Value::Object(about) = about { about } else { Map::new() };
            Ok((name, about))
        }
        _ => Err(format!("{:?} is not an action", shown())),
    }
}

fn of_document(document: &[u8], id: Option<&str>) -> Draft {
    if let Some(draft) = too_large(document.len()) {
        return draft;
    }
    let mut fields: Map<String, Value> = match serde_json::from_slice(document) {
        Ok(fields) => fields,
        Err(error) => {
            return Draft::rejected(Map::new(), RejectCode::BadJson, format!("not a JSON object: {error}"));
        }
    };
    let time = fields.remove("@timestamp");
    if !fields.contains_key("kind")
        && let Some(Value::String(message)) = fields.get("message")
        && let Ok(event) = serde_json::from_str::<Map<String, Value>>(message)
    {
        fields = event;
    }
    for name in OF_SHIPPERS {
        fields.remove(name);
    }
    let mut draft = Draft::of(fields);
    draft.or_say("id", id.unwrap_or_default());
    if let Some(Value::String(time)) = time {
        draft.or_say("at", &time);
    }
    if !draft.fields.contains_key("kind") {
        draft.fault = Some((RejectCode::NotAnAdEvent, "a document that says no `kind`".to_owned()));
    }
    draft
}

/// The answer: 201 for what is stored, stored before or not, and 400 with the reason for what is not, since clients
/// send again what got 429 or 5xx, and give up on 400. `errors` stands before `items`, where some clients stop reading:
/// members are in the order of their names.
pub fn answer<'a>(items: &[Item], rejected: impl IntoIterator<Item = (usize, &'a str, &'a str)>) -> Value {
    let mut told: Vec<Map<String, Value>> = items.iter().map(|item| outcome(item, None)).collect();
    let mut errors = false;
    for (index, code, message) in rejected {
        if let (Some(item), Some(place)) = (items.get(index), told.get_mut(index)) {
            *place = outcome(item, Some(format!("{code}: {message}")));
            errors = true;
        }
    }
    serde_json::json!({ "errors": errors, "items": told, "took": 0 })
}

fn outcome(item: &Item, reason: Option<String>) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("_index".to_owned(), Value::from(item.index.as_str()));
    let id = item.id.clone().or_else(|| text(&item.draft.fields, "id"));
    about.insert("_id".to_owned(), id.map_or(Value::Null, Value::from));
    match reason {
        None => {
            about.insert("_version".to_owned(), Value::from(1));
            about.insert("result".to_owned(), Value::from("created"));
            about.insert("status".to_owned(), Value::from(201));
        }
        Some(reason) => {
            about.insert("status".to_owned(), Value::from(400));
            let error = serde_json::json!({ "type": "document_parsing_exception", "reason": reason });
            about.insert("error".to_owned(), error);
        }
    }
    Map::from_iter([(item.action.clone(), Value::Object(about))])
}
