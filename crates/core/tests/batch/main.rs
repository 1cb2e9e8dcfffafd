//! The batch: days that are linked again from the archive, part by part, amount to what the whole log amounts to.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod history;
#[path = "../linking/scenario.rs"]
mod scenario;
mod relink;
mod affected;
