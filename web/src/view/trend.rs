//! The chart of the overview.

use std::sync::Arc;

use adtally_core::report::{By, Metric, TimeUnit};
use leptos::prelude::*;

use super::place::CurrentPlace;
use super::show::Show;
use crate::browser::{self, t};
use crate::calendar::{Offsets as _, Span, next_day, units_for_days};
use crate::chart::line_chart::LineChart;
use crate::format::{self, Width};
use crate::intl::Zone;
use crate::lang::Lang;
use crate::metric;
use crate::model::series::Series;
use crate::phrase::Phrase;
use crate::state::frame::Frame;
use crate::state::overview::bucket_phrase;
use crate::state::range::Range;
use crate::state::report::by_phrase;

/// The chosen figure over time; opening a bucket shows its days.
#[component]
pub fn Trend(
    /// Figures over time.
    series: Memo<Option<Arc<Series>>>,
    /// Which of them.
    metric: Memo<Metric>,
    /// Of money.
    #[prop(into)]
    currency: Signal<Option<String>>,
    /// The width of its buckets.
    unit: Memo<Option<TimeUnit>>,
    /// Another width.
    choose_unit: Callback<TimeUnit>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let on_open = Callback::new(move |index: usize| {
        let span = series.with_untracked(|series| days_of(series.as_deref()?, index));
        if let Some(span) = span {
            place.change_frame(|frame| Frame { range: Range::Days(span), ..frame });
        }
    });
    let ready = Memo::new(move |_| series.read().is_some());
    let drawn = Signal::derive(move || series.get().unwrap_or_else(|| Arc::new(Series::empty())));
    view! {
        <div class="chart-head">
            <h2>{move || title(metric.get(), unit.get(), browser::lang())}</h2>
            <Units unit choose_unit/>
        </div>
        <Legend series metric currency/>
        <Show
            when=move || ready.get()
            fallback=|| view! { <div class="chart-skeleton" data-testid="state-loading"></div> }
        >
            <LineChart series=drawn metric currency on_open/>
        </Show>
    }
}

/// What of the figures the batch has published, and what came since.
#[component]
fn Legend(
    series: Memo<Option<Arc<Series>>>,
    metric: Memo<Metric>,
    currency: Signal<Option<String>>,
) -> impl IntoView {
    let entries = move || {
        let (series, lang, metric) = (series.get()?, browser::lang(), metric.get());
        let generation = series.batch.as_ref()?.generation;
        let pending = series.unconfirmed(metric);
        let how_much = pending.map(|(pending, all)| {
            let figure = format::figure(lang, metric, Some(pending), currency.read().as_deref(), Width::Full);
            let share = if all > 0.0 {
                format!(" ({})", format::percent(lang, pending / all))
            } else {
                String::new()
            };
            format!(": {figure}{share}")
        });
        let published = (generation > 0).then(|| {
            let text = Phrase::ByBatch.with(lang, &[&generation.to_string()]);
            view! { <span class="legend-entry"><span class="swatch"></span>{text}</span> }
        });
        Some(view! {
            {published}
            <span class="legend-entry" data-testid="unconfirmed" data-value=pending.map(|(pending, _)| pending.to_string())>
                <span class="swatch pending"></span>
                {Phrase::NotYetByBatch.text(lang)}
                {how_much}
            </span>
        })
    };
    // There before what it says, so that the chart below does not move.
    view! { <p class="legend">{entries}</p> }
}

/// What the chart shows.
fn title(metric: Metric, unit: Option<TimeUnit>, lang: Lang) -> String {
    let name = metric::phrase(metric).text(lang);
    unit.map_or_else(String::new, |unit| Phrase::ChartOf.with(lang, &[name, bucket_phrase(unit).text(lang)]))
}

/// A choice of bucket widths, where the period allows for more than one.
#[component]
fn Units(unit: Memo<Option<TimeUnit>>, choose_unit: Callback<TimeUnit>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let offered = Memo::new(move |_| {
        let days = place.setting.get().map(|setting| setting.span.days());
        days.map(units_for_days).filter(|units| units.len() > 1).unwrap_or_default()
    });
    let option = move |offered: TimeUnit| {
        view! {
            <button
                type="button"
                data-testid=format!("unit-{}", offered.name())
                aria-pressed=move || if unit.get() == Some(offered) { "true" } else { "false" }
                on:click=move |_| choose_unit.run(offered)
            >
                {t(by_phrase(By::Time(offered)))}
            </button>
        }
    };
    view! {
        <div class="segments" role="group" aria-label=t(Phrase::Resolution)>
            {move || offered.get().into_iter().map(option).collect_view()}
        </div>
    }
}

/// The days of a bucket: of an hour, its day.
fn days_of(series: &Series, index: usize) -> Option<Span> {
    let from = Zone::or_utc(&series.tz)?.local(*series.starts.get(index)?).date();
    Some(Span { from, to: next_day(series.unit, from)? })
}
