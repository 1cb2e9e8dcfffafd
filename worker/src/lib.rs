//! The edge worker of Adtally: decode, call the core, execute.
//!
//! ```text
//! request -> route -> auth -> { collect -> Linker objects; reports, live -> Report objects; catalog -> D1 }
//! ```
//!
//! What is a function of its inputs lives in `adtally-core` and `adtally-wire`; here is only what waits for
//! something.

mod bindings;
mod clock;
mod usage;
mod problem;
mod route;
mod call;
mod auth;
mod routes;
mod catalog;
mod directory;
mod linkers;
mod dispatch;
mod reporters;
mod storage;
mod objects;

use worker::{Context, Env, Request, Response, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    routes::answer(request, &env).await
}
