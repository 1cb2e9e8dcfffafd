//! Runs of jobs: a grid of their tasks, what a task said, and what can be done about it.

use adtally_core::access::Role;
use adtally_core::time::parse_rfc3339;
use adtally_wire::jobs::api::{NewRun, Retry, RunInfo, Runs, StartedRuns, TaskDetail, TaskInfo};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::{Desk, Trouble};
use super::icon::{Glyph, Icon};
use super::job_controls::{Backfill, JobList};
use super::job_graph::JobGraph;
use super::notice::{FailureNotice, failure_text};
use super::place::CurrentPlace;
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::{Session, Who};
use crate::browser::{self, beat, t};
use crate::format::{self, Moment};
use crate::phrase::Phrase;
use crate::state::jobs::{JobsState, TaskRef, run_address, task_address};

/// How often the runs are asked for.
const FOLLOW_MS: u32 = 3_000;

/// What a state is called.
pub fn state_phrase(state: &str) -> Phrase {
    match state {
        "queued" => Phrase::Queued,
        "running" => Phrase::Running,
        "succeeded" => Phrase::Succeeded,
        "skipped" => Phrase::Skipped,
        "upstream_failed" => Phrase::UpstreamFailed,
        _ => Phrase::Failed,
    }
}

/// What is open beside the list of runs: it is in the address, so that links, back and forward lead to it.
#[derive(Clone, Copy)]
pub struct Opened {
    desk: Desk,
    state: Memo<JobsState>,
}

impl Opened {
    /// What the address of the page says.
    fn read() -> Opened {
        let desk = Desk::expect();
        Opened { desk, state: Memo::new(move |_| JobsState::read(&desk.told.read().query)) }
    }

    fn go(self, state: &JobsState) {
        if *state != *self.state.read_untracked() {
            self.desk.go(&state.write());
        }
    }

    /// The run whose graph is open.
    fn run(self) -> Memo<Option<String>> {
        Memo::new(move |_| self.state.get().run)
    }

    /// The task whose log is open.
    fn task(self) -> Memo<Option<TaskRef>> {
        Memo::new(move |_| self.state.get().task)
    }

    fn toggle(self, run: &str) {
        self.go(&self.state.get_untracked().toggled(run));
    }

    /// Opens the log of a task.
    pub fn open_task(self, run: &str, task: &str) {
        let task = TaskRef { run: run.to_string(), task: task.to_string() };
        self.go(&JobsState { task: Some(task), ..self.state.get_untracked() });
    }

    fn close_task(self) {
        self.go(&JobsState { task: None, ..self.state.get_untracked() });
    }
}

/// The jobs page.
#[component]
pub fn Jobs() -> impl IntoView {
    let session = Session::expect();
    let beat = beat(FOLLOW_MS);
    let runs = Fetch::<Runs>::new(|| Some("/v1/jobs?limit=20".to_string()), move || beat.track());
    let opened = Opened::read();
    let refused = RwSignal::new(None::<Failure>);
    let may_change = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(Role::Admin, _)));
    let start = move |_| {
        let new = NewRun { job: "batch".to_string(), ..NewRun::default() };
        spawn_local(async move {
            refused.set(session.client.send::<StartedRuns>(Method::POST, "/v1/jobs", &new).await.err());
            runs.retry();
        });
    };
    let body = move || match (runs.failure.get(), runs.shown.get()) {
        (Some(failure), None) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| runs.retry())/> }.into_any()
        }
        (_, Some(shown)) if shown.runs.is_empty() => view! {
            <div class="notice" data-testid="state-empty">
                <span class="notice-icon"><Glyph icon=Icon::Inbox/></span>
                <h2>{t(Phrase::NoRuns)}</h2>
            </div>
        }
        .into_any(),
        (_, shown) => view! { <RunTable shown opened may_change runs refused/> }.into_any(),
    };
    let busy = move || if runs.busy.get() { "true" } else { "false" };
    view! {
        <div class="jobs" data-testid="jobs" data-busy=busy aria-busy=busy>
            {move || refused.get().map(|failure| view! {
                <p class="strip warning" role="alert"><span>{failure_text(&failure, browser::lang())}</span></p>
            })}
            <section class="card report-card">
                <div class="card-head">
                    <h2>{t(Phrase::Runs)}</h2>
                    <Show when=move || may_change.get()>
                        <button type="button" class="button primary" data-testid="run-batch" on:click=start>{t(Phrase::RunBatch)}</button>
                    </Show>
                </div>
                {body}
            </section>
            <Graph opened beat/>
            <div class="cards">
                <JobList beat may_change refused/>
                <Show when=move || may_change.get()>
                    <Backfill refused begun=Callback::new(move |()| runs.retry())/>
                </Show>
            </div>
            <TaskPanel opened beat may_change refused/>
        </div>
    }
}

