//! The answer to a query: columns, rows, totals.

use std::cmp::Ordering;

use super::{By, Metric, Query, Ratio};
use crate::cell::{CellKey, Scope, Tally};
use crate::measure::Measure;
use crate::segment::Segment;
use crate::time::rfc3339;

/// A value of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A count, or an amount in micros.
    Count(i64),
    /// A quotient; in micros where its column is money.
    Ratio(f64),
    /// A dimension's value, or a time in RFC 3339.
    Text(String),
    /// No value, such as a quotient over zero.
    Nothing,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// The first instant of a unit of local time, as text.
    Time,
    /// A name; empty where it is unknown.
    Dimension,
    /// A count.
    Count,
    /// Micros of the advertiser's currency: a count where it is a sum, a ratio for `cpm`, `cpc` and `cpa`.
    Money,
    /// A ratio without unit.
    Ratio,
}

impl ColumnKind {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            ColumnKind::Time => "time",
            ColumnKind::Dimension => "dimension",
            ColumnKind::Count => "count",
            ColumnKind::Money => "money",
            ColumnKind::Ratio => "ratio",
        }
    }
}

/// A column of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// As asked for in `by` or `metrics`.
    pub name: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
}

impl From<By> for Column {
    fn from(by: By) -> Self {
        let kind = match by {
            By::Time(_) => ColumnKind::Time,
            By::Dimension(_) => ColumnKind::Dimension,
        };
        Self { name: by.name(), kind }
    }
}

impl From<Metric> for Column {
    fn from(metric: Metric) -> Self {
        let kind = match metric {
            Metric::Measure(Measure::CostMicros | Measure::ValueMicros) => ColumnKind::Money,
            Metric::Measure(_) | Metric::Gross(_) | Metric::Reach => ColumnKind::Count,
            Metric::Ratio(ratio) if ratio.is_money() => ColumnKind::Money,
            Metric::Ratio(_) => ColumnKind::Ratio,
        };
        Self { name: metric.name(), kind }
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// First those of `by`, then those of `metrics`, in the order of the query.
    pub columns: Vec<Column>,
    /// One value per column.
    pub rows: Vec<Vec<Value>>,
    /// By metric, over all rows, also those that `limit` and `offset` cut off.
    pub totals: Vec<(&'static str, Value)>,
    /// How many rows there are without `limit` and `offset`.
    pub row_count: u64,
    /// Linked share of the clicks; none without clicks.
    pub link_rate: Option<f64>,
    /// Valid events whose explicit parent has not arrived.
    pub waiting: i64,
}

/// Answers `query` from all cells of `scope` that there are, or from what [`super::Plan::reduce`] made of them.
///
/// There is a row for every group that has cells in the range, whether or not its shown figures are zero; without
/// `by` and with cells it is one.
/// A metric that the scope does not see has no values; [`Query::check_scope`] refuses it before.
pub fn run(query: &Query, segment: &Segment, scope: &Scope) -> Table {
    let cells = query.plan().reduce(segment);
    let mut total = Tally::default();
    let mut rows = Vec::with_capacity(cells.len());
    for (key, tally) in cells.iter() {
        total.merge(tally);
        let groups = query.by().iter().map(|by| group_value(query, *by, key));
        let figures = query.metrics().iter().map(|metric| metric_value(*metric, tally, scope));
        rows.push(groups.chain(figures).collect());
    }
    let row_count = rows.len() as u64;
    let columns = query.by().iter().copied().map(Column::from);
    let totals = query.metrics().iter().map(|metric| (metric.name(), metric_value(*metric, &total, scope)));
    Table {
        columns: columns.chain(query.metrics().iter().copied().map(Column::from)).collect(),
        rows: page(query, rows),
        totals: totals.collect(),
        row_count,
        link_rate: Ratio::LinkRate.of(&total.measures),
        waiting: total.measures.get(Measure::Waiting),
    }
}

fn group_value(query: &Query, by: By, key: &CellKey) -> Value {
    Value::Text(match by {
        By::Time(unit) => rfc3339(unit.start(query.zone(), key.hour)),
        By::Dimension(dimension) => key.dim(dimension).to_string(),
    })
}

fn metric_value(metric: Metric, tally: &Tally, scope: &Scope) -> Value {
    if metric.is_seen_by(scope) { metric.of(tally) } else { Value::Nothing }
}

/// The rows that `offset` and `limit` leave, in order.
fn page(query: &Query, mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let in_order = |a: &Vec<Value>, b: &Vec<Value>| {
        let sorted =
            query.sort().iter().map(|sort| compare(&a[sort.column], &b[sort.column], sort.descending));
        // Groups differ, so no two rows are equal and the order is the same on every run.
        let groups = (0..query.by().len()).map(|column| compare(&a[column], &b[column], false));
        sorted.chain(groups).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    let places = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let offset = places(query.offset()).min(rows.len());
    let end = offset.saturating_add(places(query.limit())).min(rows.len());
    if end < rows.len() {
        // What lies behind the page needs no order.
        rows.select_nth_unstable_by(end, in_order);
        rows.truncate(end);
    }
    rows.sort_unstable_by(in_order);
    rows.drain(..offset);
    rows
}

/// The order of two values of one column; nothing is last in either direction.
fn compare(a: &Value, b: &Value, descending: bool) -> Ordering {
    let ascending = match (a, b) {
        (Value::Nothing, Value::Nothing) => return Ordering::Equal,
        (Value::Nothing, _) => return Ordering::Greater,
        (_, Value::Nothing) => return Ordering::Less,
        (Value::Count(a), Value::Count(b)) => a.cmp(b),
        (Value::Ratio(a), Value::Ratio(b)) => a.total_cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        // A column has values of one kind.
        _ => Ordering::Equal,
    };
    if descending { ascending.reverse() } else { ascending }
}
