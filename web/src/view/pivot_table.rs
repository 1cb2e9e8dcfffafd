//! A pivot as a table: rows that open, cells that lead to their events.
//!
//! A pivot has thousands of cells, and each step makes all of them anew: they are written as text, and what is clicked
//! is told by its attributes.

use adtally_core::report::Metric;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html::Table;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, EventTarget, HtmlElement};

use super::explore::catalog;
use super::pivot_html::{self, Grid};
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::model::behind::events_behind;
use crate::model::sheet::Answered;
use crate::phrase::Phrase;
use crate::state::explore::{ExploreState, Path};
use crate::state::place::Place;

/// The rows and columns of a pivot.
#[component]
pub fn PivotTable(
    /// The pivot.
    answered: Memo<Option<Answered>>,
    /// Asks something else.
    change: Callback<ExploreState>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let content = move || match answered.read().as_ref() {
        None => pivot_html::skeleton(),
        Some(answered) => Grid::new(answered, &catalog(), browser::lang()).html(),
    };
    let table = NodeRef::<Table>::new();
    // What was used last, by its selector: the elements are others after a step, the focus is to stay.
    let used = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        answered.track();
        request_animation_frame(move || {
            let selector = used.try_update_value(Option::take).flatten();
            let found =
                selector.zip(table.get_untracked()).map(|(selector, table)| table.query_selector(&selector));
            let found = found.and_then(|found| found.ok().flatten()?.dyn_into::<HtmlElement>().ok());
            if let Some(element) = found {
                // Focus can only fail on an element that is not in the page.
                let _ = element.focus();
            }
        });
    });
    let act = move |target: Option<EventTarget>| {
        let element = target.and_then(|target| target.dyn_into::<Element>().ok());
        let Some(action) = element.and_then(|element| Action::of(&element)) else { return };
        let next = answered.with_untracked(|answered| action.run(answered.as_ref()?));
        match next {
            Some(Next::State(state)) => {
                used.set_value(Some(action.selector));
                change.run(state);
            }
            Some(Next::Place(next)) => place.go(&next),
            None => {}
        }
    };
    view! {
        <div class="table-scroll">
            <table
                class="report-table pivot"
                role="grid"
                node_ref=table
                data-testid="pivot"
                aria-label=t(Phrase::ExploreTable)
                inner_html=content
                on:click=move |event: MouseEvent| act(event.target())
                on:keydown=move |event: KeyboardEvent| match event.key().as_str() {
                    "Enter" if is_cell(&event) => act(event.target()),
                    key => move_focus(&event, key),
                }
            ></table>
        </div>
    }
}

/// What is done with an element of the table.
struct Action {
    what: What,
    /// Finds the element again after a step.
    selector: String,
}

enum What {
    Rank(Metric),
    Open(usize),
    Drill(usize),
    Events(usize, usize),
}

enum Next {
    State(ExploreState),
    Place(Place),
}

impl Action {
    fn of(element: &Element) -> Option<Action> {
        let closest = |selector: &str| element.closest(selector).ok().flatten();
        let at = |element: &Element, name: &str| element.get_attribute(name);
        if let Some(button) = closest("button[data-do]") {
            let (what, on) = (at(&button, "data-do")?, at(&button, "data-on")?);
            let selector = format!("button[data-do='{what}'][data-on='{on}']");
            let line = || at(&button, "data-line")?.parse().ok();
            let what = match what.as_str() {
                "rank" => What::Rank(Metric::parse(&on)?),
                "open" => What::Open(line()?),
                _ => What::Drill(line()?),
            };
            return Some(Action { what, selector });
        }
        let cell = closest("td[data-line]")?;
        let number = |name: &str| at(&cell, name)?.parse().ok();
        let what = What::Events(number("data-line")?, number("data-column")?);
        Some(Action { what, selector: String::new() })
    }

    fn run(&self, answered: &Answered) -> Option<Next> {
        let state = answered.state.clone();
        let path = |line: usize| -> Option<Path> { Some(answered.sheet.lines.get(line)?.path.clone()) };
        Some(match self.what {
            What::Rank(metric) => Next::State(ExploreState { rank: Some(metric), ..state }),
            What::Open(line) => Next::State(state.toggled_open(&path(line)?)),
            What::Drill(line) => Next::State(state.drilled(&path(line)?, &answered.basis.scope)),
            What::Events(line, column) => Next::Place(Place::Events(events_behind(answered, line, column)?)),
        })
    }
}

/// Whether the key was pressed on a cell: a button does its own.
fn is_cell(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.local_name() == "td")
}

/// Moves the focus to the cell beside, above or below.
fn move_focus(event: &KeyboardEvent, key: &str) {
    let (down, right) = match key {
        "ArrowUp" => (-1, 0),
        "ArrowDown" => (1, 0),
        "ArrowLeft" => (0, -1),
        "ArrowRight" => (0, 1),
        _ => return,
    };
    let cell = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(cell) = cell.and_then(|cell| cell.closest("td[data-line]").ok().flatten()) else { return };
    let at =
        |name: &str| cell.get_attribute(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let (line, place) = (at("data-line") + down, at("data-place") + right);
    let next =
        document().query_selector(&format!("td[data-line='{line}'][data-place='{place}']")).ok().flatten();
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        next.set_tab_index(0);
        let _ = cell.set_attribute("tabindex", "-1");
        // Focus can only fail on an element that is not in the page.
        let _ = next.focus();
    }
}
