//! Reading segments from bytes that nobody vouches for.
//!
//! Nothing is allocated before its size was seen to be covered by the bytes.
//! Each step from one row to the next changes an hour or a code and so costs at least one byte: there are never more
//! rows than bytes.

use thiserror::Error;

use super::encode::{CHECKSUM_BYTES, MAGIC, VERSION};
use super::{Segment, column, is_nothing};
use crate::cell::{CellKey, Dimension, Tally};
use crate::key::{Key, MAX_KEY_CHARS};
use crate::measure::Measure;
use crate::sketch::{Sketch, SketchError};
use crate::time::Hour;
use crate::varint::{Reader, unzigzag};

/// The longest UTF-8 form of a key.
const MAX_KEY_BYTES: usize = 4 * MAX_KEY_CHARS;

/// Why bytes are not a segment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SegmentError {
    /// Shorter than any segment, or another kind of data.
    #[error("not a segment")]
    Magic,
    /// Written by a later version of the software.
    #[error("segment has version {0}, this software reads {VERSION}")]
    Version(u8),
    /// Damaged in storage or on the way.
    #[error("segment has checksum {actual:08x} instead of {expected:08x}")]
    Checksum {
        /// As written in the segment.
        expected: u32,
        /// Of the bytes that were read.
        actual: u32,
    },
    /// Written by a later version of the software.
    #[error("segment has {0} dimensions, this software knows {known}", known = Dimension::COUNT)]
    UnknownDimension(u64),
    /// Written by a later version of the software.
    #[error("segment has a measure of index {0}, this software knows {known}", known = Measure::ALL.len())]
    UnknownMeasure(u64),
    /// What no segment encodes to, although the checksum fits.
    #[error("segment has malformed {0}")]
    Malformed(&'static str),
    /// A sketch that no sketch encodes to, although the checksum fits.
    #[error(transparent)]
    Sketch(#[from] SketchError),
}

use SegmentError::Malformed;

impl Segment {
    /// The inverse of [`Segment::encode`]; damaged, truncated or hostile bytes are an error.
    pub fn decode(bytes: &[u8]) -> Result<Segment, SegmentError> {
        let mut reader = Reader::new(checked_body(bytes)?);
        let most = reader.len();
        let rows = reader.count(most).ok_or(Malformed("number of cells"))?;
        let mut rows = read_keys(&mut reader, rows)?;
        read_measures(&mut reader, &mut rows)?;
        read_sketches(&mut reader, &mut rows)?;
        if !reader.is_empty() {
            return Err(Malformed("end"));
        }
        if rows.iter().any(|(_, tally)| is_nothing(tally)) {
            return Err(Malformed("cell without content"));
        }
        Ok(Segment { rows })
    }
}

/// What lies between the version and the checksum, if both are right.
fn checked_body(bytes: &[u8]) -> Result<&[u8], SegmentError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SegmentError::Magic)?;
    let (version, rest) = rest.split_first().ok_or(SegmentError::Magic)?;
    if *version != VERSION {
        return Err(SegmentError::Version(*version));
    }
    let (body, checksum) = rest.split_last_chunk::<CHECKSUM_BYTES>().ok_or(SegmentError::Magic)?;
    let expected = u32::from_le_bytes(*checksum);
    let actual = crc32fast::hash(&bytes[..bytes.len() - CHECKSUM_BYTES]);
    if actual == expected { Ok(body) } else { Err(SegmentError::Checksum { expected, actual }) }
}

/// One dimension of all rows.
struct CodedColumn {
    dictionary: Vec<Key>,
    codes: Vec<u32>,
}

