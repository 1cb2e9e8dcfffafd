//! The state of the report page: what is asked, and in which order it is shown.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::report::{By, Filter, Metric, TimeUnit};

use super::frame::Frame;
use super::params::Params;
use crate::metric::{self, CLICKS, CONVERSIONS, COST, CTR, IMPRESSIONS, LINKED_CLICKS};
use crate::phrase::Phrase;

/// The numbers of rows that a page can have; the first is the default.
pub const PAGE_SIZES: [u32; 4] = [50, 25, 100, 500];

/// What `scope` may group by: the platform's own cells are coarse, but its finer questions go to the advertisers.
pub fn groupings(scope: &Scope) -> Vec<By> {
    let times = TimeUnit::ALL.into_iter().map(By::Time);
    times.chain(dimensions(scope).iter().copied().map(By::Dimension)).collect()
}

/// The dimensions that `scope` may ask for.
pub fn dimensions(scope: &Scope) -> &'static [Dimension] {
    match scope {
        Scope::Platform => &Dimension::ALL,
        Scope::Advertiser(_) | Scope::Service(_) => scope.dimensions(),
    }
}

/// The name of a grouping on a page.
pub fn by_phrase(by: By) -> Phrase {
    match by {
        By::Time(TimeUnit::Hour) => Phrase::Hour,
        By::Time(TimeUnit::Day) => Phrase::Day,
        By::Time(TimeUnit::Week) => Phrase::Week,
        By::Time(TimeUnit::Month) => Phrase::Month,
        By::Dimension(dimension) => dimension_phrase(dimension),
    }
}

/// The name of a dimension on a page.
pub fn dimension_phrase(dimension: Dimension) -> Phrase {
    match dimension {
        Dimension::Advertiser => Phrase::Advertiser,
        Dimension::Campaign => Phrase::Campaign,
        Dimension::Ad => Phrase::Ad,
        Dimension::Service => Phrase::Service,
        Dimension::Placement => Phrase::Placement,
        Dimension::Country => Phrase::Country,
        Dimension::Device => Phrase::Device,
        Dimension::Label => Phrase::Label,
    }
}

/// A column of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// One of the groupings.
    By(By),
    /// One of the metrics.
    Metric(Metric),
}

impl Column {
    /// Reads the API's name.
    pub fn parse(name: &str) -> Option<Column> {
        By::parse(name).map(Column::By).or_else(|| Metric::parse(name).map(Column::Metric))
    }

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Column::By(grouping) => grouping.name(),
            Column::Metric(metric) => metric.name(),
        }
    }

    /// The name on a page.
    pub fn phrase(self) -> Phrase {
        match self {
            Column::By(by) => by_phrase(by),
            Column::Metric(metric) => metric::phrase(metric),
        }
    }
}

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    /// By which column.
    pub column: Column,
    /// In which direction.
    pub direction: Direction,
}

impl Order {
    /// Reads `clicks` or `-clicks`.
    fn parse(text: &str) -> Option<Order> {
        let (name, direction) = match text.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (text, Direction::Ascending),
        };
        Some(Order { column: Column::parse(name)?, direction })
    }

    fn write(self) -> String {
        let sign = if self.direction == Direction::Descending { "-" } else { "" };
        format!("{sign}{}", self.column.name())
    }
}

/// What the report page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportState {
    /// Whose figures, of which days, in which zone.
    pub frame: Frame,
    /// What rows are told apart by; without any there is one row.
    pub by: Vec<By>,
    /// What is shown of each row.
    pub metrics: Vec<Metric>,
    /// What is left out.
    pub filters: Vec<Filter>,
    /// The order of the rows, first by the first; empty is [`ReportState::default_order`].
    pub order: Vec<Order>,
    /// How many rows a page has.
    pub limit: u32,
    /// How many rows the pages before this one have.
    pub offset: u32,
}

impl Default for ReportState {
    fn default() -> Self {
        Self {
            frame: Frame::default(),
            by: vec![By::Time(TimeUnit::Day)],
            metrics: vec![IMPRESSIONS, CLICKS, CTR, LINKED_CLICKS, CONVERSIONS, COST],
            filters: Vec::new(),
            order: Vec::new(),
            limit: PAGE_SIZES[0],
            offset: 0,
        }
    }
}

