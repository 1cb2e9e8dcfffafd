//! `FROM`: tables, sub-queries and joins.

use sqlparser::ast::{
    Expr as Ast, Ident, Join as AstJoin, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Spanned,
    TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::operator::unify;
use super::{Binder, Bound, Env, HIDDEN, Named, Typed};
use crate::catalog::Table;
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::{Comparison, Expr};
use crate::plan::{Join, Node};
use crate::value::Type;

impl Binder<'_> {
    /// All of `FROM`; without it there is one row without columns.
    pub(super) fn from(&mut self, from: &[TableWithJoins]) -> Result<Bound> {
        let mut whole: Option<Bound> = None;
        for table in from {
            let next = self.table_with_joins(table)?;
            whole = Some(match whole {
                None => next,
                Some(before) => join(before, next, false, Vec::new(), None),
            });
        }
        let bound = whole.unwrap_or(Bound { node: Node::Values(vec![Vec::new()]), columns: Vec::new() });
        self.check_width(bound.columns.len())?;
        Ok(bound)
    }

    fn table_with_joins(&mut self, table: &TableWithJoins) -> Result<Bound> {
        let mut bound = self.table(&table.relation)?;
        for next in &table.joins {
            bound = self.join(bound, next)?;
        }
        Ok(bound)
    }

    fn join(&mut self, left: Bound, join: &AstJoin) -> Result<Bound> {
        self.count_node()?;
        let right = self.table(&join.relation)?;
        let place = join.relation.span();
        let (constraint, outer, swapped) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
                (on, false, false)
            }
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (on, true, false),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (on, true, true),
            _ => return Err(not_supported("this kind of join").at(place)),
        };
        let (left_width, right_width) = (left.columns.len(), right.columns.len());
        let mut bound = match swapped {
            false => self.join_on(left, right, outer, constraint, place)?,
            true => self.join_on(right, left, outer, constraint, place)?,
        };
        if swapped {
            // Columns stay in the order in which the tables stand.
            let places = || (right_width..right_width + left_width).chain(0..right_width);
            bound.columns = places().map(|place| bound.columns[place].clone()).collect();
            bound.node = Node::Project(Box::new(bound.node), places().map(Expr::Column).collect());
        }
        Ok(bound)
    }

    fn join_on(
        &mut self,
        left: Bound,
        right: Bound,
        outer: bool,
        on: &JoinConstraint,
        place: Span,
    ) -> Result<Bound> {
        let width = left.columns.len();
        let conditions = match on {
            JoinConstraint::None => Vec::new(),
            JoinConstraint::Natural => return Err(not_supported("NATURAL JOIN").at(place)),
            JoinConstraint::On(condition) => {
                let columns: Vec<Named> = left.columns.iter().chain(&right.columns).cloned().collect();
                let typed = self.condition(condition, &mut Env::rows(&columns))?;
                typed.conjuncts()
            }
            JoinConstraint::Using(names) => {
                let equal = |name: &ObjectName| {
                    let ident = name.0.last().and_then(ObjectNamePart::as_ident);
                    let ident = ident.ok_or_else(|| not_supported("this name").at(name.span()))?;
                    let one = Env::rows(&left.columns).find(None, &ident.value, ident.span)?;
                    let mut other = Env::rows(&right.columns).find(None, &ident.value, ident.span)?;
                    other.expr = other.expr.replace_columns(&|place| Expr::Column(place + width));
                    let (one, other, _) = unify(one, other).map_err(|error| error.at(ident.span))?;
                    Ok(Expr::Compare(Comparison::Equal, one.boxed(), other.boxed()))
                };
                names.iter().map(equal).collect::<Result<_>>()?
            }
        };
        let (keys, rest) = split_keys(conditions, width);
        let mut bound = join(left, right, outer, keys, all_of(rest));
        if let JoinConstraint::Using(names) = on {
            hide_second(&mut bound.columns, names, width);
        }
        Ok(bound)
    }

    fn table(&mut self, factor: &TableFactor) -> Result<Bound> {
        self.count_node()?;
        match factor {
            TableFactor::Table {
                name, alias, args: None, with_hints, version: None, sample: None, ..
            } if with_hints.is_empty() => self.named_table(name, alias.as_ref()),
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let bound = self.query(subquery)?;
                let table = alias.as_ref().map_or("", |alias| alias.name.value.as_str());
                renamed(bound, table, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.table_with_joins(table_with_joins)
            }
            other => Err(not_supported("this kind of table").at(other.span())),
        }
    }

    fn named_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<Bound> {
        let parts: Option<Vec<&Ident>> = name.0.iter().map(ObjectNamePart::as_ident).collect();
        let parts = parts.ok_or_else(|| not_supported("this kind of table").at(name.span()))?;
        let parts: Vec<&str> = parts.into_iter().map(|part| part.value.as_str()).collect();
        if let [name] = parts.as_slice()
            && let Some(bound) = self.with_table(name)?
        {
            let table = alias.map_or(*name, |alias| alias.name.value.as_str());
            return renamed(bound, table, alias);
        }
        let table = self.catalog.find(&parts).map_err(|error| error.at(name.span()))?;
        let named = |column: crate::catalog::Column| Named {
            table: String::new(),
            name: column.name.to_owned(),
            ty: column.ty,
        };
        let columns = self.catalog.columns(table).into_iter().map(named).collect();
        let node = match table {
            Table::AdStats => {
                self.scans += 1;
                Node::Facts(self.scans - 1)
            }
            other => {
                self.tables.insert(other);
                Node::Table(other)
            }
        };
        let name = alias.map_or(table.name(), |alias| alias.name.value.as_str());
        renamed(Bound { node, columns }, name, alias)
    }

    /// A query of `WITH`: bound anew each time it is named.
    fn with_table(&mut self, name: &str) -> Result<Option<Bound>> {
        let found = self.with.iter().rposition(|(known, ..)| known.eq_ignore_ascii_case(name));
        let Some(found) = found else { return Ok(None) };
        let (_, columns, query, sees) = self.with[found].clone();
        let hidden = self.with.split_off(sees);
        let bound = self.query(&query);
        self.with.extend(hidden);
        let mut bound = bound?;
        if columns.len() > bound.columns.len() {
            let text = format!("{name:?} has {} columns", bound.columns.len());
            return Err(SqlError::new(Code::TypeMismatch, text));
        }
        for (column, name) in bound.columns.iter_mut().zip(columns) {
            column.name = name;
        }
        Ok(Some(bound))
    }

    /// An expression that has to be true.
    pub(super) fn condition(&mut self, condition: &Ast, env: &mut Env<'_>) -> Result<Expr> {
        let typed = self.expr(condition, env)?;
        match typed.ty {
            Type::Boolean | Type::Nothing => Ok(typed.expr),
            other => {
                let text = format!("a condition has to be true or false, this is {}", other.name());
                Err(SqlError::new(Code::TypeMismatch, text).at(condition.span()))
            }
        }
    }
}

