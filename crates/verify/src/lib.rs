//! A day of an advertiser, linked again from its raw events, and compared with what the server says of it.
//!
//! ```text
//! the list of the archive's files -> Shelf: those that are needed, one at a time, each checked by its hash
//! Shelf -> link::day: the same selection and linking as the batch's -> cells
//! cells, and the bytes of the server's cells -> compare::with -> equal, or where not
//! ```
//!
//! It is a module of its own, which the dashboard loads when somebody asks: it reads Parquet and links, and no other
//! page needs either. Nothing of an answer is taken from the server but the raw events and the figures to compare.

mod shelf;
mod link;
mod compare;
mod browser;

pub use browser::verify;
pub use compare::{cells_of, compare};
pub use link::day;
pub use shelf::{Fetch, Shelf, Trouble};
