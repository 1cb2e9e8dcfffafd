//! What a pivot is made of, as chips: rows, columns, metrics, filters.

use adtally_core::report::By;
use leptos::ev::DragEvent;
use leptos::prelude::*;

use super::chips::{Adder, Chip, Choice, Line};
use super::choosers::{FilterChips, Metrics};
use super::explore::offered;
use super::place::CurrentPlace;
use crate::browser::{self, t};
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
    let toggle = Callback::new(move |metric| change.run(state.get_untracked().toggled_metric(metric)));
    let add = Callback::new(move |filter| change.run(state.get_untracked().with_filter(filter)));
    let remove = Callback::new(move |filter| change.run(state.get_untracked().without_filter(&filter)));
    view! {
        <section class="card builder">
            <Rows state change/>
            <Columns state change/>
            <Metrics chosen=Signal::derive(move || state.get().metrics) toggle offered=offered/>
            <Line heading=Phrase::Filters>
                <FilterChips filters=Signal::derive(move || state.get().filters) add remove/>
            </Line>
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
            let remove = Callback::new(move |()| toggle(by));
            let drop_here = Callback::new(move |dragged: By| {
                change.run(state.get_untracked().moved_to_rows(dragged, Some(by)))
            });
            view! { <Dragged by drop_here><Chip text test_id=format!("row-chip-{}", by.name()) remove/></Dragged> }
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
    let drop_here =
        Callback::new(move |dragged: By| change.run(state.get_untracked().moved_to_rows(dragged, None)));
    view! {
        <Dropped test_id="drop-rows" drop_here>
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
        </Dropped>
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
    let drop_here =
        Callback::new(move |dragged: By| change.run(state.get_untracked().with_column(Some(dragged))));
    let chip = move || {
        state.read().column.map(|by| {
            let text = by_phrase(by).text(browser::lang()).to_string();
            let remove = Callback::new(move |()| change.run(state.get_untracked().with_column(None)));
            view! { <Dragged by drop_here><Chip text test_id=format!("column-chip-{}", by.name()) remove/></Dragged> }
        })
    };
    view! {
        <Dropped test_id="drop-columns" drop_here>
        <Line heading=Phrase::Columns>
            {chip}
            <select class="select quiet small" data-testid="columns" aria-label=t(Phrase::Columns) on:change=choose>
                <option value="" selected=move || state.read().column.is_none()>{t(Phrase::NoColumns)}</option>
                {options}
            </select>
        </Line>
        </Dropped>
    }
}

/// Something that can be dragged to other rows or columns; whoever uses the keyboard has lists and the swap instead.
#[component]
fn Dragged(
    /// What.
    by: By,
    /// Takes what is dropped on it.
    drop_here: Callback<By>,
    /// How it looks.
    children: Children,
) -> impl IntoView {
    let start = move |event: DragEvent| {
        if let Some(data) = event.data_transfer() {
            // A browser that refuses this drags nothing.
            let _ = data.set_data(DRAGGED, by.name());
            data.set_effect_allowed("move");
        }
    };
    let dropped = move |event: DragEvent| {
        if let Some(by) = take(&event) {
            event.stop_propagation();
            drop_here.run(by);
        }
    };
    view! {
        <span class="dragged" draggable="true" data-testid=format!("drag-{}", by.name()) on:dragstart=start on:dragover=allow on:drop=dropped>
            {children()}
        </span>
    }
}

/// Where something can be dropped.
#[component]
fn Dropped(
    /// For tests.
    test_id: &'static str,
    /// Takes what is dropped.
    drop_here: Callback<By>,
    /// What is there.
    children: Children,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let dropped = move |event: DragEvent| {
        over.set(false);
        if let Some(by) = take(&event) {
            drop_here.run(by);
        }
    };
    view! {
        <div
            class="drop"
            class:over=over
            data-testid=test_id
            on:dragover=move |event| {
                allow(event);
                over.set(true);
            }
            on:dragleave=move |_| over.set(false)
            on:drop=dropped
        >
            {children()}
        </div>
    }
}

/// The kind of what is dragged: nothing else is taken.
const DRAGGED: &str = "text/x-adtally-dimension";

fn allow(event: DragEvent) {
    event.prevent_default();
}

fn take(event: &DragEvent) -> Option<By> {
    event.prevent_default();
    By::parse(&event.data_transfer()?.get_data(DRAGGED).ok()?)
}
