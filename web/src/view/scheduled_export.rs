//! A saved report as a file every day: when, and what became of the last time.

use adtally_core::access::Role;
use adtally_core::time::parse_rfc3339;
use adtally_wire::catalog::export::{ExportInfo, ExportRun};
use adtally_wire::catalog::view::View;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use super::job_mark::state_phrase;
use super::notice::failure_text;
use super::place::CurrentPlace;
use super::show::Show;
use super::zone::ZoneNote;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::{Session, Who};
use crate::browser::{self, beat, t};
use crate::format::{self, Moment};
use crate::model::saved::{Standing, export_address, export_file_address, export_put, standing};
use crate::phrase::Phrase;

/// How often is asked what became of it.
const FOLLOW_MS: u32 = 2_000;
/// When an export runs where nobody says.
const MORNING: &str = "06:00";

/// What the panel knows.
#[derive(Clone, Copy)]
struct Export {
    view: StoredValue<View>,
    address: StoredValue<String>,
    info: Fetch<ExportInfo>,
    refused: RwSignal<Option<Failure>>,
    session: Session,
    /// Whether the reader may schedule, run and end it; whoever may not sees it and takes its file.
    may_change: Memo<bool>,
}

impl Export {
    /// Takes an answer, and asks what there is now.
    fn said(self, failure: Option<Failure>) {
        self.refused.try_set(failure);
        self.info.retry();
    }
}

/// Whether and when a view is exported.
#[component]
pub fn ScheduledExport(
    /// The view.
    view: View,
    /// Set to nothing to go back.
    exported: RwSignal<Option<View>>,
) -> impl IntoView {
    let (address, beat) = (export_address(&view), beat(FOLLOW_MS));
    let asked = address.clone();
    // Where there is none, asking again and again would find none.
    let is_there = RwSignal::new(false);
    let info = Fetch::<ExportInfo>::new(
        move || Some(asked.clone()),
        move || {
            if is_there.get() {
                beat.track();
            }
        },
    );
    let known = Memo::new(move |_| standing(info.shown.read().is_some(), info.failure.read().as_ref()));
    Effect::new(move |_| {
        let found = known.get() == Standing::There;
        if found != is_there.get_untracked() {
            is_there.set(found);
        }
    });
    let (name, session) = (view.name.clone(), Session::expect());
    let may_change = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(Role::Admin, _)));
    let export = Export {
        view: StoredValue::new(view),
        address: StoredValue::new(address),
        info,
        refused: RwSignal::new(None),
        session,
        may_change,
    };
    let body = move || match known.get() {
        Standing::Unknown => {
            view! { <p data-testid="state-loading"><span class="skeleton wide"></span></p> }.into_any()
        }
        Standing::There => view! { <Planned export/> }.into_any(),
        Standing::None if may_change.get() => view! { <Plan export/> }.into_any(),
        Standing::None => {
            view! { <p class="hint" data-testid="no-export">{t(Phrase::NoExport)}</p> }.into_any()
        }
        Standing::Lost => view! { <Lost export/> }.into_any(),
    };
    view! {
        <div class="export" data-testid="export">
            <div class="export-head">
                <button type="button" class="icon-button" data-testid="export-back" aria-label=t(Phrase::BackToViews) on:click=move |_| exported.set(None)>
                    <Glyph icon=Icon::Left/>
                </button>
                <h3>{t(Phrase::ExportDaily)}": "{name}</h3>
            </div>
            {move || export.refused.get().map(|failure| view! {
                <p role="alert" class="field-error" data-testid="refused">{failure_text(&failure, browser::lang())}</p>
            })}
            {body}
        </div>
    }
}

/// That nothing is known of it.
#[component]
fn Lost(export: Export) -> impl IntoView {
    let text = move || export.info.failure.get().map(|failure| failure_text(&failure, browser::lang()));
    view! {
        <p role="alert" class="field-error" data-testid="state-error">{text}</p>
        <button type="button" class="button" data-testid="retry" on:click=move |_| export.info.retry()>{t(Phrase::Retry)}</button>
    }
}

/// The form that schedules it.
#[component]
fn Plan(export: Export) -> impl IntoView {
    let (time, ending) = (RwSignal::new(MORNING.to_string()), RwSignal::new("csv".to_string()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let put =
            export.view.with_value(|view| export_put(view, &time.read_untracked(), &ending.read_untracked()));
        spawn_local(async move {
            let address = export.address.get_value();
            let answer = export.session.client.send::<ExportInfo>(Method::PUT, &address, &put).await;
            export.said(answer.err());
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
        let shown = export.info.shown.read();
        Some(Phrase::ExportAt.with(browser::lang(), &[&shown.as_ref()?.time]))
    };
    let stop = move |_| {
        spawn_local(async move {
            let address = export.address.get_value();
            export.said(export.session.client.delete(&address).await.err());
        });
    };
    let run = move |_| {
        spawn_local(async move {
            let (address, nothing) = (export.address.get_value(), serde_json::Value::Null);
            let answer = export.session.client.send::<ExportInfo>(Method::POST, &address, &nothing).await;
            export.said(answer.err());
        });
    };
    let last = Memo::new(move |_| export.info.shown.read().as_ref()?.last.clone());
    let said = move || match last.get() {
        Some(run) => view! { <LastRun run export/> }.into_any(),
        None => view! { <p class="hint" data-testid="export-none">{t(Phrase::ExportNotYet)}</p> }.into_any(),
    };
    view! {
        <p data-testid="export-when">{when}</p>
        {said}
        <Show when=move || export.may_change.get()>
            <div class="card-actions">
                <button type="button" class="button" data-testid="export-run" on:click=run>{t(Phrase::ExportNow)}</button>
                <button type="button" class="button" data-testid="export-stop" on:click=stop>{t(Phrase::ExportStop)}</button>
            </div>
        </Show>
    }
}

/// What became of a run, and the file that it left.
#[component]
fn LastRun(run: ExportRun, export: Export) -> impl IntoView {
    let (place, lang) = (CurrentPlace::expect(), browser::lang());
    let tz = place.setting.get_untracked().map(|setting| setting.tz).unwrap_or_default();
    let at = run.at.as_deref().and_then(parse_rfc3339);
    let at = at.map(|at| format::moment(lang, Moment::Exact, at, &tz)).unwrap_or_default();
    let text = Phrase::ExportLast.with(lang, &[&at, state_phrase(&run.state).text(lang)]);
    let href = export.view.with_value(export_file_address);
    let file = run.rows.map(|rows| {
        let rows = Phrase::ExportRows.with(lang, &[&format::count(lang, rows)]);
        view! {
            <a class="button" data-testid="export-file" href=href download rel="external">
                <Glyph icon=Icon::Download/>
                {t(Phrase::ExportDownload)}
            </a>
            <span class="quiet">{rows}</span>
        }
    });
    view! {
        <p><span class="state" data-testid="export-state" data-state=run.state.clone()>{text}</span>" "<ZoneNote/></p>
        {run.error.map(|error| view! { <p class="field-error">{error}</p> })}
        <p class="export-file">{file}</p>
    }
}
