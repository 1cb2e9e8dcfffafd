//! The Report object: the cells of one scope, and who watches them.
//!
//! - It owns the cells that Linker objects told it, by source, epoch and hour, the last sequence number of each, and the
//!   batch's cells by day, source and generation.
//! - A delta may be repeated: one that was heard before changes nothing. So may a publication.
//! - It relies on each source to send its deltas in order, and none before the one before it was answered; and on
//!   publications to cover all of a source up to its cut.

mod news;
mod publish;
mod restatements;
mod cubes;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use adtally_core::backup::PartKind;
use adtally_core::cell::Scope;
use adtally_core::cube::Choice;
use adtally_core::freshness::Mark;
use adtally_core::ledger::Hearing;
use adtally_core::report::{Query, Source};
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_wire::api::LiveMessage;
use adtally_wire::backup::object::Taken;
use adtally_wire::batch::PUBLISH;
use adtally_wire::cube::{CUBE_CELLS, CUBES};
use adtally_wire::delta::Delta;
use adtally_wire::object::{
    DELTA, GENERATION, LIVE, LastGeneration, NEWS, REDUCE, RESTATEMENTS, ReduceAnswer, ReduceHead,
    ReduceQuery, Routed, SOURCES, USAGE,
};
use adtally_wire::story;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    WebSocketPair, durable_object,
};

use super::refuse;
use super::vault::{Own, Refusal409, Vault};
use crate::clock;
use crate::storage::report::{ReportStore, Totals, VERSION};
use crate::storage::sql::Database;
use crate::telemetry;
use crate::usage;

use news::Audience;

/// The most watchers of a scope: each change is sent to each of them.
const MAX_WATCHERS: usize = 500;

/// See the module.
#[durable_object]
pub struct Report {
    state: AssertUnwindSafe<Rc<State>>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: AssertUnwindSafe<OnceCell<ReportStore>>,
    vault: AssertUnwindSafe<Vault>,
    env: AssertUnwindSafe<Env>,
    is_publishing: AssertUnwindSafe<Cell<bool>>,
    audience: AssertUnwindSafe<Rc<RefCell<Audience>>>,
    /// Made anew from the store whenever it is not there.
    cubes: AssertUnwindSafe<cubes::Memory>,
}

impl DurableObject for Report {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        Self {
            vault: AssertUnwindSafe(Vault::new(state.clone(), PartKind::Report, VERSION)),
            state: AssertUnwindSafe(state),
            store: AssertUnwindSafe(OnceCell::new()),
            env: AssertUnwindSafe(env),
            is_publishing: AssertUnwindSafe(Cell::new(false)),
            audience: AssertUnwindSafe(Rc::new(RefCell::new(Audience::new(clock::now())))),
            cubes: AssertUnwindSafe(cubes::Memory::default()),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        telemetry::called("report", &self.state.0);
        if let Some(answer) = self.vault.intercept(&mut request, self).await? {
            return Ok(answer);
        }
        match (request.method(), request.path().as_str()) {
            (Method::Post, DELTA) => {
                telemetry::push_soon(&self.state.0, &self.env.0);
                self.hear(&request.bytes().await?)
            }
            (Method::Post, PUBLISH) => self.publish(&request.bytes().await?).await,
            (Method::Post, REDUCE) => self.reduce(&serde_json::from_slice(&request.bytes().await?)?),
            (Method::Post, CUBES) => self.cube_call(request.json().await?),
            (Method::Post, CUBE_CELLS) => self.cube_cells(&request.json().await?),
            (Method::Get, NEWS) => {
                let news = self.asked(&self.store()?)?;
                Response::from_bytes(serde_json::to_vec(&news)?)
            }
            (Method::Post, RESTATEMENTS) => self.restatements(&request.json().await?),
            (Method::Get, GENERATION) => {
                let generation = self.store()?.last_generation()?.generation;
                Response::from_json(&LastGeneration { generation })
            }
            (Method::Get, LIVE) => self.watch(),
            (Method::Get, SOURCES) => Response::from_json(&self.store()?.source_names()?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }

    async fn websocket_message(&self, _socket: WebSocket, _message: WebSocketIncomingMessage) -> Result<()> {
        // Watchers have nothing to say.
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        // Codes that mean "no code was sent" may be received but not sent.
        let code = u16::try_from(code).ok().filter(|code| !matches!(code, 1004..=1006 | 1015));
        let _ = socket.close(code.or(Some(1000)), Some("goodbye"));
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }
}

impl Own for Report {
    fn taken(&self, _backup: &str) -> Result<std::result::Result<Taken, Refusal409>> {
        Ok(Ok(Taken { sources: self.store()?.source_names()?, ..Taken::default() }))
    }

