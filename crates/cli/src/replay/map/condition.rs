//! Conditions: which rows yield an event.

use std::cmp::Ordering;

use super::decimal::{Decimal, Point};
use super::row::Row;

/// `click = 1`, `country in KR,JP`, `revenue > 0`, `user is present`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    column: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Compare(Comparison, String),
    In(Vec<String>),
    Empty,
    Present,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer signs first: `<=` must not be read as `<`.
const COMPARISONS: [(&str, Comparison); 6] = [
    (" != ", Comparison::NotEqual),
    (" <= ", Comparison::LessOrEqual),
    (" >= ", Comparison::GreaterOrEqual),
    (" = ", Comparison::Equal),
    (" < ", Comparison::Less),
    (" > ", Comparison::Greater),
];

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no condition such as `click = 1`, `price > 0`, `country in KR,JP`, `user is present`, `user is empty` (with spaces around the sign)"
)]
pub(crate) struct ConditionError(String);

impl Condition {
    /// Reads `<column> <sign> <value>`, `<column> in a,b`, `<column> is empty` or `<column> is present`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConditionError> {
        let (column, test) = if let Some(column) = text.strip_suffix(" is empty") {
            (column, Test::Empty)
        } else if let Some(column) = text.strip_suffix(" is present") {
            (column, Test::Present)
        } else if let Some((column, values)) = text.split_once(" in ") {
            (column, Test::In(values.split(',').map(|value| value.trim().to_owned()).collect()))
        } else {
            let split = |(sign, comparison)| text.split_once(sign).map(|parts| (parts, comparison));
            let found = COMPARISONS.into_iter().find_map(split);
            let ((column, value), comparison) = found.ok_or_else(|| ConditionError(text.to_owned()))?;
            (column, Test::Compare(comparison, value.trim().to_owned()))
        };
        match column.trim() {
            "" => Err(ConditionError(text.to_owned())),
            column => Ok(Self { column: column.to_owned(), test }),
        }
    }

    /// The column that it looks at.
    pub(crate) fn column(&self) -> &str {
        &self.column
    }

    /// Whether `row` fulfils it.
    pub(crate) fn holds(&self, row: &Row<'_>) -> bool {
        let value = row.value(&self.column);
        match &self.test {
            Test::Compare(comparison, other) => comparison.holds(&value, other),
            Test::In(values) => values.iter().any(|other| Comparison::Equal.holds(&value, other)),
            Test::Empty => value.is_empty(),
            Test::Present => !value.is_empty(),
        }
    }
}

impl Comparison {
    /// Numbers compare as numbers (`1.0` is `1`), all else as text; nothing is greater or less than a non-number.
    fn holds(self, value: &str, other: &str) -> bool {
        let numbers = Decimal::parse(value, Point::Dot).zip(Decimal::parse(other, Point::Dot));
        let order = match numbers {
            Some((value, other)) => value.compare(other),
            None if value == other => Some(Ordering::Equal),
            None => None,
        };
        match self {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::map::row::sample;

    #[test]
    fn holding() {
        #[track_caller]
        fn check(condition: &str, expected: bool) {
            let cells =
                [("click", "1"), ("price", "9.50"), ("country", "KR"), ("user", ""), ("is sold", "yes")];
            let condition = Condition::parse(condition).unwrap();
            assert_eq!(sample(&cells, |row| condition.holds(row)), expected, "{condition:?}");
        }
        check("click = 1", true);
        check("click = 1.0", true);
        check("click != 0", true);
        check("click = true", false);
        check("price > 9.5", false);
        check("price >= 9.5", true);
        check("price < 10", true);
        check("price <= 9", false);
        check("country = KR", true);
        check("country = kr", false);
        check("country > 1", false);
        check("country in JP, KR", true);
        check("country in JP", false);
        check("user is empty", true);
        check("user is present", false);
        check("absent is empty", true);
        check("user > 0", false);
        check("is sold = yes", true);
        check("_row = 7", true);
        check("user = ", true);
    }

    #[test]
    fn what_is_no_condition() {
        for text in ["", "click", "click=1", "click == 1", " = 1", " is empty"] {
            assert_eq!(Condition::parse(text), Err(ConditionError(text.to_owned())), "{text}");
        }
    }
}
