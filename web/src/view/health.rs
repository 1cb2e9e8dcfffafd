//! How the platform is: whether it answers, what billing waits for, and the quality of what arrives.

use adtally_core::cell::Scope;
use adtally_core::measure::Measure;
use adtally_core::report::Metric;
use adtally_core::time::parse_rfc3339;
use adtally_wire::billing::api::{DeadLetters, Outbox, Replay, ReplayAnswer};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use super::freshness::Freshness;
use super::health_figures::PlatformFigures;
use super::notice::FailureNotice;
use super::place::CurrentPlace;
use super::show::Show;
use crate::api::feed::{Feed, Follow};
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::api::request::{Period, ReportRequest};
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Moment, Width};
use crate::metric::{self, IMPRESSIONS, LINK_RATE};
use crate::model::figure;
use crate::phrase::Phrase;
use crate::state::params::Params;

/// What is shown of the quality of a period.
const QUALITY: [Metric; 6] = [
    IMPRESSIONS,
    LINK_RATE,
    Metric::Measure(Measure::Waiting),
    Metric::Measure(Measure::Duplicates),
    Metric::Measure(Measure::Late),
    Metric::Measure(Measure::InvalidImpressions),
];

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Up {
    version: String,
}

/// The health page.
#[component]
pub fn Health() -> impl IntoView {
    let place = CurrentPlace::expect();
    let live: Live = expect_context();
    let feed = Feed::new(
        move || {
            let setting = place.setting.get()?;
            let (days, tz) = (Period::Days(setting.span), Some(setting.tz));
            Some(ReportRequest::totals(setting.scope, days, tz, QUALITY.to_vec()))
        },
        Follow::Live,
    );
    let up = Fetch::<Up>::new(|| Some("/healthz".to_string()), move || live.tick.track());
    let answers = move || {
        let shown = up.shown.get()?;
        Some(Phrase::ServiceVersion.with(browser::lang(), &[&shown.version]))
    };
    let busy = move || if feed.busy.get() { "true" } else { "false" };
    view! {
        <div class="health" data-testid="health" data-busy=busy aria-busy=busy>
            <Freshness feed/>
            <div class="cards">
                <section class="card">
                    <div class="card-head"><h2>{t(Phrase::ServiceUp)}</h2></div>
                    <div class="card-body">
                        <p class="state" data-state=move || if up.failure.get().is_some() { "failed" } else { "counted" } data-testid="up">
                            {move || answers().unwrap_or_else(|| "\u{a0}".to_string())}
                        </p>
                    </div>
                </section>
                <OutboxCard/>
                <DeadCard/>
            </div>
            <Quality feed/>
            <PlatformFigures/>
        </div>
    }
}

/// Figures of what arrived in the period.
#[component]
fn Quality(feed: Feed) -> impl IntoView {
    let tile = move |metric: Metric| {
        let value = move || {
            let shown = feed.shown.read();
            let value = shown.as_ref().and_then(|shown| figure::total(&shown.answer, metric));
            format::figure(browser::lang(), metric, value, None, Width::Full)
        };
        view! {
            <section class="card" data-testid=format!("quality-{}", metric.name())>
                <div class="card-head"><h2>{t(metric::phrase(metric))}</h2></div>
                <div class="card-body"><p class="big-figure">{value}</p></div>
            </section>
        }
    };
    let failed = move || feed.failure.get().filter(|_| feed.shown.read().is_none());
    move || match failed() {
        Some(failure) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| feed.retry())/> }.into_any()
        }
        None => view! { <div class="cards">{QUALITY.map(tile)}</div> }.into_any(),
    }
}

/// What no ledger has confirmed yet, of one advertiser.
#[component]
fn OutboxCard() -> impl IntoView {
    let place = CurrentPlace::expect();
    let live: Live = expect_context();
    let outbox = Fetch::<Outbox>::new(
        move || {
            let Scope::Advertiser(key) = place.setting.get()?.scope else { return None };
            let mut params = Params::default();
            params.push("advertiser", key);
            Some(params.after("/v1/billing/outbox"))
        },
        move || live.tick.track(),
    );
    let text = move |outbox: Outbox| {
        let lang = browser::lang();
        let tz = place.setting.get().map(|setting| setting.tz).unwrap_or_default();
        let oldest = outbox.oldest.as_deref().and_then(parse_rfc3339);
        let oldest =
            oldest.map(|at| Phrase::OldestSince.with(lang, &[&format::moment(lang, Moment::Exact, at, &tz)]));
        let note = oldest.unwrap_or_else(|| Phrase::AllConfirmed.text(lang).to_string());
        let count = format::count(lang, i64::try_from(outbox.entries).unwrap_or(i64::MAX));
        view! { <p class="big-figure">{count}</p><p class="hint">{note}</p> }
    };
    let is_one = move || {
        let setting = place.setting.read();
        setting.as_ref().is_some_and(|setting| matches!(setting.scope, Scope::Advertiser(_)))
    };
    // There before its figures, so that nothing below moves.
    let has_card =
        Memo::new(move |_| is_one() && (outbox.failure.read().is_none() || outbox.shown.read().is_some()));
    let body = move || match outbox.shown.get() {
        Some(shown) => text(shown).into_any(),
        None => empty_figure().into_any(),
    };
    view! {
        <Show when=move || has_card.get()>
            <section class="card" data-testid="outbox">
                <div class="card-head"><h2>{t(Phrase::BillingOutbox)}</h2></div>
                <div class="card-body">{body}</div>
            </section>
        </Show>
    }
}

/// The room of a figure with what is said of it.
fn empty_figure() -> impl IntoView {
    view! { <p class="big-figure">{format::NOTHING}</p><p class="hint"><span class="skeleton wide"></span></p> }
}

/// Billing messages that could not be processed, for who operates the platform.
#[component]
fn DeadCard() -> impl IntoView {
    let session = Session::expect();
    let live: Live = expect_context();
    let operates = Memo::new(move |_| session.own_scope() == Some(Scope::Platform));
    let dead = Fetch::<DeadLetters>::new(
        move || operates.get().then(|| "/v1/billing/dead".to_string()),
        move || live.tick.track(),
    );
    let replay = move |_| {
        spawn_local(async move {
            let result = session
                .client
                .send::<ReplayAnswer>(Method::POST, "/v1/billing/dead/replay", &Replay::default())
                .await;
            if let Err(failure) = result {
                session.notice(&failure);
            }
            dead.retry();
        });
    };
    let count = move || dead.shown.read().as_ref().map_or(0, |dead| dead.count);
    let note = move || {
        let shown = dead.shown.read();
        let first = shown.as_ref()?.dead.first()?;
        Some(first.error.clone())
    };
    let is_known = move || dead.shown.read().is_some();
    let has_card = Memo::new(move |_| operates.get() && (dead.failure.read().is_none() || is_known()));
    let figure = move || {
        let text = format::count(browser::lang(), i64::try_from(count()).unwrap_or(i64::MAX));
        if is_known() { text } else { format::NOTHING.to_string() }
    };
    view! {
        <Show when=move || has_card.get()>
            <section class="card" data-testid="dead-letters">
                <div class="card-head">
                    <h2>{t(Phrase::DeadLetters)}</h2>
                    <Show when=move || count() != 0>
                        <button type="button" class="button" on:click=replay>{t(Phrase::Replay)}</button>
                    </Show>
                </div>
                <div class="card-body">
                    <p class="big-figure">{figure}</p>
                    <p class="hint">{move || note().unwrap_or_else(|| Phrase::AllConfirmed.text(browser::lang()).to_string())}</p>
                </div>
            </section>
        </Show>
    }
}
