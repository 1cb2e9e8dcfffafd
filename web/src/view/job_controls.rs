//! What jobs there are, when they run by themselves, and days that are to be run again.

use adtally_core::time::{parse_date, parse_rfc3339};
use adtally_wire::jobs::api::{JobInfo, Jobs as Definitions, NewRun, StartedRuns};
use adtally_wire::jobs::definition::JobChange;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::place::CurrentPlace;
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Moment};
use crate::phrase::Phrase;

/// The jobs, each with its schedule; whoever may change them can pause them.
#[component]
pub fn JobList(
    /// Asked for again at each.
    beat: RwSignal<u32>,
    /// Whether jobs may be changed.
    may_change: Memo<bool>,
    /// What was refused last.
    refused: RwSignal<Option<Failure>>,
) -> impl IntoView {
    let session = Session::expect();
    let jobs = Fetch::<Definitions>::new(|| Some("/v1/jobs/definitions".to_string()), move || beat.track());
    let pause = move |job: String, paused: bool| {
        spawn_local(async move {
            let address = format!("/v1/jobs/definitions/{job}");
            let change = JobChange { paused: Some(paused), ..JobChange::default() };
            refused.set(session.client.send::<JobInfo>(Method::PUT, &address, &change).await.err());
            jobs.retry();
        });
    };
    let line = move |job: JobInfo| {
        let (name, paused) = (job.job.clone(), job.paused);
        let phrase = if paused { Phrase::Resume } else { Phrase::Pause };
        view! {
            <li data-testid="job" data-job=job.job.clone() data-paused=if paused { "true" } else { "false" }>
                <strong>{job.job.clone()}</strong>
                <span class="quiet">{when(&job)}</span>
                <Show when=move || may_change.get()>
                    <button type="button" class="button quiet" data-testid="pause" on:click={
                        let name = name.clone();
                        move |_| pause(name.clone(), !paused)
                    }>{t(phrase)}</button>
                </Show>
            </li>
        }
    };
    let lines = move || jobs.shown.get().map(|shown| shown.jobs.into_iter().map(line).collect_view());
    view! {
        <section class="card">
            <div class="card-head"><h2>{t(Phrase::Schedules)}</h2></div>
            <ul class="card-body job-list">{lines}</ul>
        </section>
    }
}

/// When a job runs by itself.
fn when(job: &JobInfo) -> String {
    let lang = browser::lang();
    let tz = CurrentPlace::expect().setting.get().map(|setting| setting.tz).unwrap_or_default();
    let next = job.next.as_deref().and_then(parse_rfc3339);
    let next = next.map(|at| Phrase::NextRun.with(lang, &[&format::moment(lang, Moment::Exact, at, &tz)]));
    match (job.paused, next) {
        (true, _) => Phrase::PausedJob.text(lang).to_string(),
        (false, Some(next)) => next,
        (false, None) => Phrase::NeverByItself.text(lang).to_string(),
    }
}

/// Days that the batch is to link again.
#[component]
pub fn Backfill(
    /// What was refused last.
    refused: RwSignal<Option<Failure>>,
    /// It has begun.
    begun: Callback<()>,
) -> impl IntoView {
    let (session, place) = (Session::expect(), CurrentPlace::expect());
    let span = place.setting.get_untracked().map(|setting| setting.span);
    let text = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let first = RwSignal::new(text(span.map(|span| span.last())));
    let last = RwSignal::new(text(span.map(|span| span.last())));
    let start = move |event: SubmitEvent| {
        event.prevent_default();
        let days = parse_date(&first.read()).zip(parse_date(&last.read()).and_then(|last| last.succ_opt()));
        let Some((from, to)) = days else { return };
        spawn_local(async move {
            let new = NewRun {
                job: "batch".to_string(),
                from: Some(from.to_string()),
                to: Some(to.to_string()),
                ..NewRun::default()
            };
            refused.set(session.client.send::<StartedRuns>(Method::POST, "/v1/jobs", &new).await.err());
            begun.run(());
        });
    };
    let field = |phrase: Phrase, test_id: &'static str, value: RwSignal<String>| {
        view! {
            <label class="stacked">
                <span>{t(phrase)}</span>
                <input
                    type="date"
                    class="input"
                    required
                    data-testid=test_id
                    prop:value=value
                    on:input=move |event| value.set(event_target_value(&event))
                />
            </label>
        }
    };
    view! {
        <section class="card">
            <div class="card-head"><h2>{t(Phrase::Backfill)}</h2></div>
            <form class="card-body form" on:submit=start>
                {field(Phrase::FromDate, "backfill-from", first)}
                {field(Phrase::ToDate, "backfill-to", last)}
                <button type="submit" class="button" data-testid="backfill">{t(Phrase::StartBackfill)}</button>
                <p class="quiet wide">{t(Phrase::BackfillHint)}</p>
            </form>
        </section>
    }
}
