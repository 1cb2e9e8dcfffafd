//! What the report asks for, as chips: rows, metrics, filters.

use adtally_core::report::By;
use leptos::prelude::*;

use super::chips::{Adder, Chip, Choice, Line};
use super::choosers::{FilterChips, Metrics};
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::phrase::Phrase;
use crate::state::report::{ReportState, by_phrase, groupings};

/// The controls of a report.
#[component]
pub fn Builder(
    /// What is asked.
    state: Memo<ReportState>,
    /// Asks something else.
    change: Callback<ReportState>,
) -> impl IntoView {
    let toggle = Callback::new(move |metric| change.run(state.get_untracked().toggled_metric(metric)));
    let add = Callback::new(move |filter| change.run(state.get_untracked().with_filter(filter)));
    let remove = Callback::new(move |filter| change.run(state.get_untracked().without_filter(&filter)));
    view! {
        <section class="card builder">
            <Rows state change/>
            <Metrics chosen=Signal::derive(move || state.get().metrics) toggle offered=|_| true/>
            <Line heading=Phrase::Filters>
                <FilterChips filters=Signal::derive(move || state.get().filters) add remove/>
            </Line>
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
