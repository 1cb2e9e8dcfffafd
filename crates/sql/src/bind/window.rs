//! Window functions.

use sqlparser::ast::{
    Function as Call, Spanned, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::call::{Arguments, aggregate_kind};
use super::order::sort_key;
use super::{Binder, Env, Typed, WINDOWS};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::Expr;
use crate::plan::{AggregateKind, WindowCall, WindowFunction};
use crate::value::Type;

impl Binder<'_> {
    /// A call with `OVER`.
    pub(super) fn window(
        &mut self,
        name: &str,
        call: &Call,
        arguments: Arguments<'_>,
        env: &mut Env<'_>,
    ) -> Result<Typed> {
        let place = call.name.span();
        let Some(WindowType::WindowSpec(spec)) = &call.over else {
            return Err(not_supported("a named window").at(place));
        };
        if env.windows.is_none() || call.filter.is_some() || arguments.distinct {
            return Err(SqlError::new(Code::Grouping, "there can be no such window function here").at(place));
        }
        // There are no windows within windows.
        let windows = env.windows.take();
        let bound = self.window_call(name, spec, &arguments, place, env);
        env.windows = windows;
        let (mut window, ty) = bound?;
        window.ty = ty;
        let windows = env.windows.get_or_insert_default();
        let known = windows.iter().position(|known| *known == window);
        let number = known.unwrap_or_else(|| {
            windows.push(window);
            windows.len() - 1
        });
        Ok(Typed::new(Expr::Column(WINDOWS + number), ty))
    }

    fn window_call(
        &mut self,
        name: &str,
        spec: &WindowSpec,
        arguments: &Arguments<'_>,
        place: sqlparser::tokenizer::Span,
        env: &mut Env<'_>,
    ) -> Result<(WindowCall, Type)> {
        let mut partition = Vec::new();
        for expr in &spec.partition_by {
            let typed = self.expr(expr, env)?;
            super::expr::refuse_users(&typed, expr.span())?;
            partition.push(typed.expr);
        }
        let mut order = Vec::new();
        for one in &spec.order_by {
            let typed = self.expr(&one.expr, env)?;
            order.push(sort_key(one, typed)?);
        }
        let by_row = by_row(spec.window_frame.as_ref()).map_err(|error| error.at(place))?;
        let integer = Type::Integer;
        let ranked = |function| Ok((function, Vec::new(), integer));
        let (function, exprs, ty) = match (name, arguments.list.as_slice()) {
            ("row_number", []) => ranked(WindowFunction::RowNumber),
            ("rank", []) => ranked(WindowFunction::Rank),
            ("dense_rank", []) => ranked(WindowFunction::DenseRank),
            ("lag" | "lead" | "first_value", [first, rest @ ..]) if rest.len() <= 2 => {
                let function = match name {
                    "lag" => WindowFunction::Lag,
                    "lead" => WindowFunction::Lead,
                    _ => WindowFunction::FirstValue,
                };
                let first = self.expr(first, env)?;
                let mut exprs = vec![first.expr.clone()];
                if let Some(count) = rest.first() {
                    exprs.push(self.expr(count, env)?.expr);
                }
                if let Some(default) = rest.get(1) {
                    let default = self.expr(default, env)?;
                    exprs.push(super::operator::as_type(default, first.ty));
                }
                Ok((function, exprs, first.ty))
            }
            _ => self.aggregate_over(name, arguments, place, env),
        }?;
        Ok((WindowCall { function, arguments: exprs, partition, order, by_row, ty, place: place.into() }, ty))
    }

    fn aggregate_over(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        place: sqlparser::tokenizer::Span,
        env: &mut Env<'_>,
    ) -> Result<(WindowFunction, Vec<Expr>, Type)> {
        let Some((kind, false)) = aggregate_kind(name) else {
            return Err(
                SqlError::new(Code::UnknownFunction, format!("there is no window function {name}")).at(place)
            );
        };
        let (call, ty) = self.aggregate_call(kind, false, arguments, None, place, env)?;
        match call.kind {
            AggregateKind::Users => Err(not_supported("COUNT(DISTINCT) OVER").at(place)),
            kind => Ok((WindowFunction::Aggregate(kind), call.arguments, ty)),
        }
    }
}

/// All expressions of a call.
pub(super) fn expressions(call: &mut WindowCall) -> impl Iterator<Item = &mut Expr> {
    let order = call.order.iter_mut().map(|key| &mut key.expr);
    call.arguments.iter_mut().chain(&mut call.partition).chain(order)
}

/// Frames begin at the beginning and end at the present row, or at the last one that is equal in order.
fn by_row(frame: Option<&WindowFrame>) -> Result<bool> {
    match frame {
        None => Ok(false),
        Some(WindowFrame {
            units,
            start_bound: WindowFrameBound::Preceding(None),
            end_bound: None | Some(WindowFrameBound::CurrentRow),
        }) => match units {
            WindowFrameUnits::Rows => Ok(true),
            WindowFrameUnits::Range => Ok(false),
            WindowFrameUnits::Groups => Err(not_supported("GROUPS")),
        },
        Some(_) => Err(not_supported("a frame other than UNBOUNDED PRECEDING to CURRENT ROW")),
    }
}
