//! Errors that somebody should see: each goes to the log at once, and as an envelope to the deployment's Sentry.
//!
//! The same error is sent once a minute, with how often it happened; what cannot be sent is in the log all the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use adtally_core::time::{SECOND_MS, ServerTime};
use adtally_wire::sentry::{Deployment, Dsn, Trouble};
use futures_util::future::{Either, select};
use worker::{Delay, Env, Fetch, Method, Request, RequestInit, RequestRedirect, State, console_error};

use crate::bindings::{ENVIRONMENT, SENTRY_DSN};
use crate::clock;

/// How long the same error is not sent again.
const QUIET_MS: i64 = 60 * SECOND_MS;
/// The most errors that wait; of more only the log knows.
const MAX_WAITING: usize = 20;
/// The most errors that are told apart.
const MAX_KNOWN: usize = 200;
/// How long the receiver may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The version that sends.
const RELEASE: &str = concat!("adtally@", env!("CARGO_PKG_VERSION"));
/// What every part's name begins with.
const CRATE: &str = "adtally_worker::";

thread_local! {
    static OWN: RefCell<Own> = RefCell::default();
}

/// What this isolate knows.
#[derive(Default)]
struct Own {
    waiting: Vec<Trouble>,
    known: BTreeMap<String, Known>,
    /// The receiver wants nothing before.
    quiet_until: Option<ServerTime>,
}

/// An error that was noted before.
struct Known {
    sent: ServerTime,
    /// Times since then.
    count: u64,
}

/// Says an error of the part that it happened in: to the log, and to whoever watches over the system.
macro_rules! trouble {
    (of $request:expr, $($text:tt)*) => {
        $crate::troubles::note(module_path!(), Some($request), format!($($text)*))
    };
    ($($text:tt)*) => {
        $crate::troubles::note(module_path!(), None, format!($($text)*))
    };
}

pub(crate) use trouble;

/// See [`trouble`].
pub(crate) fn note(part: &'static str, request: Option<&str>, text: String) {
    let part = part.strip_prefix(CRATE).unwrap_or(part);
    console_error!("{part}: {}{text}", request.map(|id| format!("{id} ")).unwrap_or_default());
    // Whoever is called while this is held has panicked in here, and would do so again.
    OWN.with(|own| {
        if let Ok(mut own) = own.try_borrow_mut() {
            own.note(Trouble { part, text, request: request.map(str::to_owned), count: 1 }, clock::now());
        }
    });
}

/// Panics are errors as well.
pub(crate) fn watch_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        note("panic", None, panic.to_string());
        before(panic);
    }));
}

/// Whether there is anything to send.
pub(crate) fn are_waiting() -> bool {
    OWN.with_borrow(|own| !own.waiting.is_empty())
}

/// Sends what waits while an object goes on.
pub(crate) fn send_soon(state: &State, env: &Env) {
    if are_waiting() {
        let env = env.clone();
        state.wait_until(async move { send(&env).await });
    }
}

/// Sends what waits.
pub(crate) async fn send(env: &Env) {
    if !are_waiting() {
        return;
    }
    let waiting = OWN.with_borrow_mut(|own| own.take(clock::now()));
    let Some(dsn) = env.secret(SENTRY_DSN).ok().and_then(|dsn| Dsn::parse(&dsn.to_string())) else { return };
    let environment = env.var(ENVIRONMENT).map(|name| name.to_string()).unwrap_or_default();
    let of = Deployment { release: RELEASE, environment: &environment };
    for trouble in waiting {
        let posted = Box::pin(post(&dsn, &trouble, of));
        let quiet_ms = match select(posted, Delay::from(PATIENCE)).await {
            Either::Left((Ok(None), _)) => continue,
            Either::Left((Ok(Some(quiet_ms)), _)) => quiet_ms,
            Either::Left((Err(error), _)) => {
                console_error!("an error was not sent: {error}");
                QUIET_MS
            }
            Either::Right(_) => QUIET_MS,
        };
        OWN.with_borrow_mut(|own| own.quiet_until = Some(ServerTime(clock::now().0 + quiet_ms)));
        return;
    }
}

/// Sends an error; for how long the receiver wants no more, if it says so.
async fn post(dsn: &Dsn, trouble: &Trouble, of: Deployment<'_>) -> worker::Result<Option<i64>> {
    let id = clock::random().map_err(|fault| worker::Error::RustError(fault.to_string()))?;
    let body = trouble.envelope(of, id, clock::now().0)?;
    let mut init = RequestInit::new();
    let body = js_sys::Uint8Array::from(body.as_slice());
    init.with_method(Method::Post).with_redirect(RequestRedirect::Manual).with_body(Some(body.into()));
    init.headers.set("Content-Type", "application/x-sentry-envelope")?;
    init.headers.set("X-Sentry-Auth", &dsn.auth())?;
    let answer = Fetch::Request(Request::new_with_init(&dsn.url, &init)?).send().await?;
    if answer.status_code() == 200 {
        return Ok(None);
    }
    let retry_after = answer.headers().get("Retry-After")?.and_then(|seconds| seconds.parse::<i64>().ok());
    Ok(Some(retry_after.map_or(QUIET_MS, |seconds| seconds.saturating_mul(SECOND_MS))))
}

impl Own {
    fn note(&mut self, trouble: Trouble, now: ServerTime) {
        let fingerprint = trouble.fingerprint();
        if let Some(known) = self.known.get_mut(&fingerprint) {
            known.count += 1;
            if now.0.abs_diff(known.sent.0) < QUIET_MS as u64 {
                return;
            }
        }
        if self.waiting.len() >= MAX_WAITING {
            return;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let count =
            self.known.insert(fingerprint, Known { sent: now, count: 0 }).map_or(1, |known| known.count);
        self.waiting.push(Trouble { count, ..trouble });
    }

    /// What may be sent now; while the receiver wants nothing, nothing is kept for it.
    fn take(&mut self, now: ServerTime) -> Vec<Trouble> {
        let waiting = std::mem::take(&mut self.waiting);
        if self.quiet_until.is_some_and(|until| now < until) { Vec::new() } else { waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(text: &str) -> Trouble {
        Trouble { part: "flush", text: text.to_owned(), request: None, count: 1 }
    }

    #[test]
    fn the_same_is_sent_once_a_minute_with_its_count() {
        let mut own = Own::default();
        for (at, text) in [(0, "row 1"), (1_000, "row 2"), (2_000, "other"), (3_000, "row 3")] {
            own.note(trouble(text), ServerTime(at));
        }
        let first = own.take(ServerTime(3_000));
        assert_eq!(first, [trouble("row 1"), trouble("other")]);
        assert_eq!(own.take(ServerTime(3_000)), []);
        own.note(trouble("row 4"), ServerTime(QUIET_MS));
        assert_eq!(own.take(ServerTime(QUIET_MS)), [Trouble { count: 3, ..trouble("row 4") }]);
    }

    #[test]
    fn few_wait_and_none_while_the_receiver_is_busy() {
        let mut own = Own::default();
        for n in 0..MAX_KNOWN * 2 {
            let letters: String =
                n.to_string().bytes().map(|digit| char::from(digit + b'a' - b'0')).collect();
            own.note(trouble(&letters), ServerTime(0));
        }
        assert_eq!(own.waiting.len(), MAX_WAITING);
        assert!(own.known.len() <= MAX_KNOWN);
        own.quiet_until = Some(ServerTime(10));
        assert_eq!(own.take(ServerTime(9)), []);
        own.note(trouble("new"), ServerTime(QUIET_MS));
        assert_eq!(own.take(ServerTime(QUIET_MS)).len(), 1);
    }
}
