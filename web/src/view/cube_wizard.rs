//! Making a cube: what it tells apart and keeps, and what that would amount to before anything is built.

use adtally_core::cell::Dimension;
use adtally_wire::cube::{BuildBody, CubeInfo, Estimate};
use adtally_wire::jobs::api::StartedRuns;
use gloo::timers::future::TimeoutFuture;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::{Desk, Trouble};
use super::cubes::{grain_phrase, whole};
use super::icon::{Glyph, Icon};
use crate::api::failure::Failure;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::model::cubes::{
    body_of, bytes_text, dimensions_of, estimated, is_free, name_for, pairs, set_text, toggled, usual_cuboids,
};
use crate::phrase::Phrase;
use crate::state::cubes::{CubesState, Draft, GRAINS, grain_named};
use crate::state::params::encode;
use crate::state::report::dimension_phrase;

/// How long choices rest before they are estimated, in ms.
const SETTLED_MS: u32 = 250;

/// What is chosen that the address does not say.
#[derive(Clone, Copy)]
struct Choices {
    draft: Memo<Draft>,
    cuboids: RwSignal<Vec<Vec<String>>>,
    estimate: RwSignal<Option<Result<Estimate, Failure>>>,
}

/// The wizard.
#[component]
pub fn CubeWizard(
    /// Of the page.
    state: Memo<CubesState>,
    /// The cubes that there are.
    cubes: Signal<Vec<CubeInfo>>,
    /// What was refused last.
    refused: RwSignal<Option<Failure>>,
    /// The list is not as it was.
    changed: Callback<()>,
) -> impl IntoView {
    let desk = Desk::expect();
    let draft = Memo::new(move |_| state.get().draft.unwrap_or_default());
    let choices = Choices { draft, cuboids: RwSignal::new(Vec::new()), estimate: RwSignal::new(None) };
    let dimensions = Memo::new(move |_| draft.get().dimensions);
    Effect::new(move |_| choices.cuboids.set(usual_cuboids(&dimensions.read())));
    follow_estimate(choices);
    view! {
        <section class="card wizard" data-testid="cube-wizard" aria-label=t(Phrase::NewCube)>
            <div class="card-head">
                <h2>{t(Phrase::NewCube)}</h2>
                <button type="button" class="icon-button" aria-label=t(Phrase::Close) on:click=move |_| desk.go(&CubesState::default().write())>
                    <Glyph icon=Icon::Cross/>
                </button>
            </div>
            <div class="card-body wizard-steps">
                <Pick choices/>
                <Estimated choices/>
                <Create choices cubes refused changed/>
            </div>
        </section>
    }
}

