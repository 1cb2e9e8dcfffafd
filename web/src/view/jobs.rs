//! Runs of jobs: a grid of their tasks, what a task said, and what can be done about it.

use adtally_core::access::Role;
use adtally_wire::jobs::api::{Jobs as Definitions, NewRun, Retry, RunInfo, Runs};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::{Desk, Trouble};
use super::heads::waiting;
use super::icon::{Glyph, Icon};
use super::job_controls::{BATCH, Backfill, JobList, Starter};
use super::job_graph::JobGraph;
use super::job_mark::{StateMark, counts};
use super::job_matrix::{Grid, JobMatrix};
use super::job_panel::JobPanel;
use super::notice::{Coming, FailureNotice, failure_text};
use super::show::{Show, once};
use super::zone::{ZoneNote, at};
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::{Session, Who};
use crate::browser::{self, beat, t};
use crate::format;
use crate::model::occasion::about;
use crate::phrase::Phrase;
use crate::state::jobs::{JobsState, Opened, job_of, run_address};

/// How often the runs are asked for.
const FOLLOW_MS: u32 = 3_000;

/// What is open beside the list of runs: it is in the address, so that links, back and forward lead to it.
#[derive(Clone, Copy)]
pub struct Opening {
    desk: Desk,
    state: Memo<JobsState>,
}

impl Opening {
    /// What the address of the page says.
    fn read() -> Opening {
        let desk = Desk::expect();
        Opening { desk, state: Memo::new(move |_| JobsState::read(&desk.told.read().query)) }
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

    /// What is open in the panel.
    pub fn opened(self) -> Memo<Option<Opened>> {
        Memo::new(move |_| self.state.get().open)
    }

    /// Opens the graph of a run, or closes it.
    pub fn toggle(self, run: &str) {
        self.go(&self.state.get_untracked().toggled(run));
    }

    /// Opens the graph of a run.
    pub fn show_run(self, run: &str) {
        self.go(&JobsState { run: Some(run.to_string()), ..self.state.get_untracked() });
    }

    /// Shows the runs of a job in the grid.
    pub fn show_job(self, job: &str) {
        self.go(&JobsState { job: Some(job.to_string()), ..self.state.get_untracked() });
    }

    /// Opens something in the panel.
    pub fn open(self, what: Opened) {
        self.go(&JobsState { open: Some(what), ..self.state.get_untracked() });
    }

    /// Closes the panel.
    pub fn close(self) {
        self.go(&JobsState { open: None, ..self.state.get_untracked() });
    }
}

/// The jobs page.
#[component]
pub fn Jobs() -> impl IntoView {
    let session = Session::expect();
    let beat = beat(FOLLOW_MS);
    let runs = Fetch::<Runs>::new(|| Some("/v1/jobs?limit=20".to_string()), move || beat.track());
    let opening = Opening::read();
    let refused = RwSignal::new(None::<Failure>);
    let may_change = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(Role::Admin, _)));
    let jobs = Fetch::<Definitions>::new(|| Some("/v1/jobs/definitions".to_string()), move || beat.track());
    let begun = Callback::new(move |()| runs.retry());
    let chosen = RwSignal::new(BATCH.to_string());
    let starter = Starter { session, refused, started: RwSignal::new(None), chosen, begun };
    // The one that is chosen, else that of the run that is open, else the one before, at first that which ran last.
    let job = Memo::new(move |before: Option<&Option<String>>| {
        let before = before.cloned().flatten();
        let state = opening.state.get();
        let of_run = || state.run.as_deref().and_then(job_of).map(str::to_string);
        let latest = || runs.shown.read().as_ref()?.runs.first().map(|run| run.job.clone());
        let any = || runs.is_known().then(|| BATCH.to_string());
        state.job.clone().or_else(of_run).or(before).or_else(latest).or_else(any)
    });
    let grid = Grid::follow(job.into(), opening, beat);
    let open = opening.run();
    let run = Fetch::<RunInfo>::new(move || open.get().as_deref().map(run_address), move || beat.track());
    let is_known = once(move || {
        runs.is_known() && jobs.is_known() && grid.is_known() && (open.read().is_none() || run.is_known())
    });
    let busy = move || if runs.busy.get() || !is_known.get() { "true" } else { "false" };
    view! {
        <div class="jobs" data-testid="jobs" data-busy=busy aria-busy=busy>
            {move || refused.get().map(|failure| view! {
                <p class="strip warning" role="alert"><span>{failure_text(&failure, browser::lang())}</span></p>
            })}
            <Show when=move || is_known.get() fallback=|| view! { <Coming/> }>
                <JobMatrix jobs grid/>
                <Graph opening run runs grid/>
                <RunList runs opening may_change starter/>
                <div class="cards">
                    <JobList jobs may_change starter/>
                    <Show when=move || may_change.get()><Backfill jobs starter/></Show>
                </div>
            </Show>
            <JobPanel opening beat may_change refused/>
        </div>
    }
}

