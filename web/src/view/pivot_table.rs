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
use super::show::Show;
use crate::browser::{self, t};
use crate::chart::width::follow_width;
use crate::model::behind::{events_behind, others_alone};
use crate::model::sheet::{Answered, Stands};
use crate::model::window::{Extent, LINE_PX, Port, Window};
use crate::phrase::Phrase;
use crate::state::explore::{ExploreState, Path};
use crate::state::place::Place;

/// What of the window is above and below a table at the least, as the style sheet says.
const AROUND_PX: f64 = 120.0;
/// Where the window does not say how high it is.
const UNKNOWN_HEIGHT_PX: f64 = 900.0;

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
    let unnamed = RwSignal::new(false);
    let act = move |target: Option<EventTarget>| {
        let element = target.and_then(|target| target.dyn_into::<Element>().ok());
        let Some(action) = element.and_then(|element| Action::of(&element)) else { return };
        let next = answered.with_untracked(|answered| action.run(answered.as_ref()?));
        unnamed.set(matches!(next, Some(Next::Unnamed)));
        match next {
            Some(Next::State(state)) => {
                used.set_value(Some(action.selector));
                change.run(state);
            }
            Some(Next::Place(next)) => place.go(&next),
            Some(Next::Unnamed) | None => {}
        }
    };
    view! {
        <Show when=move || unnamed.get()>
            <p class="strip warning" role="alert" data-testid="others-unnamed"><span>{t(Phrase::OthersUnnamed)}</span></p>
        </Show>
        <div class="table-scroll" node_ref=scroller on:scroll=move |_| sight.scroll()>
            <table
                class="report-table pivot"
                class:windowed=move || *window.read() != Window::All
                role="grid"
                class:tall=move || extent.get().is_some_and(|extent| extent.is_tall)
                aria-rowcount=move || sight.rows().map(|rows| rows.to_string())
                aria-colcount=move || extent.get().map(|extent| (extent.places() + 1).to_string())
                node_ref=table
                data-testid="pivot"
                aria-label=t(Phrase::ExploreTable)
                inner_html=content
                on:click=move |event: MouseEvent| act(event.target())
                on:keydown=move |event: KeyboardEvent| match event.key().as_str() {
                    "Enter" if is_cell(&event) => act(event.target()),
                    _ => move_focus(&event, sight),
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
    port: RwSignal<Port>,
    answered: Memo<Option<Answered>>,
    extent: Memo<Option<Extent>>,
    window: Memo<Window>,
    /// What was used last, by its selector: the elements are others after a step, the focus is to stay.
    used: StoredValue<Option<String>>,
}

impl Sight {
    fn of(answered: Memo<Option<Answered>>) -> Sight {
        let (table, scroller) = (NodeRef::<Table>::new(), NodeRef::<Div>::new());
        let (width, port) = (follow_width(scroller), RwSignal::new(unknown_port()));
        let extent = Memo::new(move |_| answered.read().as_ref().map(Grid::extent));
        let window = Memo::new(move |_| extent.get().map_or(Window::All, |extent| extent.window(port.get())));
        Effect::new(move |_| {
            let width_px = width.get();
            port.update(|port| *port = Port { width_px, height_px: height_px(), ..*port });
        });
        browser::hear("resize", move || {
            port.try_update(|port| port.height_px = height_px());
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
        Sight { table, scroller, port, answered, extent, window, used }
    }

    /// Rows of heads and of figures.
    fn rows(self) -> Option<usize> {
        let heads = self.answered.read().as_ref().map(Grid::heads)?;
        Some(heads + self.extent.get()?.lines)
    }

    /// Writes what comes into sight; the cell that has the focus keeps it.
    fn scroll(self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (before, focused) = (self.window.get_untracked(), focused_cell());
        let (left_px, top_px) = (f64::from(scroller.scroll_left()), f64::from(scroller.scroll_top()));
        self.port.update(|port| *port = Port { left_px, top_px, ..*port });
        if self.window.get_untracked() != before {
            self.used.update_value(|used| *used = used.take().or(focused));
        }
    }

    /// Scrolls to a cell that is not in sight, and gives it the focus.
    fn reach(self, line: usize, place: usize) {
        let (Some(extent), Some(scroller)) = (self.extent.get_untracked(), self.scroller.get_untracked())
        else {
            return;
        };
        let heads = scroller.query_selector("thead").ok().flatten();
        let heads_px = heads.map_or(0.0, |heads| heads.get_bounding_client_rect().height());
        let height_px = f64::from(scroller.client_height());
        let port = Port { heads_px, height_px, ..self.port.get_untracked() };
        if let Some((left, top)) = extent.scroll_to(line, place / extent.figures.max(1), port) {
            self.used.set_value(Some(cell_selector(line, place)));
            scroller.set_scroll_left(left as i32);
            scroller.set_scroll_top(top.ceil() as i32);
        }
    }

    /// How many lines are in sight.
    fn page(self) -> usize {
        let line_px = self.extent.get_untracked().map_or(LINE_PX, Extent::line_px);
        (self.port.get_untracked().height_px / line_px).floor() as usize
    }
}

/// Before anything is laid out.
fn unknown_port() -> Port {
    Port { left_px: 0.0, top_px: 0.0, width_px: 0.0, height_px: height_px(), heads_px: 0.0 }
}

/// The most that the scroller can show: it is never higher than the window.
fn height_px() -> f64 {
    let height = window().inner_height().ok().and_then(|height| height.as_f64());
    height.map_or(UNKNOWN_HEIGHT_PX, |height| (height - AROUND_PX).max(LINE_PX))
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
    /// Those that the figure of a line, a column and a metric counts.
    Events(usize, usize, Option<Metric>),
}

enum Next {
    State(ExploreState),
    Place(Place),
    /// Others that no address can tell.
    Unnamed,
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
        let metric = at(&cell, "data-col").and_then(|name| Metric::parse(&name));
        let what = What::Events(number("data-line")?, number("data-column")?, metric);
        Some(Action { what, selector: String::new() })
    }

    fn run(&self, answered: &Answered) -> Option<Next> {
        let state = answered.state.clone();
        let path = |line: usize| -> Option<Path> { Some(answered.sheet.lines.get(line)?.path.clone()) };
        Some(match self.what {
            What::Rank(metric) => Next::State(ExploreState { rank: Some(metric), ..state }),
            What::Open(line) => Next::State(state.toggled_open(&path(line)?)),
            What::Drill(line) => match answered.sheet.lines.get(line)? {
                others if matches!(others.stands, Stands::Others(_)) => {
                    others_alone(answered, others).map_or(Next::Unnamed, Next::State)
                }
                row => Next::State(state.drilled(&row.path, &answered.basis.scope)),
            },
            What::Events(line, column, metric) => {
                let events = events_behind(answered, (line, column), metric, &catalog());
                events.map_or(Next::Unnamed, |events| Next::Place(Place::Events(events)))
            }
        })
    }
}

/// Whether the key was pressed on a cell: a button does its own.
fn is_cell(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.local_name() == "td")
}

/// The room of what is not written.
///
/// Set on the elements, since the policy of the pages lets no style attribute be parsed.
fn make_room(table: &HtmlTableElement, extent: Extent, window: &Window) {
    let set = |element: &HtmlElement, property: &str, px: Option<f64>| {
        let style = element.style();
        // A number of pixels is always taken.
        let _ = match px {
            Some(px) => style.set_property(property, &format!("{px}px")),
            None => style.remove_property(property).map(drop),
        };
    };
    let Window::Part { lines, columns } = window else { return set(table, "width", None) };
    set(table, "width", Some(extent.width_px()));
    let (wide, high) = (extent.column_px(), extent.line_px());
    let rooms = [
        ("before", "width", columns.start as f64 * wide),
        ("behind", "width", extent.columns.saturating_sub(columns.end) as f64 * wide),
        ("above", "height", lines.start as f64 * high),
        ("below", "height", extent.lines.saturating_sub(lines.end) as f64 * high),
    ];
    for (name, property, px) in rooms {
        let found = table.query_selector(&format!("[data-room={name}]")).ok().flatten();
        if let Some(room) = found.and_then(|room| room.dyn_into::<HtmlElement>().ok()) {
            set(&room, property, Some(px));
        }
    }
}

/// Moves the focus to another cell; one that is not written is brought into sight.
fn move_focus(event: &KeyboardEvent, sight: Sight) {
    let cell = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(cell) = cell.and_then(|cell| cell.closest("td[data-line]").ok().flatten()) else { return };
    let at = |name: &str| cell.get_attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default();
    let from = (at("data-line"), at("data-place"));
    let far = event.ctrl_key() || event.meta_key();
    let to =
        sight.extent.get_untracked().and_then(|extent| extent.step(&event.key(), far, from, sight.page()));
    let Some((line, place)) = to else { return };
    event.prevent_default();
    let next = document().query_selector(&cell_selector(line, place)).ok().flatten();
    match next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        Some(next) => {
            next.set_tab_index(0);
            let _ = cell.set_attribute("tabindex", "-1");
            // Focus can only fail on an element that is not in the page.
            let _ = next.focus();
        }
        None => sight.reach(line, place),
    }
}
