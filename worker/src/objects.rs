//! The Durable Objects: state with an address.

mod vault;
pub(crate) mod linker;
mod report;
mod ledger;
mod dead_letters;
mod quarantine;
mod telemetry;
mod jobs;

use worker::{Response, ResponseBuilder, Result};

/// An answer of an object to the worker: a status, and seconds to wait where it asks for patience.
fn refuse(status: u16, retry_after_s: Option<u32>, detail: &str) -> Result<Response> {
    let mut builder = ResponseBuilder::new().with_status(status);
    if let Some(seconds) = retry_after_s {
        builder = builder.with_header("Retry-After", &seconds.to_string())?;
    }
    Ok(builder.fixed(detail.as_bytes().to_vec()))
}
