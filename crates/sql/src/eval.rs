//! What an expression is worth for a row.
//!
//! Unknown is null: `AND`, `OR` and `NOT` have three values, comparisons with null are unknown, and so is what is
//! calculated from null.
//! What is divided by zero has no value.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::error::{Code, Result, SqlError};
use crate::expr::{Arithmetic, Comparison, Expr, Like, OnFailure, ValueSet};
use crate::function::Function;
use crate::like::Pattern;
use crate::limits::{MAX_TEXT_BYTES, Meter};
use crate::value::cast::cast;
use crate::value::decimal::{Decimal, overflow};
use crate::value::time::{midnight, shift};
use crate::value::{Type, Value};

/// What the sub-queries of a statement gave, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) queries: Vec<Answer>,
    /// What it has cost so far.
    pub(crate) meter: Meter,
}

impl Answers {
    /// None, for a constant: one that is much work is not worked out.
    pub(crate) fn folding() -> Self {
        Self { queries: Vec::new(), meter: Meter::folding() }
    }

    /// None, for the hours that a statement needs.
    pub(crate) fn planning() -> Self {
        Self { queries: Vec::new(), meter: Meter::planning() }
    }
}

/// What a sub-query gave.
#[derive(Debug)]
pub(crate) enum Answer {
    Set(ValueSet),
    Value(Value),
    Exists(bool),
}

impl Expr {
    /// Its value for a row.
    pub(crate) fn eval(&self, row: &[Value], answers: &Answers) -> Result<Value> {
        let of = |expr: &Expr| expr.eval(row, answers);
        Ok(match self {
            Expr::Literal(value) => value.clone(),
            Expr::Column(place) => row[*place].clone(),
            Expr::Not(one) => of(one)?.truth().map_or(Value::Null, |truth| Value::Boolean(!truth)),
            Expr::Negate(one, place) => negate(&of(one)?).map_err(|error| error.at(*place))?,
            Expr::Arithmetic(Arithmetic::Join, one, other, place) => {
                joined(&[of(one)?, of(other)?], &answers.meter).map_err(|error| error.at(*place))?
            }
            Expr::Arithmetic(op, one, other, place) => {
                arithmetic(*op, &of(one)?, &of(other)?).map_err(|error| error.at(*place))?
            }
            Expr::Compare(op, one, other) => {
                let (one, other) = (of(one)?, of(other)?);
                answers.meter.look(one.text_bytes().min(other.text_bytes()))?;
                compare(*op, &one, &other)
            }
            Expr::Same(one, other) => Value::Boolean(looked_at(of(one)?, answers)? == of(other)?),
            Expr::And(all) => junction(all, false, row, answers)?,
            Expr::Or(all) => junction(all, true, row, answers)?,
            Expr::IsNull(one) => Value::Boolean(of(one)?.is_null()),
            Expr::Is(one, truth) => Value::Boolean(of(one)?.truth() == Some(*truth)),
            Expr::InSet(one, set) => set.has(&looked_at(of(one)?, answers)?),
            Expr::InList(one, list) => in_list(&of(one)?, list, row, answers)?,
            Expr::InQuery(one, number) => match &answers.queries[*number] {
                Answer::Set(set) => set.has(&looked_at(of(one)?, answers)?),
                _ => Value::Null,
            },
            Expr::QueryValue(number) => match &answers.queries[*number] {
                Answer::Value(value) => value.clone(),
                _ => Value::Null,
            },
            Expr::QueryExists(number) => match &answers.queries[*number] {
                Answer::Exists(exists) => Value::Boolean(*exists),
                _ => Value::Null,
            },
            Expr::Like(like) => like_value(like, row, answers).map_err(|error| error.at(like.place))?,
            Expr::Case(whens, otherwise) => {
                for (when, then) in whens {
                    if of(when)?.truth() == Some(true) {
                        return of(then);
                    }
                }
                of(otherwise)?
            }
            Expr::Cast(one, to, on_failure, place) => {
                let one = looked_at(of(one)?, answers)?;
                match (cast(&one, *to), on_failure) {
                    (Err(_), OnFailure::Null) => Value::Null,
                    (result, _) => result.map_err(|error| error.at(*place))?,
                }
            }
            Expr::Call(function, arguments, place) => {
                called(*function, arguments, row, answers).map_err(|error| error.at(*place))?
            }
        })
    }

    /// Whether it is true for a row; unknown is not.
    pub(crate) fn holds(&self, row: &[Value], answers: &Answers) -> Result<bool> {
        Ok(self.eval(row, answers)?.truth() == Some(true))
    }
}

