//! `ORDER BY`, and the columns of an answer.

use sqlparser::ast::{
    Expr as Ast, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Spanned, Value as AstValue,
};
use sqlparser::tokenizer::Span;

use super::select::Shown;
use super::{Binder, Bound, Env, Named, Typed};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::Expr;
use crate::plan::{Node, SortKey};
use crate::value::Type;

impl Binder<'_> {
    /// What to sort by: the number of something shown, its name, or an expression.
    pub(super) fn sort_keys(
        &mut self,
        order: Option<&OrderBy>,
        shown: &[Shown],
        env: &mut Env<'_>,
    ) -> Result<Vec<(SortKey, Span)>> {
        let mut keys = Vec::new();
        for one in expressions(order)? {
            let place = one.expr.span();
            let typed = match by_name(&one.expr, shown.iter().map(|one| one.name.as_str()))? {
                Some(number) => shown[number].typed.clone(),
                None => self.expr(&one.expr, env)?,
            };
            keys.push((sort_key(one, typed)?, place));
        }
        Ok(keys)
    }

    /// The same behind a union, where only what is shown can be sorted by.
    pub(super) fn order_outputs(&mut self, mut bound: Bound, order: Option<&OrderBy>) -> Result<Bound> {
        let mut keys = Vec::new();
        for one in expressions(order)? {
            let named = by_name(&one.expr, bound.columns.iter().map(|column| column.name.as_str()))?;
            let typed = match named {
                Some(number) => Typed::new(Expr::Column(number), bound.columns[number].ty),
                None => self.expr(&one.expr, &mut Env::rows(&bound.columns))?,
            };
            keys.push(sort_key(one, typed)?);
        }
        if !keys.is_empty() {
            bound.node = Node::Sort(Box::new(bound.node), keys);
        }
        Ok(bound)
    }

    /// Shows, leaves out repetitions, and sorts; what is only sorted by is cut off again.
    pub(super) fn output(node: Node, shown: Vec<Shown>, sort: Vec<SortKey>, distinct: bool) -> Result<Bound> {
        let mut exprs: Vec<Expr> = shown.iter().map(|one| one.typed.expr.clone()).collect();
        let width = exprs.len();
        let mut keys = Vec::new();
        for key in sort {
            let known = exprs.iter().position(|expr| *expr == key.expr);
            if known.is_none() && distinct {
                let text = "with DISTINCT only what is shown can be sorted by";
                return Err(SqlError::new(Code::Grouping, text));
            }
            let place = known.unwrap_or_else(|| {
                exprs.push(key.expr);
                exprs.len() - 1
            });
            keys.push(SortKey { expr: Expr::Column(place), ..key });
        }
        let is_wider = exprs.len() > width;
        let mut node = Node::Project(Box::new(node), exprs);
        if distinct {
            node = Node::Distinct(Box::new(node));
        }
        if !keys.is_empty() {
            node = Node::Sort(Box::new(node), keys);
        }
        if is_wider {
            node = Node::Project(Box::new(node), (0..width).map(Expr::Column).collect());
        }
        let named = |one: Shown| Named { table: String::new(), name: one.name, ty: one.typed.ty };
        Ok(Bound { node, columns: shown.into_iter().map(named).collect() })
    }
}

pub(super) fn sort_key(one: &OrderByExpr, typed: Typed) -> Result<SortKey> {
    if typed.ty == Type::Users {
        return Err(SqlError::new(Code::TypeMismatch, "users can only be counted").at(one.expr.span()));
    }
    let OrderByOptions { sort, nulls_first } = &one.options;
    let descending = match sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        _ => return Err(not_supported("this order").at(one.expr.span())),
    };
    // What has no value is last either way, as in reports.
    Ok(SortKey { expr: typed.expr, descending, nulls_first: nulls_first.unwrap_or(false) })
}

fn expressions(order: Option<&OrderBy>) -> Result<&[OrderByExpr]> {
    match order.map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(all)) => Ok(all),
        Some(OrderByKind::All(_)) => Err(not_supported("ORDER BY ALL")),
    }
}

/// The place of something shown by its number or name.
fn by_name<'n>(expr: &Ast, mut names: impl ExactSizeIterator<Item = &'n str>) -> Result<Option<usize>> {
    match expr {
        Ast::Value(value) => {
            ordinal(&value.value, names.len()).transpose().map_err(|error| error.at(value.span))
        }
        Ast::Identifier(name) => Ok(names.position(|known| known.eq_ignore_ascii_case(&name.value))),
        _ => Ok(None),
    }
}

/// A whole number as the place of something shown; none for other values.
pub(super) fn ordinal(value: &AstValue, shown: usize) -> Option<Result<usize>> {
    let AstValue::Number(text, _) = value else { return None };
    let number: usize = text.parse().ok()?;
    Some(match number {
        1.. if number <= shown => Ok(number - 1),
        _ => {
            let text = format!("there is no column {number}, {shown} are shown");
            Err(SqlError::new(Code::UnknownColumn, text))
        }
    })
}
