//! The consumer of the queue of tasks: it claims a task, does it, and says what became of it.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use adtally_wire::jobs::object::{End, Ticket};
use futures_util::future::{Either, join, join_all, select};
use worker::{Delay, Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, RawMessage};

use super::text;
use crate::clock;
use crate::jobs::Jobs;
use crate::problem::Fault;
use crate::tasks::{self, Context, Weight};
use crate::troubles::trouble;

/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(2);
/// How long a heavy task has the isolate to itself after its last sign of life.
const HEAVY_MS: i64 = 30_000;
/// How often a heavy task looks whether it may begin.
const TURN: Duration = Duration::from_millis(200);
/// How often the end of a task is told, if nobody hears.
const TELLINGS: u32 = 6;
/// The wait after the first time; twice as long each time.
const TELL_AGAIN: Duration = Duration::from_millis(200);

thread_local! {
    /// Until when a heavy task has this isolate to itself, in ms since 1970.
    static HEAVY_UNTIL: Cell<i64> = const { Cell::new(0) };
}

/// Takes a batch of messages: light tasks at once, heavy ones one after the other, beside them.
///
/// Why everything may be repeated, at any point, with any of the messages:
/// 1. the claim: the Jobs object grants a ticket once; whoever dies with one is missed, and somebody else gets another;
/// 2. the task itself: every kind says why;
/// 3. the word of its end: a ticket ends once;
/// 4. the acknowledgement comes last: the claim of a message that comes again is refused.
pub(super) async fn consume(batch: &MessageBatch<serde_json::Value>, env: &Env) {
    let messages: Vec<RawMessage> = batch.raw_iter().collect();
    let jobs = match Jobs::read(env) {
        Ok(jobs) => jobs,
        Err(fault) => {
            trouble!("tasks queue: {fault}");
            return messages.iter().for_each(try_again);
        }
    };
    let is_heavy = |message: &&RawMessage| {
        let ticket: Option<Ticket> = serde_json::from_str(&text(message)).ok();
        ticket.is_some_and(|ticket| tasks::weight(&ticket.kind) == Weight::Heavy)
    };
    let (heavy, light): (Vec<&RawMessage>, Vec<&RawMessage>) = messages.iter().partition(is_heavy);
    let light = join_all(light.into_iter().map(|message| take(message, &jobs, env)));
    let heavy = async {
        for message in heavy {
            let _turn = Turn::wait().await;
            take(message, &jobs, env).await;
        }
    };
    join(light, heavy).await;
}

async fn take(message: &RawMessage, jobs: &Jobs, env: &Env) {
    let text = text(message);
    let ticket: Ticket = match serde_json::from_str(&text) {
        Ok(ticket) => ticket,
        Err(error) => {
            // Whatever it was meant to be, the Jobs object sends it again.
            trouble!("a message of the tasks queue is dropped: {error}");
            return message.ack();
        }
    };
    match work(&ticket, jobs, env).await {
        Ok(()) => message.ack(),
        Err(fault) => {
            trouble!("task {} of {} could not be claimed: {fault}", ticket.task, ticket.run);
            try_again(message);
        }
    }
}

/// Does a task if it is granted.
async fn work(ticket: &Ticket, jobs: &Jobs, env: &Env) -> Result<(), Fault> {
    let Some(params) = jobs.claim(ticket).await? else { return Ok(()) };
    let context = Context::new(env, ticket);
    if let Some(end) = attempt(&context, ticket, &params, jobs).await {
        tell(ticket, &context, end, jobs).await;
    }
    Ok(())
}

/// Does a task, giving signs of life; `None`: nobody wants to know the end.
async fn attempt(context: &Context, ticket: &Ticket, params: &str, jobs: &Jobs) -> Option<End> {
    let mut task = pin!(tasks::run(context, &ticket.kind, params));
    loop {
        let beat = pin!(async {
            Delay::from(BEAT).await;
            jobs.beat(ticket, context.take_log()).await
        });
        match select(task, beat).await {
            Either::Left((end, _)) => return Some(end),
            Either::Right((Ok(false), _)) => return None,
            Either::Right((heard, unfinished)) => {
                if let Err(fault) = heard {
                    trouble!("a sign of life was not heard: {fault}");
                }
                if tasks::weight(&ticket.kind) == Weight::Heavy {
                    HEAVY_UNTIL.set(clock::now().0 + HEAVY_MS);
                }
                task = unfinished;
            }
        }
    }
}

/// Says what became of a task. If nobody hears, the task is missed, and done once more.
async fn tell(ticket: &Ticket, context: &Context, end: End, jobs: &Jobs) {
    let log = context.take_log();
    for times in 0..TELLINGS {
        match jobs.finish(ticket, &log, &end).await {
            Ok(()) => return,
            Err(fault) => {
                trouble!("the end of task {} of {} was not heard: {fault}", ticket.task, ticket.run);
            }
        }
        Delay::from(TELL_AGAIN * 2_u32.pow(times)).await;
    }
}

fn try_again(message: &RawMessage) {
    message.retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(1).build());
}

/// The right to do a heavy task; the memory of an isolate has room for one.
struct Turn;

impl Turn {
    /// Waits for it. A turn whose holder vanished ends by itself.
    async fn wait() -> Turn {
        while HEAVY_UNTIL.get() > clock::now().0 {
            Delay::from(TURN).await;
        }
        HEAVY_UNTIL.set(clock::now().0 + HEAVY_MS);
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        HEAVY_UNTIL.set(0);
    }
}
