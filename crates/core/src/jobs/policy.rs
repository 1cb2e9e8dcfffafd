//! How often a task is tried, and how long it may take.

use crate::time::{MINUTE_MS, SECOND_MS};

/// What a task is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How often it may fail before it has failed for good, at least 1.
    pub attempts: u32,
    /// How long an attempt may take.
    pub timeout_ms: i64,
    /// How long to wait after the first failure; twice as long each time.
    pub backoff_ms: i64,
    /// The longest such wait.
    pub max_backoff_ms: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts: 4, timeout_ms: 10 * MINUTE_MS, backoff_ms: SECOND_MS, max_backoff_ms: MINUTE_MS }
    }
}

impl Policy {
    /// How long to wait after so many failures in a row, before any jitter.
    pub fn backoff(&self, failures: u32) -> i64 {
        let factor = 1_i64 << failures.saturating_sub(1).min(30);
        self.backoff_ms.saturating_mul(factor).min(self.max_backoff_ms)
    }
}

/// Something between half and all of a wait, so that those that failed together do not try again together. The same
/// seed gives the same.
pub fn jittered(wait_ms: i64, seed: u64) -> i64 {
    // SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let half = wait_ms / 2;
    wait_ms - (z % (half.unsigned_abs() + 1)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let policy = Policy::default();
        let waits: Vec<i64> = (1..=9).map(|failures| policy.backoff(failures) / SECOND_MS).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(policy.backoff(u32::MAX), MINUTE_MS);
    }

    #[test]
    fn jitter_takes_at_most_half() {
        let jitters: Vec<i64> = (0..200).map(|seed| jittered(1_000, seed)).collect();
        assert!(jitters.iter().all(|wait| (500..=1_000).contains(wait)));
        assert!(jitters.iter().min().unwrap() < &550 && jitters.iter().max().unwrap() > &950);
        assert_eq!((jittered(0, 7), jittered(1, 7)), (0, 1));
    }
}
