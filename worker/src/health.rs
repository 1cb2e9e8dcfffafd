//! Whether all parts work: what `/healthz` says, and what `/metrics` asks for at the moment it is asked.

use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use adtally_core::cell::Scope;
use adtally_core::report::{Query, Value, run};
use adtally_core::telemetry::{Counts, Figure, Rule, broken};
use adtally_core::time::{DAY_MS, SECOND_MS, ServerTime, parse_rfc3339, rfc3339};
use adtally_wire::api::Degraded;
use adtally_wire::billing::object::LettersQuery;
use adtally_wire::jobs::api::Runs;
use adtally_wire::jobs::object::{LIST, ListRuns};
use adtally_wire::object::ReduceQuery;
use futures_util::future::{Either, join5, select};
use worker::{Delay, Env};

use crate::bindings::Bindings;
use crate::catalog;
use crate::clock;
use crate::kafka;
use crate::problem::Fault;
use crate::reporters::{Reports, reduce};
use crate::tasks::{BACKUP, BATCH};
use crate::telemetry;
use crate::troubles::trouble;

/// How long what was found is told again: whoever asks often must not cost more than others.
const REMEMBER_MS: i64 = 5 * SECOND_MS;
/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// The runs that are looked at for failed ones.
const LAST_RUNS: u32 = 100;

thread_local! {
    static REMEMBERED: RefCell<Option<(ServerTime, Health)>> = RefCell::default();
}

/// What was found.
#[derive(Clone)]
pub(crate) struct Health {
    /// What all isolates counted, and what the parts say of themselves.
    pub(crate) counts: Counts,
    /// What does not work as it should.
    pub(crate) degraded: Vec<Degraded>,
}

/// Looks at every part, unless that was done a moment ago.
pub(crate) async fn look(env: &Env) -> Result<Health, Fault> {
    let now = clock::now();
    let is_fresh = |at: ServerTime| now.0.abs_diff(at.0) < REMEMBER_MS as u64;
    let known = REMEMBERED.with_borrow(|known| known.clone().filter(|(at, _)| is_fresh(*at)));
    if let Some((_, health)) = known {
        return Ok(health);
    }
    let health = look_now(env).await?;
    REMEMBERED.set(Some((now, health.clone())));
    Ok(health)
}

/// Looks at every part now; one that fails is said, and harms no other.
pub(crate) async fn look_now(env: &Env) -> Result<Health, Fault> {
    let (bindings, now) = (Bindings::of(env)?, clock::now());
    let (counted, catalog, clicks, runs, letters) = join5(
        in_time("telemetry", telemetry::read(env)),
        in_time("catalog", catalog::answers(&bindings.catalog)),
        in_time("reports", day_clicks(&bindings, now)),
        in_time("jobs", jobs(&bindings, now)),
        in_time("billing", dead_letters(&bindings)),
    )
    .await;
    let mut health = Health { counts: Counts::default(), degraded: Vec::new() };
    for part in [counted, catalog.map(|()| Counts::default()), clicks, runs, letters] {
        match part {
            Ok(counts) => health.counts.merge(&counts),
            Err(degraded) => health.degraded.push(degraded),
        }
    }
    if kafka::settings(env).is_err() {
        let detail = "is misconfigured: GET /v1/billing/kafka says how";
        health.degraded.push(Degraded { part: "kafka".to_owned(), detail: detail.to_owned() });
    }
    health.counts.set(Figure::Build, env!("CARGO_PKG_VERSION"), 1);
    let of_rule = |rule: &Rule| Degraded { part: rule.name.to_owned(), detail: rule.summary.to_owned() };
    health.degraded.extend(broken(&health.counts).into_iter().map(of_rule));
    for degraded in &health.degraded {
        health.counts.set(Figure::Degraded, &degraded.part, 1);
    }
    Ok(health)
}

/// What a part answers in time; else its name and what is the matter, without what is inside.
async fn in_time<T>(part: &str, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Degraded> {
    let detail = match select(Box::pin(asked), Delay::from(PATIENCE)).await {
        Either::Left((Ok(answer), _)) => return Ok(answer),
        Either::Left((Err(fault), _)) => {
            trouble!("{part}: {fault}");
            "does not answer as it should"
        }
        Either::Right(_) => "does not answer in time",
    };
    Err(Degraded { part: part.to_owned(), detail: detail.to_owned() })
}

/// Clicks of the last 24 hours, and how many of them are linked.
async fn day_clicks(bindings: &Bindings, now: ServerTime) -> Result<Counts, Fault> {
    let parameters = [("from", rfc3339(now.0 - DAY_MS)), ("metrics", "clicks,linked_clicks".to_owned())];
    let asked = ReduceQuery {
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        now_ms: now.0,
        default_tz: "UTC".to_owned(),
        known: None,
        use_cubes: false,
    };
    let query = Query::parse(&asked.parameters, &asked.default_tz, now);
    let query = query.map_err(|error| Fault::Internal(error.to_string()))?;
    let reduced =
        reduce(&Reports { namespace: &bindings.reports, bucket: None }, &Scope::Platform, &asked).await?;
    let table = run(&query, &reduced.segment.unwrap_or_default(), &Scope::Platform);
    let total = |name: &str| {
        let found = table.totals.iter().find(|(known, _)| *known == name);
        found.map_or(0, |(_, value)| if let Value::Count(count) = value { *count } else { 0 })
    };
    let (clicks, linked) = (total("clicks"), total("linked_clicks"));
    let mut counts = Counts::default();
    counts.set(Figure::DayClicks, "", clicks);
    counts.set(Figure::DayLinkedClicks, "", linked);
    if clicks > 0 {
        counts.set(Figure::LinkRate, "", linked.saturating_mul(1_000_000) / clicks);
    }
    Ok(counts)
}

/// When batch and backup last succeeded, and how many runs have failed.
async fn jobs(bindings: &Bindings, now: ServerTime) -> Result<Counts, Fault> {
    let mut counts = Counts::default();
    for (job, figure) in [(BATCH, Figure::BatchAge), (BACKUP, Figure::BackupAge)] {
        let last = ListRuns {
            job: Some(job.to_owned()),
            state: Some("succeeded".to_owned()),
            limit: 1,
            ..ListRuns::default()
        };
        let last: Runs = bindings.jobs.ask(LIST, &last).await?;
        let ended = last.runs.first().and_then(|run| parse_rfc3339(run.ended.as_deref()?));
        if let Some(ended) = ended {
            counts.set(figure, "", now.0.saturating_sub(ended));
        }
    }
    let all = ListRuns { limit: LAST_RUNS, ..ListRuns::default() };
    let all: Runs = bindings.jobs.ask(LIST, &all).await?;
    let failed = all.runs.iter().filter(|run| run.state == "failed").count();
    counts.set(Figure::FailedRuns, "", i64::try_from(failed).unwrap_or(i64::MAX));
    Ok(counts)
}

async fn dead_letters(bindings: &Bindings) -> Result<Counts, Fault> {
    let found = bindings.ledgers.letters(&LettersQuery { ids: Vec::new(), after: 0, limit: 1 }).await?;
    let mut counts = Counts::default();
    counts.set(Figure::DeadLetters, "", i64::try_from(found.count).unwrap_or(i64::MAX));
    Ok(counts)
}
