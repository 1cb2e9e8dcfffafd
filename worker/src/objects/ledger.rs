//! The Ledger object: what one advertiser is billed.
//!
//! - It owns the entries of all of the advertiser's shards, each batch once, and their sums by hour, campaign, currency
//!   and basis.
//! - Taking a batch may be repeated: one that it has changes nothing (BILL-1).
//! - It relies on Linkers to send a batch until it is confirmed, and never to make another one of the same number.
//! - Where Kafka is configured it owns how far it is delivered, and delivers by its alarm; see [`outlet`].

mod outlet;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::PartKind;
use adtally_core::billing::{Account, Sums};
use adtally_core::report::{Query, TimeUnit};
use adtally_core::time::{Hour, ServerTime, rfc3339};
use adtally_wire::billing::api::{BillingAnswer, BillingEntry, BillingRow, BillingTotal, Figures};
use adtally_wire::billing::object::{
    Cursor, ENTRIES, EntriesQuery, KAFKA, Page, RESUME, Resume, TAKE, TOTALS, Taken,
};
use adtally_wire::object::{ReduceQuery, USAGE};
use worker::{DurableObject, Env, Error, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use super::vault::{Plain, Vault};
use crate::clock;
use crate::kafka;
use crate::storage::ledger::{LedgerStore, VERSION};
use crate::storage::sql::Database;
use crate::telemetry;
use crate::troubles::{self, trouble};
use crate::usage;

/// See the module.
#[durable_object]
pub struct Ledger {
    state: AssertUnwindSafe<Rc<State>>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: AssertUnwindSafe<OnceCell<LedgerStore>>,
    vault: AssertUnwindSafe<Vault>,
    env: AssertUnwindSafe<Env>,
    /// An alarm of this instance will look at what is to be delivered.
    alarm_is_set: AssertUnwindSafe<Cell<bool>>,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        Self {
            vault: AssertUnwindSafe(Vault::new(state.clone(), PartKind::Ledger, VERSION)),
            state: AssertUnwindSafe(state),
            store: AssertUnwindSafe(OnceCell::new()),
            env: AssertUnwindSafe(env),
            alarm_is_set: AssertUnwindSafe(Cell::new(false)),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        telemetry::called("ledger", &self.state.0);
        if let Some(answer) = self.vault.intercept(&mut request, &Plain(restored)).await? {
            return Ok(answer);
        }
        match (request.method(), request.path().as_str()) {
            (Method::Post, TAKE) => self.take(&request.text().await?).await,
            (Method::Post, TOTALS) => self.totals(&request.json().await?),
            (Method::Post, ENTRIES) => self.entries(&request.json().await?),
            (Method::Post, KAFKA) => {
                self.deliver_soon().await;
                self.delivery()
            }
            (Method::Post, RESUME) => self.resume(request.json::<Resume>().await?.sends_again).await,
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }

    /// Delivers to Kafka. May be repeated: see [`Ledger::deliver`].
    async fn alarm(&self) -> Result<Response> {
        usage::called();
        self.alarm_is_set.set(false);
        if self.vault.is_closed()? {
            return Response::empty();
        }
        let again = match self.deliver().await {
            Ok(again) => again,
            Err(error) => {
                trouble!("kafka: {error}");
                Some(clock::now().0 + AFTER_FAULT_MS)
            }
        };
        if let Some(at_ms) = again {
            let wait_ms = u64::try_from(at_ms - clock::now().0).unwrap_or(0);
            self.set_alarm(Duration::from_millis(wait_ms)).await;
        }
        troubles::send_soon(&self.state, &self.env);
        Response::empty()
    }
}

/// How long to wait after a fault of this program, in ms.
const AFTER_FAULT_MS: i64 = 10_000;

impl Ledger {
    /// Takes messages, one a line; what it says of one does not depend on the others.
    async fn take(&self, body: &str) -> Result<Response> {
        let errors = self.store()?.take(&self.advertiser()?, body.lines(), clock::now())?;
        self.deliver_soon().await;
        Response::from_json(&Taken { errors })
    }

    /// Lets an alarm deliver what is there, where Kafka is configured.
    ///
    /// 1. Setting the alarm may be repeated: it only moves, and it is part of the same write as what was taken.
    async fn deliver_soon(&self) {
        if !self.alarm_is_set.get() && matches!(kafka::settings(&self.env), Ok(Some(_))) {
            self.set_alarm(Duration::from_millis(outlet::GATHER_MS)).await;
        }
    }

    async fn set_alarm(&self, wait: Duration) {
        match self.state.storage().set_alarm(wait).await {
            Ok(()) => {
                self.alarm_is_set.set(true);
                usage::set_alarm();
            }
            Err(error) => trouble!("the alarm could not be set: {error}"),
        }
    }

    /// Sums by day, campaign, currency and basis.
    fn totals(&self, wanted: &ReduceQuery) -> Result<Response> {
        let now = ServerTime(wanted.now_ms);
        let query = match Query::parse(&wanted.parameters, &wanted.default_tz, now) {
            Ok(query) => query,
            Err(error) => return refuse(422, None, &error.to_string()),
        };
        let mut rows: BTreeMap<(i64, Account), Sums> = BTreeMap::new();
        let mut totals: BTreeMap<String, Sums> = BTreeMap::new();
        self.store()?.sums(&query.hours(), |hour: Hour, account, sums| {
            let overflow = |error: adtally_core::billing::Overflow| Error::RustError(error.to_string());
            totals.entry(account.currency.to_string()).or_default().merge(&sums).map_err(overflow)?;
            let day = query.start_of(TimeUnit::Day, hour);
            rows.entry((day, account)).or_default().merge(&sums).map_err(overflow)
        })?;
        let rows = rows.iter().map(|((day, account), sums)| BillingRow {
            day: rfc3339(*day),
            campaign: account.campaign.to_string(),
            currency: account.currency.to_string(),
            basis: account.basis.name().to_owned(),
            figures: Figures::from(sums),
        });
        let total =
            |(currency, sums): (String, Sums)| BillingTotal { currency, figures: Figures::from(&sums) };
        Response::from_json(&BillingAnswer {
            advertiser: self.advertiser()?,
            from: rfc3339(query.hours().start.start_ms()),
            to: rfc3339(query.hours().end.start_ms()),
            tz: query.tz().to_owned(),
            rows: rows.collect(),
            totals: totals.into_iter().map(total).collect(),
        })
    }

    /// A page of entries; it can be empty although there are more.
    fn entries(&self, query: &EntriesQuery) -> Result<Response> {
        let begin = query.after.unwrap_or(Cursor { batch: 0, index: 0 });
        let mut page = Page { entries: Vec::new(), next: begin, more: false };
        let are_all = self.store()?.batches(query, |id, message| {
            let skipped = if id == begin.batch { begin.index as usize } else { 0 };
            for index in skipped..message.batch.entries.len() {
                if page.entries.len() >= query.limit as usize {
                    return ControlFlow::Break(());
                }
                page.next = Cursor { batch: id, index: index as u32 + 1 };
                let entry = &message.batch.entries[index];
                if fits(query, entry) {
                    page.entries.extend(BillingEntry::of(message, index));
                }
            }
            ControlFlow::Continue(())
        })?;
        page.more = !are_all;
        Response::from_json(&page)
    }

    fn advertiser(&self) -> Result<String> {
        self.state.id().name().ok_or_else(|| Error::RustError("the object does not know its name".to_owned()))
    }

    fn store(&self) -> Result<LedgerStore> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let store = LedgerStore::open(Database::new(self.state.0.clone()))?;
        Ok(self.store.get_or_init(|| store).clone())
    }
}

fn restored(database: Database) -> Result<()> {
    LedgerStore::open(database)?.forget_producers()
}

fn fits(query: &EntriesQuery, entry: &adtally_core::billing::Entry) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let hour = entry.charge.at.hour().0;
    is(&query.kind, entry.kind.name())
        && is(&query.campaign, entry.charge.campaign.as_str())
        && is(&query.event, entry.charge.event.id.as_str())
        && query.from_hour.is_none_or(|from| from <= hour)
        && query.to_hour.is_none_or(|to| hour < to)
}
