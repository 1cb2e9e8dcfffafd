//! The notebook: cells of statements and remarks, where they run, and where they are kept.

use std::collections::BTreeMap;

use adtally_wire::api::Problem;
use adtally_wire::notebook::{CellKind, CellView, Notebook};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::{Desk, Trouble};
use super::notebook_bar::NotebookBar;
use super::notebook_cell::{RemarkCell, StatementCell};
use super::sql_schema::SchemaBrowser;
use crate::api::engine::{About, Here, on_server};
use crate::api::failure::Failure;
use crate::api::session::Session;
use crate::browser::t;
use crate::clock;
use crate::model::completion::{SCHEMA_SQL, Schema};
use crate::model::draft::Draft;
use crate::model::outcome::Answer;
use crate::model::statement::line_up;
use crate::phrase::Phrase;
use crate::state::notebook::NotebookState;

/// What became of running a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It runs.
    Running,
    /// Why it has no answer.
    Failed(Failure),
    /// Its answer, and how many ms that took.
    Answered(Answer, i64),
    /// How it would be answered.
    Explained(String),
}

/// The notebook on the page, as its parts share it.
#[derive(Clone, Copy)]
pub struct Book {
    /// The notebook.
    pub draft: RwSignal<Draft>,
    /// By the number of a cell.
    pub outcomes: RwSignal<BTreeMap<u32, Outcome>>,
    /// What can be asked.
    pub schema: RwSignal<Schema>,
    /// Whether statements are answered here.
    pub is_here: RwSignal<bool>,
    /// Whether anything is not saved.
    pub is_changed: RwSignal<bool>,
    /// The statement that the keyboard is in.
    pub focused: RwSignal<Option<u32>>,
    /// What answers here.
    pub here: Here,
    desk: Desk,
    session: Session,
}

impl Book {
    fn open() -> Book {
        Book {
            draft: RwSignal::new(Draft::default()),
            outcomes: RwSignal::new(BTreeMap::new()),
            schema: RwSignal::new(Schema::default()),
            is_here: RwSignal::new(false),
            is_changed: RwSignal::new(false),
            focused: RwSignal::new(None),
            here: Here::new(),
            desk: Desk::expect(),
            session: Session::expect(),
        }
    }

    /// The notebook of the page around.
    pub fn expect() -> Book {
        expect_context()
    }

    /// Changes the notebook.
    pub fn change(self, change: impl FnOnce(&mut Draft)) {
        self.draft.update(change);
        self.is_changed.set(true);
    }

    /// Whose statements are answered, and where days begin.
    pub fn about(self) -> About {
        let told = self.desk.told.get_untracked();
        About { scope: told.scope, tz: told.tz }
    }

    async fn answer(self, sql: &str) -> Result<Answer, Failure> {
        match self.is_here.get_untracked() {
            true => self.here.answer(&self.about(), sql).await,
            false => on_server(self.session.client, &self.about(), sql).await,
        }
    }

    /// Runs a statement, or asks how it would be answered.
    pub async fn run(self, number: u32, explain: bool) {
        let text = self.draft.with_untracked(|draft| draft.cell(number).map(|cell| cell.text.clone()));
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return };
        self.put(number, Outcome::Running);
        let began = clock::now_ms();
        let sql = if explain { format!("EXPLAIN\n{text}") } else { text };
        let answered = self.answer(&sql).await;
        let took = clock::now_ms() - began;
        self.put(
            number,
            match answered {
                Ok(answer) if explain => Outcome::Explained(crate::model::outcome::plan_text(&answer)),
                Ok(answer) => Outcome::Answered(answer, took),
                Err(failure) => {
                    self.session.notice(&failure);
                    Outcome::Failed(if explain { a_line_up(failure) } else { failure })
                }
            },
        );
    }

    /// Runs every statement, one after the other.
    pub fn run_all(self) {
        let numbers = self.draft.with_untracked(|draft| {
            let statements = draft.cells.iter().filter(|(_, cell)| cell.kind == CellKind::Sql);
            statements.map(|(number, _)| *number).collect::<Vec<_>>()
        });
        spawn_local(async move {
            for number in numbers {
                self.run(number, false).await;
            }
        });
    }

    fn put(self, number: u32, outcome: Outcome) {
        self.outcomes.try_update(|outcomes| outcomes.insert(number, outcome));
    }

    /// Another notebook is on the page.
    pub fn turn_to(self, draft: Draft) {
        self.outcomes.set(BTreeMap::new());
        self.draft.set(draft);
        self.is_changed.set(false);
    }
}

