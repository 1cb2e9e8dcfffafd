//! The figures of the period, and how they have changed.

use std::sync::Arc;

use adtally_core::cell::Scope;
use adtally_core::report::Metric;
use leptos::prelude::*;

use super::show::Show;
use crate::api::feed::Feed;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::chart::sparkline::Sparkline;
use crate::format::{self, Width};
use crate::lang::Lang;
use crate::metric::{self, LINK_RATE, LINKED_CLICKS};
use crate::model::catalog::{Catalog, Currency};
use crate::model::figure;
use crate::model::kpi::{Change, Tone};
use crate::model::money::by_currency;
use crate::model::series::Series;
use crate::phrase::Phrase;

/// The characters that a tile has room for; a longer figure is shortened, and whole in its title.
const ROOM: usize = 9;

/// What a tile is made of.
#[derive(Clone, Copy)]
pub struct TileData {
    /// The figures of the period.
    pub period: Feed,
    /// The part of the period that is compared.
    pub now: Feed,
    /// What it is compared with.
    pub before: Feed,
    /// Figures over time.
    pub series: Memo<Option<Arc<Series>>>,
    /// Of money.
    pub currency: Memo<Currency>,
    /// Money by advertiser, where there are several currencies.
    pub money: Feed,
    /// Whether only the ended hours are compared.
    pub ongoing: Memo<bool>,
    /// Whether none has ended, so that there is nothing to compare yet.
    pub too_early: Memo<bool>,
}

impl TileData {
    fn total(&self, metric: Metric) -> Option<f64> {
        self.period.shown.with(|shown| shown.as_ref().and_then(|shown| figure::total(&shown.answer, metric)))
    }

    fn raw(&self, metric: Metric) -> Option<String> {
        self.period.shown.with(|shown| figure::raw(shown.as_ref()?.answer.totals.get(metric.name())?))
    }

    fn change(&self, metric: Metric) -> Option<Change> {
        let total = |feed: Feed| {
            feed.shown.with(|shown| shown.as_ref().map(|shown| figure::total(&shown.answer, metric)))
        };
        Some(Change::between(total(self.before)?, total(self.now)?))
    }

    fn is_mixed(&self, metric: Metric) -> bool {
        metric::needs_one_currency(metric) && self.currency.get() == Currency::Mixed
    }

    /// The sums in each currency: the first, and the others in one line.
    fn sums(&self, metric: Metric, catalog: &Catalog, lang: Lang) -> (String, String) {
        let sums = self.money.shown.with(|shown| {
            shown.as_ref().map(|shown| by_currency(&shown.answer, catalog, metric)).unwrap_or_default()
        });
        let write = |(code, sum): (String, f64)| {
            let currency = Some(code.as_str()).filter(|code| !code.is_empty());
            format::figure(lang, metric, Some(sum), currency, Width::Short)
        };
        let mut written = sums.into_iter().map(write);
        let first = written.next().unwrap_or_else(|| format::NOTHING.to_string());
        (first, written.map(|sum| format!("+ {sum}")).collect::<Vec<_>>().join(" "))
    }
}

/// A row of tiles; each is a choice of what the chart draws.
#[component]
pub fn KpiTiles(
    /// Their figures.
    data: TileData,
    /// Whose figures: not everybody sees all.
    scope: Memo<Option<Scope>>,
    /// What the chart draws.
    chosen: Memo<Metric>,
    /// Draws another one.
    choose: Callback<Metric>,
) -> impl IntoView {
    let tiles = crate::state::overview::OverviewState::TILES;
    let seen = move |metric: Metric| scope.get().is_none_or(|scope| metric.is_seen_by(&scope));
    let tile = move |metric: Metric| {
        view! {
            <Show when=move || seen(metric)>
                <Tile metric data chosen choose/>
            </Show>
        }
    };
    view! { <div class="tiles" role="group" aria-label=t(Phrase::Metrics)>{tiles.map(tile)}</div> }
}

