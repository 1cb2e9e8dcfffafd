//! A cell of a notebook: a statement with its answer, or a remark.

use adtally_wire::notebook::CellView;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use super::notebook::{Book, Outcome, toggle_view};
use super::notice::failure_text;
use super::sql_editor::SqlEditor;
use super::sql_result::{ResultChart, ResultTable};
use crate::api::failure::Failure;
use crate::browser::{self, t};
use crate::format;
use crate::model::outcome::{Answer, csv};
use crate::model::statement::spot_of;
use crate::phrase::Phrase;

/// The place of a cell, from 1.
fn place_of(book: Book, number: u32) -> usize {
    let cells = &book.draft.read().cells;
    cells.iter().position(|(known, _)| *known == number).unwrap_or_default() + 1
}

/// A statement.
#[component]
pub fn StatementCell(
    /// Its number.
    number: u32,
) -> impl IntoView {
    let book = Book::expect();
    let outcome = Memo::new(move |_| book.outcomes.read().get(&number).cloned());
    let text = Signal::derive(move || {
        book.draft.read().cell(number).map(|cell| cell.text.clone()).unwrap_or_default()
    });
    let spot = Signal::derive(move || match outcome.get() {
        Some(Outcome::Failed(Failure::Refused(problem))) => spot_of(&problem.detail).map(|(spot, _)| spot),
        _ => None,
    });
    let run = move |explain: bool| spawn_local(book.run(number, explain));
    let change = Callback::new(move |text: String| {
        book.change(|draft| draft.change(number, |cell| cell.text = text));
        // What was wrong with another text is not where it was.
        if matches!(book.outcomes.read_untracked().get(&number), Some(Outcome::Failed(_))) {
            book.outcomes.update(|outcomes| drop(outcomes.remove(&number)));
        }
    });
    let label = Signal::derive(move || {
        let lang = browser::lang();
        format!(
            "{}. {}",
            Phrase::Statement.with(lang, &[&place_of(book, number).to_string()]),
            Phrase::RunKeys.text(lang)
        )
    });
    let is_running = Memo::new(move |_| *outcome.read() == Some(Outcome::Running));
    let state = move || match &*outcome.read() {
        None => "open",
        Some(Outcome::Running) => "running",
        Some(Outcome::Failed(_)) => "failed",
        Some(Outcome::Answered(..)) => "answered",
        Some(Outcome::Explained(_)) => "explained",
    };
    view! {
        <section class="card cell" data-testid="cell-sql" data-state=state aria-label=label>
            <SqlEditor number text spot label change run=Callback::new(run)/>
            <div class="cell-bar">
                <button type="button" class="button primary" data-testid="run" disabled=move || is_running.get() on:click=move |_| run(false)>
                    <Glyph icon=Icon::Play/>
                    {t(Phrase::RunCell)}
                </button>
                <button type="button" class="button" data-testid="explain" disabled=move || is_running.get() on:click=move |_| run(true)>{t(Phrase::ExplainCell)}</button>
                <span class="quiet keys">{t(Phrase::RunKeys)}</span>
                <CellTools number/>
            </div>
            {move || outcome.get().map(|outcome| view! { <Shown number outcome/> })}
        </section>
    }
}

/// What became of a statement.
#[component]
fn Shown(number: u32, outcome: Outcome) -> impl IntoView {
    match outcome {
        Outcome::Running => view! {
            <p class="cell-said" role="status"><span class="skeleton"></span>{t(Phrase::RunningStatement)}</p>
        }
        .into_any(),
        Outcome::Failed(failure) => {
            let spot = match &failure {
                Failure::Refused(problem) => spot_of(&problem.detail),
                _ => None,
            };
            let code = failure.code();
            let lang = browser::lang();
            let at = spot
                .map(|(at, _)| Phrase::ErrorAt.with(lang, &[&at.line.to_string(), &at.column.to_string()]));
            let said = spot.map_or_else(|| failure_text(&failure, lang), |(_, said)| said.to_string());
            view! {
                <div class="cell-said" role="alert" data-testid="sql-error">
                    <p class="field-error"><Glyph icon=Icon::Alert/><span>{said}</span></p>
                    <p class="quiet">{at}" "<code data-testid="problem-code">{code}</code></p>
                </div>
            }
            .into_any()
        }
        Outcome::Explained(text) => view! {
            <div class="cell-said">
                <h3>{t(Phrase::Plan)}</h3>
                <pre class="snippet" tabindex="0" data-testid="plan">{text}</pre>
            </div>
        }
        .into_any(),
        Outcome::Answered(answer, took) => view! { <Answered number answer took/> }.into_any(),
    }
}

