//! Functions of times, as tools write them.

use sqlparser::ast::{Expr as Ast, Spanned};
use sqlparser::tokenizer::Span;

use super::expr::{cast_to, refuse_users};
use super::literal::unit_named;
use super::operator::{as_type, folded};
use super::{Binder, Env, Typed};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::{Expr, OnFailure};
use crate::function::Function;
use crate::value::time::{Unit, day_of};
use crate::value::{Type, Value};

impl Binder<'_> {
    /// A call that is about times; none if it is about something else.
    pub(super) fn time_call(
        &mut self,
        name: &str,
        list: &[&Ast],
        place: Span,
        env: &mut Env<'_>,
    ) -> Result<Option<Typed>> {
        let now = self.catalog.local(self.catalog.now_ms);
        let unit_of = |unit: &Ast| {
            unit_named(unit).ok_or_else(|| not_supported(format!("the unit {unit}")).at(unit.span()))
        };
        let typed = match (name, list) {
            ("current_timestamp" | "now" | "localtimestamp", []) => {
                Typed::new(Expr::Literal(Value::Timestamp(now)), Type::Timestamp)
            }
            ("current_date", []) => Typed::new(Expr::Literal(Value::Date(day_of(now))), Type::Date),
            ("date_trunc", [unit, expr]) => {
                self.function(Function::Trunc(unit_of(unit)?), [*expr].into_iter(), place, env)?
            }
            ("date_diff" | "datediff" | "timestampdiff", [unit, from, to]) => {
                self.function(Function::DateDiff(unit_of(unit)?), [*from, *to].into_iter(), place, env)?
            }
            ("date_add" | "dateadd" | "timestampadd", [unit, count, time]) => {
                self.moved(unit_of(unit)?, count, time, place, env)?
            }
            ("date_format", [time, pattern]) => {
                let (time, pattern) = (self.time(time, env)?, self.expr(pattern, env)?);
                if !matches!(pattern.ty, Type::Text | Type::Nothing) {
                    let text = format!("date_format by {}", pattern.ty.name());
                    return Err(SqlError::new(Code::TypeMismatch, text).at(place));
                }
                let call = Expr::Call(Function::DateFormat, vec![time.expr, pattern.expr], place.into());
                Typed::new(folded(call), Type::Text)
            }
            ("from_unixtime", [seconds]) => {
                let zone = self.catalog.zone;
                self.function(Function::FromUnix(zone), [*seconds].into_iter(), place, env)?
            }
            ("date" | "to_date", [expr]) => {
                let typed = self.expr(expr, env)?;
                cast_to(typed, Type::Date, OnFailure::Error).map_err(|error| error.at(place))?
            }
            (part, [expr]) => match Unit::parse(part).filter(|_| !part.ends_with('s')) {
                Some(unit) => {
                    let unit = self.catalog.meant(unit);
                    self.function(Function::Extract(unit), [*expr].into_iter(), place, env)?
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(typed))
    }

    /// A day moved by whole days is a day again.
    fn moved(
        &mut self,
        unit: Unit,
        count: &Ast,
        time: &Ast,
        place: Span,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        let counted = self.expr(count, env)?;
        if !matches!(counted.ty, Type::Integer | Type::Nothing) {
            let text = format!("a number of units is {}", counted.ty.name());
            return Err(SqlError::new(Code::TypeMismatch, text).at(count.span()));
        }
        if crate::value::time::interval(unit, 1).is_none() {
            return Err(not_supported(format!("a number of {unit:?}")).at(place));
        }
        let mut time = self.time(time, env)?;
        let is_whole = matches!(unit, Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year);
        if time.ty == Type::Date && !is_whole {
            time = Typed::new(as_type(time, Type::Timestamp), Type::Timestamp);
        }
        let ty = time.ty;
        let call = Expr::Call(Function::DateAdd(unit), vec![time.expr, counted.expr], place.into());
        Ok(Typed::new(folded(call), ty))
    }

    /// A time, which may be written as text.
    fn time(&mut self, ast: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        let typed = self.expr(ast, env)?;
        refuse_users(&typed, ast.span())?;
        match typed.ty {
            Type::Date | Type::Timestamp => Ok(typed),
            Type::Text | Type::Nothing => Ok(Typed::new(as_type(typed, Type::Timestamp), Type::Timestamp)),
            other => {
                let text = format!("{} is no time", other.name());
                Err(SqlError::new(Code::TypeMismatch, text).at(ast.span()))
            }
        }
    }

    /// `x AT TIME ZONE 'name'`: what that zone's clock shows when the one of the session shows this. The name may be a
    /// parameter, but not a column: a zone of every row would be looked up for each.
    pub(super) fn at_zone(&mut self, time: &Ast, zone: &Ast, env: &mut Env<'_>) -> Result<Typed> {
        let named = self.expr(zone, env)?;
        let place = time.span();
        let time = self.time(time, env)?;
        let to = match folded(named.expr) {
            Expr::Literal(Value::Text(name)) => crate::zone(&name).map_err(|error| error.at(zone.span()))?,
            Expr::Literal(Value::Null) => return Ok(Typed::new(Expr::Literal(Value::Null), Type::Timestamp)),
            Expr::Literal(other) => {
                let text = format!("{other} is no name of a time zone");
                return Err(SqlError::new(Code::TypeMismatch, text).at(zone.span()));
            }
            _ => return Err(not_supported("a zone that is neither a name nor a parameter").at(zone.span())),
        };
        let time = as_type(time, Type::Timestamp);
        let call = Expr::Call(Function::InZone(self.catalog.zone, to), vec![time], place.into());
        Ok(Typed::new(folded(call), Type::Timestamp))
    }
}
