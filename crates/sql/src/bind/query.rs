//! Whole queries: `WITH`, `UNION`, and what stands behind them.

use sqlparser::ast::{
    Expr as Ast, Fetch, LimitClause, Offset, Query, SetExpr, SetOperator, SetQuantifier, Spanned, Values,
};

use super::{Binder, Bound, Env, Named, Typed};
use crate::error::{Code, Place, Result, SqlError, not_supported};
use crate::eval::Answers;
use crate::expr::{Expr, OnFailure};
use crate::plan::Node;
use crate::value::{Type, Value};

impl Binder<'_> {
    /// A query with all that belongs to it.
    pub(super) fn query(&mut self, query: &Query) -> Result<Bound> {
        self.count_node()?;
        let seen = self.with.len();
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(not_supported("WITH RECURSIVE").at(with.with_token.0.span));
            }
            for table in &with.cte_tables {
                let columns = table.alias.columns.iter().map(|column| column.name.value.clone()).collect();
                let sees = self.with.len();
                self.with.push((table.alias.name.value.clone(), columns, table.query.clone(), sees));
            }
        }
        let bound = self.query_in_with(query);
        self.with.truncate(seen);
        bound
    }

    fn query_in_with(&mut self, query: &Query) -> Result<Bound> {
        if query.for_clause.is_some() || !query.locks.is_empty() || !query.pipe_operators.is_empty() {
            let what = if query.locks.is_empty() { "this clause behind a query" } else { "FOR UPDATE" };
            return Err(not_supported(what).at(query.body.span()));
        }
        let order = query.order_by.as_ref();
        let mut bound = match &*query.body {
            SetExpr::Select(select) => self.select(select, order)?,
            body => {
                let bound = self.set_expr(body)?;
                self.order_outputs(bound, order)?
            }
        };
        if let Some((offset, limit)) = self.limits(query)? {
            bound.node = Node::Limit(Box::new(bound.node), offset, limit);
        }
        Ok(bound)
    }

    fn set_expr(&mut self, body: &SetExpr) -> Result<Bound> {
        match body {
            SetExpr::Select(select) => self.select(select, None),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation { .. } => self.union(body),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(SqlError::new(Code::ReadOnly, "statements only read"))
            }
            SetExpr::Table(_) => Err(not_supported("TABLE as a query").at(body.span())),
        }
    }

    /// A chain of unions, which hangs to the left.
    fn union(&mut self, body: &SetExpr) -> Result<Bound> {
        let (mut chain, mut first) = (Vec::new(), body);
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = first {
            if *op != SetOperator::Union {
                return Err(not_supported(op.to_string()).at(right.span()));
            }
            let all = match set_quantifier {
                SetQuantifier::All => true,
                SetQuantifier::None | SetQuantifier::Distinct => false,
                other => return Err(not_supported(format!("UNION {other}")).at(right.span())),
            };
            chain.push((all, right));
            first = left;
        }
        let mut bound = self.set_expr(first)?;
        for (all, right) in chain.into_iter().rev() {
            self.count_node()?;
            let place = right.span();
            let right = self.set_expr(right)?;
            if right.columns.len() != bound.columns.len() {
                let text = format!("UNION of {} and {} columns", bound.columns.len(), right.columns.len());
                return Err(SqlError::new(Code::TypeMismatch, text).at(place));
            }
            let mut columns = bound.columns.clone();
            for (column, other) in columns.iter_mut().zip(&right.columns) {
                column.ty = column.ty.common(other.ty).filter(|ty| *ty != Type::Users).ok_or_else(|| {
                    let text = format!("UNION of {} and {}", column.ty.name(), other.ty.name());
                    SqlError::new(Code::TypeMismatch, text).at(place)
                })?;
            }
            let parts = [bound, right].map(|part| converted(part, &columns));
            let mut nodes = Vec::new();
            for part in parts {
                match part {
                    // A longer chain of the same is one step.
                    Node::Union(more) if all => nodes.extend(more),
                    one => nodes.push(one),
                }
            }
            let node = Node::Union(nodes);
            let node = if all { node } else { Node::Distinct(Box::new(node)) };
            bound = Bound { node, columns };
        }
        Ok(bound)
    }

    fn values(&mut self, values: &Values) -> Result<Bound> {
        let mut rows: Vec<Vec<Typed>> = Vec::new();
        for row in &values.rows {
            let typed = row.content.iter().map(|one| self.expr(one, &mut Env::rows(&[])));
            rows.push(typed.collect::<Result<_>>()?);
        }
        let width = rows.first().map_or(0, Vec::len);
        self.check_width(width)?;
        let mut columns = Vec::new();
        for place in 0..width {
            let mut ty = Type::Nothing;
            for row in &rows {
                let other = row.get(place).filter(|_| row.len() == width).map(|typed| typed.ty);
                ty = other.and_then(|other| ty.common(other)).ok_or_else(|| {
                    SqlError::new(Code::TypeMismatch, "the rows of VALUES are of different sorts")
                })?;
            }
            columns.push(Named { table: String::new(), name: format!("_col{}", place + 1), ty });
        }
        let convert = |(typed, column): (Typed, &Named)| super::operator::as_type(typed, column.ty);
        let rows = rows.into_iter().map(|row| row.into_iter().zip(&columns).map(convert).collect());
        Ok(Bound { node: Node::Values(rows.collect()), columns })
    }

    /// `LIMIT`, `OFFSET` and `FETCH` as offset and limit.
    fn limits(&mut self, query: &Query) -> Result<Option<(u64, Option<u64>)>> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(not_supported("LIMIT BY"));
                }
                (limit.as_ref(), offset.as_ref().map(|Offset { value, .. }| value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        let mut limit = limit.map(|limit| self.count(limit)).transpose()?.flatten();
        let offset = offset.map(|offset| self.count(offset)).transpose()?.flatten();
        if let Some(Fetch { with_ties, percent, quantity }) = &query.fetch {
            if *with_ties || *percent {
                return Err(not_supported("FETCH with PERCENT or WITH TIES"));
            }
            let fetch = quantity.as_ref().map_or(Ok(Some(1)), |quantity| self.count(quantity))?;
            limit = limit.or(fetch);
        }
        Ok((limit.is_some() || offset.is_some()).then_some((offset.unwrap_or(0), limit)))
    }

    /// A number of rows; none for `ALL` and `NULL`.
    fn count(&mut self, expr: &Ast) -> Result<Option<u64>> {
        let place = expr.span();
        if matches!(expr, Ast::Identifier(name) if name.value.eq_ignore_ascii_case("all")) {
            return Ok(None);
        }
        let typed = self.expr(expr, &mut Env::rows(&[]))?;
        match typed.expr.eval(&[], &Answers::default())? {
            Value::Null => Ok(None),
            Value::Integer(count) if count >= 0 => Ok(Some(count as u64)),
            other => {
                let text = format!("{:?} is not a number of rows", other.to_string());
                Err(SqlError::new(Code::BadValue, text).at(place))
            }
        }
    }
}

/// The rows of a query as those of other types.
fn converted(bound: Bound, columns: &[Named]) -> Node {
    if bound.columns.iter().zip(columns).all(|(own, wanted)| own.ty == wanted.ty) {
        return bound.node;
    }
    let cast = |(place, column): (usize, &Named)| {
        Expr::Cast(Expr::Column(place).boxed(), column.ty, OnFailure::Error, Place::default())
    };
    Node::Project(Box::new(bound.node), columns.iter().enumerate().map(cast).collect())
}
