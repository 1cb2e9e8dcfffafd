//! What jobs there are, when they run by themselves, and starting them by hand: now, or for days.

use std::collections::BTreeMap;

use adtally_core::time::{parse_date, parse_rfc3339};
use adtally_wire::jobs::api::{JobInfo, Jobs as Definitions, NewRun, StartedRuns};
use adtally_wire::jobs::definition::JobChange;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::Trouble;
use super::place::CurrentPlace;
use super::show::Show;
use super::zone::{ZoneNote, zone};
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Moment};
use crate::model::occasion::asked;
use crate::phrase::Phrase;
use crate::state::jobs::job_address;

/// The job that links and publishes; it is about all of its days at once.
pub const BATCH: &str = "batch";

/// Starts runs, for every part of the page that does.
#[derive(Clone, Copy)]
pub struct Starter {
    /// Whoever asks for it.
    pub session: Session,
    /// What was refused last.
    pub refused: RwSignal<Option<Failure>>,
    /// Runs that were started last, by name.
    pub started: RwSignal<Option<String>>,
    /// The job that is chosen in the form.
    pub chosen: RwSignal<String>,
    /// Something was started.
    pub begun: Callback<()>,
}

impl Starter {
    /// Starts runs of a job.
    pub fn start(self, new: NewRun) {
        spawn_local(async move {
            let answer = self.session.client.send::<StartedRuns>(Method::POST, "/v1/jobs", &new).await;
            let named = answer.as_ref().ok().map(|started| match started.runs.as_slice() {
                [first, .., last] => format!("{first} – {last}"),
                _ => started.run.clone(),
            });
            self.started.try_set(named);
            self.refused.try_set(answer.err());
            self.begun.try_run(());
        });
    }
}

/// The jobs, each with its schedule; whoever may change them can start and pause them.
#[component]
pub fn JobList(
    /// What there is.
    jobs: Fetch<Definitions>,
    /// Whether jobs may be changed.
    may_change: Memo<bool>,
    /// Starts them.
    starter: Starter,
) -> impl IntoView {
    let line = move |job: JobInfo| line(job, jobs, may_change, starter);
    let failure = Memo::new(move |_| jobs.failure.get().filter(|_| jobs.shown.read().is_none()));
    let body = move || match failure.get() {
        Some(failure) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| jobs.retry())/> }.into_any()
        }
        None => {
            let lines = jobs.shown.get().map(|shown| shown.jobs.into_iter().map(line).collect_view());
            view! { <ul class="card-body job-list">{lines}</ul> }.into_any()
        }
    };
    view! {
        <section class="card">
            <div class="card-head"><h2>{t(Phrase::Schedules)}</h2><ZoneNote/></div>
            {body}
        </section>
    }
}

fn line(job: JobInfo, jobs: Fetch<Definitions>, may_change: Memo<bool>, starter: Starter) -> impl IntoView {
    let (name, paused) = (StoredValue::new(job.job.clone()), job.paused);
    let asks = !asked(&job.tasks).is_empty();
    let pause = move |_| {
        spawn_local(async move {
            let change = JobChange { paused: Some(!paused), ..JobChange::default() };
            let address = job_address(&name.get_value());
            let answer = starter.session.client.send::<JobInfo>(Method::PUT, &address, &change).await;
            starter.refused.try_set(answer.err());
            jobs.retry();
        });
    };
    let run = move |_| {
        starter.chosen.set(name.get_value());
        // What has to be told values is told them in the form.
        if !asks {
            return starter.start(NewRun { job: name.get_value(), ..NewRun::default() });
        }
        request_animation_frame(|| browser::focus_on("[data-testid=\"run-param\"]"));
    };
    let phrase = if paused { Phrase::Resume } else { Phrase::Pause };
    let label = Phrase::RunJobNow.with(browser::lang(), &[&job.job]);
    view! {
        <li data-testid="job" data-job=job.job.clone() data-paused=if paused { "true" } else { "false" }>
            <strong>{job.job.clone()}</strong>
            <span class="quiet">{when(&job)}</span>
            <Show when=move || may_change.get()>
                <span class="job-actions">
                    <button type="button" class="button quiet" data-testid="run-job" aria-label=label.clone() on:click=run>{t(Phrase::RunNow)}</button>
                    <button type="button" class="button quiet" data-testid="pause" on:click=pause>{t(phrase)}</button>
                </span>
            </Show>
        </li>
    }
}

/// When a job runs by itself.
fn when(job: &JobInfo) -> String {
    let lang = browser::lang();
    let next = job.next.as_deref().and_then(parse_rfc3339);
    let next =
        next.map(|at| Phrase::NextRun.with(lang, &[&format::moment(lang, Moment::Minute, at, &zone())]));
    match (job.paused, next) {
        (true, _) => Phrase::PausedJob.text(lang).to_string(),
        (false, Some(next)) => next,
        (false, None) => Phrase::NeverByItself.text(lang).to_string(),
    }
}

