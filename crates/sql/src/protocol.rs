//! What other engines' clients say, and the answers that they understand.

pub mod trino;
pub mod kylin;
