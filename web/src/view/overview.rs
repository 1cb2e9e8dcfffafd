//! The overview: what happened, how it compares, where it came from.

use std::sync::Arc;

use adtally_core::cell::{Dimension, Scope};
use adtally_core::report::{By, Metric, Source, TimeUnit};
use adtally_core::time::DAY_MS;
use leptos::prelude::*;

use super::freshness::Freshness;
use super::kpi_tiles::{KpiTiles, TileData};
use super::notice::{EmptyNotice, FailureNotice, StaleNotice};
use super::place::CurrentPlace;
use super::shell::PageHead;
use super::show::Show;
use super::top_list::TopList;
use super::trend::Trend;
use crate::api::feed::{Feed, Follow, Shown};
use crate::api::request::{Period, ReportRequest};
use crate::api::session::Session;
use crate::browser::t;
use crate::calendar::{Offsets as _, unit_for_days, units_for_days};
use crate::intl::Zone;
use crate::metric::{self, COST, LINKED_CLICKS, VALUE};
use crate::model::catalog::Currency;
use crate::model::figure;
use crate::model::series::Series;
use crate::model::setting::Setting;
use crate::phrase::Phrase;
use crate::state::overview::OverviewState;
use crate::state::place::Place;

/// More buckets than any choice of period and unit has.
const MAX_BUCKETS: u32 = 10_000;

/// The overview.
#[component]
pub fn Overview() -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let state = Memo::new(move |_| match place.place.get() {
        Some(Place::Overview(state)) => state,
        _ => OverviewState::read("").0,
    });
    let metric = Memo::new(move |_| state.get().metric);
    let scope = Memo::new(move |_| place.setting.get().map(|setting| setting.scope));
    let currency = Memo::new(move |_| currency_of(session, scope.get()));
    let chosen_unit = Memo::new(move |_| state.get().unit);
    let widest = RwSignal::new(TimeUnit::Day);
    let unit = Memo::new(move |_| {
        place.setting.get().map(|setting| unit_of(&setting, chosen_unit.get(), widest.get()))
    });
    let period = follow_period(place, unit, widest);
    let series = figures(place, period, unit);
    let tiles = TileData { series, currency, period, ..compare(place, period, series, currency) };
    let choose = Callback::new(move |metric| {
        place.go(&Place::Overview(OverviewState { metric, ..state.get_untracked() }));
    });
    let choose_unit = Callback::new(move |unit| {
        place.go(&Place::Overview(OverviewState { unit: Some(unit), ..state.get_untracked() }));
    });
    let money = Signal::derive(move || currency.get().code().map(str::to_string));
    let failed = Memo::new(move |_| period.failure.get().filter(|_| period.shown.read().is_none()));
    let is_empty =
        Memo::new(move |_| period.shown.read().as_ref().is_some_and(|shown| shown.answer.row_count == 0));
    let is_mixed = Memo::new(move |_| {
        currency.get() == Currency::Mixed && metric::needs_one_currency(state.get().metric)
    });
    let body = move || {
        match failed.get() {
        Some(failure) => view! {
            <section class="card"><FailureNotice failure on_retry=Callback::new(move |()| period.retry())/></section>
        }
        .into_any(),
        None => view! {
            <section class="card overview-card">
                <KpiTiles data=tiles scope chosen=metric choose/>
                <Show when=move || is_mixed.get() && !is_empty.get()>
                    <p class="card-note" data-testid="mixed-currencies">{t(Phrase::MixedCurrenciesHint)}</p>
                </Show>
                <Show when=move || !is_empty.get() && !is_mixed.get() fallback=move || is_empty.get().then(EmptyNotice)>
                    <Trend series metric currency=money unit choose_unit/>
                </Show>
            </section>
            <Show when=move || !is_empty.get()>
                <div class="top-lists">{move || scope.get().map(|scope| top_lists(&scope, metric))}</div>
            </Show>
        }
        .into_any(),
    }
    };
    view! {
        <div
            class="overview"
            data-testid="overview"
            data-busy=move || if period.busy.get() { "true" } else { "false" }
            aria-busy=move || if period.busy.get() { "true" } else { "false" }
        >
            <PageHead title=Phrase::Overview/>
            <Freshness feed=period/>
            <StaleNotice feed=period/>
            {body}
        </div>
    }
}

/// The currency of what is shown.
fn currency_of(session: Session, scope: Option<Scope>) -> Currency {
    let catalog = session.catalog.get().unwrap_or_default();
    scope.map_or(Currency::Unknown, |scope| catalog.currency(&scope))
}

/// What is ranked: for a publisher its placements, for the others campaigns, ads and services.
fn top_lists(scope: &Scope, metric: Memo<Metric>) -> impl IntoView + use<> {
    let dimensions: &[Dimension] = match scope {
        Scope::Platform | Scope::Advertiser(_) => &[Dimension::Campaign, Dimension::Ad, Dimension::Service],
        Scope::Service(_) => &[Dimension::Placement, Dimension::Advertiser],
    };
    dimensions.iter().map(|dimension| view! { <TopList dimension=*dimension metric/> }).collect_view()
}

/// The chosen unit where it fits the period, else the one that suits it; all time has a `widest` of its own.
fn unit_of(setting: &Setting, chosen: Option<TimeUnit>, widest: TimeUnit) -> TimeUnit {
    let days = setting.span.days();
    let suited = if setting.is_all_time() { widest } else { unit_for_days(days) };
    chosen.filter(|unit| setting.is_all_time() || units_for_days(days).contains(unit)).unwrap_or(suited)
}

