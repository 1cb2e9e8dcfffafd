//! Segment encoding, version 1.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `ADSG` |
//! | version | 1 byte |
//! | number of cells | varint |
//! | number of dimensions | varint |
//! | per dimension: dictionary | number of values; per value, ascending: length shared with the one before, length of the rest, the rest |
//! | hours | per hour, ascending: difference to the one before (of the first its zigzag), number of its cells |
//! | per dimension: codes | column of places in the dictionary |
//! | number of measures that are not zero everywhere | varint |
//! | per such measure | index in [`Measure::ALL`](crate::measure::Measure::ALL), ascending; column of zigzag values |
//! | number of sketches | varint |
//! | per sketch | number of cells skipped since the one before, then the sketch |
//! | checksum | CRC-32 of everything before, little-endian |
//!
//! Integers are LEB128 in the shortest form; a column is plain or runs, whichever is shorter ([`super::column`]).
//! Dimensions and measures are identified by place, so that later versions of the software may append some and
//! still read what earlier ones wrote.

use super::narrow::by_width;
use super::{Segment, column};
use crate::cell::Dimension;
use crate::key::Key;
use crate::varint::{self, zigzag};

pub(super) const MAGIC: &[u8; 4] = b"ADSG";
pub(super) const VERSION: u8 = 1;
pub(super) const CHECKSUM_BYTES: usize = 4;

impl Segment {
    /// The bytes of the segment; equal segments give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 16 * self.len);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        varint::write(&mut out, self.len as u64);
        self.write_keys(&mut out);
        self.write_measures(&mut out);
        self.write_sketches(&mut out);
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    fn write_keys(&self, out: &mut Vec<u8>) {
        varint::write(out, Dimension::COUNT as u64);
        for column in &self.dims {
            write_dictionary(out, &column.values);
        }
        self.write_hours(out);
        for column in &self.dims {
            by_width!(
                &column.codes,
                same => column::write(out, std::iter::repeat_n(0, self.len)),
                codes => column::write(out, codes.iter().map(|code| u64::from(*code)))
            );
        }
    }

    /// Hours ascend, so they are written as runs: difference to the hour before, number of its cells.
    fn write_hours(&self, out: &mut Vec<u8>) {
        let mut before = None;
        for (hour, rows) in self.hour_rows() {
            let hour = i64::from(hour.0);
            varint::write(out, before.map_or_else(|| zigzag(hour), |before| (hour - before) as u64));
            varint::write(out, rows.len() as u64);
            before = Some(hour);
        }
    }

    fn write_measures(&self, out: &mut Vec<u8>) {
        varint::write(out, self.measures.len() as u64);
        for (measure, figures) in &self.measures {
            varint::write(out, *measure as u64);
            by_width!(figures, figures => {
                column::write(out, figures.iter().map(|figure| zigzag(i64::from(*figure))));
            });
        }
    }

    fn write_sketches(&self, out: &mut Vec<u8>) {
        varint::write(out, self.users.len() as u64);
        let mut next = 0;
        for (row, sketch) in self.users.iter() {
            varint::write(out, u64::from(row - next));
            sketch.write(out);
            next = row + 1;
        }
    }
}

/// Front coding: neighbours in order share much of their beginning.
fn write_dictionary(out: &mut Vec<u8>, values: &[Key]) {
    varint::write(out, values.len() as u64);
    let mut before: &[u8] = &[];
    for value in values {
        let value = value.as_str().as_bytes();
        let shared = value.iter().zip(before).take_while(|(a, b)| a == b).count();
        varint::write(out, shared as u64);
        varint::write(out, (value.len() - shared) as u64);
        out.extend_from_slice(&value[shared..]);
        before = value;
    }
}
