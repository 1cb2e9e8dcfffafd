//! Functions of values.

use chrono_tz::Tz;

use crate::error::{Code, Result, SqlError};
use crate::eval::joined;
use crate::limits::Meter;
use crate::value::decimal::{Decimal, overflow};
use crate::value::time::{
    Unit, between, day_of, extract, formatted, from_local, interval, midnight, shift, to_local, trunc,
};
use crate::value::{Type, Value};

/// A function of values; aggregates are elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    /// Cut off to a unit; a date stays one.
    Trunc(Unit),
    /// The start of the next unit, unless it is one.
    CeilTime(Unit),
    Extract(Unit),
    /// Whole units between two times.
    DateDiff(Unit),
    /// A time moved by so many units; a date stays one.
    DateAdd(Unit),
    /// A time as text, by a pattern.
    DateFormat,
    /// What the clock of a zone shows so many seconds after 1970 began.
    FromUnix(Tz),
    /// What the clock of the second zone shows when that of the first does.
    InZone(Tz, Tz),
    Abs,
    Round,
    Floor,
    Ceil,
    Power,
    Sqrt,
    Ln,
    Exp,
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Upper,
    Lower,
    Length,
    Substring,
    Trim,
    TrimStart,
    TrimEnd,
    Concat,
    Replace,
    Position,
    StartsWith,
}

/// Whether an argument may be of a type.
type Fits = fn(Type) -> bool;

/// What a function answers.
pub(crate) enum Answers {
    Type(Type),
    /// The type that holds all arguments, to which they are cast.
    Common,
    /// The type of the first argument.
    First,
}

impl Function {
    /// By name, with the fewest and the most arguments.
    pub(crate) fn find(name: &str) -> Option<(Function, usize, usize)> {
        const MANY: usize = 1_000;
        Some(match name {
            "abs" => (Function::Abs, 1, 1),
            "round" => (Function::Round, 1, 2),
            "floor" => (Function::Floor, 1, 1),
            "ceil" | "ceiling" => (Function::Ceil, 1, 1),
            "power" | "pow" => (Function::Power, 2, 2),
            "sqrt" => (Function::Sqrt, 1, 1),
            "ln" => (Function::Ln, 1, 1),
            "exp" => (Function::Exp, 1, 1),
            "coalesce" | "ifnull" | "nvl" => (Function::Coalesce, 1, MANY),
            "nullif" => (Function::NullIf, 2, 2),
            "greatest" => (Function::Greatest, 1, MANY),
            "least" => (Function::Least, 1, MANY),
            "upper" => (Function::Upper, 1, 1),
            "lower" => (Function::Lower, 1, 1),
            "length" | "char_length" | "character_length" => (Function::Length, 1, 1),
            "substr" | "substring" => (Function::Substring, 2, 3),
            "trim" => (Function::Trim, 1, 1),
            "ltrim" => (Function::TrimStart, 1, 1),
            "rtrim" => (Function::TrimEnd, 1, 1),
            "concat" => (Function::Concat, 1, MANY),
            "replace" => (Function::Replace, 3, 3),
            "strpos" | "instr" => (Function::Position, 2, 2),
            "starts_with" => (Function::StartsWith, 2, 2),
            _ => return None,
        })
    }

    /// What it answers, and of which type its arguments have to be, where that is one.
    pub(crate) fn signature(self) -> (Answers, Option<Fits>) {
        let number: Fits = Type::is_number;
        let text: Fits = |ty| ty == Type::Text;
        let time: Fits = Type::is_time;
        match self {
            Function::Trunc(_) | Function::CeilTime(_) => (Answers::First, Some(time)),
            Function::FromUnix(_) => (Answers::Type(Type::Timestamp), Some(number)),
            Function::InZone(..) => (Answers::Type(Type::Timestamp), Some(time)),
            // Of two types: the binder looks at them.
            Function::DateAdd(_) => (Answers::First, None),
            Function::DateFormat => (Answers::Type(Type::Text), None),
            Function::Extract(_) | Function::DateDiff(_) => (Answers::Type(Type::Integer), Some(time)),
            Function::Abs | Function::Round | Function::Floor | Function::Ceil => {
                (Answers::First, Some(number))
            }
            Function::Power | Function::Sqrt | Function::Ln | Function::Exp => {
                (Answers::Type(Type::Double), Some(number))
            }
            Function::Coalesce | Function::NullIf | Function::Greatest | Function::Least => {
                (Answers::Common, None)
            }
            Function::Upper | Function::Lower | Function::Trim | Function::TrimStart | Function::TrimEnd => {
                (Answers::Type(Type::Text), Some(text))
            }
            Function::Replace => (Answers::Type(Type::Text), Some(text)),
            Function::Substring => (Answers::Type(Type::Text), None),
            Function::Concat => (Answers::Type(Type::Text), None),
            Function::Length | Function::Position => (Answers::Type(Type::Integer), Some(text)),
            Function::StartsWith => (Answers::Type(Type::Boolean), Some(text)),
        }
    }

