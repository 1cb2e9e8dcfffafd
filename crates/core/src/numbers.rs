//! Numbers for keys, in the order in which they come first.

/// A key that is found by hash.
pub(crate) trait Hashed: Copy + Eq {
    /// All bits of it depend on all bits of the key.
    fn hash(&self) -> u64;
}

/// Different keys, numbered as they come.
///
/// The keys are codes and times rather than texts of a sender, so nobody outside chooses which of them collide.
#[derive(Debug)]
pub(crate) struct Numbers<K> {
    keys: Vec<K>,
    /// One more than the number of a key, 0 where free; a power of two of them, at least twice as many as keys.
    slots: Vec<u32>,
}

/// Slots of a table with its first key.
const FIRST_SLOTS: usize = 1 << 10;

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), slots: Vec::new() }
    }
}

impl<K: Hashed> Numbers<K> {
    /// The different keys by number.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// The number of a key; a new one gets the next.
    pub(crate) fn number(&mut self, key: K) -> u32 {
        if 2 * (self.keys.len() + 1) > self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = key.hash() as usize & mask;
        loop {
            match self.slots[slot] {
                0 => {
                    self.keys.push(key);
                    // One number per row that is in memory: there are no 2^32.
                    self.slots[slot] = self.keys.len() as u32;
                    return self.slots[slot] - 1;
                }
                taken if self.keys[taken as usize - 1] == key => return taken - 1,
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let len = (4 * self.slots.len()).max(FIRST_SLOTS);
        self.slots.clear();
        self.slots.resize(len, 0);
        for (place, key) in (1..).zip(&self.keys) {
            let mut slot = key.hash() as usize & (len - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (len - 1);
            }
            self.slots[slot] = place;
        }
    }
}

impl Hashed for u64 {
    fn hash(&self) -> u64 {
        fold(self.wrapping_mul(FACTOR))
    }
}

impl Hashed for u32 {
    fn hash(&self) -> u64 {
        fold(u64::from(*self).wrapping_mul(FACTOR))
    }
}

impl<const N: usize> Hashed for [u32; N] {
    fn hash(&self) -> u64 {
        let (pairs, rest) = self.as_chunks::<2>();
        let pairs = pairs.iter().map(|[a, b]| u64::from(*a) << 32 | u64::from(*b));
        let words = pairs.chain(rest.iter().map(|one| u64::from(*one)));
        fold(words.fold(0, |hash: u64, word| (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR)))
    }
}

/// An odd number near 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Lets the high bits of a product, which depend on all bits, into the low ones.
fn fold(product: u64) -> u64 {
    product ^ product >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_number() {
        let mut numbers = Numbers::default();
        for round in 0..2 {
            for n in 0..5_000u32 {
                assert_eq!(numbers.number([n % 7, 0, n, 1 << 31]), n, "round {round}");
            }
        }
        assert_eq!(numbers.keys().len(), 5_000);
        assert_eq!(numbers.keys()[8], [1, 0, 8, 1 << 31]);
    }
}
