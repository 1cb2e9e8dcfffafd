//! The last runs of a job as a grid: what each of its tasks came to in each of them.

use std::collections::{BTreeMap, BTreeSet};

use adtally_wire::jobs::api::{JobInfo, Jobs as Definitions, RunInfo, Runs};
use leptos::ev::KeyboardEvent;
use leptos::html::{Div, Table};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;

use super::bench_page::Trouble;
use super::job_mark::{Shape, StateMark, state_phrase};
use super::jobs::Opening;
use super::show::Show;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format;
use crate::model::matrix::{Cell, Matrix, STATES};
use crate::phrase::Phrase;
use crate::state::jobs::{Opened, TaskRef, run_address, runs_address};

/// How many runs the grid has.
const RUNS: usize = 16;
/// How high the mark of the longest run is, in pixels.
const HIGHEST: i64 = 28;

/// What the grid is made of.
#[derive(Clone, Copy)]
pub struct Grid {
    fetched: Fetch<Runs>,
    /// The runs, the latest last, as the columns stand; those of the job before while others are on their way.
    runs: Memo<Vec<RunInfo>>,
    /// Whether all of them are here.
    is_whole: Memo<bool>,
    job: Signal<Option<String>>,
    matrix: Memo<Matrix>,
    opening: Opening,
    /// The cell that the keyboard comes to, by row and run; the heads are a row without a name.
    stop: RwSignal<(String, String)>,
}

impl Grid {
    /// Follows the last runs of a job, asked for again at each beat.
    pub fn follow(job: Signal<Option<String>>, opening: Opening, beat: RwSignal<u32>) -> Grid {
        let fetched =
            Fetch::<Runs>::new(move || job.get().map(|job| runs_address(&job, RUNS)), move || beat.track());
        let (runs, is_whole) = completed(fetched, beat);
        let matrix = Memo::new(move |_| {
            let mut latest_first = runs.get();
            latest_first.reverse();
            Matrix::of(&latest_first)
        });
        Grid { fetched, runs, is_whole, job, matrix, opening, stop: RwSignal::default() }
    }

    /// Whether all of it is here, or a reason why it is not.
    pub fn is_known(self) -> bool {
        self.is_whole.get() || self.fetched.failure.read().is_some()
    }

    /// A run with its tasks, where it is one of them.
    pub fn run(self, name: &str) -> Option<RunInfo> {
        self.runs.read().iter().find(|run| run.run == name && !run.tasks.is_empty()).cloned()
    }

    fn cell(self, row: &str, run: &str) -> Option<Cell> {
        self.matrix.read().cell(row, run).cloned()
    }

    /// Where the keyboard comes to: where it was, as long as that is there.
    fn stop(self) -> (String, String) {
        let stop = self.stop.get();
        let runs = self.runs.read();
        let is_run = runs.iter().any(|run| run.run == stop.1);
        let is_there = is_run && (stop.0.is_empty() || self.matrix.read().cell(&stop.0, &stop.1).is_some());
        if is_there {
            stop
        } else {
            (String::new(), runs.last().map(|run| run.run.clone()).unwrap_or_default())
        }
    }

    fn tabindex(self, row: &str, run: &str) -> &'static str {
        let (at_row, at_run) = self.stop();
        if at_row == row && at_run == run { "0" } else { "-1" }
    }
}

