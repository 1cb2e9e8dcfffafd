//! The pivot: cells are downloaded once, and every question after that is answered here.

use std::sync::Arc;

use adtally_core::report::{By, Metric, TimeUnit};
use leptos::prelude::*;

use super::explore_controls::Controls;
use super::freshness::LiveBadge;
use super::icon::{Glyph, Icon};
use super::notice::{EmptyNotice, FailureNotice};
use super::pivot_chart::PivotChart;
use super::pivot_picture;
use super::pivot_table::PivotTable;
use super::place::CurrentPlace;
use super::saved_views::SavedViews;
use super::shell::PageHead;
use super::show::Show;
use crate::api::cells::{CellsFeed, CellsRequest, Loaded};
use crate::api::live::Live;
use crate::api::request::Period;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::calendar::Span;
use crate::clock;
use crate::format;
use crate::intl::Zone;
use crate::model::catalog::Catalog;
use crate::model::setting::{Comparison, Setting};
use crate::model::sheet::{Answered, Basis, Compared, sheet};
use crate::model::sheet_csv;
use crate::phrase::Phrase;
use crate::state::explore::{ExploreState, Look};
use crate::state::place::Place;
use crate::state::report::dimensions;

/// The pivot.
#[component]
pub fn Explore() -> impl IntoView {
    let place = CurrentPlace::expect();
    let state = Memo::new(move |_| match place.place.get() {
        Some(Place::Explore(state)) => state,
        _ => ExploreState::default(),
    });
    let change = Callback::new(move |state: ExploreState| place.go(&Place::Explore(state)));
    let feeds = Feeds::follow(place, state);
    let Feeds { now, .. } = feeds;
    let answered = Memo::new(move |_| answer(now.loaded.read().as_ref()?, feeds, &state.read()));
    let is_empty =
        Memo::new(move |_| now.loaded.read().as_ref().is_some_and(|loaded| loaded.segment.is_empty()));
    let has_metrics = Memo::new(move |_| !state.read().metrics.is_empty());
    let look = Memo::new(move |_| state.read().look);
    let body = move || match now.failure.get() {
        _ if !has_metrics.get() => {
            view! { <div class="notice" data-testid="state-empty"><p>{t(Phrase::ExploreNothing)}</p></div> }
                .into_any()
        }
        Some(failure) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| now.retry())/> }.into_any()
        }
        None if is_empty.get() => view! { <EmptyNotice/> }.into_any(),
        None if look.get() == Look::Chart => view! { <PivotChart answered change/> }.into_any(),
        None => view! { <PivotTable answered change/> }.into_any(),
    };
    let busy = move || if feeds.are_busy() { "true" } else { "false" };
    view! {
        <div class="explore" data-testid="explore" data-busy=busy aria-busy=busy>
            <PageHead title=Phrase::Explore/>
            <About cells=now answered/>
            <Controls state change/>
            <section class="card report-card">
                <Actions feeds answered state change/>
                <Show when=move || feeds.has_nothing_to_compare(state)>
                    <p class="card-note" data-testid="no-compare">{t(Phrase::NothingToCompare)}</p>
                </Show>
                {body}
            </section>
        </div>
    }
}

/// The cells of a page: of the period, and of what of it is compared with what.
#[derive(Clone, Copy)]
struct Feeds {
    now: CellsFeed,
    part: CellsFeed,
    before: CellsFeed,
    comparison: Memo<Option<Comparison>>,
    setting: Memo<Option<Setting>>,
}

impl Feeds {
    fn follow(place: CurrentPlace, state: Memo<ExploreState>) -> Feeds {
        let is_compared = Memo::new(move |_| state.read().compare && !state.read().has_time());
        // The overview compares the same.
        let comparison = Memo::new(move |_| {
            let setting = place.setting.get().filter(|_| is_compared.get())?;
            setting.comparison(&Zone::or_utc(&setting.tz)?, place.now_ms.get())
        });
        let now = CellsFeed::new(move |crowded| {
            let setting = place.setting.get()?;
            let whole = Period::Days(setting.span);
            Some(request_of(&setting, &state.read(), (setting.span, whole), crowded))
        });
        let part = CellsFeed::new(move |crowded| {
            let (setting, comparison) = (place.setting.get()?, comparison.get()?);
            let part = (setting.span, comparison.now);
            comparison.ongoing.then(|| request_of(&setting, &state.read(), part, crowded))
        });
        let before = CellsFeed::new(move |crowded| {
            let (setting, comparison) = (place.setting.get()?, comparison.get()?);
            let span = setting.range.before(setting.today)?;
            Some(request_of(&setting, &state.read(), (span, comparison.before), crowded))
        });
        Feeds { now, part, before, comparison, setting: place.setting }
    }

