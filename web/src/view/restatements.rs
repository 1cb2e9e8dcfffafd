//! Restatements: which published figures changed, when, and why.

use adtally_core::cell::Dimension;
use adtally_core::measure::Measure;
use adtally_core::report::{Filter, Metric, TimeUnit};
use adtally_core::time::parse_rfc3339;
use adtally_wire::api::{Restated, RestatementList};
use leptos::prelude::*;

use super::chips::Line;
use super::choosers::FilterChips;
use super::explore::catalog;
use super::heads::waiting;
use super::icon::{Glyph, Icon};
use super::notice::FailureNotice;
use super::older::{Older, OlderButtons};
use super::place::CurrentPlace;
use super::zone::ZoneNote;
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::browser::{self, t};
use crate::format::{self, Moment, Width};
use crate::metric;
use crate::model::behind::events_of_cell;
use crate::model::catalog::Currency;
use crate::phrase::Phrase;
use crate::state::place::Place;
use crate::state::restatements::{CAUSES, RestatementsState};

/// Why a figure changed, in words.
fn cause_phrase(cause: &str) -> Phrase {
    match cause {
        "late" => Phrase::CauseLate,
        "relink" => Phrase::CauseRelink,
        "invalid_traffic" => Phrase::CauseInvalid,
        _ => Phrase::CauseCorrection,
    }
}

/// The restatements page.
#[component]
pub fn Restatements() -> impl IntoView {
    let place = CurrentPlace::expect();
    let live: Live = expect_context();
    let state = Memo::new(move |_| match place.place.get() {
        Some(Place::Restatements(state)) => state,
        _ => RestatementsState::default(),
    });
    let change = Callback::new(move |state: RestatementsState| place.go(&Place::Restatements(state)));
    let older = Older::new(move || {
        let setting = place.setting.get()?;
        Some(state.read().list(&setting.scope, setting.span, &setting.tz))
    });
    let list = Fetch::<RestatementList>::new(move || older.address("cursor"), move || live.tick.track());
    let next = Memo::new(move |_| list.shown.read().as_ref().map(|shown| shown.next.clone()));
    let body = move || match (list.failure.get(), list.shown.get()) {
        (Some(failure), None) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| list.retry())/> }.into_any()
        }
        (_, Some(shown)) if shown.restatements.is_empty() => {
            view! { <Nothing is_first=shown.generation == 0/> }.into_any()
        }
        (_, shown) => view! { <Changes shown/> }.into_any(),
    };
    let busy = move || if list.busy.get() { "true" } else { "false" };
    view! {
        <div class="restatements" data-testid="restatements" data-busy=busy aria-busy=busy>
            <Controls state change/>
            <section class="card report-card">{body}<OlderButtons older next/></section>
        </div>
    }
}

#[component]
fn Controls(state: Memo<RestatementsState>, change: Callback<RestatementsState>) -> impl IntoView {
    let add = Callback::new(move |filter: Filter| {
        let mut next = state.get_untracked();
        next.filters.push(filter);
        change.run(next);
    });
    let remove = Callback::new(move |filter: Filter| {
        let mut next = state.get_untracked();
        next.filters.retain(|known| *known != filter);
        change.run(next);
    });
    let causes = CAUSES.map(|cause| {
        view! { <option value=cause selected=move || state.read().cause == Some(cause)>{t(cause_phrase(cause))}</option> }
    });
    let measures = Measure::ALL.map(|measure| {
        let chosen = move || state.read().measure == Some(measure);
        let phrase = metric::phrase(Metric::Measure(measure));
        view! { <option value=measure.name() selected=chosen>{t(phrase)}</option> }
    });
    let choose_cause = move |event| {
        let name = event_target_value(&event);
        let cause = CAUSES.into_iter().find(|cause| *cause == name);
        change.run(RestatementsState { cause, ..state.get_untracked() });
    };
    let choose_measure = move |event| {
        let name = event_target_value(&event);
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
        change.run(RestatementsState { measure, ..state.get_untracked() });
    };
    view! {
        <section class="card builder">
            <Line heading=Phrase::Filters>
                <select class="select small" data-testid="cause" aria-label=t(Phrase::Cause) on:change=choose_cause>
                    <option value="" selected=move || state.read().cause.is_none()>{t(Phrase::AnyCause)}</option>
                    {causes}
                </select>
                <select class="select small" data-testid="measure" aria-label=t(Phrase::Figure) on:change=choose_measure>
                    <option value="" selected=move || state.read().measure.is_none()>{t(Phrase::AnyFigure)}</option>
                    {measures}
                </select>
                <FilterChips filters=Signal::derive(move || state.get().filters) add remove/>
            </Line>
        </section>
    }
}

