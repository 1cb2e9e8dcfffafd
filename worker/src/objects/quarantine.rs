//! The Quarantine object: what one owner's senders sent, and what was not accepted.
//!
//! - It owns the rejected events of an advertiser, of a service's write keys, or of nobody that could be told
//!   (`platform`), and counts them. That of the platform also knows of whom something was rejected, so that all of it can
//!   be listed.
//! - Requests that come at the same time share a row, and beyond [`MAX_BYTES_A_MINUTE`] events are only counted: so a
//!   flood of garbage costs no more than the same flood of events would.
//! - Settling, forgetting and noting may be repeated. Holding is not: a sender that repeats a request is rejected twice.
//! - It relies on Linkers to know an event by its id, should it be replayed twice.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::PartKind;
use adtally_core::time::MINUTE_MS;
use adtally_wire::object::USAGE;
use adtally_wire::quarantine::{FORGET, HOLD, LIST, NOTE, OWNERS, Owner, Parcel, Record, SETTLE};
use futures_channel::oneshot;
use worker::{Delay, DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use super::vault::{Plain, Vault};
use crate::clock;
use crate::storage::quarantine::{MAX_ROW_BYTES, QuarantineStore, VERSION};
use crate::storage::sql::Database;
use crate::telemetry;
use crate::troubles::trouble;
use crate::usage;

/// How long the first request waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// The most bytes of records, as JSON, that are kept within a minute: ten thousand events of the usual size.
const MAX_BYTES_A_MINUTE: usize = 4_000_000;

/// See the module.
#[durable_object]
pub struct Quarantine {
    node: AssertUnwindSafe<Rc<Node>>,
    vault: AssertUnwindSafe<Vault>,
}

struct Node {
    state: Rc<State>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: OnceCell<QuarantineStore>,
    waiting: RefCell<Waiting>,
    /// The minute, and what was kept in it.
    spent: Cell<(i64, usize)>,
}

/// What the next row is made of.
#[derive(Default)]
struct Waiting {
    records: Vec<Record>,
    bytes: usize,
    counts: BTreeMap<String, u64>,
    answers: Vec<oneshot::Sender<bool>>,
}

impl DurableObject for Quarantine {
    fn new(state: State, _env: Env) -> Self {
        let node = Node {
            state: Rc::new(state),
            store: OnceCell::new(),
            waiting: RefCell::default(),
            spent: Cell::default(),
        };
        let vault = AssertUnwindSafe(Vault::new(node.state.clone(), PartKind::Quarantine, VERSION));
        Self { node: AssertUnwindSafe(Rc::new(node)), vault }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        telemetry::called("quarantine", &self.node.state);
        if let Some(answer) = self.vault.intercept(&mut request, &Plain(restored)).await? {
            return Ok(answer);
        }
        match (request.method(), request.path().as_str()) {
            (Method::Post, HOLD) => match self.node.0.clone().hold(request.json().await?).await {
                true => Response::empty(),
                false => refuse(503, None, "not stored"),
            },
            (Method::Post, LIST) => Response::from_json(&self.node.0.store()?.list(&request.json().await?)?),
            (Method::Post, SETTLE) => {
                self.node.0.store()?.settle(&request.json().await?)?;
                Response::empty()
            }
            (Method::Post, FORGET) => {
                self.node.0.store()?.forget(&request.json().await?)?;
                Response::empty()
            }
            (Method::Post, NOTE) => {
                let Owner { owner } = request.json().await?;
                self.node.0.store()?.note(&owner, clock::now().0)?;
                Response::empty()
            }
            (Method::Get, OWNERS) => Response::from_json(&self.node.0.store()?.owners()?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }
}

impl Node {
    fn store(&self) -> Result<&QuarantineStore> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = QuarantineStore::open(Database::new(self.state.clone()))?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Keeps a parcel; whether it is stored.
    async fn hold(self: Rc<Self>, parcel: Parcel) -> bool {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.borrow_mut();
            let keeps = waiting.bytes + parcel.bytes <= MAX_ROW_BYTES && self.may_keep(parcel.bytes);
            waiting.add(parcel, keeps);
            waiting.answers.push(answer);
            waiting.answers.len() == 1
        };
        if is_first {
            let node = self.clone();
            self.state.wait_until(async move {
                Delay::from(GATHER).await;
                node.commit();
            });
        }
        answered.await.unwrap_or(false)
    }

    /// Whether the minute has room for that many bytes more.
    fn may_keep(&self, bytes: usize) -> bool {
        let minute = clock::now().0.div_euclid(MINUTE_MS);
        let spent = match self.spent.get() {
            (known, spent) if known == minute => spent,
            _ => 0,
        };
        let fits = spent + bytes <= MAX_BYTES_A_MINUTE;
        self.spent.set((minute, if fits { spent + bytes } else { spent }));
        fits
    }

    fn commit(&self) {
        let Waiting { records, counts, answers, .. } = std::mem::take(&mut *self.waiting.borrow_mut());
        let stored = self.store().and_then(|store| store.hold(records, &counts, clock::now().0));
        if let Err(error) = &stored {
            trouble!("rejected events were not kept: {error}");
        }
        for answer in answers {
            // Whoever no longer listens has its rejections all the same.
            let _ = answer.send(stored.is_ok());
        }
    }
}

impl Waiting {
    fn add(&mut self, parcel: Parcel, keeps: bool) {
        parcel.count_in(&mut self.counts);
        if keeps {
            self.bytes += parcel.bytes;
            self.records.extend(parcel.records);
        }
    }
}

fn restored(database: Database) -> Result<()> {
    QuarantineStore::open(database).map(drop)
}
