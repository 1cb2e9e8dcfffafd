//! A job that writes a saved report as a file every day, and what became of its last run.

use adtally_wire::catalog::view::View;
use adtally_wire::jobs::api::{JobInfo, NewRun, RunInfo, Runs, StartedRuns, TaskDetail};
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use super::jobs::state_phrase;
use super::notice::failure_text;
use super::place::CurrentPlace;
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, beat, t};
use crate::format::{self, Moment};
use crate::model::saved::{EXPORT_TASK, export_change, export_job, file_of, moment_of, time_of};
use crate::phrase::Phrase;
use crate::state::params::encode;

/// How often the run is asked for.
const FOLLOW_MS: u32 = 2_000;
/// When an export runs where nobody says.
const MORNING: &str = "06:00";

/// What the panel knows.
#[derive(Clone, Copy)]
struct Export {
    job: StoredValue<String>,
    view: StoredValue<View>,
    definition: Fetch<JobInfo>,
    runs: Fetch<Runs>,
    refused: RwSignal<Option<Failure>>,
    session: Session,
}

/// Whether and when a view is exported.
#[component]
pub fn ScheduledExport(
    /// The view.
    view: View,
    /// Set to nothing to go back.
    exported: RwSignal<Option<View>>,
) -> impl IntoView {
    let job = export_job(&view);
    let beat = beat(FOLLOW_MS);
    let (of_definition, of_runs) =
        (format!("/v1/jobs/definitions/{job}"), format!("/v1/jobs?job={job}&limit=1"));
    let export = Export {
        definition: Fetch::new(move || Some(of_definition.clone()), || {}),
        runs: Fetch::new(move || Some(of_runs.clone()), move || beat.track()),
        job: StoredValue::new(job),
        view: StoredValue::new(view.clone()),
        refused: RwSignal::new(None),
        session: Session::expect(),
    };
    let is_there = Memo::new(move |_| {
        export.definition.failure.read().is_none() && export.definition.shown.read().is_some()
    });
    view! {
        <div class="export" data-testid="export">
            <div class="export-head">
                <button type="button" class="icon-button" data-testid="export-back" aria-label=t(Phrase::BackToViews) on:click=move |_| exported.set(None)>
                    <Glyph icon=Icon::Left/>
                </button>
                <h3>{t(Phrase::ExportDaily)}": "{view.name}</h3>
            </div>
            {move || export.refused.get().map(|failure| view! {
                <p role="alert" class="field-error" data-testid="refused">{failure_text(&failure, browser::lang())}</p>
            })}
            <Show when=move || is_there.get() fallback=move || view! { <Plan export/> }>
                <Planned export/>
            </Show>
        </div>
    }
}

/// The form that makes the job.
#[component]
fn Plan(export: Export) -> impl IntoView {
    let (time, ending) = (RwSignal::new(MORNING.to_string()), RwSignal::new("csv".to_string()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let change = export.view.with_value(|view| export_change(view, &time.read(), &ending.read()));
        let address = export.job.with_value(|job| format!("/v1/jobs/definitions/{job}"));
        spawn_local(async move {
            let answer = export.session.client.send::<JobInfo>(Method::PUT, &address, &change).await;
            export.refused.set(answer.err());
            export.definition.retry();
        });
    };
    let endings = ["csv", "parquet"].map(|ending| view! { <option value=ending>{ending}</option> });
    view! {
        <form class="form" on:submit=submit>
            <p class="hint wide">{t(Phrase::ExportHint)}</p>
            <label class="stacked">
                <span>{t(Phrase::ExportTime)}</span>
                <input
                    type="time"
                    class="input"
                    required
                    data-testid="export-time"
                    prop:value=time
                    on:input=move |event| time.set(event_target_value(&event))
                />
            </label>
            <label class="stacked">
                <span>{t(Phrase::ExportFormat)}</span>
                <select class="select" data-testid="export-format" on:change=move |event| ending.set(event_target_value(&event))>{endings}</select>
            </label>
            <button type="submit" class="button primary" data-testid="export-start">{t(Phrase::ExportStart)}</button>
        </form>
    }
}

/// When it runs, what became of it, and its end.
#[component]
fn Planned(export: Export) -> impl IntoView {
    let when = move || {
        let shown = export.definition.shown.read();
        let schedule = shown.as_ref()?.schedule.clone()?;
        Some(Phrase::ExportAt.with(browser::lang(), &[time_of(&schedule).unwrap_or(&schedule)]))
    };
    let stop = move |_| {
        let address = export.job.with_value(|job| format!("/v1/jobs/definitions/{job}"));
        spawn_local(async move {
            export.refused.set(export.session.client.delete(&address).await.err());
            export.definition.retry();
        });
    };
    let run = move |_| {
        let new = NewRun { job: export.job.get_value(), ..NewRun::default() };
        spawn_local(async move {
            let answer = export.session.client.send::<StartedRuns>(Method::POST, "/v1/jobs", &new).await;
            export.refused.set(answer.err());
            export.runs.retry();
        });
    };
    let last = Memo::new(move |_| export.runs.shown.read().as_ref()?.runs.first().cloned());
    let said = move || match last.get() {
        Some(run) => view! { <LastRun run/> }.into_any(),
        None => view! { <p class="hint" data-testid="export-none">{t(Phrase::ExportNotYet)}</p> }.into_any(),
    };
    view! {
        <p data-testid="export-when">{when}</p>
        {said}
        <div class="card-actions">
            <button type="button" class="button" data-testid="export-run" on:click=run>{t(Phrase::ExportNow)}</button>
            <button type="button" class="button" data-testid="export-stop" on:click=stop>{t(Phrase::ExportStop)}</button>
        </div>
    }
}

/// What became of a run, and the file that it left.
#[component]
fn LastRun(run: RunInfo) -> impl IntoView {
    let place = CurrentPlace::expect();
    let lang = browser::lang();
    let tz = place.setting.get_untracked().map(|setting| setting.tz).unwrap_or_default();
    let at = moment_of(run.ended.as_deref(), run.started.as_deref());
    let at = at.map(|at| format::moment(lang, Moment::Exact, at, &tz)).unwrap_or_default();
    let text = Phrase::ExportLast.with(lang, &[&at, state_phrase(&run.state).text(lang)]);
    let has_file = run.state == "succeeded";
    let address = format!("/v1/jobs/{}/tasks/{EXPORT_TASK}", run.run);
    let task = Fetch::<TaskDetail>::new(move || has_file.then(|| address.clone()), || {});
    let file = move || {
        let shown = task.shown.read();
        let (key, rows) = file_of(&shown.as_ref()?.result)?;
        let rows = Phrase::ExportRows.with(browser::lang(), &[&format::count(browser::lang(), rows)]);
        let href = format!("/v1/archive/{}", encode(&key));
        Some(view! {
            <a class="button" data-testid="export-file" href=href download rel="external">
                <Glyph icon=Icon::Download/>
                {t(Phrase::ExportDownload)}
            </a>
            <span class="quiet">{rows}</span>
        })
    };
    view! {
        <p><span class="state" data-testid="export-state" data-state=run.state.clone()>{text}</span></p>
        <p class="export-file">{file}</p>
    }
}
