//! The worker's only source of time and of randomness.

use adtally_core::time::ServerTime;

use crate::problem::Fault;

/// The server's clock; in production it stands still between I/O.
pub(crate) fn now() -> ServerTime {
    ServerTime(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Fault::Internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}
