//! Everything that crosses the network: requests, answers, failures, and the live channel.

pub mod failure;
pub mod request;
pub mod client;
pub mod session;
pub mod feed;
pub mod backoff;
pub mod throttle;
pub mod live;
pub mod cells;
pub mod fetch;
pub mod verify;
pub mod bench;
pub mod engine;
