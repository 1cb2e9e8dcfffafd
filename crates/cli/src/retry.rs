//! When to try a request again: event ids make sending twice harmless, so anything that may pass is retried.

use std::time::Duration;

use crate::client::ClientError;
use crate::clock::Stopwatch;
use crate::interrupt::Interrupt;

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// No pause is longer, so that a server that is back is not left waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long to keep trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Gives up once a request has been failing for so long.
    For(Duration),
    /// A service that runs until it is stopped.
    Endless,
}

/// What to do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Try again after a pause.
    Again(Duration),
    /// Trying again would not help, or has been tried for long enough.
    GiveUp,
}

/// Why a request was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetryError {
    /// Ctrl-C, between two attempts.
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Calls `attempt` until it succeeds or cannot; `notice` hears of each failure and the pause that follows.
///
/// `salt` spreads the pauses of senders that failed together.
pub(crate) fn with_retries<T>(
    patience: Patience,
    salt: u64,
    interrupt: &Interrupt,
    mut notice: impl FnMut(&ClientError, Duration),
    mut attempt: impl FnMut() -> Result<T, ClientError>,
) -> Result<T, RetryError> {
    let watch = Stopwatch::start();
    for failures in 0.. {
        let error = match attempt() {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match decide(&error, failures, salt, patience, watch.elapsed()) {
            Verdict::GiveUp => return Err(error.into()),
            Verdict::Again(pause) => {
                notice(&error, pause);
                if interrupt.sleep(pause) {
                    return Err(RetryError::Interrupted);
                }
            }
        }
    }
    unreachable!("attempts are not bounded by their number")
}

fn decide(error: &ClientError, failures: u32, salt: u64, patience: Patience, elapsed: Duration) -> Verdict {
    let retry_after = match error {
        ClientError::NoAnswer { .. } => None,
        ClientError::Refused { status: 408 | 429 | 500 | 502 | 503 | 504, retry_after, .. } => *retry_after,
        _ => return Verdict::GiveUp,
    };
    let pause = retry_after.unwrap_or_default().max(backoff(failures, salt));
    match patience {
        Patience::For(limit) if elapsed + pause > limit => Verdict::GiveUp,
        _ => Verdict::Again(pause),
    }
}

/// Doubles up to the longest pause, then takes off up to a quarter, by salt.
fn backoff(failures: u32, salt: u64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE);
    // Fibonacci hashing: neighbouring salts land far apart.
    let spread = salt.wrapping_add(u64::from(failures)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    doubled - doubled / 4 * u32::try_from(spread).unwrap_or(0) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> ClientError {
        ClientError::Refused {
            url: String::new(),
            status,
            code: String::new(),
            detail: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn verdicts() {
        #[track_caller]
        fn check(
            error: &ClientError,
            failures: u32,
            elapsed_s: u64,
            expected: Option<std::ops::RangeInclusive<u64>>,
        ) {
            let limit = Patience::For(Duration::from_secs(60));
            match (decide(error, failures, 7, limit, Duration::from_secs(elapsed_s)), expected) {
                (Verdict::Again(pause), Some(range)) => {
                    assert!(range.contains(&u64::try_from(pause.as_millis()).unwrap()), "{pause:?}");
                }
                (verdict, expected) => assert_eq!((verdict, expected), (Verdict::GiveUp, None)),
            }
        }
        check(&refused(503, None), 0, 0, Some(187..=250));
        check(&refused(503, None), 3, 0, Some(1_500..=2_000));
        check(&refused(503, None), 99, 0, Some(7_500..=10_000));
        check(&refused(429, Some(5)), 0, 0, Some(5_000..=5_000));
        check(&refused(429, Some(0)), 0, 0, Some(187..=250));
        check(&refused(429, Some(61)), 0, 0, None);
        check(&refused(503, None), 99, 59, None);
        check(&refused(400, None), 0, 0, None);
        check(&refused(401, Some(1)), 0, 0, None);
        check(&refused(413, None), 0, 0, None);
    }

    #[test]
    fn it_stops_when_interrupted() {
        let interrupt = Interrupt::default();
        interrupt.set();
        let mut attempts = 0;
        let result = with_retries(
            Patience::Endless,
            0,
            &interrupt,
            |_, _| (),
            || -> Result<(), _> {
                attempts += 1;
                Err(refused(503, Some(3_600)))
            },
        );
        assert!(matches!(result, Err(RetryError::Interrupted)));
        assert_eq!(attempts, 1);
    }
}
