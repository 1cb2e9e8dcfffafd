//! Runs of jobs: a grid of their tasks, what a task said, and what can be done about it.

use adtally_core::access::Role;
use adtally_core::time::parse_rfc3339;
use adtally_wire::jobs::api::{NewRun, Retry, RunInfo, Runs, StartedRuns, TaskDetail, TaskInfo};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;

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

/// The jobs page.
#[component]
pub fn Jobs() -> impl IntoView {
    let session = Session::expect();
    let beat = beat(FOLLOW_MS);
    let runs = Fetch::<Runs>::new(|| Some("/v1/jobs?limit=20".to_string()), move || beat.track());
    let chosen = RwSignal::new(None::<(String, String)>);
    let graph_of = RwSignal::new(None::<String>);
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
        (_, shown) => view! { <RunTable shown chosen graph_of may_change runs refused/> }.into_any(),
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
            <Graph graph_of chosen beat/>
            <div class="cards">
                <JobList beat may_change refused/>
                <Show when=move || may_change.get()>
                    <Backfill refused begun=Callback::new(move |()| runs.retry())/>
                </Show>
            </div>
            <TaskPanel chosen beat may_change refused/>
        </div>
    }
}

#[component]
fn RunTable(
    shown: Option<Runs>,
    chosen: RwSignal<Option<(String, String)>>,
    graph_of: RwSignal<Option<String>>,
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
        run_row(run, chosen, graph_of, action.into_any())
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

fn run_row(
    run: RunInfo,
    chosen: RwSignal<Option<(String, String)>>,
    graph_of: RwSignal<Option<String>>,
    actions: AnyView,
) -> impl IntoView {
    let lang = browser::lang();
    let tz = CurrentPlace::expect().setting.get().map(|setting| setting.tz).unwrap_or_default();
    let at = run.started.as_deref().or(Some(&run.created)).and_then(parse_rfc3339);
    let at = at.map(|at| format::moment(lang, Moment::Exact, at, &tz));
    let took = run.duration_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0));
    let counts =
        run.counts.iter().map(|(state, count)| format!("{count} {}", state_phrase(state).text(lang)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let dots = run.tasks.iter().map(|task| dot(&run.run, task, chosen)).collect_view();
    let name = run.run.clone();
    let (shown, label) = (name.clone(), Phrase::GraphOf.with(lang, &[&name]));
    let is_open = move || if graph_of.read().as_deref() == Some(shown.as_str()) { "true" } else { "false" };
    let toggle = move |_| {
        let next = Some(name.clone()).filter(|name| graph_of.read_untracked().as_ref() != Some(name));
        graph_of.set(next);
    };
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
fn dot(run: &str, task: &TaskInfo, chosen: RwSignal<Option<(String, String)>>) -> impl IntoView + use<> {
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
            on:click=move |_| chosen.set(Some((run.clone(), id.clone())))
        ></button>
    }
}

/// The run whose graph is open.
#[component]
fn Graph(
    graph_of: RwSignal<Option<String>>,
    chosen: RwSignal<Option<(String, String)>>,
    beat: RwSignal<u32>,
) -> impl IntoView {
    let run = Fetch::<RunInfo>::new(
        move || graph_of.get().map(|run| format!("/v1/jobs/{run}")),
        move || beat.track(),
    );
    move || {
        let run = run.shown.get()?;
        let title = Phrase::GraphOf.with(browser::lang(), &[&run.run]);
        Some(view! {
            <section class="card report-card">
                <div class="card-head"><h2>{title}</h2></div>
                <JobGraph run chosen/>
            </section>
        })
    }
}

/// What a task was told, left and said.
#[component]
fn TaskPanel(
    chosen: RwSignal<Option<(String, String)>>,
    beat: RwSignal<u32>,
    may_change: Memo<bool>,
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let session = Session::expect();
    let again = move |_| {
        let Some((run, id)) = chosen.get_untracked() else { return };
        spawn_local(async move {
            let address = format!("/v1/jobs/{run}/retry");
            let retry = Retry { task: Some(id) };
            refused.set(session.client.send::<RunInfo>(Method::POST, &address, &retry).await.err());
            beat.try_update(|count| *count = count.wrapping_add(1));
        });
    };
    let task = Fetch::<TaskDetail>::new(
        move || {
            let (run, id) = chosen.get()?;
            Some(format!("/v1/jobs/{run}/tasks/{}", id.replace('/', "%2F")))
        },
        move || beat.track(),
    );
    let body = move || {
        let (detail, lang) = (task.shown.get()?, browser::lang());
        let log =
            detail.log.iter().map(|line| format!("{} {}", line.at, line.text)).collect::<Vec<_>>().join("\n");
        let error = detail.task.error.clone().map(|error| view! { <p class="field-error">{error}</p> });
        Some(view! {
            <p class="story-sum">
                <span class="state" data-state=detail.task.state.clone()>{state_phrase(&detail.task.state).text(lang)}</span>
                <span class="quiet">{Phrase::Attempts.text(lang)}" "{detail.task.attempts}</span>
            </p>
            {error}
            <pre class="snippet" tabindex="0" data-testid="task-log">{log}</pre>
            <pre class="snippet" tabindex="0">{detail.result.to_string()}</pre>
        })
    };
    let title = move || chosen.get().map(|(_, id)| Phrase::TaskLog.with(browser::lang(), &[&id]));
    view! {
        <Show when=move || chosen.read().is_some()>
            <section class="story" data-testid="task-panel" aria-label=title>
                <div class="story-head">
                    <h2>{title}</h2>
                    <button type="button" class="icon-button" aria-label=t(Phrase::Close) on:click=move |_| chosen.set(None)>
                        <Glyph icon=Icon::Cross/>
                    </button>
                </div>
                {body}
                <Show when=move || may_change.get()>
                    <button type="button" class="button" data-testid="task-again" on:click=again>{t(Phrase::RunAgain)}</button>
                </Show>
            </section>
        </Show>
    }
}
