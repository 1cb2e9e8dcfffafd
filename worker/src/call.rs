//! One HTTP request on its way through the worker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use adtally_core::intake::MAX_BODY_BYTES;
use adtally_core::time::ServerTime;
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use worker::{Context, Env, Headers, Method, Request, Response, ResponseBuilder, Url};

use crate::bindings::Bindings;
use crate::clock;
use crate::problem::Fault;
use crate::route::KEY_IN_PATH;

/// The most bytes of a JSON body other than events: a catalog entry has a few hundred.
pub(crate) const MAX_JSON_BYTES: usize = 64 * 1024;

/// Headers of every answer but pages, unless the answer says otherwise: nothing of it is a document, and nobody keeps it.
pub(crate) const API_HEADERS: [(&str, &str); 5] = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Strict-Transport-Security", "max-age=31536000"),
    (LAST_API_HEADER, "nosniff"),
];
/// The one of them that no answer brings along without the others.
pub(crate) const LAST_API_HEADER: &str = "X-Content-Type-Options";

thread_local! {
    static JSON_HEADERS: RefCell<Option<Headers>> = RefCell::default();
}

/// A request with what answering it takes.
pub(crate) struct Call {
    /// As it came.
    pub(crate) request: Request,
    /// Its address.
    pub(crate) url: Url,
    /// What the platform hands to us.
    pub(crate) bindings: Rc<Bindings>,
    /// When it came.
    pub(crate) now: ServerTime,
    /// For what may go on when it is answered.
    pub(crate) context: Rc<Context>,
    /// Under which it is logged, and told to the caller.
    pub(crate) id: String,
    /// Whether it was counted against the limit of its key.
    pub(crate) is_counted: Cell<bool>,
}

impl Call {
    /// Reads the address and the bindings.
    pub(crate) fn new(request: Request, env: &Env, id: &str, context: &Rc<Context>) -> Result<Self, Fault> {
        let url = request.url()?;
        Ok(Self {
            url,
            bindings: Bindings::of(env)?,
            now: clock::now(),
            context: context.clone(),
            request,
            is_counted: Cell::default(),
            id: id.to_owned(),
        })
    }

    /// `GET` stands for `HEAD` too: the platform drops the body.
    pub(crate) fn method(&self) -> Method {
        match self.request.method() {
            Method::Head => Method::Get,
            method => method,
        }
    }

    /// A request header; one that is not text counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// The query parameters, decoded, in order.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        self.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// The first value of a query parameter, unless it is empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let found = self.url.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Refuses query parameters other than these.
    pub(crate) fn known_only(&self, known: &[&str]) -> Result<(), Fault> {
        match self.url.query_pairs().find(|(name, _)| !known.contains(&name.as_ref())) {
            None => Ok(()),
            Some((name, _)) => {
                let detail = format!("unknown parameter {name:?}, known are {}", known.join(", "));
                Err(Fault::refused(422, "unknown_parameter", detail))
            }
        }
    }

    /// How many are wanted at the most: `default` where `limit` is absent.
    pub(crate) fn limit(&self, default: u32, max: u32) -> Result<u32, Fault> {
        let Some(text) = self.parameter("limit") else { return Ok(default) };
        text.parse().ok().filter(|limit| (1..=max).contains(limit)).ok_or_else(|| {
            Fault::refused(422, "bad_limit", format!("limit {text:?} is not between 1 and {max}"))
        })
    }

    /// Where a page begins, as the page before it said.
    pub(crate) fn cursor<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(text) = self.parameter("cursor") else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            Fault::refused(422, "bad_cursor", format!("{text:?} is not what a page said comes next"))
        })
    }

    /// The key in a path that begins with one.
    pub(crate) fn key_in_path(&self) -> Option<String> {
        let mut segments = self.url.path_segments()?;
        segments.next().filter(|first| *first == KEY_IN_PATH)?;
        let key = percent_decode_str(segments.next()?).decode_utf8().ok()?;
        (!key.is_empty()).then(|| key.into_owned())
    }

    /// The body, refused as soon as it is known to be longer than `limit` bytes.
    pub(crate) async fn body(&mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let announced = self.header("Content-Length").and_then(|text| text.trim().parse::<u64>().ok());
        match announced {
            Some(length) if length > limit as u64 => Err(too_large(limit)),
            // The platform holds the sender to the announced length.
            Some(_) => Ok(self.request.bytes().await?),
            None => self.unannounced_body(limit).await,
        }
    }

    async fn unannounced_body(&mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        if self.request.inner().body().is_none() {
            return Ok(body);
        }
        let mut chunks = self.request.stream()?;
        while let Some(chunk) = chunks.next().await {
            body.extend(chunk?);
            if body.len() > limit {
                return Err(too_large(limit));
            }
        }
        Ok(body)
    }
}

/// A body over its limit.
pub(crate) fn too_large(limit: usize) -> Fault {
    let detail = format!("the body has more than {limit} bytes");
    Fault::refused(413, "body_too_large", detail)
}

const _: () = assert!(MAX_JSON_BYTES < MAX_BODY_BYTES);

/// A JSON answer.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Result<Response, Fault> {
    let body = serde_json::to_vec(body).map_err(worker::Error::from)?;
    Ok(ResponseBuilder::new().with_headers(json_headers()?).with_status(status).fixed(body))
}

/// Those of a JSON answer. They are put together once and copied in one step, since each by itself costs two texts.
fn json_headers() -> Result<Headers, Fault> {
    if let Some(headers) = JSON_HEADERS.with_borrow(Clone::clone) {
        return Ok(headers);
    }
    let headers = Headers::new();
    for (name, value) in API_HEADERS.into_iter().chain([("Content-Type", "application/json")]) {
        headers.set(name, value)?;
    }
    JSON_HEADERS.set(Some(headers.clone()));
    Ok(headers)
}

/// A JSON answer of one list under its name.
pub(crate) fn list<T: Serialize>(name: &str, items: Vec<T>) -> Result<Response, Fault> {
    json(200, &BTreeMap::from([(name, items)]))
}

/// An answer without a body.
pub(crate) fn no_content() -> Response {
    ResponseBuilder::new().with_status(204).empty()
}
