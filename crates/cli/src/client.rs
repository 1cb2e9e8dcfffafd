//! The HTTP API of an Adtally server, as this program uses it: one attempt per call, answers typed.

use std::io::Write;
use std::time::Duration;

use adtally_core::time::ServerTime;
use adtally_wire::api::{CollectAnswer, Problem};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock;

/// No request takes longer: a server that is silent for so long has lost it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A server that does not even accept a connection for so long is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A report of 100,000 rows in JSON is about 20 MB; more than this is not ours.
const MAX_ANSWER_BYTES: u64 = 200_000_000;

/// Why a request has no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The address is not one.
    #[error("`{0}` is no address such as http://127.0.0.1:8787")]
    Address(String),
    /// No answer: refused, reset, timed out.
    #[error("no answer from {url}: {source}")]
    NoAnswer { url: String, source: Box<ureq::Error> },
    /// The server answered with an error.
    #[error("{status} from {url}: {detail}")]
    Refused { url: String, status: u16, code: String, detail: String, retry_after: Option<Duration> },
    /// An answer that is not what the API promises.
    #[error("{url} does not answer like an Adtally server: {source}")]
    Unreadable { url: String, source: serde_json::Error },
}

/// Whether bodies are compressed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As they are.
    Plain,
    /// `Content-Encoding: gzip`.
    Gzip,
}

/// A server and the secret to show it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    bearer: String,
}

impl Client {
    /// A client of the server at `base`; connects on first use. An empty `bearer` is not sent.
    pub(crate) fn new(base: &str, bearer: &str) -> Result<Self, ClientError> {
        let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
        if host.is_none_or(|host| host.trim_matches('/').is_empty()) {
            return Err(ClientError::Address(base.to_owned()));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("adtally/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            agent: config.build().into(),
            base: base.trim_end_matches('/').to_owned(),
            bearer: bearer.to_owned(),
        })
    }

    /// `POST /v1/events` with a body in NDJSON.
    pub(crate) fn collect(&self, body: &[u8], encoding: Encoding) -> Result<CollectAnswer, ClientError> {
        let url = format!("{}/v1/events", self.base);
        let request = self.agent.post(&url).header("authorization", self.authorization());
        let request = request.header("content-type", "application/x-ndjson");
        let sent = match encoding {
            Encoding::Plain => request.send(body),
            Encoding::Gzip => request.header("content-encoding", "gzip").send(&gzip(body)[..]),
        };
        answer(&url, sent)
    }

    /// `GET` of `path`, which begins with a slash, with query parameters.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.get(&url).header("authorization", self.authorization());
        answer(&url, request.query_pairs(query.iter().copied()).call())
    }

    /// `PUT` of a JSON body.
    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let url = format!("{}{path}", self.base);
        let unreadable = |source| ClientError::Unreadable { url: url.clone(), source };
        let text = serde_json::to_string(body).map_err(unreadable)?;
        let request = self.agent.put(&url).header("authorization", self.authorization());
        answer(&url, request.header("content-type", "application/json").send(&text))
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.bearer)
    }
}

impl ClientError {
    /// The HTTP status, where the server answered with an error.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            ClientError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail")]
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("a Vec takes any bytes")
}

type Sent = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn answer<T: DeserializeOwned>(url: &str, sent: Sent) -> Result<T, ClientError> {
    let no_answer = |source| ClientError::NoAnswer { url: url.to_owned(), source: Box::new(source) };
    let mut response = sent.map_err(no_answer)?;
    let status = response.status();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(no_answer)?;
    if status.is_success() {
        let unreadable = |source| ClientError::Unreadable { url: url.to_owned(), source };
        return serde_json::from_slice(&body).map_err(unreadable);
    }
    let (code, detail) = match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => (problem.code, problem.detail),
        Err(_) => (String::new(), status.canonical_reason().unwrap_or("unknown status").to_owned()),
    };
    let retry_after = retry_after.and_then(|text| read_retry_after(&text, clock::now()));
    Err(ClientError::Refused { url: url.to_owned(), status: status.as_u16(), code, detail, retry_after })
}

/// `Retry-After` is a number of seconds or a date (RFC 9110, section 10.2.3).
fn read_retry_after(text: &str, now: ServerTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(Duration::from_millis(u64::try_from(date.timestamp_millis() - now.0).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after() {
        #[track_caller]
        fn check(text: &str, expected_ms: Option<u64>) {
            let now = ServerTime(784_111_775_000); // 1994-11-06T08:49:35Z
            assert_eq!(read_retry_after(text, now), expected_ms.map(Duration::from_millis));
        }
        check("3", Some(3_000));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(2_000));
        check("Sun, 06 Nov 1994 08:49:30 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }

    #[test]
    fn addresses() {
        for text in ["", "localhost:8787", "http://", "https:///", "ftp://x"] {
            assert!(matches!(Client::new(text, ""), Err(ClientError::Address(_))), "{text}");
        }
        assert_eq!(Client::new("https://ads.example/", "").unwrap().base, "https://ads.example");
    }
}
