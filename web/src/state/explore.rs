//! The state of the pivot.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::report::{By, Filter, Metric, TimeUnit};

use super::frame::Frame;
use super::params::Params;
use super::report::{dimensions, groupings, names, read_list, read_number};
use crate::metric::{CLICKS, CTR, IMPRESSIONS};

/// How many rows a level can show before the others are added up; the first is the default.
pub const TOPS: [u32; 5] = [10, 5, 20, 50, 200];

/// How a pivot is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// As a table.
    Table,
    /// As bars, or as lines where time is told apart.
    Chart,
}

/// The keys of a row and of those that it lies in, the outermost first.
pub type Path = Vec<String>;

/// What the pivot shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExploreState {
    /// Whose figures, of which days, in which zone.
    pub frame: Frame,
    /// What rows are told apart by: those of the second lie in those of the first, and so on.
    pub rows: Vec<By>,
    /// What columns are told apart by.
    pub column: Option<By>,
    /// What is shown of each cell.
    pub metrics: Vec<Metric>,
    /// What is left out.
    pub filters: Vec<Filter>,
    /// What rows are ranked by; `None` is the first metric.
    pub rank: Option<Metric>,
    /// How many rows a level shows.
    pub top: u32,
    /// Whether cells are shaded by their figures.
    pub heat: bool,
    /// Whether figures are compared with the period before.
    pub compare: bool,
    /// Table or chart.
    pub look: Look,
    /// The rows that are open.
    pub open: Vec<Path>,
}

impl Default for ExploreState {
    fn default() -> Self {
        Self {
            frame: Frame::default(),
            rows: vec![By::Dimension(Dimension::Campaign), By::Dimension(Dimension::Ad)],
            column: None,
            metrics: vec![IMPRESSIONS, CLICKS, CTR],
            filters: Vec::new(),
            rank: None,
            top: TOPS[0],
            heat: false,
            compare: false,
            look: Look::Table,
            open: Vec::new(),
        }
    }
}

impl ExploreState {
    /// What somebody with `scope` sees first: a publisher has no campaigns.
    pub fn first_of(scope: &Scope) -> ExploreState {
        let rows = match scope {
            Scope::Platform => [Dimension::Advertiser, Dimension::Campaign],
            Scope::Advertiser(_) => [Dimension::Campaign, Dimension::Ad],
            Scope::Service(_) => [Dimension::Placement, Dimension::Advertiser],
        };
        ExploreState { rows: rows.map(By::Dimension).to_vec(), ..ExploreState::default() }
    }

    /// Reads a query and names what it cannot.
    pub fn read(query: &str) -> (ExploreState, Vec<String>) {
        let params = Params::parse(query);
        let mut unread = Vec::new();
        let defaults = ExploreState::default();
        let frame = Frame::read(&params, &mut unread);
        let rows = read_list(&params, "rows", By::parse, &mut unread).unwrap_or(defaults.rows);
        let metrics = read_list(&params, "metrics", offered, &mut unread).unwrap_or(defaults.metrics);
        let named = |name: &str| {
            let text = params.get(name)?;
            Some(text.to_string()).filter(|text| !text.is_empty())
        };
        let (column, rank, view) = (named("cols"), named("rank"), named("view"));
        let mut understood = |what: &str, text: Option<String>, known: bool| {
            unread.extend(text.filter(|_| !known).map(|text| format!("{what}={text}")));
        };
        let by = column.as_deref().and_then(By::parse).filter(|by| !rows.contains(by));
        let ranked = rank.as_deref().and_then(offered);
        understood("cols", column, by.is_some());
        understood("rank", rank, ranked.is_some());
        understood("view", view.clone(), view.as_deref() == Some("chart"));
        let mut filters = Vec::new();
        for text in params.all("filter") {
            match Filter::parse(text) {
                Some(filter) => filters.push(filter),
                None => unread.push(format!("filter={text}")),
            }
        }
        let top = read_number(&params, "top", &mut unread).filter(|top| TOPS.contains(top));
        let state = ExploreState {
            frame,
            rows,
            column: by,
            metrics,
            filters,
            rank: ranked,
            top: top.unwrap_or(defaults.top),
            heat: params.get("heat") == Some("1"),
            compare: params.get("compare") == Some("1"),
            look: if view.as_deref() == Some("chart") { Look::Chart } else { Look::Table },
            open: params.all("open").map(unpack).collect(),
        };
        (state, unread)
    }

    /// The address of the page; what has its default value is left out, but never the rows, which depend on the scope.
    pub fn href(&self) -> String {
        let mut params = Params::default();
        self.frame.write(&mut params);
        params.push("rows", names(&self.rows, |by| by.name()));
        if let Some(column) = self.column {
            params.push("cols", column.name());
        }
        params.push("metrics", names(&self.metrics, |metric| metric.name()));
        for filter in &self.filters {
            params.push("filter", filter);
        }
        if let Some(rank) = self.rank {
            params.push("rank", rank.name());
        }
        params.push_unless("top", self.top, TOPS[0]);
        params.push_unless("heat", u8::from(self.heat), 0);
        params.push_unless("compare", u8::from(self.compare), 0);
        params.push_unless("view", if self.look == Look::Chart { "chart" } else { "" }, "");
        for path in &self.open {
            params.push("open", pack(path));
        }
        params.after("/explore")
    }

