//! Records, and batches of them in the format of Kafka 0.11 and later (magic 2).

use crate::octets::Writer;

/// The most bytes of the values and keys of a batch: a broker takes 1,048,588 by default.
pub const MAX_BATCH_BYTES: usize = 700_000;

/// The format of batches.
const MAGIC: i8 = 2;
/// Where the checksum stands, and what it is of follows.
const CRC_AT: usize = 17;

/// What a consumer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What compaction and consumers tell records apart by.
    pub key: Vec<u8>,
    /// The message.
    pub value: Vec<u8>,
    /// By name.
    pub headers: Vec<(&'static str, Vec<u8>)>,
}

/// Records that are stored together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    /// Whose.
    pub producer_id: i64,
    /// Of which life of its.
    pub producer_epoch: i16,
    /// The number of the first record; the others follow.
    pub base_sequence: i32,
    /// When they were first sent, in ms since 1970; the same whenever they are sent again.
    pub timestamp_ms: i64,
    /// At least one.
    pub records: Vec<Record>,
}

impl RecordBatch {
    /// The bytes: the same for the same batch.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Writer::default();
        let last = self.records.len().saturating_sub(1);
        // No compression, time of the producer, no transaction.
        body.i16(0);
        body.length(last);
        body.i64(self.timestamp_ms);
        body.i64(self.timestamp_ms);
        body.i64(self.producer_id);
        body.i16(self.producer_epoch);
        body.i32(self.base_sequence);
        body.length(self.records.len());
        let mut one = Writer::default();
        for (offset, record) in self.records.iter().enumerate() {
            one.bytes.clear();
            record.write(offset, &mut one);
            body.varint_octets(&one.bytes);
        }
        let mut batch = Writer::default();
        batch.i64(0);
        // What follows the length: partition leader epoch, magic, checksum, body.
        batch.length(CRC_AT + 4 - 12 + body.bytes.len());
        batch.i32(-1);
        batch.i8(MAGIC);
        batch.bytes.extend(crc32c::crc32c(&body.bytes).to_be_bytes());
        batch.bytes.extend(body.bytes);
        batch.bytes
    }
}

impl Record {
    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
        self.key.len() + self.value.len() + headers.sum::<usize>() + 16
    }

    fn write(&self, offset: usize, writer: &mut Writer) {
        writer.i8(0);
        // Of the same time as the batch.
        writer.varint(0);
        writer.varint(offset as i64);
        writer.varint_octets(&self.key);
        writer.varint_octets(&self.value);
        writer.varint(self.headers.len() as i64);
        for (name, value) in &self.headers {
            writer.varint_octets(name.as_bytes());
            writer.varint_octets(value);
        }
    }
}

/// The partition of a key, as the usual producers choose it: murmur2, modulo; `None` where there are no partitions.
pub fn partition_of(key: &[u8], partitions: usize) -> Option<usize> {
    ((murmur2(key) & 0x7fff_ffff) as usize).checked_rem(partitions)
}

fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    for (place, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * place);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the test of Kafka's own partitioner.
    #[test]
    fn murmur2_of_others() {
        let check = |key: &str, expected: i32| assert_eq!(murmur2(key.as_bytes()) as i32, expected, "{key}");
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("a-little-bit-longer-string", -1_486_304_829);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
        assert_eq!(partition_of(b"abc", 0), None);
        assert_eq!(partition_of(b"foobar", 6), Some((-790_332_482i32 & 0x7fff_ffff) as usize % 6));
    }
}
