//! The SQLite of the objects: statements here, meaning in `objects`.

pub(crate) mod sql;
pub(crate) mod schema;
pub(crate) mod vault;
pub(crate) mod linker;
pub(crate) mod billing;
pub(crate) mod runs;
pub(crate) mod archive;
mod rulings;
pub(crate) mod report;
pub(crate) mod ledger;
pub(crate) mod dead_letters;
pub(crate) mod quarantine;
pub(crate) mod telemetry;
pub(crate) mod jobs;