    /// What rows are ranked by.
    pub fn ranked_by(&self) -> Option<Metric> {
        self.rank.filter(|rank| self.metrics.contains(rank)).or(self.metrics.first().copied())
    }

    /// Whether time is told apart.
    pub fn has_time(&self) -> bool {
        self.rows.iter().chain(&self.column).any(|by| matches!(by, By::Time(_)))
    }

    /// Whether hours are told apart; else whole days are enough to know.
    pub fn has_hours(&self) -> bool {
        self.rows.iter().chain(&self.column).any(|by| *by == By::Time(TimeUnit::Hour))
    }

    /// Adds rows at the innermost level, or takes a level away.
    #[must_use]
    pub fn toggled_row(mut self, by: By) -> Self {
        match self.rows.iter().position(|known| *known == by) {
            Some(index) => {
                self.rows.remove(index);
            }
            None => self.rows.push(by),
        }
        self.column = self.column.filter(|column| *column != by);
        self.closed()
    }

    /// Other columns; rows of the same kind give way.
    #[must_use]
    pub fn with_column(mut self, column: Option<By>) -> Self {
        self.rows.retain(|by| Some(*by) != column);
        self.column = column;
        self.closed()
    }

    /// Puts a dimension among the rows: before another, or innermost; where it was before, it is no more.
    #[must_use]
    pub fn moved_to_rows(mut self, by: By, before: Option<By>) -> Self {
        if before == Some(by) {
            return self;
        }
        self.rows.retain(|known| *known != by);
        self.column = self.column.filter(|column| *column != by);
        let at = before.and_then(|before| self.rows.iter().position(|known| *known == before));
        self.rows.insert(at.unwrap_or(self.rows.len()), by);
        self.closed()
    }

    /// The first rows become the columns, and the columns the first rows.
    #[must_use]
    pub fn swapped(mut self) -> Self {
        let first = (!self.rows.is_empty()).then(|| self.rows.remove(0));
        if let Some(column) = self.column.take() {
            self.rows.insert(0, column);
        }
        self.column = first;
        self.closed()
    }

    /// Adds a metric at the end, or takes it away.
    #[must_use]
    pub fn toggled_metric(mut self, metric: Metric) -> Self {
        match self.metrics.iter().position(|known| *known == metric) {
            Some(index) => {
                self.metrics.remove(index);
            }
            None => self.metrics.push(metric),
        }
        self.rank = self.rank.filter(|rank| self.metrics.contains(rank));
        self
    }

    /// Opens a row, or closes it with all that lie in it.
    #[must_use]
    pub fn toggled_open(mut self, path: &Path) -> Self {
        if self.open.contains(path) {
            self.open.retain(|open| !open.starts_with(path));
        } else {
            self.open.push(path.clone());
        }
        self
    }

    /// Only what lies in the row of `path`, told apart by what comes next.
    #[must_use]
    pub fn drilled(mut self, path: &Path, scope: &Scope) -> Self {
        let deeper: Vec<By> = self.rows.drain(..path.len().min(self.rows.len())).collect();
        for (by, key) in deeper.iter().zip(path) {
            self.filters.extend(equal(*by, key));
        }
        if self.rows.is_empty() {
            self.rows.extend(self.next_rows(&deeper, scope));
        }
        self.closed()
    }

    /// Adds a filter, once.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        if !self.filters.contains(&filter) {
            self.filters.push(filter);
        }
        self.closed()
    }

    /// Takes a filter away; what it fixed becomes the rows again, where it fixed one value.
    #[must_use]
    pub fn without_filter(mut self, filter: &Filter) -> Self {
        self.filters.retain(|known| known != filter);
        let by = By::Dimension(filter.dimension);
        if filter.test.op() == "eq" && !self.rows.contains(&by) && self.column != Some(by) {
            self.rows.insert(0, by);
            self.rows.truncate(3);
        }
        self.closed()
    }

    /// Without what `scope` may not see.
    #[must_use]
    pub fn restricted_to(mut self, scope: &Scope) -> Self {
        let seen_by = groupings(scope);
        self.rows.retain(|by| seen_by.contains(by));
        self.column = self.column.filter(|by| seen_by.contains(by));
        self.metrics.retain(|metric| metric.is_seen_by(scope));
        self.filters.retain(|filter| dimensions(scope).contains(&filter.dimension));
        if self.rows.is_empty() {
            self.rows = ExploreState::first_of(scope).rows;
        }
        self.closed()
    }

    /// The first dimension that is neither shown nor fixed.
    fn next_rows(&self, before: &[By], scope: &Scope) -> Option<By> {
        let fixed = |dimension: &Dimension| self.filters.iter().any(|filter| filter.dimension == *dimension);
        let free = dimensions(scope).iter().filter(|dimension| !fixed(dimension));
        let mut free = free.map(|dimension| By::Dimension(*dimension));
        free.find(|by| !before.contains(by) && self.column != Some(*by)).or(before.last().copied())
    }

    fn closed(mut self) -> Self {
        self.open.clear();
        self
    }
}