/// That no published figure has changed, or that none has been published.
#[component]
fn Nothing(is_first: bool) -> impl IntoView {
    let (title, hint) = match is_first {
        true => (Phrase::NothingPublished, Phrase::NothingPublishedHint),
        false => (Phrase::NoRestatements, Phrase::NoRestatementsHint),
    };
    view! {
        <div class="notice" data-testid="state-empty">
            <span class="notice-icon"><Glyph icon=Icon::Check/></span>
            <h2>{t(title)}</h2>
            <p>{t(hint)}</p>
        </div>
    }
}

#[component]
fn Changes(shown: Option<RestatementList>) -> impl IntoView {
    let count = shown.as_ref().map(|list| {
        let count = format::count(browser::lang(), list.restatements.len() as i64);
        Phrase::ChangesShown.with(browser::lang(), &[&count])
    });
    let zone = shown.as_ref().map(|_| view! { <ZoneNote/> });
    let rows = match shown {
        None => waiting(8, 7),
        Some(list) => list.restatements.into_iter().map(row).collect_view().into_any(),
    };
    let heads = [
        (Phrase::Published, ""),
        (Phrase::Hour, ""),
        (Phrase::Cell, ""),
        (Phrase::Figure, ""),
        (Phrase::Was, "number"),
        (Phrase::Is, "number"),
        (Phrase::Cause, ""),
    ];
    let heads = heads.map(|(phrase, class)| {
        view! { <th role="columnheader" scope="col" class=class><span class="head-text">{t(phrase)}</span></th> }
    });
    view! {
        <div class="card-head"><p class="pager-text" role="status" data-testid="restatement-count">{count}</p>{zone}</div>
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Restatements)>
            // On phones its rows are cards, and browsers take what is no table to the eye for none: the roles say that it is.
            <table class="report-table restatement-table" role="table" data-testid="restatement-table">
                <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

/// A change, with a way to the events of its cell.
fn row(one: Restated) -> impl IntoView {
    let (lang, place, catalog) = (browser::lang(), CurrentPlace::expect(), catalog());
    let setting = place.setting.get();
    let tz = setting.as_ref().map(|setting| setting.tz.clone()).unwrap_or_default();
    let measure = Measure::ALL.into_iter().find(|measure| measure.name() == one.measure);
    let named = one.cell.get("advertiser").map(String::as_str);
    let currency = named.and_then(|key| catalog.currency_of_row(Dimension::Advertiser, key));
    let currency = currency
        .or_else(|| setting.map(|setting| catalog.currency(&setting.scope)))
        .unwrap_or(Currency::Unknown);
    let figure = |value: i64| match measure {
        Some(measure) => {
            let metric = Metric::Measure(measure);
            format::figure(lang, metric, Some(value as f64), currency.code(), Width::Full)
        }
        None => format::count(lang, value),
    };
    let at = parse_rfc3339(&one.hour);
    // The period above the page says which year; the whole time is in the tips.
    let short = |at: i64| format::moment(lang, Moment::Minute, at, &tz);
    let hour = at.map(short);
    let whole_hour = at.map(|at| format::moment(lang, Moment::Bucket(TimeUnit::Hour), at, &tz));
    let published = parse_rfc3339(&one.published);
    let published_at = published.map(|at| format::moment(lang, Moment::Exact, at, &tz));
    let cell = one.cell.iter().filter(|(_, key)| !key.is_empty()).map(|(name, key)| {
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        dimension.and_then(|dimension| catalog.name(dimension, key)).unwrap_or(key).to_string()
    });
    let cell = cell.collect::<Vec<_>>().join(" · ");
    let name = measure.map_or(one.measure.clone(), |measure| {
        metric::phrase(Metric::Measure(measure)).text(lang).to_string()
    });
    let events = at.and_then(|at| events_of_cell(place.frame(), &one.cell, at, measure, &tz));
    let shown = events.map(|state| state.href());
    view! {
        <tr role="row" data-testid="restatement" data-measure=one.measure.clone() data-from=one.from data-to=one.to data-cause=one.cause.clone()>
            <td role="cell" class="published" title=published_at>{published.map(short)}<span class="quiet">" · g"{one.generation}</span></td>
            <td role="cell" class="hour" title=whole_hour>{hour}</td>
            <td role="cell" class="of"><a class="value link" data-testid="behind" href=shown>{cell}</a></td>
            <td role="cell" class="figure">{name}</td>
            <td role="cell" class="number was">{figure(one.from)}</td>
            <td role="cell" class="number strong is">{figure(one.to)}</td>
            <td role="cell" class="why" data-testid="why">{cause_phrase(&one.cause).text(lang)}</td>
        </tr>
    }
}
