//! `export`: a report as a CSV file in the bucket, under `exports/`.

use serde::Deserialize;
use serde_json::json;
use worker::HttpMetadata;

use super::question::{Parameters, ask};
use super::{Context, Done, TaskError};
use crate::bindings::STORE;

/// Where all exports are.
const FOLDER: &str = "exports/";
/// The longest name of a file, in characters.
const MAX_NAME_CHARS: usize = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Whose report it is; absent: the platform's.
    scope: Option<String>,
    /// What `GET /v1/reports` takes.
    query: Parameters,
    /// The file's name: `acme/{{day}}.csv`.
    name: String,
}

/// May be repeated: the file is written again, with what the report says then.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { scope, query, name } = serde_json::from_str(params)?;
    let key = key(&name)?;
    let table = ask(context, scope.as_deref(), &query).await?;
    let csv = table.to_csv().into_bytes();
    let (rows, bytes) = (table.rows.len(), csv.len());
    let metadata =
        HttpMetadata { content_type: Some("text/csv; charset=utf-8".to_owned()), ..HttpMetadata::default() };
    context.env.bucket(STORE)?.put(key.as_str(), csv).http_metadata(metadata).execute().await?;
    context.log(format!("{rows} rows, {bytes} bytes: {key}"));
    Ok(Done { result: json!({ "key": key, "rows": rows, "bytes": bytes }).to_string(), spawn: Vec::new() })
}

/// The object's key; no name leads out of the folder, and every name looks the same in every tool.
fn key(name: &str) -> Result<String, TaskError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-=/".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.chars().all(|c| c == '.');
    if name.len() <= MAX_NAME_CHARS
        && name.ends_with(".csv")
        && name.chars().all(is_plain)
        && name.split('/').all(is_part)
    {
        return Ok(format!("{FOLDER}{name}"));
    }
    let detail = format!("{name:?} is not a name such as acme/2026-03-01.csv: letters, digits and . _ - = /");
    Err(TaskError::permanent(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        fn check(name: &str, expected: Option<&str>) {
            assert_eq!(key(name).ok().as_deref(), expected, "{name}");
        }
        check("acme/day=2026-03-01.csv", Some("exports/acme/day=2026-03-01.csv"));
        check("a.csv", Some("exports/a.csv"));
        for wrong in ["", "a", "../a.csv", "a//b.csv", "/a.csv", "a/./b.csv", "a b.csv", "é.csv"] {
            check(wrong, None);
        }
    }
}
