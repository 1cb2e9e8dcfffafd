//! What was rejected, as a page shows it and asks for another try.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_wire::quarantine::RejectedRecord;
use serde_json::{Map, Value};

/// The longest text of what an event said; a page is no place for more.
const MAX_CHARS: usize = 400;

/// Reasons, the most frequent first.
pub fn codes(counts: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut codes: Vec<(String, u64)> = counts.iter().map(|(code, count)| (code.clone(), *count)).collect();
    codes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    codes
}

/// What an event said, or what it looked like where it was no JSON.
pub fn said(record: &RejectedRecord) -> String {
    let text = match (&record.event, &record.shape) {
        (Some(fields), _) => Value::Object(fields.clone()).to_string(),
        (None, shape) => shape.clone().unwrap_or_default(),
    };
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whose records are meant: advertiser or service; the platform's own have neither.
pub fn owner(scope: &Scope, advertiser: Option<String>) -> (Option<String>, Option<String>) {
    match scope {
        Scope::Service(key) => (None, Some(key.to_string())),
        Scope::Advertiser(_) | Scope::Platform => (advertiser, None),
    }
}

/// What is said instead: numbers and truths as such, `null` unsays; nothing where no field is named.
pub fn correction(field: &str, value: &str) -> Map<String, Value> {
    let (field, value) = (field.trim(), value.trim());
    let mut set = Map::new();
    if !field.is_empty() {
        let value = match value {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        };
        set.insert(field.to_string(), value);
    }
    set
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn corrections() {
        fn check(field: &str, value: &str, expected: Value) {
            assert_eq!(Value::Object(correction(field, value)), expected, "{field} {value}");
        }
        check("", "click", json!({}));
        check(" kind ", " click ", json!({"kind": "click"}));
        check("cost_micros", "12", json!({"cost_micros": 12}));
        check("click", "null", json!({"click": null}));
        check("ad", "", json!({"ad": ""}));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn owners() {
        let scope = |text| Scope::parse(text).unwrap();
        let text = |key: &str| Some(key.to_string());
        assert_eq!(owner(&scope("platform"), None), (None, None));
        assert_eq!(owner(&scope("platform"), text("a")), (text("a"), None));
        assert_eq!(owner(&scope("service:s"), None), (None, text("s")));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_most_frequent_reason_is_first() {
        let counts = [("b", 2), ("a", 2), ("c", 9)].map(|(code, count)| (code.to_string(), count));
        let names: Vec<String> = codes(&counts.into()).into_iter().map(|(code, _)| code).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn long_events_are_cut() {
        let record = |event: Option<Value>, shape: Option<&str>| RejectedRecord {
            id: "1.0".to_string(),
            owner: String::new(),
            received: String::new(),
            door: String::new(),
            code: String::new(),
            message: String::new(),
            tries: 0,
            event: event.and_then(|event| event.as_object().cloned()),
            shape: shape.map(str::to_string),
            user: None,
        };
        assert_eq!(said(&record(Some(json!({"kind": "wink"})), None)), r#"{"kind":"wink"}"#);
        assert_eq!(said(&record(None, Some("{9 bytes}"))), "{9 bytes}");
        assert_eq!(said(&record(None, Some(&"가".repeat(500)))).chars().count(), MAX_CHARS + 1);
    }
}
