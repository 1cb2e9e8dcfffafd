//! Handing batches over: when to send which outbox row, and when it may be forgotten.
//!
//! A row stays in the outbox until the consumer has confirmed every batch of it: a queue that loses a message, or a
//! consumer that dies with one, delays an entry and loses none. What is here is memory only; a new instance sends every
//! row again, and the consumer knows what it took before. A row is known by its first batch.

use std::collections::{BTreeMap, BTreeSet};

use super::BatchId;
use crate::time::{MINUTE_MS, SECOND_MS, ServerTime};

/// How long a confirmation is waited for before a row is sent again; twice as long each time.
pub const PATIENCE_MS: i64 = 30 * SECOND_MS;
/// The longest wait before a row is sent again.
const MAX_PATIENCE_MS: i64 = 30 * MINUTE_MS;
/// How long to leave a queue alone that refused a message; twice as long each time.
const REST_MS: i64 = SECOND_MS;
/// The longest such rest.
const MAX_REST_MS: i64 = MINUTE_MS;
/// The most rows on their way: a consumer that falls behind is not sent ever more.
pub const MAX_UNCONFIRMED: usize = 64;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send the oldest row after this one, if there is any.
    Send {
        /// The last row that was sent; `None` before the first.
        after: Option<BatchId>,
    },
    /// Send these batches of a row again.
    Resend {
        /// The row.
        row: BatchId,
        /// Those that are not confirmed.
        batches: BTreeSet<BatchId>,
    },
    /// Nothing until then; `None`: until something happens.
    Wait(Option<ServerTime>),
}

/// What of an outbox is on its way.
#[derive(Debug, Default)]
pub struct HandOff {
    /// The last row that was sent.
    cursor: Option<BatchId>,
    /// Rows that were sent and are not confirmed.
    sent: BTreeMap<BatchId, Sent>,
    /// How often in a row the queue refused.
    refusals: u32,
    rest_until: Option<ServerTime>,
}

#[derive(Debug)]
struct Sent {
    waiting: BTreeSet<BatchId>,
    at: ServerTime,
    times: u32,
}

impl Sent {
    fn overdue_at(&self) -> ServerTime {
        ServerTime(self.at.0 + doubled(PATIENCE_MS, self.times - 1, MAX_PATIENCE_MS))
    }
}

impl HandOff {
    /// What to do next.
    pub fn step(&self, now: ServerTime) -> Step {
        if let Some(until) = self.rest_until.filter(|until| now < *until) {
            return Step::Wait(Some(until));
        }
        if let Some((row, sent)) = self.sent.iter().find(|(_, sent)| sent.overdue_at() <= now) {
            return Step::Resend { row: *row, batches: sent.waiting.clone() };
        }
        if self.sent.len() < MAX_UNCONFIRMED { Step::Send { after: self.cursor } } else { self.wait() }
    }

    /// What to do when there was no row to send.
    pub fn wait(&self) -> Step {
        Step::Wait(self.sent.values().map(Sent::overdue_at).min())
    }

    /// Notes that these batches of a row are being handed to the queue.
    pub fn sent(&mut self, row: BatchId, batches: impl IntoIterator<Item = BatchId>, now: ServerTime) {
        let times = self.sent.get(&row).map_or(0, |sent| sent.times) + 1;
        self.sent.insert(row, Sent { waiting: batches.into_iter().collect(), at: now, times });
        self.cursor = self.cursor.max(Some(row));
    }

    /// Notes that the queue has taken all that was sent.
    pub fn accepted(&mut self) {
        (self.refusals, self.rest_until) = (0, None);
    }

    /// Notes that the queue did not take a part of a row: it is the first to be sent after a rest.
    pub fn refused(&mut self, row: BatchId, now: ServerTime) {
        self.rest_until = Some(ServerTime(now.0 + doubled(REST_MS, self.refusals, MAX_REST_MS)));
        self.refusals += 1;
        if let Some(sent) = self.sent.get_mut(&row) {
            (sent.at, sent.times) = (ServerTime(now.0 - PATIENCE_MS), 1);
        }
    }

