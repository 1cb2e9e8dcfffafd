//! The consumer of the billing queue, and of what it could not process.

use std::time::Duration;

use adtally_wire::billing::Envelope;
use worker::{Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, RawMessage};

use super::text;
use crate::clock;
use crate::ledgers::Ledgers;
use crate::troubles::trouble;

/// How the queue of dead letters ends in wrangler.toml; it has the name of the other one before it.
const DEAD_SUFFIX: &str = "-dead";
/// The shortest and the longest time until a message is tried again.
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(60);

/// Takes a batch of messages of either queue.
///
/// Why everything may be repeated, at any point, with any of the messages:
/// 1. into the ledger: it knows the batches that it has by source and number;
/// 2. to the dead letters: a letter is known by its message;
/// 3. the confirmation to the Linker: removing a row that is gone changes nothing; one that is lost makes the Linker
///    send the message again, and 1 or 2 know it;
/// 4. the acknowledgement to the queue comes last: a message that is not acknowledged comes again.
pub(super) async fn consume(batch: &MessageBatch<serde_json::Value>, env: &Env) {
    let messages: Vec<RawMessage> = batch.raw_iter().collect();
    let ledgers = match Ledgers::read(env) {
        Ok(ledgers) => ledgers,
        Err(fault) => {
            trouble!("billing queue: {fault}");
            return messages.iter().for_each(try_again);
        }
    };
    let texts: Vec<String> = messages.iter().map(text).collect();
    let outcomes = ledgers.take(&texts).await;
    let is_dead = batch.queue().ends_with(DEAD_SUFFIX);
    let mut settled: Vec<Envelope> = Vec::new();
    let mut done: Vec<&RawMessage> = Vec::new();
    for ((raw, text), outcome) in messages.iter().zip(&texts).zip(outcomes) {
        match outcome {
            Ok(message) => {
                settled.push(message);
                done.push(raw);
            }
            Err(error) if is_dead => match ledgers.park(text, &error, clock::now().0).await {
                Ok(()) => {
                    trouble!("a billing message died: {error}");
                    settled.extend(Envelope::read(text));
                    done.push(raw);
                }
                Err(fault) => {
                    trouble!("a dead billing message could not be kept: {fault}");
                    try_again(raw);
                }
            },
            Err(error) => {
                trouble!("a billing message has to wait: {error}");
                try_again(raw);
            }
        }
    }
    ledgers.confirm(&settled).await;
    done.into_iter().for_each(RawMessage::ack);
}

/// Tries a message again when it has waited as long as it is old: 1 s, 2 s, 4 s, ...
fn try_again(message: &RawMessage) {
    let sent_ms = i64::try_from(message.timestamp().as_millis()).unwrap_or(i64::MAX);
    let age_ms = u64::try_from(clock::now().0.saturating_sub(sent_ms)).unwrap_or(0);
    let delay = Duration::from_millis(age_ms).clamp(MIN_RETRY, MAX_RETRY);
    let seconds = u32::try_from(delay.as_secs()).unwrap_or(1);
    message.retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(seconds).build());
}
