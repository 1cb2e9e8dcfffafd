//! Expressions whose names and types are known.

use std::rc::Rc;

use rustc_hash::FxHashSet;
use sqlparser::tokenizer::Span;

use crate::error::{Place, Result};
use crate::function::Function;
use crate::value::{Type, Value};

/// An expression over the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Literal(Value),
    /// A column by its place in the row.
    Column(usize),
    Not(Box<Expr>),
    Negate(Box<Expr>, Place),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>, Place),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `IS [NOT] DISTINCT FROM`; true when they are the same.
    Same(Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    IsNull(Box<Expr>),
    /// `IS TRUE`, `IS FALSE`.
    Is(Box<Expr>, bool),
    InSet(Box<Expr>, Rc<ValueSet>),
    /// `IN` a list of which some are no constants.
    InList(Box<Expr>, Vec<Expr>),
    /// `IN` the rows of a sub-query, by its number.
    InQuery(Box<Expr>, usize),
    /// The value of a sub-query of at most one row, by its number.
    QueryValue(usize),
    /// Whether a sub-query has rows, by its number.
    QueryExists(usize),
    Like(Box<Like>),
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    Cast(Box<Expr>, Type, OnFailure, Place),
    Call(Function, Vec<Expr>, Place),
}

/// What a cast of a value that does not fit gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Error,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    /// `||`
    Join,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `LIKE` and `ILIKE`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Like {
    pub(crate) text: Expr,
    pub(crate) pattern: Expr,
    pub(crate) escape: Option<char>,
    pub(crate) ignore_case: bool,
    pub(crate) place: Place,
}

/// Values to be in or not; all of one type.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ValueSet {
    pub(crate) values: FxHashSet<Value>,
    pub(crate) has_null: bool,
}

impl ValueSet {
    pub(crate) fn add(&mut self, value: Value) {
        match value {
            Value::Null => self.has_null = true,
            value => drop(self.values.insert(value)),
        }
    }

    /// True, false, or unknown where the value or one of the set is.
    pub(crate) fn has(&self, value: &Value) -> Value {
        if self.values.is_empty() && !self.has_null {
            return Value::Boolean(false);
        }
        if value.is_null() {
            return Value::Null;
        }
        match (self.values.contains(value), self.has_null) {
            (true, _) => Value::Boolean(true),
            (false, true) => Value::Null,
            (false, false) => Value::Boolean(false),
        }
    }
}

impl Expr {
    pub(crate) fn boxed(self) -> Box<Expr> {
        Box::new(self)
    }

    /// The expressions that it is made of.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Literal(_) | Expr::Column(_) | Expr::QueryValue(_) | Expr::QueryExists(_) => Vec::new(),
            Expr::Not(one) | Expr::Negate(one, _) | Expr::IsNull(one) | Expr::Is(one, _) => vec![one],
            Expr::InSet(one, _) | Expr::InQuery(one, _) | Expr::Cast(one, ..) => vec![one],
            Expr::Arithmetic(_, one, other, _) | Expr::Compare(_, one, other) | Expr::Same(one, other) => {
                vec![one, other]
            }
            Expr::And(all) | Expr::Or(all) | Expr::Call(_, all, _) => all.iter().collect(),
            Expr::InList(one, list) => std::iter::once(&**one).chain(list).collect(),
            Expr::Like(like) => vec![&like.text, &like.pattern],
            Expr::Case(whens, otherwise) => {
                let whens = whens.iter().flat_map(|(when, then)| [when, then]);
                whens.chain([&**otherwise]).collect()
            }
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Expr::Literal(_) | Expr::Column(_) | Expr::QueryValue(_) | Expr::QueryExists(_) => Vec::new(),
            Expr::Not(one) | Expr::Negate(one, _) | Expr::IsNull(one) | Expr::Is(one, _) => vec![one],
            Expr::InSet(one, _) | Expr::InQuery(one, _) | Expr::Cast(one, ..) => vec![one],
            Expr::Arithmetic(_, one, other, _) | Expr::Compare(_, one, other) | Expr::Same(one, other) => {
                vec![one, other]
            }
            Expr::And(all) | Expr::Or(all) | Expr::Call(_, all, _) => all.iter_mut().collect(),
            Expr::InList(one, list) => std::iter::once(&mut **one).chain(list).collect(),
            Expr::Like(like) => {
                let Like { text, pattern, .. } = &mut **like;
                vec![text, pattern]
            }
            Expr::Case(whens, otherwise) => {
                let whens = whens.iter_mut().flat_map(|(when, then)| [when, then]);
                whens.chain([&mut **otherwise]).collect()
            }
        }
    }

    /// Visits it and all within, outer ones first; where `visit` answers no, nothing within.
    pub(crate) fn walk(&self, visit: &mut impl FnMut(&Expr) -> bool) {
        if visit(self) {
            self.children().into_iter().for_each(|child| child.walk(visit));
        }
    }

    /// How many parts it has: about what evaluating it costs.
    pub(crate) fn size(&self) -> u64 {
        let mut size = 0;
        self.walk(&mut |_| {
            size += 1;
            true
        });
        size
    }

    /// Says of all within that can fail where it stands, unless that is said already.
    pub(crate) fn stamp(&mut self, span: Span) {
        if let Expr::Negate(_, place)
        | Expr::Arithmetic(_, _, _, place)
        | Expr::Cast(_, _, _, place)
        | Expr::Call(_, _, place) = self
        {
            if place.is_known() {
                return;
            }
            *place = span.into();
        }
        match self {
            Expr::Like(like) if !like.place.is_known() => like.place = span.into(),
            Expr::Like(_) => return,
            _ => {}
        }
        self.children_mut().into_iter().for_each(|child| child.stamp(span));
    }

    /// Whether it is the same for every row.
    pub(crate) fn is_constant(&self) -> bool {
        let mut constant = true;
        self.walk(&mut |expr| {
            use Expr::{Column, InQuery, QueryExists, QueryValue};
            constant &= !matches!(expr, Column(_) | InQuery(..) | QueryValue(_) | QueryExists(_));
            constant
        });
        constant
    }

    /// The same over other columns: each is replaced.
    pub(crate) fn replace_columns(&self, by: &impl Fn(usize) -> Expr) -> Expr {
        if let Expr::Column(place) = self {
            return by(*place);
        }
        let mut copy = self.clone();
        for child in copy.children_mut() {
            *child = child.replace_columns(by);
        }
        copy
    }

    /// The same with what it is made of changed.
    pub(crate) fn try_map_children(&self, change: &impl Fn(&Expr) -> Result<Expr>) -> Result<Expr> {
        let mut copy = self.clone();
        for child in copy.children_mut() {
            *child = change(child)?;
        }
        Ok(copy)
    }

    /// The conditions that all have to hold.
    pub(crate) fn conjuncts(self) -> Vec<Expr> {
        match self {
            Expr::And(all) => all.into_iter().flat_map(Expr::conjuncts).collect(),
            other => vec![other],
        }
    }
}