    fn restored(&self, database: Database) -> Result<()> {
        ReportStore::open(database)?.forget_parts()
    }
}

impl Report {
    /// Takes in a delta, once.
    fn hear(&self, bytes: &[u8]) -> Result<Response> {
        let delta = match Delta::decode(bytes) {
            Ok(delta) => delta,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        let store = self.store()?;
        let source = store.source(&delta.source)?;
        match source.heard.hear(delta.seq, delta.epoch) {
            // It may be that nobody heard of it before this object died.
            Hearing::Known => {
                self.announce_soon();
                return Response::empty();
            }
            Hearing::Covered => {
                store.note(&delta)?;
                self.audience.borrow_mut().told(source.heard.seq, delta.seq, &Segment::default());
            }
            Hearing::Take => {
                let segment = match Segment::decode(&delta.segment) {
                    Ok(segment) => segment,
                    Err(error) => return refuse(400, None, &error.to_string()),
                };
                let mut totals = source.totals;
                add_up(&mut totals, story::measures(&segment.sums()));
                store.add(&delta, &segment, &totals)?;
                self.audience.borrow_mut().told(source.heard.seq, delta.seq, &segment);
            }
        }
        self.announce_soon();
        self.tell_watchers(&store)?;
        Response::empty()
    }

    /// The cells that a query needs, unless they are those that it knows.
    fn reduce(&self, wanted: &ReduceQuery) -> Result<Response> {
        let now = ServerTime(wanted.now_ms);
        let query = match Query::parse(&wanted.parameters, &wanted.default_tz, now) {
            Ok(query) => query,
            Err(error) => return refuse(422, None, &error.to_string()),
        };
        let (plan, store) = (query.plan(), self.store()?);
        let news = self.asked(&store)?;
        if let Some((generation, version)) = wanted.known
            && !news.news().has_changed(Mark { generation, version }, query.source(), &plan.hours)
        {
            return answer_of(ReduceAnswer {
                head: news.head.clone(),
                news,
                routed: Routed::default(),
                segment: None,
            });
        }
        let mut reduced = Merger::default();
        let mut cells = 0;
        let mut take = |segment: Segment| {
            cells += segment.len() as u64;
            reduced.add(plan.reduce(&segment));
        };
        if query.source() != Source::Batch {
            store.segments(&plan.hours, &mut take)?;
        }
        let realtime_cells = std::mem::take(&mut cells);
        let mut routed = Routed { realtime_cells, ..Routed::default() };
        let mut take = |segment: Segment| {
            cells += segment.len() as u64;
            reduced.add(plan.reduce(&segment));
        };
        if query.source() != Source::Realtime {
            let generation = match query.as_of() {
                Some(asked) => store.generation_upto(asked)?,
                None => store.last_generation()?,
            };
            let choice = match wanted.use_cubes {
                true => self.route(&plan, generation.generation)?,
                false => Choice::default(),
            };
            let days = store.days_of(&plan.hours, generation.generation, &choice.days, &mut take)?;
            if wanted.use_cubes {
                routed = self.routed(&plan, &wanted.default_tz, choice, (days, cells, realtime_cells))?;
            }
        }
        let head = match query.source() {
            Source::Batch => batch_head(&store, query.as_of())?,
            Source::Merged | Source::Realtime => news.head.clone(),
        };
        answer_of(ReduceAnswer { head, news, routed, segment: Some(reduced.finish().encode()) })
    }

    /// Opens a WebSocket that is told every change of the scope.
    fn watch(&self) -> Result<Response> {
        if self.state.get_websockets().len() >= MAX_WATCHERS {
            return refuse(429, Some(5), "too many watchers of this scope");
        }
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        server.send_with_str(self.message(&self.store()?)?)?;
        Response::from_websocket(client)
    }

    fn tell_watchers(&self, store: &ReportStore) -> Result<()> {
        let watchers = self.state.get_websockets();
        if watchers.is_empty() {
            return Ok(());
        }
        let message = self.message(store)?;
        for watcher in watchers {
            // One that is going away is told by its close, not by this.
            let _ = watcher.send_with_str(&message);
        }
        Ok(())
    }

    fn message(&self, store: &ReportStore) -> Result<String> {
        let scope = self.scope()?;
        let mut totals = store.last_generation()?.totals;
        for source in store.sources()? {
            add_up(&mut totals, source.totals);
        }
        totals.retain(|_, figure| *figure != 0);
        let version = head(store)?.data_version(&scope);
        Ok(serde_json::to_string(&LiveMessage { scope: scope.to_string(), version, totals })?)
    }

    fn scope(&self) -> Result<Scope> {
        let name = self.state.id().name().and_then(|name| Scope::parse(&name));
        name.ok_or_else(|| Error::RustError("the object does not know its scope".to_owned()))
    }

    fn store(&self) -> Result<ReportStore> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let store = ReportStore::open(Database::new(self.state.0.clone()))?;
        Ok(self.store.get_or_init(|| store).clone())
    }
}

fn answer_of(answer: ReduceAnswer) -> Result<Response> {
    Response::from_bytes(answer.encode())
}

/// What is known of all that the scope has. Sequence numbers only grow, so their sum changes with every delta.
fn head(store: &ReportStore) -> Result<ReduceHead> {
    let (sources, last) = (store.sources()?, store.last_generation()?);
    let through_ms = sources.iter().map(|source| source.through_ms.max(source.covered_through_ms));
    Ok(ReduceHead {
        version: sources.iter().filter_map(|source| source.heard.seq).sum(),
        generation: last.generation,
        published: last.generation,
        // A source that never told all it had leaves the whole unknown, and none is less than any time.
        complete_through_ms: through_ms.clone().min().flatten(),
        updated_ms: through_ms.flatten().max(),
    })
}

/// What is known of the batch alone: nothing of it changes between publications.
fn batch_head(store: &ReportStore, as_of: Option<u64>) -> Result<ReduceHead> {
    let last = store.last_generation()?;
    let published = last.generation;
    let generation = match as_of {
        Some(asked) => store.generation_upto(asked)?,
        None => last,
    };
    Ok(ReduceHead {
        version: 0,
        generation: generation.generation,
        published,
        complete_through_ms: generation.through_ms,
        updated_ms: generation.updated_ms,
    })
}

fn add_up(totals: &mut Totals, more: BTreeMap<String, i64>) {
    for (measure, figure) in more {
        *totals.entry(measure).or_default() += figure;
    }
}
