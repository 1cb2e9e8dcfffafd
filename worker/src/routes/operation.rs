//! `/healthz` and `/metrics`: for those who operate this.

use std::rc::Rc;

use adtally_core::access::Owner;
use adtally_core::telemetry::{Counts, Figure, prometheus};
use adtally_wire::api::HealthInfo;
use worker::{Context, Env, Request, Response, ResponseBuilder};

use crate::auth::authenticate;
use crate::call::{Call, json};
use crate::health;
use crate::problem::Fault;
use crate::telemetry;

/// The media type that scrapers expect.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /healthz`: 200 while events can be taken; `status` tells whether everything else works too.
pub(super) async fn health(env: &Env) -> Result<Response, Fault> {
    let health::Health { degraded, .. } = health::look(env).await?;
    let status = if degraded.is_empty() { "ok" } else { "degraded" };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    json(200, &HealthInfo { status: status.to_owned(), version, degraded })
}

/// `GET /metrics`: everything for a token of the platform; without any only what `/healthz` tells too.
pub(super) async fn metrics(
    request: Request,
    env: &Env,
    id: &str,
    context: &Rc<Context>,
) -> Result<Response, Fault> {
    let call = Call::new(request, env, id, context)?;
    let counts = if call.header("Authorization").is_some() || call.header("Cookie").is_some() {
        authenticate(&call).await?.reads_of(&Owner::Platform)?;
        telemetry::push(env).await;
        let mut counts = health::look_now(env).await?.counts;
        counts.add_cost();
        counts
    } else {
        let public = [Figure::Build, Figure::Degraded];
        let all = health::look(env).await?.counts;
        let series = all.iter().filter(|(series, _)| public.contains(&series.figure));
        series.map(|(series, value)| (series.clone(), value)).collect::<Counts>()
    };
    let builder = ResponseBuilder::new().with_header("Content-Type", TEXT)?;
    Ok(builder.fixed(prometheus(&counts).into_bytes()))
}
