//! A cube: its cuboids and parts, and what can be done with it.

use adtally_core::time::parse_rfc3339;
use adtally_wire::cube::{BuildBody, CubeInfo, PartInfo};
use adtally_wire::jobs::api::StartedRuns;
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;

use super::bench_page::{Desk, Trouble};
use super::confirm::Confirmed;
use super::cubes::{standing_text, whole};
use super::heads::heads;
use super::icon::{Glyph, Icon};
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Moment};
use crate::model::cubes::{Standing, built_share, bytes_text, days_text, set_text, took_text};
use crate::phrase::Phrase;
use crate::state::cubes::CubesState;
use crate::state::jobs::JobsState;
use crate::state::params::encode;

/// The most parts that are listed: those of two months of four cuboids.
const MAX_PARTS: usize = 240;

/// Nothing to say.
#[derive(Serialize)]
struct Nothing {}

/// A cube that is open.
#[component]
pub fn CubeDetail(
    /// Which.
    name: String,
    /// What there is of it.
    cube: Fetch<CubeInfo>,
    /// What was refused last.
    refused: RwSignal<Option<Failure>>,
    /// The list is not as it was.
    changed: Callback<()>,
) -> impl IntoView {
    let desk = Desk::expect();
    let again = Callback::new(move |()| {
        cube.retry();
        changed.run(());
    });
    let body = move || match (cube.failure.get(), cube.shown.get()) {
        (Some(failure), None) => view! { <Trouble failure on_retry=again/> }.into_any(),
        (_, None) => view! { <p class="card-body"><span class="skeleton wide"></span></p> }.into_any(),
        (_, Some(cube)) => whats_built(&cube).into_any(),
    };
    let (title, for_actions) = (name.clone(), name.clone());
    view! {
        <section class="card report-card" data-testid="cube-detail" data-name=name.clone()>
            <div class="card-head">
                <h2>{title}</h2>
                <button
                    type="button"
                    class="icon-button"
                    aria-label=t(Phrase::Close)
                    on:click=move |_| desk.go(&CubesState::default().write())
                >
                    <Glyph icon=Icon::Cross/>
                </button>
            </div>
            <Show when=move || desk.may_change()><Actions name=for_actions.clone() cube refused again changed/></Show>
            {body}
        </section>
    }
}

/// What can be done.
#[component]
fn Actions(
    name: String,
    cube: Fetch<CubeInfo>,
    refused: RwSignal<Option<Failure>>,
    again: Callback<()>,
    changed: Callback<()>,
) -> impl IntoView {
    let session = Session::expect();
    let run = RwSignal::new(None::<String>);
    let cube_name = CubeName { name: StoredValue::new(name), desk: Desk::expect() };
    let build = move |refresh: bool| {
        let (address, body) = (cube_name.address("/build"), BuildBody { refresh, ..BuildBody::default() });
        spawn_local(async move {
            let started = session.client.send::<StartedRuns>(Method::POST, &address, &body).await;
            run.try_set(started.as_ref().ok().map(|started| started.run.clone()));
            refused.try_set(started.err());
            again.run(());
        });
    };
    let switch = move |_| {
        let is_on = cube.shown.read_untracked().as_ref().is_some_and(|cube| cube.enabled);
        let address = cube_name.address(if is_on { "/disable" } else { "/enable" });
        spawn_local(async move {
            refused.try_set(session.client.send::<CubeInfo>(Method::POST, &address, &Nothing {}).await.err());
            again.run(());
        });
    };
    let is_on = move || cube.shown.read().as_ref().is_none_or(|cube| cube.enabled);
    let switch_phrase = move || {
        let phrase = if is_on() { Phrase::SwitchOff } else { Phrase::SwitchOn };
        phrase.text(browser::lang())
    };
    view! {
        <div class="card-body card-actions">
            <button type="button" class="button primary" data-testid="build" on:click=move |_| build(false)>{t(Phrase::BuildNow)}</button>
            <button type="button" class="button" data-testid="refresh" on:click=move |_| build(true)>{t(Phrase::RefreshCube)}</button>
            <button type="button" class="button" data-testid="switch" on:click=switch>{switch_phrase}</button>
            <Export cube_name refused/>
            <Delete cube_name refused changed/>
            {move || run.get().map(|run| view! { <RunLink run/> })}
        </div>
    }
}

/// A cube, and where it is in the API.
#[derive(Clone, Copy)]
struct CubeName {
    name: StoredValue<String>,
    desk: Desk,
}

impl CubeName {
    fn address(self, what: &str) -> String {
        let scope = self.desk.told.with_untracked(|told| encode(&told.scope));
        self.name.with_value(|name| format!("/v1/cubes/{name}{what}?scope={scope}"))
    }

    /// Where the manifest of its export is.
    fn manifest(self) -> String {
        let scope = self.desk.told.with_untracked(|told| encode(&told.scope));
        let scope = scope.replace(':', "%3A").replace(',', "%2C").replace('/', "%2F");
        self.name.with_value(|name| format!("exports/cubes/scope={scope}/cube={name}/manifest.json"))
    }
}

