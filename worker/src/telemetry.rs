//! Counting while the system runs: each isolate counts for itself and tells the Telemetry object from time to time.
//!
//! A crash loses what was counted since the last push, [`EVERY_MS`] ago at most: these are figures for operators, not
//! for bills.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::telemetry::{Counts, Figure, Load, Recent};
use adtally_core::time::{SECOND_MS, ServerTime};
use adtally_wire::object::Usage;
use adtally_wire::telemetry::{LATELY, Lately, PUSH, Push, READ, TELEMETRY_NAME, Values};
use futures_util::future::{Either, select};
use worker::{Delay, Env, Method, Response, State};

use crate::bindings::TELEMETRY;
use crate::clock;
use crate::linkers::request;
use crate::problem::Fault;
use crate::troubles::{self, trouble};
use crate::usage;

/// How often an isolate pushes.
const EVERY_MS: i64 = 10 * SECOND_MS;
/// How long a push or a question may take.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    static OWN: RefCell<Own> = RefCell::default();
}

/// What this isolate knows.
#[derive(Default)]
struct Own {
    instance: Option<String>,
    seq: u64,
    counted: Counts,
    gauges: BTreeMap<String, Counts>,
    /// What objects did since the last push.
    loads: BTreeMap<String, Load>,
    /// What the platform bills by, as of the last push.
    used: Usage,
    /// Sent and not confirmed: it is sent again as it was.
    pending: Option<Push>,
    is_pushing: bool,
    pushed: Option<ServerTime>,
}

/// Adds to a counter.
pub(crate) fn add(figure: Figure, part: &str, count: u64) {
    OWN.with_borrow_mut(|own| own.counted.add(figure, part, count));
}

/// Notes a value of a histogram.
pub(crate) fn observe(figure: Figure, value: i64) {
    OWN.with_borrow_mut(|own| own.counted.observe(figure, value));
}

/// Says how an object is.
pub(crate) fn gauge(object: &str, values: &[(Figure, i64)]) {
    OWN.with_borrow_mut(|own| {
        let gauges = own.gauges.entry(object.to_owned()).or_default();
        for (figure, value) in values {
            gauges.set(*figure, "", *value);
        }
    });
}

/// An object of a class was called by a request.
pub(crate) fn called(class: &str, state: &State) {
    if let Some(name) = state.id().name() {
        add_load(&format!("{class}:{name}"), Load { calls: 1, events: 0 });
    }
}

fn add_load(object: &str, load: Load) {
    OWN.with_borrow_mut(|own| match own.loads.get_mut(object) {
        Some(known) => known.add(load),
        None => own.loads.entry(object.to_owned()).or_default().add(load),
    });
}

/// An object that is called so often that it is asked for its name but once.
pub(crate) struct Busy {
    class: &'static str,
    state: Rc<State>,
    object: OnceCell<String>,
}

impl Busy {
    /// An object of a class.
    pub(crate) fn new(class: &'static str, state: Rc<State>) -> Self {
        Self { class, state, object: OnceCell::new() }
    }

    /// It did something.
    pub(crate) fn worked(&self, load: Load) {
        if let Some(object) = self.object.get() {
            return add_load(object, load);
        }
        // An alarm does not tell an object its name, a call does.
        if let Some(name) = self.state.id().name() {
            add_load(self.object.get_or_init(|| format!("{}:{name}", self.class)), load);
        }
    }
}

/// Pushes while the request of an object goes on, if it is time; errors that wait are sent as well.
pub(crate) fn push_soon(state: &State, env: &Env) {
    troubles::send_soon(state, env);
    if is_due(clock::now()) {
        let env = env.clone();
        state.wait_until(async move { push(&env).await });
    }
}

/// Whether it is time for a push.
pub(crate) fn is_due(now: ServerTime) -> bool {
    OWN.with_borrow(|own| {
        !own.is_pushing && own.pushed.is_none_or(|at| now.0.abs_diff(at.0) >= EVERY_MS as u64)
    })
}

