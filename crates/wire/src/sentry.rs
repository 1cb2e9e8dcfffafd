//! Errors on their way to whoever watches over the system: Sentry envelopes.
//!
//! An envelope is three lines of JSON: of itself, of its only item, and the event. See Sentry's developer documentation,
//! "Envelopes" and "Event payloads".
//!
//! Nothing of a person leaves: what an error says is scrubbed first, see [`scrub`].

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use serde_json::json;

use adtally_core::time::rfc3339;

use crate::token::hex;

/// What events call their sender.
const CLIENT: &str = concat!("adtally/", env!("CARGO_PKG_VERSION"));
/// The longest text of an error that is sent, in characters.
const MAX_TEXT_CHARS: usize = 1_000;
/// From this many characters on a word with a digit in it is taken for the name of a person, an event or a token.
const OPAQUE_CHARS: usize = 16;

/// Where errors go, and the right to send them there: `https://key@host/path/project`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    /// `https://host/path/api/project/envelope/`.
    pub url: String,
    key: String,
}

/// An error that somebody should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The part of the program: `objects::linker::flush`.
    pub part: &'static str,
    /// What happened, for people.
    pub text: String,
    /// The id of the request, if it was in one.
    pub request: Option<String>,
    /// How often the same has happened since it was last sent.
    pub count: u64,
}

/// What is the same for all errors of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// `adtally@0.1.0`.
    pub release: &'a str,
    /// `production`, `staging`, `local`.
    pub environment: &'a str,
}

#[derive(Serialize)]
struct Header<'a> {
    event_id: &'a str,
    sent_at: &'a str,
}

#[derive(Serialize)]
struct Item {
    r#type: &'static str,
    length: usize,
    content_type: &'static str,
}

impl Dsn {
    /// Reads what Sentry calls a client key; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://").filter(|(scheme, _)| is_web(scheme))?;
        let (key, rest) = rest.split_once('@')?;
        // Old keys have a second half, which nothing asks for any more.
        let key = key.split(':').next().filter(|key| is_plain(key))?;
        let (host, project) = rest.trim_end_matches('/').rsplit_once('/')?;
        if host.is_empty() || !is_plain(project) {
            return None;
        }
        Some(Self { url: format!("{scheme}://{host}/api/{project}/envelope/"), key: key.to_owned() })
    }

    /// The value of the header `X-Sentry-Auth`.
    pub fn auth(&self) -> String {
        format!("Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={}", self.key)
    }
}

impl Trouble {
    /// The same for errors that somebody would take for the same.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for c in scrub(&self.text).chars() {
            match c {
                '0'..='9' if text.ends_with('#') => {}
                '0'..='9' => text.push('#'),
                c => text.push(c),
            }
        }
        format!("{}: {text}", self.part)
    }

    /// The bytes that are sent; `id` is random.
    pub fn envelope(&self, of: Deployment, id: [u8; 16], now_ms: i64) -> Result<Vec<u8>, serde_json::Error> {
        let (id, at) = (hex(&id), rfc3339(now_ms));
        let event = json!({
            "event_id": id,
            "timestamp": at,
            "platform": "other",
            "level": "error",
            "logger": self.part,
            "release": of.release,
            "environment": of.environment,
            "message": { "formatted": scrub(&self.text) },
            "fingerprint": [self.fingerprint()],
            "tags": { "part": self.part, "request": self.request },
            "extra": { "count": self.count },
            "sdk": { "name": "adtally", "version": env!("CARGO_PKG_VERSION") },
        });
        let event = serde_json::to_vec(&event)?;
        let header = Header { event_id: &id, sent_at: &at };
        let item = Item { r#type: "event", length: event.len(), content_type: "application/json" };
        let lines = [serde_json::to_vec(&header)?, serde_json::to_vec(&item)?, event];
        Ok(lines
            .into_iter()
            .flat_map(|mut line| {
                line.push(b'\n');
                line
            })
            .collect())
    }
}

/// Takes out what could name a person: addresses of mail and of machines, ids of events and users, tokens.
pub fn scrub(text: &str) -> String {
    let mut scrubbed = String::new();
    let mut word = String::new();
    for c in text.chars().take(MAX_TEXT_CHARS) {
        if is_of_word(c) {
            word.push(c);
            continue;
        }
        scrubbed.push_str(known(&word));
        word.clear();
        scrubbed.push(c);
    }
    scrubbed.push_str(known(&word));
    scrubbed
}

