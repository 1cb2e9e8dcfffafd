//! Filters: whether a key may be in a run. There are no false noes, and about one false yes in two hundred.
//!
//! A split block Bloom filter, as in Apache Parquet (Bloom filter specification; Putze, Sanders and Singler 2007):
//! eight bits in one block of 32 bytes a key, so that a look costs one place in memory.

use crate::varint::{self, Reader};

/// Bits a key: 12 give a false yes in about two hundred looks.
const BITS_PER_KEY: usize = 12;
/// Words of a block.
const WORDS: usize = 8;
/// The odd constants of the specification, one a word.
const SALTS: [u32; WORDS] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// A set of keys, approximately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::link) struct Filter {
    blocks: Vec<[u32; WORDS]>,
}

impl Filter {
    /// An empty filter with room for so many keys.
    pub(super) fn for_keys(count: usize) -> Self {
        let blocks = (count * BITS_PER_KEY).div_ceil(32 * WORDS).max(1);
        Self { blocks: vec![[0; WORDS]; blocks] }
    }

    pub(super) fn add(&mut self, key: u64) {
        let (block, bits) = self.place(key);
        for (word, bit) in self.blocks[block].iter_mut().zip(bits) {
            *word |= bit;
        }
    }

    /// Whether the key may be in the set.
    pub(in crate::link) fn has(&self, key: u64) -> bool {
        if self.blocks.is_empty() {
            return false;
        }
        let (block, bits) = self.place(key);
        self.blocks[block].iter().zip(bits).all(|(word, bit)| word & bit != 0)
    }

    /// How many keys it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.len() * 32 * WORDS / BITS_PER_KEY
    }

    pub(super) fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<[u32; WORDS]>()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        varint::write(out, self.blocks.len() as u64);
        self.blocks.iter().flatten().for_each(|word| out.extend(word.to_le_bytes()));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.count(from.len() / (4 * WORDS))?;
        let bytes = from.take(count * 4 * WORDS)?;
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let block = |bytes: &[u8]| {
            let mut block = [0; WORDS];
            block.iter_mut().zip(bytes.chunks_exact(4)).for_each(|(to, from)| *to = word(from));
            block
        };
        Some(Self { blocks: bytes.chunks_exact(4 * WORDS).map(block).collect() })
    }

    fn place(&self, key: u64) -> (usize, [u32; WORDS]) {
        // Keys are hashes, but not all of them of ours: the finalizer of MurmurHash3 spreads what is left uneven.
        let mut hash = key;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^= hash >> 33;
        let block = ((hash >> 32) * self.blocks.len() as u64) >> 32;
        let low = hash as u32;
        (block as usize, SALTS.map(|salt| 1 << (low.wrapping_mul(salt) >> 27)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let mut filter = Filter::for_keys(10_000);
        (0..10_000).for_each(|key| filter.add(key));
        assert!((0..10_000).all(|key| filter.has(key)));
        let wrong = (10_000..110_000).filter(|key| filter.has(*key)).count();
        assert!(wrong < 1_000, "{wrong} of 100,000");
        let mut bytes = Vec::new();
        filter.write(&mut bytes);
        assert_eq!(Filter::read(&mut Reader::new(&bytes)), Some(filter));
        assert!(Filter::read(&mut Reader::new(&bytes[..bytes.len() - 1])).is_none());
        assert!(!Filter::default().has(7));
    }
}
