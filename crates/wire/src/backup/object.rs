//! What is said to objects about backups.

use serde::{Deserialize, Serialize};

use super::{FileRef, Table};

/// Every path below here is about backups, of any object.
pub const ABOUT_BACKUPS: &str = "/backup/";
/// Linker: `POST` [`Of`], answered by [`Kept`]: from now on, and for a while, what is told stays in the outboxes.
pub const KEEP: &str = "/backup/keep";
/// Linker: `POST` [`Of`]: they may go again.
pub const LET_GO: &str = "/backup/let_go";
/// `POST` [`Of`], answered by [`Taken`]: the object copies its tables beside themselves.
pub const TAKE: &str = "/backup/take";
/// `POST` [`PageOf`], answered by the bytes of `Paged`.
pub const PAGE: &str = "/backup/page";
/// `POST` [`Of`]: the copies go.
pub const DROP: &str = "/backup/drop";
/// `POST` [`Begin`]: 200 once it waits for pages, 202 where it has to be told again.
pub const BEGIN: &str = "/backup/begin";
/// What it says then where it had to be emptied; it says nothing where it is restored already.
pub const WIPED: &str = "wiped";
/// `POST` the bytes of `Load`.
pub const LOAD: &str = "/backup/load";
/// `POST` [`End`].
pub const END: &str = "/backup/end";

/// Which backup is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Its name.
    pub backup: String,
}

/// What a Linker says that keeps what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Every scope that it ever told anything.
    pub scopes: Vec<String>,
}

/// What an object has copied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taken {
    /// The version of its tables.
    pub schema: u64,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What of the bucket its rows name.
    pub files: Vec<FileRef>,
    /// Of a Report object: the Linkers that told it anything.
    pub sources: Vec<String>,
}

/// Asks for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf {
    /// Of this backup.
    pub backup: String,
    /// Of this table.
    pub table: String,
    /// Behind this row.
    pub after: i64,
}

/// Begins a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// From this backup.
    pub backup: String,
    /// What is there may go.
    pub overwrite: bool,
    /// The version of the tables.
    pub schema: u64,
    /// The tables.
    pub tables: Vec<Table>,
}

/// Ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// From this backup.
    pub backup: String,
    /// So many pages there were.
    pub pages: u32,
    /// What must be there now: tables and rows.
    pub rows: Vec<(String, u64)>,
}

/// Why an object does not do as it is told; answered with 409.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Stable.
    pub code: String,
    /// For people.
    pub detail: String,
}