#[component]
fn Tile(metric: Metric, data: TileData, chosen: Memo<Metric>, choose: Callback<Metric>) -> impl IntoView {
    let session = Session::expect();
    let is_chosen = move || chosen.get() == metric;
    let value = move || {
        if data.is_mixed(metric) {
            let catalog = session.catalog.get().unwrap_or_default();
            return data.sums(metric, &catalog, browser::lang()).0;
        }
        let currency = data.currency.get();
        let figure =
            |width| format::figure(browser::lang(), metric, data.total(metric), currency.code(), width);
        let full = figure(Width::Full);
        if full.chars().count() > ROOM { figure(Width::Short) } else { full }
    };
    let whole = move || {
        let currency = data.currency.get();
        let value = data.total(metric).filter(|_| !data.is_mixed(metric));
        format::figure(browser::lang(), metric, value, currency.code(), Width::Full)
    };
    let values = move || {
        let begun = |series: Arc<Series>| {
            series.values(metric).iter().take(series.begun).copied().collect::<Vec<_>>()
        };
        // A line of won and dollars would be a line of nothing.
        data.series.get().filter(|_| !data.is_mixed(metric)).map(begun).unwrap_or_default()
    };
    let loaded = move || data.period.shown.with(Option::is_some);
    view! {
        <button
            type="button"
            class="tile"
            data-testid=format!("kpi-{}", metric.name())
            aria-pressed=move || if is_chosen() { "true" } else { "false" }
            on:click=move |_| choose.run(metric)
        >
            <span class="tile-name">{t(metric::phrase(metric))}</span>
            <Show when=loaded fallback=|| view! { <span class="tile-value"><span class="skeleton"></span></span> }>
                <span class="tile-value" data-testid="kpi-value" data-value=move || data.raw(metric) title=whole>{value}</span>
            </Show>
            <span class="tile-note"><Note metric data/></span>
            <Show when=move || !data.is_mixed(metric)><Sparkline values=Signal::derive(values)/></Show>
        </button>
    }
}

/// What stands below the figure: how it has changed, or why there is none.
#[component]
fn Note(metric: Metric, data: TileData) -> impl IntoView {
    let session = Session::expect();
    let linked = move || {
        let lang = browser::lang();
        let clicks = data.total(LINKED_CLICKS)?;
        Some(Phrase::LinkedOf.with(lang, &[&format::count(lang, clicks as i64)]))
    };
    move || {
        let lang = browser::lang();
        if data.is_mixed(metric) {
            let catalog = session.catalog.get().unwrap_or_default();
            let (_, others) = data.sums(metric, &catalog, lang);
            let title = Phrase::MixedCurrencies.text(lang);
            let note =
                view! { <span class="change others" data-testid="kpi-others" title=title>{others}</span> };
            return Some(note.into_any());
        }
        if metric == LINK_RATE {
            return Some(
                view! { <span class="change" data-testid="kpi-linked">{linked()}</span> }.into_any(),
            );
        }
        if data.too_early.get() {
            let note = view! { <span class="change" data-testid="kpi-too-early">{Phrase::NoHourYet.text(lang)}</span> };
            return Some(note.into_any());
        }
        let change = data.change(metric)?;
        let compared = if data.ongoing.get() { Phrase::ComparedWithHours } else { Phrase::ComparedWith };
        let title = compared.with(lang, &[Phrase::PreviousPeriod.text(lang)]);
        Some(match change {
            Change::NothingBefore => {
                view! { <span class="change" data-testid="kpi-change">{Phrase::NothingBefore.text(lang)}</span> }.into_any()
            }
            Change::By(by) => view! {
                <span class=tone_class(change.tone(metric)) title=title data-testid="kpi-change" data-value=by>
                    <span class="arrow" aria-hidden="true">{arrow(by)}</span>
                    {format::change(lang, by)}
                </span>
            }
            .into_any(),
        })
    }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Better => "change better",
        Tone::Worse => "change worse",
        Tone::Even => "change",
    }
}

fn arrow(by: f64) -> &'static str {
    match by {
        by if by > 0.000_5 => "▲",
        by if by < -0.000_5 => "▼",
        _ => "",
    }
}