/// Gives it a name, and has it built.
#[component]
fn Create(
    choices: Choices,
    cubes: Signal<Vec<CubeInfo>>,
    refused: RwSignal<Option<Failure>>,
    changed: Callback<()>,
) -> impl IntoView {
    let (session, desk, draft) = (Session::expect(), Desk::expect(), choices.draft);
    let (own_name, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let name = Memo::new(move |_| own_name.get().unwrap_or_else(|| name_for(&draft.read(), &cubes.read())));
    let wrong = Memo::new(move |_| {
        match (draft.read().dimensions.is_empty(), is_free(&name.read(), &cubes.read())) {
            (true, _) => Some(Phrase::PickFirst),
            (false, false) => Some(Phrase::BadCubeName),
            (false, true) => None,
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if wrong.get_untracked().is_some() || busy.get_untracked() {
            return;
        }
        busy.set(true);
        let (name, told) = (name.get_untracked(), desk.told.get_untracked());
        let body = body_of(&draft.read_untracked(), &told.tz, &choices.cuboids.read_untracked());
        spawn_local(async move {
            let at = |what: &str| format!("/v1/cubes/{name}{what}?scope={}", encode(&told.scope));
            let put = session.client.send::<CubeInfo>(Method::PUT, &at(""), &body).await;
            let built = match put {
                Ok(_) => {
                    let all = BuildBody::default();
                    session.client.send::<StartedRuns>(Method::POST, &at("/build"), &all).await.map(drop)
                }
                Err(failure) => Err(failure),
            };
            busy.try_set(false);
            match built {
                Ok(()) => desk.go(&CubesState::of_cube(&name).write()),
                Err(failure) => refused.set(Some(failure)),
            }
            changed.run(());
        });
    };
    let is_shut = move || wrong.get().is_some() || busy.get() || !desk.may_change();
    view! {
        <form class="form" on:submit=submit>
            <label class="stacked">
                <span>{t(Phrase::CubeName)}</span>
                <input
                    class="input"
                    data-testid="cube-name"
                    prop:value=name
                    on:input=move |event| own_name.set(Some(event_target_value(&event)))
                />
            </label>
            <button type="submit" class="button primary" data-testid="create-cube" disabled=is_shut>{t(Phrase::CreateAndBuild)}</button>
            {move || wrong.get().map(|phrase| view! { <p class="hint wide">{t(phrase)}</p> })}
        </form>
    }
}

/// Asks what the choices would amount to, whenever they have rested.
fn follow_estimate(choices: Choices) {
    let (session, desk) = (Session::expect(), Desk::expect());
    let number = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let (draft, cuboids) = (choices.draft.get(), choices.cuboids.get());
        let (scope, tz) = (desk.scope(), desk.told.read().tz.clone());
        let mine = number.try_update_value(|number| {
            *number += 1;
            *number
        });
        let is_last = move || mine.is_some() && number.try_get_value() == mine;
        if draft.dimensions.is_empty() {
            return choices.estimate.set(None);
        }
        let body = body_of(&draft, &tz, &cuboids);
        spawn_local(async move {
            TimeoutFuture::new(SETTLED_MS).await;
            if !is_last() {
                return;
            }
            let address = format!("/v1/cubes/estimate?{scope}");
            let told = session.client.send::<Estimate>(Method::POST, &address, &body).await;
            if is_last() {
                choices.estimate.set(Some(told));
            }
        });
    });
}

/// Dimensions, unit of time, and whether users are kept.
#[component]
fn Pick(choices: Choices) -> impl IntoView {
    let desk = Desk::expect();
    let draft = choices.draft;
    let change = move |draft: Draft| desk.go(&CubesState::of_draft(draft).write());
    let offered = move || {
        let option = move |name: String| {
            let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
            let text = move || dimension.map(|dimension| dimension_phrase(dimension).text(browser::lang()));
            let (id, is_chosen) = (format!("pick-{name}"), {
                let name = name.clone();
                move || draft.read().dimensions.contains(&name)
            });
            view! {
                <label class="tick">
                    <input
                        type="checkbox"
                        data-testid=id
                        prop:checked=is_chosen
                        on:change=move |_| {
                            let scope = desk.told.read_untracked().scope.clone();
                            change(toggled(&draft.get_untracked(), &name, &scope));
                        }
                    />
                    <span>{text}</span>
                </label>
            }
        };
        dimensions_of(&desk.told.read().scope).into_iter().map(option).collect_view()
    };
    view! {
        <div class="wizard-picks">
            <fieldset>
                <legend>{t(Phrase::PickDimensions)}</legend>
                <div class="ticks">{offered}</div>
            </fieldset>
            <fieldset>
                <legend>{t(Phrase::PickMeasures)}</legend>
                <div class="ticks">
                    <label class="tick"><input type="checkbox" checked disabled/><span>{t(Phrase::AllSums)}</span></label>
                    <label class="tick">
                        <input
                            type="checkbox"
                            data-testid="pick-reach"
                            prop:checked=move || draft.read().users
                            on:change=move |_| {
                                let now = draft.get_untracked();
                                change(Draft { users: !now.users, ..now });
                            }
                        />
                        <span>{t(Phrase::KeepUsers)}</span>
                    </label>
                </div>
            </fieldset>
            <GrainChoice draft/>
        </div>
    }
}

/// The unit of time.
#[component]
fn GrainChoice(draft: Memo<Draft>) -> impl IntoView {
    let desk = Desk::expect();
    let grains = GRAINS.map(|grain| {
        view! { <option value=grain selected=move || draft.read().grain == grain>{t(grain_phrase(grain))}</option> }
    });
    let choose = move |event| {
        let grain = grain_named(&event_target_value(&event));
        desk.go(&CubesState::of_draft(Draft { grain, ..draft.get_untracked() }).write());
    };
    view! {
        <label class="stacked">
            <span>{t(Phrase::Grain)}</span>
            <select class="select" data-testid="grain" on:change=choose>{grains}</select>
        </label>
    }
}

/// What the choices would amount to, a line per cuboid.
#[component]
fn Estimated(choices: Choices) -> impl IntoView {
    let Choices { draft, cuboids, .. } = choices;
    let lines = move || {
        let finest = draft.get().dimensions;
        let others = cuboids.get().into_iter().map(|cuboid| line(choices, cuboid, true).into_any());
        [line(choices, finest, false).into_any()].into_iter().chain(others).collect_view()
    };
    view! {
        <Show when=move || !draft.read().dimensions.is_empty()>
            <div class="wizard-estimate" aria-live="polite">
                <h3>{t(Phrase::Estimated)}</h3>
                <Sum choices/>
                <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Estimated)>
                    <table class="report-table">
                        <thead><tr>
                            <th scope="col"><span class="head-text">{t(Phrase::Cuboids)}</span></th>
                            <th scope="col" class="number"><span class="head-text">{t(Phrase::Cells)}</span></th>
                            <th scope="col" class="number"><span class="head-text">{t(Phrase::Size)}</span></th>
                            <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th>
                        </tr></thead>
                        <tbody>{lines}</tbody>
                    </table>
                </div>
                <PairChoice choices/>
            </div>
        </Show>
    }
}

