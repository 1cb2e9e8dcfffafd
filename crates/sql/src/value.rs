//! Values and their types.
//!
//! Integers have 64 bits, decimals are exact with up to 18 digits behind the point, doubles are
//! IEEE 754; an operation on two sorts has the wider one.
//! Texts compare by their bytes.
//! Dates and timestamps are those of a wall clock, without a zone.

pub(crate) mod decimal;
pub(crate) mod cast;
pub(crate) mod time;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use adtally_core::sketch::Sketch;
use adtally_core::time::DAY_MS;

use decimal::Decimal;

/// What values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Only ever no value.
    Nothing,
    /// True or false.
    Boolean,
    /// 64 bits.
    Integer,
    /// Exact, with so many digits behind the point.
    Decimal(u8),
    /// IEEE 754.
    Double,
    /// UTF-8.
    Text,
    /// A day.
    Date,
    /// A time of a wall clock, in milliseconds.
    Timestamp,
    /// A span of time: months, and milliseconds.
    Interval,
    /// A set of users, of which only the number can be asked.
    Users,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// 64 bits.
    Integer(i64),
    /// Exact.
    Decimal(Decimal),
    /// IEEE 754.
    Double(f64),
    /// UTF-8.
    Text(Rc<str>),
    /// Days since 1970.
    Date(i32),
    /// Milliseconds since 1970, as a wall clock shows them.
    Timestamp(i64),
    /// Months and milliseconds.
    Interval(i32, i64),
    /// A set of users.
    Users(Rc<Sketch>),
}

impl Type {
    /// The name in answers and errors.
    pub fn name(self) -> &'static str {
        match self {
            Type::Nothing => "unknown",
            Type::Boolean => "boolean",
            Type::Integer => "bigint",
            Type::Decimal(_) => "decimal",
            Type::Double => "double",
            Type::Text => "varchar",
            Type::Date => "date",
            Type::Timestamp => "timestamp",
            Type::Interval => "interval",
            Type::Users => "users",
        }
    }

    /// Whether it can be calculated with.
    pub fn is_number(self) -> bool {
        matches!(self, Type::Integer | Type::Decimal(_) | Type::Double)
    }

    /// Whether it is a day or a time.
    pub fn is_time(self) -> bool {
        matches!(self, Type::Date | Type::Timestamp)
    }

    /// The type that holds the values of both, if there is one.
    pub(crate) fn common(self, other: Type) -> Option<Type> {
        Some(match (self, other) {
            (one, other) if one == other => one,
            (Type::Nothing, other) | (other, Type::Nothing) => other,
            (Type::Double, other) | (other, Type::Double) if other.is_number() => Type::Double,
            (Type::Decimal(one), Type::Decimal(other)) => Type::Decimal(one.max(other)),
            (Type::Decimal(scale), Type::Integer) | (Type::Integer, Type::Decimal(scale)) => {
                Type::Decimal(scale)
            }
            (Type::Date, Type::Timestamp) | (Type::Timestamp, Type::Date) => Type::Timestamp,
            _ => return None,
        })
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// Whether there is none.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Its type.
    pub fn ty(&self) -> Type {
        match self {
            Value::Null => Type::Nothing,
            Value::Boolean(_) => Type::Boolean,
            Value::Integer(_) => Type::Integer,
            Value::Decimal(decimal) => Type::Decimal(decimal.scale),
            Value::Double(_) => Type::Double,
            Value::Text(_) => Type::Text,
            Value::Date(_) => Type::Date,
            Value::Timestamp(_) => Type::Timestamp,
            Value::Interval(..) => Type::Interval,
            Value::Users(_) => Type::Users,
        }
    }

    /// True, false or unknown.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Value::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// As a double, if it is a number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Integer(number) => Some(*number as f64),
            Value::Decimal(decimal) => Some(decimal.to_f64()),
            Value::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// The order of two values of types that go together; none where one is null.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        Some(match (self, other) {
            (Value::Null, _) | (_, Value::Null) => return None,
            (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
            (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (Value::Date(one), Value::Date(other)) => one.cmp(other),
            (Value::Timestamp(one), Value::Timestamp(other)) => one.cmp(other),
            (Value::Date(one), Value::Timestamp(other)) => (i64::from(*one) * DAY_MS).cmp(other),
            (Value::Timestamp(one), Value::Date(other)) => one.cmp(&(i64::from(*other) * DAY_MS)),
            (Value::Interval(a, b), Value::Interval(c, d)) => (a, b).cmp(&(c, d)),
            (Value::Decimal(one), Value::Decimal(other)) => one.compare(other),
            (Value::Decimal(one), Value::Integer(other)) => one.compare(&Decimal::from(*other)),
            (Value::Integer(one), Value::Decimal(other)) => Decimal::from(*one).compare(other),
            _ => match (self.number(), other.number()) {
                (Some(one), Some(other)) => doubles(one, other),
                // The binder lets nothing else through.
                _ => return None,
            },
        })
    }

    /// A total order for sorting, in which null is first.
    pub(crate) fn order(&self, other: &Value) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    /// How long its text is, if it is one.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            _ => 0,
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Value>()
            + match self {
                Value::Text(text) => text.len(),
                Value::Users(_) => 512,
                _ => 0,
            }
    }
}

/// NaN is greater than all and equal to itself, so that there is an order.
fn doubles(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

/// Equal as groups are: null is equal to null, and NaN to NaN.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Users(one), Value::Users(other)) => one == other,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Value::Null | Value::Users(_) => state.write_u8(0),
            Value::Boolean(truth) => truth.hash(state),
            Value::Integer(number) => Decimal::from(*number).normal().hash(state),
            Value::Decimal(decimal) => decimal.normal().hash(state),
            // A column has one type, so numbers of two sorts never meet in a table of hashes.
            Value::Double(number) if *number == 0.0 => state.write_u64(0),
            Value::Double(number) if number.is_nan() => state.write_u64(1),
            Value::Double(number) => number.to_bits().hash(state),
            Value::Text(text) => text.hash(state),
            Value::Date(day) => (i64::from(*day) * DAY_MS).hash(state),
            Value::Timestamp(ms) => ms.hash(state),
            Value::Interval(months, ms) => (months, ms).hash(state),
        }
    }
}
