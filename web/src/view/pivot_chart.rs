//! A pivot as bars, or as a line where its rows are times: the metric that rows are ranked by.

use std::sync::Arc;

use adtally_core::report::{By, Metric, TimeUnit};
use adtally_core::time::parse_rfc3339;
use leptos::prelude::*;

use super::explore::{catalog, name_of};
use super::place::CurrentPlace;
use crate::browser;
use crate::chart::line_chart::LineChart;
use crate::format::{self, Width};
use crate::metric;
use crate::model::behind::events_behind;
use crate::model::catalog::Currency;
use crate::model::pivot::{greatest, heat, value};
use crate::model::series::Series;
use crate::model::sheet::{Answered, Line as SheetLine, Stands};
use crate::phrase::Phrase;
use crate::state::explore::ExploreState;
use crate::state::place::Place;

/// A pivot drawn.
#[component]
pub fn PivotChart(
    /// The pivot.
    answered: Memo<Option<Answered>>,
    /// Asks something else.
    change: Callback<ExploreState>,
) -> impl IntoView {
    let unit = Memo::new(move |_| match answered.read().as_ref()?.state.rows.first() {
        Some(By::Time(unit)) => Some(*unit),
        _ => None,
    });
    move || match unit.get() {
        Some(unit) => view! { <Line answered unit/> }.into_any(),
        None => view! { <Bars answered change/> }.into_any(),
    }
}

/// Times from left to right; a click shows the events of one.
#[component]
fn Line(answered: Memo<Option<Answered>>, unit: TimeUnit) -> impl IntoView {
    let place = CurrentPlace::expect();
    let metric = Signal::derive(move || ranked_by(answered).unwrap_or(crate::metric::IMPRESSIONS));
    let currency = Signal::derive(move || {
        let answered = answered.read();
        catalog().currency(&answered.as_ref()?.basis.scope).code().map(str::to_string)
    });
    let series = Signal::derive(move || {
        let answered = answered.read();
        Arc::new(
            answered.as_ref().map_or_else(Series::empty, |answered| over_time(answered, unit, metric.get())),
        )
    });
    let on_open = Callback::new(move |index: usize| {
        // The first line is all of them.
        let events =
            answered.with_untracked(|answered| events_behind(answered.as_ref()?, index + 1, usize::MAX));
        if let Some(events) = events {
            place.go(&Place::Events(events));
        }
    });
    view! {
        <div class="bars" data-testid="pivot-chart">
            <p class="chart-name">{move || metric::phrase(metric.get()).text(browser::lang())}</p>
            <LineChart series metric currency on_open/>
        </div>
    }
}

fn ranked_by(answered: Memo<Option<Answered>>) -> Option<Metric> {
    answered.read().as_ref()?.state.ranked_by()
}

/// The totals of the rows of a pivot by time.
fn over_time(answered: &Answered, unit: TimeUnit, metric: Metric) -> Series {
    let row = |line: &SheetLine| {
        let start = parse_rfc3339(line.path.last().filter(|_| line.depth == 0)?)?;
        Some((start, value(metric, &line.row.total)))
    };
    let points = answered.sheet.lines.iter().filter_map(row).collect();
    Series::of(unit, answered.basis.zone.name(), metric, points)
}

/// One bar per row; a click goes into the row.
#[component]
fn Bars(answered: Memo<Option<Answered>>, change: Callback<ExploreState>) -> impl IntoView {
    move || {
        let Answered { state, basis, sheet, .. } = answered.get()?;
        let metric = state.ranked_by()?;
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
            let (state, path, scope) = (state.clone(), line.path.clone(), basis.scope.clone());
            let drill = move |_| change.run(state.clone().drilled(&path, &scope));
            view! {
                <li class="bar-line" data-testid="bar" data-value=figure.map(|figure| figure.to_string())>
                    <button type="button" class="value bar-name" on:click=drill>{name}</button>
                    <svg class="wide-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-length" width=100.0 * heat(figure, most) height="10" rx="0.4"/>
                    </svg>
                    <span class="bar-figure">{text}</span>
                </li>
            }
        };
        let name = metric::phrase(metric).text(lang);
        Some(view! {
            <figure class="bars" data-testid="pivot-chart" aria-label=name>
                <figcaption>{name}</figcaption>
                <ul>{rows().map(bar).collect_view()}</ul>
            </figure>
        })
    }
}
