//! A column of a row group, read piece by piece.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};

use crate::ArchiveError;
use crate::column::Column;

enum Values {
    Texts(ColumnReaderImpl<ByteArrayType>, Vec<ByteArray>),
    Numbers(ColumnReaderImpl<Int64Type>, Vec<i64>),
}

/// A column of a row group, and what was read of it last.
pub(crate) struct Strip {
    pub(crate) column: Column,
    values: Values,
    levels: Vec<i16>,
    /// Where each row's value is; empty where every row has one.
    places: Vec<u32>,
}

/// The place of no value.
const NONE: u32 = u32::MAX;

impl Strip {
    pub(crate) fn new(column: Column, reader: ColumnReader) -> Result<Self, ArchiveError> {
        let values = match reader {
            ColumnReader::ByteArrayColumnReader(reader) => Values::Texts(reader, Vec::new()),
            ColumnReader::Int64ColumnReader(reader) => Values::Numbers(reader, Vec::new()),
            _ => return Err(ArchiveError::Foreign(format!("{} has another type", column.name()))),
        };
        Ok(Self { column, values, levels: Vec::new(), places: Vec::new() })
    }

    /// Forgets what was read.
    pub(crate) fn clear(&mut self) {
        match &mut self.values {
            Values::Texts(_, values) => values.clear(),
            Values::Numbers(_, values) => values.clear(),
        }
        self.places.clear();
    }

    /// Goes past rows.
    pub(crate) fn skip(&mut self, rows: usize) -> Result<(), ArchiveError> {
        let skipped = match &mut self.values {
            Values::Texts(reader, _) => reader.skip_records(rows)?,
            Values::Numbers(reader, _) => reader.skip_records(rows)?,
        };
        self.expect(skipped, rows)
    }

    /// Reads rows, behind those that were read since the last [`Strip::clear`].
    pub(crate) fn read(&mut self, rows: usize) -> Result<(), ArchiveError> {
        self.levels.clear();
        let levels = (!self.column.is_required()).then_some(&mut self.levels);
        let (before, read) = match &mut self.values {
            Values::Texts(reader, values) => (values.len(), read(reader, rows, levels, values)?),
            Values::Numbers(reader, values) => (values.len(), read(reader, rows, levels, values)?),
        };
        self.expect(read, rows)?;
        let mut next = before as u32;
        self.places.extend(self.levels.iter().map(|level| {
            let place = if *level == 0 { NONE } else { next };
            next += u32::from(*level != 0);
            place
        }));
        Ok(())
    }

    fn expect(&self, found: usize, expected: usize) -> Result<(), ArchiveError> {
        let name = self.column.name();
        match found == expected {
            true => Ok(()),
            false => Err(ArchiveError::Parquet(format!("{name} ends {} rows early", expected - found))),
        }
    }

    fn place(&self, at: usize) -> Option<usize> {
        if self.column.is_required() {
            return Some(at);
        }
        self.places.get(at).filter(|place| **place != NONE).map(|place| *place as usize)
    }

    /// The text of the row that was read as number `at`; what is not UTF-8 counts as none.
    pub(crate) fn text(&self, at: usize) -> Option<&str> {
        str::from_utf8(self.bytes(at)?).ok()
    }

    /// The bytes of that text.
    pub(crate) fn bytes(&self, at: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Texts(_, values) => Some(values.get(self.place(at)?)?.data()),
            Values::Numbers(..) => None,
        }
    }

    /// The number, hash or time of the row that was read as number `at`.
    pub(crate) fn number(&self, at: usize) -> Option<i64> {
        match &self.values {
            Values::Numbers(_, values) => values.get(self.place(at)?).copied(),
            Values::Texts(..) => None,
        }
    }
}

/// A column reader stops at the end of each page.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    mut levels: Option<&mut Vec<i16>>,
    values: &mut Vec<T::T>,
) -> Result<usize, ArchiveError> {
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, levels.as_deref_mut(), None, values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    Ok(read)
}
