//! The answer to a query: columns, rows, totals.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::groups::Groups;
use super::{By, Metric, Query, Ratio, Sort};
use crate::cell::{Dimension, Scope, Tally};
use crate::measure::Measure;
use crate::segment::Segment;
use crate::time::{Hour, rfc3339};

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

impl Table {
    /// A table of what is no report: rows without totals.
    pub fn plain(columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Table {
        let row_count = rows.len() as u64;
        Table { columns, rows, totals: Vec::new(), row_count, link_rate: None, waiting: 0 }
    }
}

/// Answers `query` from all cells of `scope` that there are, or from what [`super::Plan::reduce`] made of them.
///
/// There is a row for every group that has cells in the range, whether or not its shown figures are zero; without
/// `by` and with cells it is one.
/// A metric that the scope does not see has no values; [`Query::check_scope`] refuses it before.
pub fn run(query: &Query, segment: &Segment, scope: &Scope) -> Table {
    let quality = [Measure::LinkedClicks, Measure::Clicks, Measure::Waiting];
    let shown: Vec<Measure> =
        query.metrics().iter().flat_map(|metric| metric.measures()).chain(quality).collect();
    let groups = Groups::of(&query.plan(), segment, Some(&shown));
    let total = groups.total();
    let columns = Columns::new(query, &groups, scope);
    let rows = columns.page(query).into_iter().map(|group| {
        let named = columns.names.iter().map(|name| name.value(group));
        let tally = groups.tally(group);
        let figures = query.metrics().iter().map(|metric| metric_value(*metric, &tally, scope));
        named.chain(figures).collect()
    });
    let heads = query.by().iter().copied().map(Column::from);
    let totals = query.metrics().iter().map(|metric| (metric.name(), metric_value(*metric, &total, scope)));
    Table {
        columns: heads.chain(query.metrics().iter().copied().map(Column::from)).collect(),
        rows: rows.collect(),
        totals: totals.collect(),
        row_count: groups.len() as u64,
        link_rate: Ratio::LinkRate.of(&total.measures),
        waiting: total.measures.get(Measure::Waiting),
    }
}

fn metric_value(metric: Metric, tally: &Tally, scope: &Scope) -> Value {
    if metric.is_seen_by(scope) { metric.of(tally) } else { Value::Nothing }
}

/// What rows are called and ordered by, as numbers: only the rows of a page become values.
struct Columns<'g> {
    /// One per grouping.
    names: Vec<Names<'g>>,
    /// The metrics that are sorted by, by their place among the metrics.
    figures: Vec<(usize, Figures<'g>)>,
    groups: usize,
}

/// A grouping of all groups.
struct Names<'g> {
    texts: Vec<Cow<'g, str>>,
    /// Per group a place among the texts, which ascend; none where there is one text for all.
    places: Cow<'g, [u32]>,
}

/// A metric of all groups.
enum Figures<'g> {
    Counts(Cow<'g, [i64]>),
    Ratios(Vec<Option<f64>>),
    /// Nowhere a value.
    Nothing,
}

impl<'g> Columns<'g> {
    fn new(query: &Query, groups: &'g Groups, scope: &Scope) -> Self {
        let names = query.by().iter().map(|by| Names::new(query, groups, *by));
        let first_metric = query.by().len();
        let sorted = query.sort().iter().filter_map(|sort| sort.column.checked_sub(first_metric));
        let figures = sorted.map(|place| (place, Figures::new(query.metrics()[place], groups, scope)));
        Self { names: names.collect(), figures: figures.collect(), groups: groups.len() }
    }