    /// Notes that the consumer has these batches; answers the rows that are no longer needed.
    ///
    /// A batch that this instance did not send is left alone: it will be sent, and confirmed again.
    pub fn confirmed(&mut self, batches: &[BatchId]) -> Vec<BatchId> {
        for sent in self.sent.values_mut() {
            sent.waiting.retain(|batch| !batches.contains(batch));
        }
        let done =
            self.sent.iter().filter(|(_, sent)| sent.waiting.is_empty()).map(|(row, _)| *row).collect();
        self.sent.retain(|_, sent| !sent.waiting.is_empty());
        done
    }
}

fn doubled(first_ms: i64, times: u32, max_ms: i64) -> i64 {
    first_ms.saturating_mul(1 << times.min(30)).min(max_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seq: u64, part: u32) -> BatchId {
        BatchId { seq, part }
    }

    #[test]
    fn a_row_goes_when_all_of_it_is_confirmed() {
        let mut hand_off = HandOff::default();
        let now = ServerTime(1_000);
        assert_eq!(hand_off.step(now), Step::Send { after: None });
        hand_off.sent(batch(1, 0), [batch(1, 0), batch(1, 1)], now);
        assert_eq!(hand_off.step(now), Step::Send { after: Some(batch(1, 0)) });
        assert_eq!(hand_off.confirmed(&[batch(1, 0), batch(9, 0)]), []);
        let overdue = ServerTime(1_000 + PATIENCE_MS);
        assert_eq!(hand_off.wait(), Step::Wait(Some(overdue)));
        assert_eq!(hand_off.step(overdue), Step::Resend { row: batch(1, 0), batches: [batch(1, 1)].into() });
        hand_off.sent(batch(1, 0), [batch(1, 1)], overdue);
        assert_eq!(hand_off.wait(), Step::Wait(Some(ServerTime(overdue.0 + 2 * PATIENCE_MS))));
        assert_eq!(hand_off.confirmed(&[batch(1, 1)]), [batch(1, 0)]);
        assert_eq!(hand_off.confirmed(&[batch(1, 1)]), []);
        assert_eq!(hand_off.wait(), Step::Wait(None));
        assert_eq!(hand_off.step(overdue), Step::Send { after: Some(batch(1, 0)) });
    }

    #[test]
    fn a_queue_that_refuses_is_left_alone_for_a_while() {
        let mut hand_off = HandOff::default();
        let mut now = ServerTime(5);
        let row = batch(1, 0);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            hand_off.sent(row, [row], now);
            hand_off.refused(row, now);
            let until = ServerTime(now.0 + seconds * SECOND_MS);
            assert_eq!(hand_off.step(now), Step::Wait(Some(until)));
            now = until;
            assert_eq!(hand_off.step(now), Step::Resend { row, batches: [row].into() }, "before later rows");
        }
        hand_off.sent(row, [row], now);
        hand_off.accepted();
        assert_eq!(hand_off.step(now), Step::Send { after: Some(row) });
        hand_off.refused(batch(2, 0), now);
        assert_eq!(hand_off.step(now), Step::Wait(Some(ServerTime(now.0 + SECOND_MS))));
    }

    #[test]
    fn a_slow_consumer_is_not_flooded() {
        let mut hand_off = HandOff::default();
        let now = ServerTime(0);
        for seq in 1..=MAX_UNCONFIRMED as u64 {
            assert_eq!(hand_off.step(now), Step::Send { after: (seq > 1).then(|| batch(seq - 1, 0)) });
            hand_off.sent(batch(seq, 0), [batch(seq, 0)], now);
        }
        assert_eq!(hand_off.step(now), Step::Wait(Some(ServerTime(PATIENCE_MS))));
        assert_eq!(hand_off.confirmed(&[batch(3, 0)]), [batch(3, 0)]);
        assert_eq!(hand_off.step(now), Step::Send { after: Some(batch(MAX_UNCONFIRMED as u64, 0)) });
    }
}
