//! Reading segments from bytes that nobody vouches for.
//!
//! Nothing is allocated before its size was seen to be covered by the bytes.
//! Each step from one row to the next changes an hour or a code and so costs at least one byte: there are never more
//! rows than bytes.

use thiserror::Error;

use super::encode::{CHECKSUM_BYTES, MAGIC, VERSION};
use super::narrow::{Codes, Figures};
use super::users::Users;
use super::{Column, Segment, column};
use crate::cell::Dimension;
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
        let len = reader.count(most).ok_or(Malformed("number of cells"))?;
        let (hours, dims) = read_keys(&mut reader, len)?;
        let mut is_something = vec![false; len];
        let measures = read_measures(&mut reader, &mut is_something)?;
        let users = read_sketches(&mut reader, &mut is_something)?;
        if !reader.is_empty() {
            return Err(Malformed("end"));
        }
        if is_something.contains(&false) {
            return Err(Malformed("cell without content"));
        }
        Ok(Segment { len, hours, dims, measures, users })
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

/// The hours with their first rows, and the dimensions.
type Keys = (Vec<(Hour, u32)>, [Column; Dimension::COUNT]);

fn read_keys(reader: &mut Reader<'_>, rows: usize) -> Result<Keys, SegmentError> {
    let dimensions = reader.varint().ok_or(Malformed("number of dimensions"))?;
    if dimensions > Dimension::COUNT as u64 {
        return Err(SegmentError::UnknownDimension(dimensions));
    }
    let mut dictionaries = Vec::new();
    for _ in 0..dimensions {
        dictionaries.push(read_dictionary(reader).ok_or(Malformed("dictionary"))?);
    }
    let hours = read_hours(reader, rows).ok_or(Malformed("hours"))?;
    let mut columns = Vec::new();
    for dictionary in &dictionaries {
        columns.push(read_codes(reader, rows, dictionary.len()).ok_or(Malformed("codes"))?);
    }
    if !ascends(&hours, rows, &columns) {
        return Err(Malformed("order of cells"));
    }
    // Those that the writer did not know are unknown in every cell.
    let unknown =
        || Column { values: if rows > 0 { vec![Key::empty()] } else { Vec::new() }, codes: Codes::Same };
    let mut dims: [Column; Dimension::COUNT] = std::array::from_fn(|_| unknown());
    for ((dim, values), codes) in dims.iter_mut().zip(dictionaries).zip(columns) {
        let codes = Codes::new(codes, values.len());
        *dim = Column { values, codes };
    }
    Ok((hours, dims))
}

/// The codes of a dimension; every value of its dictionary is used, and no other.
fn read_codes(reader: &mut Reader<'_>, rows: usize, values: usize) -> Option<Vec<u32>> {
    let mut used = vec![false; values];
    let mut codes = Vec::with_capacity(rows);
    column::read(reader, rows, &mut codes, |code| u32::try_from(code).ok())?;
    for code in &codes {
        *used.get_mut(*code as usize)? = true;
    }
    (!used.contains(&false)).then_some(codes)
}

/// Dictionaries ascend, so codes compare as their values do.
fn ascends(hours: &[(Hour, u32)], rows: usize, columns: &[Vec<u32>]) -> bool {
    // Whether a row is known to lie behind the one before it: it begins an hour, or an earlier column says so.
    let mut behind = vec![false; rows];
    hours.iter().for_each(|(_, row)| behind[*row as usize] = true);
    let mut in_order = true;
    for codes in columns {
        for (behind, pair) in behind.iter_mut().skip(1).zip(codes.windows(2)) {
            in_order &= *behind | (pair[0] <= pair[1]);
            *behind |= pair[0] < pair[1];
        }
    }
    in_order && !behind.contains(&false)
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

fn read_hours(reader: &mut Reader<'_>, rows: usize) -> Option<Vec<(Hour, u32)>> {
    let mut hours: Vec<(Hour, u32)> = Vec::new();
    let mut row = 0;
    while row < rows {
        let step = reader.varint()?;
        let hour = match hours.last() {
            None => unzigzag(step),
            Some(_) if step == 0 => return None,
            Some((before, _)) => i64::from(before.0).checked_add_unsigned(step)?,
        };
        hours.push((Hour(i32::try_from(hour).ok()?), u32::try_from(row).ok()?));
        let count = reader.count(rows - row)?;
        if count == 0 {
            return None;
        }
        row += count;
    }
    Some(hours)
}

fn read_measures(
    reader: &mut Reader<'_>,
    is_something: &mut [bool],
) -> Result<Vec<(Measure, Figures)>, SegmentError> {
    let count = reader.varint().ok_or(Malformed("number of measures"))?;
    let mut measures = Vec::new();
    let mut next = 0;
    for _ in 0..count {
        let index = reader.varint().ok_or(Malformed("measure"))?;
        let place = usize::try_from(index).ok().filter(|place| *place < Measure::ALL.len());
        let place = place.ok_or(SegmentError::UnknownMeasure(index))?;
        if place < next {
            return Err(Malformed("order of measures"));
        }
        next = place + 1;
        let mut figures = Vec::with_capacity(is_something.len());
        let make = |figure| Some(unzigzag(figure));
        column::read(reader, is_something.len(), &mut figures, make).ok_or(Malformed("measure"))?;
        for (is, figure) in is_something.iter_mut().zip(&figures) {
            *is |= *figure != 0;
        }
        measures.extend(Figures::new(figures).map(|figures| (Measure::ALL[place], figures)));
    }
    Ok(measures)
}

fn read_sketches(reader: &mut Reader<'_>, is_something: &mut [bool]) -> Result<Users, SegmentError> {
    let rows = is_something.len();
    let count = reader.count(rows).ok_or(Malformed("number of sketches"))?;
    let mut users = Users::default();
    let mut next = 0;
    let mut sketch = Sketch::default();
    for _ in 0..count {
        // `next` stays within the rows, so there is no overflow.
        let row = next + reader.count(rows).ok_or(Malformed("place of a sketch"))?;
        *is_something.get_mut(row).ok_or(Malformed("place of a sketch"))? = true;
        sketch.read(reader)?;
        if sketch.is_empty() {
            return Err(Malformed("sketch without users"));
        }
        users.push(row as u32, sketch.view());
        next = row + 1;
    }
    Ok(users)
}
