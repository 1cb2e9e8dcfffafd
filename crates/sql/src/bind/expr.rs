//! Expressions.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, Expr as Ast, Query, Spanned, TrimWhereField,
    UnaryOperator,
};
use sqlparser::tokenizer::Span;

use super::literal::{data_type, unit};
use super::operator::{binary, folded, unify, unify_all};
use super::{Binder, Env, Typed};
use crate::catalog::SCHEMA;
use crate::error::{Code, Place, Result, SqlError, not_supported};
use crate::expr::{Comparison, Expr, Like, OnFailure, ValueSet};
use crate::function::Function;
use crate::plan::{Node, QueryKind};
use crate::value::cast::is_possible;
use crate::value::time::Unit;
use crate::value::{Type, Value};

impl Binder<'_> {
    /// An expression with its type.
    pub(super) fn expr(&mut self, ast: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        let mut typed = self.unplaced(ast, env)?;
        // What fails for a row is told with its place.
        if !matches!(typed.expr, Expr::Literal(_) | Expr::Column(_)) {
            typed.expr.stamp(ast.span());
        }
        Ok(typed)
    }

    fn unplaced(&mut self, ast: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        match ast {
            Ast::Identifier(name) => match self.column(None, &name.value, name.span, env) {
                // The one word of its kind that the parser takes for a name.
                Err(_) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("current_schema") => {
                    Ok(Typed::new(Expr::Literal(Value::text(SCHEMA)), Type::Text))
                }
                found => found,
            },
            Ast::CompoundIdentifier(names) => match names.as_slice() {
                [.., table, name] => self.column(Some(&table.value), &name.value, name.span, env),
                _ => Err(not_supported("this name").at(ast.span())),
            },
            Ast::Nested(inner) => self.expr(inner, env),
            Ast::Value(value) => self.value(value),
            Ast::TypedString(string) => self.typed_string(string),
            Ast::Interval(interval) => self.interval(interval),
            Ast::BinaryOp { .. } => self.chain(ast, env),
            Ast::UnaryOp { op, expr } => self.unary(*op, expr, env),
            Ast::Function(function) => self.call(function, env),
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), env)
            }
            Ast::Cast { kind, expr, data_type: ty, format: None } => {
                let on_failure = match kind {
                    CastKind::Cast | CastKind::DoubleColon => OnFailure::Error,
                    CastKind::TryCast | CastKind::SafeCast => OnFailure::Null,
                };
                let to = data_type(ty).map_err(|error| error.at(ast.span()))?;
                let typed = self.expr(expr, env)?;
                cast_to(typed, to, on_failure).map_err(|error| error.at(ast.span()))
            }
            Ast::Extract { field, expr, .. } => {
                let unit =
                    unit(field).ok_or_else(|| not_supported(format!("EXTRACT({field})")).at(ast.span()))?;
                self.of_time(Function::Extract(self.catalog.meant(unit)), expr, env)
            }
            Ast::Floor { expr, field } => self.floor(Function::Floor, Function::Trunc, field, expr, env),
            Ast::Ceil { expr, field } => self.floor(Function::Ceil, Function::CeilTime, field, expr, env),
            Ast::Subquery(query) => self.query_value(query, env),
            Ast::AtTimeZone { timestamp, time_zone } => self.at_zone(timestamp, time_zone, env),
            Ast::Exists { subquery, negated } => {
                let bound = self.inner_query(subquery, env)?;
                // Whether there is a row: its columns make no difference, nor does how many there are.
                let rows = Node::Project(Box::new(bound.node), Vec::new());
                let number = self.add_query(Node::Distinct(Box::new(rows)), QueryKind::Exists);
                Ok(negated_if(*negated, Expr::QueryExists(number)))
            }
            other => self.test(other, env),
        }
    }

    /// Expressions that are true or false, and texts.
    fn test(&mut self, ast: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        let mut truth = |this: &mut Self, inner: &Ast, wanted: bool, negated: bool| {
            let inner = this.condition(inner, env)?;
            Ok(negated_if(negated, Expr::Is(inner.boxed(), wanted)))
        };
        match ast {
            Ast::IsTrue(one) => truth(self, one, true, false),
            Ast::IsNotTrue(one) => truth(self, one, true, true),
            Ast::IsFalse(one) => truth(self, one, false, false),
            Ast::IsNotFalse(one) => truth(self, one, false, true),
            Ast::IsNull(one) | Ast::IsUnknown(one) => self.is_null(one, false, env),
            Ast::IsNotNull(one) | Ast::IsNotUnknown(one) => self.is_null(one, true, env),
            Ast::IsDistinctFrom(one, other) => self.same(one, other, true, env),
            Ast::IsNotDistinctFrom(one, other) => self.same(one, other, false, env),
            Ast::InList { expr, list, negated } => self.in_list(expr, list, *negated, env),
            Ast::InSubquery { expr, subquery, negated } => self.in_query(expr, subquery, *negated, env),
            Ast::Between { expr, negated, low, high } => {
                let (one, low, high) = (self.expr(expr, env)?, self.expr(low, env)?, self.expr(high, env)?);
                let place = expr.span();
                let low = binary(&BinaryOperator::GtEq, one.clone(), low, place)?;
                let high = binary(&BinaryOperator::LtEq, one, high, place)?;
                Ok(negated_if(*negated, Expr::And(vec![low.expr, high.expr])))
            }
            Ast::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), (*negated, false), env)
            }
            Ast::ILike { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), (*negated, true), env)
            }
            Ast::Substring { expr, substring_from, substring_for, .. } => {
                let first = Ast::value(sqlparser::ast::Value::Number("1".to_owned(), false));
                let from = substring_from.as_deref().unwrap_or(&first);
                let arguments = [&**expr, from].into_iter().chain(substring_for.as_deref());
                self.function(Function::Substring, arguments, ast.span(), env)
            }
            Ast::Trim { trim_where, trim_what: None, expr, trim_characters: None } => {
                let function = match trim_where {
                    None | Some(TrimWhereField::Both) => Function::Trim,
                    Some(TrimWhereField::Leading) => Function::TrimStart,
                    Some(TrimWhereField::Trailing) => Function::TrimEnd,
                };
                self.function(function, [&**expr].into_iter(), ast.span(), env)
            }
            Ast::Position { expr, r#in } => {
                self.function(Function::Position, [&**r#in, &**expr].into_iter(), ast.span(), env)
            }
            other => Err(not_supported("this expression").at(other.span())),
        }
    }

    /// A chain of operators, which hangs to the left: a loop, as it may be long.
    fn chain(&mut self, ast: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        let (mut chain, mut first) = (Vec::new(), ast);
        while let Ast::BinaryOp { left, op, right } = first {
            chain.push((op, &**right));
            first = left;
        }
        let mut typed = self.expr(first, env)?;
        for (op, right) in chain.into_iter().rev() {
            let other = self.expr(right, env)?;
            typed = binary(op, typed, other, right.span())?;
            typed.expr.stamp(right.span());
        }
        Ok(typed)
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        match op {
            UnaryOperator::Not => Ok(negated_if(true, self.condition(expr, env)?)),
            UnaryOperator::Plus => self.expr(expr, env),
            UnaryOperator::Minus => {
                let typed = self.expr(expr, env)?;
                if !typed.ty.is_number() && !matches!(typed.ty, Type::Nothing | Type::Interval) {
                    let text = format!("- of {}", typed.ty.name());
                    return Err(SqlError::new(Code::TypeMismatch, text).at(expr.span()));
                }
                Ok(Typed::new(folded(Expr::Negate(typed.expr.boxed(), expr.span().into())), typed.ty))
            }
            other => Err(not_supported(format!("the operator {other}")).at(expr.span())),
        }
    }

    fn is_null(&mut self, one: &Ast, negated: bool, env: &mut Env<'_>) -> Result<Typed> {
        let typed = self.expr(one, env)?;
        refuse_users(&typed, one.span())?;
        Ok(negated_if(negated, Expr::IsNull(typed.expr.boxed())))
    }

    fn same(&mut self, one: &Ast, other: &Ast, negated: bool, env: &mut Env<'_>) -> Result<Typed> {
        let (first, second) = (self.expr(one, env)?, self.expr(other, env)?);
        let (first, second, _) = unify(first, second).map_err(|error| error.at(other.span()))?;
        Ok(negated_if(negated, Expr::Same(first.boxed(), second.boxed())))
    }

    fn case(
        &mut self,
        operand: Option<&Ast>,
        conditions: &[CaseWhen],
        otherwise: Option<&Ast>,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        let operand = operand.map(|operand| self.expr(operand, env)).transpose()?;
        let (mut whens, mut results) = (Vec::new(), Vec::new());
        for CaseWhen { condition, result } in conditions {
            whens.push(match &operand {
                None => self.condition(condition, env)?,
                Some(operand) => {
                    let value = self.expr(condition, env)?;
                    binary(&BinaryOperator::Eq, operand.clone(), value, condition.span())?.expr
                }
            });
            results.push(self.expr(result, env)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise, env)?,
            None => Typed::new(Expr::Literal(Value::Null), Type::Nothing),
        });
        let place = conditions.first().map_or_else(Span::empty, |when| when.result.span());
        let (mut results, ty) = unify_all(results).map_err(|error| error.at(place))?;
        let otherwise = results.pop().unwrap_or(Expr::Literal(Value::Null));
        let whens = whens.into_iter().zip(results).collect();
        Ok(Typed::new(folded(Expr::Case(whens, otherwise.boxed())), ty))
    }

    fn in_list(&mut self, one: &Ast, list: &[Ast], negated: bool, env: &mut Env<'_>) -> Result<Typed> {
        let place = one.span();
        let one = self.expr(one, env)?;
        refuse_users(&one, place)?;
        // What is looked for decides what written texts become; then all take the widest type.
        let mut all = vec![one.clone()];
        for item in list {
            let typed = self.expr(item, env)?;
            let (_, expr, ty) = unify(one.clone(), typed).map_err(|error| error.at(item.span()))?;
            all.push(Typed::new(expr, ty));
        }
        let (mut all, _) = unify_all(all).map_err(|error| error.at(place))?;
        let one = all.remove(0);
        if all.iter().any(|item| !matches!(item, Expr::Literal(_))) {
            return Ok(negated_if(negated, Expr::InList(one.boxed(), all)));
        }
        let mut set = ValueSet::default();
        for item in all {
            if let Expr::Literal(value) = item {
                set.add(value);
            }
        }
        Ok(negated_if(negated, Expr::InSet(one.boxed(), set.into())))
    }

    fn in_query(&mut self, one: &Ast, query: &Query, negated: bool, env: &mut Env<'_>) -> Result<Typed> {
        let place = one.span();
        let one = self.expr(one, env)?;
        let bound = self.inner_query(query, env)?;
        let [column] = bound.columns.as_slice() else {
            return Err(SqlError::new(Code::TypeMismatch, "IN of several columns").at(place));
        };
        let other = Typed::new(Expr::Column(0), column.ty);
        let (one, other, _) = unify(one, other).map_err(|error| error.at(place))?;
        let node = match other {
            Expr::Column(_) => bound.node,
            cast => Node::Project(Box::new(bound.node), vec![cast]),
        };
        // Repetitions make no difference, so the cells need not be told apart.
        let number = self.add_query(Node::Distinct(Box::new(node)), QueryKind::Set);
        Ok(negated_if(negated, Expr::InQuery(one.boxed(), number)))
    }

    fn query_value(&mut self, query: &Query, env: &Env<'_>) -> Result<Typed> {
        let place = query.span();
        let bound = self.inner_query(query, env)?;
        let [column] = bound.columns.as_slice() else {
            return Err(SqlError::new(Code::TypeMismatch, "a value of several columns").at(place));
        };
        let ty = column.ty;
        if ty == Type::Users {
            return Err(SqlError::new(Code::TypeMismatch, "users can only be counted").at(place));
        }
        let number = self.add_query(bound.node, QueryKind::Value);
        Ok(Typed::new(Expr::QueryValue(number), ty))
    }

    fn add_query(&mut self, node: Node, kind: QueryKind) -> usize {
        self.queries.push((node, kind));
        self.queries.len() - 1
    }

    fn like(
        &mut self,
        text: &Ast,
        pattern: &Ast,
        escape: Option<&Ast>,
        (negated, ignore_case): (bool, bool),
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        let place = text.span();
        let (text, pattern) = (self.expr(text, env)?, self.expr(pattern, env)?);
        for side in [&text, &pattern] {
            if !matches!(side.ty, Type::Text | Type::Nothing) {
                let message = format!("LIKE of {}", side.ty.name());
                return Err(SqlError::new(Code::TypeMismatch, message).at(place));
            }
        }
        let escape = match escape.map(|escape| self.expr(escape, env)).transpose()? {
            None => None,
            Some(Typed { expr: Expr::Literal(Value::Text(escape)), .. }) if escape.chars().count() == 1 => {
                escape.chars().next()
            }
            Some(_) => return Err(SqlError::new(Code::BadValue, "ESCAPE is one character").at(place)),
        };
        let like = Like { text: text.expr, pattern: pattern.expr, escape, ignore_case, place: place.into() };
        Ok(negated_if(negated, Expr::Like(Box::new(like))))
    }

    /// `FLOOR(x)` of a number, `FLOOR(x TO DAY)` of a time.
    fn floor(
        &mut self,
        of_number: Function,
        of_time: fn(Unit) -> Function,
        field: &CeilFloorKind,
        expr: &Ast,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        match field {
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => {
                self.function(of_number, [expr].into_iter(), expr.span(), env)
            }
            CeilFloorKind::DateTimeField(field) => {
                let unit = unit(field).ok_or_else(|| not_supported(format!("TO {field}")).at(expr.span()))?;
                self.of_time(of_time(unit), expr, env)
            }
            CeilFloorKind::Scale(_) => Err(not_supported("FLOOR with a scale").at(expr.span())),
        }
    }

    fn of_time(&mut self, function: Function, expr: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        self.function(function, [expr].into_iter(), expr.span(), env)
    }
}

