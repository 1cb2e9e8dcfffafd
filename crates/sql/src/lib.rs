//! SQL over cells: a statement becomes a plan, a plan says which cells and tables it needs, and with them it is
//! answered.
//!
//! ```text
//! parse -> plan -> (the caller fetches cells and tables) -> execute
//! ```
//!
//! The text is read by the `sqlparser` crate; names, types, the plan and its execution are here.
//! Cells are added up where they lie, by the core; what lies above is calculated here, row by row.
//!
//! ```
//! use adtally_core::cell::{CellKey, Cells, Scope};
//! use adtally_core::measure::Measure;
//! use adtally_core::segment::Segment;
//! use adtally_core::time::Hour;
//! use adtally_sql::{Catalog, Data, Dialect, Statement, execute, plan};
//!
//! let mut cells = Cells::new();
//! cells.entry(CellKey::at(Hour(400_000))).or_default().measures.add(Measure::Clicks, 3);
//! let catalog = Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms: 1_600_000_000_000, dialect: Dialect::Calcite };
//! let statement = Statement::parse("SELECT SUM(clicks) * ? AS n FROM ad_stats")?;
//! let plan = plan(&statement, &catalog, &[adtally_sql::Value::Integer(2)])?;
//! let data = Data { cells: vec![Segment::from_cells(cells)], ..Data::default() };
//! assert_eq!(execute(&plan, &data)?.rows, [[adtally_sql::Value::Integer(6)]]);
//! # Ok::<(), adtally_sql::SqlError>(())
//! ```
//!
//! It only reads: there is no step that could change anything.
//! It does no I/O, and it knows no clock.

pub mod answer;
pub mod catalog;
pub mod error;
pub mod limits;
pub mod protocol;
pub mod scan;
pub mod value;

mod parse;
mod bind;
mod plan;
mod expr;
mod eval;
mod like;
mod function;
mod exec;
mod explain;

pub use bind::plan;
pub use catalog::{Catalog, Dialect, Table};
pub use error::{Code, Position, SqlError};
pub use exec::{Data, Rows, execute};
pub use parse::Statement;
pub use plan::{OutputColumn, Plan};
pub use scan::FactScan;
pub use value::{Type, Value};

/// The zone of an IANA name.
pub fn zone(name: &str) -> Result<chrono_tz::Tz, SqlError> {
    name.parse().map_err(|_| SqlError {
        code: Code::UnknownZone,
        message: format!("{name:?} is not an IANA time zone"),
        position: None,
    })
}
