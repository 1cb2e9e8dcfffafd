//! Why a file of the archive cannot be written or read.

use parquet::errors::ParquetError;
use thiserror::Error;

/// Why a file of the archive cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// Not Parquet, or damaged.
    #[error("the file cannot be read as Parquet: {0}")]
    Parquet(String),
    /// Parquet of somebody else.
    #[error("the file is not of the archive: {0}")]
    Foreign(String),
    /// Written by a later version of this program.
    #[error("the file has version {0} of the archive, the latest known is {known}", known = crate::meta::VERSION)]
    Version(u32),
    /// A value that cannot be.
    #[error("row {row} of the file has no valid {column}")]
    Value {
        /// Where.
        row: usize,
        /// Of which column.
        column: &'static str,
    },
    /// A caller asked for what is not there.
    #[error("the file has {rows} rows, row {row} was asked for")]
    NoRow {
        /// Which.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// Not the bytes that the manifest names.
    #[error("the bytes are not those of {0}: their checksum differs")]
    Checksum(String),
    /// Entries of another day, or not in order.
    #[error("an entry of row {0} does not belong here")]
    Misplaced(i64),
}

impl From<ParquetError> for ArchiveError {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error.to_string())
    }
}
