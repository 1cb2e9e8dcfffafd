//! Group commit: requests that come at the same time share one log row and one wait.

use std::rc::Rc;
use std::time::Duration;

use adtally_core::event::Event;
use adtally_core::link::Admission;
use adtally_core::route::linker_name;
use adtally_core::settings::Settings;
use adtally_core::shard::Refusal;
use adtally_core::telemetry::Load;
use adtally_wire::log::{Append, encode_row_within};
use adtally_wire::object::Appended;
use futures_channel::oneshot;
use serde_json::json;
use worker::{Delay, Result};

use super::memory::Memory;
use super::{Node, fault};
use crate::clock;
use crate::log;
use crate::storage::linker::StoredSettings;

/// A commit waits for others until none has come for so long: short beside a round trip.
const GATHER: Duration = Duration::from_millis(5);
/// How often it waits at most: a stream of requests is a row each 25 ms, and whoever sends in turn does not wait for it.
const MAX_GATHERS: usize = 5;
/// The events of a commit that is worth its row, and does not wait any more.
const GATHERED_EVENTS: usize = 2_000;
/// The most bytes of a log row; a row may have 2 MB.
const MAX_ROW_BYTES: usize = 1_000_000;
/// When to try again after being told that too much is waiting, in seconds.
pub(super) const RETRY_AFTER_S: u32 = 1;
/// When to try again after being told that the shard is full, in seconds: an operator has to act.
pub(super) const FULL_RETRY_AFTER_S: u32 = 60;
/// When the alarm looks after what no request is looking after: how long a crash may delay a report.
const SAFETY_ALARM: Duration = Duration::from_secs(2);

/// Requests that wait for the next commit.
#[derive(Default)]
pub(super) struct Queue {
    requests: Vec<Waiting>,
    events: usize,
}

impl Queue {
    /// The events that wait.
    pub(super) fn events(&self) -> usize {
        self.events
    }
}

struct Waiting {
    /// The id of the request from outside.
    request: String,
    events: Vec<Event>,
    answer: oneshot::Sender<std::result::Result<Vec<Appended>, Refused>>,
}

/// Why events were not stored.
#[derive(Debug, Clone)]
pub(super) enum Refused {
    /// The shard does not take them.
    ByShard(Refusal),
    /// The store failed.
    NotStored(String),
}

impl Node {
    /// Stores events; answers when they are durable, since an object's answers wait for its writes.
    pub(super) async fn append(
        self: Rc<Self>,
        append: Append,
        request: String,
    ) -> std::result::Result<Vec<Appended>, Refused> {
        self.admit(&append)?;
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut queue = self.queue.borrow_mut();
            queue.events += append.events.len();
            queue.requests.push(Waiting { request, events: append.events, answer });
            queue.requests.len() == 1
        };
        if is_first {
            // Not in this request: it may be cancelled by its client, and others wait for the same commit.
            let node = self.clone();
            self.state.wait_until(async move {
                node.gather().await;
                node.commit().await;
            });
        }
        let lost = |_| Err(Refused::NotStored("the commit was abandoned".to_owned()));
        answered.await.unwrap_or_else(lost)
    }

    /// Waits while others come.
    async fn gather(&self) {
        let mut gathered = 0;
        for _ in 0..MAX_GATHERS {
            Delay::from(GATHER).await;
            let queue = self.queue.borrow();
            let is_alone = gathered == 0 && queue.requests.len() == 1;
            if is_alone || queue.requests.len() == gathered || queue.events >= GATHERED_EVENTS {
                return;
            }
            gathered = queue.requests.len();
        }
    }

    fn admit(&self, append: &Append) -> std::result::Result<(), Refused> {
        let waiting = self.queue.borrow().events();
        let verdict = self.change_memory(|memory| {
            if memory.shard.shards().is_none() {
                let name = self.state.id().name();
                let (shards, settings) = (append.shards, Settings::default());
                let defaults = StoredSettings { revision: 0, shards, settings };
                memory.set_settings(defaults, name.as_deref())?;
            }
            Ok(memory.shard.admit(append.shards, waiting, append.events.len()))
        });
        match verdict {
            Ok(verdict) => verdict.map_err(Refused::ByShard),
            Err(error) => Err(Refused::NotStored(error.to_string())),
        }
    }

    /// Commits everything that waits.
    ///
    /// 1. Setting the alarm may be repeated: it only moves.
    /// 2. Storing does not wait; if it fails, nothing is stored and all are told so.
    /// 3. Answering an abandoned request is no error: its events are stored, and its sender will repeat them.
    async fn commit(self: Rc<Self>) {
        self.ensure_alarm().await;
        let Queue { requests, .. } = std::mem::take(&mut *self.queue.borrow_mut());
        let ids: Vec<String> = requests.iter().map(|waiting| waiting.request.clone()).collect();
        let (events, answers): (Vec<_>, Vec<_>) = requests.into_iter().map(|w| (w.events, w.answer)).unzip();
        let sizes: Vec<usize> = events.iter().map(Vec::len).collect();
        let stored = self.change_memory(|memory| memory.store_events(events.into_iter().flatten().collect()));
        match stored {
            Ok((row, statuses)) => {
                let is_new = |status: &&Appended| **status == Appended::Accepted;
                let load = Load { calls: 0, events: statuses.iter().filter(is_new).count() as u64 };
                self.busy.worked(load);
                log::line(&self.env, "commit", || {
                    let object =
                        self.name().map(|(advertiser, shard)| linker_name(advertiser.as_str(), shard));
                    json!({ "requests": ids, "object": object.ok(), "row": row, "events": statuses.len() })
                });
                let mut statuses = statuses.into_iter();
                for (size, answer) in sizes.into_iter().zip(answers) {
                    // Whoever no longer listens repeats the request.
                    let _ = answer.send(Ok(statuses.by_ref().take(size).collect()));
                }
                if self.behind_since.get().is_none() {
                    self.behind_since.set(Some(clock::now()));
                }
                self.flush_soon();
                self.spill_if_due();
                self.archive_if_due();
            }
            Err(error) => {
                let refused = Refused::NotStored(error.to_string());
                answers.into_iter().for_each(|answer| drop(answer.send(Err(refused.clone()))));
            }
        }
    }

    /// Sets the alarm in case that this instance ends before it has told everything.
    pub(super) async fn ensure_alarm(&self) {
        if self.alarm_is_set.replace(true) {
            return;
        }
        if !self.set_alarm(SAFETY_ALARM).await {
            self.alarm_is_set.set(false);
        }
    }
}

impl Memory {
    /// Answers the last row that they are in, too.
    fn store_events(&mut self, events: Vec<Event>) -> Result<(i64, Vec<Appended>)> {
        let committed = self.shard.commit(events, clock::now(), &self.runs);
        let (row, admissions) = committed.map_err(|error| fault(error.to_string()))?;
        let rows = encode_row_within(&row, MAX_ROW_BYTES);
        self.gathered.add(rows.iter().map(Vec::len).sum(), row.received);
        let id = self.store.append(rows)?;
        self.link(id, row)?;
        let status = |admission| match admission {
            Admission::Accepted(_) => Appended::Accepted,
            Admission::Duplicate => Appended::Duplicate,
        };
        Ok((id, admissions.into_iter().map(status).collect()))
    }
}
