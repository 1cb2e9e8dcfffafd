//! `/healthz` and `/metrics`: for those who operate this.

use std::rc::Rc;

use adtally_core::access::Owner;
use adtally_core::telemetry::{Counts, Digest, Figure, Quantiles, prometheus};
use adtally_wire::api::HealthInfo;
use adtally_wire::health::{HealthDigest, HealthFigures, HealthQuantiles, ObjectLoad};
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

/// `GET /v1/health`: what `/metrics` has, as the health page shows it, of all time and of the last minutes.
pub(super) async fn figures(call: &Call, env: &Env) -> Result<Response, Fault> {
    authenticate(call).await?.reads_of(&Owner::Platform)?;
    telemetry::push(env).await;
    let health::Health { counts, degraded } = health::look(env).await?;
    let recent = telemetry::lately(env).await?;
    let gauge = |figure| counts.get(figure, "");
    let objects = recent.loads.iter().map(|(object, load)| {
        let (class, name) = object.split_once(':').unwrap_or(("", object));
        ObjectLoad {
            class: class.to_owned(),
            object: name.to_owned(),
            calls: load.calls,
            events: load.events,
        }
    });
    json(
        200,
        &HealthFigures {
            recent_ms: recent.over_ms,
            recent: told(Digest::of(&recent.counted)),
            total: told(Digest::of(&counts)),
            objects: objects.collect(),
            outbox_parcels: gauge(Figure::OutboxParcels),
            outbox_age_ms: gauge(Figure::OutboxAge),
            billing_outbox: gauge(Figure::BillingOutbox),
            billing_age_ms: gauge(Figure::BillingAge),
            memory_bytes: gauge(Figure::Memory),
            degraded,
        },
    )
}

/// A digest for the wire; prices in millionths of a dollar.
fn told(digest: Digest) -> HealthDigest {
    const NANO_PER_MICRO: i64 = 1_000;
    let times = |of: Quantiles| HealthQuantiles { count: of.count, p50_ms: of.p50_ms, p99_ms: of.p99_ms };
    let cost = digest.cost_nanodollars.into_iter().map(|(part, nano)| (part, nano / NANO_PER_MICRO));
    HealthDigest {
        accepted: digest.accepted,
        duplicates: digest.duplicates,
        rejected: digest.rejected.into_iter().collect(),
        ack: digest.ack.map(times),
        report_lag: digest.report_lag.map(times),
        cost_micros: cost.collect(),
        cost_per_million_micros: digest.microdollars_per_million,
    }
}
