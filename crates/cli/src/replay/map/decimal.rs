//! Exact decimal numbers: money must not pass through floats.

use std::cmp::Ordering;

/// A decimal number: `digits` times ten to the power of `exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: i128,
    exponent: i32,
}

/// More digits than this are an error: they could overflow, and no amount or time has them.
const MAX_DIGITS: usize = 30;

/// Ten to a higher power than this does not fit an i128 anyway.
const MAX_EXPONENT: i32 = 38;

/// Which sign parts the fraction from the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Point {
    /// `1,234.50`
    #[default]
    Dot,
    /// `1.234,50`
    Comma,
}

/// What happens to what is finer than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest, halves away from zero: money.
    Nearest,
    /// To the whole number below: times.
    Down,
}

impl Decimal {
    /// One.
    pub(crate) const ONE: Decimal = Decimal { digits: 1, exponent: 0 };

    /// Reads `-1,234.50` or `1e-05`; groups of digits may be parted by the other sign, by spaces, or by `'`.
    pub(crate) fn parse(text: &str, point: Point) -> Option<Self> {
        let (point, group) = match point {
            Point::Dot => ('.', ','),
            Point::Comma => (',', '.'),
        };
        let text = text.trim();
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = mantissa.split_once(point).unwrap_or((mantissa, ""));
        let whole: String =
            whole.chars().filter(|c| *c != group && !matches!(c, ' ' | '\'' | '\u{a0}')).collect();
        // Zeros at the end of the fraction say nothing and would only fill the digits.
        let fraction = fraction.trim_end_matches('0');
        let all = format!("{whole}{fraction}");
        if (whole.is_empty() && mantissa.len() < 2) || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        if significant.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
            return None;
        }
        let digits = if significant.is_empty() { 0 } else { significant.parse::<i128>().ok()? };
        let exponent = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Self { digits: if negative { -digits } else { digits }, exponent })
    }

    /// Which is larger, where both can be brought to one exponent without overflow.
    pub(crate) fn compare(self, other: Decimal) -> Option<Ordering> {
        let exponent = self.exponent.min(other.exponent);
        let aligned = |number: Decimal| {
            let up = power_of_ten(number.exponent.checked_sub(exponent)?)?;
            number.digits.checked_mul(up)
        };
        Some(aligned(self)?.cmp(&aligned(other)?))
    }

    /// The product with `scale` as a whole number; `None` when it does not fit.
    pub(crate) fn scaled(self, scale: Decimal, rounding: Rounding) -> Option<i64> {
        let digits = self.digits.checked_mul(scale.digits)?;
        let exponent = self.exponent.checked_add(scale.exponent)?;
        if digits == 0 {
            return Some(0);
        }
        let whole = if exponent >= 0 {
            digits.checked_mul(power_of_ten(exponent)?)?
        } else {
            // A divisor that does not fit is larger than twice any number that does.
            let divisor = power_of_ten(exponent.checked_neg()?).unwrap_or(i128::MAX);
            match rounding {
                Rounding::Down => digits.div_euclid(divisor),
                Rounding::Nearest => {
                    let half = divisor / 2;
                    digits.checked_add(if digits < 0 { -half } else { half })? / divisor
                }
            }
        };
        i64::try_from(whole).ok()
    }
}

fn power_of_ten(exponent: i32) -> Option<i128> {
    if exponent > MAX_EXPONENT {
        return None;
    }
    10i128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, point: Point, scale: &str, expected: Option<i64>) {
        let scale = Decimal::parse(scale, Point::Dot).unwrap();
        let scaled = Decimal::parse(text, point).and_then(|number| number.scaled(scale, Rounding::Nearest));
        assert_eq!(scaled, expected, "{text} x {scale:?}");
    }

    #[test]
    fn money_becomes_micros_exactly() {
        check("12.34", Point::Dot, "1000000", Some(12_340_000));
        check("0.1", Point::Dot, "1e6", Some(100_000));
        check("-0.000001", Point::Dot, "1e6", Some(-1));
        check("1,234.50", Point::Dot, "1e6", Some(1_234_500_000));
        check("1.234,50", Point::Comma, "1e6", Some(1_234_500_000));
        check("1 234", Point::Dot, "1", Some(1_234));
        check("1e-05", Point::Dot, "1e6", Some(10));
        check("0.0000005", Point::Dot, "1e6", Some(1));
        check("0.0000004", Point::Dot, "1e6", Some(0));
        check("-0.0000005", Point::Dot, "1e6", Some(-1));
        check("9223372036854.775807", Point::Dot, "1e6", Some(i64::MAX));
        check("9223372036854.775808", Point::Dot, "1e6", None);
        check("150", Point::Dot, "0.01", Some(2));
        check("0.10000000000000000000000000000000000", Point::Dot, "10", Some(1));
        check("1e-300", Point::Dot, "1", Some(0));
        check("1e300", Point::Dot, "1", None);
        check("0e300", Point::Dot, "1", Some(0));
        check(".5", Point::Dot, "2", Some(1));
        check("5.", Point::Dot, "2", Some(10));
    }

    #[test]
    fn times_are_cut_off() {
        #[track_caller]
        fn check(text: &str, expected: i64) {
            let number = Decimal::parse(text, Point::Dot).unwrap();
            assert_eq!(number.scaled(Decimal::ONE, Rounding::Down), Some(expected));
        }
        check("1.999", 1);
        check("-0.001", -1);
        check("-1e-300", -1);
        check("1e-300", 0);
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", ".", "abc", "1.2.3", "--1", "1e", "0x10", "NaN", "١"] {
            check(text, Point::Dot, "1", None);
        }
    }
}
