//! From conditions on times to a range of hours.

use std::ops::Range;

use adtally_core::time::{DAY_MS, Hour};

use crate::catalog::{Catalog, FactColumn};
use crate::eval::Answers;
use crate::expr::{Comparison, Expr};
use crate::function::Function;
use crate::value::time::{Unit, day_of, midnight, trunc};
use crate::value::{Type, Value};

/// No event is older than 2010.
pub(super) fn first_hour() -> Hour {
    Hour(350_640)
}

/// The end of the years that the report API takes.
pub(super) fn last_hour() -> Hour {
    Hour(70_389_527)
}

/// How far a wall clock can be from UTC, and the longest unit that a time is cut off to, with something to spare.
const SLACK_MS: i64 = 2 * DAY_MS;
const LONGEST_UNIT_MS: i64 = 367 * DAY_MS;
/// The most hours that conditions are tried on: more than there can be cells of.
const MAX_TRIED: i32 = 400_000;

/// The value of a column of time.
pub(super) fn value_at(unit: Unit, local_ms: i64) -> Value {
    match unit {
        Unit::Hour => Value::Timestamp(local_ms),
        unit => trunc(unit, local_ms).map_or(Value::Null, |ms| Value::Date(day_of(ms))),
    }
}

/// The hours for which all conditions hold, if they follow each other: then nothing else need be known of time.
///
/// Else the hours between which they lie, and that the conditions have to be looked at again.
pub(super) fn hours(
    conditions: &[Expr],
    columns: &[FactColumn],
    catalog: &Catalog,
) -> (Range<Hour>, Exactness) {
    let mut window = first_hour().start_ms()..catalog.now_ms + SLACK_MS;
    for condition in conditions {
        bound(condition, &mut window);
    }
    let range = Hour::holding(window.start)..Hour(Hour::holding(window.end).0.saturating_add(1));
    if range.end.0.saturating_sub(range.start.0) > MAX_TRIED {
        return (range, Exactness::Look);
    }
    let answers = Answers::planning();
    let size = 1 + conditions.iter().map(Expr::size).sum::<u64>();
    let mut row = vec![Value::Null; columns.len()];
    let mut passing: Option<Range<i32>> = None;
    for hour in range.start.0..range.end.0 {
        let local = catalog.local(Hour(hour).start_ms());
        for (value, column) in row.iter_mut().zip(columns) {
            if let FactColumn::Time(unit) = column {
                *value = value_at(*unit, local);
            }
        }
        // What cannot be worked out, or only with much work, is left to the rows.
        let passes = answers.meter.work(size).and_then(|()| holds(conditions, &row, &answers));
        let Ok(passes) = passes else { return (range, Exactness::Look) };
        if !passes {
            continue;
        }
        passing = match passing {
            None => Some(hour..hour + 1),
            Some(run) if run.end == hour => Some(run.start..hour + 1),
            Some(_) => return (range, Exactness::Look),
        };
    }
    // No hour passes: any one will do, as its rows are left out by the conditions themselves.
    let passing = passing.unwrap_or(range.start.0..range.start.0 + 1);
    (Hour(passing.start)..Hour(passing.end), Exactness::Exact)
}

/// Whether the conditions hold for all hours of a range and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exactness {
    Exact,
    Look,
}

fn holds(conditions: &[Expr], row: &[Value], answers: &Answers) -> crate::error::Result<bool> {
    for condition in conditions {
        if !condition.holds(row, answers)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Narrows a window of UTC by a condition that compares a time, maybe cut off, with a constant; wide at both ends.
fn bound(condition: &Expr, window: &mut Range<i64>) {
    if let Expr::And(all) = condition {
        return all.iter().for_each(|one| bound(one, window));
    }
    let Expr::Compare(op, one, other) = condition else { return };
    let (op, constant) = match (&**one, &**other) {
        (time, Expr::Literal(value)) if is_time(time) => (*op, value),
        (Expr::Literal(value), time) if is_time(time) => (mirrored(*op), value),
        _ => return,
    };
    let ms = match constant {
        Value::Date(day) => midnight(*day),
        Value::Timestamp(ms) => *ms,
        _ => return,
    };
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    if matches!(op, Greater | GreaterOrEqual | Equal) {
        window.start = window.start.max(ms.saturating_sub(SLACK_MS));
    }
    if matches!(op, Less | LessOrEqual | Equal) {
        let longest = if is_plain(one) && is_plain(other) { 32 * DAY_MS } else { LONGEST_UNIT_MS };
        window.end = window.end.min(ms.saturating_add(SLACK_MS + longest));
    }
    window.start = window.start.min(window.end);
}

fn mirrored(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

/// A column of time, or one that is cut off: never later than itself, and never earlier than its unit is long.
fn is_time(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) => true,
        Expr::Cast(one, Type::Date | Type::Timestamp, ..) => is_time(one),
        Expr::Call(Function::Trunc(_), arguments, _) => arguments.iter().all(is_time),
        _ => false,
    }
}

fn is_plain(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::Literal(_))
}
