//! A pivot as a table: rows that open, cells that lead to their events.
//!
//! A pivot has thousands of cells, and each step makes all of them anew: they are written as text, and what is clicked
//! is told by its attributes.

use std::fmt::Display;

use adtally_core::report::Metric;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html::{Div, Table};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, EventTarget, HtmlElement, HtmlTableElement};

use super::explore::catalog;
use super::pivot_html::{self, Grid};
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::chart::width::follow_width;
use crate::model::behind::events_behind;
use crate::model::sheet::Answered;
use crate::model::window::{Extent, Window};
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
    let sight = Sight::of(answered);
    let Sight { table, scroller, extent, window, used, .. } = sight;
    let content = move || match answered.read().as_ref() {
        None => pivot_html::skeleton(),
        Some(answered) => Grid::new(answered, &catalog(), browser::lang()).within(&window.read()).html(),
    };
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
        <div class="table-scroll" node_ref=scroller on:scroll=move |_| sight.scroll()>
            <table
                class="report-table pivot"
                class:windowed=move || *window.read() != Window::All
                role="grid"
                aria-colcount=move || extent.get().map(|extent| (extent.columns * extent.figures + 1).to_string())
                node_ref=table
                data-testid="pivot"
                aria-label=t(Phrase::ExploreTable)
                inner_html=content
                on:click=move |event: MouseEvent| act(event.target())
                on:keydown=move |event: KeyboardEvent| match event.key().as_str() {
                    "Enter" if is_cell(&event) => act(event.target()),
                    key => move_focus(&event, key, sight),
                }
            ></table>
        </div>
    }
}

/// What of a table is in sight.
#[derive(Clone, Copy)]
struct Sight {
    table: NodeRef<Table>,
    scroller: NodeRef<Div>,
    width: RwSignal<f64>,
    scrolled: RwSignal<f64>,
    extent: Memo<Option<Extent>>,
    window: Memo<Window>,
    /// What was used last, by its selector: the elements are others after a step, the focus is to stay.
    used: StoredValue<Option<String>>,
}

impl Sight {
    fn of(answered: Memo<Option<Answered>>) -> Sight {
        let (table, scroller) = (NodeRef::<Table>::new(), NodeRef::<Div>::new());
        let (width, scrolled) = (follow_width(scroller), RwSignal::new(0.0));
        let extent = Memo::new(move |_| answered.read().as_ref().map(Grid::extent));
        let window = Memo::new(move |_| {
            extent.get().map_or(Window::All, |extent| extent.window(scrolled.get(), width.get()))
        });
        let used = StoredValue::new(None::<String>);
        Effect::new(move |_| {
            answered.track();
            let written = window.get();
            // When the cells are there, and before they are seen.
            request_animation_frame(move || {
                if let (Some(table), Some(Some(extent))) =
                    (table.try_get_untracked().flatten(), extent.try_get_untracked())
                {
                    make_room(&table, extent, &written);
                }
                let selector = used.try_update_value(Option::take).flatten();
                let found = selector
                    .zip(table.try_get_untracked().flatten())
                    .map(|(selector, table)| table.query_selector(&selector));
                let found = found.and_then(|found| found.ok().flatten()?.dyn_into::<HtmlElement>().ok());
                if let Some(element) = found {
                    // Focus can only fail on an element that is not in the page.
                    let _ = element.focus();
                }
            });
        });
        Sight { table, scroller, width, scrolled, extent, window, used }
    }

    /// Writes what comes into sight; the cell that has the focus keeps it.
    fn scroll(self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (before, focused) = (self.window.get_untracked(), focused_cell());
        self.scrolled.set(f64::from(scroller.scroll_left()));
        if self.window.get_untracked() != before {
            self.used.update_value(|used| *used = used.take().or(focused));
        }
    }

    /// Scrolls to a cell that is not in sight, and gives it the focus.
    fn reach(self, selector: String, place: usize) {
        let (Some(extent), Some(scroller)) = (self.extent.get_untracked(), self.scroller.get_untracked())
        else {
            return;
        };
        if self.window.get_untracked() == Window::All {
            return;
        }
        let column = place / extent.figures.max(1);
        let (scrolled, width) = (self.scrolled.get_untracked(), self.width.get_untracked());
        if let Some(to) = extent.scroll_to(column, scrolled, width) {
            self.used.set_value(Some(selector));
            scroller.set_scroll_left(to as i32);
        }
    }
}

/// Finds the cell that has the focus.
fn focused_cell() -> Option<String> {
    let element = document().active_element()?;
    let at = |name: &str| element.get_attribute(name);
    Some(cell_selector(at("data-line")?, at("data-place")?))
}

fn cell_selector(line: impl Display, place: impl Display) -> String {
    format!("td[data-line='{line}'][data-place='{place}']")
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

/// The room of the columns that are not written.
///
/// Set on the elements, since the policy of the pages lets no style attribute be parsed.
fn make_room(table: &HtmlTableElement, extent: Extent, window: &Window) {
    let set = |element: &HtmlElement, px: Option<f64>| {
        let style = element.style();
        // A width that is a number of pixels is always taken.
        let _ = match px {
            Some(px) => style.set_property("width", &format!("{px}px")),
            None => style.remove_property("width").map(drop),
        };
    };
    let Window::Columns(written) = window else { return set(table, None) };
    set(table, Some(extent.width_px()));
    let rooms = [("before", written.start), ("behind", extent.columns.saturating_sub(written.end))];
    for (name, columns) in rooms {
        let found = table.query_selector(&format!("col[data-room={name}]")).ok().flatten();
        if let Some(col) = found.and_then(|col| col.dyn_into::<HtmlElement>().ok()) {
            set(&col, Some(columns as f64 * extent.column_px()));
        }
    }
}

/// Moves the focus to the cell beside, above or below; one that is not written is brought into sight.
fn move_focus(event: &KeyboardEvent, key: &str, sight: Sight) {
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
    let selector = cell_selector(line, place);
    let next = document().query_selector(&selector).ok().flatten();
    if let (None, Ok(place)) = (&next, usize::try_from(place)) {
        event.prevent_default();
        sight.reach(selector, place);
    }
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        next.set_tab_index(0);
        let _ = cell.set_attribute("tabindex", "-1");
        // Focus can only fail on an element that is not in the page.
        let _ = next.focus();
    }
}
