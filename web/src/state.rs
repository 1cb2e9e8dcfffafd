//! What a page shows, as a typed value that is the URL: every view can be shared, and back and forward work.
//!
//! Reading is lenient: what is not understood is left out and named in `unread`, so that the page can say that it
//! shows something else than the link meant.

pub mod params;
pub mod range;
pub mod frame;
pub mod overview;
pub mod report;
pub mod explore;
pub mod events;
pub mod restatements;
pub mod edit;
pub mod bench;
pub mod cubes;
pub mod jobs;
pub mod notebook;
pub mod place;