/// The figures of the period, by buckets of `unit`.
fn follow_period(place: CurrentPlace, unit: Memo<Option<TimeUnit>>, widest: RwSignal<TimeUnit>) -> Feed {
    let request = move || {
        let setting = place.setting.get()?;
        let unit = unit.get()?;
        let metrics = OverviewState::TILES.into_iter().chain([LINKED_CLICKS]);
        let metrics = metrics.filter(|metric| metric.is_seen_by(&setting.scope)).collect();
        let period = Period::Days(setting.span);
        let totals = ReportRequest::totals(setting.scope, period, Some(setting.tz), metrics);
        Some(ReportRequest { by: vec![By::Time(unit)], limit: Some(MAX_BUCKETS), ..totals })
    };
    let feed = Feed::new(request, Follow::Live);
    Effect::new(move |_| {
        // All time has as many days as there are figures for, which only an answer tells. Only ever wider, so that
        // two widths do not take turns.
        let days = feed.shown.with(|shown| shown.as_ref().and_then(days_with_figures));
        let is_all_time = place.setting.get().is_some_and(|setting| setting.is_all_time());
        let unit = days.map_or(TimeUnit::Day, unit_for_days);
        if is_all_time && unit > widest.get_untracked() {
            widest.set(unit);
        }
    });
    feed
}

/// The figures of the period over time, with what of them the batch has published.
fn figures(place: CurrentPlace, period: Feed, unit: Memo<Option<TimeUnit>>) -> Memo<Option<Arc<Series>>> {
    let batch = follow_batch(place, unit);
    Memo::new(move |_| {
        let series = series_of(&period.shown.get()?, place.now_ms.get())?;
        let published = batch.shown.get().filter(|shown| by_time(&shown.request) == Some(series.unit));
        Some(Arc::new(match published {
            Some(published) => series.with_batch(&published.answer),
            None => series,
        }))
    })
}

/// What the batch has published of the same.
fn follow_batch(place: CurrentPlace, unit: Memo<Option<TimeUnit>>) -> Feed {
    let request = move || {
        let setting = place.setting.get()?;
        let metrics = OverviewState::TILES.into_iter().filter(|metric| metric::adds_up(*metric));
        let metrics = metrics.filter(|metric| metric.is_seen_by(&setting.scope)).collect();
        let (by, days) = (vec![By::Time(unit.get()?)], Period::Days(setting.span));
        let totals = ReportRequest::totals(setting.scope, days, Some(setting.tz), metrics);
        Some(ReportRequest { by, limit: Some(MAX_BUCKETS), source: Source::Batch, ..totals })
    };
    Feed::new(request, Follow::Live)
}

fn by_time(request: &ReportRequest) -> Option<TimeUnit> {
    match request.by.first() {
        Some(By::Time(unit)) => Some(*unit),
        _ => None,
    }
}

/// From the first to the last bucket that has figures.
fn days_with_figures(shown: &Shown) -> Option<i64> {
    let starts = || shown.answer.rows.iter().filter_map(|row| figure::instant(row.first()?));
    Some((starts().max()? - starts().min()?) / DAY_MS)
}

/// The answer without gaps, for the period that was asked for.
fn series_of(shown: &Shown, now_ms: i64) -> Option<Series> {
    let (Period::Days(span), Some(By::Time(unit))) = (&shown.request.period, shown.request.by.first()) else {
        return None;
    };
    let zone = Zone::or_utc(&shown.answer.tz)?;
    let starts = zone.bucket_starts(*span, *unit, MAX_BUCKETS as usize);
    let series = Series::new(&shown.answer, *unit, &starts, now_ms);
    let is_long = starts.len() > 1_000;
    Some(if is_long { series.trimmed() } else { series })
}

/// The same part of this period and of the one before.
fn compare(
    place: CurrentPlace,
    period: Feed,
    series: Memo<Option<Arc<Series>>>,
    currency: Memo<Currency>,
) -> TileData {
    let comparison = Memo::new(move |_| {
        let setting = place.setting.get()?;
        let zone = Zone::or_utc(&setting.tz)?;
        setting.comparison(&zone, place.now_ms.get())
    });
    let totals = move |period: Period| {
        let Setting { scope, tz, .. } = place.setting.get()?;
        let metrics = OverviewState::TILES.into_iter().filter(|metric| metric.is_seen_by(&scope)).collect();
        Some(ReportRequest::totals(scope, period, Some(tz), metrics))
    };
    let now = Feed::new(move || totals(comparison.get()?.now), Follow::Question);
    let before = Feed::new(move || totals(comparison.get()?.before), Follow::Question);
    let money = Feed::new(move || money_by_advertiser(&place.setting.get()?, &currency.get()), Follow::Live);
    let ongoing = Memo::new(move |_| comparison.get().is_some_and(|comparison| comparison.ongoing));
    let too_early = Memo::new(move |_| {
        let has_before =
            place.setting.get().is_some_and(|setting| setting.range.before(setting.today).is_some());
        has_before && comparison.read().is_none()
    });
    TileData { period, now, before, series, currency, money, ongoing, too_early }
}

/// Money of each advertiser, where there are several currencies: there is no total to show.
fn money_by_advertiser(setting: &Setting, currency: &Currency) -> Option<ReportRequest> {
    if *currency != Currency::Mixed {
        return None;
    }
    let Setting { scope, tz, span, .. } = setting.clone();
    let metrics = [COST, VALUE].into_iter().filter(|metric| metric.is_seen_by(&scope)).collect();
    let totals = ReportRequest::totals(scope, Period::Days(span), Some(tz), metrics);
    Some(ReportRequest { by: vec![By::Dimension(Dimension::Advertiser)], limit: Some(MAX_BUCKETS), ..totals })
}