/// Writes it as Parquet.
#[component]
fn Export(cube_name: CubeName, refused: RwSignal<Option<Failure>>) -> impl IntoView {
    let session = Session::expect();
    let said = RwSignal::new(None::<String>);
    let export = move |_| {
        let address = cube_name.address("/export");
        spawn_local(async move {
            let started = session.client.send::<StartedRuns>(Method::POST, &address, &Nothing {}).await;
            said.try_set(started.is_ok().then(|| cube_name.manifest()));
            refused.try_set(started.err());
        });
    };
    view! {
        <button type="button" class="button" data-testid="export" on:click=export>{t(Phrase::ExportCube)}</button>
        {move || said.get().map(|at| view! {
            <p role="status" class="wide" data-testid="export-said">{Phrase::ExportStarted.with(browser::lang(), &[&at])}</p>
        })}
    }
}

/// Deletes it, when that is said twice.
#[component]
fn Delete(cube_name: CubeName, refused: RwSignal<Option<Failure>>, changed: Callback<()>) -> impl IntoView {
    let session = Session::expect();
    let delete = Callback::new(move |()| {
        let address = cube_name.address("");
        spawn_local(async move {
            match session.client.delete(&address).await {
                // Nothing is to be asked of it any more.
                Ok(()) => cube_name.desk.go(&CubesState::default().write()),
                Err(failure) => refused.set(Some(failure)),
            }
            changed.run(());
        });
    });
    let label = cube_name.name.with_value(|name| Phrase::DeleteOf.with(browser::lang(), &[name]));
    view! { <Confirmed phrase=Phrase::DeleteCube label sure=Phrase::DeleteSure test_id="delete" deed=delete/> }
}

/// The run that builds, for those who see runs.
#[component]
fn RunLink(run: String) -> impl IntoView {
    let desk = Desk::expect();
    let text = Phrase::BuildRun.with(browser::lang(), &[&run]);
    let own = JobsState::of_run(&run).write();
    let href = move || desk.told.read().href("/jobs", &own);
    match desk.told.read_untracked().operates {
        true => view! { <a class="button quiet" data-testid="build-run" href=href>{text}</a> }.into_any(),
        false => view! { <span class="quiet" data-testid="build-run">{text}</span> }.into_any(),
    }
}

fn whats_built(cube: &CubeInfo) -> impl IntoView + use<> {
    let lang = browser::lang();
    let built = [cube.days.saturating_sub(cube.stale_days), cube.days].map(|days| days.to_string());
    let share = built_share(cube);
    let standing = Standing::of(cube);
    let cuboids = cube.cuboids.iter().map(|cuboid| {
        let parts: Vec<&PartInfo> = cube.parts.iter().filter(|part| part.cuboid == *cuboid).collect();
        let cells = parts.iter().map(|part| part.cells).sum();
        let bytes = parts.iter().map(|part| part.bytes).sum();
        let count = parts.len().to_string();
        view! {
            <tr data-testid="cuboid">
                <td>{set_text(cuboid, lang)}</td>
                <td class="number">{count}</td>
                <td class="number">{whole(lang, cells)}</td>
                <td class="number">{bytes_text(bytes)}</td>
            </tr>
        }
    });
    let heads = heads([
        (Phrase::Cuboids, ""),
        (Phrase::Parts, "number"),
        (Phrase::Cells, "number"),
        (Phrase::Size, "number"),
    ]);
    view! {
        <div class="card-body">
            <p class="story-sum">
                <span class="state" data-state=standing.name()>{standing_text(cube, lang)}</span>
                <span class="quiet">{Phrase::OfDays.with(lang, &[&built[0], &built[1]])}</span>
            </p>
            <svg class="progress" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=Phrase::DaysBuilt.text(lang)>
                <rect class="bar-room" width="100" height="4"/>
                <rect class="bar-length" data-testid="built-share" data-value=share width=100.0 * share height="4"/>
            </svg>
        </div>
        <div class="table-scroll" tabindex="0" role="region" aria-label=Phrase::Cuboids.text(lang)>
            <table class="report-table"><thead><tr>{heads}</tr></thead><tbody>{cuboids.collect_view()}</tbody></table>
        </div>
        <details class="card-body">
            <summary>{Phrase::Parts.text(lang)}" ("{cube.parts.len()}")"</summary>
            {parts_table(cube)}
        </details>
    }
}

fn parts_table(cube: &CubeInfo) -> impl IntoView + use<> {
    let (lang, tz) = (browser::lang(), Desk::expect().told.read().tz.clone());
    let row = |part: &PartInfo| {
        let at = parse_rfc3339(&part.built).map(|at| format::moment(lang, Moment::Exact, at, &tz));
        let state = if part.fresh { "succeeded" } else { "behind" };
        view! {
            <tr>
                <td>{set_text(&part.cuboid, lang)}</td>
                <td>{days_text(&part.from, &part.to)}</td>
                <td><span class="state" data-state=state>"g"{part.generation}</span></td>
                <td class="number">{whole(lang, part.cells)}</td>
                <td class="number">{bytes_text(part.bytes)}</td>
                <td class="number">{took_text(part.took_ms)}</td>
                <td>{at}</td>
            </tr>
        }
    };
    let rows = cube.parts.iter().rev().take(MAX_PARTS).map(row).collect_view();
    let heads = heads([
        (Phrase::Cuboids, ""),
        (Phrase::PartDays, ""),
        (Phrase::Generation, ""),
        (Phrase::Cells, "number"),
        (Phrase::Size, "number"),
        (Phrase::Took, "number"),
        (Phrase::LastBuilt, ""),
    ]);
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=Phrase::Parts.text(lang)>
            <table class="report-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
}
