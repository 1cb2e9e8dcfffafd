//! What the report asks for, as chips: rows, metrics, filters.

use adtally_core::report::{By, Filter, Metric};
use leptos::prelude::*;

use super::chips::{Adder, Chip, Choice, Line};
use super::filter_editor::FilterEditor;
use super::place::CurrentPlace;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::lang::Lang;
use crate::metric;
use crate::model::catalog::Catalog;
use crate::phrase::Phrase;
use crate::state::report::{ReportState, by_phrase, dimension_phrase, groupings};

/// The controls of a report.
#[component]
pub fn Builder(
    /// What is asked.
    state: Memo<ReportState>,
    /// Asks something else.
    change: Callback<ReportState>,
) -> impl IntoView {
    view! {
        <section class="card builder">
            <Rows state change/>
            <Metrics state change/>
            <Filters state change/>
        </section>
    }
}

#[component]
fn Rows(state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let toggle = move |by: By| change.run(state.get_untracked().toggled_by(by));
    let chips = move || {
        let chip = |by: By| {
            let text = by_phrase(by).text(browser::lang()).to_string();
            view! { <Chip text test_id=format!("by-chip-{}", by.name()) remove=Callback::new(move |()| toggle(by))/> }
        };
        state.get().by.into_iter().map(chip).collect_view()
    };
    let offered = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let (times, dimensions): (Vec<_>, Vec<_>) = scope
            .as_ref()
            .map(groupings)
            .unwrap_or_default()
            .into_iter()
            .partition(|by| matches!(by, By::Time(_)));
        let group = move |heading: Phrase, items: Vec<By>| {
            let option = move |by: By| {
                let chosen = Signal::derive(move || state.read().by.contains(&by));
                let test_id = format!("by-option-{}", by.name());
                view! { <Choice phrase=by_phrase(by) test_id chosen toggle=Callback::new(move |()| toggle(by))/> }
            };
            view! { <div class="options"><h3>{t(heading)}</h3>{items.into_iter().map(option).collect_view()}</div> }
        };
        view! { {group(Phrase::Time, times)}{group(Phrase::Dimensions, dimensions)} }
    };
    view! {
        <Line heading=Phrase::Rows>
            {chips}
            <Adder phrase=Phrase::Rows test_id="add-by">{offered()}</Adder>
        </Line>
    }
}

#[component]
fn Metrics(state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let toggle = move |metric: Metric| change.run(state.get_untracked().toggled_metric(metric));
    let chips = move || {
        let chip = |metric: Metric| {
            let text = metric::phrase(metric).text(browser::lang()).to_string();
            let test_id = format!("metric-chip-{}", metric.name());
            view! { <Chip text test_id remove=Callback::new(move |()| toggle(metric))/> }
        };
        state.get().metrics.into_iter().map(chip).collect_view()
    };
    let offered = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let seen = move |metric: &Metric| scope.as_ref().is_none_or(|scope| metric.is_seen_by(scope));
        let option = move |metric: Metric| {
            let chosen = Signal::derive(move || state.read().metrics.contains(&metric));
            let test_id = format!("metric-option-{}", metric.name());
            let toggle = Callback::new(move |()| toggle(metric));
            view! { <Choice phrase=metric::phrase(metric) test_id chosen toggle/> }
        };
        let group = |(heading, metrics): (Phrase, &'static [Metric])| {
            let options = metrics.iter().copied().filter(&seen).map(option).collect_view();
            view! { <div class="options"><h3>{t(heading)}</h3>{options}</div> }
        };
        metric::OFFERED.map(group)
    };
    view! {
        <Line heading=Phrase::Metrics>
            {chips}
            <Adder phrase=Phrase::Metrics test_id="add-metric">{offered()}</Adder>
        </Line>
    }
}

#[component]
fn Filters(state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    let session = Session::expect();
    let add = Callback::new(move |filter: Filter| change.run(state.get_untracked().with_filter(filter)));
    let chips = move || {
        let catalog = session.catalog.get().unwrap_or_default();
        let chip = |filter: Filter| {
            let text = filter_text(&filter, &catalog, browser::lang());
            let remove = Callback::new(move |()| change.run(state.get_untracked().without_filter(&filter)));
            view! { <Chip text test_id="filter-chip".to_string() remove/> }
        };
        state.get().filters.into_iter().map(chip).collect_view()
    };
    view! {
        <Line heading=Phrase::Filters>
            {chips}
            <FilterEditor add/>
        </Line>
    }
}

/// A filter in words.
pub fn filter_text(filter: &Filter, catalog: &Catalog, lang: Lang) -> String {
    let named = |value: &String| match (value.as_str(), catalog.name(filter.dimension, value)) {
        ("", _) => Phrase::None.text(lang).to_string(),
        (value, name) => name.unwrap_or(value).to_string(),
    };
    let values = filter.test.values().iter().map(named).collect::<Vec<_>>().join(", ");
    let operator = operator_phrase(filter.test.op()).text(lang);
    format!("{} {operator} {values}", dimension_phrase(filter.dimension).text(lang))
}

/// The name of a test on a page.
pub fn operator_phrase(op: &str) -> Phrase {
    match op {
        "ne" => Phrase::OpNe,
        "in" => Phrase::OpIn,
        "prefix" => Phrase::OpPrefix,
        _ => Phrase::OpEq,
    }
}
