//! Sketches as bytes: the number of sparse entries and their differences, or 6 bits per register.

use thiserror::Error;

use super::{
    Form, Q, RANK_BITS, REGISTERS, Registers, SPARSE_MAX, SPARSE_P, SPARSE_Q, Sketch, SketchView, index,
};
use crate::varint::{self, Reader};

/// Stands where sparse sketches have their number of entries.
const DENSE: usize = SPARSE_MAX + 1;
/// Four registers of 6 bits in three bytes.
const DENSE_BYTES: usize = REGISTERS / 4 * 3;

/// Why bytes are not a sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SketchError {
    /// The bytes end too early, or hold more than one sketch.
    #[error("sketch has the wrong length")]
    Length,
    /// What no sketch encodes to.
    #[error("sketch has entries that are out of order or out of range")]
    Entry,
}

impl Sketch {
    /// The bytes of the sketch; equal sketches give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.view().write(&mut out);
        out
    }

    /// The inverse of [`Sketch::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Sketch, SketchError> {
        let mut reader = Reader::new(bytes);
        let mut sketch = Sketch::default();
        sketch.read(&mut reader)?;
        if reader.is_empty() { Ok(sketch) } else { Err(SketchError::Length) }
    }

    /// Becomes the sketch at the front of `reader`; what it was does not matter, nor what it is after an error.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), SketchError> {
        let count = reader.count(DENSE).ok_or(SketchError::Length)?;
        if count == DENSE {
            self.0 = Form::Dense(read_dense(reader.take(DENSE_BYTES).ok_or(SketchError::Length)?)?);
            return Ok(());
        }
        let mut entries = match &mut self.0 {
            Form::Sparse(entries) => std::mem::take(entries),
            Form::Dense(_) => Vec::new(),
        };
        entries.clear();
        read_entries(reader, count, &mut entries)?;
        self.0 = Form::Sparse(entries);
        Ok(())
    }
}

impl SketchView<'_> {
    /// Appends the bytes of the sketch.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            SketchView::Sparse(entries) => {
                varint::write(out, entries.len() as u64);
                let mut before = 0;
                for entry in entries {
                    varint::write(out, u64::from(entry - before));
                    before = *entry;
                }
            }
            SketchView::Dense(registers) => {
                varint::write(out, DENSE as u64);
                for four in registers.chunks_exact(4) {
                    let packed = four.iter().rev().fold(0, |bits, rank| bits << RANK_BITS | u32::from(*rank));
                    out.extend_from_slice(&packed.to_le_bytes()[..3]);
                }
            }
        }
    }
}

fn read_entries(reader: &mut Reader<'_>, count: usize, entries: &mut Vec<u32>) -> Result<(), SketchError> {
    if count > reader.len() {
        return Err(SketchError::Length);
    }
    entries.reserve(count);
    for _ in 0..count {
        let difference = reader.varint().ok_or(SketchError::Length)?;
        let before = entries.last().copied();
        let entry = u64::from(before.unwrap_or(0)).checked_add(difference).ok_or(SketchError::Entry)?;
        let entry = u32::try_from(entry).map_err(|_| SketchError::Entry)?;
        let ascends = before.is_none_or(|before| index(before) < index(entry));
        let rank = entry & ((1 << RANK_BITS) - 1);
        if !ascends || index(entry) >> SPARSE_P != 0 || rank == 0 || rank > SPARSE_Q + 1 {
            return Err(SketchError::Entry);
        }
        entries.push(entry);
    }
    Ok(())
}

fn read_dense(bytes: &[u8]) -> Result<Box<Registers>, SketchError> {
    let mut registers = Box::new([0; REGISTERS]);
    for (four, packed) in registers.chunks_exact_mut(4).zip(bytes.chunks_exact(3)) {
        let bits = u32::from_le_bytes([packed[0], packed[1], packed[2], 0]);
        for (place, rank) in (0..).step_by(RANK_BITS as usize).zip(four) {
            *rank = (bits >> place) as u8 & ((1 << RANK_BITS) - 1);
        }
    }
    // A dense sketch has users, or it would be sparse.
    let greatest = registers.iter().copied().max().unwrap_or(0);
    if greatest == 0 || u32::from(greatest) > Q + 1 {
        return Err(SketchError::Entry);
    }
    Ok(registers)
}
