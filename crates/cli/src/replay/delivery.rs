//! Delivery of one file: one thread reads, several send, and the calling thread keeps the books.
//!
//! ```text
//! Batches --(bounded)--> senders, each with retries --> Ledger --> checkpoint, progress, summary
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use adtally_wire::api::CollectAnswer;

use super::batch::{Batch, Batches};
use super::checkpoint::{Checkpoint, Progress};
use super::input::InputError;
use super::pace::Pace;
use super::summary::{Rejection, Summary};
use crate::client::{Client, ClientError, Encoding};
use crate::clock::Stopwatch;
use crate::interrupt::Interrupt;
use crate::retry::{Patience, RetryError, with_retries};

/// Checkpoints are not written more often: losing one costs a few duplicates.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);

/// How to send.
#[derive(Debug, Clone)]
pub(crate) struct Delivery<'a> {
    pub(crate) client: &'a Client,
    pub(crate) encoding: Encoding,
    /// Requests under way at once.
    pub(crate) senders: usize,
    /// Events per second; `None`: as fast as the server takes them.
    pub(crate) rate: Option<f64>,
    pub(crate) patience: Patience,
    pub(crate) interrupt: &'a Interrupt,
}

/// Why a delivery ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("cannot write the checkpoint: {0}")]
    Checkpoint(#[from] io::Error),
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every row of the file is acknowledged.
    Complete,
    /// Ctrl-C; the checkpoint tells how far it came.
    Interrupted,
}

/// What happens during a delivery, for the one who watches.
pub(crate) enum Step<'a> {
    /// A batch is acknowledged; the summary is of all so far.
    Acknowledged(&'a Summary),
    /// A request failed and is tried again after the pause.
    Retrying(&'a str, Duration),
}

enum Message {
    Acknowledged(Batch, CollectAnswer),
    Retrying(String, Duration),
    Failed(DeliveryError),
    /// The reader came to the end of the file, after so many batches.
    AllRead(u64),
}

/// Sends all batches of a file; `summary` counts also what was sent before an error.
pub(crate) fn deliver(
    delivery: &Delivery<'_>,
    batches: Batches<'_>,
    checkpoint: &mut Checkpoint,
    summary: &mut Summary,
    mut watch: impl FnMut(Step<'_>),
) -> Result<End, DeliveryError> {
    let file = batches.file().to_owned();
    let (to_senders, queue) = mpsc::sync_channel(delivery.senders);
    let (to_books, messages) = mpsc::channel();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let reader = to_books.clone();
        scope.spawn(move || read(delivery, batches, &to_senders, &reader));
        for _ in 0..delivery.senders {
            let to_books = to_books.clone();
            scope.spawn(|| send(delivery, &queue, to_books));
        }
        drop(to_books);
        let result = keep_books(&file, messages, checkpoint, summary, &mut watch, delivery.interrupt);
        if result.is_err() {
            // The other threads stop as they would for Ctrl-C.
            delivery.interrupt.set();
        }
        result
    })
}

fn read(
    delivery: &Delivery<'_>,
    mut batches: Batches<'_>,
    queue: &SyncSender<Batch>,
    books: &Sender<Message>,
) {
    let watch = Stopwatch::start();
    let mut pace = delivery.rate.map(Pace::new);
    let mut read = 0;
    // A failed send means that the other side has stopped, and so can this one.
    while !delivery.interrupt.is_set() {
        let batch = match batches.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                let _ = books.send(Message::AllRead(read));
                return;
            }
            Err(error) => {
                let _ = books.send(Message::Failed(error.into()));
                return;
            }
        };
        read += 1;
        if let Some(pace) = &mut pace {
            delivery.interrupt.sleep(pace.wait(watch.elapsed(), batch.event_rows.len()));
        }
        if queue.send(batch).is_err() {
            return;
        }
    }
}

