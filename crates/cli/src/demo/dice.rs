//! Chance that comes out the same every time: SplitMix64 (Steele, Lea, Flood, 2014).

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of one thing, named by numbers; different names give unrelated dice.
    pub(crate) fn of(name: &[u64]) -> Self {
        let mut dice = Self(0);
        for part in name {
            dice.0 ^= *part;
            dice.0 = dice.next();
        }
        dice
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn percent(&mut self, percent: f64) -> bool {
        self.fraction() * 100.0 < percent
    }

    /// From `low` up to, but not including, `high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.fraction() * (high - low) as f64) as i64
    }

    /// Mostly near `low`, now and then near `high`: waiting times.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        low + (self.fraction().powi(3) * (high - low) as f64) as i64
    }

    /// One of `items`, by weight; there must be one.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: u32 = items.iter().map(&weight).sum();
        let mut left = self.fraction() * f64::from(total);
        for item in items {
            left -= f64::from(weight(item));
            if left < 0.0 {
                return item;
            }
        }
        // Rounding may leave a sliver after the last weight.
        &items[items.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_sequence() {
        // The first outputs of SplitMix64 for the seed 1234567, as published with it.
        let mut dice = Dice(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([dice.next(), dice.next(), dice.next()], expected);
    }

    #[test]
    fn weights() {
        let mut dice = Dice::of(&[1, 2]);
        let items = [("never", 0), ("seldom", 1), ("often", 9)];
        let picked: Vec<_> = (0..10_000).map(|_| dice.pick(&items, |item| item.1).0).collect();
        let count = |name| picked.iter().filter(|picked| **picked == name).count();
        assert_eq!(count("never"), 0);
        assert!((800..1_200).contains(&count("seldom")), "{}", count("seldom"));
    }
}
