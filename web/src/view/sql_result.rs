//! An answer: a table that makes only the rows that are seen, bars, or a line over time.

use leptos::html::Div;
use leptos::prelude::*;

use crate::browser::{self, t};
use crate::chart::path;
use crate::chart::plot::{Plot, Room};
use crate::chart::scale::Step;
use crate::chart::width::follow_width;
use crate::format;
use crate::html::Html;
use crate::model::outcome::{Answer, Cell, Drawing, ROW_HEIGHT, drawing, window};
use crate::model::pivot::heat;
use crate::phrase::Phrase;

/// The height of the table, in pixels.
const TABLE_HEIGHT: f64 = 420.0;
const CHART_HEIGHT: f64 = 240.0;
/// Names below a line: the first, the last, and some between.
const NAMES: usize = 6;

/// A table of any length.
#[component]
pub fn ResultTable(
    /// Of which answer.
    answer: StoredValue<Answer>,
    /// Whose answer it is.
    label: Signal<String>,
) -> impl IntoView {
    let scroll = NodeRef::<Div>::new();
    let top = RwSignal::new(0.0);
    let count = answer.with_value(|answer| answer.rows.len());
    let seen = Memo::new(move |_| window(top.get(), TABLE_HEIGHT, count));
    let on_scroll = move |_| {
        if let Some(element) = scroll.get_untracked() {
            top.set(f64::from(element.scroll_top()));
        }
    };
    let heads = answer.with_value(|answer| {
        let head = |column: &crate::model::outcome::Column| {
            let class = if column.is_number() { "number" } else { "" };
            let (name, kind) = (column.name.clone(), column.kind.clone());
            view! { <th scope="col" class=class title=kind><span class="head-text">{name}</span></th> }
        };
        answer.columns.iter().map(head).collect_view()
    });
    let width = answer.with_value(|answer| answer.columns.len());
    let spacer = move |rows: usize| {
        let height = format!("{}px", rows as f64 * ROW_HEIGHT);
        (rows > 0).then(|| view! { <tbody aria-hidden="true"><tr><td class="spacer" colspan=width style:height=height></td></tr></tbody> })
    };
    let body = move || {
        let (from, to) = seen.get();
        answer.with_value(|answer| rows_html(answer, from, to))
    };
    view! {
        <div class="table-scroll result" node_ref=scroll tabindex="0" role="region" aria-label=label on:scroll=on_scroll>
            <table class="report-table" data-testid="result" aria-rowcount=count + 1>
                <thead><tr>{heads}</tr></thead>
                {move || spacer(seen.get().0)}
                <tbody inner_html=body></tbody>
                {move || spacer(count - seen.get().1)}
            </table>
        </div>
    }
}

fn rows_html(answer: &Answer, from: usize, to: usize) -> String {
    let mut html = Html::default();
    for (offset, row) in answer.rows[from..to].iter().enumerate() {
        html.raw("<tr data-testid=\"result-row\"").attr("aria-rowindex", from + offset + 2).raw(">");
        for (cell, column) in row.iter().zip(&answer.columns) {
            html.raw("<td class=\"");
            html.raw(match (cell, column.is_number()) {
                (Cell::Nothing(()), _) => "nothing",
                (_, true) => "number",
                (_, false) => "",
            });
            html.raw("\">");
            match cell {
                Cell::Nothing(()) => html.raw("NULL"),
                cell => html.text(&cell.text()),
            };
            html.raw("</td>");
        }
        html.raw("</tr>");
    }
    html.finish()
}

/// A figure of an answer, drawn.
#[component]
pub fn ResultChart(
    /// Of which answer.
    answer: StoredValue<Answer>,
) -> impl IntoView {
    let figure = RwSignal::new(0_usize);
    let drawn = Memo::new(move |_| answer.with_value(|answer| drawing(answer, figure.get())));
    let count = answer.with_value(|answer| answer.rows.len());
    let picker = move || {
        let figures = drawn.get()?.figures;
        let option = |(place, name): (usize, String)| {
            view! { <option value=place.to_string() selected=move || figure.get() == place>{name}</option> }
        };
        (figures.len() > 1).then(|| {
            view! {
                <select
                    class="select small"
                    data-testid="chart-figure"
                    aria-label=t(Phrase::ChartFigure)
                    on:change=move |event| figure.set(event_target_value(&event).parse().unwrap_or_default())
                >
                    {figures.into_iter().enumerate().map(option).collect_view()}
                </select>
            }
        })
    };
    let body = move || match drawn.get() {
        None => {
            view! { <p class="cell-said quiet" data-testid="not-chartable">{t(Phrase::NotChartable)}</p> }
                .into_any()
        }
        Some(drawing) if drawing.is_time => view! { <Line drawing figure/> }.into_any(),
        Some(drawing) => view! { <Bars drawing figure/> }.into_any(),
    };
    let first = move || {
        let (shown, lang) = (drawn.read().as_ref()?.names.len(), browser::lang());
        (shown < count).then(|| Phrase::ChartFirst.with(lang, &[&shown.to_string(), &count.to_string()]))
    };
    view! {
        <div class="result-chart" data-testid="result-chart">
            <p class="cell-said">{picker}<span class="quiet">{first}</span></p>
            {body}
        </div>
    }
}