fn renamed(mut bound: Bound, table: &str, alias: Option<&TableAlias>) -> Result<Bound> {
    let names = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
    if names.len() > bound.columns.len() {
        let text = format!("{table:?} has {} columns", bound.columns.len());
        return Err(SqlError::new(Code::TypeMismatch, text));
    }
    bound.columns.iter_mut().for_each(|column| table.clone_into(&mut column.table));
    for (column, name) in bound.columns.iter_mut().zip(names) {
        column.name.clone_from(&name.name.value);
    }
    Ok(bound)
}

fn join(left: Bound, right: Bound, outer: bool, keys: Vec<(Expr, Expr)>, condition: Option<Expr>) -> Bound {
    let (left_width, right_width) = (left.columns.len(), right.columns.len());
    let columns = left.columns.into_iter().chain(right.columns).collect();
    let join = Join { left: left.node, right: right.node, left_width, right_width, outer, keys, condition };
    Bound { node: Node::Join(Box::new(join)), columns }
}

/// Conditions that say that something of the left is equal to something of the right, and the others.
pub(super) fn split_keys(conditions: Vec<Expr>, width: usize) -> (Vec<(Expr, Expr)>, Vec<Expr>) {
    let side = |expr: &Expr| {
        let (mut left, mut right, mut query) = (false, false, false);
        expr.walk(&mut |one| {
            match one {
                Expr::Column(place) if *place < width => left = true,
                Expr::Column(_) => right = true,
                Expr::InQuery(..) | Expr::QueryValue(_) | Expr::QueryExists(_) => query = true,
                _ => {}
            }
            true
        });
        match (left, right, query) {
            (true, false, false) => Some(true),
            (false, true, false) => Some(false),
            _ => None,
        }
    };
    let of_right = |expr: Expr| expr.replace_columns(&|place| Expr::Column(place - width));
    let (mut keys, mut rest) = (Vec::new(), Vec::new());
    for condition in conditions {
        match condition {
            Expr::Compare(Comparison::Equal, one, other) => match (side(&one), side(&other)) {
                (Some(true), Some(false)) => keys.push((*one, of_right(*other))),
                (Some(false), Some(true)) => keys.push((*other, of_right(*one))),
                _ => rest.push(Expr::Compare(Comparison::Equal, one, other)),
            },
            other => rest.push(other),
        }
    }
    (keys, rest)
}

/// All of these conditions as one.
pub(super) fn all_of(mut conditions: Vec<Expr>) -> Option<Expr> {
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(Expr::And(conditions)),
    }
}

/// Columns of `USING` are named once: those of the second table only with its name.
fn hide_second(columns: &mut [Named], names: &[ObjectName], width: usize) {
    for name in names {
        let Some(ident) = name.0.last().and_then(ObjectNamePart::as_ident) else { continue };
        let second =
            columns[width..].iter_mut().find(|column| column.name.eq_ignore_ascii_case(&ident.value));
        if let Some(column) = second {
            column.name.insert(0, HIDDEN);
        }
    }
}

impl Typed {
    pub(super) fn new(expr: Expr, ty: Type) -> Self {
        Self { expr, ty }
    }
}
