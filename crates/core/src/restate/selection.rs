//! The parameters of `GET /v1/restatements`, parsed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Cause, Change};
use crate::cell::Scope;
use crate::measure::Measure;
use crate::report::{Filter, Format, Query, QueryError};
use crate::time::ServerTime;

/// The most changes of one answer.
pub const MAX_LIMIT: usize = 10_000;
/// Changes where `limit` is absent.
const DEFAULT_LIMIT: usize = 1_000;
/// Parameters that are read as those of a report are.
const OF_REPORTS: [&str; 5] = ["from", "to", "tz", "filter", "format"];
/// The others.
const OWN: [&str; 6] = ["advertiser", "generation", "measure", "cause", "limit", "cursor"];

/// Which restatements are asked for: of the cells of these hours, newest generations first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Hours and filters of the cells, and the format of the answer.
    pub query: Query,
    /// Only those of this generation.
    pub generation: Option<u64>,
    /// Only changes of this measure.
    pub measure: Option<Measure>,
    /// Only changes of this cause.
    pub cause: Option<Cause>,
    /// The most changes to answer.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<Cursor>,
}

/// The place of a change: what a page that is full hands out for the next one. Places do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The generation.
    pub generation: u64,
    /// The stored row of the generation.
    pub part: i64,
    /// The change in the row.
    pub index: usize,
}

/// Why a selection is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// As in reports.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A parameter that does not exist.
    #[error("unknown parameter {0:?}, known are {names}", names = [&OF_REPORTS[..], &OWN].concat().join(", "))]
    Parameter(String),
    /// Not a measure.
    #[error(
        "unknown measure {0:?}: only what is counted is restated, not ratios and not reach; known are {names}",
        names = Measure::ALL.map(Measure::name).join(", ")
    )]
    Measure(String),
    /// Not a cause.
    #[error("unknown cause {0:?}, known are late, relink, invalid_traffic, correction")]
    Cause(String),
    /// Not a generation.
    #[error("bad generation {0:?}, it must be one such as g12")]
    Generation(String),
    /// Not a number, or too great.
    #[error("bad limit {0:?}, it must be a number from 1 to {MAX_LIMIT}")]
    Limit(String),
    /// Not a cursor that an answer handed out.
    #[error("bad cursor {0:?}, it must be `next` of another answer")]
    Cursor(String),
}

impl SelectionError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            SelectionError::Query(error) => error.code(),
            SelectionError::Parameter(_) => "unknown_parameter",
            SelectionError::Measure(_) => "unknown_metric",
            SelectionError::Cause(_) => "unknown_cause",
            SelectionError::Generation(_) => "bad_generation",
            SelectionError::Limit(_) => "bad_limit",
            SelectionError::Cursor(_) => "bad_cursor",
        }
    }
}

impl Selection {
    /// Reads decoded query parameters, without `scope`; a parameter without a value counts as absent.
    ///
    /// `advertiser=acme` is short for `filter=advertiser:eq:acme`.
    pub fn parse(
        params: &[(String, String)],
        default_tz: &str,
        now: ServerTime,
    ) -> Result<Selection, SelectionError> {
        let mut of_reports: Vec<(String, String)> = Vec::new();
        let (mut generation, mut measure, mut cause, mut cursor) = (None, None, None, None);
        let mut limit = DEFAULT_LIMIT;
        for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
            let text = || value.clone();
            match name.as_str() {
                name if OF_REPORTS.contains(&name) => of_reports.push((name.to_owned(), text())),
                "advertiser" => of_reports.push(("filter".to_owned(), format!("advertiser:eq:{value}"))),
                "generation" => {
                    let digits = value.strip_prefix('g').unwrap_or(value);
                    let number = digits.parse().map_err(|_| SelectionError::Generation(text()))?;
                    generation = Some(number);
                }
                "measure" => {
                    let found = Measure::ALL.into_iter().find(|measure| measure.name() == value);
                    measure = Some(found.ok_or_else(|| SelectionError::Measure(text()))?);
                }
                "cause" => cause = Some(Cause::parse(value).ok_or_else(|| SelectionError::Cause(text()))?),
                "cursor" => {
                    cursor = Some(value.parse().map_err(|NotACursor| SelectionError::Cursor(text()))?);
                }
                "limit" => {
                    let number = value.parse().ok().filter(|number| (1..=MAX_LIMIT).contains(number));
                    limit = number.ok_or_else(|| SelectionError::Limit(text()))?;
                }
                _ => return Err(SelectionError::Parameter(name.clone())),
            }
        }
        let query = Query::parse(&of_reports, default_tz, now)?;
        Ok(Selection { query, generation, measure, cause, limit, cursor })
    }

    /// How the answer is written.
    pub fn format(&self) -> Format {
        self.query.format()
    }

    /// Whether a change that `scope` has is asked for.
    pub fn takes(&self, change: &Change, scope: &Scope) -> bool {
        let passes = |filter: &Filter| filter.test.passes(change.cell.dim(filter.dimension).as_str());
        self.query.hours().contains(&change.cell.hour)
            && self.measure.is_none_or(|measure| measure == change.measure)
            && self.cause.is_none_or(|cause| cause == change.cause)
            && scope.sees(change.measure)
            && self.query.filters().iter().all(passes)
    }
}

