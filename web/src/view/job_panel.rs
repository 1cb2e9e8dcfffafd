//! What a task was told, waited for, left and said; or all tasks of a sort in a run.

use adtally_wire::jobs::api::{LogLine, Retry, RunInfo, TaskDetail, TaskInfo};
use gloo_net::http::Method;
use leptos::html::Section;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::Trouble;
use super::icon::{Glyph, Icon};
use super::job_mark::StateMark;
use super::jobs::Opening;
use super::panel::{hold_focus, on_escape};
use super::show::Show;
use super::zone::{ZoneNote, at};
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format;
use crate::model::matrix::tasks_of;
use crate::model::occasion::told;
use crate::phrase::Phrase;
use crate::state::jobs::{Opened, TaskRef, run_address, task_address};

/// The most tasks of a group that are listed.
const MOST_LISTED: usize = 200;

/// What is open beside the page.
#[component]
pub fn JobPanel(
    /// What.
    opening: Opening,
    /// Asked for again at each.
    beat: RwSignal<u32>,
    /// Whether jobs may be changed.
    may_change: Memo<bool>,
    /// What was refused last.
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let open = opening.opened();
    let body = move || match open.get()? {
        Opened::Task(at) => Some(view! { <OneTask at opening beat may_change refused/> }.into_any()),
        Opened::Group(at) => Some(view! { <Group at opening beat/> }.into_any()),
    };
    view! {
        <Show when=move || open.read().is_some()>
            <Frame opening>{body}</Frame>
        </Show>
    }
}

#[component]
fn Frame(opening: Opening, children: Children) -> impl IntoView {
    let open = opening.opened();
    let title = move || {
        let (lang, open) = (browser::lang(), open.get());
        open.map(|open| match open {
            Opened::Task(at) => Phrase::GroupOf.with(lang, &[&at.task, &at.run]),
            Opened::Group(at) => Phrase::GroupOf.with(lang, &[&at.task, &at.run]),
        })
    };
    let panel = NodeRef::<Section>::new();
    hold_focus(panel, move || open.get().map(|open| format!("{open:?}")).unwrap_or_default());
    let close = move || opening.close();
    view! {
        <section class="story" node_ref=panel tabindex="-1" data-testid="task-panel" aria-label=title on:keydown=on_escape(close)>
            <div class="story-head">
                <h2>{title}</h2>
                <button type="button" class="icon-button" data-testid="close-task" aria-label=t(Phrase::Close) on:click=move |_| close()>
                    <Glyph icon=Icon::Cross/>
                </button>
            </div>
            {children()}
        </section>
    }
}

fn gone(run: &str) -> AnyView {
    let text = Phrase::TaskGone.with(browser::lang(), &[run]);
    view! { <p role="alert" data-testid="task-gone">{text}</p> }.into_any()
}

fn waiting() -> AnyView {
    view! { <p><span class="skeleton wide"></span></p> }.into_any()
}

#[component]
fn OneTask(
    at: TaskRef,
    opening: Opening,
    beat: RwSignal<u32>,
    may_change: Memo<bool>,
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let session = Session::expect();
    let (address, chosen) = (task_address(&at), StoredValue::new(at));
    let again = move |_| {
        let TaskRef { run, task } = chosen.get_value();
        spawn_local(async move {
            let address = format!("{}/retry", run_address(&run));
            let retry = Retry { task: Some(task) };
            refused.set(session.client.send::<RunInfo>(Method::POST, &address, &retry).await.err());
            beat.try_update(|count| *count = count.wrapping_add(1));
        });
    };
    let task = Fetch::<TaskDetail>::new(move || Some(address.clone()), move || beat.track());
    let failure = Memo::new(move |_| task.failure.get());
    let is_there = Memo::new(move |_| task.shown.read().is_some());
    let run = move || chosen.with_value(|at| at.run.clone());
    let body = move || match (failure.get(), task.shown.get()) {
        (Some(failure), _) if failure.is_missing() => gone(&run()),
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| task.retry())/> }.into_any()
        }
        (None, None) => waiting(),
        (_, Some(detail)) => said(&detail, &run(), opening).into_any(),
    };
    view! {
        {body}
        <Show when=move || may_change.get() && is_there.get()>
            <button type="button" class="button" data-testid="task-again" on:click=again>{t(Phrase::RunAgain)}</button>
        </Show>
    }
}

/// The state of a task, what it was told, its log and what it left.
fn said(detail: &TaskDetail, run: &str, opening: Opening) -> impl IntoView + use<> {
    let error = detail.task.error.clone().map(|error| view! { <p class="field-error">{error}</p> });
    let value = |heading: Phrase, test_id: &'static str, value: Option<String>| {
        let shown = match value {
            Some(text) => {
                view! { <pre class="snippet" tabindex="0" data-testid=test_id>{text}</pre> }.into_any()
            }
            None => view! { <p class="quiet" data-testid=test_id>{t(Phrase::NothingLeft)}</p> }.into_any(),
        };
        view! { <h3>{t(heading)}</h3>{shown} }
    };
    view! {
        <p class="story-sum"><StateMark state=detail.task.state.clone()/><ZoneNote/></p>
        {error}
        {facts(&detail.task, run, opening)}
        {value(Phrase::TaskParams, "task-params", told(&detail.params))}
        <h3>{t(Phrase::LogHeading)}</h3>
        {log(&detail.log)}
        {value(Phrase::TaskResult, "task-result", told(&detail.result))}
    }
}

