//! Sums that may be taken in two steps.

use crate::expr::{Arithmetic, Expr};
use crate::value::Value;

/// What a column is to a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Measure,
    Users,
    /// A time, a dimension, or a column of another table: the same for all cells that are added up.
    Fixed,
}

/// Whether the sum of an expression over cells is the sum of it over sums of those cells: measures times something
/// that is the same for all of them, or nothing.
pub(super) fn is_linear(expr: &Expr, role: &impl Fn(usize) -> Role) -> bool {
    let fixed = |expr: &Expr| is_fixed(expr, role);
    let linear = |expr: &Expr| is_linear(expr, role);
    match expr {
        Expr::Column(place) => role(*place) == Role::Measure,
        Expr::Literal(Value::Null) => true,
        Expr::Literal(value) => value.number() == Some(0.0),
        Expr::Negate(one, _) => linear(one),
        Expr::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, one, other, _) => {
            linear(one) && linear(other)
        }
        Expr::Arithmetic(Arithmetic::Multiply, one, other, _) => {
            (linear(one) && fixed(other)) || (fixed(one) && linear(other))
        }
        // The quotient of integers is cut off, so only one of doubles or decimals can be taken later.
        Expr::Arithmetic(Arithmetic::Divide, one, other, _) => {
            linear(one) && fixed(other) && is_exact(one, other)
        }
        Expr::Case(whens, otherwise) => {
            whens.iter().all(|(when, then)| fixed(when) && linear(then)) && linear(otherwise)
        }
        Expr::Cast(one, ty, ..) => ty.is_number() && linear(one) && is_widening(one, *ty),
        _ => false,
    }
}

/// Whether an expression is the same for all cells that are added up.
pub(super) fn is_fixed(expr: &Expr, role: &impl Fn(usize) -> Role) -> bool {
    let mut fixed = true;
    expr.walk(&mut |one| {
        fixed &= !matches!(one, Expr::Column(place) if role(*place) != Role::Fixed);
        fixed
    });
    fixed
}

fn is_exact(one: &Expr, other: &Expr) -> bool {
    let is_wide = |expr: &Expr| {
        use crate::value::Type;
        let literal = matches!(expr, Expr::Literal(Value::Decimal(_) | Value::Double(_)));
        literal || matches!(expr, Expr::Cast(_, Type::Double | Type::Decimal(_), ..))
    };
    let mut wide = is_wide(other);
    one.walk(&mut |part| {
        wide |= is_wide(part) && !matches!(one, Expr::Case(..));
        true
    });
    wide
}

/// A cast that rounds nothing: to a double, or of a measure, which is an integer.
fn is_widening(one: &Expr, to: crate::value::Type) -> bool {
    to == crate::value::Type::Double || matches!(one, Expr::Column(_))
}
