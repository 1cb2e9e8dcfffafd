//! How the platform does, for who operates it: rates, times, price, and how busy each object is.

use adtally_core::cell::Scope;
use adtally_wire::health::{HealthDigest, HealthFigures, HealthQuantiles};
use leptos::prelude::*;

use super::heads::heads;
use super::notice::FailureNotice;
use super::show::Show;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, beat, t};
use crate::format;
use crate::model::held::codes;
use crate::model::load::{Busy, busy, dollars_text, megabytes_text, per_second, rate_text, time_text};
use crate::model::spoken::rejected;
use crate::phrase::Phrase;

/// How often is asked: isolates tell what they counted every ten seconds.
const FOLLOW_MS: u32 = 5_000;

/// Figures of the last minutes and of all time; nothing for tokens of other scopes.
#[component]
pub fn PlatformFigures() -> impl IntoView {
    let session = Session::expect();
    let operates = Memo::new(move |_| session.own_scope() == Some(Scope::Platform));
    let ticks = beat(FOLLOW_MS);
    let figures = Fetch::<HealthFigures>::new(
        move || operates.get().then(|| "/v1/health".to_string()),
        move || ticks.track(),
    );
    let failed = Memo::new(move |_| figures.failure.get().filter(|_| figures.shown.read().is_none()));
    let body = move || {
        match (failed.get(), figures.shown.get()) {
        (Some(failure), _) => {
            view! { <section class="card"><FailureNotice failure on_retry=Callback::new(move |()| figures.retry())/></section> }
                .into_any()
        }
        (None, None) => view! {
            <div class="cards" data-testid="state-loading">
                {(0..4).map(|_| view! { <section class="card"><div class="card-body"><span class="skeleton wide"></span></div></section> }).collect_view()}
            </div>
        }
        .into_any(),
        (None, Some(shown)) => view! { <Figures shown/> }.into_any(),
    }
    };
    view! { <Show when=move || operates.get()>{body}</Show> }
}

#[component]
fn Figures(shown: HealthFigures) -> impl IntoView {
    let lang = browser::lang();
    let minutes = format::count(lang, (shown.recent_ms + 59_999) / 60_000);
    let objects = busy(&shown);
    let HealthFigures { recent, total, recent_ms, .. } = shown;
    let rate = per_second(recent.accepted, recent_ms).map_or(format::NOTHING.to_string(), rate_text);
    let so_far = Phrase::EventsSoFar.with(lang, &[&format::count(lang, total.accepted)]);
    let price = |digest: &HealthDigest| {
        digest.cost_per_million_micros.map_or(format::NOTHING.to_string(), dollars_text)
    };
    let price_hint = Phrase::CostHint.with(lang, &[&price(&total)]);
    let duplicates = format::count(lang, recent.duplicates);
    let duplicates_so_far = Phrase::EventsSoFar.with(lang, &[&format::count(lang, total.duplicates)]);
    let depth = |count: i64, age_ms: i64| {
        let oldest = (count > 0).then(|| Phrase::OldestIs.with(lang, &[&time_text(age_ms)]));
        (format::count(lang, count), oldest.unwrap_or_else(|| Phrase::AllConfirmed.text(lang).to_string()))
    };
    let (reports, reports_hint) = depth(shown.outbox_parcels, shown.outbox_age_ms);
    let (billing, billing_hint) = depth(shown.billing_outbox, shown.billing_age_ms);
    let degraded = shown.degraded.into_iter().map(|part| {
        let text = Phrase::DegradedPart.with(lang, &[&part.part, &part.detail]);
        view! { <p class="strip warning" role="status" data-testid="degraded"><span>{text}</span></p> }
    });
    view! {
        {degraded.collect_view()}
        <h2 class="section-head">{Phrase::LastMinutes.with(lang, &[&minutes])}</h2>
        <div class="cards" data-testid="platform-figures">
            {tile("ingest", Phrase::IngestRate, rate, so_far)}
            {times("ack", Phrase::AckTime, recent.ack)}
            {times("report-lag", Phrase::ReportLagTime, recent.report_lag)}
            {tile("cost", Phrase::CostPerMillion, price(&recent), price_hint)}
            {tile("duplicates", Phrase::DuplicateEvents, duplicates, duplicates_so_far)}
            {tile("outbox-depth", Phrase::OutboxDepth, reports, reports_hint)}
            {tile("billing-depth", Phrase::BillingDepth, billing, billing_hint)}
            {tile("memory", Phrase::IsolateMemory, megabytes_text(shown.memory_bytes), String::new())}
            <Rejected recent total/>
        </div>
        <Loads objects/>
    }
}