impl ReportState {
    /// Reads a query and names what it cannot.
    pub fn read(query: &str) -> (ReportState, Vec<String>) {
        let params = Params::parse(query);
        let mut unread = Vec::new();
        let defaults = ReportState::default();
        let frame = Frame::read(&params, &mut unread);
        let by = read_list(&params, "by", By::parse, &mut unread).unwrap_or(defaults.by);
        let metrics = read_list(&params, "metrics", Metric::parse, &mut unread).unwrap_or(defaults.metrics);
        let order = read_list(&params, "sort", Order::parse, &mut unread).unwrap_or_default();
        let mut filters = Vec::new();
        for text in params.all("filter") {
            match Filter::parse(text) {
                Some(filter) => filters.push(filter),
                None => unread.push(format!("filter={text}")),
            }
        }
        let limit = read_number(&params, "limit", &mut unread).filter(|limit| PAGE_SIZES.contains(limit));
        let offset = read_number(&params, "offset", &mut unread).unwrap_or(0);
        let limit = limit.unwrap_or(defaults.limit);
        (ReportState { frame, by, metrics, filters, order, limit, offset }, unread)
    }

    /// The address of the page; what has its default value is left out.
    pub fn href(&self) -> String {
        let defaults = ReportState::default();
        let mut params = Params::default();
        self.frame.write(&mut params);
        params.push_unless("by", names(&self.by, |by| by.name()), names(&defaults.by, |by| by.name()));
        params.push_unless(
            "metrics",
            names(&self.metrics, |metric| metric.name()),
            names(&defaults.metrics, |metric| metric.name()),
        );
        for filter in &self.filters {
            params.push("filter", filter);
        }
        params.push_unless("sort", self.sort(), String::new());
        params.push_unless("limit", self.limit, defaults.limit);
        params.push_unless("offset", self.offset, 0);
        params.after("/report")
    }

    /// The order as the API takes it.
    pub fn sort(&self) -> String {
        self.order.iter().map(|order| order.write()).collect::<Vec<_>>().join(",")
    }

    /// Time runs forward; anything else is ranked by the first metric.
    pub fn default_order(&self) -> Option<Order> {
        match (self.by.first(), self.metrics.first()) {
            (Some(By::Time(grain)), _) => {
                Some(Order { column: Column::By(By::Time(*grain)), direction: Direction::Ascending })
            }
            (Some(_), Some(metric)) => {
                Some(Order { column: Column::Metric(*metric), direction: Direction::Descending })
            }
            _ => None,
        }
    }

    /// The order that is in force.
    pub fn orders(&self) -> Vec<Order> {
        if self.order.is_empty() { self.default_order().into_iter().collect() } else { self.order.clone() }
    }
}

/// Reads a list of names separated by commas; `None` when the parameter is absent, empty when it is empty.
pub(super) fn read_list<T: PartialEq>(
    params: &Params,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    unread: &mut Vec<String>,
) -> Option<Vec<T>> {
    let mut items = Vec::new();
    for text in params.get(name)?.split(',').filter(|text| !text.is_empty()) {
        match parse(text) {
            Some(item) if !items.contains(&item) => items.push(item),
            Some(_) => {}
            None => unread.push(format!("{name}={text}")),
        }
    }
    // All of it was unknown: that is no choice of nothing.
    (!items.is_empty() || params.get(name) == Some("")).then_some(items)
}

pub(super) fn read_number(params: &Params, name: &str, unread: &mut Vec<String>) -> Option<u32> {
    let text = params.get(name)?;
    let number = text.parse().ok();
    if number.is_none() {
        unread.push(format!("{name}={text}"));
    }
    number
}

pub(super) fn names<T: Copy>(items: &[T], name: impl Fn(T) -> &'static str) -> String {
    items.iter().map(|item| name(*item)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn reports_round_trip() {
        fn check(query: &str) {
            let (state, unread) = ReportState::read(query);
            assert_eq!(state.href(), format!("/report{query}"));
            assert!(unread.is_empty(), "{unread:?}");
        }
        check("");
        check("?by=&metrics=clicks");
        check(
            "?by=hour,campaign&metrics=reach,roas&filter=campaign:eq:&filter=service:in:a,b&sort=-roas,hour",
        );
        check("?scope=advertiser:acme&range=all&tz=Asia/Seoul&by=label&limit=500&offset=1000");
        check("?filter=ad:prefix:%EC%84%9C%EC%9A%B8%26");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_not_understood_is_named_and_left_out() {
        let (state, unread) =
            ReportState::read("by=day,planet,day&metrics=clicks,luck&filter=x&sort=-nope&limit=ten");
        assert_eq!(state.by, [By::Time(TimeUnit::Day)]);
        assert_eq!(state.metrics, [CLICKS]);
        assert_eq!(ReportState::read("by=planet").0, ReportState::default());
        assert_eq!(unread, ["by=planet", "metrics=luck", "sort=-nope", "filter=x", "limit=ten"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_page_size_that_is_not_offered_is_the_default() {
        assert_eq!(ReportState::read("limit=7").0.limit, PAGE_SIZES[0]);
    }
}