/// The tasks of runs that come without them, as there are many; each is asked for again as its counts change. And
/// whether all were asked for once.
fn completed(runs: Fetch<Runs>, beat: RwSignal<u32>) -> (Memo<Vec<RunInfo>>, Memo<bool>) {
    let session = Session::expect();
    let whole = RwSignal::new(BTreeMap::<String, RunInfo>::new());
    let told = RwSignal::new(BTreeSet::<String>::new());
    let asked = StoredValue::new(BTreeSet::<String>::new());
    Effect::new(move |_| {
        beat.track();
        let shown = runs.shown.read();
        for run in shown.iter().flat_map(|shown| &shown.runs) {
            let is_known =
                whole.read_untracked().get(&run.run).is_some_and(|known| known.counts == run.counts);
            let name = run.run.clone();
            if !run.tasks.is_empty() || run.counts.is_empty() || is_known {
                continue;
            }
            if !asked.try_update_value(|asked| asked.insert(name.clone())).unwrap_or_default() {
                continue;
            }
            spawn_local(async move {
                // Without an answer its column stays empty, and the next beat asks again.
                let answer = session.client.value(&run_address(&name)).await;
                let info = answer.and_then(crate::api::client::read::<RunInfo>);
                asked.try_update_value(|asked| asked.remove(&name));
                if let Ok(info) = info {
                    whole.try_update(|whole| whole.insert(name.clone(), info));
                }
                if told.with_untracked(|told| !told.contains(&name)) {
                    told.try_update(|told| told.insert(name));
                }
            });
        }
    });
    let all = Memo::new(move |before: Option<&Vec<RunInfo>>| {
        let Some(shown) = runs.shown.get() else { return before.cloned().unwrap_or_default() };
        let (mut all, whole) = (shown.runs, whole.read());
        for run in all.iter_mut().filter(|run| run.tasks.is_empty()) {
            run.tasks = whole.get(&run.run).map(|whole| whole.tasks.clone()).unwrap_or_default();
        }
        all.reverse();
        all
    });
    let is_whole = Memo::new(move |_| {
        let (shown, told) = (runs.shown.read(), told.read());
        let is_told =
            |run: &RunInfo| !run.tasks.is_empty() || run.counts.is_empty() || told.contains(&run.run);
        shown.as_ref().is_some_and(|shown| shown.runs.iter().all(is_told))
    });
    (all, is_whole)
}

/// The grid of a job's runs, and a choice of the job.
#[component]
pub fn JobMatrix(
    /// What there is.
    jobs: Fetch<Definitions>,
    /// The runs.
    grid: Grid,
) -> impl IntoView {
    let Grid { fetched, runs, job, opening, .. } = grid;
    let failure = Memo::new(move |_| fetched.failure.get().filter(|_| fetched.shown.read().is_none()));
    let is_empty = Memo::new(move |_| runs.read().is_empty());
    let option = move |known: JobInfo| {
        let name = known.job;
        let (value, shown) = (name.clone(), name.clone());
        view! { <option value=value selected=move || job.get().as_deref() == Some(name.as_str())>{shown}</option> }
    };
    let options = move || jobs.shown.get().map(|shown| shown.jobs.into_iter().map(option).collect_view());
    let body = move || match failure.get() {
        Some(failure) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| fetched.retry())/> }.into_any()
        }
        None if is_empty.get() => {
            view! { <p class="card-body quiet" data-testid="no-runs">{t(Phrase::NoRuns)}</p> }.into_any()
        }
        None => view! { <Rows grid/> }.into_any(),
    };
    let busy = move || if fetched.busy.get() { "true" } else { "false" };
    view! {
        <section class="card report-card" data-testid="matrix" data-busy=busy aria-busy=busy>
            <div class="card-head">
                <h2>{t(Phrase::Grid)}</h2>
                <label class="inline-field">
                    <span>{t(Phrase::Job)}</span>
                    <select class="select small" data-testid="matrix-job" on:change=move |event| opening.show_job(&event_target_value(&event))>
                        {options}
                    </select>
                </label>
            </div>
            {body}
        </section>
    }
}