#[component]
fn RunTable(
    shown: Option<Runs>,
    opened: Opened,
    may_change: Memo<bool>,
    runs: Fetch<Runs>,
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let session = Session::expect();
    let act = move |run: String, what: &'static str| {
        spawn_local(async move {
            let address = format!("/v1/jobs/{run}/{what}");
            refused
                .set(session.client.send::<RunInfo>(Method::POST, &address, &Retry::default()).await.err());
            runs.retry();
        });
    };
    let row = move |run: RunInfo| {
        let action = match run.state.as_str() {
            "failed" => Some(("retry", Phrase::RetryFailed)),
            "queued" | "running" => Some(("cancel", Phrase::EndRun)),
            _ => None,
        };
        let name = run.run.clone();
        let action = action.map(|(what, phrase)| {
            view! {
                <Show when=move || may_change.get()>
                    <button type="button" class="button" data-testid=what on:click={
                        let name = name.clone();
                        move |_| act(name.clone(), what)
                    }>{t(phrase)}</button>
                </Show>
            }
        });
        run_row(run, opened, action.into_any())
    };
    let heads = [Phrase::Job, Phrase::State, Phrase::Started, Phrase::Took, Phrase::Tasks];
    let rows = match shown {
        Some(shown) => shown.runs.into_iter().map(|run| row(run).into_any()).collect_view(),
        None => (0..5)
            .map(|_| view! { <tr><td colspan="6"><span class="skeleton wide"></span></td></tr> }.into_any())
            .collect_view(),
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Grid)>
            <table class="report-table" data-testid="runs">
                <thead><tr>{heads.map(|head| view! { <th scope="col"><span class="head-text">{t(head)}</span></th> })}<td></td></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn run_row(run: RunInfo, opened: Opened, actions: AnyView) -> impl IntoView {
    let lang = browser::lang();
    let tz = CurrentPlace::expect().setting.get().map(|setting| setting.tz).unwrap_or_default();
    let at = run.started.as_deref().or(Some(&run.created)).and_then(parse_rfc3339);
    let at = at.map(|at| format::moment(lang, Moment::Exact, at, &tz));
    let took = run.duration_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0));
    let counts =
        run.counts.iter().map(|(state, count)| format!("{count} {}", state_phrase(state).text(lang)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let dots = run.tasks.iter().map(|task| dot(&run.run, task, opened)).collect_view();
    let name = run.run.clone();
    let (shown, label) = (name.clone(), Phrase::GraphOf.with(lang, &[&name]));
    let is_open =
        move || if opened.state.read().run.as_deref() == Some(shown.as_str()) { "true" } else { "false" };
    let toggle = move |_| opened.toggle(&name);
    view! {
        <tr data-testid="run" data-state=run.state.clone()>
            <td>
                <button
                    type="button"
                    class="value link"
                    data-testid="open-graph"
                    aria-label=label
                    aria-expanded=is_open
                    on:click=toggle
                >
                    {run.run.clone()}
                </button>
            </td>
            <td><span class="state" data-state=run.state.clone()>{state_phrase(&run.state).text(lang)}</span></td>
            <td>{at}</td>
            <td>{took}</td>
            <td><div class="task-dots">{dots}</div><span class="quiet">{counts}</span></td>
            <td>{actions}</td>
        </tr>
    }
}

/// A task as a button of its state.
fn dot(run: &str, task: &TaskInfo, opened: Opened) -> impl IntoView + use<> {
    let name = format!("{}: {}", task.id, state_phrase(&task.state).text(browser::lang()));
    let (run, id) = (run.to_string(), task.id.clone());
    view! {
        <button
            type="button"
            class="state task"
            data-testid="task"
            data-state=task.state.clone()
            title=name.clone()
            aria-label=name
            on:click=move |_| opened.open_task(&run, &id)
        ></button>
    }
}

/// The run whose graph is open.
#[component]
fn Graph(opened: Opened, beat: RwSignal<u32>) -> impl IntoView {
    let name = opened.run();
    let run = Fetch::<RunInfo>::new(move || name.get().as_deref().map(run_address), move || beat.track());
    // It fails again at each beat, and is to be told once.
    let failure = Memo::new(move |_| run.failure.get());
    let body = move || match (failure.get(), run.shown.get()) {
        (Some(failure), _) if failure.is_missing() => {
            let text = Phrase::RunGone.with(browser::lang(), &[&name.get().unwrap_or_default()]);
            view! { <p class="card-body" role="alert" data-testid="run-gone">{text}</p> }.into_any()
        }
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| run.retry())/> }.into_any()
        }
        (None, None) => view! { <p class="card-body"><span class="skeleton wide"></span></p> }.into_any(),
        (_, Some(run)) => view! { <JobGraph run opened/> }.into_any(),
    };
    let title = move || Phrase::GraphOf.with(browser::lang(), &[&name.get().unwrap_or_default()]);
    let close = move |_| opened.toggle(&name.get_untracked().unwrap_or_default());
    view! {
        <Show when=move || name.read().is_some()>
            <section class="card report-card" data-testid="run-graph">
                <div class="card-head">
                    <h2>{title}</h2>
                    <button type="button" class="icon-button" data-testid="close-graph" aria-label=t(Phrase::Close) on:click=close>
                        <Glyph icon=Icon::Cross/>
                    </button>
                </div>
                {body}
            </section>
        </Show>
    }
}

