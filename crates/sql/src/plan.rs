//! What has to be done for a statement.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, FactColumn, Table};
use crate::error::Place;
use crate::expr::Expr;
use crate::scan::FactScan;
use crate::value::Type;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputColumn {
    /// As in the statement, or `_col` and its place.
    pub name: String,
    /// What its values are.
    pub ty: Type,
}

/// How a statement is answered.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) root: Node,
    /// The columns of the answer.
    pub columns: Vec<OutputColumn>,
    /// Which cells are needed, as often as `ad_stats` is named.
    pub scans: Vec<FactScan>,
    /// Which tables of the catalog are needed.
    pub tables: BTreeSet<Table>,
    /// Sub-queries in expressions, in the order in which they can be answered.
    pub(crate) queries: Vec<(Node, QueryKind)>,
    pub(crate) catalog: Catalog,
    pub(crate) facts: Vec<FactColumn>,
    /// Whether only the plan itself is asked for.
    pub explain: bool,
}

/// What of a sub-query is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryKind {
    Set,
    Value,
    Exists,
}

/// A step; rows come from those below it.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Rows of constants.
    Values(Vec<Vec<Expr>>),
    /// The cells of a scan, by its number.
    Facts(usize),
    Table(Table),
    Filter(Box<Node>, Expr),
    Project(Box<Node>, Vec<Expr>),
    Join(Box<Join>),
    Aggregate(Box<Aggregate>),
    /// Appends a column per call.
    Window(Box<Node>, Vec<WindowCall>),
    Sort(Box<Node>, Vec<SortKey>),
    Limit(Box<Node>, u64, Option<u64>),
    Distinct(Box<Node>),
    Union(Vec<Node>),
}

#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) left_width: usize,
    pub(crate) right_width: usize,
    /// Whether rows of the left without a partner stay.
    pub(crate) outer: bool,
    /// Pairs that have to be equal, over the columns of the left and of the right.
    pub(crate) keys: Vec<(Expr, Expr)>,
    /// What else has to hold, over the columns of both.
    pub(crate) condition: Option<Expr>,
}

/// Rows are keys, then aggregates, then the number of the set.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate {
    pub(crate) input: Node,
    pub(crate) keys: Vec<Expr>,
    /// Per set, which keys are in it.
    pub(crate) sets: Vec<Vec<bool>>,
    pub(crate) calls: Vec<AggregateCall>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AggregateCall {
    pub(crate) kind: AggregateKind,
    pub(crate) distinct: bool,
    pub(crate) arguments: Vec<Expr>,
    /// Of the argument.
    pub(crate) ty: Type,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    /// Without an argument: of rows.
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// Of different users, from sketches.
    Users,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowCall {
    pub(crate) function: WindowFunction,
    pub(crate) arguments: Vec<Expr>,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<SortKey>,
    /// Up to the row itself, not to the last that is equal in order.
    pub(crate) by_row: bool,
    pub(crate) ty: Type,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    Lag,
    Lead,
    FirstValue,
    Aggregate(AggregateKind),
}

impl Plan {
    /// Whether users are counted anywhere.
    pub(crate) fn counts_users(&self) -> bool {
        fn of(node: &Node) -> bool {
            match node {
                Node::Values(_) | Node::Facts(_) | Node::Table(_) => false,
                Node::Filter(input, _) | Node::Project(input, _) | Node::Window(input, _) => of(input),
                Node::Sort(input, _) | Node::Limit(input, ..) | Node::Distinct(input) => of(input),
                Node::Join(join) => of(&join.left) || of(&join.right),
                Node::Aggregate(aggregate) => {
                    aggregate.calls.iter().any(|call| call.kind == AggregateKind::Users)
                        || of(&aggregate.input)
                }
                Node::Union(inputs) => inputs.iter().any(of),
            }
        }
        of(&self.root) || self.queries.iter().any(|(node, _)| of(node))
    }
}
