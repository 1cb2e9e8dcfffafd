//! Rate control: how long to wait before the next batch may go.

use std::time::Duration;

/// Spreads events evenly over time, without catching up on time that was lost to a slow server.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Events per second.
    rate: f64,
    /// When the next event is due, since the start.
    due: Duration,
}

/// A batch at a set rate holds at most the events of this time, so that they do not come in bursts.
const BATCH_TIME: Duration = Duration::from_millis(500);

impl Pace {
    /// `rate` events per second.
    pub(crate) fn new(rate: f64) -> Self {
        Self { rate, due: Duration::ZERO }
    }

    /// The most events that a batch should hold.
    pub(crate) fn batch_events(&self, wanted: usize) -> usize {
        // A float that is too large for usize saturates, which `min` then cuts.
        ((self.rate * BATCH_TIME.as_secs_f64()) as usize).clamp(1, wanted.max(1))
    }

    /// How long to wait before sending `events` more, `elapsed` after the start.
    pub(crate) fn wait(&mut self, elapsed: Duration, events: usize) -> Duration {
        let start = self.due.max(elapsed);
        self.due = start + Duration::from_secs_f64(events as f64 / self.rate);
        start - elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_rate() {
        let mut pace = Pace::new(100.0);
        let mut check = |elapsed_ms, events, expected_ms| {
            let wait = pace.wait(Duration::from_millis(elapsed_ms), events);
            assert_eq!(wait, Duration::from_millis(expected_ms));
        };
        check(0, 50, 0);
        check(10, 50, 490);
        check(500, 50, 500);
        // A server that held the sender up for ten seconds is not punished with a burst.
        check(10_000, 50, 0);
        check(10_000, 50, 500);
    }

    #[test]
    fn batches_at_a_low_rate_are_small() {
        #[track_caller]
        fn check(rate: f64, wanted: usize, expected: usize) {
            assert_eq!(Pace::new(rate).batch_events(wanted), expected);
        }
        check(0.1, 500, 1);
        check(100.0, 500, 50);
        check(1e30, 500, 500);
    }
}
