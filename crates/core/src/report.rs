//! Reports: a query of the report API, applied to segments.
//!
//! `Query::parse` -> [`Query::check_scope`] -> [`Query::plan`] -> [`Plan::reduce`] wherever cells lie -> merge what
//! comes back -> [`run`].
//!
//! Sums come first and ratios last, once, for display only.

mod query;
mod metric;
mod filter;
mod zone;
mod plan;
mod table;
mod csv;
mod error;

pub use error::QueryError;
pub use filter::{Filter, Test};
pub use metric::{Metric, Ratio};
pub use plan::Plan;
pub use query::{By, Format, MAX_LIMIT, Query, Sort, Source};
pub use table::{Column, ColumnKind, Table, Value, run};
pub use zone::TimeUnit;

#[cfg(test)]
mod tests;
