//! Reading files row by row: CSV or NDJSON, plain or gzipped.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::map::row::{FileName, Record, Row};
use super::map::{InputFormat, InputOptions, Map};
use crate::source::{self, BytesRead, Source};

/// A line longer than this is not an event: the server takes 8 kB, and a wide CSV row has many columns.
const MAX_LINE_BYTES: u64 = 1_000_000;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("its header: {0}")]
    Header(csv::Error),
    #[error("the map's delimiter `{0}` is not one ASCII character")]
    Delimiter(char),
    #[error("the map reads `{column}`, the file has {columns}")]
    Column { column: String, columns: String },
}

/// Why one row cannot be read; the rows after it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow(pub(crate) String);

/// An open file.
pub(crate) struct Input {
    file: FileName,
    rows: Rows,
    /// Rows read so far.
    number: u64,
}

enum Rows {
    Csv { reader: csv::Reader<Source>, columns: HashMap<String, usize>, cells: csv::StringRecord },
    Ndjson { reader: BufReader<Source>, line: Vec<u8>, object: Value },
}

impl Input {
    /// Opens `path` and checks that it has the columns that `map` reads.
    pub(crate) fn open(path: &Path, map: &Map, bytes: BytesRead) -> Result<Self, InputError> {
        let (source, extension) = source::open(path, bytes)?;
        let file = FileName::of(path);
        let rows = match format_of(&extension, &map.input) {
            InputFormat::Csv => open_csv(source, &extension, map)?,
            InputFormat::Ndjson => {
                Rows::Ndjson { reader: BufReader::new(source), line: Vec::new(), object: Value::Null }
            }
        };
        Ok(Self { file, rows, number: 0 })
    }

    /// The next row; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Row<'_>, BadRow>>, InputError> {
        match self.rows.advance()? {
            Advanced::End => return Ok(None),
            Advanced::Bad(reason) => {
                self.number += 1;
                return Ok(Some(Err(BadRow(reason))));
            }
            Advanced::Row => self.number += 1,
        }
        let record = match &self.rows {
            Rows::Csv { columns, cells, .. } => Record::Csv { columns, cells },
            Rows::Ndjson { object, .. } => Record::Json(object),
        };
        Ok(Some(Ok(Row { number: self.number, file: &self.file, record })))
    }

    /// Passes over `rows` rows, or to the end of the file.
    pub(crate) fn skip(&mut self, rows: u64) -> Result<(), InputError> {
        while self.number < rows && self.next()?.is_some() {}
        Ok(())
    }

    /// The number of the row that `next` gave last, from 1.
    pub(crate) fn row_number(&self) -> u64 {
        self.number
    }
}

fn format_of(extension: &str, options: &InputOptions) -> InputFormat {
    let by_name = match extension {
        "ndjson" | "jsonl" | "json" => InputFormat::Ndjson,
        _ => InputFormat::Csv,
    };
    options.format.unwrap_or(by_name)
}

fn open_csv(source: Source, extension: &str, map: &Map) -> Result<Rows, InputError> {
    let default = if extension == "tsv" { '\t' } else { ',' };
    let delimiter = map.input.delimiter.unwrap_or(default);
    let byte = u8::try_from(delimiter).ok().filter(u8::is_ascii).ok_or(InputError::Delimiter(delimiter))?;
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.delimiter(byte).has_headers(map.input.columns.is_none()).from_reader(source);
    let names: Vec<String> = match &map.input.columns {
        Some(names) => names.clone(),
        None => reader.headers().map_err(InputError::Header)?.iter().map(str::to_owned).collect(),
    };
    if let Some(missing) = map.columns().into_iter().find(|column| !names.iter().any(|name| name == column)) {
        return Err(InputError::Column { column: missing.to_owned(), columns: names.join(", ") });
    }
    let mut columns = HashMap::new();
    for (index, name) in names.into_iter().enumerate() {
        // Of two columns of one name the first counts.
        columns.entry(name).or_insert(index);
    }
    Ok(Rows::Csv { reader, columns, cells: csv::StringRecord::new() })
}

enum Advanced {
    Row,
    Bad(String),
    End,
}

impl Rows {
    fn advance(&mut self) -> Result<Advanced, InputError> {
        match self {
            Rows::Csv { reader, cells, .. } => match reader.read_record(cells) {
                Ok(true) => Ok(Advanced::Row),
                Ok(false) => Ok(Advanced::End),
                Err(error) => match error.into_kind() {
                    csv::ErrorKind::Io(error) => Err(error.into()),
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        Ok(Advanced::Bad(format!("has {len} cells, the rows before have {expected_len}")))
                    }
                    csv::ErrorKind::Utf8 { err, .. } => Ok(Advanced::Bad(format!("is not UTF-8: {err}"))),
                    other => Ok(Advanced::Bad(format!("is not CSV: {other:?}"))),
                },
            },
            Rows::Ndjson { reader, line, object } => advance_ndjson(reader, line, object),
        }
    }
}

/// Blank lines are passed over, as in the collect endpoint.
fn advance_ndjson(
    reader: &mut BufReader<Source>,
    line: &mut Vec<u8>,
    object: &mut Value,
) -> Result<Advanced, InputError> {
    loop {
        line.clear();
        if reader.take(MAX_LINE_BYTES).read_until(b'\n', line)? == 0 {
            return Ok(Advanced::End);
        }
        if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            return Ok(Advanced::Bad(format!("is longer than {MAX_LINE_BYTES} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        return Ok(match serde_json::from_slice(line) {
            Ok(value @ Value::Object(_)) => {
                *object = value;
                Advanced::Row
            }
            Ok(_) => Advanced::Bad("is not a JSON object".to_owned()),
            Err(error) => Advanced::Bad(format!("is not JSON: {error}")),
        });
    }
}