/// The page.
#[component]
pub fn NotebookPage() -> impl IntoView {
    let book = Book::open();
    provide_context(book);
    let lost = RwSignal::new(None::<Failure>);
    let is_open = RwSignal::new(false);
    let again = RwSignal::new(0_u32);
    follow_address(book, again, is_open, lost);
    load_schema(book);
    let cells =
        move || book.draft.read().cells.iter().map(|(number, cell)| (*number, cell.kind)).collect::<Vec<_>>();
    let add = move |kind| {
        book.change(|draft| {
            draft.add(kind, None);
        })
    };
    let busy = move || if is_open.get() { "false" } else { "true" };
    view! {
        <div class="notebook" data-testid="sql" data-busy=busy aria-busy=busy>
            <NotebookBar/>
            {move || lost.get().map(|failure| view! {
                <section class="card report-card">
                    <Trouble failure on_retry=Callback::new(move |()| again.update(|count| *count += 1))/>
                </section>
            })}
            <div class="notebook-body">
                <div class="notebook-cells">
                    <Show when=move || !is_open.get() && lost.read().is_none()>
                        <section class="card"><p class="card-body"><span class="skeleton wide"></span></p></section>
                    </Show>
                    <For each=cells key=|(number, kind)| (*number, *kind == CellKind::Sql) children=|(number, kind)| match kind {
                        CellKind::Sql => view! { <StatementCell number/> }.into_any(),
                        CellKind::Text => view! { <RemarkCell number/> }.into_any(),
                    }/>
                    <div class="card-actions">
                        <button type="button" class="button" data-testid="add-sql" on:click=move |_| add(CellKind::Sql)>{t(Phrase::AddSql)}</button>
                        <button type="button" class="button" data-testid="add-text" on:click=move |_| add(CellKind::Text)>{t(Phrase::AddText)}</button>
                    </div>
                </div>
                <SchemaBrowser/>
            </div>
        </div>
    }
}

/// What is wrong with a statement, without the line that asks to explain it.
fn a_line_up(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(problem) => {
            Failure::Refused(Problem { detail: line_up(&problem.detail), ..problem })
        }
        other => other,
    }
}

/// Opens what the address names: a notebook that is kept, cells in the address, or a first statement.
fn follow_address(
    book: Book,
    again: RwSignal<u32>,
    is_open: RwSignal<bool>,
    lost: RwSignal<Option<Failure>>,
) {
    let (session, desk) = (Session::expect(), Desk::expect());
    let state = Memo::new(move |_| NotebookState::read(&desk.told.read().query));
    let scope = Memo::new(move |_| desk.told.read().scope.clone());
    Effect::new(move |before: Option<(NotebookState, String, u32)>| {
        let (state, scope, attempt) = (state.get(), scope.get(), again.get());
        book.is_here.set(state.is_here);
        // Where statements run is of the address too, and turns no page.
        let is_same = before.as_ref().is_some_and(|(known, of, tried)| {
            known.id == state.id && known.cells == state.cells && *of == scope && *tried == attempt
        });
        let is_on_page = state.id.is_some()
            && book.draft.read_untracked().kept.as_ref().map(|kept| &kept.id) == state.id.as_ref();
        if is_same || is_on_page {
            return (state, scope, attempt);
        }
        lost.set(None);
        match (&state.id, state.cells.is_empty()) {
            (Some(id), _) => {
                is_open.set(false);
                let address = format!("/v1/notebooks/{}", crate::state::params::encode(id));
                spawn_local(async move {
                    match session.client.get::<Notebook>(&address).await {
                        Ok(notebook) => {
                            book.turn_to(Draft::of_notebook(notebook));
                            is_open.try_set(true);
                        }
                        Err(failure) => {
                            session.notice(&failure);
                            lost.try_set(Some(failure));
                            is_open.try_set(true);
                        }
                    }
                });
            }
            (None, false) => {
                book.turn_to(Draft::of_cells(state.cells.clone()));
                is_open.set(true);
            }
            (None, true) => {
                book.turn_to(Draft::fresh());
                is_open.set(true);
            }
        }
        (state, scope, attempt)
    });
}

/// Asks what can be asked; without an answer only the words of the language are known.
fn load_schema(book: Book) {
    let desk = Desk::expect();
    let scope = Memo::new(move |_| desk.told.read().scope.clone());
    Effect::new(move |_| {
        scope.track();
        spawn_local(async move {
            if let Ok(answer) = on_server(book.session.client, &book.about(), SCHEMA_SQL).await {
                book.schema.try_set(Schema::of(&answer));
            }
        });
    });
}

/// Shows an answer another way.
pub fn toggle_view(book: Book, number: u32) {
    book.change(|draft| {
        draft.change(number, |cell| {
            cell.view = if cell.view == CellView::Chart { CellView::Table } else { CellView::Chart };
        });
    });
}
