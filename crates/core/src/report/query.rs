//! The parameters of `GET /v1/reports`, parsed: a [`Query`] is valid.

mod parse;

use std::fmt::Write;
use std::ops::Range;

use super::error::list;
use super::zone::Zone;
use super::{Filter, Metric, Plan, QueryError, TimeUnit};
use crate::cell::{Dimension, Scope};
use crate::time::{Hour, rfc3339};

/// The most rows of one answer: about 10 MB of JSON, which an isolate can hold several times.
pub const MAX_LIMIT: u64 = 100_000;
/// Rows where `limit` is absent.
const DEFAULT_LIMIT: u64 = 1_000;
/// Every parameter.
pub(super) const PARAMETERS: [&str; 12] =
    ["from", "to", "tz", "by", "metrics", "filter", "source", "as_of", "sort", "limit", "offset", "format"];

/// What rows are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// A unit of local time.
    Time(TimeUnit),
    /// A dimension of cells.
    Dimension(Dimension),
}

impl By {
    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            By::Time(unit) => unit.name(),
            By::Dimension(dimension) => dimension.name(),
        }
    }

    fn unit(self) -> Option<TimeUnit> {
        match self {
            By::Time(unit) => Some(unit),
            By::Dimension(_) => None,
        }
    }

    /// What is grouped by under that name.
    pub fn parse(name: &str) -> Option<By> {
        let times = TimeUnit::ALL.into_iter().map(By::Time);
        times.chain(Dimension::ALL.map(By::Dimension)).find(|by| by.name() == name)
    }
}

/// Which figures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The last batch, and what came after it.
    Merged,
    /// Only what came after the last batch.
    Realtime,
    /// Only the last batch.
    Batch,
}

impl Source {
    /// Every source.
    pub const ALL: [Source; 3] = [Source::Merged, Source::Realtime, Source::Batch];

    /// The name in API queries.
    pub fn name(self) -> &'static str {
        match self {
            Source::Merged => "merged",
            Source::Realtime => "realtime",
            Source::Batch => "batch",
        }
    }
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object.
    Json,
    /// RFC 4180, see [`super::Table::to_csv`].
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 2] = [Format::Json, Format::Csv];

    /// The name in API queries.
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }
}

/// One column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Its place among the columns of the answer.
    pub column: usize,
    /// Greatest first; what has no value is last either way.
    pub descending: bool,
}

/// A valid report query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    hours: Range<Hour>,
    zone: Zone,
    by: Vec<By>,
    metrics: Vec<Metric>,
    filters: Vec<Filter>,
    source: Source,
    as_of: Option<u64>,
    sort: Vec<Sort>,
    limit: u64,
    offset: u64,
    format: Format,
}

impl Query {
    /// The hours that start in the asked range.
    pub fn hours(&self) -> Range<Hour> {
        self.hours.clone()
    }

    /// The IANA zone in which units of time begin.
    pub fn tz(&self) -> &str {
        self.zone.name()
    }

    /// The first instant, in ms since 1970, of the unit of local time that `hour` starts in.
    pub fn start_of(&self, unit: TimeUnit, hour: Hour) -> i64 {
        unit.start(&self.zone, hour)
    }

    /// What rows are told apart by.
    pub fn by(&self) -> &[By] {
        &self.by
    }

    /// The figures of each row.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// What cells have to be like.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// Which figures are asked for.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The generation whose figures are asked for, where that is not the last one; then the source is the batch.
    pub fn as_of(&self) -> Option<u64> {
        self.as_of
    }

    /// What to sort by before the columns of `by`.
    pub fn sort(&self) -> &[Sort] {
        &self.sort
    }

    /// The most rows to answer.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many rows to leave out before.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How the answer is written.
    pub fn format(&self) -> Format {
        self.format
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// What every store of cells has to do for this query.
    pub fn plan(&self) -> Plan {
        Plan::new(self)
    }

    /// Refuses what `scope` does not see.
    ///
    /// The platform sees every dimension, although its own cells are coarse: the finer ones are the advertisers'.
    pub fn check_scope(&self, scope: &Scope) -> Result<(), QueryError> {
        let seen: &[Dimension] = match scope {
            Scope::Platform => &Dimension::ALL,
            _ => scope.dimensions(),
        };
        let not_in_scope = |name, seen| Err(QueryError::NotInScope { name, scope: scope.to_string(), seen });
        if let Some(hidden) = self.dimensions().find(|dimension| !seen.contains(dimension)) {
            return not_in_scope(hidden.name(), list(seen.iter().map(|dimension| dimension.name())));
        }
        if let Some(hidden) = self.metrics.iter().find(|metric| !metric.is_seen_by(scope)) {
            let seen = Metric::all().filter(|metric| metric.is_seen_by(scope)).map(Metric::name);
            return not_in_scope(hidden.name(), list(seen));
        }
        Ok(())
    }

    /// The dimensions that are grouped by, then those that are filtered by.
    fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        let grouped = self.by.iter().filter_map(|by| match by {
            By::Dimension(dimension) => Some(*dimension),
            By::Time(_) => None,
        });
        grouped.chain(self.filters.iter().map(|filter| filter.dimension))
    }

    /// One text for all ways to write this query, of characters that need no escaping in a URL's path, an HTTP
    /// header or a file name, and different for queries that may have different answers.
    pub fn canonical(&self) -> String {
        let mut text = format!(
            "from={};to={};tz={};by={};metrics={}",
            rfc3339(self.hours.start.start_ms()),
            rfc3339(self.hours.end.start_ms()),
            self.zone,
            self.by.iter().map(|by| by.name()).collect::<Vec<_>>().join(","),
            self.metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(","),
        );
        self.write_filters(&mut text);
        if let Some(generation) = self.as_of {
            let _ = write!(text, ";as_of=g{generation}");
        }
        let columns = |sort: &Sort| format!("{}{}", if sort.descending { "-" } else { "" }, sort.column);
        let sort = self.sort.iter().map(columns).collect::<Vec<_>>().join(",");
        let (source, format) = (self.source.name(), self.format.name());
        let _ = write!(
            text,
            ";source={source};sort={sort};limit={};offset={};format={format}",
            self.limit, self.offset
        );
        text
    }

    /// One text for all queries that need the same cells of a scope, whatever they make of them.
    pub fn cells(&self) -> String {
        let plan = self.plan();
        let mut units: Vec<TimeUnit> = self.by.iter().filter_map(|by| by.unit()).collect();
        units.sort();
        let [from, to] = [plan.hours.start, plan.hours.end].map(|hour| rfc3339(hour.start_ms()));
        let keep: Vec<&str> = plan.keep.iter().map(|dimension| dimension.name()).collect();
        let mut text = format!("from={from};to={to};keep={};users={}", keep.join(","), plan.keep_users);
        if !units.is_empty() {
            let names: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
            // Writing to a string cannot fail.
            let _ = write!(text, ";units={};tz={}", names.join(","), self.zone);
        }
        self.write_filters(&mut text);
        if let Some(generation) = self.as_of {
            let _ = write!(text, ";as_of=g{generation}");
        }
        let _ = write!(text, ";source={}", self.source.name());
        text
    }

    fn write_filters(&self, text: &mut String) {
        for Filter { dimension, test } in &self.filters {
            let values: Vec<String> = test.values().iter().map(|value| plain(value)).collect();
            // Writing to a string cannot fail.
            let _ = write!(text, ";filter={}:{}:{}", dimension.name(), test.op(), values.join(","));
        }
    }
}

/// Letters, digits, `.`, `_` and `-` as they are, any other byte as `~` and two hexadecimal digits.
pub(crate) fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "~{byte:02x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