#[component]
fn Rows(grid: Grid) -> impl IntoView {
    let job = grid.job;
    let table = NodeRef::<Table>::new();
    let scroller = NodeRef::<Div>::new();
    // The latest run is on the right: what is too wide begins there.
    Effect::new(move |before: Option<Option<String>>| {
        let scroller = scroller.get()?;
        let newest = grid.runs.read().last().map(|run| run.run.clone());
        if before.flatten() != newest {
            request_animation_frame(move || scroller.set_scroll_left(scroller.scroll_width()));
        }
        newest
    });
    let label = move || Phrase::GridOf.with(browser::lang(), &[&job.get().unwrap_or_default()]);
    let names = move || grid.runs.get().into_iter().map(|run| run.run).collect::<Vec<_>>();
    let row = move |name: String| {
        let (title, of) = (name.clone(), StoredValue::new(name));
        view! {
            <tr>
                <th scope="row"><span class="matrix-name">{title}</span></th>
                <For each=names key=Clone::clone let:run>
                    <td><CellButton grid row=of.get_value() run/></td>
                </For>
            </tr>
        }
    };
    let legend = STATES.map(|state| view! { <StateMark state=state.to_string()/> });
    view! {
        <div class="matrix-scroll" node_ref=scroller>
            <table class="matrix" role="grid" node_ref=table aria-label=label data-testid="matrix-grid" on:keydown=move |event| step(&event, table)>
                <thead><tr>
                    <th scope="col"><span class="matrix-name">{t(Phrase::Task)}</span></th>
                    <For each=names key=Clone::clone let:run>
                        <th scope="col"><RunHead grid run/></th>
                    </For>
                </tr></thead>
                <tbody><For each=move || grid.matrix.get().rows key=Clone::clone children=row/></tbody>
            </table>
        </div>
        <div class="card-body matrix-legend">
            <span class="state-marks">{legend}</span>
            <p class="hint">{t(Phrase::GridHint)}</p>
        </div>
    }
}

/// A run above its column: the longer it took, the higher its mark.
#[component]
fn RunHead(grid: Grid, run: String) -> impl IntoView {
    let name = StoredValue::new(run.clone());
    let info = Memo::new(move |_| {
        grid.runs.read().iter().find(|run| name.with_value(|name| run.run == *name)).cloned()
    });
    let state = Signal::derive(move || info.read().as_ref().map(|run| run.state.clone()).unwrap_or_default());
    let height = move || {
        let of = |run: &RunInfo| run.duration_ms.unwrap_or_default();
        let longest = grid.runs.read().iter().map(of).max().unwrap_or_default().max(1);
        let own = info.read().as_ref().map_or(0, of);
        format!("{}px", (own * HIGHEST / longest).clamp(3, HIGHEST))
    };
    let label = move || {
        let lang = browser::lang();
        let info = info.read();
        let took = info.as_ref().and_then(|run| run.duration_ms).map(|ms| format::took(lang, ms));
        let words = [Some(state_phrase(&state.read()).text(lang).to_string()), took];
        let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Phrase::RunWith.with(lang, &[&name.get_value(), &words])
    };
    let number = run.rsplit_once('-').map_or(run.clone(), |(_, number)| number.to_string());
    let (mark, of) = (run.clone(), run);
    view! {
        <button
            type="button"
            class="matrix-run"
            data-testid="matrix-run"
            data-run=mark
            data-state=state
            title=label
            aria-label=label
            tabindex=move || name.with_value(|run| grid.tabindex("", run))
            on:focus=move |_| grid.stop.set((String::new(), name.get_value()))
            on:click=move |_| grid.opening.toggle(&of)
        >
            <span class="matrix-bar" style:height=height></span>
            <span>{number}</span>
        </button>
    }
}

