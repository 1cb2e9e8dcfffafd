//! One event in the parameters of an address, or in the fields of a form: pixels, redirects, postbacks.

use serde_json::{Map, Value};

use super::value::{amount, is_unfilled, time};
use crate::event::Kind;
use crate::intake::Draft;

/// The most parameters that are read; an event has no use for more.
const MAX_PAIRS: usize = 200;

/// Parameters that are about the request, not about the event.
const RESERVED: [&str; 14] = [
    "key",
    "to",
    "sig",
    "cookie",
    "gdpr",
    "gdpr_consent",
    "gdpr_pd",
    "cb",
    "cachebuster",
    "cache_buster",
    "rnd",
    "rand",
    "ord",
    "_",
];

/// How postbacks of affiliate and measurement partners name our fields, each with how its value is read.
const ALIASES: [(&str, &str, Reading); 23] = [
    ("click_id", "click", Reading::Text),
    ("clickid", "click", Reading::Text),
    ("subid", "click", Reading::Text),
    ("sub_id", "click", Reading::Text),
    ("impression_id", "impression", Reading::Text),
    ("transaction_id", "id", Reading::Text),
    ("transactionid", "id", Reading::Text),
    ("txid", "id", Reading::Text),
    ("order_id", "id", Reading::Text),
    ("event_id", "id", Reading::Text),
    ("payout", "value_micros", Reading::Amount),
    ("revenue", "value_micros", Reading::Amount),
    ("amount", "value_micros", Reading::Amount),
    ("sale_amount", "value_micros", Reading::Amount),
    ("value", "value_micros", Reading::Amount),
    ("cost", "cost_micros", Reading::Amount),
    ("goal", "label", Reading::Text),
    ("event", "label", Reading::Text),
    ("event_name", "label", Reading::Text),
    ("timestamp", "at", Reading::Time),
    ("ts", "at", Reading::Time),
    ("user_id", "user", Reading::Text),
    ("campaign_id", "campaign", Reading::Text),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Text,
    Amount,
    Time,
}

/// The event that `pairs` tell of, of this kind whatever they say; the first value of a name counts.
///
/// Empty values and macros that nobody filled in count as absent. `props.x` is the property `x`, and what is unknown
/// becomes a property, as in any event.
pub fn event_of(kind: Option<Kind>, pairs: &[(String, String)]) -> Draft {
    let mut fields = Map::new();
    let mut props = Map::new();
    for (name, value) in pairs.iter().take(MAX_PAIRS) {
        if RESERVED.contains(&name.as_str()) || is_unfilled(value) || fields.contains_key(name) {
            continue;
        }
        match name.strip_prefix("props.") {
            Some(name) => {
                props.entry(name).or_insert_with(|| Value::from(value.as_str()));
            }
            None => {
                fields.insert(name.clone(), field(name, value));
            }
        }
    }
    if !props.is_empty() {
        fields.insert("props".to_owned(), Value::Object(props));
    }
    if let Some(kind) = kind {
        fields.insert("kind".to_owned(), Value::from(kind.name()));
    }
    Draft::of(fields)
}

/// The conversion, or whatever `kind` says, that a partner's server reports, in our names or in the usual ones.
pub fn postback_of(pairs: &[(String, String)]) -> Draft {
    let mut draft = event_of(None, pairs);
    for (alias, name, reading) in ALIASES {
        if draft.fields.contains_key(name) {
            continue;
        }
        if let Some(value) = draft.fields.remove(alias) {
            let value = match (reading, value.as_str()) {
                (Reading::Amount, _) => amount(&value, 1),
                (Reading::Time, Some(text)) => time(text),
                _ => value,
            };
            draft.fields.insert(name.to_owned(), value);
        }
    }
    draft.or_say("kind", Kind::Conversion.name());
    draft
}

/// The pairs of a JSON object, as if it had been a form.
pub fn pairs_of_json(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let map: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(map.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// What a parameter says of a field, in the type that the field has in JSON.
fn field(name: &str, value: &str) -> Value {
    match name {
        "at" => time(value),
        "cost_micros" | "value_micros" => {
            value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from)
        }
        _ => Value::from(value),
    }
}
