//! Cells that were gathered before, in the cache of this data centre, and what scopes said of their data.
//!
//! Nothing in it is the truth, all of it may be gone at any time, and no other data centre has it. News of a scope are
//! noted by whoever asked its object, and by the object itself when they change while somebody asks: under two names,
//! of which the later news count, so that an answer that was long on its way hides nothing.

use adtally_core::cell::Scope;
use adtally_core::freshness::{MAX_TRUST_MS, RangeKind, place};
use adtally_core::telemetry::Figure;
use adtally_wire::freshness::{Kept, LAYOUT, ScopeNews};
use futures_util::future::join;
use worker::{Cache, Response, ResponseBuilder};

use crate::telemetry;

/// A host for addresses in the cache; it is never resolved.
const HOST: &str = "https://shelf.adtally";
/// The most bytes that are kept of one answer: more takes as long to read as to gather.
const MAX_KEPT_BYTES: usize = 8_000_000;

/// Where the cells of an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The cache had them, and no object was asked.
    Hit,
    /// The cache had them, and an object was asked whether they changed.
    Revalidated,
    /// They were gathered.
    Miss,
    /// They were gathered, and are such that they are never kept.
    Bypass,
}

impl Found {
    /// As it stands in the header `X-Cache`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Found::Hit => "hit",
            Found::Revalidated => "revalidated",
            Found::Miss => "miss",
            Found::Bypass => "bypass",
        }
    }
}

/// Counts an answer.
pub(crate) fn count(kind: RangeKind, found: Found) {
    telemetry::add(Figure::CellsFound, &format!("{}_{}", kind.name(), found.name()), 1);
}

/// Who notes news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Witness {
    /// Who asked an object.
    Reader,
    /// The object.
    Object,
}

/// What the cache has of a query.
pub(crate) async fn kept(key: &str) -> Option<Kept> {
    let bytes = get(&format!("{HOST}/{LAYOUT}/cells/{key}")).await?;
    Kept::decode(&bytes).ok()
}

/// Keeps what was gathered, if it is worth it.
pub(crate) async fn keep(key: &str, kept: &Kept, kind: RangeKind) {
    let bytes = kept.encode();
    if bytes.len() <= MAX_KEPT_BYTES {
        put(&format!("{HOST}/{LAYOUT}/cells/{key}"), bytes, kind.keep_s()).await;
    }
}

/// The latest news of a scope that the cache has.
pub(crate) async fn news(scope: &Scope) -> Option<ScopeNews> {
    let [reader, object] = [Witness::Reader, Witness::Object].map(|witness| news_address(scope, witness));
    let (reader, object) = join(get(&reader), get(&object)).await;
    let read =
        |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| serde_json::from_slice::<ScopeNews>(&bytes).ok());
    match (read(reader), read(object)) {
        (Some(reader), Some(object)) => Some(reader.later(object)),
        (reader, object) => reader.or(object),
    }
}

/// Notes what a scope said.
pub(crate) async fn note(scope: &Scope, news: &ScopeNews, witness: Witness) {
    // Nobody trusts it for longer; the cache counts in whole seconds.
    let keep_s = u32::try_from(MAX_TRUST_MS / 1_000).unwrap_or(1) + 1;
    if let Ok(bytes) = serde_json::to_vec(news) {
        put(&news_address(scope, witness), bytes, keep_s).await;
    }
}

fn news_address(scope: &Scope, witness: Witness) -> String {
    let witness = match witness {
        Witness::Reader => "reader",
        Witness::Object => "object",
    };
    format!("{HOST}/{LAYOUT}/news/{witness}/{}", place(scope))
}

/// A cache that fails is one that has nothing.
async fn get(address: &str) -> Option<Vec<u8>> {
    let mut response = Cache::default().get(address, false).await.ok().flatten()?;
    response.bytes().await.ok()
}

/// A cache that fails keeps nothing.
async fn put(address: &str, bytes: Vec<u8>, keep_s: u32) {
    if let Ok(response) = cacheable(bytes, keep_s) {
        let _ = Cache::default().put(address, response).await;
    }
}

fn cacheable(bytes: Vec<u8>, keep_s: u32) -> worker::Result<Response> {
    let builder = ResponseBuilder::new().with_header("Cache-Control", &format!("max-age={keep_s}"))?;
    Ok(builder.with_header("Content-Type", "application/octet-stream")?.fixed(bytes))
}
