//! At most one refresh a second, however fast news come in, and never one too few.

/// The shortest time between two refreshes.
pub const INTERVAL_MS: i64 = 1_000;

/// What to do about news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Refresh now.
    Now,
    /// Call [`Throttle::due`] after this many milliseconds.
    After(i64),
    /// A refresh that will see the news is due already.
    Covered,
}

/// Remembers when the last refresh was and whether one is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttle {
    last_ms: Option<i64>,
    due: bool,
}

impl Throttle {
    /// News came in at `now_ms`.
    pub fn news(&mut self, now_ms: i64) -> Decision {
        if self.due {
            return Decision::Covered;
        }
        // A clock that was set back must not silence the page.
        let since = self.last_ms.map_or(INTERVAL_MS, |last| now_ms - last);
        if (0..INTERVAL_MS).contains(&since) {
            self.due = true;
            Decision::After(INTERVAL_MS - since)
        } else {
            self.last_ms = Some(now_ms);
            Decision::Now
        }
    }

    /// The time that [`Decision::After`] asked for has passed: refresh.
    pub fn due(&mut self, now_ms: i64) {
        self.due = false;
        self.last_ms = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn a_burst_becomes_two_refreshes() {
        let mut throttle = Throttle::default();
        let mut check = |now, expected| assert_eq!(throttle.news(now), expected, "at {now}");
        check(10_000, Decision::Now);
        check(10_100, Decision::After(900));
        check(10_200, Decision::Covered);
        check(10_999, Decision::Covered);
        throttle.due(11_000);
        assert_eq!(throttle.news(11_001), Decision::After(999));
        throttle.due(12_000);
        assert_eq!(throttle.news(13_000), Decision::Now);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_clock_that_is_set_back_does_not_silence() {
        let mut throttle = Throttle::default();
        throttle.news(10_000);
        assert_eq!(throttle.news(5_000), Decision::Now);
    }
}
