//! Talking to Linker objects.

use adtally_core::key::Key;
use adtally_core::route::linker_name;
use adtally_wire::log::Append;
use adtally_wire::object::{ALL_ACCEPTED, APPEND, AppendAnswer, LinkerSettings, SETTINGS, ShardsConflict};
use futures_util::{StreamExt, stream};
use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Headers, Method, ObjectNamespace, Request, RequestInit};

use crate::problem::{Fault, RETRY_AFTER_S};
use crate::stub::{self, Answer};

/// Requests to objects under way at once: a request may have six connections open.
pub(crate) const MAX_PARALLEL: usize = 6;

/// A host for addresses of objects; it is never resolved.
pub(crate) const HOST: &str = "https://object";

/// What a Linker says to an append or to settings, if it cannot do as it is told.
#[derive(Debug)]
pub(crate) enum LinkerFault {
    /// It goes by another shard count.
    Shards(ShardsConflict),
    /// It could not store.
    Fault(Fault),
}

impl From<Fault> for LinkerFault {
    fn from(fault: Fault) -> Self {
        LinkerFault::Fault(fault)
    }
}

/// The Linker object of one shard.
pub(crate) struct Linker<'a> {
    namespace: &'a ObjectNamespace,
    name: String,
}

impl<'a> Linker<'a> {
    /// The Linker of a shard of an advertiser.
    pub(crate) fn of(namespace: &'a ObjectNamespace, advertiser: &Key, shard: u32) -> Self {
        Self { namespace, name: linker_name(advertiser.as_str(), shard) }
    }

    /// Stores events; the answer comes when they are durable.
    pub(crate) async fn append(
        &self,
        append: &Append,
        request_id: &str,
    ) -> Result<AppendAnswer, LinkerFault> {
        let answer = self.send("POST", &format!("{APPEND}?{request_id}"), &append.encode()).await?;
        if answer.status() == ALL_ACCEPTED {
            return Ok(AppendAnswer::all_accepted(append.events.len()));
        }
        let bytes = answer.bytes().await.map_err(|error| self.unavailable(&error))?;
        let answer = AppendAnswer::decode(&bytes).map_err(|error| Fault::Internal(error.to_string()))?;
        if answer.statuses.len() == append.events.len() {
            Ok(answer)
        } else {
            Err(Fault::Internal(format!("{} answered for another batch", self.name)).into())
        }
    }

    /// Tells it what to go by.
    pub(crate) async fn put_settings(&self, settings: &LinkerSettings) -> Result<(), LinkerFault> {
        let body = serde_json::to_vec(settings).map_err(worker::Error::from).map_err(Fault::from)?;
        self.send("PUT", SETTINGS, &body).await?;
        Ok(())
    }

    /// Asks it something; `None` if it knows nothing of it.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<Option<T>, Fault> {
        let stub = self.namespace.get_by_name(&self.name)?;
        let body = serde_json::to_vec(query).map_err(worker::Error::from)?;
        let answer = stub.fetch_with_request(request(Method::Post, path, &body)?).await;
        let mut answer = answer.map_err(|error| self.unavailable(&error))?;
        match answer.status_code() {
            200 => Ok(Some(serde_json::from_slice(&answer.bytes().await?).map_err(worker::Error::from)?)),
            404 => Ok(None),
            status => Err(self.fault(status, answer.headers())),
        }
    }

    async fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, LinkerFault> {
        let stub = self.namespace.get_by_name(&self.name).map_err(Fault::from)?;
        let answer = stub::call(stub, method, &format!("{HOST}{path}"), body).await;
        let answer = answer.map_err(|error| self.unavailable(&error))?;
        match answer.status() {
            200 | ALL_ACCEPTED => Ok(answer),
            409 => {
                let bytes = answer.bytes().await.map_err(|error| self.unavailable(&error))?;
                let conflict = serde_json::from_slice(&bytes);
                Err(LinkerFault::Shards(conflict.map_err(|error| Fault::Internal(error.to_string()))?))
            }
            status => Err(self.fault(status, &answer.headers()).into()),
        }
    }

    fn fault(&self, status: u16, headers: &Headers) -> Fault {
        let retry_after_s = retry_after(headers);
        match status {
            429 => Fault::Busy { retry_after_s },
            status => {
                let detail = format!("linker {} answered {status}", self.name);
                Fault::Unavailable { detail, retry_after_s }
            }
        }
    }

    fn unavailable(&self, error: &worker::Error) -> Fault {
        Fault::unavailable(format!("linker {}: {error}", self.name))
    }
}

/// A request to an object; one without a body says nothing, as a `GET` has to.
pub(crate) fn request(method: Method, path: &str, body: &[u8]) -> Result<Request, Fault> {
    let mut init = RequestInit::new();
    init.with_method(method);
    if !body.is_empty() {
        init.with_body(Some(Uint8Array::from(body).into()));
    }
    Ok(Request::new_with_init(&format!("{HOST}{path}"), &init)?)
}

fn retry_after(headers: &Headers) -> u32 {
    let header = headers.get("Retry-After").ok().flatten();
    header.and_then(|text| text.parse().ok()).unwrap_or(RETRY_AFTER_S)
}

/// Tells shards `0..shards` what to go by, all of them even if one refuses, and answers the first refusal.
///
/// May be repeated at any time: a Linker ignores settings older than those it has.
pub(crate) async fn push_settings(
    namespace: &ObjectNamespace,
    advertiser: &Key,
    shards: u32,
    settings: &LinkerSettings,
) -> Result<(), LinkerFault> {
    let pushes = (0..shards)
        .map(|shard| async move { Linker::of(namespace, advertiser, shard).put_settings(settings).await });
    let answers: Vec<Result<(), LinkerFault>> =
        stream::iter(pushes).buffered(MAX_PARALLEL).collect::<Vec<_>>().await;
    answers.into_iter().collect()
}

/// Asks every shard of an advertiser the same; those that know nothing are left out.
pub(crate) async fn ask_all<T: DeserializeOwned>(
    namespace: &ObjectNamespace,
    advertiser: &Key,
    shards: u32,
    path: &str,
    query: &impl Serialize,
) -> Result<Vec<T>, Fault> {
    let questions = (0..shards)
        .map(|shard| async move { Linker::of(namespace, advertiser, shard).ask(path, query).await });
    let answers: Vec<Result<Option<T>, Fault>> =
        stream::iter(questions).buffered(MAX_PARALLEL).collect::<Vec<_>>().await;
    answers.into_iter().filter_map(Result::transpose).collect()
}
