//! What verifying a day in the browser found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most differences that are listed.
pub const MAX_DIFFERENCES: usize = 200;

/// A day that was linked again beside what the server says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verified {
    /// Whether the cells are the same bytes.
    pub equal: bool,
    /// Events of the day and those that they depend on.
    pub events: u64,
    /// Files of raw events that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cells that came out.
    pub cells: u64,
    /// SHA-256 of the cells that were made here, as hexadecimal digits.
    pub hash_here: String,
    /// The same of the server's.
    pub hash_server: String,
    /// How many figures are different.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// A figure that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The first instant of the cell's hour.
    pub hour: String,
    /// The dimensions that are known.
    pub cell: BTreeMap<String, String>,
    /// Which figure.
    pub measure: String,
    /// As it was made here.
    pub here: i64,
    /// As the server says.
    pub server: i64,
}
