//! Whether a text contains one of many fragments, in one pass over it.
//!
//! Each position's next three bytes are looked up in a bitmap of how fragments begin, after Wu and Manber's multi-pattern
//! search without its jumps: user agents are short, and nearly every position ends with one look at the bitmap.

/// How many bytes of a fragment the bitmap knows; no fragment is shorter.
const HEAD: usize = super::MIN_FRAGMENT_CHARS;
/// Bits of the bitmap: 8 kB.
const BITMAP_BITS: u32 = 16;

/// Lower-case fragments to be found in texts of any case.
#[derive(Debug)]
pub(super) struct Fragments {
    /// In bytewise order, so that those with one beginning are neighbours.
    sorted: Vec<String>,
    /// A bit for each hash of a beginning.
    begins: Vec<u64>,
}

impl Fragments {
    pub(super) fn new(mut fragments: Vec<String>) -> Self {
        fragments.retain(|fragment| fragment.len() >= HEAD);
        fragments.sort_unstable();
        fragments.dedup();
        let mut begins = vec![0; 1 << (BITMAP_BITS - u64::BITS.ilog2())];
        for fragment in &fragments {
            let hash = hash(fragment.bytes().take(HEAD).fold(0, appended));
            begins[hash / 64] |= 1 << (hash % 64);
        }
        Self { sorted: fragments, begins }
    }

    /// Whether one of them is in `text`; letters of ASCII are equal in both cases.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let mut head = 0;
        text.bytes().enumerate().any(|(at, byte)| {
            head = appended(head, byte.to_ascii_lowercase());
            let hash = hash(head);
            at + 1 >= HEAD
                && self.begins[hash / 64] & 1 << (hash % 64) != 0
                && self.one_begins(&text.as_bytes()[at + 1 - HEAD..])
        })
    }

    #[cold]
    fn one_begins(&self, rest: &[u8]) -> bool {
        let head: Vec<u8> = rest.iter().take(HEAD).map(u8::to_ascii_lowercase).collect();
        let first = self.sorted.partition_point(|fragment| fragment.as_bytes()[..HEAD] < head[..]);
        let alike = self.sorted[first..].iter().take_while(|fragment| fragment.as_bytes().starts_with(&head));
        alike.map(String::as_bytes).any(|fragment| {
            rest.get(..fragment.len()).is_some_and(|here| here.eq_ignore_ascii_case(fragment))
        })
    }
}

/// The last three bytes.
fn appended(head: u32, byte: u8) -> u32 {
    (head << 8 | u32::from(byte)) & 0x00ff_ffff
}

/// Fibonacci hashing, Knuth's multiplier.
fn hash(head: u32) -> usize {
    (head.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITMAP_BITS)) as usize
}