/// The filter that leaves one row.
pub fn equal(by: By, key: &str) -> Option<Filter> {
    match by {
        By::Dimension(dimension) => Filter::parse(&format!("{}:eq:{key}", dimension.name())),
        By::Time(_) => None,
    }
}

/// Every metric but reach: users of several cells cannot be added up without their sketches, which are large.
fn offered(name: &str) -> Option<Metric> {
    Metric::parse(name).filter(|metric| *metric != Metric::Reach)
}

/// Keys joined by commas.
fn pack(path: &Path) -> String {
    let escaped = path.iter().map(|key| key.replace('%', "%25").replace(',', "%2C"));
    escaped.collect::<Vec<_>>().join(",")
}

fn unpack(text: &str) -> Path {
    text.split(',').map(|key| key.replace("%2C", ",").replace("%25", "%")).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn state(query: &str) -> ExploreState {
        ExploreState::read(query).0
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn pivots_round_trip() {
        fn check(query: &str) {
            let (state, unread) = ExploreState::read(query);
            assert_eq!(state.href(), format!("/explore{query}"));
            assert!(unread.is_empty(), "{unread:?}");
        }
        check("?rows=campaign&metrics=clicks");
        check(
            "?scope=advertiser:acme&range=all&rows=campaign,ad&cols=day&metrics=clicks,ctr&rank=ctr&top=50&heat=1",
        );
        check("?rows=country&metrics=clicks&filter=ad:eq:x&compare=1&view=chart&open=KR&open=KR,a%252Cb");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_not_understood_is_named() {
        let (state, unread) =
            ExploreState::read("rows=planet&cols=moon&metrics=reach,clicks&rank=luck&view=3d&top=7");
        assert_eq!((state.rows, state.column), (ExploreState::default().rows, None));
        assert_eq!((state.metrics, state.top), (vec![CLICKS], TOPS[0]));
        assert_eq!(unread, ["rows=planet", "metrics=reach", "cols=moon", "rank=luck", "view=3d"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn steps() {
        fn check(result: ExploreState, expected: &str) {
            assert_eq!(result.href(), format!("/explore?{expected}&metrics=clicks"));
        }
        let start = || state("rows=campaign,ad&metrics=clicks&open=a&open=a,b");
        check(start().swapped(), "rows=ad&cols=campaign");
        check(start().swapped().swapped(), "rows=campaign&cols=ad");
        check(start().with_column(By::parse("ad")), "rows=campaign&cols=ad");
        check(start().toggled_row(By::Dimension(Dimension::Ad)), "rows=campaign");
        assert_eq!(start().toggled_open(&vec!["a".to_string()]).open, Vec::<Path>::new());
        assert_eq!(start().toggled_open(&vec!["c".to_string()]).open.len(), 3);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn drilling_down_and_up() {
        let scope = Scope::parse("advertiser:acme").unwrap();
        let path = |keys: &[&str]| keys.iter().map(|key| key.to_string()).collect::<Path>();
        let start = || state("rows=campaign,ad&metrics=clicks");
        let one = start().drilled(&path(&["a"]), &scope);
        assert_eq!(one.href(), "/explore?rows=ad&metrics=clicks&filter=campaign:eq:a");
        let two = start().drilled(&path(&["a", "x"]), &scope);
        assert_eq!(two.href(), "/explore?rows=advertiser&metrics=clicks&filter=campaign:eq:a&filter=ad:eq:x");
        let up = one.clone().without_filter(&one.filters[0]);
        assert_eq!(up.href(), "/explore?rows=campaign,ad&metrics=clicks");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn dimensions_are_moved() {
        fn check(query: &str, by: &str, before: Option<&str>, expected: &str) {
            let (state, _) = ExploreState::read(query);
            let moved = state.moved_to_rows(By::parse(by).unwrap(), before.and_then(By::parse));
            assert_eq!(
                moved.href(),
                format!("/explore?{expected}&metrics=clicks"),
                "{query} {by} {before:?}"
            );
        }
        check("rows=campaign,ad&metrics=clicks", "ad", Some("campaign"), "rows=ad,campaign");
        check("rows=campaign,ad&metrics=clicks", "campaign", None, "rows=ad,campaign");
        check("rows=campaign,ad&cols=day&metrics=clicks", "day", Some("ad"), "rows=campaign,day,ad");
        check("rows=campaign,ad&metrics=clicks", "country", None, "rows=campaign,ad,country");
        check("rows=campaign,ad&metrics=clicks", "ad", Some("ad"), "rows=campaign,ad");
    }
}
