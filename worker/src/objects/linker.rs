//! The Linker object: the log of one shard of one advertiser, and the links that follow from it.
//!
//! - It owns the shard's log, its settings as they were at each arrival, the outboxes to the Report objects and to
//!   billing, and the manifest of the archive.
//! - Memory holds nothing that is not stored: after any crash or panic it is made again from the runs and what the log
//!   has after them.
//! - `append` may be repeated: events are known by their ids. `settings` may be repeated: revisions only grow.
//! - It relies on Report objects to take each (source, seq) once, and on the ledger to take each batch of entries once.

mod commit;
pub(crate) mod flush;
mod billing;
mod look;
mod memory;
mod spill;
mod archive;
mod cut;
mod rule;
mod erase;
mod keep;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::PartKind;
use adtally_core::shard::Refusal;
use adtally_core::telemetry::Load;
use adtally_core::time::ServerTime;
use adtally_wire::archive::FILES;
use adtally_wire::backup::object::{KEEP, LET_GO};
use adtally_wire::batch::{COMPACTED, CUT, PUBLISHED, RULE};
use adtally_wire::billing::object::{CONFIRMED, OUTBOX};
use adtally_wire::erasure::{ERASE, RESIDUES};
use adtally_wire::log::Append;
use adtally_wire::object::{
    ALL_ACCEPTED, APPEND, AppendAnswer, CONVERSIONS, EVENTS, LinkerSettings, SETTINGS, STORY, ShardsConflict,
    USAGE, append_id,
};
use worker::{DurableObject, Env, Error, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use super::vault::Vault;
use crate::clock;
use crate::storage::linker::{LinkerStore, VERSION};
use crate::storage::sql::Database;
use crate::telemetry::Busy;
use crate::troubles::{self, trouble};
use crate::usage;
use billing::Desk;
use commit::{Queue, Refused};
use keep::Keeping;
use memory::Memory;
use spill::EXPIRY_BREAK;

/// See the module.
#[durable_object]
pub struct Linker {
    node: AssertUnwindSafe<Rc<Node>>,
    vault: AssertUnwindSafe<Vault>,
}

/// The object, shared with the work that outlives a request.
struct Node {
    state: Rc<State>,
    env: Env,
    busy: Busy,
    /// Taken out while it is changed: should that panic, it is gone, and made again from the log.
    memory: RefCell<Option<Memory>>,
    queue: RefCell<Queue>,
    /// When the timer of the next flush rings.
    flush_due: Cell<Option<ServerTime>>,
    /// When the timer of the next telling of billing rings.
    bill_due: Cell<Option<ServerTime>>,
    is_flushing: Cell<bool>,
    /// When the oldest event was acknowledged that no report counts yet, as far as this instance knows.
    behind_since: Cell<Option<ServerTime>>,
    /// A flush came due while another one was at it.
    flush_is_wanted: Cell<bool>,
    /// When the last flush began.
    flushed_at: Cell<ServerTime>,
    alarm_is_set: Cell<bool>,
    is_archiving: Cell<bool>,
    is_erasing: Cell<bool>,
    desk: Desk,
    keeping: Rc<Keeping>,
}

impl DurableObject for Linker {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let node = Node {
            busy: Busy::new("linker", state.clone()),
            state,
            env,
            memory: RefCell::default(),
            queue: RefCell::default(),
            flush_due: Cell::default(),
            bill_due: Cell::default(),
            is_flushing: Cell::default(),
            behind_since: Cell::default(),
            flush_is_wanted: Cell::default(),
            flushed_at: Cell::new(ServerTime(i64::MIN)),
            alarm_is_set: Cell::default(),
            is_archiving: Cell::default(),
            is_erasing: Cell::default(),
            desk: Desk::default(),
            keeping: Rc::default(),
        };
        let vault = AssertUnwindSafe(Vault::new(node.state.clone(), PartKind::Linker, VERSION));
        Self { node: AssertUnwindSafe(Rc::new(node)), vault }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        self.node.busy.worked(Load { calls: 1, events: 0 });
        if let Some(answer) = self.vault.intercept(&mut request, &**self.node).await? {
            return Ok(answer);
        }
        match (request.method(), request.path().as_str()) {
            (Method::Post, APPEND) => self.append(&mut request).await,
            (Method::Put, SETTINGS) => self.settings(&request.json().await?),
            (Method::Post, STORY) => self.node.story(&request.json().await?).await,
            (Method::Post, EVENTS) => self.node.events(&request.json().await?),
            (Method::Post, CONVERSIONS) => self.node.conversions(&request.json().await?),
            (Method::Post, CONFIRMED) => self.node.confirmed(&request.json().await?),
            (Method::Post, OUTBOX) => self.node.billing_depth(),
            (Method::Post, CUT) => self.node.cut(&request.bytes().await?).await,
            (Method::Post, PUBLISHED) => self.node.published(&request.bytes().await?),
            (Method::Post, COMPACTED) => self.node.compacted(&request.bytes().await?).await,
            (Method::Post, FILES) => self.node.files(&request.json().await?),
            (Method::Post, RULE) => self.node.rule(&request.bytes().await?).await,
            (Method::Post, ERASE) => self.node.erase(&request.bytes().await?).await,
            (Method::Post, RESIDUES) => self.node.residues(),
            (Method::Post, KEEP) => self.node.keep(request.json().await?),
            (Method::Post, LET_GO) => self.node.let_go(&request.json().await?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }

    /// Delivers what a crash, an unreachable Report object or a queue left behind, and forgets what does not matter any
    /// more.
    async fn alarm(&self) -> Result<Response> {
        usage::called();
        self.node.alarm_is_set.set(false);
        if self.vault.is_closed()? {
            return Response::empty();
        }
        self.node.flush_by_alarm().await;
        self.node.expire()?;
        self.node.archive_by_alarm().await;
        self.node.plan_ahead().await;
        self.node.bill().await;
        troubles::send_soon(&self.node.state, &self.node.env);
        Response::empty()
    }
}

impl Linker {
    /// Stores events and answers once they are durable.
    async fn append(&self, request: &mut Request) -> Result<Response> {
        let address = request.inner().url();
        let id = append_id(&address);
        let append = match Append::decode(&request.bytes().await?) {
            Ok(append) => append,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        match self.node.clone().append(append, id.unwrap_or_default().to_owned()).await {
            Ok(statuses) => match (AppendAnswer { statuses }) {
                answer if id.is_some() && answer.is_all_accepted() => {
                    Ok(Response::empty()?.with_status(ALL_ACCEPTED))
                }
                answer => Response::from_bytes(answer.encode()),
            },
            Err(Refused::ByShard(Refusal::Shards(shards))) => conflict(shards),
            Err(Refused::ByShard(busy @ Refusal::Busy)) => {
                refuse(429, Some(commit::RETRY_AFTER_S), &busy.to_string())
            }
            Err(Refused::ByShard(full @ Refusal::Full)) => {
                refuse(503, Some(commit::FULL_RETRY_AFTER_S), &full.to_string())
            }
            Err(Refused::NotStored(error)) => {
                trouble!("append: {error}");
                refuse(503, Some(commit::RETRY_AFTER_S), "the events could not be stored")
            }
        }
    }

    fn settings(&self, wanted: &LinkerSettings) -> Result<Response> {
        match self.node.put_settings(wanted)? {
            Ok(()) => Response::empty(),
            Err(shards) => conflict(shards),
        }
    }
}

impl Node {
    fn store(&self) -> Result<LinkerStore> {
        LinkerStore::open(Database::new(self.state.clone()))
    }

    /// Sets the object's one alarm; tells whether that worked.
    async fn set_alarm(&self, wait: Duration) -> bool {
        let set = self.state.storage().set_alarm(wait).await;
        match &set {
            Ok(()) => usage::set_alarm(),
            Err(error) => trouble!("the alarm could not be set: {error}"),
        }
        set.is_ok()
    }

    /// Sets the alarm for what is due next, where nothing else is.
    ///
    /// 1. Setting it may be repeated: it only moves.
    async fn plan_ahead(&self) {
        let due = self.change_memory(|memory| {
            let expiry = memory.shard.linker().next_expiry().map(|due| (due, EXPIRY_BREAK));
            Ok([expiry, memory.next_archiving(), memory.next_trim()?])
        });
        match due.map(|due| due.into_iter().flatten().min_by_key(|(due, _)| *due)) {
            Ok(Some((due, least))) => self.wake_at(due, least).await,
            Ok(None) => {}
            Err(error) => trouble!("what is due next: {error}"),
        }
    }

    /// Sets the alarm for a later time, unless one is set that comes first and looks anyway.
    ///
    /// The flag stays off: the next commit sets a nearer alarm, which comes by here too.
    async fn wake_at(&self, due: ServerTime, least: Duration) {
        if !self.alarm_is_set.get() {
            let wait_ms = u64::try_from(due.0.saturating_sub(clock::now().0)).unwrap_or(0);
            self.set_alarm(Duration::from_millis(wait_ms).max(least)).await;
        }
    }
}

/// A flag that is up for as long as this lives, however it ends.
pub(super) struct Held<'a>(&'a Cell<bool>);

impl<'a> Held<'a> {
    /// `None` where it is up already.
    pub(super) fn raise(flag: &'a Cell<bool>) -> Option<Self> {
        (!flag.replace(true)).then_some(Self(flag))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

fn conflict(shards: u32) -> Result<Response> {
    Ok(Response::from_json(&ShardsConflict { shards })?.with_status(409))
}

/// An error that the platform did not make.
fn fault(text: impl Into<String>) -> Error {
    Error::RustError(text.into())
}