    /// Its value; most have none where an argument has none.
    pub(crate) fn call(self, arguments: &[Value], meter: &Meter) -> Result<Value> {
        match self {
            Function::Coalesce => {
                return Ok(arguments.iter().find(|one| !one.is_null()).cloned().unwrap_or(Value::Null));
            }
            Function::NullIf => {
                let same = arguments[0].compare(&arguments[1]).is_some_and(std::cmp::Ordering::is_eq);
                return Ok(if same { Value::Null } else { arguments[0].clone() });
            }
            _ if arguments.iter().any(Value::is_null) => return Ok(Value::Null),
            _ => {}
        }
        match self {
            Function::Greatest => {
                Ok(arguments.iter().max_by(|a, b| a.order(b)).cloned().unwrap_or(Value::Null))
            }
            Function::Least => Ok(arguments.iter().min_by(|a, b| a.order(b)).cloned().unwrap_or(Value::Null)),
            Function::FromUnix(zone) => from_unix(zone, &arguments[0]),
            Function::Trunc(_)
            | Function::CeilTime(_)
            | Function::Extract(_)
            | Function::DateDiff(_)
            | Function::DateAdd(_)
            | Function::DateFormat
            | Function::InZone(..) => self.of_times(arguments, meter),
            Function::Abs | Function::Round | Function::Floor | Function::Ceil => self.of_number(arguments),
            Function::Power | Function::Sqrt | Function::Ln | Function::Exp => Ok(self.of_doubles(arguments)),
            Function::Concat => joined(arguments, meter),
            _ => self.of_texts(arguments, meter),
        }
    }

    fn of_times(self, arguments: &[Value], meter: &Meter) -> Result<Value> {
        let ms = |value: &Value| match value {
            Value::Date(day) => Some(midnight(*day)),
            Value::Timestamp(ms) => Some(*ms),
            _ => None,
        };
        let first = ms(&arguments[0]).ok_or_else(|| no("a time", &arguments[0]))?;
        let like_first = |ms: i64| match arguments[0] {
            Value::Date(_) => Value::Date(day_of(ms)),
            _ => Value::Timestamp(ms),
        };
        Ok(match self {
            Function::Trunc(unit) => trunc(unit, first).map_or(Value::Null, like_first),
            Function::CeilTime(unit) => {
                let next = || {
                    let start = trunc(unit, first)?;
                    if start == first {
                        return Some(start);
                    }
                    moved(unit, 1, start)
                };
                next().map_or(Value::Null, like_first)
            }
            Function::Extract(unit) => extract(unit, first).map_or(Value::Null, Value::Integer),
            Function::DateDiff(unit) => {
                let second = ms(&arguments[1]).ok_or_else(|| no("a time", &arguments[1]))?;
                between(unit, first, second).map_or(Value::Null, Value::Integer)
            }
            Function::DateAdd(unit) => match &arguments[1] {
                Value::Integer(count) => like_first(moved(unit, *count, first).ok_or_else(overflow)?),
                other => return Err(no("a number of units", other)),
            },
            Function::DateFormat => {
                let pattern = arguments[1].to_string();
                // The longest name of a part has nine letters, in place of two.
                meter.make(5 * pattern.len())?;
                let bad =
                    || SqlError::new(Code::BadValue, format!("{pattern:?} is no pattern of DATE_FORMAT"));
                Value::text(&formatted(first, &pattern).ok_or_else(bad)?)
            }
            Function::InZone(from, to) => {
                from_local(from, first).map_or(Value::Null, |ms| Value::Timestamp(to_local(to, ms)))
            }
            _ => Value::Null,
        })
    }

    fn of_number(self, arguments: &[Value]) -> Result<Value> {
        let digits = match arguments.get(1) {
            Some(Value::Integer(digits)) => (*digits).clamp(-18, 18) as i32,
            _ => 0,
        };
        Ok(match (&arguments[0], self) {
            (Value::Integer(number), Function::Abs) => {
                Value::Integer(number.checked_abs().ok_or_else(overflow)?)
            }
            (Value::Integer(number), Function::Round) if digits < 0 => {
                let unit = 10i64.pow(digits.unsigned_abs());
                let half = unit / 2 * number.signum();
                Value::Integer(number.checked_add(half).ok_or_else(overflow)? / unit * unit)
            }
            (Value::Integer(number), _) => Value::Integer(*number),
            (Value::Decimal(decimal), _) => Value::Decimal(self.of_decimal(*decimal, digits)?),
            (Value::Double(number), Function::Abs) => Value::Double(number.abs()),
            (Value::Double(number), Function::Floor) => Value::Double(number.floor()),
            (Value::Double(number), Function::Ceil) => Value::Double(number.ceil()),
            (Value::Double(number), _) => {
                let unit = 10f64.powi(digits.abs());
                Value::Double(if digits < 0 {
                    (number / unit).round() * unit
                } else {
                    (number * unit).round() / unit
                })
            }
            (other, _) => return Err(no("a number", other)),
        })
    }

