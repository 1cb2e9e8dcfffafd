//! The cubes of a scope: what there is, what is open, what is being made, and what would help.

use adtally_core::time::parse_rfc3339;
use adtally_wire::cube::{CubeInfo, Recommendation};
use leptos::prelude::*;
use serde::Deserialize;

use super::bench_page::{Desk, Trouble};
use super::cube_detail::CubeDetail;
use super::cube_wizard::CubeWizard;
use super::heads::{heads, waiting};
use super::icon::{Glyph, Icon};
use super::notice::Coming;
use super::show::once;
use super::zone::ZoneNote;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::browser::{self, t};
use crate::format::{self, Moment};
use crate::lang::Lang;
use crate::model::cubes::{Standing, bytes_text, draft_of, set_text, took_text};
use crate::phrase::Phrase;
use crate::state::cubes::{CubesState, Draft};

/// How often cubes are asked for, in ms: builds are watched.
const FOLLOW_MS: u32 = 3_000;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct CubeList {
    cubes: Vec<CubeInfo>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Recommendations {
    recommendations: Vec<Recommendation>,
}

/// What a cube's state is called.
pub fn standing_text(cube: &CubeInfo, lang: Lang) -> String {
    match Standing::of(cube) {
        Standing::Off => Phrase::CubeOff.text(lang).to_string(),
        Standing::NoDays => Phrase::CubeNoDays.text(lang).to_string(),
        Standing::Unbuilt => Phrase::CubeUnbuilt.text(lang).to_string(),
        Standing::Behind(days) => Phrase::CubeBehind.with(lang, &[&days.to_string()]),
        Standing::Whole => Phrase::CubeWhole.text(lang).to_string(),
    }
}

/// What a unit of time is called.
pub fn grain_phrase(grain: &str) -> Phrase {
    match grain {
        "hour" => Phrase::GrainHour,
        "month" => Phrase::GrainMonth,
        _ => Phrase::GrainDay,
    }
}

/// A whole number.
pub fn whole(lang: Lang, number: u64) -> String {
    format::count(lang, i64::try_from(number).unwrap_or(i64::MAX))
}

/// The cubes page.
#[component]
pub fn Cubes() -> impl IntoView {
    let desk = Desk::expect();
    let beat = RwSignal::new(0_u32);
    let interval = gloo::timers::callback::Interval::new(FOLLOW_MS, move || {
        if !document().hidden() {
            beat.try_update(|count| *count = count.wrapping_add(1));
        }
    });
    let interval = StoredValue::new_local(Some(interval));
    on_cleanup(move || drop(interval.try_update_value(Option::take)));
    let list =
        Fetch::<CubeList>::new(move || Some(format!("/v1/cubes?{}", desk.scope())), move || beat.track());
    let state = Memo::new(move |_| CubesState::read(&desk.told.read().query));
    let cubes = Signal::derive(move || list.shown.get().map(|list| list.cubes).unwrap_or_default());
    let refused = RwSignal::new(None::<Failure>);
    let changed = Callback::new(move |()| list.retry());
    let open = Memo::new(move |_| state.get().cube);
    let making = Memo::new(move |_| state.get().draft.is_some());
    let cube = Fetch::<CubeInfo>::new(
        move || open.get().map(|name| format!("/v1/cubes/{name}?{}", desk.scope())),
        move || beat.track(),
    );
    let recommended = Fetch::<Recommendations>::new(
        move || Some(format!("/v1/cubes/recommendations?{}", desk.scope())),
        || {},
    );
    let is_known =
        once(move || list.is_known() && recommended.is_known() && (open.read().is_none() || cube.is_known()));
    let detail = move || {
        let name = open.get()?;
        Some(view! { <CubeDetail name cube refused changed/> })
    };
    let wizard = move || making.get().then(|| view! { <CubeWizard state cubes refused changed/> });
    let busy = move || if list.busy.get() || !is_known.get() { "true" } else { "false" };
    view! {
        <div class="cubes" data-testid="cubes" data-busy=busy aria-busy=busy>
            {move || refused.get().map(|failure| view! {
                <p class="strip warning" role="alert" data-testid="refused">
                    <Glyph icon=Icon::Alert/>
                    <span>{super::notice::failure_text(&failure, browser::lang())}</span>
                    <button type="button" class="link" on:click=move |_| refused.set(None)>{t(Phrase::Dismiss)}</button>
                </p>
            })}
            <Show when=move || is_known.get() fallback=|| view! { <Coming/> }>
                {wizard}
                <Listed list open changed/>
                {detail}
                <Recommended told=recommended/>
            </Show>
        </div>
    }
}

/// What there is.
#[component]
fn Listed(list: Fetch<CubeList>, open: Memo<Option<String>>, changed: Callback<()>) -> impl IntoView {
    let desk = Desk::expect();
    view! {
        <section class="card report-card">
            <div class="card-head">
                <h2>{t(Phrase::Cubes)}</h2>
                <ZoneNote/>
                <Show
                    when=move || desk.may_change()
                    fallback=|| view! { <p class="quiet">{t(Phrase::OnlyAdminsCubes)}</p> }
                >
                    <button
                        type="button"
                        class="button primary"
                        data-testid="new-cube"
                        on:click=move |_| desk.go(&CubesState::of_draft(Draft::default()).write())
                    >
                        {t(Phrase::NewCube)}
                    </button>
                </Show>
            </div>
            {move || match (list.failure.get(), list.shown.get()) {
                (Some(failure), None) => view! { <Trouble failure on_retry=changed/> }.into_any(),
                (_, Some(shown)) if shown.cubes.is_empty() => view! { <NoCubes/> }.into_any(),
                (_, shown) => view! { <CubeTable shown=shown.map(|shown| shown.cubes) open/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn NoCubes() -> impl IntoView {
    view! {
        <div class="notice" data-testid="state-empty">
            <span class="notice-icon"><Glyph icon=Icon::Cube/></span>
            <h3>{t(Phrase::NoCubes)}</h3>
            <p>{t(Phrase::NoCubesHint)}</p>
        </div>
    }
}

#[component]
fn CubeTable(shown: Option<Vec<CubeInfo>>, open: Memo<Option<String>>) -> impl IntoView {
    let heads = heads([
        (Phrase::CubeName, ""),
        (Phrase::State, ""),
        (Phrase::Dimensions, ""),
        (Phrase::Grain, ""),
        (Phrase::DaysBuilt, "number"),
        (Phrase::Cells, "number"),
        (Phrase::Size, "number"),
        (Phrase::Took, "number"),
        (Phrase::LastBuilt, ""),
    ]);
    let rows = match shown {
        None => waiting(3, 9),
        Some(cubes) => cubes.into_iter().map(|cube| cube_row(cube, open)).collect_view().into_any(),
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Cubes)>
            <table class="report-table" data-testid="cube-table">
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn cube_row(cube: CubeInfo, open: Memo<Option<String>>) -> impl IntoView {
    let (desk, lang) = (Desk::expect(), browser::lang());
    let at = cube.built.as_deref().and_then(parse_rfc3339);
    let at = at.map(|at| format::moment(lang, Moment::Exact, at, &desk.told.read().tz));
    let standing = Standing::of(&cube);
    let (name, text) = (cube.name.clone(), standing_text(&cube, lang));
    let built = [cube.days.saturating_sub(cube.stale_days), cube.days].map(|days| days.to_string());
    let is_open = {
        let name = name.clone();
        move || if open.read().as_deref() == Some(name.as_str()) { "true" } else { "false" }
    };
    let toggle = {
        let name = name.clone();
        move |_| {
            let is_open = open.read_untracked().as_deref() == Some(name.as_str());
            let next = if is_open { CubesState::default() } else { CubesState::of_cube(&name) };
            desk.go(&next.write());
        }
    };
    view! {
        <tr data-testid="cube" data-name=name.clone() data-state=standing.name() data-cells=cube.cells data-stale=cube.stale_days>
            <td>
                <button type="button" class="value link" data-testid="open-cube" aria-expanded=is_open on:click=toggle>
                    {name.clone()}
                </button>
            </td>
            <td><span class="state" data-state=standing.name()>{text}</span></td>
            <td>{set_text(&cube.dimensions, lang)}</td>
            <td>{grain_phrase(&cube.grain).text(lang)}</td>
            <td class="number">{Phrase::OfDays.with(lang, &[&built[0], &built[1]])}</td>
            <td class="number">{whole(lang, cube.cells)}</td>
            <td class="number">{bytes_text(cube.bytes)}</td>
            <td class="number">{took_text(cube.took_ms)}</td>
            <td>{at}</td>
        </tr>
    }
}

/// What would have helped with what was asked.
#[component]
fn Recommended(told: Fetch<Recommendations>) -> impl IntoView {
    let desk = Desk::expect();
    let line = move |one: Recommendation| {
        let lang = browser::lang();
        let (questions, saved) = (whole(lang, one.questions), whole(lang, one.saved_cells));
        let would = Phrase::WouldAnswer.with(lang, &[&questions, &saved]);
        let draft = draft_of(&one);
        let users = draft.users.then(|| Phrase::KeepUsers.text(lang));
        let what = [set_text(&one.dimensions, lang), grain_phrase(&one.grain).text(lang).to_string()];
        let what = what.into_iter().chain(users.map(str::to_string)).collect::<Vec<_>>().join(" · ");
        view! {
            <li data-testid="recommendation" data-dimensions=one.dimensions.join(",")>
                <strong>{what}</strong>
                <span class="quiet">{would}</span>
                <Show when=move || desk.may_change()>
                    <button type="button" class="button" data-testid="use-it" on:click={
                        let draft = draft.clone();
                        move |_| desk.go(&CubesState::of_draft(draft.clone()).write())
                    }>{t(Phrase::UseIt)}</button>
                </Show>
            </li>
        }
    };
    let body = move || match (told.failure.get(), told.shown.get()) {
        (Some(failure), None) => {
            view! { <Trouble failure on_retry=Callback::new(move |()| told.retry())/> }.into_any()
        }
        (_, None) => view! { <p class="card-body"><span class="skeleton wide"></span></p> }.into_any(),
        (_, Some(shown)) if shown.recommendations.is_empty() => {
            view! { <p class="card-body quiet">{t(Phrase::NothingRecommended)}</p> }.into_any()
        }
        (_, Some(shown)) => view! {
            <ul class="card-body job-list">{shown.recommendations.into_iter().map(line).collect_view()}</ul>
        }
        .into_any(),
    };
    view! {
        <section class="card report-card" data-testid="recommendations">
            <div class="card-head"><h2>{t(Phrase::Recommended)}</h2></div>
            <p class="card-body quiet">{t(Phrase::RecommendedHint)}</p>
            {body}
        </section>
    }
}
