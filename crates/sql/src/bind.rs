//! From a tree of words to a plan: names become places, and every expression gets its type.

mod query;
mod from;
mod select;
mod order;
mod expr;
mod literal;
mod operator;
mod call;
mod times;
mod window;

use std::collections::BTreeSet;

use sqlparser::ast::Query;
use sqlparser::tokenizer::{Location, Span};

use crate::catalog::{Catalog, FactColumn, Table};
use crate::error::{Code, Result, SqlError};
use crate::expr::Expr;
use crate::limits::{MAX_COLUMNS, MAX_NODES, MAX_SCANS};
use crate::parse::Statement;
use crate::plan::{AggregateCall, Node, OutputColumn, Plan, QueryKind, WindowCall};
use crate::scan::{FactScan, choose_grains};
use crate::value::{Type, Value};

/// Stand for aggregates, windows and `GROUPING` until the columns of the rows are known that they are found in.
const CALLS: usize = 1 << 20;
const WINDOWS: usize = 1 << 21;
const GROUPINGS: usize = 1 << 22;

/// Before the name of a column that is not to be named: no name in a statement begins with it.
const HIDDEN: char = '\0';

/// Plans a statement for what `catalog` shows, with the values of its `?`.
pub fn plan(statement: &Statement, catalog: &Catalog, parameters: &[Value]) -> Result<Plan> {
    let mut binder = Binder {
        catalog,
        facts: catalog.facts(),
        parameters,
        placeholders: &statement.placeholders,
        scans: 0,
        tables: BTreeSet::new(),
        queries: Vec::new(),
        with: Vec::new(),
        nodes: 0,
        around: Vec::new(),
    };
    if statement.placeholders.len() != parameters.len() {
        let (given, used) = (parameters.len(), statement.placeholders.len());
        let text = format!("{given} parameters are given, {used} are used");
        return Err(SqlError::new(Code::Parameters, text));
    }
    let bound = binder.query(&statement.query)?;
    if binder.scans > MAX_SCANS {
        let text = format!("ad_stats is named {} times, at most {MAX_SCANS}", binder.scans);
        return Err(SqlError::new(Code::TooComplex, text));
    }
    let mut columns = Vec::with_capacity(bound.columns.len());
    for (place, column) in (1..).zip(&bound.columns) {
        if column.ty == Type::Users {
            let text = format!("{} can only be counted: COUNT(DISTINCT {0})", column.name);
            return Err(SqlError::new(Code::TypeMismatch, text));
        }
        let name = if column.name.is_empty() { format!("_col{place}") } else { column.name.clone() };
        columns.push(OutputColumn { name, ty: column.ty });
    }
    let mut plan = Plan {
        root: bound.node,
        columns,
        scans: vec![FactScan::default(); binder.scans],
        tables: binder.tables,
        queries: binder.queries,
        catalog: catalog.clone(),
        facts: binder.facts,
        explain: statement.explain,
    };
    choose_grains(&mut plan)?;
    Ok(plan)
}

/// A query that was bound: rows, and what they are called.
struct Bound {
    node: Node,
    columns: Vec<Named>,
}

/// A column that can be named.
#[derive(Debug, Clone)]
struct Named {
    /// The name or alias of its table.
    table: String,
    name: String,
    ty: Type,
}

/// An expression and its type.
#[derive(Debug, Clone, PartialEq)]
struct Typed {
    expr: Expr,
    ty: Type,
}

struct Binder<'a> {
    catalog: &'a Catalog,
    facts: Vec<FactColumn>,
    parameters: &'a [Value],
    placeholders: &'a [Location],
    scans: usize,
    tables: BTreeSet<Table>,
    queries: Vec<(Node, QueryKind)>,
    /// The queries of `WITH`, the innermost last, each with how many of them it sees itself.
    with: Vec<(String, Vec<String>, Box<Query>, usize)>,
    nodes: usize,
    /// The columns of the queries around the one that is read, which it must not name.
    around: Vec<Vec<Named>>,
}

/// What names mean in an expression, and what is found in it that is more than an expression.
struct Env<'c> {
    columns: &'c [Named],
    /// Aggregates that were found; none where there may be none.
    calls: Option<Vec<AggregateCall>>,
    /// Window functions that were found; none where there may be none.
    windows: Option<Vec<WindowCall>>,
    /// The arguments of each `GROUPING` that was found.
    groupings: Vec<Vec<Expr>>,
}

impl<'c> Env<'c> {
    /// Expressions of single rows only.
    fn rows(columns: &'c [Named]) -> Self {
        Self { columns, calls: None, windows: None, groupings: Vec::new() }
    }

    fn full(columns: &'c [Named]) -> Self {
        Self { columns, calls: Some(Vec::new()), windows: Some(Vec::new()), groupings: Vec::new() }
    }

    /// The column of a name, of a table if one is given.
    fn find(&self, table: Option<&str>, name: &str, place: Span) -> Result<Typed> {
        let fits = |column: &Named| {
            column.name.eq_ignore_ascii_case(name)
                && table.is_none_or(|table| column.table.eq_ignore_ascii_case(table))
        };
        let mut found = (0..).zip(self.columns).filter(|(_, column)| fits(column));
        let first = found.next();
        if found.next().is_some() {
            let text = format!("several tables have a column {name:?}");
            return Err(SqlError::new(Code::AmbiguousColumn, text).at(place));
        }
        let Some((place, column)) = first else {
            let known: Vec<&str> = self.columns.iter().take(60).map(|column| column.name.as_str()).collect();
            let text = match known.as_slice() {
                [] => format!("there is no column {name:?} here"),
                known => format!("there is no column {name:?} here, there are {}", known.join(", ")),
            };
            return Err(SqlError::new(Code::UnknownColumn, text).at(place));
        };
        Ok(Typed { expr: Expr::Column(place), ty: column.ty })
    }
}

impl Binder<'_> {
    /// The column of a name; one of a query around this one is not supported.
    fn column(&self, table: Option<&str>, name: &str, place: Span, env: &Env<'_>) -> Result<Typed> {
        let found = env.find(table, name, place);
        let is_unknown = matches!(&found, Err(error) if error.code == Code::UnknownColumn);
        let is_around =
            || self.around.iter().any(|columns| Env::rows(columns).find(table, name, place).is_ok());
        if is_unknown && is_around() {
            let text = format!("a sub-query that names {name:?} of the query around it");
            return Err(crate::error::not_supported(text).at(place));
        }
        found
    }

    /// A query within an expression over these columns.
    fn inner_query(&mut self, query: &Query, env: &Env<'_>) -> Result<Bound> {
        self.around.push(env.columns.to_vec());
        let bound = self.query(query);
        self.around.pop();
        bound
    }

    /// Counts a step of the plan.
    fn count_node(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let text = format!("the statement has more than {MAX_NODES} tables and sub-queries");
            return Err(SqlError::new(Code::TooComplex, text));
        }
        Ok(())
    }

    fn check_width(&self, columns: usize) -> Result<()> {
        if columns > MAX_COLUMNS {
            let text = format!("{columns} columns, at most {MAX_COLUMNS}");
            return Err(SqlError::new(Code::TooComplex, text));
        }
        Ok(())
    }
}
