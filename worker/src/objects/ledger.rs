//! The Ledger object: what one advertiser is billed.
//!
//! - It owns the entries of all of the advertiser's shards, each batch once, and their sums by hour, campaign, currency
//!   and basis.
//! - Taking a batch may be repeated: one that it has changes nothing (BILL-1).
//! - It relies on Linkers to send a batch until it is confirmed, and never to make another one of the same number.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use adtally_core::billing::{Account, Sums};
use adtally_core::report::{Query, TimeUnit};
use adtally_core::time::{Hour, ServerTime, rfc3339};
use adtally_wire::billing::api::{BillingAnswer, BillingEntry, BillingRow, BillingTotal, Figures};
use adtally_wire::billing::object::{Cursor, ENTRIES, EntriesQuery, Page, TAKE, TOTALS, Taken};
use adtally_wire::object::{ReduceQuery, USAGE};
use worker::{DurableObject, Env, Error, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use crate::clock;
use crate::storage::ledger::LedgerStore;
use crate::storage::sql::Database;
use crate::telemetry;
use crate::usage;

/// See the module.
#[durable_object]
pub struct Ledger {
    state: AssertUnwindSafe<Rc<State>>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: AssertUnwindSafe<OnceCell<LedgerStore>>,
}

impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self {
        Self { state: AssertUnwindSafe(Rc::new(state)), store: AssertUnwindSafe(OnceCell::new()) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        telemetry::called("ledger", &self.state.0);
        match (request.method(), request.path().as_str()) {
            (Method::Post, TAKE) => self.take(&request.text().await?),
            (Method::Post, TOTALS) => self.totals(&request.json().await?),
            (Method::Post, ENTRIES) => self.entries(&request.json().await?),
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }
}

impl Ledger {
    /// Takes messages, one a line; what it says of one does not depend on the others.
    fn take(&self, body: &str) -> Result<Response> {
        let errors = self.store()?.take(&self.advertiser()?, body.lines(), clock::now())?;
        Response::from_json(&Taken { errors })
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

fn fits(query: &EntriesQuery, entry: &adtally_core::billing::Entry) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let hour = entry.charge.at.hour().0;
    is(&query.kind, entry.kind.name())
        && is(&query.campaign, entry.charge.campaign.as_str())
        && is(&query.event, entry.charge.event.id.as_str())
        && query.from_hour.is_none_or(|from| from <= hour)
        && query.to_hour.is_none_or(|to| hour < to)
}
