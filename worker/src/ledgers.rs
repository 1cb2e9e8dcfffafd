//! Talking to ledgers, to the dead letters, and to Linkers about what those have.

use std::collections::BTreeMap;

use adtally_core::key::Key;
use adtally_wire::billing::Envelope;
use adtally_wire::billing::object::{
    CONFIRMED, Confirmed, LETTERS, Letter, Letters, LettersQuery, PARK, REPLAYED,
};
use adtally_wire::billing::object::{Replayed, TAKE, Taken};
use adtally_wire::etag;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Method, ObjectNamespace, Response};

use crate::bindings::{DEAD_LETTERS, LEDGER, LINKER};
use crate::clock;
use crate::linkers::{MAX_PARALLEL, request};
use crate::problem::Fault;
use crate::troubles::trouble;
use crate::usage;

/// The name of the one object that has the dead letters.
pub(crate) const DEAD_LETTERS_NAME: &str = "billing";

/// Typed handles to what billing needs.
pub(crate) struct Ledgers {
    linkers: ObjectNamespace,
    ledgers: ObjectNamespace,
    dead_letters: ObjectNamespace,
}

/// What became of a message: in the ledger, or why not.
pub(crate) type Outcome = Result<Envelope, String>;

impl Ledgers {
    /// Reads the bindings; one that is missing is a fault of the deployment.
    pub(crate) fn read(env: &Env) -> Result<Self, Fault> {
        let read = |name| env.durable_object(name).map_err(|_| Fault::Misconfigured(name));
        Ok(Self { linkers: read(LINKER)?, ledgers: read(LEDGER)?, dead_letters: read(DEAD_LETTERS)? })
    }

    /// Puts messages into their ledgers; one outcome each, in order.
    pub(crate) async fn take(&self, texts: &[String]) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(texts.len());
        let mut by_advertiser: BTreeMap<Key, Vec<(usize, Envelope)>> = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            match Envelope::read(text) {
                Ok(message) => {
                    outcomes.push(None);
                    by_advertiser.entry(message.advertiser.clone()).or_default().push((place, message));
                }
                Err(error) => outcomes.push(Some(Err(error.to_string()))),
            }
        }
        let calls = by_advertiser.into_iter().map(|(advertiser, messages)| async move {
            let lines: Vec<&str> = messages.iter().map(|(place, _)| texts[*place].as_str()).collect();
            let errors = self.take_lines(&advertiser, &lines).await;
            (messages, errors)
        });
        let answers: Vec<_> = stream::iter(calls).buffered(MAX_PARALLEL).collect().await;
        for (messages, errors) in answers {
            let mut errors = errors.map(|taken| taken.errors.into_iter());
            for (place, message) in messages {
                let error = match &mut errors {
                    // An answer that is too short says nothing about the rest.
                    Ok(errors) => errors.next().unwrap_or_else(|| Some("the ledger did not say".to_owned())),
                    Err(fault) => Some(fault.to_string()),
                };
                outcomes[place] = Some(error.map_or(Ok(message), Err));
            }
        }
        let lost = || Err("no ledger was asked".to_owned());
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }

    async fn take_lines(&self, advertiser: &Key, lines: &[&str]) -> Result<Taken, Fault> {
        let since = clock::now();
        let taken = call(&self.ledgers, advertiser.as_str(), TAKE, lines.join("\n").as_bytes()).await;
        usage::waited(since, clock::now());
        taken
    }

    /// Asks a ledger something.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        advertiser: &Key,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, Fault> {
        call(&self.ledgers, advertiser.as_str(), path, &json(query)?).await
    }

    /// Tells the Linkers that sent these messages that they need not be sent again.
    ///
    /// A Linker that is not reached sends them once more, and is told again.
    pub(crate) async fn confirm<'a>(&self, messages: impl IntoIterator<Item = &'a Envelope>) {
        let mut by_source: BTreeMap<&str, Confirmed> = BTreeMap::new();
        for message in messages {
            let confirmed =
                by_source.entry(&message.source).or_insert_with(|| Confirmed { batches: Vec::new() });
            confirmed.batches.push((message.batch.seq, message.batch.part));
        }
        let calls = by_source.into_iter().map(|(source, confirmed)| async move {
            let told = async { send(&self.linkers, source, CONFIRMED, &json(&confirmed)?).await };
            if let Err(fault) = told.await {
                trouble!("linker {source} was not told what the ledger has: {fault}");
            }
        });
        stream::iter(calls).buffered(MAX_PARALLEL).collect::<Vec<()>>().await;
    }

    /// Keeps a message that cannot be processed.
    pub(crate) async fn park(&self, text: &str, error: &str, at_ms: i64) -> Result<(), Fault> {
        let id = match Envelope::read(text) {
            Ok(Envelope { source, batch, .. }) => format!("{source}:{}.{}", batch.seq, batch.part),
            Err(_) => format!("unreadable:{}", etag::fold(&[text])),
        };
        let letter = Letter { id, error: error.to_owned(), at_ms, text: text.to_owned() };
        send(&self.dead_letters, DEAD_LETTERS_NAME, PARK, &json(&letter)?).await.map(drop)
    }

    /// Messages that could not be processed.
    pub(crate) async fn letters(&self, query: &LettersQuery) -> Result<Letters, Fault> {
        call(&self.dead_letters, DEAD_LETTERS_NAME, LETTERS, &json(query)?).await
    }

    /// Forgets letters that are in their ledgers now.
    pub(crate) async fn replayed(&self, done: Vec<String>) -> Result<(), Fault> {
        send(&self.dead_letters, DEAD_LETTERS_NAME, REPLAYED, &json(&Replayed { done })?).await.map(drop)
    }
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Fault> {
    Ok(serde_json::to_vec(body).map_err(worker::Error::from)?)
}

async fn send(namespace: &ObjectNamespace, name: &str, path: &str, body: &[u8]) -> Result<Response, Fault> {
    let stub = namespace.get_by_name(name)?;
    let answer = stub.fetch_with_request(request(Method::Post, path, body)?).await;
    let answer = answer.map_err(|error| Fault::unavailable(format!("{path} of {name}: {error}")))?;
    match answer.status_code() {
        200 => Ok(answer),
        status => Err(Fault::unavailable(format!("{path} of {name} answered {status}"))),
    }
}

async fn call<T: DeserializeOwned>(
    namespace: &ObjectNamespace,
    name: &str,
    path: &str,
    body: &[u8],
) -> Result<T, Fault> {
    let bytes = send(namespace, name, path, body).await?.bytes().await?;
    Ok(serde_json::from_slice(&bytes).map_err(worker::Error::from)?)
}
