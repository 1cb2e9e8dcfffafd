//! Numbers for keys, in the order in which they come first.

/// A key that is found by hash.
pub(crate) trait Hashed: Copy + Eq {
    /// All bits of it depend on all bits of the key.
    fn hash(&self) -> u64;
}

/// Where entries with different keys are found that lie in the order in which they came.
///
/// The keys are codes and times rather than texts of a sender, so nobody outside chooses which of them collide.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// One more than the number of an entry, 0 where free; a power of two of them, at least twice as many as entries.
    slots: Vec<u32>,
}

impl Slots {
    /// The number of the entry with a key; a new one is made, and gets the next. `first` is how many slots a table has
    /// with its first key, a power of two.
    #[inline]
    pub(crate) fn number<K: Hashed, T>(
        &mut self,
        key: K,
        entries: &mut Vec<T>,
        key_of: impl Fn(&T) -> K,
        make: impl FnOnce() -> T,
        first: usize,
    ) -> u32 {
        if 2 * (entries.len() + 1) > self.slots.len() {
            self.grow(entries, &key_of, first);
        }
        let mask = self.slots.len() - 1;
        let mut slot = key.hash() as usize & mask;
        loop {
            match self.slots[slot] {
                0 => {
                    entries.push(make());
                    // One number per row that is in memory: there are no 2^32.
                    self.slots[slot] = entries.len() as u32;
                    return self.slots[slot] - 1;
                }
                taken if key_of(&entries[taken as usize - 1]) == key => return taken - 1,
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// What the slot says in which a key is looked for first: one more than a number, 0 where it is free.
    #[inline]
    pub(crate) fn first(&self, key: impl Hashed) -> u32 {
        self.slots.get(key.hash() as usize & self.slots.len().wrapping_sub(1)).copied().unwrap_or(0)
    }

    #[cold]
    fn grow<K: Hashed, T>(&mut self, entries: &[T], key_of: impl Fn(&T) -> K, first: usize) {
        let len = (4 * self.slots.len()).max(first);
        self.slots.resize(len, 0);
        self.enter(entries, key_of);
    }

    /// Enters all entries anew: their keys are others now.
    pub(crate) fn enter<K: Hashed, T>(&mut self, entries: &[T], key_of: impl Fn(&T) -> K) {
        self.slots.fill(0);
        let mask = self.slots.len().wrapping_sub(1);
        for (place, entry) in (1..).zip(entries) {
            let mut slot = key_of(entry).hash() as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = place;
        }
    }
}

/// Different keys, numbered as they come.
#[derive(Debug)]
pub(crate) struct Numbers<K> {
    keys: Vec<K>,
    slots: Slots,
}

/// Slots of a table with its first key.
const FIRST_SLOTS: usize = 1 << 10;

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), slots: Slots::default() }
    }
}

impl<K: Hashed> Numbers<K> {
    /// The different keys by number.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// The number of a key; a new one gets the next.
    pub(crate) fn number(&mut self, key: K) -> u32 {
        self.slots.number(key, &mut self.keys, |known| *known, || key, FIRST_SLOTS)
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
