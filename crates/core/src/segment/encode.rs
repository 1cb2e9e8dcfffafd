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
//! | per such measure | index in [`Measure::ALL`], ascending; column of zigzag values |
//! | number of sketches | varint |
//! | per sketch | number of cells skipped since the one before, then the sketch |
//! | checksum | CRC-32 of everything before, little-endian |
//!
//! Integers are LEB128 in the shortest form; a column is plain or runs, whichever is shorter ([`super::column`]).
//! Dimensions and measures are identified by place, so that later versions of the software may append some and
//! still read what earlier ones wrote.

use super::dictionary::Dictionary;
use super::{Segment, column};
use crate::cell::Dimension;
use crate::measure::Measure;
use crate::varint::{self, zigzag};

pub(super) const MAGIC: &[u8; 4] = b"ADSG";
pub(super) const VERSION: u8 = 1;
pub(super) const CHECKSUM_BYTES: usize = 4;

impl Segment {
    /// The bytes of the segment; equal segments give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 16 * self.rows.len());
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        varint::write(&mut out, self.rows.len() as u64);
        self.write_keys(&mut out);
        self.write_measures(&mut out);
        self.write_sketches(&mut out);
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    fn write_keys(&self, out: &mut Vec<u8>) {
        varint::write(out, Dimension::COUNT as u64);
        let mut columns = Vec::with_capacity(Dimension::COUNT);
        for dimension in Dimension::ALL {
            let mut dictionary = Dictionary::default();
            let codes: Vec<u32> =
                self.rows.iter().map(|(key, _)| dictionary.code(key.dim(dimension))).collect();
            let (values, places) = dictionary.sorted();
            write_dictionary(out, &values);
            columns.push(codes.into_iter().map(|code| places[code as usize]).collect::<Vec<u64>>());
        }
        self.write_hours(out);
        for codes in columns {
            column::write(out, &codes);
        }
    }

    /// Hours ascend, so they are written as runs: difference to the hour before, number of its cells.
    fn write_hours(&self, out: &mut Vec<u8>) {
        let mut before = None;
        for run in self.rows.chunk_by(|a, b| a.0.hour == b.0.hour) {
            let hour = i64::from(run[0].0.hour.0);
            varint::write(out, before.map_or_else(|| zigzag(hour), |before| (hour - before) as u64));
            varint::write(out, run.len() as u64);
            before = Some(hour);
        }
    }

    fn write_measures(&self, out: &mut Vec<u8>) {
        let mut columns = Vec::new();
        let mut written = 0;
        let mut values = Vec::with_capacity(self.rows.len());
        for measure in Measure::ALL {
            values.clear();
            values.extend(self.rows.iter().map(|(_, tally)| zigzag(tally.measures.get(measure))));
            if values.iter().any(|value| *value != 0) {
                varint::write(&mut columns, measure as u64);
                column::write(&mut columns, &values);
                written += 1;
            }
        }
        varint::write(out, written);
        out.append(&mut columns);
    }

    fn write_sketches(&self, out: &mut Vec<u8>) {
        let with_users = || self.rows.iter().enumerate().filter(|(_, (_, tally))| !tally.users.is_empty());
        varint::write(out, with_users().count() as u64);
        let mut next = 0;
        for (row, (_, tally)) in with_users() {
            varint::write(out, (row - next) as u64);
            tally.users.write(out);
            next = row + 1;
        }
    }
}

/// Front coding: neighbours in order share much of their beginning.
fn write_dictionary(out: &mut Vec<u8>, values: &[&str]) {
    varint::write(out, values.len() as u64);
    let mut before: &[u8] = &[];
    for value in values {
        let value = value.as_bytes();
        let shared = value.iter().zip(before).take_while(|(a, b)| a == b).count();
        varint::write(out, shared as u64);
        varint::write(out, (value.len() - shared) as u64);
        out.extend_from_slice(&value[shared..]);
        before = value;
    }
}
