//! Talking to Quarantine objects: what is kept of rejected events, and by whom it may be seen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use adtally_core::access::Grant;
use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::intake::{Context, Rejection, hold_bytes, hold_event, hold_fields, safe_message};
use adtally_core::limit::{Buckets, Rate};
use adtally_core::time::ServerTime;
use adtally_wire::quarantine::{
    FORGET, Filter, Forget, HOLD, LIST, Listing, NOTE, OWNERS, Owner, Parcel, Record, SETTLE, Settled,
};
use futures_util::future::{Either, join, join_all, select};
use serde::Serialize;
use worker::{Delay, Env, Method, ObjectNamespace, Response};

use crate::bindings::QUARANTINE;
use crate::intake::{Batch, Incoming};
use crate::linkers::request;
use crate::problem::Fault;
use crate::storage::quarantine::NOTE_MS;
use crate::troubles::trouble;

/// The most objects that the rejections of one request go to; the rest goes to that of the platform. So a body that
/// names ten thousand advertisers does not make ten thousand objects.
const MAX_OWNERS: usize = 4;

/// How often an isolate calls the objects of one owner; what comes beyond that is only counted, and told with the next
/// call. So garbage that comes one event a request does not keep an object busy.
const CALLS: Rate = Rate { per_second: 50, burst: 200 };
/// The most owners whose calls are counted, and whose rejections wait for the next call.
const MAX_KNOWN: usize = 1_000;
/// How long an answer waits for an object at most: the events that were accepted are stored by then, and their sender
/// must hear of it.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    static CALLED: RefCell<Buckets> = RefCell::new(Buckets::new(CALLS, MAX_KNOWN));
    /// Rejections by owner and code that no object knows of yet.
    static UNTOLD: RefCell<BTreeMap<String, BTreeMap<String, u64>>> = RefCell::default();
    /// Owners of whom the platform's object was told, and when.
    static NOTED: RefCell<BTreeMap<Scope, i64>> = RefCell::default();
}

/// What was not accepted of a batch.
pub(crate) struct Rejections<'a> {
    /// The batch.
    pub(crate) incoming: &'a Incoming<'a>,
    /// Why, in the order of the batch.
    pub(crate) rejected: &'a [Rejection],
    /// By position, what is right in itself and still not accepted.
    pub(crate) refused: &'a BTreeMap<usize, Event>,
}

/// Typed handle to the objects.
pub(crate) struct Quarantines(ObjectNamespace);

impl Quarantines {
    /// Reads the binding; one that is missing is a fault of the deployment.
    pub(crate) fn read(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.durable_object(QUARANTINE).map_err(|_| Fault::Misconfigured(QUARANTINE))?))
    }

    /// Keeps what was rejected of a batch.
    ///
    /// What cannot be kept, or not within [`PATIENCE`], is logged: its sender is told of the rejection in any case, and
    /// must not be told to send the events again that were accepted.
    pub(crate) async fn hold(&self, grant: &Grant, rejections: &Rejections<'_>, context: &Context<'_>) {
        let is_lost_otherwise = !rejections.refused.is_empty() && rejections.incoming.door.sends_once();
        let parcels = parcels(grant, rejections, context);
        let parcels = parcels
            .into_iter()
            .filter(|(owner, parcel)| is_lost_otherwise || may_call(owner, parcel, context.now));
        let now = context.now;
        let kept = |(owner, parcel): (Scope, Parcel)| async move {
            join(self.note(owner.clone(), now), self.hold_parcel(owner, parcel)).await
        };
        join_all(parcels.map(kept)).await;
    }

    /// Tells the platform's object of whom something was rejected: once in [`NOTE_MS`] and isolate, so that it is asked
    /// as often as there are owners, not as there is garbage. Without a note the owner's list is complete all the same.
    async fn note(&self, owner: Scope, now: ServerTime) {
        let is_fresh = |noted: &i64| now.0 < noted + NOTE_MS;
        if owner == Scope::Platform || NOTED.with_borrow(|noted| noted.get(&owner).is_some_and(is_fresh)) {
            return;
        }
        NOTED.with_borrow_mut(|noted| {
            if noted.len() >= MAX_KNOWN {
                noted.clear();
            }
            noted.insert(owner.clone(), now.0);
        });
        let (platform, note) = (Scope::Platform, Owner { owner: owner.to_string() });
        let sent = Box::pin(self.send(&platform, NOTE, &note));
        if !matches!(select(sent, Delay::from(PATIENCE)).await, Either::Left((Ok(_), _))) {
            trouble!("it is not noted that events of {owner} were rejected");
            NOTED.with_borrow_mut(|noted| noted.remove(&owner));
        }
    }

    async fn hold_parcel(&self, owner: Scope, mut parcel: Parcel) {
        let untold = UNTOLD.with_borrow_mut(|untold| untold.remove(&owner.to_string()));
        for (code, count) in untold.unwrap_or_default() {
            *parcel.uncounted.entry(code).or_default() += count;
        }
        let sent = Box::pin(self.send(&owner, HOLD, &parcel));
        match select(sent, Delay::from(PATIENCE)).await {
            Either::Left((Ok(_), _)) => {}
            Either::Left((Err(fault), _)) => {
                trouble!("rejected events of {owner} are not kept: {fault}")
            }
            Either::Right(_) => {
                trouble!("rejected events of {owner} are perhaps not kept: it takes too long")
            }
        }
    }

    /// Records of an owner.
    pub(crate) async fn list(&self, owner: &Scope, filter: &Filter) -> Result<Listing, Fault> {
        let bytes = self.send(owner, LIST, filter).await?.bytes().await?;
        Ok(serde_json::from_slice(&bytes).map_err(worker::Error::from)?)
    }

    /// Of whom something was rejected: the platform, and who was noted, the last ones first.
    pub(crate) async fn owners(&self) -> Result<Vec<Scope>, Fault> {
        let platform = Scope::Platform;
        let stub = self.0.get_by_name(&platform.to_string())?;
        let answer = stub.fetch_with_request(request(Method::Get, OWNERS, b"")?).await;
        let bytes = ok(&platform, answer)?.bytes().await?;
        let noted: Vec<Owner> = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
        let noted = noted.iter().filter_map(|one| Scope::parse(&one.owner));
        Ok([platform].into_iter().chain(noted).collect())
    }

    /// Tells what a replay has made of records.
    pub(crate) async fn settle(&self, owner: &Scope, settled: &Settled) -> Result<(), Fault> {
        self.send(owner, SETTLE, settled).await.map(drop)
    }

    /// Removes the records of users.
    pub(crate) async fn forget(&self, owner: &Scope, forget: &Forget) -> Result<(), Fault> {
        self.send(owner, FORGET, forget).await.map(drop)
    }

    async fn send(&self, owner: &Scope, path: &str, body: &impl Serialize) -> Result<Response, Fault> {
        let stub = self.0.get_by_name(&owner.to_string())?;
        let body = serde_json::to_vec(body).map_err(worker::Error::from)?;
        ok(owner, stub.fetch_with_request(request(Method::Post, path, &body)?).await)
    }
}

