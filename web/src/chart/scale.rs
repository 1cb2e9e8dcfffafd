//! From values to pixels, and the round values to mark.

/// A linear scale from a domain of values to a range of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
}

impl Scale {
    /// A domain without extent is drawn in the middle of the range.
    pub fn new(domain: (f64, f64), range: (f64, f64)) -> Scale {
        Scale { domain, range }
    }

    /// The pixel of a value.
    pub fn pixel(&self, value: f64) -> f64 {
        let ((low, high), (start, end)) = (self.domain, self.range);
        if high == low {
            return (start + end) / 2.0;
        }
        start + (value - low) / (high - low) * (end - start)
    }
}

/// How close together marks may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Whole numbers only: half a click means nothing.
    Whole,
    /// Any.
    Any,
}

/// Round marks from zero to at least `highest`, about `wanted` of them, in steps of 1, 2 or 5 times a power of ten.
///
/// The axis begins at zero, so that lengths can be compared.
pub fn ticks(highest: f64, wanted: usize, step: Step) -> Vec<f64> {
    let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
    let rough = highest / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = match rough / power {
        ratio if ratio <= 1.0 => 1.0,
        ratio if ratio <= 2.0 => 2.0,
        ratio if ratio <= 5.0 => 5.0,
        _ => 10.0,
    };
    let width = match step {
        Step::Whole => (factor * power).max(1.0),
        Step::Any => factor * power,
    };
    let count = (highest / width - 1e-9).ceil().max(1.0) as usize;
    (0..=count).map(|index| index as f64 * width).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn ticks_are_round_and_cover_the_highest_value() {
        fn check(highest: f64, step: Step, expected: &[f64]) {
            let ticks = ticks(highest, 4, step);
            assert_eq!(ticks.len(), expected.len(), "{highest}: {ticks:?}");
            for (tick, expected) in ticks.iter().zip(expected) {
                assert!((tick - expected).abs() < 1e-9, "{highest}: {ticks:?}");
            }
        }
        check(100.0, Step::Whole, &[0.0, 50.0, 100.0]);
        check(80.0, Step::Whole, &[0.0, 20.0, 40.0, 60.0, 80.0]);
        check(81.0, Step::Whole, &[0.0, 50.0, 100.0]);
        check(3.0, Step::Whole, &[0.0, 1.0, 2.0, 3.0]);
        check(1.0, Step::Whole, &[0.0, 1.0]);
        check(0.035, Step::Any, &[0.0, 0.01, 0.02, 0.03, 0.04]);
        check(0.0, Step::Whole, &[0.0, 1.0]);
        check(f64::NAN, Step::Whole, &[0.0, 1.0]);
        check(f64::INFINITY, Step::Whole, &[0.0, 1.0]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn ticks_cover_whatever_comes() {
        for exponent in -6..16 {
            for mantissa in [1.0, 1.5, 2.0, 3.7, 5.0, 9.99] {
                let highest = mantissa * 10_f64.powi(exponent);
                let ticks = ticks(highest, 4, Step::Any);
                assert!((2..=7).contains(&ticks.len()), "{highest}: {ticks:?}");
                assert!(ticks.last().unwrap() >= &(highest * (1.0 - 1e-9)), "{highest}: {ticks:?}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_become_pixels() {
        let scale = Scale::new((0.0, 10.0), (200.0, 0.0));
        assert_eq!(scale.pixel(0.0), 200.0);
        assert_eq!(scale.pixel(2.5), 150.0);
        assert_eq!(scale.pixel(10.0), 0.0);
        assert_eq!(Scale::new((3.0, 3.0), (0.0, 100.0)).pixel(3.0), 50.0);
    }
}
