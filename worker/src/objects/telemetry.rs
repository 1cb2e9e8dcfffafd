//! The Telemetry object, of which there is one: what all isolates have counted.
//!
//! - It owns the sums of all pushes, and the number of the last push of each isolate.
//! - A push may be repeated: its number tells.
//! - Gauges live in memory only, for [`FRESH_MS`]: whoever they are about tells them again.
//! - It relies on nobody, and nobody waits for it: each isolate pushes every ten seconds at most.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use adtally_core::telemetry::{Counts, Load, Window};
use adtally_core::time::MINUTE_MS;
use adtally_wire::object::USAGE;
use adtally_wire::telemetry::{LATELY, Lately, PUSH, Push, READ, Values};
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use crate::clock;
use crate::storage::sql::Database;
use crate::storage::telemetry::{TelemetryStore, Totals};
use crate::usage;

/// How long a gauge is believed.
const FRESH_MS: i64 = 2 * MINUTE_MS;

/// Objects that are told of: more are no page that anybody reads.
const MOST_OBJECTS: usize = 50;

/// See the module.
#[durable_object]
pub struct Telemetry {
    state: AssertUnwindSafe<Rc<State>>,
    known: AssertUnwindSafe<RefCell<Option<Known>>>,
}

struct Known {
    store: TelemetryStore,
    totals: Totals,
    /// By object: when it was told, and what.
    gauges: BTreeMap<String, (i64, Counts)>,
    /// The last minutes, as far as this instance heard of them.
    window: Window,
}

impl DurableObject for Telemetry {
    fn new(state: State, _env: Env) -> Self {
        Self { state: AssertUnwindSafe(Rc::new(state)), known: AssertUnwindSafe(RefCell::default()) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        match (request.method(), request.path().as_str()) {
            (Method::Post, PUSH) => {
                let push: Push = request.json().await?;
                self.with(|known| known.take(&push))?;
                Response::empty()
            }
            (Method::Get, READ) => Response::from_json(&Values::of(&self.with(|known| Ok(known.all()))?)),
            (Method::Get, LATELY) => Response::from_json(&self.with(|known| Ok(known.lately()))?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }
}

impl Telemetry {
    fn with<T>(&self, work: impl FnOnce(&mut Known) -> Result<T>) -> Result<T> {
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.as_mut() {
            return work(known);
        }
        let store = TelemetryStore::open(Database::new(self.state.0.clone()))?;
        let totals = store.totals()?;
        work(known.insert(Known { store, totals, gauges: BTreeMap::new(), window: Window::default() }))
    }
}

impl Known {
    fn take(&mut self, push: &Push) -> Result<()> {
        let now = clock::now().0;
        let mut totals = self.totals.clone();
        if totals.take(push, now) {
            self.store.put(&totals)?;
            self.totals = totals;
            let loads = push.loads.iter().map(|(object, load)| {
                let (calls, events) = *load;
                (object.clone(), Load { calls, events })
            });
            self.window.add(now, &push.counted.counts(), loads);
        }
        self.gauges.retain(|_, (at, _)| now - *at < FRESH_MS);
        for (object, values) in &push.gauges {
            self.gauges.insert(object.clone(), (now, values.counts()));
        }
        Ok(())
    }

    fn lately(&mut self) -> Lately {
        let recent = self.window.recent(clock::now().0, MOST_OBJECTS);
        let loads = recent.loads.into_iter().map(|(object, load)| (object, load.calls, load.events));
        Lately { over_ms: recent.over_ms, counted: Values::of(&recent.counted), loads: loads.collect() }
    }

    fn all(&self) -> Counts {
        let now = clock::now().0;
        let mut all = self.totals.counted();
        for (_, gauges) in self.gauges.values().filter(|(at, _)| now - *at < FRESH_MS) {
            all.merge(gauges);
        }
        all
    }
}
