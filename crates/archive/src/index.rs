//! The names of a merged file, in a twentieth of its bytes.
//!
//! Whoever looks for an event by its name, on whatever day it is, would have to read all files of some weeks for it. An
//! index lies beside a merged file and says of nearly all of these names that they are not there. It is an aid and
//! nothing else: where there is none, or none of this very file, the file is opened.
//!
//! ```text
//! "ADNI" version=1 | SHA-256 of the file | list of own names | list of parents' names | checksum
//! list: count, bits of a remainder, bytes, then the gaps between the first 40 bits of each hash (Rice 1971)
//! ```
//!
//! Of `n` names one that is not there is taken for one of them with a probability of n / 2^40.

use adtally_wire::batch::ArchiveFile;
use sha2::{Digest, Sha256};

use crate::{Named, PREFIX};

const HEAD: [u8; 5] = *b"ADNI\x01";
/// Bits of a hash that are kept.
const BITS: u32 = 40;
const SHA256_BYTES: usize = 32;
/// Bytes of the checksum at the end.
const CHECK_BYTES: usize = 8;
/// Bytes before the gaps of a list.
const LIST_BYTES: usize = 9;

/// Under which indexes lie: not among the files that other engines read.
const FOLDER: &str = "names/";

/// Where the index of a file of the archive lies.
pub fn index_key(key: &str) -> String {
    format!("{FOLDER}{}", key.strip_prefix(PREFIX).unwrap_or(key))
}

/// The hashes of the names in a file, as they come.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) own: Vec<u64>,
    pub(crate) parents: Vec<u64>,
}

impl Names {
    /// The index of the file with this checksum.
    pub(crate) fn encode(self, sha256: &[u8; SHA256_BYTES]) -> Vec<u8> {
        let mut bytes = HEAD.to_vec();
        bytes.extend(sha256);
        write(&mut bytes, self.own);
        write(&mut bytes, self.parents);
        let check = check_of(&bytes);
        bytes.extend(check);
        bytes
    }
}

/// An index that is read.
#[derive(Debug)]
pub struct Index<'a> {
    own: List<'a>,
    parents: List<'a>,
}

/// The gaps of a list.
#[derive(Debug, Clone, Copy)]
struct List<'a> {
    count: u32,
    remainder_bits: u32,
    bytes: &'a [u8],
}

impl<'a> Index<'a> {
    /// The index of this file; `None` where the bytes are damaged, of another version, or of another file.
    pub fn of(bytes: &'a [u8], file: &ArchiveFile) -> Option<Self> {
        let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
        let lists = body.strip_prefix(&HEAD)?.strip_prefix(&file.sha256)?;
        if check_of(body) != check {
            return None;
        }
        let (own, rest) = List::read(lists)?;
        let (parents, rest) = List::read(rest)?;
        rest.is_empty().then_some(Self { own, parents })
    }

    /// Whether any of these names may be in the file; they ascend.
    pub fn may_have_any(&self, by: Named, sought: &[u64]) -> bool {
        let list = match by {
            Named::Own => self.own,
            Named::Parent => self.parents,
        };
        let mut sought = sought.iter().map(|name| name >> (u64::BITS - BITS)).peekable();
        for known in list.names() {
            while sought.next_if(|name| *name < known).is_some() {}
            match sought.peek() {
                None => return false,
                Some(name) if *name == known => return true,
                Some(_) => {}
            }
        }
        false
    }
}

fn check_of(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let digest: [u8; SHA256_BYTES] = Sha256::digest(bytes).into();
    std::array::from_fn(|at| digest[at])
}

fn write(bytes: &mut Vec<u8>, mut names: Vec<u64>) {
    names.iter_mut().for_each(|name| *name >>= u64::BITS - BITS);
    names.sort_unstable();
    names.dedup();
    // The gaps are of about the same size, so a remainder of as many bits as their mean has is close to the least.
    let mean = (1u64 << BITS) / (names.len() as u64).max(1);
    let remainder_bits = mean.max(1).ilog2();
    let mut gaps = Gaps::default();
    let mut before = 0;
    for name in &names {
        gaps.push(name - before, remainder_bits);
        before = *name;
    }
    bytes.extend((names.len() as u32).to_le_bytes());
    bytes.push(remainder_bits as u8);
    bytes.extend((gaps.bytes.len() as u32).to_le_bytes());
    bytes.extend(gaps.bytes);
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Gaps {
    bytes: Vec<u8>,
    /// How many bits of the last byte are taken; 0: all.
    used: u32,
}

impl Gaps {
    /// The quotient as so many zeros and a one, then the remainder.
    fn push(&mut self, gap: u64, remainder_bits: u32) {
        (0..gap >> remainder_bits).for_each(|_| self.bit(false));
        self.bit(true);
        (0..remainder_bits).for_each(|place| self.bit(gap >> place & 1 == 1));
    }

    fn bit(&mut self, is_set: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(is_set) << self.used;
        }
        self.used = (self.used + 1) % u8::BITS;
    }
}

