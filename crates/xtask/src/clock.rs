//! The one place where this program reads a clock.

use std::time::{Duration, Instant};

/// Time since it was started.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the clock call site of this binary")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_naturally() {
        let check = |ms, expected: &str| assert_eq!(human(Duration::from_millis(ms)), expected);
        check(0, "0.0 s");
        check(449, "0.4 s");
        check(12_900, "12 s");
        check(60_000, "1 min 00 s");
        check(185_000, "3 min 05 s");
    }
}
