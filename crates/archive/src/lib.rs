//! The archive: entries of an event day as a Parquet file that any engine reads, and back.
//!
//! ```text
//! entries of one shard and day -> Writer -> bytes + ArchiveFile (what the manifest knows of it)
//! bytes -> Reader -> glances (the columns that decide about links, alone) or entries (all of selected rows)
//! many small files -> Merge -> few large ones, each with an Index of its names
//! a file with entries that go -> erase -> the file without them
//! the rows of a report -> table_file -> bytes
//! ```
//!
//! A file is sorted by group and row of the log, so that a reader of some groups skips the rest. It says itself under
//! which settings its events arrived, so it can be linked alone. Equal entries make equal bytes. Where bytes come from
//! and go to is the caller's business: there is no I/O here.

mod error;
mod column;
mod name;
mod meta;
mod write;
mod read;
mod merge;
mod index;
mod erase;
mod table;
mod cells;

pub use cells::{cells_columns, cells_file};
pub use erase::{Rewritten, erase};
pub use error::ArchiveError;
pub use index::{Index, index_key};
pub use merge::{MAX_FILE_ENTRIES, Merge, compactable, merged_entries, merges};
pub use meta::Meta;
pub use name::{PREFIX, file_key, folder, is_of_shard, is_rewritten, owner_folder, rewritten_key};
pub use read::{Glance, Named, Reader};
pub use table::table_file;
pub use write::{ROW_GROUP, Writer, Written};

#[cfg(test)]
mod tests;