/// The last runs of all jobs.
#[component]
fn RunList(runs: Fetch<Runs>, opening: Opening, may_change: Memo<bool>, starter: Starter) -> impl IntoView {
    let refused = starter.refused;
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
        (_, shown) => view! { <RunTable shown opening may_change runs refused/> }.into_any(),
    };
    let batch = move |_| starter.start(NewRun { job: BATCH.to_string(), ..NewRun::default() });
    view! {
        <section class="card report-card">
            <div class="card-head">
                <h2>{t(Phrase::Runs)}</h2>
                <ZoneNote/>
                <Show when=move || may_change.get()>
                    <button type="button" class="button primary" data-testid="run-batch" on:click=batch>
                        {t(Phrase::RunBatch)}
                    </button>
                </Show>
            </div>
            {body}
        </section>
    }
}

#[component]
fn RunTable(
    shown: Option<Runs>,
    opening: Opening,
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
        run_row(run, opening, action.into_any())
    };
    let heads = [Phrase::Run, Phrase::State, Phrase::About, Phrase::Started, Phrase::Took, Phrase::Tasks];
    let rows = match shown {
        Some(shown) => shown.runs.into_iter().map(row).collect_view().into_any(),
        None => waiting(5, 7),
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Runs)>
            <table class="report-table" data-testid="runs">
                <thead><tr>
                    {heads.map(|head| view! { <th scope="col"><span class="head-text">{t(head)}</span></th> })}
                    <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn run_row(run: RunInfo, opening: Opening, actions: AnyView) -> impl IntoView {
    let lang = browser::lang();
    let started = at(run.started.as_deref().unwrap_or(&run.created));
    let took = run.duration_ms.map(|ms| format::took(lang, ms));
    let of_states = counts(&run.counts);
    let name = run.run.clone();
    let (shown, label) = (name.clone(), Phrase::GraphOf.with(lang, &[&name]));
    let is_open =
        move || if opening.state.read().run.as_deref() == Some(shown.as_str()) { "true" } else { "false" };
    let toggle = move |_| opening.toggle(&name);
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
            <td><StateMark state=run.state.clone()/></td>
            <td class="about" data-testid="run-about">{about(&run.params)}</td>
            <td>{started}</td>
            <td>{took}</td>
            <td>{of_states}</td>
            <td>{actions}</td>
        </tr>
    }
}

/// The run whose graph is open.
#[component]
fn Graph(opening: Opening, run: Fetch<RunInfo>, runs: Fetch<Runs>, grid: Grid) -> impl IntoView {
    let name = opening.run();
    // As the lists have it, until it comes by itself: the graph opens at once, in its own size.
    let listed = move || {
        let (name, shown) = (name.get()?, runs.shown.read());
        let mut found = shown.iter().flat_map(|shown| &shown.runs);
        let found = found.find(|run| run.run == name && !run.tasks.is_empty()).cloned();
        found.or_else(|| grid.run(&name))
    };
    // It fails again at each beat, and is to be told once.
    let failure = Memo::new(move |_| run.failure.get());
    let body = move || match (failure.get(), run.shown.get().or_else(listed)) {
        (Some(failure), _) if failure.is_missing() => {
            let text = Phrase::RunGone.with(browser::lang(), &[&name.get().unwrap_or_default()]);
            view! { <p class="card-body" role="alert" data-testid="run-gone">{text}</p> }.into_any()
        }
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| run.retry())/> }.into_any()
        }
        (None, None) => view! { <p class="card-body"><span class="skeleton wide"></span></p> }.into_any(),
        (_, Some(run)) => view! { <JobGraph run opening/> }.into_any(),
    };
    let title = move || Phrase::GraphOf.with(browser::lang(), &[&name.get().unwrap_or_default()]);
    let section = NodeRef::<leptos::html::Section>::new();
    // It may have been opened from far below.
    Effect::new(move |_| {
        if let (Some(section), true) = (section.get(), name.read().is_some()) {
            request_animation_frame(move || section.scroll_into_view());
        }
    });
    let close = move |_| opening.toggle(&name.get_untracked().unwrap_or_default());
    view! {
        <Show when=move || name.read().is_some()>
            <section class="card report-card" node_ref=section data-testid="run-graph">
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
