//! SQL in the reader's own browser, over cells that were downloaded once.
//!
//! ```text
//! statement -> plan (adtally-sql) -> which cells it needs -> Shelf: those that are here, else they are fetched
//! cells, reduced by the core as the server would reduce them -> execute (adtally-sql) -> the answer, as JSON
//! ```
//!
//! It is a module of its own, which the dashboard loads when somebody asks for it, in a thread of its own: the parser
//! of SQL is large. It answers what `POST /v1/sql` answers, of the data as they were when they were downloaded.

mod shelf;
mod tables;
mod answer;
mod browser;

pub use answer::{Answerer, Trouble};
pub use browser::Engine;
pub use shelf::{Fetch, Fetched, Shelf};
