//! What can be wrong with a report query: the caller's errors, with what would be right.

use thiserror::Error;

use super::metric::Metric;
use super::query::{Format, MAX_LIMIT, PARAMETERS, Source};
use super::{Test, TimeUnit};
use crate::cell::Dimension;

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// A parameter that does not exist.
    #[error("unknown parameter {0:?}, known are {known}", known = list(PARAMETERS))]
    UnknownParameter(String),
    /// A parameter that may be given once was given again.
    #[error("parameter {0:?} is given more than once")]
    RepeatedParameter(String),
    /// Not something to group by.
    #[error("unknown dimension {0:?}, known are {known}", known = list(by_names()))]
    UnknownDimension(String),
    /// Not something to show.
    #[error("unknown metric {0:?}, known are {known}", known = list(Metric::all().map(Metric::name)))]
    UnknownMetric(String),
    /// Not of the form of a filter, or with an unknown dimension or test.
    #[error(
        "unknown filter {0:?}, filters are dimension:op:value with a dimension of {dimensions} and an op of {ops}",
        dimensions = list(Dimension::ALL.map(Dimension::name)), ops = list(Test::OPS)
    )]
    UnknownFilter(String),
    /// Not an IANA zone.
    #[error("unknown time zone {0:?}, known are the IANA names such as UTC, Asia/Seoul and America/New_York")]
    UnknownTz(String),
    /// Not a date or time.
    #[error(
        "bad time {value:?} in {parameter}, known are 2018-07-22, 2018-07-22T15:00 and 2018-07-22T15:00:00+09:00 of \
         the years 1970 to 9999"
    )]
    BadTime {
        /// `from` or `to`.
        parameter: &'static str,
        /// What it was.
        value: String,
    },
    /// `from` is not before `to`, or no hour starts between them.
    #[error("bad range from {from} to {to}, it must hold the start of at least one hour in UTC")]
    BadRange {
        /// RFC 3339.
        from: String,
        /// RFC 3339.
        to: String,
    },
    /// Not a number, or too great.
    #[error("bad {parameter} {value:?}, it must be a number and limit at most {MAX_LIMIT}")]
    BadLimit {
        /// `limit` or `offset`.
        parameter: &'static str,
        /// What it was.
        value: String,
    },
    /// Not a column of the answer.
    #[error("unknown column {column:?} to sort by, the columns of this query are {columns}")]
    UnknownSort {
        /// What it was.
        column: String,
        /// What it could be.
        columns: String,
    },
    /// Not a source.
    #[error("unknown source {0:?}, known are {known}", known = list(Source::ALL.map(Source::name)))]
    UnknownSource(String),
    /// Not a generation.
    #[error("bad as_of {0:?}, it must be a generation such as g12")]
    BadAsOf(String),
    /// A past generation together with real time.
    #[error("as_of reads the batch alone, so source must be batch or absent, not {0}")]
    AsOfWithRealTime(&'static str),
    /// Not a format.
    #[error("unknown format {0:?}, known are {known}", known = list(Format::ALL.map(Format::name)))]
    UnknownFormat(String),
    /// Twice in `by`, `metrics` or `sort`.
    #[error("column {0:?} is asked for more than once")]
    DuplicateColumn(String),
    /// A dimension or metric that the scope does not see.
    #[error("{name:?} is not in the scope {scope}, which sees {seen}")]
    NotInScope {
        /// The dimension or metric.
        name: &'static str,
        /// Of the caller.
        scope: String,
        /// What it could be.
        seen: String,
    },
}

impl QueryError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            QueryError::UnknownParameter(_) => "unknown_parameter",
            QueryError::RepeatedParameter(_) => "repeated_parameter",
            QueryError::UnknownDimension(_) => "unknown_dimension",
            QueryError::UnknownMetric(_) => "unknown_metric",
            QueryError::UnknownFilter(_) => "unknown_filter",
            QueryError::UnknownTz(_) => "unknown_tz",
            QueryError::BadTime { .. } => "bad_time",
            QueryError::BadRange { .. } => "bad_range",
            QueryError::BadLimit { .. } => "bad_limit",
            QueryError::UnknownSort { .. } => "unknown_sort",
            QueryError::UnknownSource(_) => "unknown_source",
            QueryError::BadAsOf(_) => "bad_as_of",
            QueryError::AsOfWithRealTime(_) => "as_of_with_real_time",
            QueryError::UnknownFormat(_) => "unknown_format",
            QueryError::DuplicateColumn(_) => "duplicate_column",
            QueryError::NotInScope { .. } => "not_in_scope",
        }
    }
}

/// Names as they stand in a sentence.
pub(super) fn list(names: impl IntoIterator<Item = &'static str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn by_names() -> impl Iterator<Item = &'static str> {
    TimeUnit::ALL.map(TimeUnit::name).into_iter().chain(Dimension::ALL.map(Dimension::name))
}
