//! A pivot as a table: rows that open, cells that lead to their events.

use std::sync::Arc;

use adtally_core::measure::Measures;
use adtally_core::report::{By, Metric};
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::explore::{catalog, name_of};
use super::icon::{Glyph, Icon};
use super::place::CurrentPlace;
use crate::browser::{self, t};
use crate::format::{self, Width};
use crate::lang::Lang;
use crate::metric;
use crate::model::behind::events_behind;
use crate::model::catalog::{Catalog, Currency};
use crate::model::kpi::{Change, Tone};
use crate::model::pivot::{greatest, heat, value};
use crate::model::sheet::{Answered, Line, Stands};
use crate::phrase::Phrase;
use crate::state::explore::ExploreState;
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
    let content = move || match answered.get() {
        None => skeleton().into_any(),
        Some(answered) => Grid::new(answered, catalog(), browser::lang(), change).table().into_any(),
    };
    let open = move |target: Option<web_sys::EventTarget>| {
        let cell = target.and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let cell = cell.and_then(|cell| cell.closest("td[data-line]").ok().flatten());
        let number = |name: &str| cell.as_ref()?.get_attribute(name)?.parse::<usize>().ok();
        let Some((line, column)) = number("data-line").zip(number("data-column")) else { return };
        let events = answered.with_untracked(|answered| events_behind(answered.as_ref()?, line, column));
        if let Some(events) = events {
            place.go(&Place::Events(events));
        }
    };
    view! {
        <div class="table-scroll">
            <table
                class="report-table pivot"
                role="grid"
                data-testid="pivot"
                aria-label=t(Phrase::ExploreTable)
                on:click=move |event: MouseEvent| open(event.target())
                on:keydown=move |event: KeyboardEvent| match event.key().as_str() {
                    "Enter" => open(event.target()),
                    key => move_focus(&event, key),
                }
            >
                {content}
            </table>
        </div>
    }
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
    let cell = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(cell) = cell.and_then(|cell| cell.closest("td[data-line]").ok().flatten()) else { return };
    let at =
        |name: &str| cell.get_attribute(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let (line, place) = (at("data-line") + down, at("data-place") + right);
    let next =
        document().query_selector(&format!("td[data-line='{line}'][data-place='{place}']")).ok().flatten();
    if let Some(next) = next.and_then(|next| next.dyn_into::<web_sys::HtmlElement>().ok()) {
        event.prevent_default();
        next.set_tab_index(0);
        let _ = cell.set_attribute("tabindex", "-1");
        // Focus can only fail on an element that is not in the page.
        let _ = next.focus();
    }
}

/// A pivot with all that is needed to write it.
struct Grid {
    answered: Answered,
    catalog: Arc<Catalog>,
    lang: Lang,
    currency: Currency,
    change: Callback<ExploreState>,
    /// The greatest figure of each metric among the cells, for their shade.
    greatest: Vec<f64>,
    /// How many columns have cells, without that of all.
    columns: usize,
}

impl Grid {
    fn new(answered: Answered, catalog: Arc<Catalog>, lang: Lang, change: Callback<ExploreState>) -> Grid {
        let sheet = &answered.sheet;
        let columns = match answered.state.column {
            Some(_) => sheet.columns.len() + usize::from(sheet.other_columns > 0),
            None => 0,
        };
        let rows = || sheet.lines.iter().filter(|line| matches!(line.stands, Stands::Row { .. }));
        let of = |metric: &Metric| match columns {
            0 => greatest(rows().map(|line| &line.row.total), *metric),
            _ => greatest(rows().flat_map(|line| &line.row.cells[..columns]), *metric),
        };
        let greatest = answered.state.metrics.iter().map(of).collect();
        let currency = catalog.currency(&answered.basis.scope);
        Grid { answered, catalog, lang, currency, change, greatest, columns }
    }

    fn state(&self) -> &ExploreState {
        &self.answered.state
    }

    fn table(&self) -> impl IntoView + use<> {
        let lines = self.answered.sheet.lines.iter().enumerate();
        let lines = lines.map(|(number, line)| self.line(number, line)).collect_view();
        view! { {self.head()}<tbody>{lines}</tbody> }
    }

