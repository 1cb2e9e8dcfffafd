//! Rows of a table as bytes.

use adtally_core::backup::{Phase, Restoring};
use serde::{Deserialize, Serialize};

use crate::versioned::{VersionedError, decode, encode};

/// How many bytes of rows a page has, unless a single row has more: of which a row may have 2 MB.
pub const PAGE_BYTES: usize = 1_000_000;

/// A value of a row: what SQLite can store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// Exact, whatever its size.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// Some rows of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The table.
    pub table: String,
    /// What the values of a row are.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

/// A page, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paged {
    /// The page; without rows where there are no more.
    pub page: Page,
    /// The last row of it.
    pub last: i64,
}

/// A page that an object is to take in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// From this backup.
    pub backup: String,
    /// Its place among the pages of the part.
    pub index: u32,
    /// The page.
    pub page: Page,
}

/// What an object notes of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The backup.
    pub backup: String,
    /// -2: closing; -1: done; else the next page.
    pub next: i64,
}

impl Value {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Value::Null => 1,
            Value::Integer(_) | Value::Real(_) => 9,
            Value::Text(text) => text.len() + 4,
            Value::Blob(bytes) => bytes.len() + 4,
        }
    }

    /// A value of JSON, as the catalog tells them; what it cannot tell is none.
    pub fn of_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::Null => Some(Value::Null),
            serde_json::Value::String(text) => Some(Value::Text(text.clone())),
            serde_json::Value::Number(number) => {
                number.as_i64().map(Value::Integer).or_else(|| number.as_f64().map(Value::Real))
            }
            _ => None,
        }
    }

    /// The value as JSON; bytes cannot be told.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        match self {
            Value::Null => Some(serde_json::Value::Null),
            Value::Integer(number) => Some((*number).into()),
            Value::Real(number) => Some((*number).into()),
            Value::Text(text) => Some(text.as_str().into()),
            Value::Blob(_) => None,
        }
    }
}

impl Page {
    /// The bytes in object storage.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Page::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }

    /// Rows of a table in pages of about [`PAGE_BYTES`].
    pub fn split(table: &str, columns: &[String], rows: Vec<Vec<Value>>) -> Vec<Page> {
        let empty = || Page { table: table.to_owned(), columns: columns.to_vec(), rows: Vec::new() };
        let (mut pages, mut page, mut bytes) = (Vec::new(), empty(), 0);
        for row in rows {
            let size: usize = row.iter().map(Value::bytes).sum();
            if !page.rows.is_empty() && bytes + size > PAGE_BYTES {
                pages.push(std::mem::replace(&mut page, empty()));
                bytes = 0;
            }
            bytes += size;
            page.rows.push(row);
        }
        if !page.rows.is_empty() {
            pages.push(page);
        }
        pages
    }
}

impl Paged {
    /// The bytes of the answer.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Paged::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }
}

impl Load {
    /// The bytes of the request.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Load::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }
}

/// What an object stores while it is closing.
const CLOSING: i64 = -2;
/// What an object stores when it is done.
const DONE: i64 = -1;

impl From<&Restoring> for Note {
    fn from(restoring: &Restoring) -> Self {
        let next = match restoring.phase {
            Phase::Closing => CLOSING,
            Phase::Loading(next) => next.into(),
            Phase::Done => DONE,
        };
        Self { backup: restoring.backup.clone(), next }
    }
}

impl From<Note> for Restoring {
    fn from(note: Note) -> Self {
        let phase = match note.next {
            DONE => Phase::Done,
            // What cannot be is begun again.
            next => u32::try_from(next).map_or(Phase::Closing, Phase::Loading),
        };
        Self { backup: note.backup, phase }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let row = vec![
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer((1 << 53) + 1),
            Value::Real(0.1),
            Value::Text("여름".to_owned()),
            Value::Blob(vec![0, 255]),
        ];
        let columns: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
        let page = Page { table: "t".to_owned(), columns, rows: vec![row.clone(), row] };
        assert_eq!(Page::decode(&page.encode()), Ok(page.clone()));
        let paged = Paged { page: page.clone(), last: 7 };
        assert_eq!(Paged::decode(&paged.encode()), Ok(paged));
        let load = Load { backup: "b".to_owned(), index: 3, page: page.clone() };
        assert_eq!(Load::decode(&load.encode()), Ok(load));
        let bytes = page.encode();
        for cut in 0..bytes.len() {
            assert!(Page::decode(&bytes[..cut]).is_err(), "{cut} bytes");
        }
    }

    #[test]
    fn pages_have_some_rows_and_never_none() {
        fn check(sizes: &[usize], expected: &[usize]) {
            let rows = sizes.iter().map(|size| vec![Value::Blob(vec![0; *size])]).collect();
            let pages = Page::split("t", &["c".to_owned()], rows);
            assert_eq!(pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), expected, "{sizes:?}");
        }
        check(&[], &[]);
        check(&[10, 10], &[2]);
        check(&[600_000, 600_000, 10], &[1, 2]);
        check(&[2_000_000, 10, 2_000_000], &[1, 1, 1]);
    }

    #[test]
    fn values_as_json() {
        for value in [Value::Null, Value::Integer(-(1 << 60)), Value::Real(0.5), Value::Text("a".to_owned())]
        {
            let json = value.to_json().unwrap();
            assert_eq!(Value::of_json(&json), Some(value));
        }
        assert_eq!(Value::Blob(vec![1]).to_json(), None);
        assert_eq!(Value::of_json(&serde_json::json!([])), None);
    }

    #[test]
    fn notes_both_ways() {
        for phase in [Phase::Closing, Phase::Loading(0), Phase::Loading(9), Phase::Done] {
            let restoring = Restoring { backup: "b".to_owned(), phase };
            assert_eq!(Restoring::from(Note::from(&restoring)), restoring);
        }
        let odd = Note { backup: "b".to_owned(), next: -9 };
        assert_eq!(Restoring::from(odd).phase, Phase::Closing);
    }
}
