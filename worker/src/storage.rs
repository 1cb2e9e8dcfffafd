//! The SQLite of the objects: statements here, meaning in `objects`.

pub mod sql;
pub mod schema;
pub mod linker;
pub mod report;