impl<'a> List<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(LIST_BYTES)?;
        let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let (count, remainder_bits) = (number(0)?, u32::from(head[4]));
        let (bytes, rest) = rest.split_at_checked(number(5)? as usize)?;
        (remainder_bits <= BITS).then_some((Self { count, remainder_bits, bytes }, rest))
    }

    /// The first bits of its names, ascending.
    fn names(self) -> impl Iterator<Item = u64> + 'a {
        let (mut name, mut at) = (0u64, 0usize);
        (0..self.count).map_while(move |_| {
            let mut quotient = 0;
            loop {
                let ahead = self.window(at)?;
                if ahead != 0 {
                    quotient += u64::from(ahead.trailing_zeros());
                    at += ahead.trailing_zeros() as usize + 1;
                    break;
                }
                quotient += u64::from(WINDOW_BITS);
                at += WINDOW_BITS as usize;
            }
            let remainder = self.window(at)? & ((1u64 << self.remainder_bits) - 1);
            at += self.remainder_bits as usize;
            name = name.checked_add(quotient.checked_shl(self.remainder_bits)? | remainder)?;
            Some(name)
        })
    }

    /// The bits from a place on; zeros behind the end, and `None` where that is passed.
    fn window(self, at: usize) -> Option<u64> {
        let start = at / 8;
        if at > 8 * self.bytes.len() {
            return None;
        }
        let word = match self.bytes.get(start..start + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().ok()?),
            None => {
                let bytes = self.bytes[start..].iter().rev();
                bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
            }
        };
        Some((word >> (at % 8)) & ((1u64 << WINDOW_BITS) - 1))
    }
}

/// Bits that are looked at together: those of eight bytes, but for those of a byte that are behind.
const WINDOW_BITS: u32 = 56;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(sha256: [u8; 32]) -> ArchiveFile {
        let (from_row, to_row, received_ms) = (0, 0, (0, 0));
        let key = "raw/a/b.parquet".to_owned();
        ArchiveFile {
            key,
            day: 0,
            from_row,
            to_row,
            entries: 0,
            bytes: 0,
            sha256,
            groups: (0, 0),
            received_ms,
        }
    }

    proptest! {
        /// What is there is never denied, and what is told of the rest is what the first bits say.
        #[test]
        fn whatever_the_names(
            own in prop::collection::vec(prop_oneof![any::<u64>(), (0u64..5).prop_map(|few| few << 24)], 0..300),
            parents in prop::collection::vec(any::<u64>(), 0..4),
            strangers in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let bytes = Names { own: own.clone(), parents: parents.clone() }.encode(&[7; 32]);
            let file = file([7; 32]);
            let index = Index::of(&bytes, &file).unwrap();
            for (by, names) in [(Named::Own, &own), (Named::Parent, &parents)] {
                for sought in names.iter().chain(&strangers) {
                    let is_there = names.iter().any(|name| name >> 24 == sought >> 24);
                    prop_assert_eq!(index.may_have_any(by, &[*sought]), is_there);
                }
                let mut sought = strangers.clone();
                sought.sort_unstable();
                let any = sought.iter().any(|sought| names.iter().any(|name| name >> 24 == sought >> 24));
                prop_assert_eq!(index.may_have_any(by, &sought), any);
                prop_assert!(!index.may_have_any(by, &[]));
            }
        }

        #[test]
        fn damaged_ones_are_none(
            own in prop::collection::vec(any::<u64>(), 0..50),
            at in any::<prop::sample::Index>(),
            bit in 0u32..8,
            len in any::<prop::sample::Index>(),
        ) {
            let bytes = Names { own, parents: vec![] }.encode(&[7; 32]);
            let mut damaged = bytes.clone();
            damaged[at.index(bytes.len())] ^= 1 << bit;
            prop_assert!(Index::of(&damaged, &file([7; 32])).is_none());
            prop_assert!(Index::of(&bytes[..len.index(bytes.len())], &file([7; 32])).is_none());
            prop_assert!(Index::of(&bytes, &file([8; 32])).is_none());
        }
    }

    /// Lists that nobody would write, under a right checksum: no panic, whatever they say.
    #[test]
    fn impossible_lists_are_read_to_their_end() {
        for remainder_bits in [0u8, 40, 41, 255] {
            for gaps in [vec![], vec![0u8; 40], vec![255u8; 40], vec![1, 0, 0, 0, 0, 0, 0, 0, 0]] {
                let mut bytes = HEAD.to_vec();
                bytes.extend([7; 32]);
                for _ in 0..2 {
                    bytes.extend(u32::MAX.to_le_bytes());
                    bytes.push(remainder_bits);
                    bytes.extend((gaps.len() as u32).to_le_bytes());
                    bytes.extend(&gaps);
                }
                let check = check_of(&bytes);
                bytes.extend(check);
                if let Some(index) = Index::of(&bytes, &file([7; 32])) {
                    index.may_have_any(Named::Own, &[u64::MAX]);
                }
            }
        }
    }

    #[test]
    fn a_name_takes_three_bytes() {
        let own: Vec<u64> = (0..125_000u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let bytes = Names { own, parents: vec![] }.encode(&[0; 32]);
        assert!(bytes.len() < 125_000 * 26 / 8, "{}", bytes.len());
    }

    #[test]
    fn keys() {
        assert_eq!(index_key("raw/advertiser=a/x.parquet"), "names/advertiser=a/x.parquet");
    }
}