    fn are_busy(self) -> bool {
        self.now.busy.get() || self.part.busy.get() || self.before.busy.get()
    }

    fn retry(self) {
        self.now.retry();
        self.part.retry();
        self.before.retry();
    }

    /// Whether somebody wants to compare, and there is nothing.
    fn has_nothing_to_compare(self, state: Memo<ExploreState>) -> bool {
        let is_wanted = state.read().compare && !state.read().has_time();
        is_wanted && self.setting.read().is_some() && self.comparison.read().is_none()
    }

    /// What the period is compared with, once all of it is here.
    fn compared(self) -> Option<Compared> {
        let ongoing = self.comparison.read().as_ref()?.ongoing;
        let part = self.part.loaded.read().as_ref().filter(|_| ongoing).map(basis);
        let before = basis(self.before.loaded.read().as_ref()?);
        (part.is_some() || !ongoing).then_some(Compared { part, before })
    }
}

/// The cells that can answer this state, and the next ones that somebody may ask for.
fn request_of(
    setting: &Setting,
    state: &ExploreState,
    (span, period): (Span, Period),
    crowded: bool,
) -> CellsRequest {
    let Setting { scope, tz, .. } = setting.clone();
    let time = if state.has_hours() { TimeUnit::Hour } else { TimeUnit::Day };
    let part = match period {
        Period::Days(_) => None,
        Period::Instants(from, to) => Some((from, to)),
    };
    // A part may end in the middle of a day: nothing of it is told apart by days.
    let needs_time = state.has_time() || !(crowded || part.is_some());
    let mut by: Vec<By> = needs_time.then_some(By::Time(time)).into_iter().collect();
    let shown = state.rows.iter().chain(&state.column).copied();
    let shown = shown.filter(|by| matches!(by, By::Dimension(_)));
    let wanted: Vec<By> =
        shown.chain(state.filters.iter().map(|filter| By::Dimension(filter.dimension))).collect();
    let kept = dimensions(&scope).iter().filter(|dimension| {
        (!crowded && scope.dimensions().contains(dimension)) || wanted.contains(&By::Dimension(**dimension))
    });
    by.extend(kept.map(|dimension| By::Dimension(*dimension)));
    CellsRequest { scope, span, part, tz, by }
}

fn basis(loaded: &Loaded) -> Basis {
    let CellsRequest { scope, span, part, .. } = loaded.request.clone();
    Basis { segment: loaded.segment.clone(), scope, span, part, zone: loaded.zone.clone() }
}

fn answer(loaded: &Loaded, feeds: Feeds, state: &ExploreState) -> Option<Answered> {
    let now = basis(loaded);
    let compared = feeds.compared().filter(|_| state.compare);
    let begun = clock::precise_ms();
    let made = Arc::new(sheet(&now, compared.as_ref(), state));
    Some(Answered { state: state.clone(), basis: now, sheet: made, took_ms: clock::precise_ms() - begun })
}

/// What the figures are made of.
#[component]
fn About(cells: CellsFeed, answered: Memo<Option<Answered>>) -> impl IntoView {
    let count = move || {
        let loaded = cells.loaded.read();
        let segment = &loaded.as_ref()?.segment;
        let count = format::count(browser::lang(), segment.len() as i64);
        Some(Phrase::CellsHere.with(browser::lang(), &[&count]))
    };
    let took = move || {
        let took = answered.read().as_ref().map(|answered| answered.took_ms)?;
        Some(Phrase::AnsweredIn.with(browser::lang(), &[&format!("{took:.1}")]))
    };
    view! {
        <div class="freshness">
            <LiveBadge/>
            <Show when=move || cells.loaded.read().is_some() fallback=|| view! { <span class="skeleton wide"></span> }>
                <span data-testid="cells">{count}</span>
                <span class="quiet" data-testid="took" data-value=move || answered.read().as_ref().map(|one| one.took_ms.to_string())>
                    {took}
                </span>
            </Show>
        </div>
    }
}

