//! Jobs: what stands in requests and answers, what the Jobs object is asked, and what it stores.

pub mod api;
pub mod definition;
pub mod object;
pub mod stored;
pub mod told;
pub mod webhook;
pub mod postback;
