//! From the billing outbox to the queue, and the confirmations that come back.

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::billing::{BatchId, HandOff, PATIENCE_MS, Step};
use adtally_core::event::EventRef;
use adtally_core::route::linker_name;
use adtally_core::telemetry::Figure;
use adtally_core::time::ServerTime;
use adtally_wire::billing::api::OutboxShard;
use adtally_wire::billing::object::Confirmed;
use futures_util::future::{Either, select};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{BatchMessageBuilder, Delay, MessageBuilder, QueueContentType, Response, Result, SendMessage};

use super::memory::Memory;
use super::{Held, Node, fault};
use crate::bindings::BILLING;
use crate::clock;
use crate::storage::billing::{BillingOutbox, OutboxRow};
use crate::telemetry;
use crate::troubles::trouble;
use crate::usage;

/// Messages in one call of the queue, which takes 256,000 bytes: two of the largest.
const MESSAGES_AT_ONCE: usize = 2;

/// How long the queue may take to answer: one that never does must not hold the desk for ever.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// What this instance knows of the hand-off; a new one sends everything again.
#[derive(Default)]
pub(super) struct Desk {
    hand_off: RefCell<HandOff>,
    is_busy: Cell<bool>,
    outbox: OnceCell<BillingOutbox>,
}

/// What the desk has to do next.
enum Next {
    Send(OutboxRow),
    Wait(Option<ServerTime>),
}

impl Node {
    /// Hands over what is in the outbox while the request goes on.
    pub(super) fn bill_soon(self: &Rc<Self>) {
        let node = self.clone();
        self.state.wait_until(async move { node.bill().await });
    }

    /// Hands over what is in the outbox, in order, until there is nothing to do but to wait.
    ///
    /// 1. Waiting for the store may be repeated. It comes first, as the platform holds back answers and requests until
    ///    writes are durable, but not messages to queues: should a crash undo a row that was sent, another batch would
    ///    be made under its number, and the ledger would take it for the one that it has.
    /// 2. Sending may be repeated: the ledger knows which batches it has. A row stays until all of it is confirmed, so
    ///    it survives whatever happens to the queue and to this instance.
    /// 3. Setting the alarm may be repeated: it only moves.
    pub(super) async fn bill(&self) {
        // Whoever is at it looks for rows once more before it ends, and does not wait in between.
        let Some(busy) = Held::raise(&self.desk.is_busy) else { return };
        let wait = loop {
            match self.next() {
                Ok(Next::Send(row)) => self.hand_over(row).await,
                Ok(Next::Wait(until)) => break until,
                Err(error) => {
                    trouble!("billing outbox: {error}");
                    break Some(ServerTime(clock::now().0 + PATIENCE_MS));
                }
            }
        };
        drop(busy);
        self.tell_billing_depth();
        if let Some(until) = wait {
            self.wake_at(until, Duration::ZERO).await;
        }
    }

    /// Says how much waits, each time that somebody listens.
    fn tell_billing_depth(&self) {
        let now = clock::now();
        if !telemetry::is_due(now) {
            return;
        }
        let told = || -> Result<()> {
            let depth = self.billing_outbox()?.depth()?;
            let (advertiser, shard) = self.name()?;
            let age_ms = depth.oldest_ms.map_or(0, |oldest| now.0.saturating_sub(oldest).max(0));
            let rows = i64::try_from(depth.rows).unwrap_or(i64::MAX);
            let gauges = [(Figure::BillingOutbox, rows), (Figure::BillingAge, age_ms)];
            telemetry::gauge(&linker_name(advertiser.as_str(), shard), &gauges);
            Ok(())
        };
        if let Err(error) = told() {
            trouble!("billing outbox: {error}");
        }
    }