fn send(delivery: &Delivery<'_>, queue: &Mutex<Receiver<Batch>>, books: Sender<Message>) {
    loop {
        let received = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = received else { return };
        if delivery.interrupt.is_set() {
            // Go on receiving, so that the reader is not stuck with a full queue.
            continue;
        }
        let notice = |error: &ClientError, pause| {
            let _ = books.send(Message::Retrying(error.to_string(), pause));
        };
        let attempt = || match batch.body.is_empty() {
            true => Ok(CollectAnswer::default()),
            false => delivery.client.collect(&batch.body, delivery.encoding),
        };
        let message =
            match with_retries(delivery.patience, batch.sequence, delivery.interrupt, notice, attempt) {
                Ok(answer) => Message::Acknowledged(batch, answer),
                Err(RetryError::Interrupted) => continue,
                Err(RetryError::Client(error)) => Message::Failed(error.into()),
            };
        let _ = books.send(message);
    }
}

fn keep_books(
    file: &str,
    messages: Receiver<Message>,
    checkpoint: &mut Checkpoint,
    summary: &mut Summary,
    watch: &mut impl FnMut(Step<'_>),
    interrupt: &Interrupt,
) -> Result<End, DeliveryError> {
    let clock = Stopwatch::start();
    let mut saved_at = Duration::ZERO;
    let mut ledger = Ledger::default();
    let mut batches = None;
    let mut failure = None;
    for message in messages {
        match message {
            Message::Acknowledged(batch, answer) => {
                ledger.acknowledge(batch.sequence, batch.last_row);
                count(summary, file, batch, answer);
                watch(Step::Acknowledged(summary));
            }
            Message::Retrying(error, pause) => watch(Step::Retrying(&error, pause)),
            Message::AllRead(all) => batches = Some(all),
            Message::Failed(error) => {
                // Keep the first one, and what is acknowledged while the others stop.
                failure.get_or_insert(error);
                interrupt.set();
            }
        }
        if clock.elapsed() >= saved_at + CHECKPOINT_EVERY {
            saved_at = clock.elapsed();
            ledger.save(checkpoint)?;
        }
    }
    ledger.save(checkpoint)?;
    match failure {
        Some(error) => Err(error),
        None if batches == Some(ledger.next) => Ok(End::Complete),
        None => Ok(End::Interrupted),
    }
}

fn count(summary: &mut Summary, file: &str, batch: Batch, answer: CollectAnswer) {
    summary.merge(batch.unmapped);
    summary.events += batch.event_rows.len() as u64;
    summary.accepted += answer.accepted;
    summary.duplicates += answer.duplicates;
    for refused in answer.rejected {
        let index = usize::try_from(refused.index).unwrap_or(usize::MAX);
        let row = batch.event_rows.get(index).copied().unwrap_or(batch.last_row);
        summary.reject(&refused.code, Rejection { file: file.to_owned(), row, message: refused.message });
    }
}

/// Which batches are acknowledged: they come back in any order, a checkpoint needs all before it.
#[derive(Debug, Default)]
struct Ledger {
    /// The first batch that is not acknowledged.
    next: u64,
    /// The last row before that.
    through: u64,
    /// Acknowledged batches after a gap, with their last rows.
    ahead: BTreeMap<u64, u64>,
}

impl Ledger {
    fn acknowledge(&mut self, sequence: u64, last_row: u64) {
        self.ahead.insert(sequence, last_row);
        while let Some(last_row) = self.ahead.remove(&self.next) {
            self.next += 1;
            self.through = last_row;
        }
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> io::Result<()> {
        match self.next {
            0 => Ok(()),
            _ => checkpoint.save(Progress::Through(self.through)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_never_passes_a_gap() {
        let mut ledger = Ledger::default();
        let mut check = |sequence, last_row, through| {
            ledger.acknowledge(sequence, last_row);
            assert_eq!(ledger.through, through);
        };
        check(1, 20, 0);
        check(3, 40, 0);
        check(0, 10, 20);
        check(2, 30, 40);
    }
}
