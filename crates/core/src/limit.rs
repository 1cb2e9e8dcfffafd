//! How often something may be done: a token bucket for each name, in bounded memory.
//!
//! A bucket holds `burst` tokens at most and gains `per_second` of them; what finds none has to wait.
//!
//! ```
//! use adtally_core::limit::{Buckets, Rate};
//! use adtally_core::time::ServerTime;
//!
//! let mut buckets = Buckets::new(Rate { per_second: 10, burst: 20 }, 100);
//! assert_eq!(buckets.take("acme", 20, ServerTime(0)), Ok(()));
//! assert_eq!(buckets.take("acme", 1, ServerTime(0)).unwrap_err().ms, 100);
//! assert_eq!(buckets.take("acme", 1, ServerTime(100)), Ok(()));
//! ```

use std::collections::BTreeMap;

use crate::time::{SECOND_MS, ServerTime};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a rest.
    pub burst: u32,
}

/// There is no token: the milliseconds until there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// At least 1.
    pub ms: i64,
}

/// Buckets by name.
#[derive(Debug)]
pub struct Buckets {
    rate: Rate,
    capacity: usize,
    known: BTreeMap<String, Bucket>,
}

/// Tokens are counted in thousandths, so that a millisecond brings a whole number of them.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    thousandths: i64,
    at: ServerTime,
}

impl Buckets {
    /// Full buckets of that rate; at most `capacity` are remembered.
    pub fn new(rate: Rate, capacity: usize) -> Self {
        Self { rate, capacity, known: BTreeMap::new() }
    }

    /// Takes `count` tokens out of the bucket of that name, or says how long it takes until they are there.
    ///
    /// More than a bucket can hold costs what it can hold, or else nobody could ever pay for it.
    pub fn take(&mut self, name: &str, count: u32, now: ServerTime) -> Result<(), Wait> {
        let (bucket, price) = (self.bucket(name, now), self.price(count));
        if let Err(wait) = self.pays(bucket, price) {
            self.known.insert(name.to_owned(), bucket);
            return Err(wait);
        }
        if !self.known.contains_key(name) && self.known.len() >= self.capacity {
            self.make_room(now);
        }
        self.known.insert(name.to_owned(), Bucket { thousandths: bucket.thousandths - price, at: now });
        Ok(())
    }

    /// Whether [`take`](Self::take) would succeed.
    pub fn check(&self, name: &str, count: u32, now: ServerTime) -> Result<(), Wait> {
        self.pays(self.bucket(name, now), self.price(count))
    }

    fn bucket(&self, name: &str, now: ServerTime) -> Bucket {
        let full = Bucket { thousandths: self.rate.full(), at: now };
        self.known.get(name).map_or(full, |known| known.filled(self.rate, now))
    }

    fn price(&self, count: u32) -> i64 {
        i64::from(count.min(self.rate.burst)) * SECOND_MS
    }

    fn pays(&self, bucket: Bucket, price: i64) -> Result<(), Wait> {
        let missing = price - bucket.thousandths;
        if missing <= 0 {
            return Ok(());
        }
        let per_ms = i64::from(self.rate.per_second.max(1));
        Err(Wait { ms: missing.div_euclid(per_ms) + i64::from(missing % per_ms != 0) })
    }

    /// How many buckets are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Forgets the buckets that are full by now, which is no loss; if there are none, all of them: whoever floods us
    /// with names must not fill the memory.
    fn make_room(&mut self, now: ServerTime) {
        let rate = self.rate;
        self.known.retain(|_, bucket| bucket.filled(rate, now).thousandths < rate.full());
        if self.known.len() >= self.capacity {
            self.known.clear();
        }
    }
}

impl Rate {
    fn full(self) -> i64 {
        i64::from(self.burst) * SECOND_MS
    }
}

impl Bucket {
    /// A clock that goes back brings nothing and takes nothing.
    fn filled(self, rate: Rate, now: ServerTime) -> Bucket {
        let passed = (now.0 - self.at.0).max(0);
        let gained = passed.saturating_mul(i64::from(rate.per_second));
        Bucket { thousandths: self.thousandths.saturating_add(gained).min(rate.full()), at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 4, burst: 8 };

    /// Takes in order; each entry is (ms, name, count, wait in ms or 0).
    fn check(capacity: usize, takes: &[(i64, &str, u32, i64)]) -> Buckets {
        let mut buckets = Buckets::new(RATE, capacity);
        for (index, (ms, name, count, wait)) in takes.iter().enumerate() {
            let checked = buckets.check(name, *count, ServerTime(*ms));
            let taken = buckets.take(name, *count, ServerTime(*ms));
            assert_eq!(taken, checked);
            assert_eq!(taken.map_or_else(|wait| wait.ms, |()| 0), *wait, "take {index}");
            assert!(buckets.len() <= capacity);
        }
        buckets
    }

    #[test]
    fn tokens() {
        check(
            9,
            &[(0, "a", 8, 0), (0, "a", 1, 250), (100, "a", 1, 150), (250, "a", 1, 0), (250, "a", 1, 250)],
        );
        // Names do not share a bucket, and a bucket is never more than full.
        check(9, &[(0, "a", 8, 0), (0, "b", 8, 0), (60_000, "a", 8, 0), (60_000, "a", 2, 500)]);
        // A refusal costs nothing.
        check(9, &[(0, "a", 6, 0), (0, "a", 4, 500), (0, "a", 2, 0)]);
        // More than a bucket holds.
        check(9, &[(0, "a", 1_000, 0), (0, "a", 1_000, 2_000), (2_000, "a", 1_000, 0)]);
        // A clock that goes back.
        check(9, &[(1_000, "a", 8, 0), (0, "a", 1, 250), (250, "a", 1, 0)]);
    }

    #[test]
    fn memory() {
        // Full buckets make room first: b is remembered.
        let takes = [(0, "a", 1, 0), (1_000, "b", 8, 0), (1_000, "c", 1, 0), (1_000, "b", 1, 250)];
        assert_eq!(check(2, &takes).len(), 2);
        // Nothing is full: all is forgotten.
        let takes = [(0, "a", 8, 0), (0, "b", 8, 0), (0, "c", 8, 0), (0, "b", 8, 0)];
        assert_eq!(check(2, &takes).len(), 2);
    }

    #[test]
    fn the_rate_is_kept() {
        let mut buckets = Buckets::new(RATE, 4);
        let taken = (0..100_000).filter(|ms| buckets.take("a", 1, ServerTime(*ms)).is_ok()).count();
        assert_eq!(taken, 8 + 4 * 100 - 1);
    }
}