    fn head(&self) -> impl IntoView + use<> {
        let metrics = self.state().metrics.len().to_string();
        let names = self.state().rows.iter().map(|by| crate::state::report::by_phrase(*by).text(self.lang));
        let corner = names.collect::<Vec<_>>().join(" › ");
        let above = self.state().column.map(|by| {
            let keys = self.answered.sheet.columns.iter().map(|key| self.name(by, key));
            let others = Phrase::Others.with(self.lang, &[&self.answered.sheet.other_columns.to_string()]);
            let others = (self.answered.sheet.other_columns > 0).then_some(others);
            let span = metrics.clone();
            let head = move |text: String| view! { <th scope="colgroup" class="group" colspan=span.clone()>{text}</th> };
            let heads = keys.chain(others).chain([Phrase::Total.text(self.lang).to_string()]).map(head);
            view! { <tr><td></td>{heads.collect_view()}</tr> }
        });
        let heads = (0..=self.columns).flat_map(|_| self.state().metrics.clone());
        let heads = heads.map(|metric| self.metric_head(metric)).collect_view();
        view! { <thead>{above}<tr><th scope="col" class="name"><span class="head-text">{corner}</span></th>{heads}</tr></thead> }
    }

    /// A header that ranks rows by its metric.
    fn metric_head(&self, metric: Metric) -> impl IntoView + use<> {
        let state = self.state().clone();
        let is_rank = state.ranked_by() == Some(metric);
        let arrow = is_rank.then(|| view! { <Glyph icon=Icon::Down/> });
        let name = metric::phrase(metric).text(self.lang);
        let title = Phrase::SortBy.with(self.lang, &[name]);
        let change = self.change;
        let rank = move |_| change.run(ExploreState { rank: Some(metric), ..state.clone() });
        let sort = if is_rank { "descending" } else { "none" };
        view! {
            <th scope="col" class="number" aria-sort=sort>
                <button type="button" data-testid=format!("rank-{}", metric.name()) title=title on:click=rank>{name}{arrow}</button>
            </th>
        }
    }

    fn name(&self, by: By, key: &str) -> String {
        name_of(by, key, &self.catalog, &self.answered.basis.tz, self.lang)
    }

    fn line(&self, number: usize, line: &Line) -> impl IntoView + use<> {
        let cells = if self.columns > 0 { &line.row.cells[..self.columns] } else { &[] };
        let before = |column: usize| match (&line.before, column < cells.len()) {
            (Some(before), true) => before.cells.get(column),
            (Some(before), false) => Some(&before.total),
            (None, _) => None,
        };
        let currency = self.currency_of(line);
        let all = cells.iter().chain([&line.row.total]).enumerate().flat_map(|(column, measures)| {
            let metrics = self.state().metrics.iter().enumerate();
            let cell = metrics.map(|(place, metric)| {
                let at = Cell {
                    line: number,
                    column,
                    metric: place,
                    is_row: !matches!(line.stands, Stands::Total),
                };
                self.cell(at, *metric, measures, before(column), &currency)
            });
            cell.collect::<Vec<_>>()
        });
        let class = match line.stands {
            Stands::Total => "totals",
            Stands::Others(_) => "others-row",
            Stands::Row { .. } => "",
        };
        view! { <tr class=class data-testid="pivot-row" data-key=line.path.join("/")>{self.row_head(line)}{all.collect_view()}</tr> }
    }

    /// The currency of the row: that of its advertiser or campaign, where one is named.
    fn currency_of(&self, line: &Line) -> Currency {
        let named = self.state().rows.iter().zip(&line.path).filter_map(|(by, key)| match by {
            By::Dimension(dimension) => self.catalog.currency_of_row(*dimension, key),
            By::Time(_) => None,
        });
        let mut filtered = self.state().filters.iter().filter(|filter| filter.test.op() == "eq");
        let by_filter = || {
            filtered.find_map(|filter| {
                self.catalog.currency_of_row(filter.dimension, filter.test.values().first()?)
            })
        };
        named.last().or_else(by_filter).unwrap_or_else(|| self.currency.clone())
    }

