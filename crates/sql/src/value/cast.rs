//! Values of one type as another.

use adtally_core::time::DAY_MS;

use super::decimal::{Decimal, overflow};
use super::time::{day_of, midnight, parse_date, parse_timestamp};
use super::{Type, Value};
use crate::error::{Code, Result, SqlError};

/// Whether values of one type can ever be cast to another.
pub(crate) fn is_possible(from: Type, to: Type) -> bool {
    match (from, to) {
        (Type::Users, _) | (_, Type::Users) => false,
        (one, other) if one == other => true,
        (Type::Nothing | Type::Text, to) => to != Type::Interval,
        (from, Type::Text) => from != Type::Interval,
        (Type::Boolean, to) => to.is_number(),
        (from, Type::Boolean) => from.is_number(),
        (from, to) => (from.is_number() && to.is_number()) || (from.is_time() && to.is_time()),
    }
}

/// The value as one of `to`; null stays null.
///
/// To an integer is rounded to the nearest, halves away from zero; a timestamp as a date loses its time.
pub(crate) fn cast(value: &Value, to: Type) -> Result<Value> {
    let bad = || {
        let text = format!("{:?} is no {}", value.to_string(), to.name());
        SqlError::new(Code::BadValue, text)
    };
    Ok(match (value, to) {
        (Value::Null, _) => Value::Null,
        (value, to) if value.ty() == to => value.clone(),
        (value, Type::Text) => Value::text(&value.to_string()),
        (Value::Text(text), to) => parse(text, to).ok_or_else(bad)?,
        (Value::Boolean(truth), to) => cast(&Value::Integer(i64::from(*truth)), to)?,
        (value, Type::Boolean) => Value::Boolean(value.number().ok_or_else(bad)? != 0.0),
        (Value::Decimal(decimal), Type::Integer) => {
            let whole = decimal.rescale(0)?.mantissa;
            Value::Integer(i64::try_from(whole).map_err(|_| overflow())?)
        }
        (Value::Double(number), Type::Integer) => {
            let rounded = number.round();
            // 2^63 is the first that does not fit.
            if !(-9.223_372_036_854_776e18..9.223_372_036_854_776e18).contains(&rounded) {
                return Err(overflow());
            }
            Value::Integer(rounded as i64)
        }
        (Value::Integer(number), Type::Decimal(scale)) => {
            Value::Decimal(Decimal::from(*number).rescale(scale)?)
        }
        (Value::Decimal(decimal), Type::Decimal(scale)) => Value::Decimal(decimal.rescale(scale)?),
        (Value::Double(number), Type::Decimal(scale)) => {
            let text = format!("{number:.*}", usize::from(scale));
            Value::Decimal(Decimal::parse(&text).ok_or_else(overflow)?)
        }
        (value, Type::Double) => Value::Double(value.number().ok_or_else(bad)?),
        (Value::Date(day), Type::Timestamp) => Value::Timestamp(midnight(*day)),
        (Value::Timestamp(ms), Type::Date) => Value::Date(day_of(*ms)),
        _ => return Err(bad()),
    })
}

fn parse(text: &str, to: Type) -> Option<Value> {
    let trimmed = text.trim();
    match to {
        Type::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(Value::Boolean(true)),
            "false" | "f" | "0" => Some(Value::Boolean(false)),
            _ => None,
        },
        Type::Integer => trimmed.parse().ok().map(Value::Integer),
        Type::Decimal(scale) => {
            Decimal::parse(trimmed).and_then(|decimal| decimal.rescale(scale).ok()).map(Value::Decimal)
        }
        Type::Double => trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double),
        // BI tools compare dates with timestamps as text: the time of day is dropped if it is midnight.
        Type::Date => parse_date(trimmed)
            .or_else(|| parse_timestamp(trimmed).filter(|ms| ms % DAY_MS == 0).map(day_of))
            .map(Value::Date),
        Type::Timestamp => parse_timestamp(trimmed).map(Value::Timestamp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts() {
        fn check(value: &Value, to: Type, expected: &str) {
            let found = cast(value, to).map(|value| value.to_string());
            assert_eq!(
                found.unwrap_or_else(|error| error.code.name().to_owned()),
                expected,
                "{value:?} {to:?}"
            );
        }
        check(&Value::text("12"), Type::Integer, "12");
        check(&Value::text("12.5"), Type::Integer, "sql_bad_value");
        check(&Value::Double(-2.5), Type::Integer, "-3");
        check(&Value::Double(1e19), Type::Integer, "sql_overflow");
        check(&Value::Integer(3), Type::Decimal(2), "3.00");
        check(&Value::Double(0.125), Type::Decimal(2), "0.12");
        check(&Value::text("2018-07-22 00:00:00"), Type::Date, "2018-07-22");
        check(&Value::text("2018-07-22 01:00:00"), Type::Date, "sql_bad_value");
        check(&Value::Date(0), Type::Timestamp, "1970-01-01 00:00:00");
        check(&Value::Null, Type::Integer, "");
    }
}
