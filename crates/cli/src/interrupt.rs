//! Ctrl-C and SIGTERM as a flag that sleeping threads wake up for.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Exit status of a program that a signal ended, by convention of shells: 128 + SIGINT.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Set once, by the first Ctrl-C; a second one ends the process at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<(Mutex<bool>, Condvar)>);

impl Interrupt {
    /// Takes over SIGINT, SIGTERM and SIGHUP.
    pub(crate) fn install() -> Result<Self, ctrlc::Error> {
        let interrupt = Self::default();
        let handle = interrupt.clone();
        ctrlc::set_handler(move || {
            if handle.is_set() {
                std::process::exit(i32::from(EXIT_INTERRUPTED));
            }
            handle.set();
        })?;
        Ok(interrupt)
    }

    /// Asks every thread to finish what it holds and stop.
    pub(crate) fn set(&self) {
        let (flag, wake) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether to stop.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `time`, or less when interrupted; tells whether to stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let (flag, wake) = &*self.0;
        let guard = flag.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(guard, time, |set| !*set);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *guard
    }
}