    fn row_head(&self, line: &Line) -> impl IntoView + use<> {
        let indent = format!("{}px", 16 + 18 * line.depth);
        let inner = match &line.stands {
            Stands::Total => Phrase::Total.text(self.lang).into_any(),
            Stands::Others(count) => Phrase::Others.with(self.lang, &[&count.to_string()]).into_any(),
            Stands::Row { by, opens, open } => self.row_name(line, *by, *opens, *open).into_any(),
        };
        view! { <th scope="row" class="name" style:padding-left=indent>{inner}</th> }
    }

    fn row_name(&self, line: &Line, by: By, opens: bool, open: bool) -> impl IntoView + use<> {
        let name = self.name(by, line.path.last().map_or("", String::as_str));
        let (state, change, path) = (self.state().clone(), self.change, line.path.clone());
        let opener = opens.then(|| {
            let (state, path) = (state.clone(), path.clone());
            let phrase = if open { Phrase::Collapse } else { Phrase::Expand };
            let label = phrase.with(self.lang, &[&name]);
            view! {
                <button
                    type="button"
                    class="opener"
                    class:open=open
                    data-testid="open-row"
                    aria-expanded=if open { "true" } else { "false" }
                    aria-label=label
                    on:click=move |_| change.run(state.clone().toggled_open(&path))
                >
                    <Glyph icon=Icon::Right/>
                </button>
            }
        });
        let label = Phrase::DrillInto.with(self.lang, &[&name]);
        let scope = self.answered.basis.scope.clone();
        let drill = move |_| change.run(state.clone().drilled(&path, &scope));
        let shown = match by {
            By::Dimension(_) => view! {
                <button type="button" class="value" data-testid="drill" title=label on:click=drill>{name}</button>
            }
            .into_any(),
            By::Time(_) => name.into_any(),
        };
        view! { <span class="row-name">{opener}{shown}</span> }
    }

    fn cell(
        &self,
        at: Cell,
        metric: Metric,
        measures: &Measures,
        before: Option<&Measures>,
        currency: &Currency,
    ) -> impl IntoView + use<> {
        let is_mixed = metric::needs_one_currency(metric) && *currency == Currency::Mixed;
        let figure =
            value(metric, measures).filter(|_| !is_mixed && metric.is_seen_by(&self.answered.basis.scope));
        let text = format::figure(self.lang, metric, figure, currency.code(), Width::Full);
        let is_shaded = self.state().heat && at.is_row && (self.columns == 0 || at.column < self.columns);
        let shade = is_shaded.then(|| format!("{:.0}%", 52.0 * heat(figure, self.greatest[at.metric])));
        let change = before.map(|before| self.change_of(metric, value(metric, before), figure));
        let place = at.column * self.state().metrics.len() + at.metric;
        let tab = if at.line == 0 && place == 0 { "0" } else { "-1" };
        view! {
            <td
                class="number"
                class:nothing=figure.is_none()
                class:shaded=is_shaded
                style:--heat=shade
                tabindex=tab
                data-line=at.line
                data-column=at.column
                data-place=place
                data-col=metric.name()
                data-value=figure.map(|figure| figure.to_string())
            >
                {text}
                {change}
            </td>
        }
    }

    fn change_of(&self, metric: Metric, before: Option<f64>, now: Option<f64>) -> impl IntoView + use<> {
        let change = Change::between(before, now);
        let class = match change.tone(metric) {
            Tone::Better => "change better",
            Tone::Worse => "change worse",
            Tone::Even => "change",
        };
        let text = match change {
            Change::NothingBefore => format::NOTHING.to_string(),
            Change::By(by) => format::change(self.lang, by),
        };
        view! { <span class=class title=Phrase::ComparedTitle.text(self.lang)>{text}</span> }
    }
}

/// Where a figure stands.
#[derive(Clone, Copy)]
struct Cell {
    line: usize,
    column: usize,
    metric: usize,
    is_row: bool,
}

/// Rows of the height of those to come.
fn skeleton() -> impl IntoView {
    let line = |_| {
        let cells = (0..5).map(|_| view! { <td><span class="skeleton"></span></td> }).collect_view();
        view! { <tr class="skeleton-row">{cells}</tr> }
    };
    view! { <tbody data-testid="state-loading">{(0..9).map(line).collect_view()}</tbody> }
}
