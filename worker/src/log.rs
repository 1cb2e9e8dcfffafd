//! Lines of the log that programs read: JSON objects, by which a request is followed from where it came in to the reports.
//!
//! ```text
//! request {request, route, status, ms} -> commit {requests, object, row} -> told {object, upto, seq, scopes}
//! ```
//!
//! The events of a request are in the row of each `commit` that names it, and in the reports once a `told` of the same
//! object has reached that row. There is no key, address or user in any line.

use std::cell::Cell;

use serde_json::{Map, Value};
use worker::{Env, console_log};

use crate::bindings::LOG;

/// The value of the variable that turns these lines on; errors are logged in any case.
const ALL: &str = "all";

thread_local! {
    static IS_WANTED: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether the deployment wants lines: an isolate has one environment, so it is read once.
fn is_wanted(env: &Env) -> bool {
    IS_WANTED.get().unwrap_or_else(|| {
        let is_wanted = env.var(LOG).is_ok_and(|value| value.to_string() == ALL);
        IS_WANTED.set(Some(is_wanted));
        is_wanted
    })
}

/// Writes a line, if the deployment wants lines.
pub(crate) fn line(env: &Env, event: &str, fields: impl FnOnce() -> Value) {
    if !is_wanted(env) {
        return;
    }
    let mut line = Map::from_iter([("event".to_owned(), Value::from(event))]);
    if let Value::Object(fields) = fields() {
        line.extend(fields);
    }
    console_log!("{}", Value::Object(line));
}
