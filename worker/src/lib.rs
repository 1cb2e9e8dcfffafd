//! The edge worker of Adtally: decode, call the core, execute.
//!
//! ```text
//! request -> route -> auth -> { collect -> Linker objects; reports, live -> Report objects; catalog -> D1;
//!                               billing -> Ledger objects }
//! billing queue -> consumer -> Ledger objects, dead letters
//! Jobs object -> tasks queue -> consumer -> tasks -> Jobs object; cron -> Jobs object
//! ```
//!
//! What is a function of its inputs lives in `adtally-core` and `adtally-wire`; here is only what waits for
//! something.

mod bindings;
mod clock;
mod usage;
mod log;
mod troubles;
mod telemetry;
mod health;
mod problem;
mod route;
mod call;
mod limits;
mod auth;
mod routes;
mod catalog;
mod directory;
mod lists;
mod stub;
mod linkers;
mod dispatch;
mod intake;
mod quarantine;
mod parts;
mod reporters;
mod shelf;
mod reports;
mod statements;
mod cubes;
mod ledgers;
mod batch;
mod backup;
mod jobs;
mod tasks;
mod consumer;
mod kafka;
mod store;
mod storage;
mod objects;

use std::rc::Rc;

use worker::{Context, Env, MessageBatch, Request, Response, ScheduleContext, ScheduledEvent, event};

#[event(start)]
fn start() {
    troubles::watch_panics();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let context = Rc::new(context);
    let response = routes::answer(request, &env, &context).await;
    if telemetry::is_due(clock::now()) {
        let env = env.clone();
        context.wait_until(async move { telemetry::push(&env).await });
    }
    if troubles::are_waiting() {
        context.wait_until(async move { troubles::send(&env).await });
    }
    response
}

#[event(queue)]
async fn queue(batch: MessageBatch<serde_json::Value>, env: Env, _context: Context) -> worker::Result<()> {
    consumer::consume(&batch, &env).await;
    troubles::send(&env).await;
    Ok(())
}

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    jobs::tick(&event, &env).await;
    troubles::send(&env).await;
}