/// How it is shown, and what can be done with it.
#[component]
fn Actions(
    feeds: Feeds,
    answered: Memo<Option<Answered>>,
    state: Memo<ExploreState>,
    change: Callback<ExploreState>,
) -> impl IntoView {
    let (live, painter) = (expect_context::<Live>(), pivot_picture::Painter::expect());
    let picture = Callback::new(move |answered: Answered| pivot_picture::save(&answered, painter));
    let is_old = Memo::new(move |_| {
        let newest = live.newest.read();
        let loaded = feeds.now.loaded.read();
        let versions =
            newest.as_ref().map(|newest| &newest.version).zip(loaded.as_ref().map(|loaded| &loaded.version));
        versions.is_some_and(|(newest, shown)| newest != shown)
    });
    let refresh = move || if is_old.get() { Phrase::NewDataArrived } else { Phrase::Refresh };
    let look = move |look: Look, phrase: Phrase, test_id: &'static str| {
        view! {
            <button
                type="button"
                data-testid=test_id
                aria-pressed=move || if state.read().look == look { "true" } else { "false" }
                on:click=move |_| change.run(ExploreState { look, ..state.get_untracked() })
            >
                {t(phrase)}
            </button>
        }
    };
    view! {
        <div class="card-head">
            <div class="card-actions">
                <div class="segments" role="group" aria-label=t(Phrase::ViewAs)>
                    {look(Look::Table, Phrase::AsTable, "look-table")}
                    {look(Look::Chart, Phrase::AsChart, "look-chart")}
                </div>
                <Toggles state change/>
            </div>
            <div class="card-actions">
                <button type="button" class="button quiet" class:lit=is_old data-testid="refresh" on:click=move |_| feeds.retry()>
                    <Glyph icon=Icon::Refresh/>
                    <span>{move || refresh().text(browser::lang())}</span>
                </button>
                <SavedViews kind="explore"/>
                <FileButton feeds answered phrase=Phrase::DownloadPng test_id="png" give=picture/>
                <FileButton feeds answered phrase=Phrase::DownloadCsv test_id="csv" give=Callback::new(download)/>
            </div>
        </div>
    }
}

#[component]
fn Toggles(state: Memo<ExploreState>, change: Callback<ExploreState>) -> impl IntoView {
    let toggle = move |phrase: Phrase,
                       test_id: &'static str,
                       is: fn(&ExploreState) -> bool,
                       set: fn(&mut ExploreState)| {
        view! {
            <button
                type="button"
                class="button quiet"
                class:lit=move || is(&state.read())
                data-testid=test_id
                aria-pressed=move || if is(&state.read()) { "true" } else { "false" }
                on:click=move |_| {
                    let mut next = state.get_untracked();
                    set(&mut next);
                    change.run(next);
                }
            >
                {t(phrase)}
            </button>
        }
    };
    let has_time = Memo::new(move |_| state.read().has_time());
    view! {
        {toggle(Phrase::HeatMap, "heat", |state| state.heat, |state| state.heat = !state.heat)}
        <Show when=move || !has_time.get()>
            {toggle(Phrase::ComparePeriods, "compare", |state| state.compare, |state| state.compare = !state.compare)}
        </Show>
    }
}

/// Gives what is shown as a file. While figures are on their way it gives them when they are here: nobody clicks twice.
#[component]
fn FileButton(
    feeds: Feeds,
    answered: Memo<Option<Answered>>,
    phrase: Phrase,
    test_id: &'static str,
    give: Callback<Answered>,
) -> impl IntoView {
    let wanted = RwSignal::new(false);
    Effect::new(move |_| {
        if !wanted.get() || feeds.are_busy() {
            return;
        }
        let shown = answered.get();
        // Nobody waits for what has failed: the page says so.
        if shown.is_some() || feeds.now.failure.read().is_some() {
            wanted.set(false);
        }
        if let Some(shown) = shown {
            untrack(|| give.run(shown));
        }
    });
    let busy = move || if wanted.get() { "true" } else { "false" };
    view! {
        <button type="button" class="button" data-testid=test_id aria-busy=busy on:click=move |_| wanted.set(true)>
            <Glyph icon=Icon::Download/>
            <span>{t(phrase)}</span>
        </button>
    }
}

/// Puts the table into a file of the reader's device.
fn download(Answered { state, sheet, .. }: Answered) {
    browser::download("adtally-explore.csv", "text/csv;charset=utf-8", &sheet_csv::csv(&sheet, &state));
}

/// The name of a key on a page.
pub fn name_of(by: By, key: &str, catalog: &Catalog, tz: &str, lang: crate::lang::Lang) -> String {
    match by {
        By::Dimension(dimension) => match (key, catalog.name(dimension, key)) {
            ("", _) => Phrase::None.text(lang).to_string(),
            (key, name) => name.unwrap_or(key).to_string(),
        },
        By::Time(unit) => adtally_core::time::parse_rfc3339(key).map_or(key.to_string(), |start| {
            let moment = if unit == TimeUnit::Hour {
                format::Moment::Bucket(unit)
            } else {
                format::Moment::Tick(unit)
            };
            format::moment(lang, moment, start, tz)
        }),
    }
}

/// The session's catalog.
pub fn catalog() -> Arc<Catalog> {
    Session::expect().catalog.get().unwrap_or_default()
}

/// Metrics that a pivot can show.
pub fn offered(metric: Metric) -> bool {
    metric != Metric::Reach
}
