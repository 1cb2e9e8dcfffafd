//! Exact decimals.

use std::cmp::Ordering;
use std::fmt;

use crate::error::{Code, Result, SqlError};

/// The most digits behind the point: with them, products of sums of micros still fit.
pub(crate) const MAX_SCALE: u8 = 18;

/// `mantissa` / 10^`scale`.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    /// All digits.
    pub mantissa: i128,
    /// How many of them are behind the point.
    pub scale: u8,
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self { mantissa: number.into(), scale: 0 }
    }
}

impl Decimal {
    /// Reads digits with at most one point; none for anything else.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + part.len() == 0 || !is_digits(whole) || !is_digits(part) {
            return None;
        }
        let scale = u8::try_from(part.len()).ok().filter(|scale| *scale <= MAX_SCALE)?;
        let mantissa = format!("{whole}{part}").parse::<i128>().ok()?;
        Some(Decimal { mantissa: sign * mantissa, scale })
    }

    /// The nearest double.
    pub(crate) fn to_f64(self) -> f64 {
        // Both are exact up to 2^53, and the quotient is then the nearest double.
        self.mantissa as f64 / 10f64.powi(self.scale.into())
    }

    /// The same number, or the nearest, with so many digits behind the point; halves go away from zero.
    pub(crate) fn rescale(self, scale: u8) -> Result<Decimal> {
        let mantissa = match scale.cmp(&self.scale) {
            Ordering::Equal => self.mantissa,
            Ordering::Greater => {
                let factor = 10i128.pow(u32::from(scale - self.scale));
                self.mantissa.checked_mul(factor).ok_or_else(overflow)?
            }
            Ordering::Less => {
                let divisor = 10i128.pow(u32::from(self.scale - scale));
                let half = divisor / 2 * self.mantissa.signum();
                (self.mantissa.checked_add(half).ok_or_else(overflow)?) / divisor
            }
        };
        Ok(Decimal { mantissa, scale })
    }

    pub(crate) fn add(self, other: Decimal) -> Result<Decimal> {
        let scale = self.scale.max(other.scale);
        let (one, other) = (self.rescale(scale)?, other.rescale(scale)?);
        let mantissa = one.mantissa.checked_add(other.mantissa).ok_or_else(overflow)?;
        Ok(Decimal { mantissa, scale })
    }

    pub(crate) fn negate(self) -> Decimal {
        Decimal { mantissa: self.mantissa.wrapping_neg(), scale: self.scale }
    }

    pub(crate) fn multiply(self, other: Decimal) -> Result<Decimal> {
        let mantissa = self.mantissa.checked_mul(other.mantissa).ok_or_else(overflow)?;
        let product = Decimal { mantissa, scale: self.scale + other.scale };
        product.rescale(product.scale.min(MAX_SCALE))
    }

    /// What is left of whole multiples; none of zero.
    pub(crate) fn remainder(self, other: Decimal) -> Result<Option<Decimal>> {
        let scale = self.scale.max(other.scale);
        let (one, other) = (self.rescale(scale)?, other.rescale(scale)?);
        let left = (other.mantissa != 0).then(|| one.mantissa % other.mantissa);
        Ok(left.map(|mantissa| Decimal { mantissa, scale }))
    }

    pub(crate) fn compare(&self, other: &Decimal) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.rescale(scale), other.rescale(scale)) {
            (Ok(one), Ok(other)) => one.mantissa.cmp(&other.mantissa),
            _ => self.to_f64().total_cmp(&other.to_f64()),
        }
    }

    /// Without zeros at the end.
    pub(crate) fn normal(self) -> (i128, u8) {
        let (mut mantissa, mut scale) = (self.mantissa, self.scale);
        while scale > 0 && mantissa % 10 == 0 {
            (mantissa, scale) = (mantissa / 10, scale - 1);
        }
        (mantissa, scale)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let scale = usize::from(self.scale);
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{part}")
    }
}

pub(crate) fn overflow() -> SqlError {
    SqlError::new(Code::Overflow, "a number is beyond what its type holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact() {
        let decimal = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(decimal("0.1").add(decimal("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(decimal("-1.50").multiply(decimal("2.5")).unwrap().to_string(), "-3.750");
        assert_eq!(decimal("-1.5").rescale(0).unwrap().to_string(), "-2");
        assert_eq!(decimal("7.5").remainder(decimal("2")).unwrap().unwrap().to_string(), "1.5");
        assert_eq!(decimal("1.50").normal(), decimal("1.5").normal());
        assert_eq!(decimal("1.5").compare(&decimal("1.50")), Ordering::Equal);
        assert_eq!(decimal("-.5").to_string(), "-0.5");
        for text in ["", ".", "1.2.3", "1e3", "0x1", "--1"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