/// The value, with its text counted as looked at.
fn looked_at(value: Value, answers: &Answers) -> Result<Value> {
    answers.meter.look(value.text_bytes())?;
    Ok(value)
}

fn called(function: Function, arguments: &[Expr], row: &[Value], answers: &Answers) -> Result<Value> {
    let mut values = Vec::with_capacity(arguments.len());
    let mut bytes = 0;
    for argument in arguments {
        let value = argument.eval(row, answers)?;
        // Texts that no function could make one of are not gathered either.
        bytes += value.text_bytes();
        if bytes > 2 * MAX_TEXT_BYTES {
            let text = format!("takes texts of more than {} bytes", 2 * MAX_TEXT_BYTES);
            return Err(SqlError::new(Code::TooMuchWork, text));
        }
        values.push(value);
    }
    answers.meter.look(bytes)?;
    function.call(&values, &answers.meter)
}

/// Texts, or what others are as text, one behind the other; null if one is.
pub(crate) fn joined(values: &[Value], meter: &Meter) -> Result<Value> {
    if values.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    // What is no text is short.
    meter.make(values.iter().map(Value::text_bytes).sum())?;
    let mut text = String::new();
    for value in values {
        match value {
            Value::Text(more) => text.push_str(more),
            other => text.push_str(&other.to_string()),
        }
    }
    Ok(Value::text(&text))
}

