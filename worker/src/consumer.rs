//! The consumer of the queues, by the names that these have in wrangler.toml.

mod billing;
mod tasks;

use js_sys::JSON;
use worker::{Env, MessageBatch, RawMessage};

use crate::usage;

/// How the name of the queue of tasks ends.
const TASKS_SUFFIX: &str = "-tasks";

/// Takes a batch of messages of any queue.
///
/// There is no error to return: one would panic, and every message has its own answer.
pub(crate) async fn consume(batch: &MessageBatch<serde_json::Value>, env: &Env) {
    usage::consumed();
    if batch.queue().ends_with(TASKS_SUFFIX) {
        tasks::consume(batch, env).await;
    } else {
        billing::consume(batch, env).await;
    }
}

/// The text of a message; whatever else it may be as JSON, for people to look at.
fn text(message: &RawMessage) -> String {
    let body = message.body();
    body.as_string().unwrap_or_else(|| {
        let json = JSON::stringify(&body).ok().and_then(|json| json.as_string());
        json.unwrap_or_else(|| "a body that is no text".to_owned())
    })
}