/// What a task was told, left and said.
#[component]
fn TaskPanel(
    opened: Opened,
    beat: RwSignal<u32>,
    may_change: Memo<bool>,
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let (session, chosen) = (Session::expect(), opened.task());
    let again = move |_| {
        let Some(TaskRef { run, task }) = chosen.get_untracked() else { return };
        spawn_local(async move {
            let address = format!("{}/retry", run_address(&run));
            let retry = Retry { task: Some(task) };
            refused.set(session.client.send::<RunInfo>(Method::POST, &address, &retry).await.err());
            beat.try_update(|count| *count = count.wrapping_add(1));
        });
    };
    let task =
        Fetch::<TaskDetail>::new(move || chosen.get().as_ref().map(task_address), move || beat.track());
    let failure = Memo::new(move |_| task.failure.get());
    let is_there = Memo::new(move |_| task.shown.read().is_some());
    let body = move || match (failure.get(), task.shown.get()) {
        (Some(failure), _) if failure.is_missing() => {
            let run = chosen.get().map(|at| at.run).unwrap_or_default();
            let text = Phrase::TaskGone.with(browser::lang(), &[&run]);
            view! { <p role="alert" data-testid="task-gone">{text}</p> }.into_any()
        }
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| task.retry())/> }.into_any()
        }
        (None, None) => view! { <p><span class="skeleton wide"></span></p> }.into_any(),
        (_, Some(detail)) => said(&detail).into_any(),
    };
    let title = move || chosen.get().map(|at| Phrase::TaskLog.with(browser::lang(), &[&at.task]));
    view! {
        <Show when=move || chosen.read().is_some()>
            <section class="story" data-testid="task-panel" aria-label=title>
                <div class="story-head">
                    <h2>{title}</h2>
                    <button type="button" class="icon-button" data-testid="close-task" aria-label=t(Phrase::Close) on:click=move |_| opened.close_task()>
                        <Glyph icon=Icon::Cross/>
                    </button>
                </div>
                {body}
                <Show when=move || may_change.get() && is_there.get()>
                    <button type="button" class="button" data-testid="task-again" on:click=again>{t(Phrase::RunAgain)}</button>
                </Show>
            </section>
        </Show>
    }
}

/// The state of a task, its log and what it left.
fn said(detail: &TaskDetail) -> impl IntoView + use<> {
    let lang = browser::lang();
    let log =
        detail.log.iter().map(|line| format!("{} {}", line.at, line.text)).collect::<Vec<_>>().join("\n");
    let error = detail.task.error.clone().map(|error| view! { <p class="field-error">{error}</p> });
    view! {
        <p class="story-sum">
            <span class="state" data-state=detail.task.state.clone()>{state_phrase(&detail.task.state).text(lang)}</span>
            <span class="quiet">{Phrase::Attempts.text(lang)}" "{detail.task.attempts}</span>
        </p>
        {error}
        <pre class="snippet" tabindex="0" data-testid="task-log">{log}</pre>
        <pre class="snippet" tabindex="0">{detail.result.to_string()}</pre>
    }
}
