//! What other engines' clients say, and the answers that they understand.

pub mod trino;
mod jdbc;
pub mod kylin;
