//! Requests and answers as JSON and CSV.

use std::fmt::Write;

use serde_json::{Map, Number, Value as Json, json};

use crate::error::{Code, Result, SqlError};
use crate::exec::Rows;
use crate::plan::{OutputColumn, Plan};
use crate::value::Value;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The statement.
    pub sql: String,
    /// The values of its `?`, in order.
    pub parameters: Vec<Value>,
    /// How the answer is written.
    pub format: Format,
    /// The zone of the wall clock, if not the scope's.
    pub tz: Option<String>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// RFC 4180.
    Csv,
}

impl Request {
    /// Reads `{"sql", "params", "format", "tz"}`, of which only the first is needed.
    pub fn read(body: &Json) -> Result<Request> {
        let bad = |text: &str| SqlError::new(Code::Parameters, text);
        let object = body.as_object().ok_or_else(|| bad("the body is not a JSON object"))?;
        if let Some(unknown) =
            object.keys().find(|key| !["sql", "params", "format", "tz"].contains(&key.as_str()))
        {
            return Err(bad(&format!("{unknown:?} is not one of sql, params, format, tz")));
        }
        let text = |name: &str| match object.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(bad(&format!("{name} is not a text"))),
        };
        let parameters = match object.get("params") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(values)) => values.iter().map(parameter).collect::<Result<_>>()?,
            Some(_) => return Err(bad("params is not a list")),
        };
        let format = match text("format")?.as_deref() {
            None | Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some(other) => return Err(bad(&format!("the format {other:?} is not json or csv"))),
        };
        Ok(Request {
            sql: text("sql")?.ok_or_else(|| bad("sql is missing"))?,
            parameters,
            format,
            tz: text("tz")?,
        })
    }
}

/// A parameter: null, true, false, a number or a text; a text becomes what it is compared with.
pub fn parameter(value: &Json) -> Result<Value> {
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::String(text) => Value::text(text),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(number)) => Value::Double(number),
            _ => return Err(SqlError::new(Code::Parameters, format!("{number} is too large"))),
        },
        _ => {
            return Err(SqlError::new(
                Code::Parameters,
                "a parameter is a number, a text, true, false or null",
            ));
        }
    })
}

/// A value as JSON: decimals as texts, since a JSON number is read as a double by most.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Integer(number) => Json::Number((*number).into()),
        Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        other => Json::String(other.to_string()),
    }
}

/// The answer of `POST /v1/sql`.
pub fn to_json(plan: &Plan, rows: &Rows, versions: &[String]) -> String {
    let column = |column: &OutputColumn| json!({ "name": column.name, "type": column.ty.name() });
    let mut answer = Map::new();
    let columns: Vec<Json> = match plan.explain {
        true => vec![json!({ "name": "plan", "type": "varchar" })],
        false => plan.columns.iter().map(column).collect(),
    };
    answer.insert("columns".to_owned(), columns.into());
    answer.insert("row_count".to_owned(), rows.rows.len().into());
    answer.insert("versions".to_owned(), versions.to_vec().into());
    answer.insert("steps".to_owned(), rows.work.into());
    with_rows(&Json::Object(answer), "rows", rows.rows.iter(), json)
}

/// An object that has fields, and one more with these rows: they are written one by one, as all of them as a tree
/// would take several times their bytes.
pub(crate) fn with_rows<'r>(
    object: &Json,
    name: &str,
    rows: impl Iterator<Item = &'r Vec<Value>>,
    cell: impl Fn(&Value) -> Json,
) -> String {
    let mut text = object.to_string();
    // The bracket that ends it.
    text.pop();
    // Writing to a string cannot fail.
    let _ = write!(text, ",\"{name}\":[");
    for (place, row) in rows.enumerate() {
        text.push_str(if place > 0 { ",[" } else { "[" });
        for (place, value) in row.iter().enumerate() {
            let _ = write!(text, "{}{}", if place > 0 { "," } else { "" }, cell(value));
        }
        text.push(']');
    }
    text.push_str("]}");
    text
}

/// The answer as CSV, with a line of names; what a spreadsheet would take for a formula gets a quote before it.
pub fn to_csv(plan: &Plan, rows: &Rows) -> String {
    let mut text = String::new();
    let names = match plan.explain {
        true => vec!["plan".to_owned()],
        false => plan.columns.iter().map(|column| column.name.clone()).collect(),
    };
    line(&mut text, names.iter().map(|name| guarded(name)));
    for row in &rows.rows {
        line(
            &mut text,
            row.iter().map(|value| match value {
                Value::Text(text) => guarded(text),
                other => other.to_string(),
            }),
        );
    }
    text
}

fn guarded(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn line(out: &mut String, fields: impl Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            out.push(',');
        }
        // Writing to a string cannot fail.
        let _ = match field.contains(['"', ',', '\n', '\r']) {
            true => write!(out, "\"{}\"", field.replace('"', "\"\"")),
            false => write!(out, "{field}"),
        };
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_behind_an_object() {
        let check = |rows: &[Vec<Value>], expected: Json| {
            let text = with_rows(&json!({ "a": "}" }), "rows", rows.iter(), json);
            assert_eq!(
                serde_json::from_str::<Json>(&text).unwrap(),
                json!({ "a": "}", "rows": expected }),
                "{text}"
            );
        };
        check(&[], json!([]));
        check(&[vec![]], json!([[]]));
        let row = vec![
            Value::Null,
            Value::text("\"]\n여"),
            Value::Integer(-1),
            Value::Double(0.5),
            Value::Boolean(true),
        ];
        check(
            &[row.clone(), row],
            json!([[null, "\"]\n여", -1, 0.5, true], [null, "\"]\n여", -1, 0.5, true]]),
        );
    }
}
