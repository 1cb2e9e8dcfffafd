//! Entries by slot, in chunks: growing never moves or doubles what is there.

use std::ops::{Index, IndexMut};

use super::{Entry, Slot};

/// Entries of a chunk: some hundred kilobytes, which an allocator finds room for.
const CHUNK: usize = 1_024;

/// Entries in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Vec<Entry>>,
}

impl Arena {
    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        full + self.chunks.last().map_or(0, Vec::len)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(entry),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(entry);
                self.chunks.push(chunk);
            }
        }
    }
}

impl Index<Slot> for Arena {
    type Output = Entry;

    fn index(&self, slot: Slot) -> &Entry {
        &self.chunks[slot / CHUNK][slot % CHUNK]
    }
}

impl IndexMut<Slot> for Arena {
    fn index_mut(&mut self, slot: Slot) -> &mut Entry {
        &mut self.chunks[slot / CHUNK][slot % CHUNK]
    }
}
