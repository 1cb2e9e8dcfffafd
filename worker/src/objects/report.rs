//! The Report object: the signed cells of one scope, and who watches them.
//!
//! - It owns the cells that Linker objects told it, by source, epoch and hour, and the last sequence number of each.
//! - A delta may be repeated: one that was heard before changes nothing.
//! - It relies on each source to send its deltas in order, and none before the one before it was answered.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use adtally_core::cell::Scope;
use adtally_core::ledger::{Hearing, hear};
use adtally_core::report::Query;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_wire::api::LiveMessage;
use adtally_wire::delta::Delta;
use adtally_wire::object::{DELTA, LIVE, REDUCE, ReduceAnswer, ReduceHead, ReduceQuery, SOURCES, USAGE};
use adtally_wire::story;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    WebSocketPair, durable_object,
};

use super::refuse;
use crate::storage::report::{ReportStore, Totals};
use crate::storage::sql::Database;
use crate::usage;

/// The most watchers of a scope: each change is sent to each of them.
const MAX_WATCHERS: usize = 500;

/// See the module.
#[durable_object]
pub struct Report {
    state: AssertUnwindSafe<Rc<State>>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: AssertUnwindSafe<OnceCell<ReportStore>>,
}

impl DurableObject for Report {
    fn new(state: State, _env: Env) -> Self {
        Self { state: AssertUnwindSafe(Rc::new(state)), store: AssertUnwindSafe(OnceCell::new()) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        match (request.method(), request.path().as_str()) {
            (Method::Post, DELTA) => self.hear(&request.bytes().await?),
            (Method::Post, REDUCE) => self.reduce(&request.json().await?),
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

impl Report {
    /// Takes in a delta, once.
    fn hear(&self, bytes: &[u8]) -> Result<Response> {
        let delta = match Delta::decode(bytes) {
            Ok(delta) => delta,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        let store = self.store()?;
        let heard = store.source(&delta.source)?;
        if hear(heard.as_ref().map(|heard| heard.seq), delta.seq) == Hearing::Known {
            return Response::empty();
        }
        let segment = match Segment::decode(&delta.segment) {
            Ok(segment) => segment,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        let mut totals = heard.map(|heard| heard.totals).unwrap_or_default();
        add_up(&mut totals, story::measures(&segment.sums()));
        store.add(&delta, &segment, &totals)?;
        self.tell_watchers(&store)?;
        Response::empty()
    }

    /// The cells that a query needs.
    fn reduce(&self, wanted: &ReduceQuery) -> Result<Response> {
        let now = ServerTime(wanted.now_ms);
        let query = match Query::parse(&wanted.parameters, &wanted.default_tz, now) {
            Ok(query) => query,
            Err(error) => return refuse(422, None, &error.to_string()),
        };
        let (plan, store) = (query.plan(), self.store()?);
        let mut reduced = Merger::default();
        // No batch has been published yet: all cells are real-time cells.
        if query.source() != adtally_core::report::Source::Batch {
            store.segments(&plan.hours, |segment| reduced.add(plan.reduce(&segment)))?;
        }
        let answer = ReduceAnswer { head: head(&store)?, segment: reduced.finish().encode() };
        Response::from_bytes(answer.encode())
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
        let name = self.state.id().name().and_then(|name| Scope::parse(&name));
        let scope = name.ok_or_else(|| Error::RustError("the object does not know its scope".to_owned()))?;
        let mut totals = Totals::new();
        for source in store.sources()? {
            add_up(&mut totals, source.totals);
        }
        let version = head(store)?.data_version(&scope);
        Ok(serde_json::to_string(&LiveMessage { scope: scope.to_string(), version, totals })?)
    }

    fn store(&self) -> Result<ReportStore> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let store = ReportStore::open(Database::new(self.state.0.clone()))?;
        Ok(self.store.get_or_init(|| store).clone())
    }
}

/// Sequence numbers only grow, so their sum changes with every delta.
fn head(store: &ReportStore) -> Result<ReduceHead> {
    let sources = store.sources()?;
    Ok(ReduceHead {
        version: sources.iter().map(|source| source.seq).sum(),
        generation: 0,
        // A source that never told all it had leaves the whole unknown, and none is less than any time.
        complete_through_ms: sources.iter().map(|source| source.through_ms).min().flatten(),
        updated_ms: sources.iter().filter_map(|source| source.through_ms).max(),
    })
}

fn add_up(totals: &mut Totals, more: BTreeMap<String, i64>) {
    for (measure, figure) in more {
        *totals.entry(measure).or_default() += figure;
    }
}