/// `AND` and `OR`: `decides` is the value that settles it.
fn junction(all: &[Expr], decides: bool, row: &[Value], answers: &Answers) -> Result<Value> {
    let mut unknown = false;
    for one in all {
        match one.eval(row, answers)?.truth() {
            Some(truth) if truth == decides => return Ok(Value::Boolean(decides)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Boolean(!decides) })
}

fn in_list(value: &Value, list: &[Expr], row: &[Value], answers: &Answers) -> Result<Value> {
    let mut unknown = value.is_null();
    for one in list {
        match value.compare(&looked_at(one.eval(row, answers)?, answers)?) {
            Some(Ordering::Equal) => return Ok(Value::Boolean(true)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::Boolean(false) })
}

fn compare(op: Comparison, one: &Value, other: &Value) -> Value {
    let Some(order) = one.compare(other) else { return Value::Null };
    Value::Boolean(match op {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn negate(value: &Value) -> Result<Value> {
    Ok(match value {
        Value::Integer(number) => Value::Integer(number.checked_neg().ok_or_else(overflow)?),
        Value::Decimal(decimal) => Value::Decimal(decimal.negate()),
        Value::Double(number) => Value::Double(-number),
        Value::Interval(months, ms) => Value::Interval(-months, -ms),
        _ => Value::Null,
    })
}

/// Two values calculated with; the binder has seen to it that they go together.
pub(crate) fn arithmetic(op: Arithmetic, one: &Value, other: &Value) -> Result<Value> {
    use Value::{Date, Decimal as Exact, Double, Integer, Interval, Null, Timestamp};
    Ok(match (one, other) {
        (Null, _) | (_, Null) => Null,
        (Integer(one), Integer(other)) => integers(op, *one, *other)?,
        (Exact(_), Exact(_) | Integer(_)) | (Integer(_), Exact(_)) => {
            decimals(op, &exact(one), &exact(other))?
        }
        (Interval(months, ms), Interval(more, more_ms)) => {
            let sign = if op == Arithmetic::Subtract { -1 } else { 1 };
            Interval(months + sign * more, ms + i64::from(sign) * more_ms)
        }
        (Interval(..), Date(_) | Timestamp(_)) => arithmetic(op, other, one)?,
        (Date(_) | Timestamp(_), Interval(months, by)) => {
            let (months, by) = if op == Arithmetic::Subtract { (-months, -by) } else { (*months, *by) };
            match one {
                // A date moved by whole days stays one; the binder says so for each type of interval.
                Date(day) => Timestamp(shift(midnight(*day), months, by).ok_or_else(overflow)?),
                Timestamp(ms) => Timestamp(shift(*ms, months, by).ok_or_else(overflow)?),
                _ => Null,
            }
        }
        (Date(one), Date(other)) => Integer(i64::from(*one) - i64::from(*other)),
        (Date(day), Integer(days)) => {
            let days = if op == Arithmetic::Subtract { -days } else { *days };
            let moved = i64::from(*day).checked_add(days).and_then(|day| i32::try_from(day).ok());
            Date(moved.ok_or_else(overflow)?)
        }
        _ => match (one.number(), other.number()) {
            (Some(one), Some(other)) => Double(match op {
                Arithmetic::Add => one + other,
                Arithmetic::Subtract => one - other,
                Arithmetic::Multiply => one * other,
                Arithmetic::Divide | Arithmetic::Modulo if other == 0.0 => return Ok(Null),
                Arithmetic::Divide => one / other,
                Arithmetic::Modulo => one % other,
                Arithmetic::Join => return Ok(Null),
            }),
            _ => {
                let text = format!("{} and {} cannot be calculated with", one.ty().name(), other.ty().name());
                return Err(SqlError::new(Code::TypeMismatch, text));
            }
        },
    })
}

/// Integers stay integers: a quotient is cut off towards zero.
fn integers(op: Arithmetic, one: i64, other: i64) -> Result<Value> {
    let result = match op {
        Arithmetic::Add => one.checked_add(other),
        Arithmetic::Subtract => one.checked_sub(other),
        Arithmetic::Multiply => one.checked_mul(other),
        Arithmetic::Divide | Arithmetic::Modulo if other == 0 => return Ok(Value::Null),
        Arithmetic::Divide => one.checked_div(other),
        Arithmetic::Modulo => Some(one.wrapping_rem(other)),
        Arithmetic::Join => None,
    };
    result.map(Value::Integer).ok_or_else(overflow)
}

fn exact(value: &Value) -> Decimal {
    match value {
        Value::Decimal(decimal) => *decimal,
        Value::Integer(number) => Decimal::from(*number),
        _ => Decimal::from(0),
    }
}

/// Sums and products are exact, quotients are doubles.
fn decimals(op: Arithmetic, one: &Decimal, other: &Decimal) -> Result<Value> {
    Ok(match op {
        Arithmetic::Add => Value::Decimal(one.add(*other)?),
        Arithmetic::Subtract => Value::Decimal(one.add(other.negate())?),
        Arithmetic::Multiply => Value::Decimal(one.multiply(*other)?),
        Arithmetic::Divide if other.mantissa == 0 => Value::Null,
        Arithmetic::Divide => Value::Double(one.to_f64() / other.to_f64()),
        Arithmetic::Modulo => one.remainder(*other)?.map_or(Value::Null, Value::Decimal),
        Arithmetic::Join => Value::Null,
    })
}

fn like_value(like: &Like, row: &[Value], answers: &Answers) -> Result<Value> {
    let (text, pattern) = (like.text.eval(row, answers)?, like.pattern.eval(row, answers)?);
    let (Value::Text(text), Value::Text(pattern)) = (text, pattern) else { return Ok(Value::Null) };
    // A pattern is taken apart for each row.
    answers.meter.look(text.len() + 4 * pattern.len())?;
    let (text, pattern): (Rc<str>, Rc<str>) = match like.ignore_case {
        true => (text.to_lowercase().into(), pattern.to_lowercase().into()),
        false => (text, pattern),
    };
    let pattern = Pattern::new(&pattern, like.escape);
    answers.meter.look(pattern.tries(&text))?;
    Ok(Value::Boolean(pattern.fits(&text)))
}

/// The type of two types calculated with; none where they do not go together.
pub(crate) fn arithmetic_type(op: Arithmetic, one: Type, other: Type) -> Option<Type> {
    use Type::{Date, Decimal, Double, Integer, Interval, Nothing, Timestamp};
    let sum = matches!(op, Arithmetic::Add | Arithmetic::Subtract);
    Some(match (one, other) {
        (Type::Users, _) | (_, Type::Users) => return None,
        _ if op == Arithmetic::Join => Type::Text,
        (Nothing, other) | (other, Nothing) if other.is_number() || sum => other,
        (Nothing, _) | (_, Nothing) => Nothing,
        (Integer, Integer) => Integer,
        (Decimal(_), Decimal(_) | Integer) | (Integer, Decimal(_)) if op == Arithmetic::Divide => Double,
        (Decimal(one), Decimal(other)) if op == Arithmetic::Multiply => {
            Decimal((one + other).min(crate::value::decimal::MAX_SCALE))
        }
        (Decimal(_), Decimal(_) | Integer) | (Integer, Decimal(_)) => one.common(other)?,
        (one, other) if one.is_number() && other.is_number() => Double,
        (Interval, Interval) if sum => Interval,
        (Interval, Date | Timestamp) if op == Arithmetic::Add => Timestamp,
        (Date | Timestamp, Interval) if sum => Timestamp,
        (Date, Date) if op == Arithmetic::Subtract => Integer,
        (Date, Integer) if sum => Date,
        _ => return None,
    })
}
