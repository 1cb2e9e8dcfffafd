//! The one place of this program that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use adtally_core::time::ServerTime;

/// The time of day; a machine that believes to live before 1970 gets 1970.
pub(crate) fn now() -> ServerTime {
    #[expect(clippy::disallowed_methods, reason = "the one clock call site")]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ServerTime(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Measures elapsed time, unmoved by corrections of the time of day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one clock call site")]
        Self(Instant::now())
    }

    /// How long it has been running.
    pub(crate) fn elapsed(self) -> Duration {
        Self::start().0.saturating_duration_since(self.0)
    }
}
