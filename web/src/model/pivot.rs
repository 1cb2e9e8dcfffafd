//! A pivot: sums by rows and columns, the largest first, the others added up.

use std::collections::BTreeMap;

use adtally_core::measure::Measures;
use adtally_core::report::{Grouped, Metric};

use crate::metric;

/// How the rows of a level are chosen and ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order<'a> {
    /// As their names are: times run forward. The last ones are shown.
    Names,
    /// The largest first.
    Largest(Metric),
    /// Just these, whether they are there or not.
    Given(&'a [String]),
}

/// Which rows and columns a level shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape<'a> {
    /// Of the rows.
    pub rows: Order<'a>,
    /// How many rows.
    pub top: usize,
    /// Of the columns; `None` where the groups have no second grouping.
    pub columns: Option<Order<'a>>,
    /// How many columns.
    pub most_columns: usize,
}

/// A row: sums by column, and all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is called in reports; of no use where it stands for several.
    pub key: String,
    /// One per column, then one for the other columns.
    pub cells: Vec<Measures>,
    /// All of it, also what no column shows.
    pub total: Measures,
}

/// One level of a pivot.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The keys of the columns, in order.
    pub columns: Vec<String>,
    /// How many columns are added up in the one behind them.
    pub other_columns: usize,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// How many rows are added up in `others`.
    pub other_rows: usize,
    /// Those that are not shown.
    pub others: Row,
    /// All rows.
    pub total: Row,
}

/// The value of a metric; a ratio over zero has none, and neither have users, whose sketches are not here.
pub fn value(metric: Metric, measures: &Measures) -> Option<f64> {
    match metric {
        Metric::Measure(measure) => Some(measures.get(measure) as f64),
        Metric::Gross(_) => Some(metric.measures().map(|measure| measures.get(measure) as f64).sum()),
        Metric::Ratio(ratio) => ratio.of(measures),
        Metric::Reach => None,
    }
}

impl Level {
    /// Puts groups by one or two groupings into rows and columns.
    pub fn of(grouped: &Grouped, shape: &Shape<'_>) -> Level {
        let rows = Axis::new(grouped, 0, shape.rows, shape.top);
        let columns = match shape.columns {
            Some(order) => Axis::new(grouped, 1, order, shape.most_columns),
            None => Axis::default(),
        };
        let width = columns.keys.len() + 1;
        // The last row and the last column stand for all that have no place.
        let mut cells = vec![Measures::ZERO; (rows.keys.len() + 1) * width];
        for (measure, sums) in &grouped.sums {
            for (group, sum) in sums.iter().enumerate() {
                cells[rows.place(group) * width + columns.place(group)].add(*measure, *sum);
            }
        }
        let mut lines = cells.chunks_exact(width).map(|cells| {
            let mut total = Measures::ZERO;
            cells.iter().for_each(|cell| total.merge(cell));
            Row { key: String::new(), cells: cells.to_vec(), total }
        });
        let mut shown: Vec<Row> = Vec::with_capacity(rows.keys.len());
        shown.extend(rows.keys.into_iter().zip(&mut lines).map(|(key, row)| Row { key, ..row }));
        let empty = || Row { key: String::new(), cells: vec![Measures::ZERO; width], total: Measures::ZERO };
        let others = lines.next().unwrap_or_else(empty);
        let mut total = empty();
        for row in shown.iter().chain([&others]) {
            total.cells.iter_mut().zip(&row.cells).for_each(|(sum, cell)| sum.merge(cell));
            total.total.merge(&row.total);
        }
        Level {
            columns: columns.keys,
            other_columns: columns.others,
            rows: shown,
            other_rows: rows.others,
            others,
            total,
        }
    }
}

/// The chosen keys of one grouping, and where groups stand among them.
#[derive(Default)]
struct Axis<'g> {
    keys: Vec<String>,
    /// How many different keys with groups are not chosen.
    others: usize,
    /// By place in the grouping's names, the place among the keys; behind them all where it is not chosen.
    chosen: Vec<usize>,
    places: &'g [u32],
}

impl<'g> Axis<'g> {
    fn new(grouped: &'g Grouped, grouping: usize, order: Order<'_>, most: usize) -> Axis<'g> {
        let Some((names, places)) = grouped.names.get(grouping).zip(grouped.places.get(grouping)) else {
            // Not told apart: one row that is all.
            return Axis { keys: vec![String::new()], others: 0, chosen: vec![0], places: &[] };
        };
        let mut present = vec![false; names.len()];
        places.iter().for_each(|place| present[*place as usize] = true);
        let mut found: Vec<usize> = (0..names.len()).filter(|place| present[*place]).collect();
        let keys: Vec<String> = match order {
            Order::Names => {
                let from = found.len().saturating_sub(most);
                found[from..].iter().map(|place| names[*place].clone()).collect()
            }
            Order::Largest(metric) => {
                let figures = figures(grouped, places, names.len(), metric);
                found.sort_by(|a, b| larger(figures[*a], figures[*b]).then(a.cmp(b)));
                found.truncate(most);
                found.iter().map(|place| names[*place].clone()).collect()
            }
            Order::Given(keys) => keys.to_vec(),
        };
        let by_key: BTreeMap<&str, usize> = keys.iter().map(String::as_str).zip(0..).collect();
        let chosen = names.iter().map(|name| by_key.get(name.as_str()).copied().unwrap_or(keys.len()));
        let chosen: Vec<usize> = chosen.collect();
        let others = (0..names.len()).filter(|place| present[*place] && chosen[*place] == keys.len()).count();
        Axis { keys, others, chosen, places }
    }

    fn place(&self, group: usize) -> usize {
        let place = self.places.get(group).map_or(0, |place| *place as usize);
        self.chosen.get(place).copied().unwrap_or(0)
    }
}

