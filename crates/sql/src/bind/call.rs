//! Functions and aggregates.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr, FunctionArguments,
    Spanned,
};
use sqlparser::tokenizer::Span;

use super::expr::refuse_users;
use super::operator::{as_type, folded, unify_all};
use super::{Binder, CALLS, Env, GROUPINGS, Typed};
use crate::catalog::{CATALOG, SCHEMA};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::Expr;
use crate::function::{Answers, Function};
use crate::plan::{AggregateCall, AggregateKind};
use crate::value::{Type, Value};

/// The arguments of a call.
pub(super) struct Arguments<'c> {
    pub(super) list: Vec<&'c Ast>,
    pub(super) distinct: bool,
    pub(super) is_star: bool,
}

impl Binder<'_> {
    /// Whatever looks like `name(...)`.
    pub(super) fn call(&mut self, call: &Call, env: &mut Env<'_>) -> Result<Typed> {
        let place = call.name.span();
        let name =
            call.name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_ascii_lowercase());
        let name = name.ok_or_else(|| not_supported("this name").at(place))?;
        if !call.within_group.is_empty() || call.null_treatment.is_some() {
            return Err(not_supported("this clause of a function").at(place));
        }
        let arguments = arguments(call)?;
        if call.over.is_some() {
            return self.window(&name, call, arguments, env);
        }
        if let Some((kind, distinct)) = aggregate_kind(&name) {
            let distinct = distinct || arguments.distinct;
            return self.aggregate(kind, distinct, &arguments, call.filter.as_deref(), place, env);
        }
        if let ("count_if" | "countif", [condition]) = (name.as_str(), arguments.list.as_slice()) {
            if call.filter.is_some() || arguments.distinct {
                return Err(not_supported("FILTER or DISTINCT of count_if").at(place));
            }
            let rows = Arguments { list: Vec::new(), distinct: false, is_star: true };
            return self.aggregate(AggregateKind::Count, false, &rows, Some(*condition), place, env);
        }
        if call.filter.is_some() || arguments.distinct || arguments.is_star {
            return Err(SqlError::new(Code::Syntax, format!("{name} is not an aggregate")).at(place));
        }
        if name == "grouping" {
            return self.grouping_call(&arguments, place, env);
        }
        self.scalar(&name, &arguments.list, place, env)
    }

    fn scalar(&mut self, name: &str, list: &[&Ast], place: Span, env: &mut Env<'_>) -> Result<Typed> {
        if let Some(typed) = self.time_call(name, list, place, env)? {
            return Ok(typed);
        }
        let text = |text: &str| Ok(Typed::new(Expr::Literal(Value::text(text)), Type::Text));
        match (name, list) {
            // Whoever has the token; it has no other name here.
            ("current_user" | "session_user" | "user", []) => return text(&self.catalog.scope.to_string()),
            ("current_catalog", []) => return text(CATALOG),
            ("current_schema", []) => return text(SCHEMA),
            ("version", []) => return text("adtally"),
            ("infinity" | "nan", []) => {
                return Err(SqlError::new(Code::BadValue, format!("{name} is no number here")).at(place));
            }
            ("mod", [one, other]) => {
                let (one, other) = (self.expr(one, env)?, self.expr(other, env)?);
                return super::operator::binary(&sqlparser::ast::BinaryOperator::Modulo, one, other, place);
            }
            ("if" | "iif", [when, then, otherwise]) => {
                let when = self.condition(when, env)?;
                let results = vec![self.expr(then, env)?, self.expr(otherwise, env)?];
                let (mut results, ty) = unify_all(results).map_err(|error| error.at(place))?;
                let otherwise = results.pop().unwrap_or(Expr::Literal(Value::Null));
                let then = results.pop().unwrap_or(Expr::Literal(Value::Null));
                return Ok(Typed::new(folded(Expr::Case(vec![(when, then)], otherwise.boxed())), ty));
            }
            _ => {}
        }
        let Some((function, fewest, most)) = Function::find(name) else {
            return Err(
                SqlError::new(Code::UnknownFunction, format!("there is no function {name}")).at(place)
            );
        };
        if !(fewest..=most).contains(&list.len()) {
            let text = format!("{name} takes {fewest} to {most} arguments, not {}", list.len());
            return Err(SqlError::new(Code::TypeMismatch, text).at(place));
        }
        self.function(function, list.iter().copied(), place, env)
    }

    /// A function of values.
    pub(super) fn function<'e>(
        &mut self,
        function: Function,
        arguments: impl Iterator<Item = &'e Ast>,
        place: Span,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        let mut typed = Vec::new();
        for argument in arguments {
            let one = self.expr(argument, env)?;
            refuse_users(&one, argument.span())?;
            typed.push(one);
        }
        let (answers, wanted) = function.signature();
        if let Some(wanted) = wanted {
            for one in &mut typed {
                // A time may be written as text.
                if one.ty == Type::Text && wanted(Type::Timestamp) {
                    let expr = as_type(one.clone(), Type::Timestamp);
                    *one = Typed::new(expr, Type::Timestamp);
                }
                if one.ty != Type::Nothing && !wanted(one.ty) {
                    let text = format!("{function:?} of {}", one.ty.name()).to_lowercase();
                    return Err(SqlError::new(Code::TypeMismatch, text).at(place));
                }
            }
        }
        let first = typed.first().map_or(Type::Nothing, |one| one.ty);
        let (arguments, ty) = match answers {
            Answers::Common => unify_all(typed).map_err(|error| error.at(place))?,
            Answers::First => (typed.into_iter().map(|one| one.expr).collect(), first),
            Answers::Type(ty) => (typed.into_iter().map(|one| one.expr).collect(), ty),
        };
        Ok(Typed::new(folded(Expr::Call(function, arguments, place.into())), ty))
    }

    /// An aggregate: found once for all places in which it stands.
    fn aggregate(
        &mut self,
        kind: AggregateKind,
        distinct: bool,
        arguments: &Arguments<'_>,
        filter: Option<&Ast>,
        place: Span,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        if env.calls.is_none() {
            return Err(SqlError::new(Code::Grouping, "there can be no aggregate here").at(place));
        }
        let mut inner = Env::rows(env.columns);
        let filter = filter.map(|filter| self.condition(filter, &mut inner)).transpose()?;
        let (call, ty) = self.aggregate_call(kind, distinct, arguments, filter, place, &mut inner)?;
        let calls = env.calls.get_or_insert_default();
        let known = calls.iter().position(|known| *known == call);
        let number = known.unwrap_or_else(|| {
            calls.push(call);
            calls.len() - 1
        });
        Ok(Typed::new(Expr::Column(CALLS + number), ty))
    }

    /// What is aggregated, and the type of the answer.
    pub(super) fn aggregate_call(
        &mut self,
        kind: AggregateKind,
        distinct: bool,
        arguments: &Arguments<'_>,
        filter: Option<Expr>,
        place: Span,
        env: &mut Env<'_>,
    ) -> Result<(AggregateCall, Type)> {
        let mut typed = Vec::new();
        for argument in &arguments.list {
            typed.push(self.expr(argument, env)?);
        }
        let wrong = |text: String| Err(SqlError::new(Code::TypeMismatch, text).at(place));
        let ty = typed.first().map_or(Type::Nothing, |one| one.ty);
        let is_users = ty == Type::Users;
        let (kind, distinct) = match kind {
            AggregateKind::Count if is_users && distinct && typed.len() == 1 => (AggregateKind::Users, false),
            _ if typed.iter().any(|one| one.ty == Type::Users) => {
                return wrong("users can only be counted: COUNT(DISTINCT user_key)".to_owned());
            }
            // Repetitions make no difference.
            AggregateKind::Min | AggregateKind::Max => (kind, false),
            kind => (kind, distinct),
        };
        let answer = match (kind, typed.len()) {
            (AggregateKind::Count, 0) if arguments.is_star && !distinct => Type::Integer,
            (AggregateKind::Count | AggregateKind::Users, 1) => Type::Integer,
            (AggregateKind::Count, 2..) if distinct => Type::Integer,
            (AggregateKind::Sum, 1) if ty.is_number() || ty == Type::Nothing => ty,
            (AggregateKind::Avg, 1) if ty.is_number() || ty == Type::Nothing => Type::Double,
            (AggregateKind::Min | AggregateKind::Max, 1) if ty != Type::Interval => ty,
            _ => return wrong("the aggregate does not fit its arguments".to_owned()),
        };
        let mut arguments: Vec<Expr> = typed.into_iter().map(|one| one.expr).collect();
        if let Some(filter) = filter {
            if arguments.is_empty() {
                arguments.push(Expr::Literal(Value::Integer(1)));
            }
            for argument in &mut arguments {
                let nothing = Expr::Literal(Value::Null).boxed();
                *argument = Expr::Case(vec![(filter.clone(), argument.clone())], nothing);
            }
        }
        Ok((AggregateCall { kind, distinct, arguments, ty, place: place.into() }, answer))
    }

    fn grouping_call(&mut self, arguments: &Arguments<'_>, place: Span, env: &mut Env<'_>) -> Result<Typed> {
        if env.calls.is_none() || arguments.list.is_empty() || arguments.list.len() > 32 {
            return Err(SqlError::new(Code::Grouping, "there can be no GROUPING here").at(place));
        }
        let mut inner = Env::rows(env.columns);
        let exprs = arguments.list.iter().map(|one| Ok(self.expr(one, &mut inner)?.expr));
        let exprs = exprs.collect::<Result<Vec<Expr>>>()?;
        env.groupings.push(exprs);
        Ok(Typed::new(Expr::Column(GROUPINGS + env.groupings.len() - 1), Type::Integer))
    }
}

/// The aggregate of a name, and whether it counts different ones by itself.
pub(super) fn aggregate_kind(name: &str) -> Option<(AggregateKind, bool)> {
    Some(match name {
        "count" => (AggregateKind::Count, false),
        "approx_count_distinct" | "approx_distinct" => (AggregateKind::Count, true),
        "sum" => (AggregateKind::Sum, false),
        "avg" | "mean" => (AggregateKind::Avg, false),
        "min" | "any_value" | "arbitrary" => (AggregateKind::Min, false),
        "max" => (AggregateKind::Max, false),
        _ => return None,
    })
}

fn arguments(call: &Call) -> Result<Arguments<'_>> {
    let place = call.name.span();
    let mut arguments = Arguments { list: Vec::new(), distinct: false, is_star: false };
    match &call.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(_) => return Err(not_supported("a query as an argument").at(place)),
        FunctionArguments::List(list) => {
            if !list.clauses.is_empty() {
                return Err(not_supported("this clause of a function").at(place));
            }
            arguments.distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.list.push(expr),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => {
                        arguments.is_star = true;
                    }
                    _ => return Err(not_supported("this argument").at(place)),
                }
            }
        }
    }
    Ok(arguments)
}
