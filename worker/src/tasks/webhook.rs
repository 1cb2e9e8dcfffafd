//! `webhook`: a JSON body, or a report as CSV, to somebody's URL, signed.
//!
//! Only to `http` and `https`. Hosts of private networks are refused unless the deployment allows them, as the local one
//! does; a public name that leads there is not seen here, but the platform's fetch reaches no private network.

use std::pin::pin;
use std::time::Duration;

use adtally_wire::jobs::told::{ReportTold, WebhookTold};
use adtally_wire::jobs::webhook::{SIGNATURE, WebhookKey, is_private};
use futures_util::future::{Either, select};
use serde_json::json;
use worker::{Delay, Env, Fetch, Method, Request, RequestInit, RequestRedirect, Url};

use super::question::ask;
use super::{Context, Done, TaskError};
use crate::bindings::{ID_SALT, PRIVATE_WEBHOOKS};
use crate::clock;
use crate::problem::Fault;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How much of an answer is shown, in characters.
const SHOWN_CHARS: usize = 300;
/// The value of the variable that allows private hosts.
const ALLOWED: &str = "allowed";

/// The key that receivers check signatures with.
pub(crate) fn key(env: &Env) -> Result<WebhookKey, Fault> {
    let salt = env.secret(ID_SALT).map_err(|_| Fault::Misconfigured(ID_SALT))?;
    Ok(WebhookKey::derive(&salt.to_string()))
}

/// May be repeated as far as the receiver allows: every attempt carries the same `Idempotency-Key`.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let WebhookTold { url, body, report } = serde_json::from_str(params)?;
    let key = format!("{}/{}", context.run, context.task);
    let (body, content_type) = match report {
        None => (body.to_string(), "application/json"),
        Some(_) if !body.is_null() => {
            return Err(TaskError::permanent("a webhook has a body or a report, not both"));
        }
        Some(ReportTold { scope, query }) => {
            (ask(context, scope.as_deref(), &query).await?.to_csv(), "text/csv; charset=utf-8")
        }
    };
    let (status, answer) =
        deliver(context, Letter { body: &body, content_type, ..Letter::new(&url, &key) }).await?;
    let answer = shown(&answer);
    Ok(Done { result: json!({ "status": status, "answer": answer }).to_string(), ..Done::default() })
}

/// What is sent to somebody else.
pub(super) struct Letter<'a> {
    /// `GET` has no body.
    pub(super) method: Method,
    /// Where to.
    pub(super) url: &'a str,
    /// The body.
    pub(super) body: &'a str,
    /// Its type.
    pub(super) content_type: &'a str,
    /// The type of the answer.
    pub(super) accept: &'a str,
    /// The same whenever it is sent.
    pub(super) idempotency_key: &'a str,
}

impl<'a> Letter<'a> {
    /// An empty body of JSON.
    pub(super) fn new(url: &'a str, idempotency_key: &'a str) -> Self {
        let (content_type, accept) = ("application/json", "*/*");
        Self { method: Method::Post, url, body: "", content_type, accept, idempotency_key }
    }
}

/// Whether private networks are allowed, as at home.
pub(super) fn allows_private(env: &Env) -> bool {
    env.var(PRIVATE_WEBHOOKS).is_ok_and(|value| value.to_string() == ALLOWED)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// Sends a letter, signed, and answers what the receiver said who took it.
pub(super) async fn deliver(context: &Context, letter: Letter<'_>) -> Result<(u16, String), TaskError> {
    let url = target(letter.url, allows_private(&context.env))?;
    let call = Fetch::Request(request(context, &url, &letter)?);
    let sending = pin!(async {
        let mut answer = call.send().await?;
        let text = answer.text().await.unwrap_or_default();
        Ok::<_, worker::Error>((answer.status_code(), text))
    });
    let (status, text) = match select(sending, Delay::from(TIMEOUT)).await {
        Either::Left((answer, _)) => answer?,
        Either::Right(_) => {
            let seconds = TIMEOUT.as_secs();
            return Err(TaskError::Retry(format!("{url} did not answer within {seconds} s")));
        }
    };
    let shown = shown(&text);
    context.log(format!("{url} answered {status}: {shown}"));
    match status {
        200..300 => Ok((status, text)),
        408 | 425 | 429 | 500.. => Err(TaskError::Retry(format!("{url} answered {status}: {shown}"))),
        _ => Err(TaskError::Permanent(format!("{url} answered {status}: {shown}"))),
    }
}

fn request(context: &Context, url: &Url, letter: &Letter<'_>) -> Result<Request, TaskError> {
    let mut init = RequestInit::new();
    // Whoever is redirected would be sent what was signed for somebody else.
    init.with_method(letter.method.clone()).with_redirect(RequestRedirect::Manual);
    if letter.method != Method::Get {
        init.with_body(Some(letter.body.into()));
        init.headers.set("Content-Type", letter.content_type)?;
    }
    init.headers.set("Accept", letter.accept)?;
    init.headers.set("User-Agent", "Adtally")?;
    init.headers.set("Idempotency-Key", letter.idempotency_key)?;
    init.headers.set(SIGNATURE, &key(&context.env)?.sign(clock::now().0, letter.body))?;
    Ok(Request::new_with_init(url.as_str(), &init)?)
}

/// Where a webhook may go.
pub(super) fn target(text: &str, allows_private: bool) -> Result<Url, TaskError> {
    let wrong = |why: &str| TaskError::Permanent(format!("{text:?} {why}"));
    let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(wrong("is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("has a name or password in it"));
    }
    let host = url.host_str().unwrap_or_default();
    if is_private(host) && !allows_private {
        return Err(wrong("leads into a private network"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        fn check(url: &str, allows_private: bool, says: &str) {
            let error = target(url, allows_private).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{url}: {error}");
        }
        check("https://example.com/hook?x=1", false, "");
        check("http://127.0.0.1:8080/", true, "");
        check("http://127.0.0.1:8080/", false, "private network");
        // Numbers that mean the same address.
        check("http://0x7f.1/", false, "private network");
        check("http://2130706433/", false, "private network");
        check("http://[::1]/", false, "private network");
        check("ftp://example.com/", true, "neither http nor https");
        check("file:///etc/passwd", true, "neither http nor https");
        check("https://me:secret@example.com/", true, "name or password");
        check("example.com", true, "is not a URL");
    }
}