/// The figure of every name.
fn figures(grouped: &Grouped, places: &[u32], names: usize, metric: Metric) -> Vec<Option<f64>> {
    let sums: Vec<_> = metric
        .measures()
        .filter_map(|measure| {
            let (_, figures) = grouped.sums.iter().find(|(one, _)| *one == measure)?;
            let mut sums = vec![0_i64; names];
            places.iter().zip(figures).for_each(|(place, figure)| sums[*place as usize] += figure);
            Some((measure, sums))
        })
        .collect();
    let figure = |name: usize| {
        let mut measures = Measures::ZERO;
        sums.iter().for_each(|(measure, sums)| measures.add(*measure, sums[name]));
        value(metric, &measures)
    };
    (0..names).map(figure).collect()
}

/// The order of the largest first; what has no value is last.
fn larger(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// How strongly a figure is shaded, from 0 to 1: its share of the greatest, where more is more.
pub fn heat(value: Option<f64>, greatest: f64) -> f64 {
    match value {
        Some(value) if greatest > 0.0 => (value / greatest).clamp(0.0, 1.0),
        _ => 0.0,
    }
}

/// The greatest figure of a metric among the cells of rows.
pub fn greatest<'a>(rows: impl Iterator<Item = &'a Measures>, metric: Metric) -> f64 {
    rows.filter_map(|measures| value(metric, measures)).fold(0.0, f64::max)
}

/// Whether a share of all means something for a metric.
pub fn adds_up(metric: Metric) -> bool {
    metric::adds_up(metric)
}

#[cfg(test)]
mod tests {
    use adtally_core::measure::Measure;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, CTR};

    /// Clicks and impressions of (row, column) pairs.
    fn grouped(groups: &[(u32, u32, i64, i64)]) -> Grouped {
        let texts = |prefix: &str| (0..4).map(|place| format!("{prefix}{place}")).collect();
        Grouped {
            names: vec![texts("r"), texts("c")],
            places: vec![groups.iter().map(|one| one.0).collect(), groups.iter().map(|one| one.1).collect()],
            sums: vec![
                (Measure::Impressions, groups.iter().map(|one| one.3).collect()),
                (Measure::Clicks, groups.iter().map(|one| one.2).collect()),
            ],
            len: groups.len(),
        }
    }

    fn sample() -> Grouped {
        grouped(&[(0, 0, 1, 10), (0, 1, 2, 10), (1, 0, 40, 100), (2, 1, 5, 5), (2, 2, 7, 10)])
    }

    fn shape(rows: Order<'static>, top: usize) -> Shape<'static> {
        Shape { rows, top, columns: Some(Order::Names), most_columns: 2 }
    }

    fn clicks(measures: &Measures) -> i64 {
        measures.get(Measure::Clicks)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_largest_are_shown_and_the_others_added_up() {
        let level = Level::of(&sample(), &shape(Order::Largest(CLICKS), 2));
        assert_eq!(level.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["r1", "r2"]);
        assert_eq!(level.columns, ["c1", "c2"]);
        assert_eq!((level.other_rows, level.other_columns), (1, 1));
        let cells = |row: &Row| row.cells.iter().map(clicks).collect::<Vec<_>>();
        assert_eq!(cells(&level.rows[0]), [0, 0, 40]);
        assert_eq!(cells(&level.rows[1]), [5, 7, 0]);
        assert_eq!((cells(&level.others), clicks(&level.others.total)), (vec![2, 0, 1], 3));
        assert_eq!((cells(&level.total), clicks(&level.total.total)), (vec![7, 7, 41], 55));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn ratios_are_of_sums() {
        let level = Level::of(&sample(), &shape(Order::Largest(CTR), 9));
        let order: Vec<_> = level.rows.iter().map(|row| (row.key.as_str(), value(CTR, &row.total))).collect();
        assert_eq!(order, [("r2", Some(0.8)), ("r1", Some(0.4)), ("r0", Some(0.15))]);
        assert_eq!(value(CTR, &level.total.total), Some(55.0 / 135.0));
        assert_eq!(value(CTR, &Measures::ZERO), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn given_rows_stand_where_they_stand_elsewhere() {
        let keys = ["r2".to_string(), "gone".to_string()];
        let shape = Shape { rows: Order::Given(&keys), top: 0, columns: None, most_columns: 0 };
        let level = Level::of(&sample(), &shape);
        let totals: Vec<_> = level.rows.iter().map(|row| clicks(&row.total)).collect();
        assert_eq!((totals, clicks(&level.others.total)), (vec![12, 0], 43));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn without_groupings_there_is_one_row() {
        let all = Grouped { names: Vec::new(), places: Vec::new(), ..sample() };
        let shape = Shape { rows: Order::Names, top: 5, columns: None, most_columns: 0 };
        let level = Level::of(&all, &shape);
        assert_eq!((level.rows.len(), clicks(&level.rows[0].total), level.other_rows), (1, 55, 0));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn shades() {
        assert_eq!((heat(Some(5.0), 10.0), heat(None, 10.0), heat(Some(1.0), 0.0)), (0.5, 0.0, 0.0));
        let level = Level::of(&sample(), &shape(Order::Names, 9));
        assert_eq!(greatest(level.rows.iter().flat_map(|row| &row.cells), CLICKS), 40.0);
    }
}
