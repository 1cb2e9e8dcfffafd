//! From facts to Report objects, through the outbox.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::route::linker_name;
use adtally_core::shard::{BILL_EVERY_MS, Whom};
use adtally_core::telemetry::Figure;
use adtally_core::time::{SECOND_MS, ServerTime};
use adtally_wire::delta::{Delta, Parcel};
use adtally_wire::object::DELTA;
use futures_util::future::join_all;
use serde_json::json;
use worker::{Delay, Method, ObjectNamespace, Request, RequestInit, Result};

use super::memory::Memory;
use super::{Held, Node, fault};
use crate::bindings::REPORT;
use crate::clock;
use crate::log;
use crate::storage::linker::OpenParcel;
use crate::telemetry;
use crate::troubles::trouble;
use crate::usage;

/// How long facts gather before they are told: the freshness of reports, against a delta a scope each time.
const FLUSH_AFTER_MS: i64 = SECOND_MS / 2;
/// The least time from one flush to the next: of who sends all the time, reports are that much behind. Each flush is a row
/// in a dozen reports.
pub(crate) const FLUSH_EVERY_MS: i64 = 3 * SECOND_MS / 2;
/// For how long a timer that is due is still waited for.
const OVERDUE_MS: i64 = 2_000;
/// Deliveries under way at a time; an invocation may have six open connections.
const MAX_DELIVERIES: usize = 6;

impl Node {
    /// Flushes a moment later, once for all commits until then: there is one timer at a time.
    pub(super) fn flush_soon(self: &Rc<Self>) {
        let now = clock::now();
        self.flush_if_full();
        if self.flush_is_coming(now) {
            return;
        }
        let next =
            self.flushed_at.get().0.saturating_add(FLUSH_EVERY_MS).max(now.0.saturating_add(FLUSH_AFTER_MS));
        // The clock may have gone back.
        let wait_ms = next.saturating_sub(now.0).min(FLUSH_EVERY_MS);
        self.flush_due.set(Some(ServerTime(now.0 + wait_ms)));
        let node = self.clone();
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(wait_ms.unsigned_abs())).await;
            node.flush_due.set(None);
            node.flush().await;
        });
    }

    /// Flushes at once where memory should not wait; a flush under way goes on with what there is.
    fn flush_if_full(self: &Rc<Self>) {
        if !self.change_memory(|memory| Ok(memory.shard.is_full())).unwrap_or_default() {
            return;
        }
        if self.is_flushing.get() {
            return self.flush_is_wanted.set(true);
        }
        let node = self.clone();
        self.state.wait_until(async move { node.flush().await });
    }

    /// Looks after what a crash left behind; for the rest there is a timer.
    pub(super) async fn flush_by_alarm(self: &Rc<Self>) {
        if self.flush_is_coming(clock::now()) {
            return self.ensure_alarm().await;
        }
        self.clone().flush().await;
        // Billing has its own timer, which may be lost as well.
        if is_coming(&self.bill_due, clock::now()) {
            self.ensure_alarm().await;
        }
    }

    fn flush_is_coming(&self, now: ServerTime) -> bool {
        is_coming(&self.flush_due, now)
    }

    /// Tells billing later what only reports were told, where no flush comes that does it.
    fn bill_later(self: &Rc<Self>) -> Result<()> {
        let now = clock::now();
        if is_coming(&self.bill_due, now) || !self.change_memory(|memory| Ok(memory.shard.is_unbilled()))? {
            return Ok(());
        }
        self.bill_due.set(Some(ServerTime(now.0 + BILL_EVERY_MS)));
        let node = self.clone();
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(BILL_EVERY_MS.unsigned_abs())).await;
            node.bill_due.set(None);
            if !node.flush_is_coming(clock::now()) {
                node.flush().await;
            }
        });
        Ok(())
    }

    /// Delivers everything that is to be told; what cannot be delivered stays for the alarm.
    pub(super) async fn flush(self: Rc<Self>) {
        let Some(_flushing) = Held::raise(&self.is_flushing) else {
            // The running flush looks again at its end; should it be cut off, an alarm must be left.
            self.flush_is_wanted.set(true);
            return self.ensure_alarm().await;
        };
        let mut outcome = self.deliver_all().await;
        if outcome.is_ok() {
            outcome = self.bill_later();
        }
        if let Err(error) = self.tell_depth() {
            trouble!("outbox: {error}");
        }
        if let Err(error) = outcome {
            trouble!("flush: {error}");
            self.ensure_alarm().await;
        }
        telemetry::push_soon(&self.state, &self.env);
    }

    /// Says how far reports are behind.
    fn tell_depth(&self) -> Result<()> {
        let (count, through) = self.change_memory(|memory| memory.store.open_parcels(memory.delivered))?;
        let now = clock::now();
        let since = through.or(self.behind_since.get().filter(|_| count > 0));
        let age_ms = since.map_or(0, |since| now.0.saturating_sub(since.0).max(0));
        let (advertiser, shard) = self.name()?;
        let gauges = [(Figure::OutboxParcels, count), (Figure::OutboxAge, age_ms)];
        telemetry::gauge(&linker_name(advertiser.as_str(), shard), &gauges);
        Ok(())
    }

    /// 1. Facts go to the outbox in one transaction with how far the log is told, without waiting for anything.
    /// 2. A delivery may be repeated: the Report object knows the last sequence number of each source.
    /// 3. A parcel is done when all its scopes have it; until then, and after a crash, all are sent it again.
    async fn deliver_all(self: &Rc<Self>) -> Result<()> {
        loop {
            self.flush_is_wanted.set(false);
            self.flushed_at.set(clock::now());
            let behind_since = self.behind_since.take();
            self.change_memory(|memory| {
                let whom = memory.shard.whom(clock::now());
                memory.post_untold(whom)
            })?;
            self.bill_soon();
            while let Some(OpenParcel { seq, upto, parcel }) =
                self.change_memory(|memory| memory.store.open_parcel(memory.delivered))?
            {
                let scopes: Vec<String> = parcel.segments.iter().map(|(scope, _)| scope.clone()).collect();
                self.deliver(seq, parcel).await?;
                self.change_memory(|memory| memory.delivered(seq))?;
                log::line(&self.env, "told", || {
                    let object =
                        self.name().map(|(advertiser, shard)| linker_name(advertiser.as_str(), shard));
                    json!({ "object": object.ok(), "upto": upto, "seq": seq, "scopes": scopes })
                });
            }
            if let Some(since) = behind_since {
                telemetry::observe(Figure::ReportLag, clock::now().0 - since.0);
            }
            // What came meanwhile waits for its own flush, unless that was due while this one was at it.
            if !self.flush_is_wanted.get() {
                return Ok(());
            }
        }
    }

    async fn deliver(&self, seq: u64, parcel: Parcel) -> Result<()> {
        let (advertiser, shard) = self.name()?;
        let source = linker_name(advertiser.as_str(), shard);
        let Parcel { epoch, through_ms, segments } = parcel;
        let reports = self.env.durable_object(REPORT)?;
        for group in segments.chunks(MAX_DELIVERIES) {
            let sends = group.iter().map(|(scope, segment)| {
                let source = source.clone();
                send(&reports, scope, Delta { source, epoch, seq, through_ms, segment: segment.clone() })
            });
            join_all(sends).await.into_iter().collect::<Result<Vec<()>>>()?;
        }
        Ok(())
    }
}

