//! What several pages choose alike: metrics and filters.

use adtally_core::report::{Filter, Metric};
use leptos::prelude::*;

use super::chips::{Adder, Chip, Choice, Line};
use super::explore::catalog;
use super::filter_editor::FilterEditor;
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::lang::Lang;
use crate::metric;
use crate::model::catalog::Catalog;
use crate::phrase::Phrase;
use crate::state::report::dimension_phrase;

/// The line of metrics: those that are chosen, and all that can be.
#[component]
pub fn Metrics(
    /// Those that are shown.
    #[prop(into)]
    chosen: Signal<Vec<Metric>>,
    /// Shows one, or no longer.
    toggle: Callback<Metric>,
    /// Whether the page can show one at all.
    offered: fn(Metric) -> bool,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let chips = move || {
        let chip = |metric: Metric| {
            let text = metric::phrase(metric).text(browser::lang()).to_string();
            let test_id = format!("metric-chip-{}", metric.name());
            view! { <Chip text test_id remove=Callback::new(move |()| toggle.run(metric))/> }
        };
        chosen.get().into_iter().map(chip).collect_view()
    };
    let options = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let seen = move |metric: &Metric| {
            offered(*metric) && scope.as_ref().is_none_or(|scope| metric.is_seen_by(scope))
        };
        let option = move |metric: Metric| {
            let is_chosen = Signal::derive(move || chosen.read().contains(&metric));
            let test_id = format!("metric-option-{}", metric.name());
            let toggle = Callback::new(move |()| toggle.run(metric));
            view! { <Choice phrase=metric::phrase(metric) test_id chosen=is_chosen toggle/> }
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
            <Adder phrase=Phrase::Metrics test_id="add-metric">{options()}</Adder>
        </Line>
    }
}

/// The filters that are set, and the editor of another one.
#[component]
pub fn FilterChips(
    /// Those that are set.
    #[prop(into)]
    filters: Signal<Vec<Filter>>,
    /// Sets one.
    add: Callback<Filter>,
    /// Takes one away.
    remove: Callback<Filter>,
) -> impl IntoView {
    let chips = move || {
        let catalog = catalog();
        let chip = |filter: Filter| {
            let text = filter_text(&filter, &catalog, browser::lang());
            let remove = Callback::new(move |()| remove.run(filter.clone()));
            view! { <Chip text test_id="filter-chip".to_string() remove/> }
        };
        filters.get().into_iter().map(chip).collect_view()
    };
    view! {
        {chips}
        <FilterEditor add/>
    }
}

/// A filter in words.
fn filter_text(filter: &Filter, catalog: &Catalog, lang: Lang) -> String {
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
