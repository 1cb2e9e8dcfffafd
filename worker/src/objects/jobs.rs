//! The Jobs object, of which there is one: runs of tasks, and who may work on what.
//!
//! - It owns the jobs, their runs and tasks, and what these said.
//! - Memory holds nothing that is not stored: what happens is decided by `core::jobs`, stored in one transaction, and
//!   only then told to anybody. Should storing fail, memory is thrown away and made again.
//! - Everything that consumers say may be repeated: a ticket is granted once, and heard while it is the present one
//!   (JOB-1). Starting a run twice makes two.
//! - It relies on nobody: messages that a queue loses are sent again, and consumers that vanish are noticed.

mod definitions;
mod desk;
mod schedules;
mod work;

use std::cell::{Cell, OnceCell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::PartKind;
use adtally_core::jobs::Message;
use adtally_core::time::{SECOND_MS, ServerTime};
use adtally_wire::jobs::object::{
    Answer, BEAT, CANCEL, CLAIM, DEFINE, DEFINITION, DEFINITIONS, FINISH, FORGET, LIST, RESULTS, RETRY, SHOW,
    START, TICK, Ticket,
};
use adtally_wire::object::USAGE;
use futures_util::future::{Either, select};
use serde::Serialize;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{
    BatchMessageBuilder, Delay, DurableObject, Env, Error, MessageBuilder, Method, QueueContentType, Request,
    Response, Result, SendMessage, State, durable_object,
};

use super::refuse;
use super::vault::{Plain, Vault};
use crate::bindings::TASKS;
use crate::clock;
use crate::storage::jobs::{Extras, JobStore, VERSION};
use crate::storage::sql::Database;
use crate::telemetry;
use crate::troubles::{self, trouble};
use crate::usage;
use desk::Desk;

/// How long until an alarm looks after tasks that are under way: what a crash of everything may cost.
const WATCH_MS: i64 = 2 * SECOND_MS;
/// How long until the next look, if one failed.
const RECOVER_MS: i64 = 10 * SECOND_MS;
/// An alarm that is later than this says that nobody could be heard meanwhile.
const DEAF_MS: i64 = SECOND_MS;
/// The most messages in one call of a queue.
const MESSAGES_AT_ONCE: usize = 100;
/// How long the queue may take to answer.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// See the module.
#[durable_object]
pub struct Jobs {
    node: AssertUnwindSafe<Rc<Node>>,
    vault: AssertUnwindSafe<Vault>,
}

/// The object, shared with the work that outlives a request.
struct Node {
    state: Rc<State>,
    env: Env,
    store: OnceCell<JobStore>,
    /// Taken out while it is changed: should that fail, it is gone, and made again from the store.
    desk: RefCell<Option<Desk>>,
    /// When the alarm is to ring, in ms since 1970, where this instance has set it.
    alarm_at: Cell<Option<i64>>,
}

impl DurableObject for Jobs {
    fn new(state: State, env: Env) -> Self {
        let node = Node {
            state: Rc::new(state),
            env,
            store: OnceCell::new(),
            desk: RefCell::default(),
            alarm_at: Cell::default(),
        };
        let vault = AssertUnwindSafe(Vault::new(node.state.clone(), PartKind::Jobs, VERSION));
        Self { node: AssertUnwindSafe(Rc::new(node)), vault }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        telemetry::called("jobs", &self.node.state);
        if let Some(answer) = self.vault.intercept(&mut request, &Plain(restored)).await? {
            return Ok(answer);
        }
        let node = &self.node;
        match (request.method(), request.path().as_str()) {
            (Method::Post, START) => answer(node.start(request.json().await?)?),
            (Method::Post, LIST) => answer(node.list(&request.json().await?)?),
            (Method::Post, SHOW) => node.show(&request.json().await?),
            (Method::Post, RETRY) => answer(node.retry(&request.json().await?)?),
            (Method::Post, CANCEL) => answer(node.cancel(&request.json().await?)?),
            (Method::Post, CLAIM) => answer(node.claim(&request.json().await?)?),
            (Method::Post, BEAT) => answer(node.beat(request.json().await?)?),
            (Method::Post, FINISH) => answer(node.finish(request.json().await?)?),
            (Method::Post, RESULTS) => answer(node.results(&request.json().await?)?),
            (Method::Post, DEFINE) => answer(node.define(request.json().await?)?),
            (Method::Post, FORGET) => answer(node.forget(&request.json::<String>().await?)?),
            (Method::Post, DEFINITION) => answer(node.definition(&request.json::<String>().await?)?),
            (Method::Post, DEFINITIONS) => answer(node.definitions()?),
            (Method::Post, TICK) => answer(node.tick(&request.json().await?)?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }

    /// Sends what nobody claimed, gives up on consumers that vanished, starts what is due.
    async fn alarm(&self) -> Result<Response> {
        usage::called();
        if self.vault.is_closed()? {
            return Response::empty();
        }
        let late_ms = self.node.alarm_at.take().map_or(0, |at| clock::now().0 - at);
        if let Err(error) = self.node.wake(late_ms) {
            // The platform would try some times and then never again.
            trouble!("jobs could not be looked after: {error}");
            let now = clock::now();
            self.node.set_alarm(now.0 + RECOVER_MS, now).await;
        }
        Response::empty()
    }
}

fn restored(database: Database) -> Result<()> {
    JobStore::open(database).map(drop)
}

fn answer<T: Serialize>(answer: Answer<T>) -> Result<Response> {
    Response::from_json(&answer)
}

impl Node {
    fn store(&self) -> Result<&JobStore> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let store = JobStore::open(Database::new(self.state.clone()))?;
        Ok(self.store.get_or_init(|| store))
    }

    /// The desk, for reading.
    fn read<T>(self: &Rc<Self>, look: impl FnOnce(&Desk) -> Result<T>) -> Result<T> {
        if self.desk.borrow().is_none() {
            // Loading it makes changes that have to be stored.
            self.change(|_, _, _| Ok(Ok(())))?.map_err(|refusal| Error::RustError(refusal.to_string()))?;
        }
        match &*self.desk.borrow() {
            Some(desk) => look(desk),
            None => Err(Error::RustError("the desk was not loaded".to_owned())),
        }
    }

    /// Changes the desk, does what is due, stores it, and tells whom it concerns.
    ///
    /// 1. Setting the alarm may be repeated: it only moves. It is part of the same transaction of the platform, so no
    ///    change is stored without somebody who looks after it.
    /// 2. Waiting for the store may be repeated. It comes before sending, as the platform holds back answers until
    ///    writes are durable, but not messages to queues.
    /// 3. Sending may be repeated: a ticket is granted once.
    fn change<T>(
        self: &Rc<Self>,
        act: impl FnOnce(&mut Desk, &mut Extras, ServerTime) -> Result<Answer<T>>,
    ) -> Result<Answer<T>> {
        let now = clock::now();
        let taken = self.desk.borrow_mut().take();
        let mut extras = Extras::default();
        let mut desk = match taken {
            Some(desk) => desk,
            None => Desk::load(self.store()?, &mut extras, now)?,
        };
        let answer = act(&mut desk, &mut extras, now)?;
        desk.board.step(now);
        let changes = desk.board.take_changes();
        self.store()?.save(&changes, &desk.board, &extras, now.0)?;
        desk.failures().iter().for_each(|failure| trouble!("{failure}"));
        troubles::send_soon(&self.state, &self.env);
        if desk.forget_ended() {
            self.store()?.expire()?;
        }
        let messages = desk.board.take_messages();
        let alarm = self.next_alarm(&desk, now);
        *self.desk.borrow_mut() = Some(desk);
        if alarm.is_some() || !messages.is_empty() {
            let node = self.clone();
            self.state.wait_until(async move {
                if let Some(at) = alarm {
                    node.set_alarm(at, now).await;
                }
                if let Err(error) = node.send(&messages).await {
                    trouble!("tasks that could not be sent are sent again: {error}");
                }
            });
        }
        Ok(answer)
    }

    /// When the alarm has to ring, unless it does before.
    fn next_alarm(&self, desk: &Desk, now: ServerTime) -> Option<i64> {
        let is_watched = desk.board.in_flight() > 0;
        let watch = is_watched.then_some(now.0 + WATCH_MS);
        let due = desk.board.due(now).map(|due| due.0);
        let at = [watch, due, desk.next_schedule()].into_iter().flatten().min()?.max(now.0);
        match self.alarm_at.get() {
            Some(set) if set <= at && set > now.0 - DEAF_MS => None,
            _ => Some(at),
        }
    }

    async fn set_alarm(&self, at_ms: i64, now: ServerTime) {
        self.alarm_at.set(Some(at_ms));
        let wait = Duration::from_millis(u64::try_from(at_ms - now.0).unwrap_or(0));
        match self.state.storage().set_alarm(wait).await {
            Ok(()) => usage::set_alarm(),
            Err(error) => {
                self.alarm_at.set(None);
                trouble!("the alarm could not be set: {error}");
            }
        }
    }

    /// As text: whatever else a message can be becomes something else on the way.
    async fn send(&self, messages: &[Message]) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let stored = self.state.storage().as_raw().sync()?;
        JsFuture::from(stored).await?;
        let queue = self.env.queue(TASKS)?;
        for messages in messages.chunks(MESSAGES_AT_ONCE) {
            let texts: Vec<String> = messages
                .iter()
                .map(|message| serde_json::to_string(&Ticket::from(message)))
                .collect::<std::result::Result<_, _>>()?;
            let text = |text: &String| -> SendMessage<String> {
                MessageBuilder::new(text.clone()).content_type(QueueContentType::Text).build()
            };
            let batch = BatchMessageBuilder::new().messages(texts.iter().map(text)).build();
            let sending = std::pin::pin!(queue.send_batch(batch));
            match select(sending, Delay::from(SEND_TIMEOUT)).await {
                Either::Left((sent, _)) => sent?,
                Either::Right(_) => return Err(Error::RustError("no answer of the queue".to_owned())),
            }
            texts.iter().for_each(|text| usage::sent(text.len()));
        }
        Ok(())
    }
}