/// Tells the Telemetry object what was counted; what it does not hear is told again.
pub(crate) async fn push(env: &Env) {
    let Some(push) = OWN.with_borrow_mut(Own::begin) else { return };
    let told = async {
        ask(env, Method::Post, PUSH, &serde_json::to_vec(&push).map_err(worker::Error::from)?).await
    };
    let outcome = told.await;
    OWN.with_borrow_mut(|own| own.end(outcome.is_ok()));
    if let Err(fault) = outcome {
        trouble!("telemetry was not heard: {fault}");
    }
}

/// What all isolates have counted.
pub(crate) async fn read(env: &Env) -> Result<Counts, Fault> {
    let bytes = ask(env, Method::Get, READ, &[]).await?.bytes().await?;
    let values: Values = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
    Ok(values.counts())
}

/// What was counted in the last minutes, and how busy objects were.
pub(crate) async fn lately(env: &Env) -> Result<Recent, Fault> {
    let bytes = ask(env, Method::Get, LATELY, &[]).await?.bytes().await?;
    let Lately { over_ms, counted, loads } = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
    let loads = loads.into_iter().map(|(object, calls, events)| (object, Load { calls, events })).collect();
    Ok(Recent { over_ms, counted: counted.counts(), loads })
}

async fn ask(env: &Env, method: Method, path: &str, body: &[u8]) -> Result<Response, Fault> {
    let namespace = env.durable_object(TELEMETRY).map_err(|_| Fault::Misconfigured(TELEMETRY))?;
    let stub = namespace.get_by_name(TELEMETRY_NAME)?;
    let asked = Box::pin(stub.fetch_with_request(request(method, path, body)?));
    match select(asked, Delay::from(PATIENCE)).await {
        Either::Left((Ok(answer), _)) if answer.status_code() == 200 => Ok(answer),
        Either::Left((Ok(answer), _)) => {
            Err(Fault::unavailable(format!("telemetry answered {}", answer.status_code())))
        }
        Either::Left((Err(error), _)) => Err(Fault::unavailable(format!("telemetry: {error}"))),
        Either::Right(_) => Err(Fault::unavailable("telemetry: no answer")),
    }
}

impl Own {
    /// What is to be pushed; `None` while a push is under way.
    fn begin(&mut self) -> Option<Push> {
        if self.is_pushing {
            return None;
        }
        self.is_pushing = true;
        self.pushed = Some(clock::now());
        if let Some(pending) = &self.pending {
            return Some(pending.clone());
        }
        let used = usage::so_far();
        let since = |now: u64, before: u64| now.saturating_sub(before);
        self.counted.add(Figure::ObjectCalls, "", since(used.object_calls, self.used.object_calls));
        self.counted.add(Figure::RowsWritten, "", since(used.rows_written, self.used.rows_written));
        self.counted.add(Figure::AlarmsSet, "", since(used.alarms_set, self.used.alarms_set));
        self.counted.add(
            Figure::QueueOperations,
            "",
            since(used.queue_operations, self.used.queue_operations),
        );
        self.used = used;
        let instance = self.instance.get_or_insert_with(|| {
            let bytes = clock::random::<8>().unwrap_or_default();
            format!("{:016x}", u64::from_be_bytes(bytes))
        });
        let memory = i64::try_from(used.memory_bytes).unwrap_or(i64::MAX);
        self.gauges.entry(instance.clone()).or_default().set(Figure::Memory, "", memory);
        self.seq += 1;
        let push = Push {
            instance: instance.clone(),
            seq: self.seq,
            counted: Values::of(&std::mem::take(&mut self.counted)),
            gauges: std::mem::take(&mut self.gauges)
                .iter()
                .map(|(name, counts)| (name.clone(), Values::of(counts)))
                .collect(),
            loads: std::mem::take(&mut self.loads)
                .into_iter()
                .map(|(object, Load { calls, events })| (object, (calls, events)))
                .collect(),
        };
        self.pending = Some(push.clone());
        Some(push)
    }

    fn end(&mut self, is_heard: bool) {
        self.is_pushing = false;
        if is_heard {
            self.pending = None;
        }
    }
}
