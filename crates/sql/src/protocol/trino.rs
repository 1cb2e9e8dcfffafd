//! The client protocol of Trino, in one answer: a statement is answered whole, there is no next page.
//!
//! What the drivers for Python, Java and JavaScript send when they connect, reflect and query is understood: prepared
//! statements (`PREPARE`, `EXECUTE`, `EXECUTE IMMEDIATE '…' USING …`, `DESCRIBE INPUT` and `OUTPUT`), `SHOW …`,
//! `DESCRIBE …`, `USE`, `SET TIME ZONE`, transactions, and queries of `information_schema` and `system.jdbc`.

pub mod session;
mod statement;

use serde_json::{Value as Json, json};

use self::session::Change;
pub(super) use self::statement::after;
pub use self::statement::translate;
use crate::answer::{self, with_rows};
use crate::catalog::shown_type;
use crate::error::{Code, SqlError};
use crate::exec::Rows;
use crate::plan::Plan;
use crate::value::{Type, Value};

/// A statement of Trino as one of ours, with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// The statement.
    pub sql: String,
    /// The values of its `?`.
    pub parameters: Vec<Value>,
}

/// What a client wants with a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Rows.
    Query(Translated),
    /// Something about its session.
    Change(Change),
}

/// The answer of a statement.
pub fn to_json(id: &str, origin: &str, plan: &Plan, rows: &Rows) -> String {
    let column = |name: &str, ty: Type| json!({ "name": name, "type": shown_type(ty), "typeSignature": signature(ty) });
    let columns: Vec<Json> = match plan.explain {
        true => vec![column("Query Plan", Type::Text)],
        false => plan.columns.iter().map(|one| column(&one.name, one.ty)).collect(),
    };
    let answer = json!({
        "id": id,
        "infoUri": format!("{origin}/v1/statement/{id}"),
        "columns": columns,
        "stats": stats("FINISHED", rows.rows.len()),
        "warnings": [],
    });
    with_rows(&answer, "data", rows.rows.iter(), cell)
}

/// The answer of a statement that changed something of its session: a row, as drivers expect one of everything.
pub fn changed(id: &str, origin: &str, change: &Change) -> String {
    json!({
        "id": id,
        "infoUri": format!("{origin}/v1/statement/{id}"),
        "columns": [{ "name": "result", "type": "boolean", "typeSignature": signature(Type::Boolean) }],
        "data": [[true]],
        "updateType": change.update,
        "stats": stats("FINISHED", 0),
        "warnings": [],
    })
    .to_string()
}

/// The answer of a statement that has an error; numbers and names are those of Trino's `StandardErrorCode`.
pub fn error(id: &str, origin: &str, error: &SqlError) -> String {
    let (number, name) = match error.code {
        Code::Syntax | Code::ReadOnly => (1, "SYNTAX_ERROR"),
        Code::NotSupported | Code::UnknownZone => (13, "NOT_SUPPORTED"),
        Code::UnknownTable => (46, "TABLE_NOT_FOUND"),
        Code::UnknownColumn => (47, "COLUMN_NOT_FOUND"),
        Code::AmbiguousColumn => (62, "AMBIGUOUS_NAME"),
        Code::UnknownPrepared => (5, "NOT_FOUND"),
        Code::UnknownProperty => (14, "INVALID_SESSION_PROPERTY"),
        Code::UnknownFunction => (6, "FUNCTION_NOT_FOUND"),
        Code::TypeMismatch => (58, "TYPE_MISMATCH"),
        Code::Grouping => (73, "EXPRESSION_NOT_AGGREGATE"),
        Code::Parameters => (80, "INVALID_PARAMETER_USAGE"),
        Code::BadValue => (9, "INVALID_CAST_ARGUMENT"),
        Code::Overflow => (19, "NUMERIC_VALUE_OUT_OF_RANGE"),
        Code::TooComplex => (35, "QUERY_TEXT_TOO_LARGE"),
        Code::TooMuchWork => (131_077, "EXCEEDED_CPU_LIMIT"),
        Code::TooManyRows => (131_081, "EXCEEDED_SCAN_LIMIT"),
    };
    let kind = if number < 65_536 { "USER_ERROR" } else { "INSUFFICIENT_RESOURCES" };
    let mut told = json!({
        "message": error.to_string(),
        "errorCode": number,
        "errorName": name,
        "errorType": kind,
        "failureInfo": { "type": error.code.name(), "message": error.message, "suppressed": [], "stack": [] },
    });
    if let Some(position) = error.position {
        told["errorLocation"] = json!({ "lineNumber": position.line, "columnNumber": position.column });
    }
    let info = format!("{origin}/v1/statement/{id}");
    json!({ "id": id, "infoUri": info, "stats": stats("FAILED", 0), "error": told, "warnings": [] })
        .to_string()
}

fn stats(state: &str, rows: usize) -> Json {
    json!({
        "state": state, "queued": false, "scheduled": true, "progressPercentage": 100.0, "nodes": 1,
        "totalSplits": 1, "queuedSplits": 0, "runningSplits": 0, "completedSplits": 1, "cpuTimeMillis": 0,
        "wallTimeMillis": 0, "queuedTimeMillis": 0, "elapsedTimeMillis": 0, "processedRows": rows,
        "processedBytes": 0, "physicalInputBytes": 0, "peakMemoryBytes": 0, "spilledBytes": 0,
    })
}

/// Times have the digits that their type says.
fn cell(value: &Value) -> Json {
    match value {
        Value::Timestamp(ms) => {
            let text = value.to_string();
            Json::String(if ms.rem_euclid(1_000) == 0 { format!("{text}.000") } else { text })
        }
        other => answer::json(other),
    }
}

fn signature(ty: Type) -> Json {
    let long = |value: u64| json!({ "kind": "LONG", "value": value });
    let (raw, arguments) = match ty {
        Type::Decimal(scale) => ("decimal", vec![long(38), long(scale.into())]),
        Type::Timestamp => ("timestamp", vec![long(3)]),
        Type::Text | Type::Users | Type::Interval => ("varchar", vec![long(2_147_483_647)]),
        other => (other.name(), Vec::new()),
    };
    json!({ "rawType": raw, "arguments": arguments })
}
