//! A pivot as bars, or as lines where its rows are times: a chart for each metric, and for each column of times.

use std::sync::Arc;

use adtally_core::report::{By, Metric, TimeUnit};
use adtally_core::time::{HOUR_MS, parse_rfc3339};
use leptos::prelude::*;

use super::explore::{catalog, name_of};
use super::place::CurrentPlace;
use super::show::Show;
use crate::browser::{self, t};
use crate::calendar::{Offsets as _, next_day};
use crate::chart::line_chart::LineChart;
use crate::format::{self, Width};
use crate::intl::Zone;
use crate::metric;
use crate::model::behind::{events_behind, others_alone};
use crate::model::catalog::Currency;
use crate::model::pivot::{greatest, heat, value};
use crate::model::series::Series;
use crate::model::sheet::{Answered, Line as SheetLine, Stands};
use crate::phrase::Phrase;
use crate::state::explore::ExploreState;
use crate::state::place::Place;

/// The most charts of times: more than two screens of them nobody compares.
const MOST_CHARTS: usize = 12;

/// A pivot drawn.
#[component]
pub fn PivotChart(
    /// The pivot.
    answered: Memo<Option<Answered>>,
    /// Asks something else.
    change: Callback<ExploreState>,
) -> impl IntoView {
    let unit = Memo::new(move |_| match answered.read().as_ref()?.state.rows.first() {
        Some(By::Time(unit)) => Some(Some(*unit)),
        _ => Some(None),
    });
    move || match unit.get() {
        Some(Some(unit)) => view! { <Lines answered unit/> }.into_any(),
        Some(None) => view! { <Bars answered change/> }.into_any(),
        None => view! {
            <div class="bars" data-testid="state-loading"><div class="chart-skeleton"></div></div>
        }
        .into_any(),
    }
}

/// What one of several charts draws: a metric, and the column that it is of.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    metric: Metric,
    /// Its place and name; `None` where columns are not told apart.
    column: Option<(usize, String)>,
}

/// What is drawn, and how many parts are left out: there is room for the first.
fn parts(answered: &Answered) -> (Vec<Part>, usize) {
    let Answered { state, basis, sheet, .. } = answered;
    let (lang, catalog, zone) = (browser::lang(), catalog(), basis.zone.name());
    let name = |by: By| move |(place, key): (usize, &String)| (place, by, key.clone());
    let columns = state.column.into_iter().flat_map(|by| sheet.columns.iter().enumerate().map(name(by)));
    let others = (sheet.other_columns, Phrase::Others.with(lang, &[&sheet.other_columns.to_string()]));
    let others = (others.0 > 0).then_some((sheet.columns.len(), others.1));
    let columns = columns.map(|(place, by, key)| (place, name_of(by, &key, &catalog, zone, lang)));
    let columns: Vec<Option<(usize, String)>> = match state.column {
        Some(_) => columns.chain(others).map(Some).collect(),
        None => vec![None],
    };
    let part = |metric: Metric| columns.iter().map(move |column| Part { metric, column: column.clone() });
    let mut parts: Vec<Part> = ranked_first(state).into_iter().flat_map(part).collect();
    let left_out = parts.len().saturating_sub(MOST_CHARTS);
    parts.truncate(MOST_CHARTS);
    (parts, left_out)
}

/// The metrics, that by which rows are ranked first.
fn ranked_first(state: &ExploreState) -> Vec<Metric> {
    let ranked = state.ranked_by();
    let others = state.metrics.iter().copied().filter(|metric| Some(*metric) != ranked);
    ranked.into_iter().chain(others).collect()
}

/// Times from left to right, a chart for each metric and column.
#[component]
fn Lines(answered: Memo<Option<Answered>>, unit: TimeUnit) -> impl IntoView {
    let drawn = Memo::new(move |_| answered.read().as_ref().map(parts).unwrap_or_default());
    let several = move || if drawn.read().0.len() > 1 { "multiples" } else { "" };
    let charts =
        move || drawn.get().0.into_iter().map(|part| view! { <Line answered unit part/> }).collect_view();
    let left_out = move || {
        let left_out = drawn.read().1;
        let text = Phrase::NotDrawn.with(browser::lang(), &[&left_out.to_string()]);
        (left_out > 0).then(|| view! { <p class="card-note" data-testid="not-drawn">{text}</p> })
    };
    view! { <div class="bars" data-testid="pivot-chart"><div class=several>{charts}</div>{left_out}</div> }
}

