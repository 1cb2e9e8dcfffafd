//! Whole messages of real senders and what they mean: `golden/*` beside `golden/*.meant`.
//!
//! Those of Snowplow's trackers and of Elasticsearch's client were recorded; the others follow the examples of their
//! specifications. `ADTALLY_WRITE=1 cargo test -p adtally-core --test doors` writes what is meant.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use adtally_core::doors::{bulk, cloud_events, otlp, prebid, snowplow, vast};
use adtally_core::intake::Draft;
use adtally_core::time::ServerTime;
use serde_json::{Value, json};

const NOW: ServerTime = ServerTime(1_795_450_510_000);

/// The parameters of an address.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let plain = text.replace('+', " ");
        let mut parts = plain.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    };
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
    query.split('&').filter_map(pair).collect()
}

fn drafts(name: &str, bytes: &[u8]) -> Vec<Draft> {
    let lines = || std::str::from_utf8(bytes).unwrap().lines();
    match name.split('-').next().unwrap() {
        "snowplow" if name.ends_with(".query") => {
            lines().map(|line| snowplow::of_query(&pairs(line), NOW)).collect()
        }
        "snowplow" => snowplow::of_body(bytes, NOW).unwrap(),
        "bulk" => bulk::of_body(bytes, None).unwrap().into_iter().map(|item| item.draft).collect(),
        "cloudevents" => cloud_events::of_structured(bytes).unwrap(),
        "otlp" => otlp::of_body(bytes).unwrap(),
        "prebid" => prebid::of_body(bytes).unwrap(),
        "vast" => {
            let event =
                |line: &str| line.split_once('?').map(|(name, query)| vast::event_of(name, &pairs(query)));
            lines().filter_map(event).collect()
        }
        other => panic!("whose is {other}?"),
    }
}

/// A line for each event: its fields, and why it is none.
fn meant(drafts: &[Draft]) -> String {
    let line = |draft: &Draft| {
        let mut fields = Value::Object(draft.fields.clone());
        if let Some((code, message)) = &draft.fault {
            fields = json!({ "rejected": code.name(), "message": message, "fields": fields });
        }
        format!("{fields}\n")
    };
    drafts.iter().map(line).collect()
}

fn messages(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_none_or(|end| end != "meant")).collect();
    files.sort();
    files
}

#[test]
fn messages_mean_what_they_meant() {
    let files = messages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/doors/golden"));
    assert!(files.len() >= 9, "{files:?}");
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = meant(&drafts(name, &std::fs::read(&path).unwrap()));
        let golden = path.with_file_name(format!("{name}.meant"));
        if std::env::var_os("ADTALLY_WRITE").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&golden).unwrap_or_default(), found, "{name}");
    }
}
