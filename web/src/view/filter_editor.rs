//! Adding a filter.

use adtally_core::cell::Dimension;
use adtally_core::report::{Filter, Test};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::choosers::operator_phrase;
use super::icon::Icon;
use super::place::CurrentPlace;
use super::popover::Popover;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::phrase::Phrase;
use crate::state::report::{dimension_phrase, dimensions};

/// A button that opens a form for a new filter.
#[component]
pub fn FilterEditor(
    /// Adds it.
    add: Callback<Filter>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let text = Signal::derive(move || t(Phrase::Add)().to_string());
    let label = Signal::derive(move || t(Phrase::AddFilter)().to_string());
    let adds = add;
    let add = Callback::new(move |filter: Filter| {
        open.set(false);
        adds.run(filter);
    });
    view! {
        <Popover open icon=Icon::Plus test_id="add-filter" label text class="control small">
            <Form add/>
        </Popover>
    }
}

#[component]
fn Form(add: Callback<Filter>) -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let offered = move || place.setting.get().map(|setting| dimensions(&setting.scope)).unwrap_or_default();
    let first = untrack(offered).first().copied();
    let dimension = RwSignal::new(first.unwrap_or(Dimension::Advertiser));
    let op = RwSignal::new(Test::OPS[0]);
    let value = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(filter) = typed(dimension.get_untracked(), op.get_untracked(), &value.read_untracked()) {
            add.run(filter);
        }
    };
    let named = |offered: &Dimension| (offered.name(), dimension_phrase(*offered));
    let fields = Signal::derive(move || offered().iter().map(named).collect::<Vec<_>>());
    let tests = Signal::stored(Test::OPS.map(|op| (op, operator_phrase(op))).to_vec());
    let choose_op = Callback::new(move |chosen| op.set(chosen));
    let choose_dimension = Callback::new(move |chosen: &'static str| {
        if let Some(found) = Dimension::ALL.into_iter().find(|known| known.name() == chosen) {
            dimension.set(found);
        }
    });
    let known = move || {
        let catalog = session.catalog.get().unwrap_or_default();
        let option = |(key, name): (&str, &str)| {
            view! { <option value=key.to_string()>{name.to_string()}</option> }
        };
        catalog.known(dimension.get()).map(option).collect_view()
    };
    let value_phrase = move || if op.get() == "in" { Phrase::FilterValues } else { Phrase::FilterValue };
    view! {
        <form class="filter-form" on:submit=submit>
            <Choice phrase=Phrase::FilterField test_id="filter-dimension" options=fields choose=choose_dimension/>
            <Choice phrase=Phrase::FilterOperator test_id="filter-op" options=tests choose=choose_op/>
            <label class="stacked">
                <span>{move || value_phrase().text(browser::lang())}</span>
                <input
                    class="input"
                    data-testid="filter-value"
                    list="filter-known"
                    autocomplete="off"
                    placeholder=t(Phrase::None)
                    prop:value=value
                    on:input=move |event| value.set(event_target_value(&event))
                />
            </label>
            <datalist id="filter-known">{known}</datalist>
            <button type="submit" class="button primary" data-testid="filter-apply">{t(Phrase::AddFilter)}</button>
        </form>
    }
}

/// A choice of one by name.
#[component]
fn Choice(
    phrase: Phrase,
    test_id: &'static str,
    options: Signal<Vec<(&'static str, Phrase)>>,
    choose: Callback<&'static str>,
) -> impl IntoView {
    let shown = move || {
        let option =
            |(name, phrase): (&'static str, Phrase)| view! { <option value=name>{t(phrase)}</option> };
        options.get().into_iter().map(option).collect_view()
    };
    let chosen = move |event| {
        let name = event_target_value(&event);
        if let Some((name, _)) = options.get_untracked().into_iter().find(|(known, _)| *known == name) {
            choose.run(name);
        }
    };
    view! {
        <label class="stacked">
            <span>{t(phrase)}</span>
            <select class="select" data-testid=test_id on:change=chosen>{shown}</select>
        </label>
    }
}

/// What somebody typed, tidied: blanks around values and empty entries of a list go.
fn typed(dimension: Dimension, op: &str, text: &str) -> Option<Filter> {
    let value = if op == "in" {
        let values: Vec<_> = text.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
        values.join(",")
    } else {
        text.trim().to_string()
    };
    Filter::parse(&format!("{}:{op}:{value}", dimension.name()))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn typed_values_are_tidied() {
        fn check(op: &str, text: &str, expected: &str) {
            let filter = typed(Dimension::Service, op, text);
            assert_eq!(filter.map(|filter| filter.to_string()).as_deref(), Some(expected));
        }
        check("in", " news, ,cafe ,", "service:in:cafe,news");
        check("eq", " news ", "service:eq:news");
        check("eq", "a,b", "service:eq:a,b");
        check("eq", "", "service:eq:");
    }
}
