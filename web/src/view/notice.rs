//! What stands where figures cannot: loading, nothing, an error, no access.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::place::{CurrentPlace, scope_text};
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::feed::Feed;
use crate::api::live::Live;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::lang::Lang;
use crate::phrase::Phrase;
use crate::state::frame::Frame;
use crate::state::range::{Preset, Range};

/// Why there is no answer, in the reader's language where the server has not said it better.
pub fn failure_text(failure: &Failure, lang: Lang) -> String {
    match failure {
        Failure::Refused(problem) => problem.detail.clone(),
        Failure::Status(status) => Phrase::ErrorServer.with(lang, &[&status.to_string()]),
        Failure::Unreachable(_) => Phrase::ErrorOffline.text(lang).to_string(),
        Failure::Unreadable(_) => Phrase::ErrorAnswer.text(lang).to_string(),
    }
}

/// That a page is on its way: nothing of it is there before all of it is known, since what comes later pushes down what
/// is there.
#[component]
pub fn Coming() -> impl IntoView {
    view! {
        <section class="card"><div class="notice" data-testid="state-loading">
            <span class="skeleton wide"></span>
            <p role="status">{t(Phrase::Loading)}</p>
        </div></section>
    }
}

/// An error, or that something may not be seen, with what can be done about it.
#[component]
pub fn FailureNotice(
    /// What went wrong.
    failure: Failure,
    /// Tries again.
    on_retry: Callback<()>,
) -> impl IntoView {
    if failure.is_forbidden() { no_access(failure).into_any() } else { error(failure, on_retry).into_any() }
}

fn error(failure: Failure, on_retry: Callback<()>) -> impl IntoView {
    let code = failure.code();
    view! {
        <div class="notice error" role="alert" data-testid="state-error">
            <span class="notice-icon"><Glyph icon=Icon::Alert/></span>
            <h2>{t(Phrase::ErrorTitle)}</h2>
            <p data-testid="problem-detail">{move || failure_text(&failure, browser::lang())}</p>
            <p><code data-testid="problem-code">{code}</code></p>
            <button type="button" class="button" data-testid="retry" on:click=move |_| on_retry.run(())>
                <Glyph icon=Icon::Refresh/>
                {t(Phrase::Retry)}
            </button>
        </div>
    }
}

fn no_access(failure: Failure) -> impl IntoView {
    let (session, place) = (Session::expect(), CurrentPlace::expect());
    let own = move || session.own_scope().map(|scope| scope_text(&scope, session, browser::lang()));
    let hint = move || Phrase::NoAccessHint.with(browser::lang(), &[&own().unwrap_or_default()]);
    let code = failure.code();
    view! {
        <div class="notice" role="alert" data-testid="state-no-access">
            <span class="notice-icon"><Glyph icon=Icon::Lock/></span>
            <h2>{t(Phrase::NoAccessTitle)}</h2>
            <p data-testid="problem-detail">{move || failure_text(&failure, browser::lang())}</p>
            <p>{hint}</p>
            <p><code data-testid="problem-code">{code}</code></p>
            <button
                type="button"
                class="button"
                on:click=move |_| place.change_frame(|frame| Frame { scope: None, ..frame })
            >
                {t(Phrase::GoToMyScope)}
            </button>
        </div>
    }
}

/// That there is nothing in the period, and where there may be something.
#[component]
pub fn EmptyNotice() -> impl IntoView {
    let (place, live) = (CurrentPlace::expect(), expect_context::<Live>());
    let ever = move || {
        live.newest.read().as_ref().is_none_or(|newest| newest.totals.values().any(|total| *total != 0))
    };
    let (title, hint) = (t(Phrase::EmptyTitle), t(Phrase::EmptyHint));
    let (never_title, never_hint) = (t(Phrase::EmptyEverTitle), t(Phrase::EmptyEverHint));
    view! {
        <div class="notice" data-testid="state-empty">
            <span class="notice-icon"><Glyph icon=Icon::Inbox/></span>
            <h2>{move || if ever() { title() } else { never_title() }}</h2>
            <p>{move || if ever() { hint() } else { never_hint() }}</p>
            <Show when=ever>
                <button
                    type="button"
                    class="button"
                    data-testid="show-all-time"
                    on:click=move |_| {
                        place.change_frame(|frame| Frame { range: Range::Preset(Preset::All), ..frame });
                    }
                >
                    {t(Phrase::ShowAllTime)}
                </button>
            </Show>
        </div>
    }
}

/// That the figures are older than they should be: the last request failed, an earlier one did not.
#[component]
pub fn StaleNotice(
    /// Whose figures.
    feed: Feed,
) -> impl IntoView {
    move || {
        let failure = feed.failure.get().filter(|_| feed.shown.with(Option::is_some))?;
        let lang = browser::lang();
        Some(view! {
            <div class="strip warning" role="status" data-testid="stale">
                <Glyph icon=Icon::Alert/>
                <span>{Phrase::StillShowing.text(lang)} " " {failure_text(&failure, lang)}</span>
                <button type="button" class="link" on:click=move |_| feed.retry()>{Phrase::Retry.text(lang)}</button>
            </div>
        })
    }
}

/// That a part of the address was not understood, so that the page shows something else than the link meant.
#[component]
pub fn LinkNotice() -> impl IntoView {
    let place = CurrentPlace::expect();
    let dismissed = RwSignal::new(Vec::new());
    move || {
        let unread = place.unread.get();
        if unread.is_empty() || unread == dismissed.get() {
            return None;
        }
        let lang = browser::lang();
        let text = Phrase::LinkNotice.with(lang, &[&unread.join(", ")]);
        Some(view! {
            <div class="strip warning" role="status" data-testid="link-notice">
                <Glyph icon=Icon::Alert/>
                <span>{text}</span>
                <button type="button" class="link" on:click=move |_| dismissed.set(unread.clone())>
                    {Phrase::Dismiss.text(lang)}
                </button>
            </div>
        })
    }
}

/// That a page shows nothing to whoever looks, who need not be told by the server.
#[component]
pub fn NotYours(
    /// Why.
    text: Phrase,
) -> impl IntoView {
    let (session, place) = (Session::expect(), CurrentPlace::expect());
    let own = move || session.own_scope().map(|scope| scope_text(&scope, session, browser::lang()));
    let hint = move || Phrase::NoAccessHint.with(browser::lang(), &[&own().unwrap_or_default()]);
    let is_elsewhere = move || place.frame().scope.is_some_and(|scope| session.own_scope() != Some(scope));
    view! {
        <div class="notice" role="alert" data-testid="state-no-access">
            <span class="notice-icon"><Glyph icon=Icon::Lock/></span>
            <h2>{t(Phrase::NoAccessTitle)}</h2>
            <p>{t(text)}</p>
            <p>{hint}</p>
            <Show when=is_elsewhere>
                <button
                    type="button"
                    class="button"
                    data-testid="own-scope"
                    on:click=move |_| place.change_frame(|frame| Frame { scope: None, ..frame })
                >
                    {t(Phrase::GoToMyScope)}
                </button>
            </Show>
        </div>
    }
}
