//! One row of an input file, by column name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

/// Names that every row has besides its columns.
pub(crate) const BUILT_IN: [&str; 3] = ["_row", "_file", "_file_stem"];

/// The names of a file, known to all of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    /// `random_men.csv`.
    name: String,
    /// `random_men`: the part before the first dot.
    stem: String,
}

impl FileName {
    /// The names of `path`; what is not Unicode is replaced.
    pub(crate) fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        // Not `Path::file_stem`: that leaves `men.csv` of `men.csv.gz`.
        let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(&name).to_owned();
        Self { name, stem }
    }

    /// The part before the first dot.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }
}

/// Where the values of a row are.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    /// A CSV record and the position of each column.
    Csv { columns: &'a HashMap<String, usize>, cells: &'a csv::StringRecord },
    /// An object of NDJSON.
    Json(&'a Value),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Counted from 1, without the header.
    pub(crate) number: u64,
    pub(crate) file: &'a FileName,
    pub(crate) record: Record<'a>,
}

impl Row<'_> {
    /// The value of a column, empty where there is none.
    ///
    /// In NDJSON `geo.country` reaches into objects and `tags.0` into arrays; a key that itself contains
    /// the dots comes first.
    pub(crate) fn value(&self, column: &str) -> Cow<'_, str> {
        match column {
            "_row" => Cow::Owned(self.number.to_string()),
            "_file" => Cow::Borrowed(&self.file.name),
            "_file_stem" => Cow::Borrowed(&self.file.stem),
            _ => match &self.record {
                Record::Csv { columns, cells } => {
                    let cell = columns.get(column).and_then(|index| cells.get(*index));
                    Cow::Borrowed(cell.unwrap_or_default())
                }
                Record::Json(object) => json_text(json_at(object, column)),
            },
        }
    }
}

fn json_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let member = |name: &str| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    };
    if let Some(found) = member(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    json_at(member(first)?, rest)
}

fn json_text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// Runs `test` with row 7 of `sample.csv`, for table tests.
#[cfg(test)]
pub(crate) fn sample<T>(cells: &[(&str, &str)], test: impl FnOnce(&Row<'_>) -> T) -> T {
    let columns = cells.iter().enumerate().map(|(index, (name, _))| ((*name).to_owned(), index)).collect();
    let record = cells.iter().map(|(_, value)| *value).collect();
    let file = FileName::of(Path::new("/data/sample.csv"));
    test(&Row { number: 7, file: &file, record: Record::Csv { columns: &columns, cells: &record } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_paths() {
        #[track_caller]
        fn check(column: &str, expected: &str) {
            let object = serde_json::json!({
                "id": "a", "n": 12, "ok": true, "nothing": null, "geo": {"country": "KR", "ll": [37.5, 127]},
                "a.b": "dotted", "a": {"b": "nested"}
            });
            let file = FileName::of(Path::new("x.ndjson"));
            let row = Row { number: 1, file: &file, record: Record::Json(&object) };
            assert_eq!(row.value(column), expected);
        }
        check("id", "a");
        check("n", "12");
        check("ok", "true");
        check("nothing", "");
        check("absent", "");
        check("geo.country", "KR");
        check("geo.ll.1", "127");
        check("geo.ll.2", "");
        check("geo", r#"{"country":"KR","ll":[37.5,127]}"#);
        check("a.b", "dotted");
        check("_file_stem", "x");
    }

    #[test]
    fn file_stems() {
        #[track_caller]
        fn check(path: &str, expected: &str) {
            assert_eq!(FileName::of(Path::new(path)).stem(), expected);
        }
        check("/data/random_men.csv", "random_men");
        check("clicks.2026-11-22.ndjson.gz", "clicks");
        check(".hidden.csv", "hidden");
        check("plain", "plain");
    }
}
