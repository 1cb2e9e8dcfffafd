//! The targets of `cargo fuzz`: what the tests called `fuzz` do with damaged bytes, driven by the coverage.

/// Those of the crate `core`.
#[path = "../../core/tests/fuzz/targets.rs"]
pub mod core;
/// Those of the crate `kafka`.
#[path = "../../kafka/tests/fuzz/targets.rs"]
pub mod kafka;
/// Those of the crate `sql`.
#[path = "../../sql/tests/fuzz/targets.rs"]
pub mod sql;
/// Those of the crate `wire`.
#[path = "../../wire/tests/fuzz/targets.rs"]
pub mod wire;
