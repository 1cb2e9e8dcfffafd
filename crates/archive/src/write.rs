//! Entries into the bytes of a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::batch::{Entry, Hashes};
use adtally_wire::batch::ArchiveFile;
use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use sha2::{Digest, Sha256};

use crate::column::{Column, Content, number, schema, text};
use crate::index::Names;
use crate::{ArchiveError, Meta, file_key, rewritten_key};

/// Entries of a row group: what a writer holds in memory, some ten megabytes, and what a reader of few groups cannot
/// skip a part of without a look at its pages.
pub const ROW_GROUP: usize = 16_384;
/// Entries of a page: what a reader decodes to have one of them.
const PAGE: usize = 2_048;
/// Texts longer than this are cut in statistics.
const STATISTICS_BYTES: usize = 32;

/// A file that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What the manifest knows of it.
    pub file: ArchiveFile,
    /// What it is.
    pub bytes: Vec<u8>,
    /// The index of its names ([`crate::Index`]), where it is made of others.
    pub index: Option<Vec<u8>>,
}

/// Writes the entries of one shard and day, which come sorted by group and row.
pub struct Writer {
    meta: Meta,
    /// Of a file that is made of others.
    names: Option<Names>,
    file: SerializedFileWriter<Vec<u8>>,
    pending: Vec<(Hashes, Entry)>,
    entries: u64,
    last: Option<(u64, i64)>,
    groups: (u64, u64),
    received_ms: (i64, i64),
    /// The revisions that entries refer to.
    revisions: Vec<u64>,
}

impl Writer {
    /// A file of the log.
    pub fn new(meta: Meta) -> Result<Self, ArchiveError> {
        let file = SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(properties()))?;
        Ok(Self {
            meta,
            names: None,
            file,
            pending: Vec::new(),
            entries: 0,
            last: None,
            groups: (u64::MAX, 0),
            received_ms: (i64::MAX, i64::MIN),
            revisions: Vec::new(),
        })
    }

    /// A file that is made of others, whose name says so.
    pub(crate) fn rewriting(meta: Meta) -> Result<Self, ArchiveError> {
        Ok(Self { names: Some(Names::default()), ..Self::new(meta)? })
    }

    /// The file of these entries, in the order of the log.
    pub fn write(meta: Meta, mut entries: Vec<Entry>) -> Result<Written, ArchiveError> {
        let mut writer = Self::new(meta)?;
        entries.sort_by_cached_key(|entry| (entry.hashes().group, entry.row()));
        entries.into_iter().try_for_each(|entry| writer.push(entry))?;
        writer.finish()
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) -> Result<(), ArchiveError> {
        let hashes = entry.hashes();
        let (place, received) = ((hashes.group, entry.row()), entry.received().0);
        let (from, to) = self.meta.rows;
        let is_here = entry.day() == self.meta.day && from <= place.1 && place.1 <= to;
        if !is_here || self.last.is_some_and(|last| last > place) {
            return Err(ArchiveError::Misplaced(place.1));
        }
        self.last = Some(place);
        self.groups = (self.groups.0.min(hashes.group), self.groups.1.max(hashes.group));
        self.received_ms = (self.received_ms.0.min(received), self.received_ms.1.max(received));
        if let Entry::Accepted(accepted) = &entry
            && let Err(index) = self.revisions.binary_search(&accepted.revision)
        {
            self.revisions.insert(index, accepted.revision);
        }
        if let Some(names) = &mut self.names {
            names.own.push(hashes.name);
            names.parents.extend(hashes.parent);
        }
        self.entries += 1;
        self.pending.push((hashes, entry));
        if self.pending.len() == ROW_GROUP { self.flush() } else { Ok(()) }
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The file.
    pub fn finish(mut self) -> Result<Written, ArchiveError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let used = |(revision, _): &(u64, _)| self.revisions.binary_search(revision).is_ok();
        let settings: BTreeMap<_, _> =
            std::mem::take(&mut self.meta.settings).into_iter().filter(used).collect();
        self.meta.settings = settings;
        self.file.append_key_value_metadata(self.meta.to_key_value()?);
        let bytes = self.file.into_inner()?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let Meta { advertiser, shard, day, rows, .. } = &self.meta;
        let key = match &self.names {
            Some(_) => rewritten_key(advertiser, *day, *shard, *rows, &sha256),
            None => file_key(advertiser, *day, *shard, *rows),
        };
        let file = ArchiveFile {
            key,
            day: day.0,
            from_row: rows.0,
            to_row: rows.1,
            entries: self.entries,
            bytes: bytes.len() as u64,
            sha256,
            groups: self.groups,
            received_ms: self.received_ms,
        };
        let index = self.names.map(|names| names.encode(&sha256));
        Ok(Written { file, bytes, index })
    }

    /// Writes what is pending as a row group.
    fn flush(&mut self) -> Result<(), ArchiveError> {
        let mut group = self.file.next_row_group()?;
        for column in Column::all() {
            let missing = || ArchiveError::Parquet("a column is missing".to_owned());
            let mut writer = group.next_column()?.ok_or_else(missing)?;
            match column.content() {
                Content::Text => write_texts(&mut writer, column, &self.pending)?,
                Content::Number | Content::Hash | Content::Time => {
                    write_numbers(&mut writer, column, &self.pending)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        self.pending.clear();
        Ok(())
    }
}

/// 1 where there is a value, 0 where there is none: how Parquet says so.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

fn write_numbers(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    entries: &[(Hashes, Entry)],
) -> Result<(), ArchiveError> {
    let values: Vec<Option<i64>> =
        entries.iter().map(|(hashes, entry)| number(entry, hashes, column)).collect();
    let levels = (!column.is_required()).then(|| levels(&values));
    let values: Vec<i64> = values.into_iter().flatten().collect();
    writer.typed::<Int64Type>().write_batch(&values, levels.as_deref(), None)?;
    Ok(())
}

/// The texts of a column stand in one allocation.
fn write_texts(
    writer: &mut SerializedColumnWriter<'_>,
    column: Column,
    entries: &[(Hashes, Entry)],
) -> Result<(), ArchiveError> {
    let mut all = Vec::new();
    let mut add = |(_, entry): &(Hashes, Entry)| {
        let text = text(entry, column)?;
        let start = all.len();
        all.extend_from_slice(text.as_bytes());
        Some(start..all.len())
    };
    let spans: Vec<_> = entries.iter().map(&mut add).collect();
    let levels = (!column.is_required()).then(|| levels(&spans));
    let all = Bytes::from(all);
    let values: Vec<ByteArray> =
        spans.into_iter().flatten().map(|span| ByteArray::from(all.slice(span))).collect();
    writer.typed::<ByteArrayType>().write_batch(&values, levels.as_deref(), None)?;
    Ok(())
}

fn properties() -> WriterProperties {
    let ascending =
        |column: Column| SortingColumn { column_idx: column as i32, descending: false, nulls_first: false };
    let mut builder = WriterProperties::builder()
        .set_created_by("adtally".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_data_page_row_count_limit(PAGE)
        .set_write_batch_size(PAGE)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_offset_index_disabled(true)
        .set_sorting_columns(Some(vec![ascending(Column::Group), ascending(Column::Row)]));
    for column in Column::all() {
        builder = builder
            .set_column_dictionary_enabled(column.path(), column.has_dictionary())
            .set_column_encoding(column.path(), column.encoding());
        if column.content() == Content::Hash && !column.has_dictionary() {
            // Hashes do not compress.
            builder = builder.set_column_compression(column.path(), Compression::UNCOMPRESSED);
        }
    }
    builder.build()
}
