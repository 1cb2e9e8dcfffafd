//! Operators and the types that they bring together.

use sqlparser::ast::BinaryOperator;
use sqlparser::tokenizer::Span;

use super::Typed;
use crate::error::{Code, Place, Result, SqlError, not_supported};
use crate::eval::{Answers, arithmetic_type};
use crate::expr::{Arithmetic, Comparison, Expr, OnFailure};
use crate::value::cast::cast;
use crate::value::{Type, Value};
use adtally_core::time::DAY_MS;

/// The expression as one of another type.
pub(super) fn as_type(typed: Typed, ty: Type) -> Expr {
    match typed.expr {
        expr if typed.ty == ty || typed.ty == Type::Nothing => expr,
        Expr::Literal(value) => match cast(&value, ty) {
            Ok(cast) => Expr::Literal(cast),
            // Told when a row needs it.
            Err(_) => Expr::Cast(Expr::Literal(value).boxed(), ty, OnFailure::Error, Place::default()),
        },
        expr => Expr::Cast(expr.boxed(), ty, OnFailure::Error, Place::default()),
    }
}

/// Two expressions as ones of the same type, which is told too.
///
/// A text that is written out becomes what it is compared with: tools write days and numbers in quotes.
pub(super) fn unify(one: Typed, other: Typed) -> Result<(Expr, Expr, Type)> {
    let ty = common(&one, &other)?;
    Ok((as_type(one, ty), as_type(other, ty), ty))
}

fn common(one: &Typed, other: &Typed) -> Result<Type> {
    let refused = || {
        let text = format!("{} and {} do not go together", one.ty.name(), other.ty.name());
        SqlError::new(Code::TypeMismatch, text)
    };
    let is_written = |typed: &Typed| matches!(typed.expr, Expr::Literal(Value::Text(_)));
    let ty = match (one.ty, other.ty) {
        (Type::Users, _) | (_, Type::Users) => None,
        (Type::Text, ty) if ty != Type::Text && ty != Type::Nothing => {
            (is_written(one) || ty.is_time()).then(|| written_as(&one.expr, ty))
        }
        (ty, Type::Text) if ty != Type::Text && ty != Type::Nothing => {
            (is_written(other) || ty.is_time()).then(|| written_as(&other.expr, ty))
        }
        (one, other) => one.common(other),
    };
    ty.ok_or_else(refused)
}

/// The type that a text takes beside one of `ty`: a fraction beside an integer stays one, a time beside a day too.
fn written_as(text: &Expr, ty: Type) -> Type {
    let Expr::Literal(value) = text else { return ty };
    let wider = match ty {
        Type::Integer => Type::Double,
        Type::Date => Type::Timestamp,
        _ => return ty,
    };
    if cast(value, ty).is_err() && cast(value, wider).is_ok() { wider } else { ty }
}

/// All as ones of the same type, which is told too.
pub(super) fn unify_all(all: Vec<Typed>) -> Result<(Vec<Expr>, Type)> {
    let mut ty = Type::Nothing;
    for one in &all {
        let so_far = Typed::new(Expr::Literal(Value::Null), ty);
        let literal = matches!(one.expr, Expr::Literal(Value::Text(_)));
        ty = match (ty, one.ty) {
            (so_far, Type::Text) if literal && so_far.is_time() => so_far,
            _ => common(&so_far, one)?,
        };
    }
    if ty == Type::Users {
        return Err(SqlError::new(Code::TypeMismatch, "users can only be counted"));
    }
    Ok((all.into_iter().map(|one| as_type(one, ty)).collect(), ty))
}

/// A constant is worked out once; one that fails stays, and fails when a row needs it, and so does one that is much
/// work, which is counted then.
pub(super) fn folded(expr: Expr) -> Expr {
    if matches!(expr, Expr::Literal(_)) || !expr.is_constant() {
        return expr;
    }
    match expr.eval(&[], &Answers::folding()) {
        Ok(value) => Expr::Literal(value),
        Err(_) => expr,
    }
}

/// One operator with what stands on both sides.
pub(super) fn binary(op: &BinaryOperator, one: Typed, other: Typed, place: Span) -> Result<Typed> {
    let comparison = match op {
        BinaryOperator::And | BinaryOperator::Or => return junction(op, one, other, place),
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        other_op => return calculated(other_op, one, other, place),
    };
    let (one, other, _) = unify(one, other).map_err(|error| error.at(place))?;
    Ok(Typed::new(folded(Expr::Compare(comparison, one.boxed(), other.boxed())), Type::Boolean))
}

fn junction(op: &BinaryOperator, one: Typed, other: Typed, place: Span) -> Result<Typed> {
    for side in [&one, &other] {
        if !matches!(side.ty, Type::Boolean | Type::Nothing) {
            let text = format!("{op} of {}, not of true or false", side.ty.name());
            return Err(SqlError::new(Code::TypeMismatch, text).at(place));
        }
    }
    let is_and = *op == BinaryOperator::And;
    let mut all = Vec::new();
    for side in [one.expr, other.expr] {
        match side {
            Expr::And(more) if is_and => all.extend(more),
            Expr::Or(more) if !is_and => all.extend(more),
            single => all.push(single),
        }
    }
    Ok(Typed::new(if is_and { Expr::And(all) } else { Expr::Or(all) }, Type::Boolean))
}

fn calculated(op: &BinaryOperator, one: Typed, other: Typed, place: Span) -> Result<Typed> {
    let arithmetic = match op {
        BinaryOperator::Plus => Arithmetic::Add,
        BinaryOperator::Minus => Arithmetic::Subtract,
        BinaryOperator::Multiply => Arithmetic::Multiply,
        BinaryOperator::Divide => Arithmetic::Divide,
        BinaryOperator::Modulo => Arithmetic::Modulo,
        BinaryOperator::StringConcat => Arithmetic::Join,
        other => return Err(not_supported(format!("the operator {other}")).at(place)),
    };
    let ty = arithmetic_type(arithmetic, one.ty, other.ty).ok_or_else(|| {
        let text = format!("{} {op} {} has no meaning", one.ty.name(), other.ty.name());
        SqlError::new(Code::TypeMismatch, text).at(place)
    })?;
    // A day moved by whole days, months or years is a day again.
    let whole = |typed: &Typed| match typed.expr {
        Expr::Literal(Value::Interval(_, ms)) => ms % DAY_MS == 0,
        _ => false,
    };
    let is_day = ty == Type::Timestamp
        && ((one.ty == Type::Date && whole(&other)) || (other.ty == Type::Date && whole(&one)));
    let expr = Expr::Arithmetic(arithmetic, one.expr.boxed(), other.expr.boxed(), place.into());
    Ok(match is_day {
        true => {
            let day = Expr::Cast(expr.boxed(), Type::Date, OnFailure::Error, place.into());
            Typed::new(folded(day), Type::Date)
        }
        false => Typed::new(folded(expr), ty),
    })
}
