//! Values as text.

use std::fmt;

use super::Value;
use super::time::{date_text, timestamp_text};

/// As in CSV and in casts to text; null is empty.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Boolean(truth) => write!(f, "{truth}"),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Decimal(decimal) => write!(f, "{decimal}"),
            Value::Double(number) => write!(f, "{number:?}"),
            Value::Text(text) => f.write_str(text),
            Value::Date(day) => f.write_str(&date_text(*day)),
            Value::Timestamp(ms) => f.write_str(&timestamp_text(*ms)),
            Value::Interval(months, ms) => write!(f, "{months} months {ms} ms"),
            Value::Users(users) => write!(f, "{}", users.estimate()),
        }
    }
}