fn log(lines: &[LogLine]) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="quiet" data-testid="task-log">{t(Phrase::NothingSaid)}</p> }.into_any();
    }
    let line = |line: &LogLine| {
        view! { <span class="log-time">{at(&line.at)}</span>" "{line.text.clone()}"\n" }
    };
    let lines = lines.iter().map(line).collect_view();
    view! { <pre class="snippet" tabindex="0" data-testid="task-log">{lines}</pre> }.into_any()
}

fn facts(task: &TaskInfo, run: &str, opening: Opening) -> impl IntoView + use<> {
    let lang = browser::lang();
    let of_run = |id: &String| {
        let named = TaskRef { run: run.to_string(), task: id.clone() };
        let open = move |_| opening.open(Opened::Task(named.clone()));
        view! { <li><button type="button" class="link" on:click=open>{id.clone()}</button></li> }
    };
    let needs = (!task.needs.is_empty()).then(|| {
        let links = task.needs.iter().map(of_run).collect_view();
        view! { <dt>{t(Phrase::Needs)}</dt><dd><ul class="plain-list" data-testid="task-needs">{links}</ul></dd> }
    });
    let spawned = task.spawned_by.as_ref().map(|id| {
        view! { <dt>{t(Phrase::SpawnedBy)}</dt><dd><ul class="plain-list">{of_run(id)}</ul></dd> }
    });
    let time = |text: &Option<String>| text.as_deref().map_or(Phrase::NotYet.text(lang).to_string(), at);
    let took = task.duration_ms.map(|ms| {
        view! { <dt>{t(Phrase::Took)}</dt><dd data-testid="task-took">{format::took(lang, ms)}</dd> }
    });
    let name = run.to_string();
    let show_run = move |_| opening.show_run(&name);
    view! {
        <dl class="fields task-facts" data-testid="task-facts">
            <dt>{t(Phrase::Run)}</dt>
            <dd><button type="button" class="link" data-testid="task-run" on:click=show_run>{run.to_string()}</button></dd>
            <dt>{t(Phrase::Kind)}</dt>
            <dd>{task.kind.clone()}</dd>
            {needs}
            {spawned}
            <dt>{t(Phrase::Started)}</dt>
            <dd data-testid="task-started">{time(&task.started)}</dd>
            <dt>{t(Phrase::Ended)}</dt>
            <dd>{time(&task.ended)}</dd>
            {took}
            <dt>{t(Phrase::Attempts)}</dt>
            <dd>{format::count(lang, i64::from(task.attempts))}</dd>
        </dl>
    }
}

/// All tasks of a run that are one row of the grid.
#[component]
fn Group(at: TaskRef, opening: Opening, beat: RwSignal<u32>) -> impl IntoView {
    let address = run_address(&at.run);
    let run = Fetch::<RunInfo>::new(move || Some(address.clone()), move || beat.track());
    let failure = Memo::new(move |_| run.failure.get());
    move || match (failure.get(), run.shown.get()) {
        (Some(failure), _) if failure.is_missing() => gone(&at.run),
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| run.retry())/> }.into_any()
        }
        (None, None) => waiting(),
        (_, Some(run)) => listed(&run, &at, opening),
    }
}

fn listed(run: &RunInfo, at: &TaskRef, opening: Opening) -> AnyView {
    let lang = browser::lang();
    let tasks = tasks_of(run, &at.task);
    if tasks.is_empty() {
        return gone(&at.run);
    }
    let line = |task: &&TaskInfo| {
        let named = TaskRef { run: at.run.clone(), task: task.id.clone() };
        let open = move |_| opening.open(Opened::Task(named.clone()));
        let took = task.duration_ms.map(|ms| format::took(lang, ms));
        view! {
            <li>
                <button type="button" class="link" data-testid="group-task" on:click=open>{task.id.clone()}</button>
                <span class="group-state"><span class="quiet">{took}</span><StateMark state=task.state.clone()/></span>
            </li>
        }
    };
    let more = tasks.len().saturating_sub(MOST_LISTED);
    let more = (more > 0).then(|| {
        let text = Phrase::MoreTasks.with(lang, &[&format::count(lang, more as i64)]);
        view! { <p class="hint">{text}</p> }
    });
    let lines = tasks.iter().take(MOST_LISTED).map(line).collect_view();
    view! { <ul class="facts" data-testid="group-tasks">{lines}</ul>{more} }.into_any()
}
