//! What a pivot is made of, as chips: rows, columns, metrics, filters.

use adtally_core::report::{By, Filter, Metric};
use leptos::prelude::*;

use super::builder::filter_text;
use super::chips::{Adder, Chip, Choice, Line};
use super::explore::{catalog, offered};
use super::filter_editor::FilterEditor;
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::metric;
use crate::phrase::Phrase;
use crate::state::explore::{ExploreState, TOPS};
use crate::state::report::{by_phrase, groupings};

/// The controls of a pivot.
#[component]
pub fn Controls(
    /// What is asked.
    state: Memo<ExploreState>,
    /// Asks something else.
    change: Callback<ExploreState>,
) -> impl IntoView {
    view! {
        <section class="card builder">
            <Rows state change/>
            <Columns state change/>
            <Metrics state change/>
            <Filters state change/>
        </section>
    }
}

fn offered_by() -> Vec<By> {
    let place = CurrentPlace::expect();
    place.setting.get().map(|setting| groupings(&setting.scope)).unwrap_or_default()
}

#[component]
fn Rows(state: Memo<ExploreState>, change: Callback<ExploreState>) -> impl IntoView {
    let toggle = move |by: By| change.run(state.get_untracked().toggled_row(by));
    let chips = move || {
        let chip = |by: By| {
            let text = by_phrase(by).text(browser::lang()).to_string();
            view! { <Chip text test_id=format!("row-chip-{}", by.name()) remove=Callback::new(move |()| toggle(by))/> }
        };
        state.get().rows.into_iter().map(chip).collect_view()
    };
    let options = move || {
        let option = |by: By| {
            let chosen = Signal::derive(move || state.read().rows.contains(&by));
            let test_id = format!("row-option-{}", by.name());
            view! { <Choice phrase=by_phrase(by) test_id chosen toggle=Callback::new(move |()| toggle(by))/> }
        };
        view! { <div class="options">{offered_by().into_iter().map(option).collect_view()}</div> }
    };
    let top = move |event| {
        if let Some(top) = event_target_value(&event).parse().ok().filter(|top| TOPS.contains(top)) {
            change.run(ExploreState { top, ..state.get_untracked() });
        }
    };
    let mut tops = TOPS;
    tops.sort_unstable();
    let top_option = move |top: u32| {
        let text = move || Phrase::TopN.with(browser::lang(), &[&top.to_string()]);
        view! { <option value=top.to_string() selected=move || state.read().top == top>{text}</option> }
    };
    view! {
        <Line heading=Phrase::Rows>
            {chips}
            <Adder phrase=Phrase::Rows test_id="add-row">{options()}</Adder>
            <select class="select quiet small" data-testid="top" aria-label=t(Phrase::HowMany) on:change=top>
                {tops.map(top_option)}
            </select>
            <button
                type="button"
                class="control small"
                data-testid="swap"
                on:click=move |_| change.run(state.get_untracked().swapped())
            >
                {t(Phrase::Swap)}
            </button>
        </Line>
    }
}

#[component]
fn Columns(state: Memo<ExploreState>, change: Callback<ExploreState>) -> impl IntoView {
    let choose =
        move |event| change.run(state.get_untracked().with_column(By::parse(&event_target_value(&event))));
    let options = move || {
        let option = |by: By| {
            let chosen = move || state.read().column == Some(by);
            view! { <option value=by.name() selected=chosen>{t(by_phrase(by))}</option> }
        };
        offered_by().into_iter().map(option).collect_view()
    };
    view! {
        <Line heading=Phrase::Columns>
            <select class="select quiet small" data-testid="columns" aria-label=t(Phrase::Columns) on:change=choose>
                <option value="" selected=move || state.read().column.is_none()>{t(Phrase::NoColumns)}</option>
                {options}
            </select>
        </Line>
    }
}

#[component]
fn Metrics(state: Memo<ExploreState>, change: Callback<ExploreState>) -> impl IntoView {
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
    let options = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let seen = move |metric: &Metric| {
            offered(*metric) && scope.as_ref().is_none_or(|scope| metric.is_seen_by(scope))
        };
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
            <Adder phrase=Phrase::Metrics test_id="add-metric">{options()}</Adder>
        </Line>
    }
}

#[component]
fn Filters(state: Memo<ExploreState>, change: Callback<ExploreState>) -> impl IntoView {
    let add = Callback::new(move |filter: Filter| change.run(state.get_untracked().with_filter(filter)));
    let chips = move || {
        let catalog = catalog();
        let chip = |filter: Filter| {
            let text = filter_text(&filter, &catalog, browser::lang());
            let remove = Callback::new(move |()| change.run(state.get_untracked().without_filter(&filter)));
            view! { <Chip text test_id="filter-chip".to_string() remove/> }
        };
        state.get().filters.into_iter().map(chip).collect_view()
    };
    view! { <Line heading=Phrase::Filters>{chips}<FilterEditor add/></Line> }
}
