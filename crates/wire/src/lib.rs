//! Versioned data transfer types: what crosses HTTP, queues and object storage.
//!
//! They are separate from the domain types of `adtally-core` and converted by hand, so that neither side's
//! change silently changes the other.

pub mod api;
pub mod catalog;
pub mod token;
pub mod session;
pub mod identity;
pub mod link;
pub mod quarantine;
pub mod telemetry;
pub mod sentry;
pub mod health;
pub mod gzip;
pub mod base64;
pub mod object;
pub mod versioned;
pub mod log;
pub mod delta;
pub mod batch;
pub mod backup;
pub mod archive;
pub mod erasure;
pub mod jobs;
pub mod billing;
pub mod story;
pub mod gather;
pub mod report;
pub mod freshness;
pub mod cube;
pub mod cube_export;
pub mod notebook;
pub mod etag;
pub mod verify;