fn ok(owner: &Scope, answer: worker::Result<Response>) -> Result<Response, Fault> {
    let answer = answer.map_err(|error| Fault::unavailable(format!("quarantine of {owner}: {error}")))?;
    match answer.status_code() {
        200 => Ok(answer),
        status => Err(Fault::unavailable(format!("quarantine of {owner} answered {status}"))),
    }
}

/// Whether the objects of an owner may be called now; if not, the parcel is counted.
fn may_call(owner: &Scope, parcel: &Parcel, now: ServerTime) -> bool {
    let owner = owner.to_string();
    if CALLED.with_borrow_mut(|called| called.take(&owner, 1, now)).is_ok() {
        return true;
    }
    UNTOLD.with_borrow_mut(|untold| {
        if untold.len() >= MAX_KNOWN && !untold.contains_key(&owner) {
            trouble!("rejected events of {} owners are not counted", untold.len());
            untold.clear();
        }
        parcel.count_in(untold.entry(owner).or_default());
    });
    false
}

/// What is kept, by owner: of whoever's key was used, or, with a key of the platform, of the advertiser that an event
/// names. So nobody sees what somebody else's senders sent, whatever name stands in it.
fn parcels(grant: &Grant, rejections: &Rejections<'_>, context: &Context<'_>) -> Vec<(Scope, Parcel)> {
    let mut by_owner: BTreeMap<String, (Scope, Parcel)> = BTreeMap::new();
    let Rejections { incoming, rejected, refused } = rejections;
    for rejection in *rejected {
        let held = match (refused.get(&rejection.index), &incoming.batch) {
            (Some(event), _) => hold_event(event),
            (None, Batch::Body(body, _)) => {
                hold_bytes(body.get(rejection.raw.clone()).unwrap_or_default(), rejection.index, context)
            }
            (None, Batch::Drafts(drafts)) => {
                let fields = drafts.get(rejection.index).map(|draft| draft.fields.clone());
                hold_fields(fields.unwrap_or_default(), rejection.index, context)
            }
        };
        let mut owner = match &grant.scope {
            Scope::Platform => held.advertiser().map_or(Scope::Platform, Scope::Advertiser),
            own => own.clone(),
        };
        if by_owner.len() >= MAX_OWNERS && !by_owner.contains_key(&owner.to_string()) {
            owner = Scope::Platform;
        }
        let message = safe_message(&rejection.message);
        let code = rejection.code.name();
        let record = Record::new(held, context.now.0, incoming.door.name(), code, message);
        by_owner.entry(owner.to_string()).or_insert_with(|| (owner, Parcel::default())).1.add(record);
    }
    by_owner.into_values().collect()
}
