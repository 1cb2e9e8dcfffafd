//! How far the figures can be trusted: live or not, up to when, and how much of it is linked.

use adtally_core::time::parse_rfc3339;
use leptos::prelude::*;

use super::show::Show;
use crate::api::feed::Feed;
use crate::api::live::{Live, LiveState};
use crate::browser::{self, t};
use crate::format::{self, Moment};
use crate::phrase::Phrase;

/// Whether figures come in by themselves.
#[component]
pub fn LiveBadge() -> impl IntoView {
    let live: Live = expect_context();
    let phrase = move || match live.state.get() {
        LiveState::Live => Phrase::Live,
        LiveState::Connecting => Phrase::LiveConnecting,
        LiveState::Waiting => Phrase::LiveWaiting,
        LiveState::Off => Phrase::LiveOff,
    };
    // The pulse is restarted by being another element for each tick.
    let pulse = move || {
        let beat = live.tick.get();
        (beat > 0).then(|| view! { <span class="pulse" data-beat=beat></span> })
    };
    view! {
        <span class="live" role="status" data-testid="live" data-state=move || live.state.get().name()>
            <span class="live-dot">{pulse}</span>
            {move || phrase().text(browser::lang())}
        </span>
    }
}

/// Up to when the figures of `feed` are complete, and how much of them is linked.
#[component]
pub fn Freshness(
    /// Whose figures.
    feed: Feed,
) -> impl IntoView {
    let answer = move || feed.shown.get().map(|shown| shown.answer);
    let waits = move || feed.failure.read().is_none();
    let through = move || answer().and_then(|answer| answer.complete_through.clone());
    let newest = move || answer().and_then(|answer| answer.updated.clone());
    let moment = move |text: Option<String>| {
        let (at, answer) = text.and_then(|text| parse_rfc3339(&text)).zip(answer())?;
        Some(format::moment(browser::lang(), Moment::Exact, at, &answer.tz))
    };
    let through_text = move || {
        let lang = browser::lang();
        match (moment(through()), newest()) {
            (Some(at), _) => Phrase::CompleteThrough.with(lang, &[&at]),
            (None, Some(_)) => Phrase::CompleteUnknown.text(lang).to_string(),
            (None, None) => Phrase::DataUpToNothing.text(lang).to_string(),
        }
    };
    let newest_text = move || moment(newest()).map(|at| Phrase::NewestAt.with(browser::lang(), &[&at]));
    let rate = move || answer().and_then(|answer| answer.link_rate);
    let rate_text = move || {
        let lang = browser::lang();
        let rate = rate().map_or(format::NOTHING.to_string(), |rate| format::percent(lang, rate));
        Phrase::LinkRateIs.with(lang, &[&rate])
    };
    let waiting = move || answer().map_or(0, |answer| answer.waiting);
    let waiting_text = move || {
        let lang = browser::lang();
        Phrase::WaitingIs.with(lang, &[&format::count(lang, waiting())])
    };
    let generation = move || answer().map_or(0, |answer| answer.generation);
    let generation_text = move || {
        let lang = browser::lang();
        match generation() {
            0 => Phrase::GenerationNone.text(lang).to_string(),
            number => Phrase::GenerationIs.with(lang, &[&number.to_string()]),
        }
    };
    view! {
        <div class="freshness full">
            <LiveBadge/>
            <Show when=move || answer().is_some() fallback=move || waits().then(|| view! { <span class="skeleton wide"></span> })>
                <span data-testid="fresh-through" data-value=through title=t(Phrase::CompleteHint)>{through_text}</span>
                <span data-testid="fresh-newest" data-value=newest title=t(Phrase::NewestHint)>{newest_text}</span>
                <span data-testid="fresh-link-rate" data-value=move || rate().map(|rate| rate.to_string())>
                    {rate_text}
                </span>
                <span data-testid="fresh-waiting" data-value=waiting title=t(Phrase::WaitingHint)>{waiting_text}</span>
                <span
                    class="quiet"
                    data-testid="fresh-version"
                    data-value=move || answer().map(|answer| answer.version.clone())
                >
                    {generation_text}
                </span>
            </Show>
        </div>
    }
}
