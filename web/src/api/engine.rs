//! Statements, answered by the server, or in this browser by a module in a thread of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use adtally_wire::api::Problem;
use futures::channel::oneshot;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

use super::client::{Client, from_json};
use super::failure::Failure;
use crate::model::outcome::Answer;
use crate::state::params::encode;

/// The module.
const MODULE: &str = "/engine/worker.js";

/// Whose statements are answered, and where days begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Whose cells.
    pub scope: String,
    /// An IANA zone.
    pub tz: String,
}

/// How much was downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Cells.
    pub cells: u64,
    /// Bytes.
    pub bytes: u64,
}

#[derive(Serialize)]
struct Question<'a> {
    sql: &'a str,
    tz: &'a str,
}

/// Asks the server.
pub async fn on_server(client: Client, about: &About, sql: &str) -> Result<Answer, Failure> {
    let address = format!("/v1/sql?scope={}", encode(&about.scope));
    client.send(gloo_net::http::Method::POST, &address, &Question { sql, tz: &about.tz }).await
}

/// What the thread is told.
#[derive(Serialize)]
struct Ask<'a> {
    id: u32,
    sql: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    tz: &'a str,
}

/// What it answers.
#[derive(Deserialize)]
struct Told {
    id: u32,
    answer: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    cells: Option<f64>,
    bytes: Option<f64>,
}

type Waiting = Rc<RefCell<BTreeMap<u32, oneshot::Sender<Told>>>>;

/// A thread that keeps cells and answers statements from them.
pub struct Engine {
    about: About,
    worker: Worker,
    waiting: Waiting,
    last: u32,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(JsValue)>,
}

impl Engine {
    fn start(about: About) -> Option<Engine> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(MODULE, &options).ok()?;
        let waiting = Waiting::default();
        let heard = waiting.clone();
        let on_message: Closure<dyn FnMut(MessageEvent)> = Closure::new(move |event: MessageEvent| {
            let told = Told::deserialize(serde_wasm_bindgen::Deserializer::from(event.data()));
            if let Ok(told) = told
                && let Some(asked) = heard.borrow_mut().remove(&told.id)
            {
                // Whoever asked may be gone.
                let _ = asked.send(told);
            }
        });
        let lost = waiting.clone();
        // Nobody will be answered: those who wait hear that.
        let on_error: Closure<dyn FnMut(JsValue)> = Closure::new(move |_: JsValue| lost.borrow_mut().clear());
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Engine { about, worker, waiting, last: 0, _on_message: on_message, _on_error: on_error })
    }

    fn ask(&mut self, sql: &str) -> oneshot::Receiver<Told> {
        self.last += 1;
        let (sender, receiver) = oneshot::channel();
        let scope = (self.last == 1).then_some(self.about.scope.as_str());
        let ask = Ask { id: self.last, sql, scope, tz: &self.about.tz };
        let message = ask.serialize(&serde_wasm_bindgen::Serializer::json_compatible());
        if message.is_ok_and(|message| self.worker.post_message(&message).is_ok()) {
            self.waiting.borrow_mut().insert(self.last, sender);
        }
        receiver
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// The thread of a page, which is started when it is needed first, and anew for another scope or zone.
#[derive(Clone, Copy)]
pub struct Here {
    engine: StoredValue<Option<Engine>, LocalStorage>,
    /// How much it has downloaded.
    pub held: RwSignal<Held>,
}

impl Here {
    /// No thread yet.
    pub fn new() -> Here {
        let here = Here { engine: StoredValue::new_local(None), held: RwSignal::new(Held::default()) };
        on_cleanup(move || drop(here.engine.try_update_value(Option::take)));
        here
    }

    /// Forgets what was downloaded: the next statement downloads it again.
    pub fn forget(self) {
        self.engine.update_value(|engine| *engine = None);
        self.held.set(Held::default());
    }

    /// Asks the thread.
    pub async fn answer(self, about: &About, sql: &str) -> Result<Answer, Failure> {
        let lost = || Failure::Unreachable("the module that answers here".to_string());
        let asked = self.engine.try_update_value(|engine| {
            if engine.as_ref().is_none_or(|engine| engine.about != *about) {
                *engine = Engine::start(about.clone());
            }
            engine.as_mut().map(|engine| engine.ask(sql))
        });
        let told = match asked.flatten() {
            Some(receiver) => receiver.await.map_err(|_| lost()),
            None => Err(lost()),
        };
        if told.is_err() {
            // The next one tries a new thread.
            self.engine.try_update_value(|engine| *engine = None);
        }
        let told = told?;
        let whole = |number: Option<f64>| number.unwrap_or_default() as u64;
        self.held.try_update(|held| {
            let now = Held { cells: whole(told.cells), bytes: whole(told.bytes) };
            *held = if now.cells == 0 { *held } else { now };
        });
        match told.answer {
            Some(answer) => from_json(&answer),
            None => Err(Failure::Refused(Problem {
                kind: String::new(),
                title: String::new(),
                status: 422,
                detail: told.detail.unwrap_or_default(),
                code: told.code.unwrap_or_default(),
            })),
        }
    }
}

impl Default for Here {
    fn default() -> Self {
        Here::new()
    }
}