fn figure_text(value: Option<f64>) -> String {
    match value {
        None => "–".to_string(),
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            format::count(browser::lang(), value as i64)
        }
        Some(value) => format!("{value:.4}"),
    }
}

#[component]
fn Bars(drawing: Drawing, figure: RwSignal<usize>) -> impl IntoView {
    let most = drawing.values.iter().flatten().copied().fold(0.0, f64::max);
    let name = drawing.figures.get(figure.get_untracked()).cloned().unwrap_or_default();
    let bar = |(of, value): (String, Option<f64>)| {
        let of = if of.is_empty() { Phrase::None.text(browser::lang()).to_string() } else { of };
        view! {
            <li class="bar-line" data-testid="bar" data-value=value.map(|value| value.to_string())>
                <span class="bar-name">{of}</span>
                <svg class="wide-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-length" width=100.0 * heat(value, most) height="10" rx="0.4"/>
                </svg>
                <span class="bar-figure">{figure_text(value)}</span>
            </li>
        }
    };
    let bars = drawing.names.into_iter().zip(drawing.values).map(bar).collect_view();
    view! {
        <figure class="bars" aria-label=name.clone()>
            <figcaption>{name.clone()}</figcaption>
            <ul>{bars}</ul>
        </figure>
    }
}

#[component]
fn Line(drawing: Drawing, figure: RwSignal<usize>) -> impl IntoView {
    let container = NodeRef::<Div>::new();
    let width = follow_width(container);
    let name = drawing.figures.get(figure.get_untracked()).cloned().unwrap_or_default();
    let names = StoredValue::new(drawing.names);
    let values = drawing.values.clone();
    let plot =
        Memo::new(move |_| Plot::new(&values, Room { width: width.get(), height: CHART_HEIGHT }, Step::Any));
    let at = RwSignal::new(None::<usize>);
    let values = StoredValue::new(drawing.values);
    let said = move || {
        let place = at.get()?;
        let name = names.with_value(|names| names.get(place).cloned())?;
        Some(format!(
            "{name}: {}",
            figure_text(values.with_value(|values| values.get(place).copied().flatten()))
        ))
    };
    let cursor = move || {
        let plot = plot.read();
        let (x, y) = plot.points.get(at.get()?).copied().flatten()?;
        Some(view! { <circle class="cursor-dot" cx=x cy=y r="4.5"/> })
    };
    let last = names.with_value(Vec::len).saturating_sub(1);
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let now = at.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" => now.map_or(0, |place| (place + 1).min(last)),
            "ArrowLeft" => now.map_or(last, |place| place.saturating_sub(1)),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        at.set(Some(next));
    };
    let on_move = move |event: leptos::ev::PointerEvent| {
        let Some(element) = container.get_untracked() else { return };
        let x = f64::from(event.client_x()) - element.get_bounding_client_rect().left();
        at.set(plot.read_untracked().nearest(x));
    };
    let label = name.clone();
    view! {
        <div class="chart" node_ref=container role="group" tabindex="0" aria-label=label on:keydown=on_key on:pointermove=on_move>
            <svg role="img" aria-label=name width=move || width.get() height=CHART_HEIGHT>
                <g aria-hidden="true">
                    <LineAxes plot names/>
                    <path class="area" d=move || path::area(&plot.read().points, plot.read().floor)/>
                    <path class="line" data-testid="result-line" d=move || path::line(&plot.read().points)/>
                    {cursor}
                </g>
            </svg>
            <p class="chart-said" role="status" data-testid="chart-readout">{said}</p>
        </div>
    }
}

/// Marks of values, names below, and points without neighbours.
#[component]
fn LineAxes(plot: Memo<Plot>, names: StoredValue<Vec<String>>) -> impl IntoView {
    let marks = move || {
        let plot = plot.read();
        let mark = |(value, y): &(f64, f64)| {
            view! {
                <line class="grid" x1=plot.left x2=plot.right y1=*y y2=*y/>
                <text class="axis" x=plot.left - 10.0 y=*y dy="0.32em" text-anchor="end">{figure_text(Some(*value))}</text>
            }
        };
        plot.marks.iter().map(mark).collect_view()
    };
    let below = move || {
        let plot = plot.read();
        let count = names.with_value(Vec::len);
        let step = count.div_ceil(NAMES.min(plot.time_room().max(1))).max(1);
        let label = |place: usize| {
            let text = names.with_value(|names| names[place].clone());
            let anchor = if place + 1 == count { "end" } else { "middle" };
            view! { <text class="axis" x=plot.x(place) y=plot.floor + 20.0 text-anchor=anchor>{text}</text> }
        };
        (0..count).step_by(step).map(label).collect_view()
    };
    let dots = move || {
        let lone = path::lone(&plot.read().points);
        lone.into_iter().map(|(x, y)| view! { <circle class="dot" cx=x cy=y r="3"/> }).collect_view()
    };
    view! { {marks}{below}{dots} }
}
