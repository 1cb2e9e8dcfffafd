//! How a figure has changed.

use adtally_core::report::Metric;

use crate::metric::{self, Sense};

/// A figure against the same figure of the period before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// There was nothing before.
    NothingBefore,
    /// It is this share more, or less when negative.
    By(f64),
}

/// How a change reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// For the better.
    Better,
    /// For the worse.
    Worse,
    /// Neither.
    Even,
}

impl Change {
    /// From `before` to `now`.
    pub fn between(before: Option<f64>, now: Option<f64>) -> Change {
        match (before, now) {
            (Some(before), Some(now)) if before != 0.0 => Change::By((now - before) / before.abs()),
            _ => Change::NothingBefore,
        }
    }

    /// How it reads for `metric`; less than half a per mille is written as 0 % and reads so.
    pub fn tone(self, metric: Metric) -> Tone {
        match (self, metric::sense(metric)) {
            (Change::NothingBefore, _) | (_, Sense::Neutral) => Tone::Even,
            (Change::By(by), _) if by.abs() < 0.000_5 => Tone::Even,
            (Change::By(by), Sense::Good) if by > 0.0 => Tone::Better,
            (Change::By(by), Sense::Bad) if by < 0.0 => Tone::Better,
            (Change::By(_), Sense::Good | Sense::Bad) => Tone::Worse,
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, COST};
    use adtally_core::report::Ratio;

    #[wasm_bindgen_test(unsupported = test)]
    fn changes() {
        fn check(before: Option<f64>, now: Option<f64>, expected: Change) {
            assert_eq!(Change::between(before, now), expected);
        }
        check(Some(100.0), Some(125.0), Change::By(0.25));
        check(Some(100.0), Some(0.0), Change::By(-1.0));
        check(Some(-4.0), Some(-2.0), Change::By(0.5));
        check(Some(0.0), Some(5.0), Change::NothingBefore);
        check(None, Some(5.0), Change::NothingBefore);
        check(Some(5.0), None, Change::NothingBefore);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_better_depends_on_the_metric() {
        fn check(metric: Metric, by: f64, expected: Tone) {
            assert_eq!(Change::By(by).tone(metric), expected, "{} {by}", metric.name());
        }
        check(CLICKS, 0.1, Tone::Better);
        check(CLICKS, -0.1, Tone::Worse);
        check(Metric::Ratio(Ratio::Cpa), 0.1, Tone::Worse);
        check(Metric::Ratio(Ratio::Cpa), -0.1, Tone::Better);
        check(COST, 0.1, Tone::Even);
        check(CLICKS, 0.000_4, Tone::Even);
        assert_eq!(Change::NothingBefore.tone(CLICKS), Tone::Even);
    }
}