/// An answer, as a table or drawn.
#[component]
fn Answered(number: u32, answer: Answer, took: i64) -> impl IntoView {
    let (book, lang) = (Book::expect(), browser::lang());
    let count = answer.rows.len();
    let rows = format::count(lang, i64::try_from(count).unwrap_or(i64::MAX));
    let said = Phrase::RowsIn.with(lang, &[&rows, &took.to_string()]);
    let is_chart =
        Memo::new(move |_| book.draft.read().cell(number).is_some_and(|cell| cell.view == CellView::Chart));
    let answer = StoredValue::new(answer);
    let segment = move |chart: bool, phrase: Phrase, test_id: &'static str| {
        let pressed = move || if is_chart.get() == chart { "true" } else { "false" };
        let click = move |_| {
            if is_chart.get_untracked() != chart {
                toggle_view(book, number);
            }
        };
        view! { <button type="button" data-testid=test_id aria-pressed=pressed on:click=click>{t(phrase)}</button> }
    };
    let download = move |_| browser::download("answer.csv", "text/csv", &answer.with_value(csv));
    let label = Signal::derive(move || {
        Phrase::ResultTable.with(browser::lang(), &[&place_of(book, number).to_string()])
    });
    let body = move || match (count, is_chart.get()) {
        (0, _) => {
            view! { <p class="cell-said quiet" data-testid="state-empty">{t(Phrase::NoRowsAnswered)}</p> }
                .into_any()
        }
        (_, true) => view! { <ResultChart answer/> }.into_any(),
        (_, false) => view! { <ResultTable answer label/> }.into_any(),
    };
    view! {
        <div class="cell-head">
            <span class="quiet" role="status" data-testid="rows" data-count=count>{said}</span>
            <div class="card-actions">
                <div class="segments" role="group" aria-label=t(Phrase::ViewAs)>
                    {segment(false, Phrase::AsTable, "as-table")}
                    {segment(true, Phrase::AsChart, "as-chart")}
                </div>
                <button type="button" class="button quiet" data-testid="csv" on:click=download>
                    <Glyph icon=Icon::Download/>
                    {t(Phrase::DownloadCsv)}
                </button>
            </div>
        </div>
        {body}
    }
}

/// Moves and removes a cell.
#[component]
fn CellTools(number: u32) -> impl IntoView {
    let book = Book::expect();
    let label =
        move |phrase: Phrase| move || phrase.with(browser::lang(), &[&place_of(book, number).to_string()]);
    let shift = move |down: bool| book.change(|draft| draft.shift(number, down));
    view! {
        <span class="cell-tools">
            <button type="button" class="icon-button" data-testid="up" aria-label=label(Phrase::MoveUp) on:click=move |_| shift(false)><Glyph icon=Icon::Up/></button>
            <button type="button" class="icon-button" data-testid="down" aria-label=label(Phrase::MoveDown) on:click=move |_| shift(true)><Glyph icon=Icon::Down/></button>
            <button type="button" class="icon-button" data-testid="remove-cell" aria-label=label(Phrase::RemoveCell) on:click=move |_| book.change(|draft| draft.remove(number))><Glyph icon=Icon::Cross/></button>
        </span>
    }
}

/// A remark.
#[component]
pub fn RemarkCell(
    /// Its number.
    number: u32,
) -> impl IntoView {
    let book = Book::expect();
    let text = move || book.draft.read().cell(number).map(|cell| cell.text.clone()).unwrap_or_default();
    let label = move || Phrase::Remark.with(browser::lang(), &[&place_of(book, number).to_string()]);
    let mirror = move || text() + "\n";
    view! {
        <section class="card cell remark" data-testid="cell-text" aria-label=label>
            <div class="grown">
                <div class="grown-mirror" aria-hidden="true">{mirror}</div>
                <textarea
                    data-testid="remark"
                    aria-label=label
                    placeholder=t(Phrase::RemarkEmpty)
                    prop:value=text
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        book.change(|draft| draft.change(number, |cell| cell.text = text));
                    }
                ></textarea>
            </div>
            <CellTools number/>
        </section>
    }
}
