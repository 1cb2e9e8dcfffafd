//! A pivot with its open rows, line by line.

use std::sync::Arc;

use adtally_core::cell::Scope;
use adtally_core::report::{By, Filter, Grouped, Metric, Query, Zone};
use adtally_core::segment::Segment;
use adtally_core::time::ServerTime;

use super::pivot::{Level, Order, Row, Shape};
use crate::api::cells::bounds;
use crate::calendar::Span;
use crate::metric::weight;
use crate::state::explore::{ExploreState, Path, equal};

/// Times are not ranked, so there are more of them than of other rows: a month by the hour.
const MOST_TIMES: usize = 744;
/// Columns that a page has room for: two months by day.
const MOST_TIME_COLUMNS: usize = 62;
/// Columns of other dimensions.
const MOST_COLUMNS: usize = 12;

/// The cells of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The cells.
    pub segment: Arc<Segment>,
    /// Whose they are.
    pub scope: Scope,
    /// Of which days.
    pub span: Span,
    /// From one instant up to another, where they are of a part of these days.
    pub part: Option<(String, String)>,
    /// In which zone.
    pub zone: Zone,
}

/// What a period is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The cells of the part that is compared, where the period is still going on.
    pub part: Option<Basis>,
    /// Those of as much of the period before.
    pub before: Basis,
}

/// What a line stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Stands {
    /// All rows.
    Total,
    /// One row.
    Row {
        /// What tells it from its neighbours.
        by: By,
        /// Whether something can be opened below it.
        opens: bool,
        /// Whether it is open.
        open: bool,
    },
    /// So many rows that are not shown.
    Others(usize),
}

/// A line of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it stands for.
    pub stands: Stands,
    /// The keys of the row; of others, those that they lie in.
    pub path: Path,
    /// How deep it lies.
    pub depth: usize,
    /// Its figures.
    pub row: Row,
    /// Those of the period before.
    pub before: Option<Row>,
    /// What of its own is compared with them, where that is not all.
    pub part: Option<Row>,
}

/// A pivot, line by line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// The keys of the columns.
    pub columns: Vec<String>,
    /// How many columns are added up behind them.
    pub other_columns: usize,
    /// All first, then the rows.
    pub lines: Vec<Line>,
}

impl Basis {
    /// The sums of the cells that pass `filters`, by `by`.
    pub fn group(&self, by: &[By], metrics: &[Metric], filters: &[Filter]) -> Grouped {
        let list = |names: Vec<&str>| names.join(",");
        let (from, to) = bounds(self.span, self.part.as_ref());
        let mut params = vec![
            ("from".to_string(), from),
            ("to".to_string(), to),
            ("by".to_string(), list(by.iter().map(|by| by.name()).collect())),
            ("metrics".to_string(), list(metrics.iter().map(|metric| metric.name()).collect())),
        ];
        params.extend(filters.iter().map(|filter| ("filter".to_string(), filter.to_string())));
        // What the server answered to is understood here too.
        let query = Query::parse_in(self.zone.clone(), &params, ServerTime(0));
        query.map(|query| Grouped::of(&query, &self.segment, &self.scope)).unwrap_or_default()
    }
}

/// A pivot with the state that it answers, and how long that took.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The question.
    pub state: ExploreState,
    /// Whose cells.
    pub basis: Basis,
    /// The answer.
    pub sheet: Arc<Sheet>,
    /// How long the browser took.
    pub took_ms: f64,
}

/// Everything that stays the same from level to level.
struct Levels<'a> {
    now: &'a Basis,
    compared: Option<&'a Compared>,
    state: &'a ExploreState,
    metrics: Vec<Metric>,
    columns: Vec<String>,
}

/// What stands beside a level: the same rows and columns of other cells.
struct Beside {
    before: Level,
    part: Option<Level>,
}

/// The pivot of `state` over cells, compared with others where times are not told apart.
pub fn sheet(now: &Basis, compared: Option<&Compared>, state: &ExploreState) -> Sheet {
    let mut metrics = state.metrics.clone();
    metrics.extend(state.rank);
    metrics.extend(state.metrics.first().map(|first| weight(*first)));
    metrics.dedup();
    metrics.sort_unstable();
    metrics.dedup();
    let compared = compared.filter(|_| !state.has_time());
    let mut levels = Levels { now, compared, state, metrics, columns: Vec::new() };
    let (level, beside) = levels.level(&Vec::new(), None);
    levels.columns.clone_from(&level.columns);
    let mut sheet =
        Sheet { columns: level.columns.clone(), other_columns: level.other_columns, lines: Vec::new() };
    let (before, part) = beside_row(beside.as_ref(), |level| Some(&level.total));
    let row = level.total.clone();
    sheet.lines.push(Line { stands: Stands::Total, path: Path::new(), depth: 0, row, before, part });
    if !state.rows.is_empty() {
        levels.add(&mut sheet.lines, &Path::new(), level, beside);
    }
    sheet
}