/// A text that no cursor is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}.{}.{}", self.generation, self.part, self.index)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut numbers = text.strip_prefix('g').ok_or(NotACursor)?.split('.');
        let mut next = || numbers.next()?.parse::<u32>().ok();
        let place = next().zip(next()).zip(next()).ok_or(NotACursor)?;
        let ((generation, part), index) = place;
        match numbers.next() {
            None => Ok(Cursor { generation: generation.into(), part: part.into(), index: index as usize }),
            Some(_) => Err(NotACursor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{CellKey, Dimension};
    use crate::key::Key;
    use crate::time::Hour;

    fn parse(params: &[(&str, &str)]) -> Result<Selection, SelectionError> {
        let params: Vec<_> = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Selection::parse(&params, "UTC", ServerTime(0))
    }

    #[test]
    fn refusals() {
        fn check(name: &str, value: &str, code: &str) {
            assert_eq!(parse(&[(name, value)]).map_err(|error| error.code()), Err(code), "{name}={value}");
        }
        check("measure", "ctr", "unknown_metric");
        check("cause", "weather", "unknown_cause");
        check("generation", "gx", "bad_generation");
        check("metrics", "clicks", "unknown_parameter");
        let says = |name, value| parse(&[(name, value)]).unwrap_err().to_string();
        assert!(
            says("metrics", "clicks")
                .ends_with("format, advertiser, generation, measure, cause, limit, cursor")
        );
        assert!(says("measure", "ctr").contains("known are impressions, views,"));
        check("limit", "0", "bad_limit");
        check("limit", "10001", "bad_limit");
        check("cursor", "g1.2", "bad_cursor");
        check("cursor", "g1.2.3.4", "bad_cursor");
        check("by", "ad", "unknown_parameter");
        check("tz", "Mars/Olympus", "unknown_tz");
        check("filter", "nation:eq:KR", "unknown_filter");
    }

    #[test]
    fn cursors_both_ways() {
        let cursor = Cursor { generation: 3, part: 12, index: 7 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_is_taken() {
        let mut cell = CellKey::at(Hour(7));
        cell.set(Dimension::Advertiser, Key::parse("acme").unwrap());
        let change = Change { cell, measure: Measure::ValueMicros, from: 1, to: 2, cause: Cause::Late };
        let check = |params: &[(&str, &str)], scope: &str, expected: bool| {
            let range = [("from", "1970-01-01"), ("to", "1970-01-02")];
            let selection = parse(&[&range, params].concat()).unwrap();
            assert_eq!(
                selection.takes(&change, &Scope::parse(scope).unwrap()),
                expected,
                "{params:?} {scope}"
            );
        };
        check(&[], "platform", true);
        check(&[], "service:news", false);
        check(&[("advertiser", "acme"), ("measure", "value_micros"), ("cause", "late")], "platform", true);
        check(&[("advertiser", "globex")], "platform", false);
        check(&[("measure", "clicks")], "platform", false);
        check(&[("cause", "relink")], "platform", false);
        assert!(
            !parse(&[("from", "1970-01-02"), ("to", "1970-01-03")]).unwrap().takes(&change, &Scope::Platform)
        );
    }
}