/// A cuboid; all but the finest can be left out.
fn line(choices: Choices, cuboid: Vec<String>, can_go: bool) -> impl IntoView {
    let (lang, cuboids) = (browser::lang(), choices.cuboids);
    let text = set_text(&cuboid, lang);
    let label = Phrase::Remove.with(lang, &[&text]);
    let known = match choices.estimate.get() {
        Some(Ok(estimate)) => estimated(&estimate, &cuboid),
        _ => None,
    };
    let remove = can_go.then(|| {
        let cuboid = cuboid.clone();
        let drop_it = move |_| cuboids.update(|kept| kept.retain(|one| *one != cuboid));
        view! {
            <button type="button" class="icon-button" data-testid="drop-cuboid" aria-label=label on:click=drop_it>
                <Glyph icon=Icon::Cross/>
            </button>
        }
    });
    let (cells, bytes) = known.unzip();
    view! {
        <tr data-testid="estimate" data-cuboid=cuboid.join(",") data-cells=cells.map(|cells| cells.to_string())>
            <td>{text}</td>
            <td class="number">{cells.map(|cells| whole(lang, cells))}</td>
            <td class="number">{bytes.map(bytes_text)}</td>
            <td>{remove}</td>
        </tr>
    }
}

/// All of it together.
#[component]
fn Sum(choices: Choices) -> impl IntoView {
    let Choices { cuboids, estimate, .. } = choices;
    move || {
        let lang = browser::lang();
        let Some(estimate) = estimate.get() else {
            // As high as what comes.
            return view! { <p><strong class="big-figure"><span class="skeleton"></span></strong></p> }
                .into_any();
        };
        match estimate {
            Err(failure) => {
                let on_retry = Callback::new(move |()| cuboids.update(|_| ()));
                view! { <Trouble failure on_retry/> }.into_any()
            }
            Ok(told) if told.days == 0 => {
                view! { <p class="quiet" data-testid="estimate-none">{t(Phrase::EstimateNone)}</p> }
                    .into_any()
            }
            Ok(told) => {
                let days = [told.sampled_days, told.days].map(|days| whole(lang, days));
                let cells = whole(lang, told.cells);
                let all = format!("{cells} {} · {}", Phrase::Cells.text(lang), bytes_text(told.bytes));
                view! {
                    <p>
                        <strong class="big-figure" data-testid="estimate-all" data-cells=told.cells data-bytes=told.bytes>{all}</strong>
                        <span class="quiet">" "{Phrase::EstimatedHint.with(lang, &[&days[0], &days[1]])}</span>
                    </p>
                }
                .into_any()
            }
        }
    }
}

/// Pairs of dimensions that can be told apart too.
#[component]
fn PairChoice(choices: Choices) -> impl IntoView {
    let Choices { draft, cuboids, .. } = choices;
    let choose = move |event| {
        let pair: Vec<String> = event_target_value(&event).split(',').map(str::to_string).collect();
        cuboids.update(|kept| kept.push(pair));
    };
    move || {
        let free = pairs(&draft.get().dimensions, &cuboids.get());
        let lang = browser::lang();
        let option =
            |pair: Vec<String>| view! { <option value=pair.join(",")>{set_text(&pair, lang)}</option> };
        (!free.is_empty()).then(|| view! {
            <select class="select small" data-testid="add-cuboid" aria-label=t(Phrase::AddPair) on:change=choose>
                <option value="">{t(Phrase::AddPair)}</option>
                {free.into_iter().map(option).collect_view()}
            </select>
        })
    }
}
