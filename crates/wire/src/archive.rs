//! The archive, as the API lists it.

use adtally_core::time::{Day, rfc3339};
use serde::{Deserialize, Serialize};

use crate::batch::ArchiveFile;

/// Linker: `POST` a [`FilesQuery`] as JSON, answered by its [`ListedFile`]s as JSON.
pub const FILES: &str = "/files";

/// Which files to list; an absent part fits all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilesQuery {
    /// From this event day on, in days since 1970.
    pub from_day: Option<i32>,
    /// Before this event day.
    pub to_day: Option<i32>,
}

/// Answer of `GET /v1/archive`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Entries in all files together.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By key.
    pub files: Vec<ListedFile>,
}

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Where it lies in the bucket, and under `/v1/archive/`.
    pub key: String,
    /// The day of its events: `2018-07-22`.
    pub day: String,
    /// The first row of the log that may be in it.
    pub from_row: i64,
    /// The last one.
    pub to_row: i64,
    /// Accepted events and repeated deliveries.
    pub entries: u64,
    /// Its size.
    pub bytes: u64,
    /// Of its bytes, as hexadecimal digits.
    pub sha256: String,
    /// The first arrival in it, RFC 3339.
    pub received_from: String,
    /// The last one.
    pub received_to: String,
}

impl FilesQuery {
    /// Whether a file is asked for.
    pub fn fits(&self, file: &ArchiveFile) -> bool {
        self.from_day.is_none_or(|from| from <= file.day) && self.to_day.is_none_or(|to| file.day < to)
    }
}

impl From<&ArchiveFile> for ListedFile {
    fn from(file: &ArchiveFile) -> Self {
        Self {
            key: file.key.clone(),
            day: Day(file.day).to_string(),
            from_row: file.from_row,
            to_row: file.to_row,
            entries: file.entries,
            bytes: file.bytes,
            sha256: file.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            received_from: rfc3339(file.received_ms.0),
            received_to: rfc3339(file.received_ms.1),
        }
    }
}