/// What stands beside one row of a level.
fn beside_row(beside: Option<&Beside>, row: impl Fn(&Level) -> Option<&Row>) -> (Option<Row>, Option<Row>) {
    let Some(Beside { before, part }) = beside else { return (None, None) };
    (row(before).cloned(), part.as_ref().and_then(|part| row(part).cloned()))
}

impl Levels<'_> {
    /// The rows that lie in `path`, and what they are compared with.
    fn level(&self, path: &Path, columns: Option<&[String]>) -> (Level, Option<Beside>) {
        let by: Vec<By> =
            self.state.rows.get(path.len()).copied().into_iter().chain(self.state.column).collect();
        let has_rows = self.state.rows.len() > path.len();
        let mut filters = self.state.filters.clone();
        filters.extend(self.state.rows.iter().zip(path).filter_map(|(by, key)| equal(*by, key)));
        let (rows, top) = match (has_rows, by.first()) {
            (true, Some(By::Time(_))) => (Order::Names, MOST_TIMES),
            _ => (self.largest(), self.state.top as usize),
        };
        let (column_order, most_columns) = match self.state.column {
            Some(By::Time(_)) => (Order::Names, MOST_TIME_COLUMNS),
            _ => (
                self.state.metrics.first().map_or(Order::Names, |first| Order::Largest(weight(*first))),
                MOST_COLUMNS,
            ),
        };
        let columns = self.state.column.map(|_| columns.map_or(column_order, Order::Given));
        let shape = Shape { rows, top, columns, most_columns };
        let place = |grouped: Grouped| if has_rows { grouped } else { below_nothing(grouped) };
        let level = Level::of(&place(self.now.group(&by, &self.metrics, &filters)), &shape);
        let beside = self.compared.map(|compared| {
            let keys: Vec<String> = level.rows.iter().map(|row| row.key.clone()).collect();
            let columns = shape.columns.map(|_| Order::Given(&level.columns));
            let shape = Shape { rows: Order::Given(&keys), columns, ..shape };
            let of = |basis: &Basis| Level::of(&place(basis.group(&by, &self.metrics, &filters)), &shape);
            Beside { before: of(&compared.before), part: compared.part.as_ref().map(of) }
        });
        (level, beside)
    }

    fn largest(&self) -> Order<'static> {
        let first = self.state.metrics.first().map(|first| weight(*first));
        self.state.rank.or(first).map_or(Order::Names, Order::Largest)
    }

    /// Adds the rows of a level, and below each open one those that lie in it.
    fn add(&self, lines: &mut Vec<Line>, path: &Path, level: Level, beside: Option<Beside>) {
        let Some(by) = self.state.rows.get(path.len()).copied() else { return };
        let depth = path.len();
        for (place, row) in level.rows.into_iter().enumerate() {
            let mut path = path.clone();
            path.push(row.key.clone());
            // Times cannot be filtered by, so nothing can be opened below them.
            let opens = path.len() < self.state.rows.len() && matches!(by, By::Dimension(_));
            let open = opens && self.state.open.contains(&path);
            let stands = Stands::Row { by, opens, open };
            let (before, part) = beside_row(beside.as_ref(), |level| level.rows.get(place));
            lines.push(Line { stands, path: path.clone(), depth, row, before, part });
            if open {
                let (level, beside) = self.level(&path, Some(&self.columns));
                self.add(lines, &path, level, beside);
            }
        }
        if level.other_rows > 0 {
            let stands = Stands::Others(level.other_rows);
            let (before, part) = beside_row(beside.as_ref(), |level| Some(&level.others));
            lines.push(Line { stands, path: path.clone(), depth, row: level.others, before, part });
        }
    }
}

/// Groups by columns alone, as those of one row.
fn below_nothing(grouped: Grouped) -> Grouped {
    let Grouped { mut names, mut places, sums, len } = grouped;
    names.insert(0, vec![String::new()]);
    places.insert(0, vec![0; len]);
    Grouped { names, places, sums, len }
}