/// What a task, or a group of them, came to in a run.
#[component]
fn CellButton(grid: Grid, row: String, run: String) -> impl IntoView {
    let at = StoredValue::new((row, run));
    let cell = Memo::new(move |_| at.with_value(|(row, run)| grid.cell(row, run)));
    let is_there = move || cell.read().is_some();
    let state = Signal::derive(move || {
        cell.read().as_ref().map(|cell| cell.worst().0.to_string()).unwrap_or_default()
    });
    let count = move || {
        let cell = cell.read();
        let count = cell.as_ref().filter(|cell| cell.len() > 1).map(|cell| cell.worst().1);
        count.map(|count| format::count(browser::lang(), count as i64))
    };
    let label = move || {
        let lang = browser::lang();
        let cell = cell.get().unwrap_or_default();
        let is_one = cell.len() == 1;
        let words = cell.counts.iter().map(|(state, count)| {
            let name = state_phrase(STATES[*state]).text(lang);
            if is_one { name.to_string() } else { Phrase::CountOf.with(lang, &[&count.to_string(), name]) }
        });
        let words = words.collect::<Vec<_>>().join(", ");
        at.with_value(|(row, run)| Phrase::CellOf.with(lang, &[row, run, &words]))
    };
    let open = move |_| {
        let (row, run) = at.get_value();
        let task = cell.read_untracked().as_ref().and_then(|cell| cell.task.clone());
        grid.opening.open(match task {
            Some(task) => Opened::Task(TaskRef { run, task }),
            None => Opened::Group(TaskRef { run, task: row }),
        });
    };
    view! {
        <Show when=is_there>
            <button
                type="button"
                class="matrix-cell"
                data-testid="matrix-cell"
                data-row=move || at.with_value(|(row, _)| row.clone())
                data-run=move || at.with_value(|(_, run)| run.clone())
                data-state=state
                title=label
                aria-label=label
                tabindex=move || at.with_value(|(row, run)| grid.tabindex(row, run))
                on:focus=move |_| grid.stop.set(at.get_value())
                on:click=open
            >
                <Shape state/>
                {count}
            </button>
        </Show>
    }
}

/// Moves the focus by an arrow key, Home or End, past what has nothing in it.
fn step(event: &KeyboardEvent, table: NodeRef<Table>) {
    let (down, right): (i32, i32) = match event.key().as_str() {
        "ArrowUp" => (-1, 0),
        "ArrowDown" => (1, 0),
        "ArrowLeft" => (0, -1),
        "ArrowRight" => (0, 1),
        "Home" => (0, i32::MIN),
        "End" => (0, i32::MAX),
        _ => return,
    };
    let (Some(table), Some(active)) = (table.get_untracked(), document().active_element()) else { return };
    let rows = lines(&table);
    let here = rows.iter().enumerate().find_map(|(row, cells)| {
        let column = cells.iter().position(|cell| cell.as_ref() == Some(&active))?;
        Some((row, column))
    });
    let Some((row, column)) = here else { return };
    event.prevent_default();
    let there = |row: usize, column: usize| rows.get(row)?.get(column)?.clone();
    let target = match (down, right) {
        (0, i32::MIN) => rows[row].iter().flatten().next().cloned(),
        (0, i32::MAX) => rows[row].iter().flatten().next_back().cloned(),
        (0, -1) => (0..column).rev().find_map(|column| there(row, column)),
        (0, _) => (column + 1..rows[row].len()).find_map(|column| there(row, column)),
        (-1, _) => (0..row).rev().find_map(|row| there(row, column)),
        _ => (row + 1..rows.len()).find_map(|row| there(row, column)),
    };
    if let Some(target) = target.and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Focus can only fail on an element that is not in the page.
        let _ = target.focus();
    }
}

/// The buttons of each row, the heads first; `None` where a cell has none.
fn lines(table: &web_sys::Element) -> Vec<Vec<Option<web_sys::Element>>> {
    let all = |parent: &web_sys::Element| {
        let children = parent.children();
        (0..children.length()).filter_map(|index| children.item(index)).collect::<Vec<_>>()
    };
    let button = |cell: &web_sys::Element| cell.query_selector("button").ok().flatten();
    let rows = all(table).iter().flat_map(all).collect::<Vec<_>>();
    rows.iter().map(|row| all(row).iter().skip(1).map(button).collect()).collect()
}