/// One of them; a click shows the events of a time.
#[component]
fn Line(answered: Memo<Option<Answered>>, unit: TimeUnit, part: Part) -> impl IntoView {
    let place = CurrentPlace::expect();
    let Part { metric, column } = part;
    let (column, which) = column.unzip();
    let which = which.unwrap_or_default();
    let named = which.clone();
    let currency = Signal::derive(move || {
        let answered = answered.read();
        catalog().currency(&answered.as_ref()?.basis.scope).code().map(str::to_string)
    });
    let series = Signal::derive(move || {
        let (answered, now_ms) = (answered.read(), place.now_ms.get());
        let of = |answered| over_time(answered, unit, metric, column, now_ms);
        Arc::new(answered.as_ref().map_or_else(Series::empty, of))
    });
    // Columns are compared, so they share a scale.
    let highest = Signal::derive(move || {
        let answered = answered.read();
        let lines = answered.iter().flat_map(|answered| &answered.sheet.lines).skip(1);
        column.map_or(0.0, |_| greatest(lines.flat_map(|line| &line.row.cells), metric))
    });
    let on_open = Callback::new(move |index: usize| {
        // The first line is all of them.
        let events = answered.with_untracked(|answered| {
            let at = (index + 1, column.unwrap_or(usize::MAX));
            events_behind(answered.as_ref()?, at, Some(metric), &catalog())
        });
        if let Some(events) = events {
            place.go(&Place::Events(events));
        }
    });
    let heading = {
        let which = if which.is_empty() { String::new() } else { format!(" · {which}") };
        move || format!("{}{which}", metric::phrase(metric).text(browser::lang()))
    };
    view! {
        <div data-testid="pivot-line" data-metric=metric.name() data-column=named>
            <p class="chart-name">{heading}</p>
            <LineChart series metric=Signal::stored(metric) currency on_open which highest/>
        </div>
    }
}

/// The totals of the rows of a pivot by time, or what one column has of them.
fn over_time(
    answered: &Answered,
    unit: TimeUnit,
    metric: Metric,
    column: Option<usize>,
    now_ms: i64,
) -> Series {
    let row = |line: &SheetLine| {
        let start = parse_rfc3339(line.path.last().filter(|_| line.depth == 0)?)?;
        let measures = match column {
            Some(place) => line.row.cells.get(place)?,
            None => &line.row.total,
        };
        Some((start, value(metric, measures)))
    };
    let points = answered.sheet.lines.iter().filter_map(row).collect();
    let tz = answered.basis.zone.name();
    let zone = Zone::or_utc(tz);
    let end = |start: i64| match zone.as_ref().filter(|_| unit != TimeUnit::Hour) {
        Some(zone) => next_day(unit, zone.local(start).date()).map_or(i64::MAX, |day| zone.day_start_ms(day)),
        None => start + HOUR_MS,
    };
    Series::of((unit, tz), metric, points, now_ms, end)
}

/// Bars of each metric.
#[component]
fn Bars(answered: Memo<Option<Answered>>, change: Callback<ExploreState>) -> impl IntoView {
    let metrics =
        Memo::new(move |_| answered.read().as_ref().map(|one| ranked_first(&one.state)).unwrap_or_default());
    let several = move || if metrics.read().len() > 1 { "multiples" } else { "" };
    let charts = move || {
        metrics.get().into_iter().map(|metric| view! { <BarsOf answered metric change/> }).collect_view()
    };
    let has_columns =
        Memo::new(move |_| answered.read().as_ref().is_some_and(|one| one.state.column.is_some()));
    view! {
        <div class="bars" data-testid="pivot-chart">
            <Show when=move || has_columns.get()>
                <p class="card-note" data-testid="columns-added-up">{t(Phrase::ColumnsAddedUp)}</p>
            </Show>
            <div class=several>{charts}</div>
        </div>
    }
}

/// One bar per row; a click goes into the row.
#[component]
fn BarsOf(answered: Memo<Option<Answered>>, metric: Metric, change: Callback<ExploreState>) -> impl IntoView {
    move || {
        let answered = answered.get()?;
        let Answered { state, basis, sheet, .. } = &answered;
        let (lang, catalog) = (browser::lang(), catalog());
        let currency = catalog.currency(&basis.scope);
        let is_mixed = metric::needs_one_currency(metric) && currency == Currency::Mixed;
        let rows = || sheet.lines.iter().filter(|line| line.stands != Stands::Total);
        let most = greatest(rows().map(|line| &line.row.total), metric);
        let bar = |line: &SheetLine| {
            let name = match &line.stands {
                Stands::Row { by, .. } => name_of(
                    *by,
                    line.path.last().map_or("", String::as_str),
                    &catalog,
                    basis.zone.name(),
                    lang,
                ),
                Stands::Others(count) => Phrase::Others.with(lang, &[&count.to_string()]),
                Stands::Total => String::new(),
            };
            let figure = value(metric, &line.row.total).filter(|_| !is_mixed);
            let text = format::figure(lang, metric, figure, currency.code(), Width::Full);
            let next = match line.stands {
                Stands::Others(_) => others_alone(&answered, line),
                _ => Some(state.clone().drilled(&line.path, &basis.scope)),
            };
            let name = match next {
                Some(next) => {
                    let drill = move |_| change.run(next.clone());
                    view! { <button type="button" class="value bar-name" on:click=drill>{name}</button> }
                        .into_any()
                }
                None => view! { <span class="bar-name">{name}</span> }.into_any(),
            };
            view! {
                <li class="bar-line" data-testid="bar" data-value=figure.map(|figure| figure.to_string())>
                    {name}
                    <svg class="wide-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-length" width=100.0 * heat(figure, most) height="10" rx="0.4"/>
                    </svg>
                    <span class="bar-figure">{text}</span>
                </li>
            }
        };
        let name = metric::phrase(metric).text(lang);
        Some(view! {
            <figure class="bars-of" data-metric=metric.name() aria-label=name>
                <figcaption>{name}</figcaption>
                <ul>{rows().map(bar).collect_view()}</ul>
            </figure>
        })
    }
}