    fn of_decimal(self, decimal: Decimal, digits: i32) -> Result<Decimal> {
        let scale = decimal.scale;
        match self {
            Function::Abs if decimal.mantissa < 0 => Ok(decimal.negate()),
            Function::Round => decimal.rescale((digits.max(0) as u8).min(scale))?.rescale(scale),
            Function::Floor | Function::Ceil => {
                let unit = 10i128.pow(scale.into());
                let floor = decimal.mantissa.div_euclid(unit) * unit;
                let up = self == Function::Ceil && floor != decimal.mantissa;
                Ok(Decimal { mantissa: if up { floor + unit } else { floor }, scale })
            }
            _ => Ok(decimal),
        }
    }

    fn of_doubles(self, arguments: &[Value]) -> Value {
        let number = |place: usize| arguments.get(place).and_then(Value::number).unwrap_or(f64::NAN);
        let result = match self {
            Function::Power => number(0).powf(number(1)),
            Function::Sqrt => number(0).sqrt(),
            Function::Ln => number(0).ln(),
            _ => number(0).exp(),
        };
        // Neither JSON nor SQL has a word for what is no number.
        if result.is_finite() { Value::Double(result) } else { Value::Null }
    }

    fn of_texts(self, arguments: &[Value], meter: &Meter) -> Result<Value> {
        let text = |place: usize| match arguments.get(place) {
            Some(Value::Text(text)) => text.clone(),
            Some(other) => other.to_string().into(),
            None => "".into(),
        };
        let one = text(0);
        meter.make(one.len())?;
        Ok(match self {
            Function::Upper => Value::text(&one.to_uppercase()),
            Function::Lower => Value::text(&one.to_lowercase()),
            Function::Trim => Value::text(one.trim_matches(' ')),
            Function::TrimStart => Value::text(one.trim_start_matches(' ')),
            Function::TrimEnd => Value::text(one.trim_end_matches(' ')),
            Function::Length => Value::Integer(one.chars().count() as i64),
            Function::Replace if text(1).is_empty() => Value::Text(one),
            Function::Replace => replaced(&one, &text(1), &text(2), meter)?,
            Function::StartsWith => Value::Boolean(one.starts_with(&*text(1))),
            Function::Position => {
                let at = one.find(&*text(1)).map_or(0, |at| one[..at].chars().count() as i64 + 1);
                Value::Integer(at)
            }
            Function::Substring => {
                let whole = |place: usize| match arguments.get(place) {
                    Some(Value::Integer(number)) => Some(*number),
                    _ => None,
                };
                let start = whole(1).unwrap_or(1);
                let end = whole(2).map_or(i64::MAX, |length| start.saturating_add(length.max(0)));
                let within = (1i64..).zip(one.chars()).filter(|(place, _)| *place >= start && *place < end);
                Value::text(&within.map(|(_, character)| character).collect::<String>())
            }
            _ => Value::Null,
        })
    }
}

/// The text with one text in place of another, unless that would be too long.
fn replaced(text: &str, from: &str, to: &str, meter: &Meter) -> Result<Value> {
    let longer = to.len().saturating_sub(from.len());
    if longer > 0 {
        meter.make(text.len() + text.matches(from).count().saturating_mul(longer))?;
    }
    Ok(Value::text(&text.replace(from, to)))
}

/// A time moved by so many units.
fn moved(unit: Unit, count: i64, ms: i64) -> Option<i64> {
    match interval(unit, count)? {
        Value::Interval(months, by) => shift(ms, months, by),
        _ => None,
    }
}

fn from_unix(zone: Tz, seconds: &Value) -> Result<Value> {
    let seconds = seconds.number().ok_or_else(|| no("a number", seconds))?;
    let ms = (seconds * 1_000.0).round();
    // The years of the calendar here.
    if ms.abs() > 8e15 {
        return Err(overflow());
    }
    Ok(Value::Timestamp(to_local(zone, ms as i64)))
}

fn no(what: &str, value: &Value) -> SqlError {
    SqlError::new(Code::TypeMismatch, format!("{:?} is not {what}", value.to_string()))
}