#[cfg(test)]
pub(crate) mod tests {
    use adtally_core::cell::{CellKey, Cells, Dimension};
    use adtally_core::key::Key;
    use adtally_core::measure::Measure;
    use adtally_core::time::Hour;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Clicks by hour, campaign and ad.
    pub(crate) fn basis(clicks: &[(u32, &str, &str, i64)]) -> Basis {
        let mut cells = Cells::new();
        for (hour, campaign, ad, clicks) in clicks {
            let mut key = CellKey::at(Hour(*hour as _));
            key.set(Dimension::Campaign, Key::parse(campaign).unwrap());
            key.set(Dimension::Ad, Key::parse(ad).unwrap());
            cells.entry(key).or_default().measures.add(Measure::Clicks, *clicks);
        }
        let span = Span { from: "1970-01-01".parse().unwrap(), to: "1970-01-08".parse().unwrap() };
        let scope = Scope::parse("advertiser:acme").unwrap();
        Basis {
            segment: Arc::new(Segment::from_cells(cells)),
            scope,
            span,
            part: None,
            zone: Zone::sampled("UTC", 0..1, |_| 0),
        }
    }

    fn sample() -> Basis {
        basis(&[(0, "a", "x", 1), (1, "a", "y", 2), (30, "b", "x", 40), (31, "b,c", "z", 5)])
    }

    fn check(query: &str, compared: Option<&Compared>, expected: &[&str]) {
        let (state, unread) = ExploreState::read(query);
        assert!(unread.is_empty(), "{unread:?}");
        let sheet = sheet(&sample(), compared, &state);
        let line = |line: &Line| {
            let name = match &line.stands {
                Stands::Total => "all".to_string(),
                Stands::Row { open, .. } => {
                    format!("{}{}", line.path.join("/"), if *open { "*" } else { "" })
                }
                Stands::Others(count) => format!("{count} others"),
            };
            let clicks = |row: &Row| {
                let figures = row.cells.iter().map(|cell| cell.get(Measure::Clicks).to_string());
                figures.collect::<Vec<_>>().join(" ")
            };
            let beside = |text: &str, row: &Option<Row>| {
                row.as_ref().map(|row| format!(" {text} {}", clicks(row))).unwrap_or_default()
            };
            let (before, part) = (beside("was", &line.before), beside("of which", &line.part));
            format!("{name}: {}{part}{before}", clicks(&line.row))
        };
        assert_eq!(sheet.lines.iter().map(line).collect::<Vec<_>>(), expected, "{query}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn open_rows_have_theirs_below_them() {
        check("rows=campaign,ad&metrics=clicks", None, &["all: 48", "b: 40", "b,c: 5", "a: 3"]);
        check(
            "rows=campaign,ad&metrics=clicks&open=b%252Cc&open=a",
            None,
            &["all: 48", "b: 40", "b,c*: 5", "b,c/z: 5", "a*: 3", "a/y: 2", "a/x: 1"],
        );
        check(
            "rows=campaign,ad&metrics=clicks&open=a&filter=ad:eq:x",
            None,
            &["all: 41", "b: 40", "a*: 1", "a/x: 1"],
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn times_run_forward_in_rows_and_columns() {
        check(
            "rows=day&metrics=clicks",
            None,
            &["all: 48", "1970-01-01T00:00:00Z: 3", "1970-01-02T00:00:00Z: 45"],
        );
        check(
            "rows=campaign&cols=day&metrics=clicks",
            None,
            &["all: 3 45 0", "b: 0 40 0", "b,c: 0 5 0", "a: 3 0 0"],
        );
        check("rows=&cols=day&metrics=clicks", None, &["all: 3 45 0"]);
        check("rows=&metrics=clicks", None, &["all: 48"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_period_before_stands_beside() {
        let before = basis(&[(0, "a", "x", 7), (1, "old", "x", 9)]);
        let whole = Compared { part: None, before };
        check(
            "rows=campaign&metrics=clicks",
            Some(&whole),
            &["all: 48 was 16", "b: 40 was 0", "b,c: 5 was 0", "a: 3 was 7"],
        );
        check(
            "rows=day&metrics=clicks",
            Some(&whole),
            &["all: 48", "1970-01-01T00:00:00Z: 3", "1970-01-02T00:00:00Z: 45"],
        );
        // The period still goes on: its first 31 hours are compared.
        let bounds = ("1970-01-01T00:00:00Z".to_string(), "1970-01-02T07:00:00Z".to_string());
        let part = Basis { part: Some(bounds), ..sample() };
        let ongoing = Compared { part: Some(part), ..whole };
        check(
            "rows=campaign,ad&metrics=clicks&open=a&top=5",
            Some(&ongoing),
            &[
                "all: 48 of which 43 was 16",
                "b: 40 of which 40 was 0",
                "b,c: 5 of which 0 was 0",
                "a*: 3 of which 3 was 7",
                "a/y: 2 of which 2 was 0",
                "a/x: 1 of which 1 was 7",
            ],
        );
    }
}