fn read_keys(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<(CellKey, Tally)>, SegmentError> {
    let dimensions = reader.varint().ok_or(Malformed("number of dimensions"))?;
    if dimensions > Dimension::COUNT as u64 {
        return Err(SegmentError::UnknownDimension(dimensions));
    }
    let mut columns = Vec::new();
    for _ in 0..dimensions {
        let dictionary = read_dictionary(reader).ok_or(Malformed("dictionary"))?;
        columns.push(CodedColumn { dictionary, codes: Vec::new() });
    }
    let hours = read_hours(reader, rows).ok_or(Malformed("hours"))?;
    for CodedColumn { dictionary, codes } in &mut columns {
        codes.reserve_exact(rows);
        let take = |_, code| {
            codes.push(u32::try_from(code).ok().filter(|code| (*code as usize) < dictionary.len())?);
            Some(())
        };
        column::read(reader, rows, take).ok_or(Malformed("codes"))?;
    }
    // Dictionaries ascend, so codes compare as their values do.
    let key = |row: usize| (hours[row], columns.iter().map(move |column| column.codes[row]));
    let ascends = |row: usize| {
        let ((hour, codes), (next_hour, next_codes)) = (key(row - 1), key(row));
        hour < next_hour || hour == next_hour && codes.lt(next_codes)
    };
    if !(1..rows).all(ascends) {
        return Err(Malformed("order of cells"));
    }
    let cell = |row: usize| {
        let mut key = CellKey::at(hours[row]);
        for (dimension, column) in Dimension::ALL.into_iter().zip(&columns) {
            key.set(dimension, column.dictionary[column.codes[row] as usize].clone());
        }
        (key, Tally::default())
    };
    Ok((0..rows).map(cell).collect())
}

fn read_dictionary(reader: &mut Reader<'_>) -> Option<Vec<Key>> {
    // Each value costs at least two bytes.
    let count = reader.count(reader.len() / 2)?;
    let mut dictionary = Vec::with_capacity(count);
    let mut bytes: Vec<u8> = Vec::new();
    for _ in 0..count {
        let shared = reader.count(bytes.len())?;
        let rest = reader.count(MAX_KEY_BYTES)?;
        let rest = reader.take(rest)?;
        bytes.truncate(shared);
        bytes.extend_from_slice(rest);
        let key = Key::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
        if dictionary.last().is_some_and(|before| *before >= key) {
            return None;
        }
        dictionary.push(key);
    }
    Some(dictionary)
}

fn read_hours(reader: &mut Reader<'_>, rows: usize) -> Option<Vec<Hour>> {
    let mut hours: Vec<Hour> = Vec::with_capacity(rows);
    while hours.len() < rows {
        let step = reader.varint()?;
        let hour = match hours.last() {
            None => unzigzag(step),
            Some(_) if step == 0 => return None,
            Some(before) => i64::from(before.0).checked_add_unsigned(step)?,
        };
        let hour = Hour(i32::try_from(hour).ok()?);
        let count = reader.count(rows - hours.len())?;
        if count == 0 {
            return None;
        }
        hours.resize(hours.len() + count, hour);
    }
    Some(hours)
}

fn read_measures(reader: &mut Reader<'_>, rows: &mut [(CellKey, Tally)]) -> Result<(), SegmentError> {
    let count = reader.varint().ok_or(Malformed("number of measures"))?;
    let count_of_rows = rows.len();
    let mut next = 0;
    for _ in 0..count {
        let index = reader.varint().ok_or(Malformed("measure"))?;
        let place = usize::try_from(index).ok().filter(|place| *place < Measure::ALL.len());
        let place = place.ok_or(SegmentError::UnknownMeasure(index))?;
        if place < next {
            return Err(Malformed("order of measures"));
        }
        next = place + 1;
        let measure = Measure::ALL[place];
        let take = |row: usize, value| {
            rows[row].1.measures.add(measure, unzigzag(value));
            Some(())
        };
        column::read(reader, count_of_rows, take).ok_or(Malformed("measure"))?;
    }
    Ok(())
}

fn read_sketches(reader: &mut Reader<'_>, rows: &mut [(CellKey, Tally)]) -> Result<(), SegmentError> {
    let count = reader.count(rows.len()).ok_or(Malformed("number of sketches"))?;
    let mut next = 0;
    for _ in 0..count {
        // `next` stays within the rows, so there is no overflow.
        let row = next + reader.count(rows.len()).ok_or(Malformed("place of a sketch"))?;
        let (_, tally) = rows.get_mut(row).ok_or(Malformed("place of a sketch"))?;
        tally.users = Sketch::read(reader)?;
        if tally.users.is_empty() {
            return Err(Malformed("sketch without users"));
        }
        next = row + 1;
    }
    Ok(())
}