fn negated_if(negated: bool, expr: Expr) -> Typed {
    let expr = match (negated, expr) {
        (false, expr) => expr,
        (true, Expr::Compare(op, one, other)) => {
            let op = match op {
                Comparison::Equal => Comparison::NotEqual,
                Comparison::NotEqual => Comparison::Equal,
                Comparison::Less => Comparison::GreaterOrEqual,
                Comparison::LessOrEqual => Comparison::Greater,
                Comparison::Greater => Comparison::LessOrEqual,
                Comparison::GreaterOrEqual => Comparison::Less,
            };
            Expr::Compare(op, one, other)
        }
        (true, expr) => Expr::Not(expr.boxed()),
    };
    Typed::new(folded(expr), Type::Boolean)
}

pub(super) fn refuse_users(typed: &Typed, place: Span) -> Result<()> {
    match typed.ty {
        Type::Users => {
            let text = "users can only be counted: COUNT(DISTINCT user_key)";
            Err(SqlError::new(Code::TypeMismatch, text).at(place))
        }
        _ => Ok(()),
    }
}

/// A cast, where there can be one.
pub(super) fn cast_to(typed: Typed, to: Type, on_failure: OnFailure) -> Result<Typed> {
    if !is_possible(typed.ty, to) {
        let text = format!("{} cannot be cast to {}", typed.ty.name(), to.name());
        return Err(SqlError::new(Code::TypeMismatch, text));
    }
    if typed.ty == to {
        return Ok(typed);
    }
    Ok(Typed::new(folded(Expr::Cast(typed.expr.boxed(), to, on_failure, Place::default())), to))
}
