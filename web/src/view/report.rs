//! The report: any figures by anything, as a table that a link can share.

use adtally_core::report::Source;
use leptos::prelude::*;

use super::builder::Builder;
use super::freshness::Freshness;
use super::icon::{Glyph, Icon};
use super::notice::{EmptyNotice, FailureNotice, StaleNotice};
use super::pager::Pager;
use super::place::CurrentPlace;
use super::report_table::ReportTable;
use super::saved_views::SavedViews;
use super::shell::PageHead;
use super::show::Show;
use crate::api::feed::{Feed, Follow};
use crate::api::live::Live;
use crate::api::request::{Period, ReportRequest};
use crate::browser::{self, t};
use crate::model::setting::Setting;
use crate::phrase::Phrase;
use crate::state::place::Place;
use crate::state::report::ReportState;

/// The report.
///
/// Its rows stay as they are while somebody reads them: new data is announced, and shown when it is asked for.
#[component]
pub fn Report() -> impl IntoView {
    let place = CurrentPlace::expect();
    let state = Memo::new(move |_| match place.place.get() {
        Some(Place::Report(state)) => state,
        _ => ReportState::default(),
    });
    let request = Memo::new(move |_| Some(request_of(&place.setting.get()?, &state.get())));
    let has_metrics = Memo::new(move |_| !state.read().metrics.is_empty());
    let feed = Feed::new(move || request.get().filter(|_| has_metrics.get()), Follow::Question);
    let change = Callback::new(move |state: ReportState| place.go(&Place::Report(state)));
    let failed = Memo::new(move |_| feed.failure.get().filter(|_| feed.shown.read().is_none()));
    let body = move || match failed.get() {
        _ if !has_metrics.get() => view! {
            <div class="notice" data-testid="state-empty"><p>{t(Phrase::NoRowsSettings)}</p></div>
        }
        .into_any(),
        Some(failure) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| feed.retry())/> }.into_any()
        }
        None => view! { <Answer feed state change/> }.into_any(),
    };
    view! {
        <div
            class="report"
            data-testid="report"
            data-busy=move || if feed.busy.get() { "true" } else { "false" }
            aria-busy=move || if feed.busy.get() { "true" } else { "false" }
        >
            <PageHead title=Phrase::Report/>
            <Freshness feed/>
            <StaleNotice feed/>
            <Builder state change/>
            <section class="card report-card">
                <Actions feed state change request/>
                {body}
            </section>
        </div>
    }
}

/// What is asked, in a setting.
fn request_of(setting: &Setting, state: &ReportState) -> ReportRequest {
    let orders = state.orders();
    ReportRequest {
        scope: setting.scope.clone(),
        period: Period::Days(setting.span),
        tz: Some(setting.tz.clone()),
        by: state.by.clone(),
        metrics: state.metrics.clone(),
        filters: state.filters.clone(),
        sort: ReportState { order: orders, ..state.clone() }.sort(),
        source: Source::Merged,
        limit: Some(state.limit),
        offset: state.offset,
    }
}

/// How many rows there are, and what can be done with them.
#[component]
fn Actions(
    feed: Feed,
    state: Memo<ReportState>,
    change: Callback<ReportState>,
    request: Memo<Option<ReportRequest>>,
) -> impl IntoView {
    let live: Live = expect_context();
    let is_old = Memo::new(move |_| {
        let newest = live.newest.read();
        let shown = feed.shown.read();
        let versions = newest
            .as_ref()
            .map(|newest| &newest.version)
            .zip(shown.as_ref().map(|shown| &shown.answer.version));
        versions.is_some_and(|(newest, shown)| newest != shown)
    });
    let refresh_text = move || if is_old.get() { Phrase::NewDataArrived } else { Phrase::Refresh };
    let csv = move || request.get().map(|request| request.csv());
    view! {
        <div class="card-head">
            <Pager feed state change/>
            <div class="card-actions">
                <button
                    type="button"
                    class="button quiet"
                    class:lit=is_old
                    data-testid="refresh"
                    on:click=move |_| feed.retry()
                >
                    <Glyph icon=Icon::Refresh/>
                    <span>{move || refresh_text().text(browser::lang())}</span>
                </button>
                <SavedViews kind="report"/>
                <a class="button" data-testid="csv" href=csv download="adtally-report.csv" rel="external">
                    <Glyph icon=Icon::Download/>
                    <span>{t(Phrase::DownloadCsv)}</span>
                </a>
            </div>
        </div>
    }
}

/// The rows, or that there are none.
#[component]
fn Answer(feed: Feed, state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    // A report by nothing has one row even when nothing happened; that is an answer too.
    let is_empty = Memo::new(move |_| {
        let shown = feed.shown.read();
        shown.as_ref().is_some_and(|shown| shown.answer.row_count == 0 && !shown.request.by.is_empty())
    });
    let has_filters = move || !state.read().filters.is_empty();
    view! {
        <Show
            when=move || !is_empty.get()
            fallback=move || view! {
                <EmptyNotice/>
                <Show when=has_filters>
                    <p class="notice-more">
                        <button
                            type="button"
                            class="link"
                            data-testid="clear-filters"
                            on:click=move |_| change.run(state.get_untracked().without_filters())
                        >
                            {t(Phrase::ClearFilters)}
                        </button>
                    </p>
                </Show>
            }
        >
            <ReportTable feed state change/>
        </Show>
    }
}
