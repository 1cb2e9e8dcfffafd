//! Reports: a query of the report API, applied to segments.
//!
//! `Query::parse` -> [`Query::check_scope`] -> [`Query::plan`] -> [`Plan::reduce`] wherever cells lie -> merge what
//! comes back -> [`run`].
//!
//! Sums come first and ratios last, once, for display only.
//!
//! ```
//! use adtally_core::cell::{CellKey, Cells, Scope};
//! use adtally_core::measure::Measure;
//! use adtally_core::report::{Query, Value, run};
//! use adtally_core::segment::Segment;
//! use adtally_core::time::{Hour, ServerTime};
//!
//! let mut cells = Cells::new();
//! let measures = &mut cells.entry(CellKey::at(Hour(7))).or_default().measures;
//! measures.add(Measure::Impressions, 200);
//! measures.add(Measure::Clicks, 3);
//! let params = [("metrics", "clicks,ctr"), ("from", "1970-01-01")].map(|(name, value)| (name.into(), value.into()));
//! let query = Query::parse(&params, "Asia/Seoul", ServerTime(0))?;
//! query.check_scope(&Scope::Platform)?;
//! let reduced = query.plan().reduce(&Segment::from_cells(cells));
//! assert_eq!(run(&query, &reduced, &Scope::Platform).rows, [[Value::Count(3), Value::Ratio(0.015)]]);
//! # Ok::<(), adtally_core::report::QueryError>(())
//! ```

mod query;
mod metric;
mod filter;
mod zone;
mod plan;
mod groups;
mod table;
mod grouped;
mod csv;
mod error;

pub use error::QueryError;
pub use filter::{Filter, Test};
pub use grouped::Grouped;
pub use metric::{Metric, Ratio};
pub use plan::Plan;
pub(crate) use query::plain;
pub use query::{By, Format, MAX_LIMIT, Query, Sort, Source};
pub use table::{Column, ColumnKind, Table, Value, run};
pub use zone::{Offsets, TimeUnit, Zone};

#[cfg(test)]
mod tests;