    /// The groups that `offset` and `limit` leave, in order.
    fn page(&self, query: &Query) -> Vec<usize> {
        let in_order = |a: &usize, b: &usize| {
            let sorted = query.sort().iter().map(|sort| self.compare(sort, *a, *b));
            // Groups differ, so no two rows are equal and the order is the same on every run.
            let named = self.names.iter().map(|names| names.place(*a).cmp(&names.place(*b)));
            sorted.chain(named).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        let places = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut rows: Vec<usize> = (0..self.groups).collect();
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

    /// The order of two groups in one column; nothing is last in either direction.
    fn compare(&self, sort: &Sort, a: usize, b: usize) -> Ordering {
        let ascending = match sort.column.checked_sub(self.names.len()) {
            None => self.names[sort.column].place(a).cmp(&self.names[sort.column].place(b)),
            Some(metric) => {
                let figures = self.figures.iter().find(|(place, _)| *place == metric);
                match figures.map_or(&Figures::Nothing, |(_, figures)| figures) {
                    Figures::Counts(counts) => counts[a].cmp(&counts[b]),
                    Figures::Ratios(ratios) => match (ratios[a], ratios[b]) {
                        (Some(a), Some(b)) => a.total_cmp(&b),
                        (a, b) => return b.is_some().cmp(&a.is_some()),
                    },
                    Figures::Nothing => Ordering::Equal,
                }
            }
        };
        if sort.descending { ascending.reverse() } else { ascending }
    }
}

/// Per grouping of a query its texts, which ascend, and for each group a place among them.
pub(super) fn names(query: &Query, groups: &Groups) -> Vec<(Vec<String>, Vec<u32>)> {
    let owned = |by: &By| {
        let names = Names::new(query, groups, *by);
        let places = (0..groups.len()).map(|group| names.place(group)).collect();
        (names.texts.into_iter().map(Cow::into_owned).collect(), places)
    };
    query.by().iter().map(owned).collect()
}

impl<'g> Names<'g> {
    fn new(query: &Query, groups: &'g Groups, by: By) -> Self {
        match by {
            By::Time(unit) => Names::of_times(groups, |hour| unit.start(query.zone(), hour)),
            By::Dimension(dimension) => Names::of_dimension(groups, dimension),
        }
    }

    fn of_dimension(groups: &'g Groups, dimension: Dimension) -> Self {
        let column = groups.dims.iter().find(|(one, _)| *one == dimension).map(|(_, column)| column);
        let texts = column.iter().flat_map(|column| &column.values).map(|value| Cow::from(value.as_str()));
        Self {
            texts: texts.collect(),
            places: column.map(|column| &column.codes[..]).unwrap_or_default().into(),
        }
    }

    fn of_times(groups: &Groups, start: impl Fn(Hour) -> i64) -> Self {
        let starts: Vec<i64> = groups.hours.iter().map(|hour| start(*hour)).collect();
        let mut ascending = starts.clone();
        ascending.sort_unstable();
        ascending.dedup();
        let place = |start: &i64| ascending.partition_point(|other| other < start) as u32;
        let places: Vec<u32> = starts.iter().map(place).collect();
        let texts = ascending.iter().map(|start| Cow::from(rfc3339(*start))).collect();
        Self { texts, places: groups.hour_of.iter().map(|hour| places[*hour as usize]).collect() }
    }

    fn place(&self, group: usize) -> u32 {
        self.places.get(group).copied().unwrap_or(0)
    }

    fn value(&self, group: usize) -> Value {
        Value::Text(self.texts.get(self.place(group) as usize).map(ToString::to_string).unwrap_or_default())
    }
}

impl<'g> Figures<'g> {
    fn new(metric: Metric, groups: &'g Groups, scope: &Scope) -> Self {
        match metric {
            _ if !metric.is_seen_by(scope) => Figures::Nothing,
            Metric::Measure(measure) => match groups.sum_of(measure) {
                Some(sums) => Figures::Counts(sums.into()),
                None => Figures::Counts(vec![0; groups.len()].into()),
            },
            _ => {
                let values = (0..groups.len()).map(|group| metric.of(&groups.tally(group)));
                match metric {
                    Metric::Ratio(_) => Figures::Ratios(
                        values
                            .map(|value| match value {
                                Value::Ratio(ratio) => Some(ratio),
                                _ => None,
                            })
                            .collect(),
                    ),
                    _ => Figures::Counts(
                        values
                            .map(|value| match value {
                                Value::Count(count) => count,
                                _ => 0,
                            })
                            .collect(),
                    ),
                }
            }
        }
    }
}
