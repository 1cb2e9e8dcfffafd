//! The worker's only source of time and of randomness.

use std::cell::RefCell;

use adtally_core::time::ServerTime;

use crate::problem::Fault;

/// The server's clock; in production it stands still between I/O.
pub(crate) fn now() -> ServerTime {
    // A whole number of milliseconds, and far below 2^53.
    ServerTime(js_sys::Date::now() as i64)
}

/// Random bytes that are asked for at once: asking costs more than they do.
const POOL_BYTES: usize = 512;

thread_local! {
    static POOL: RefCell<Vec<u8>> = RefCell::default();
}

/// Bytes that nobody can guess, and that are given once.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    POOL.with_borrow_mut(|pool| {
        if pool.len() < N {
            let mut fresh = vec![0; POOL_BYTES.max(N)];
            getrandom::fill(&mut fresh)
                .map_err(|error| Fault::Internal(format!("no randomness: {error}")))?;
            *pool = fresh;
        }
        let rest = pool.len() - N;
        let mut bytes = [0; N];
        bytes.swap_with_slice(&mut pool[rest..]);
        pool.truncate(rest);
        Ok(bytes)
    })
}