    fn next(&self) -> Result<Next> {
        let outbox = self.billing_outbox()?;
        loop {
            let step = self.desk.hand_off.borrow().step(clock::now());
            match step {
                Step::Send { after } => {
                    if let Some(row) = outbox.after(after)? {
                        return Ok(Next::Send(row));
                    }
                    let Step::Wait(until) = self.desk.hand_off.borrow().wait() else { continue };
                    return Ok(Next::Wait(until));
                }
                Step::Resend { row, batches } => match outbox.row(row)? {
                    Some(mut found) => {
                        found.messages.retain(|(batch, _)| batches.contains(batch));
                        return Ok(Next::Send(found));
                    }
                    // Gone although it was not confirmed: nothing is left to wait for.
                    None => {
                        let batches: Vec<BatchId> = batches.into_iter().collect();
                        drop(self.desk.hand_off.borrow_mut().confirmed(&batches));
                    }
                },
                Step::Wait(until) => return Ok(Next::Wait(until)),
            }
        }
    }

    async fn hand_over(&self, row: OutboxRow) {
        if let Err(error) = self.durable().await {
            trouble!("billing outbox: {error}");
            return self.desk.hand_off.borrow_mut().refused(row.id, clock::now());
        }
        // Before it is sent: the confirmation may be faster than the queue's answer.
        let batches = row.messages.iter().map(|(batch, _)| *batch);
        self.desk.hand_off.borrow_mut().sent(row.id, batches, clock::now());
        for messages in row.messages.chunks(MESSAGES_AT_ONCE) {
            if let Err(error) = self.send(messages).await {
                trouble!("the billing queue refused {:?}: {error}", row.id);
                return self.desk.hand_off.borrow_mut().refused(row.id, clock::now());
            }
        }
        self.desk.hand_off.borrow_mut().accepted();
    }

    /// Waits until everything that was written is stored for good.
    pub(super) async fn durable(&self) -> Result<()> {
        let stored = self.state.storage().as_raw().sync()?;
        JsFuture::from(stored).await?;
        Ok(())
    }

    /// As text: whatever else a message can be becomes something else on the way.
    async fn send(&self, messages: &[(BatchId, String)]) -> Result<()> {
        let text = |(_, text): &(BatchId, String)| -> SendMessage<String> {
            MessageBuilder::new(text.clone()).content_type(QueueContentType::Text).build()
        };
        let batch = BatchMessageBuilder::new().messages(messages.iter().map(text)).build();
        let queue = self.env.queue(BILLING)?;
        let sending = pin!(queue.send_batch(batch));
        match select(sending, Delay::from(SEND_TIMEOUT)).await {
            Either::Left((sent, _)) => sent?,
            Either::Right(_) => return Err(fault("no answer")),
        }
        messages.iter().for_each(|(_, text)| usage::sent(text.len()));
        Ok(())
    }

    /// Forgets what the consumer has. May be repeated.
    pub(super) fn confirmed(self: &Rc<Self>, confirmed: &Confirmed) -> Result<Response> {
        let outbox = self.billing_outbox()?;
        let done = self.desk.hand_off.borrow_mut().confirmed(&confirmed.ids());
        match self.keeping.is_on(clock::now()) {
            true => self.keeping.confirmed(&done),
            false => done.iter().try_for_each(|row| outbox.remove(*row))?,
        }
        if !done.is_empty() {
            self.bill_soon();
        }
        Response::empty()
    }

    /// How much waits to be confirmed.
    pub(super) fn billing_depth(&self) -> Result<Response> {
        let depth = self.billing_outbox()?.depth()?;
        let (_, shard) = self.name()?;
        let (rows, entries, oldest_ms) = (depth.rows, depth.entries, depth.oldest_ms);
        Response::from_json(&OutboxShard { shard, rows, entries, oldest_ms })
    }

    pub(super) fn billing_outbox(&self) -> Result<&BillingOutbox> {
        if let Some(outbox) = self.desk.outbox.get() {
            return Ok(outbox);
        }
        let outbox = self.store()?.billing();
        Ok(self.desk.outbox.get_or_init(|| outbox))
    }
}

impl Memory {
    /// The entries of an event that are not confirmed, the oldest first.
    pub(super) fn pending(&self, event: &EventRef) -> Result<Vec<adtally_core::billing::Entry>> {
        let mut entries = self.store.billing().of_event(event)?;
        entries.extend(self.shard.unbilled(event));
        Ok(entries)
    }
}