/// A word, or what stands for it.
fn known(word: &str) -> &str {
    // A sentence ends with a dot, which belongs to no word.
    let bare = word.trim_matches(['.', ':', '-']);
    let digits = bare.chars().filter(char::is_ascii_digit).count();
    let has_letters = bare.chars().any(|c| c.is_ascii_alphabetic());
    match () {
        () if bare.contains('@') => "[mail]",
        () if is_address(bare) => "[address]",
        () if bare.len() >= OPAQUE_CHARS && digits > 0 && (has_letters || !is_time(bare)) => "[id]",
        () => word,
    }
}

/// With a port or without.
fn is_address(word: &str) -> bool {
    // Without a digit it is a path of Rust: `::`.
    let has_digits = word.contains(|c: char| c.is_ascii_digit());
    has_digits && (word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok())
}

/// Milliseconds since 1970 have 13 digits; a user's number may have as many, and more.
fn is_time(digits: &str) -> bool {
    digits.len() < OPAQUE_CHARS
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "@._-+:%=".contains(c)
}

fn is_web(scheme: &str) -> bool {
    ["http", "https"].contains(&scheme)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        fn check(text: &str, expected: Option<(&str, &str)>) {
            let found = Dsn::parse(text).map(|dsn| (dsn.url.clone(), dsn.auth()));
            let client = "Sentry sentry_version=7, sentry_client=";
            let expected =
                expected.map(|(url, key)| (url.to_owned(), format!("{client}{CLIENT}, sentry_key={key}")));
            assert_eq!(found, expected, "{text}");
        }
        let simple = ("https://o1.ingest.sentry.io/api/42/envelope/", "a1b2");
        check("https://a1b2@o1.ingest.sentry.io/42", Some(simple));
        check(" https://a1b2:old@o1.ingest.sentry.io/42/ ", Some(simple));
        check("http://k@127.0.0.1:9000/inner/7", Some(("http://127.0.0.1:9000/inner/api/7/envelope/", "k")));
        let wrong =
            ["", "a1b2@sentry.io/42", "https://sentry.io/42", "https://a1b2@sentry.io", "ftp://a@b/1"];
        wrong.into_iter().for_each(|text| check(text, None));
        // A key with a line end in it would write headers of its own.
        check("https://a\r\nb@sentry.io/42", None);
    }

    #[test]
    fn persons_are_taken_out() {
        fn check(text: &str, expected: &str) {
            assert_eq!(scrub(text), expected);
        }
        check("outbox: row 17 of acme/0 refused with 503", "outbox: row 17 of acme/0 refused with 503");
        check("no such user kim.minji@example.com.", "no such user [mail]");
        check("from 192.168.0.17, port 80", "from [address], port 80");
        check("http://10.1.2.3:8080/hook answered 410", "http://[address]/hook answered 410");
        check("from 2001:db8::17 again", "from [address] again");
        check("the story of 6f1d0c9a-77aa-4b7e-9f55-0123456789ab lacks", "the story of [id] lacks");
        check("user 1234567890123456789 of shard 3", "user [id] of shard 3");
        check("at 1785000000000", "at 1785000000000");
        check(
            "storage_unavailable: internal_error_of_objects",
            "storage_unavailable: internal_error_of_objects",
        );
        check(
            "https://example.com/?email=a%40b.c&token=abcdef0123456789abcd",
            "https://example.com/?email=a%40b.c&[id]",
        );
        assert_eq!(scrub(&"ab ".repeat(1_000)).chars().count(), MAX_TEXT_CHARS);
    }

    #[test]
    fn the_same_error_has_the_same_fingerprint() {
        let of = |text: &str| {
            Trouble { part: "flush", text: text.to_owned(), request: None, count: 1 }.fingerprint()
        };
        assert_eq!(of("acme/0: row 17 of 20"), of("acme/1: row 9 of 1234"));
        assert_ne!(of("acme/0: row 17"), of("nova/0: row 17"));
    }

    #[test]
    fn an_envelope() {
        let request = Some("c0ffee".to_owned());
        let trouble = Trouble { part: "flush", text: "of a@b.example".to_owned(), request, count: 3 };
        let of = Deployment { release: "adtally@0.1.0", environment: "staging" };
        let bytes = trouble.envelope(of, [7; 16], 1_785_000_000_000).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0]["event_id"], "07".repeat(16));
        assert_eq!(lines[1]["length"], text.lines().nth(2).unwrap().len());
        assert_eq!(lines[2]["timestamp"], "2026-07-25T17:20:00Z");
        assert_eq!(lines[2]["message"]["formatted"], "of [mail]");
        assert_eq!(lines[2]["tags"]["request"], "c0ffee");
    }
}