/// What the form says.
#[derive(Clone, Copy)]
struct Form {
    job: RwSignal<String>,
    first: RwSignal<String>,
    last: RwSignal<String>,
    /// By the name of the placeholder.
    values: RwSignal<BTreeMap<String, String>>,
}

impl Form {
    /// The runs that it asks for; `has_days`: the job is about days.
    fn order(self, asked: &[String], has_days: bool) -> NewRun {
        let day =
            |text: RwSignal<String>| Some(text.get_untracked()).filter(|text| has_days && !text.is_empty());
        // The API's `to` is the day behind the last one.
        let to = day(self.last).map(|text| {
            let next = parse_date(&text).and_then(|last| last.succ_opt());
            next.map_or(text, |next| next.to_string())
        });
        let values = self.values.read_untracked();
        let value = |name: &String| Some((name.clone(), values.get(name)?.clone()));
        let params = asked.iter().filter_map(value).collect();
        NewRun { job: self.job.get_untracked(), from: day(self.first), to, params, ..NewRun::default() }
    }
}

/// Runs of a job for days, with the values that its tasks ask for.
#[component]
pub fn Backfill(
    /// What there is.
    jobs: Fetch<Definitions>,
    /// Starts them.
    starter: Starter,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let span = place.setting.get_untracked().map(|setting| setting.span);
    let text = span.map(|span| span.last().to_string()).unwrap_or_default();
    let form = Form {
        job: starter.chosen,
        first: RwSignal::new(text.clone()),
        last: RwSignal::new(text),
        values: RwSignal::default(),
    };
    let chosen = Memo::new(move |_| {
        let shown = jobs.shown.read();
        shown.as_ref()?.jobs.iter().find(|job| job.job == *form.job.read()).cloned()
    });
    let names = Memo::new(move |_| chosen.read().as_ref().map(|job| asked(&job.tasks)).unwrap_or_default());
    let is_batch = move || *form.job.read() == BATCH;
    // What else is built in is about everything.
    let has_days = Memo::new(move |_| is_batch() || chosen.read().as_ref().is_some_and(|job| !job.built_in));
    let listed = Memo::new(move |_| {
        let shown = jobs.shown.read();
        shown.iter().flat_map(|shown| &shown.jobs).map(|job| job.job.clone()).collect::<Vec<_>>()
    });
    let option = move |name: String| {
        let (value, shown) = (name.clone(), name.clone());
        view! { <option value=value selected=move || *form.job.read() == name>{shown}</option> }
    };
    let start = move |event: SubmitEvent| {
        event.prevent_default();
        starter.start(form.order(&names.read_untracked(), has_days.get_untracked()));
    };
    let hint = move || match (has_days.get(), is_batch()) {
        (true, true) => Some(Phrase::BackfillHint.text(browser::lang())),
        (true, false) => Some(Phrase::BackfillOfJob.text(browser::lang())),
        (false, _) => None,
    };
    let verb = move || {
        let phrase = if has_days.get() { Phrase::StartBackfill } else { Phrase::RunNow };
        phrase.text(browser::lang())
    };
    view! {
        <section class="card" data-testid="backfill-card">
            <div class="card-head"><h2>{t(Phrase::Backfill)}</h2></div>
            <form class="card-body form" on:submit=start>
                <label class="stacked">
                    <span>{t(Phrase::Job)}</span>
                    <select class="select" data-testid="backfill-job" on:change=move |event| form.job.set(event_target_value(&event))>
                        {move || listed.get().into_iter().map(option).collect_view()}
                    </select>
                </label>
                <Show when=move || has_days.get()>
                    {day(Phrase::FromDate, "backfill-from", form.first)}
                    {day(Phrase::ToDate, "backfill-to", form.last)}
                </Show>
                {move || names.get().into_iter().map(|name| param(name, form)).collect_view()}
                <button type="submit" class="button primary" data-testid="backfill">
                    {verb}
                </button>
                <p class="quiet wide">{hint}</p>
                {move || starter.started.get().map(|runs| view! {
                    <p role="status" class="change better wide" data-testid="started">{Phrase::StartedRuns.with(browser::lang(), &[&runs])}</p>
                })}
            </form>
        </section>
    }
}

fn day(phrase: Phrase, test_id: &'static str, value: RwSignal<String>) -> impl IntoView {
    view! {
        <label class="stacked">
            <span>{t(phrase)}</span>
            <input
                type="date"
                class="input"
                data-testid=test_id
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

/// What a placeholder stands for in these runs.
fn param(name: String, form: Form) -> impl IntoView {
    let (shown, of) = (name.clone(), name.clone());
    let value = move || form.values.read().get(&of).cloned().unwrap_or_default();
    let change = move |event| {
        form.values.update(|values| {
            values.insert(name.clone(), event_target_value(&event));
        });
    };
    view! {
        <label class="stacked">
            <span>{shown.clone()}</span>
            <input class="input" required data-testid="run-param" data-name=shown prop:value=value on:input=change/>
        </label>
    }
}
