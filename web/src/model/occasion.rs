//! What runs of jobs are about, and what has to be said to start one.

use std::collections::BTreeSet;

use adtally_wire::jobs::definition::TaskDefinition;
use serde_json::Value;

/// What stands for itself in every run.
const GIVEN: [&str; 5] = ["day", "next_day", "week_before", "run", "number"];

/// The placeholders of a job's tasks for which whoever starts it has to give values, in the order of the alphabet.
pub fn asked(tasks: &[TaskDefinition]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for task in tasks {
        collect(&task.params, &mut names);
    }
    names.into_iter().filter(|name| !GIVEN.contains(&name.as_str())).collect()
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let parts = text.split("{{").skip(1).filter_map(|part| part.split_once("}}"));
            names.extend(parts.map(|(name, _)| name.trim().to_string()));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, names)),
        _ => {}
    }
}

/// What a run was started with, in short: its day or days, and what else was given.
pub fn about(params: &Value) -> String {
    let Value::Object(fields) = params else { return String::new() };
    let parts = fields.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            Value::Array(items) => list(items),
            other => other.to_string(),
        };
        Some(if matches!(name.as_str(), "day" | "days") { text } else { format!("{name}={text}") })
    });
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Both ends of a list: days that follow each other, mostly.
fn list(items: &[Value]) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    match items {
        [] => String::new(),
        [one] => text(one),
        [first, .., last] => format!("{} – {} ({})", text(first), text(last), items.len()),
    }
}

/// A value for people to read; `None` where there is nothing in it.
pub fn told(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(fields) if fields.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn values_that_have_to_be_given() {
        fn check(params: Value, expected: &[&str]) {
            let task = TaskDefinition {
                id: "a".to_string(),
                kind: "echo".to_string(),
                params,
                needs: Vec::new(),
                attempts: None,
                timeout_s: None,
            };
            assert_eq!(asked(&[task]), expected);
        }
        check(Value::Null, &[]);
        check(json!("{{day}} {{ next_day }} {{week_before}} {{run}} {{number}}"), &[]);
        check(json!({"b": ["{{ who }}/{{day}}", {"c": "{{city}}{{who}}"}], "n": 5}), &["city", "who"]);
        check(json!("{{day"), &[]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_a_run_is_about() {
        fn check(params: Value, expected: &str) {
            assert_eq!(about(&params), expected);
        }
        check(Value::Null, "");
        check(json!({"days": null}), "");
        check(json!({"days": []}), "");
        check(json!({"days": ["2026-03-07"]}), "2026-03-07");
        check(json!({"days": ["2026-03-07", "2026-03-08", "2026-03-09"]}), "2026-03-07 – 2026-03-09 (3)");
        check(json!({"day": "2026-03-07", "who": "acme", "n": 3}), "2026-03-07, n=3, who=acme");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_as_people_read_them() {
        fn check(value: Value, expected: Option<&str>) {
            assert_eq!(told(&value).as_deref(), expected);
        }
        check(Value::Null, None);
        check(json!({}), None);
        check(json!("ok"), Some("ok"));
        check(json!({"n": 1}), Some("{\n  \"n\": 1\n}"));
    }
}