/// Whether a timer is set; one that is long overdue is not counted on.
fn is_coming(due: &Cell<Option<ServerTime>>, now: ServerTime) -> bool {
    due.get().is_some_and(|due| {
        now.0.saturating_sub(due.0) < OVERDUE_MS && due.0.saturating_sub(now.0) <= BILL_EVERY_MS
    })
}

async fn send(reports: &ObjectNamespace, scope: &str, delta: Delta) -> Result<()> {
    let mut init = RequestInit::new();
    let body = js_sys::Uint8Array::from(delta.encode().as_slice());
    init.with_method(Method::Post).with_body(Some(body.into()));
    let request = Request::new_with_init(&format!("https://report{DELTA}"), &init)?;
    let since = clock::now();
    let response = reports.get_by_name(scope)?.fetch_with_request(request).await?;
    usage::waited(since, clock::now());
    match response.status_code() {
        200..=299 => Ok(()),
        status => Err(fault(format!("{scope} answered {status} to delta {} of {}", delta.seq, delta.source))),
    }
}

impl Memory {
    /// Notes that a parcel and all before it are delivered.
    fn delivered(&mut self, seq: u64) -> Result<()> {
        if !self.keeping.is_on(clock::now()) {
            self.store.delivered(seq)?;
        }
        self.delivered = seq;
        Ok(())
    }

    /// Moves what is to be told into the outboxes.
    pub(super) fn post_untold(&mut self, whom: Whom) -> Result<()> {
        let Some(telling) = self.shard.tell(clock::now(), whom) else { return Ok(()) };
        self.store.post(&telling, self.spare())?;
        self.shard.told(&telling);
        Ok(())
    }
}