fn tile(test_id: &'static str, heading: Phrase, value: String, hint: String) -> impl IntoView {
    view! {
        <section class="card" data-testid=test_id>
            <div class="card-head"><h2>{t(heading)}</h2></div>
            <div class="card-body">
                <p class="big-figure">{value}</p>
                <p class="hint">{hint}</p>
            </div>
        </section>
    }
}

fn times(test_id: &'static str, heading: Phrase, of: Option<HealthQuantiles>) -> impl IntoView {
    let lang = browser::lang();
    let value = of.map_or(format::NOTHING.to_string(), |of| time_text(of.p50_ms));
    let hint = of.map(|of| Phrase::MedianAnd99.with(lang, &[&time_text(of.p99_ms)]));
    tile(test_id, heading, value, hint.unwrap_or_else(|| Phrase::NothingMeasured.text(lang).to_string()))
}

/// What was not accepted, and why.
#[component]
fn Rejected(recent: HealthDigest, total: HealthDigest) -> impl IntoView {
    let lang = browser::lang();
    let count = |number: i64| format::count(lang, number);
    let named =
        total.rejected.iter().map(|(code, count)| (code.clone(), u64::try_from(*count).unwrap_or_default()));
    let rows = codes(&named.collect()).into_iter().map(|(code, all)| {
        let lately = recent.rejected.get(&code).copied().unwrap_or_default();
        view! {
            <tr data-code=code.clone()>
                <td>{rejected(&code, lang)}</td>
                <td class="number">{count(lately)}</td>
                <td class="number">{count(i64::try_from(all).unwrap_or(i64::MAX))}</td>
            </tr>
        }
    });
    let rows = rows.collect::<Vec<_>>();
    let body = if rows.is_empty() {
        view! { <p class="card-body quiet">{t(Phrase::NoneRejected)}</p> }.into_any()
    } else {
        view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::RejectedByCode)>
                <table class="report-table">
                    <thead><tr>
                        <th scope="col"><span class="head-text">{t(Phrase::Reason)}</span></th>
                        <th scope="col" class="number"><span class="head-text">{t(Phrase::Lately)}</span></th>
                        <th scope="col" class="number"><span class="head-text">{t(Phrase::SinceStart)}</span></th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="card" data-testid="rejected-by-code">
            <div class="card-head"><h2>{t(Phrase::RejectedByCode)}</h2></div>
            {body}
        </section>
    }
}

/// The busiest objects.
#[component]
fn Loads(objects: Vec<Busy>) -> impl IntoView {
    let row = |object: Busy| {
        view! {
            <tr data-testid="object" data-object=format!("{}:{}", object.class, object.object)>
                <td>{object.class.clone()}</td>
                <td>{object.object.clone()}</td>
                <td class="number">{rate_text(object.calls)}</td>
                <td class="number">{rate_text(object.events)}</td>
                <td><meter min="0" max="100" value=object.share.to_string() aria-label=t(Phrase::ShareOfCalls)></meter>" "{object.share}"%"</td>
            </tr>
        }
    };
    let heads = heads([
        (Phrase::ObjectClass, ""),
        (Phrase::ObjectName, ""),
        (Phrase::CallsPerSecond, "number"),
        (Phrase::StoredPerSecond, "number"),
        (Phrase::ShareOfCalls, ""),
    ]);
    view! {
        <section class="card report-card" data-testid="loads">
            <div class="card-head"><h2>{t(Phrase::ObjectLoads)}</h2></div>
            <p class="card-body hint">{t(Phrase::ObjectLoadsHint)}</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::ObjectLoads)>
                <table class="report-table">
                    <thead><tr>{heads}</tr></thead>
                    <tbody>{objects.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}
