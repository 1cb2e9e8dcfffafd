//! `export`: a report as a CSV or Parquet file in the bucket, under `exports/`.

use adtally_archive::table_file;
use adtally_core::report::Table;
use adtally_wire::jobs::told::ExportTold;
use serde_json::json;
use worker::HttpMetadata;

use super::question::ask;
use super::{Context, Done, TaskError};
use crate::bindings::STORE;

/// Where all exports are.
pub(crate) const FOLDER: &str = "exports/";
/// The longest name of a file, in characters.
const MAX_NAME_CHARS: usize = 400;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Parquet,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Kind::Csv => "text/csv; charset=utf-8",
            Kind::Parquet => "application/vnd.apache.parquet",
        }
    }

    fn bytes(self, table: &Table) -> Result<Vec<u8>, TaskError> {
        match self {
            Kind::Csv => Ok(table.to_csv().into_bytes()),
            Kind::Parquet => table_file(table).map_err(TaskError::permanent),
        }
    }
}

/// May be repeated: the file is written again, with what the report says then.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let ExportTold { scope, query, name } = serde_json::from_str(params)?;
    let (key, kind) = key(&name)?;
    let table = ask(context, scope.as_deref(), &query).await?;
    let file = kind.bytes(&table)?;
    let (rows, bytes) = (table.rows.len(), file.len());
    let content_type = Some(kind.content_type().to_owned());
    let metadata = HttpMetadata { content_type, ..HttpMetadata::default() };
    context.env.bucket(STORE)?.put(key.as_str(), file).http_metadata(metadata).execute().await?;
    context.log(format!("{rows} rows, {bytes} bytes: {key}"));
    Ok(Done { result: json!({ "key": key, "rows": rows, "bytes": bytes }).to_string(), spawn: Vec::new() })
}

/// The object's key; no name leads out of the folder, and every name looks the same in every tool.
fn key(name: &str) -> Result<(String, Kind), TaskError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-=/".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.chars().all(|c| c == '.');
    let kind = match name.rsplit_once('.') {
        Some((_, "csv")) => Some(Kind::Csv),
        Some((_, "parquet")) => Some(Kind::Parquet),
        _ => None,
    };
    if let Some(kind) = kind
        && name.len() <= MAX_NAME_CHARS
        && name.chars().all(is_plain)
        && name.split('/').all(is_part)
    {
        return Ok((format!("{FOLDER}{name}"), kind));
    }
    let detail = format!(
        "{name:?} is not a name such as acme/2026-03-01.csv or acme/2026-03-01.parquet: letters, digits and . _ - = /"
    );
    Err(TaskError::permanent(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        fn check(name: &str, expected: Option<(&str, Kind)>) {
            let expected = expected.map(|(key, kind)| (key.to_owned(), kind));
            assert_eq!(key(name).ok(), expected, "{name}");
        }
        check("acme/day=2026-03-01.csv", Some(("exports/acme/day=2026-03-01.csv", Kind::Csv)));
        check("a.parquet", Some(("exports/a.parquet", Kind::Parquet)));
        for wrong in [
            "",
            "a",
            "csv",
            "a.xlsx",
            "a.CSV",
            "../a.csv",
            "a//b.csv",
            "/a.csv",
            "a/./b.csv",
            "a b.csv",
            "é.csv",
        ] {
            check(wrong, None);
        }
    }
}
