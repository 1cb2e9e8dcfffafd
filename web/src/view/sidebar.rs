//! Pages, who is signed in, and how the page looks.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon, Mark};
use super::place::{CurrentPlace, scope_text};
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::session::{Session, Who};
use crate::browser::{self, Preferences, Theme, t};
use crate::lang::Lang;
use crate::phrase::Phrase;
use crate::state::bench::Bench;
use crate::state::events::EventsState;
use crate::state::explore::ExploreState;
use crate::state::overview::OverviewState;
use crate::state::params::Params;
use crate::state::place::Place;
use crate::state::report::ReportState;
use crate::state::restatements::RestatementsState;
use adtally_core::access::Role;

/// The column at the side; on a phone a drawer.
#[component]
pub fn Sidebar(
    /// Whether the drawer of a phone is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let overview =
        move || OverviewState { frame: place.frame(), metric: crate::metric::IMPRESSIONS, unit: None }.href();
    let report = move || ReportState { frame: place.frame(), ..ReportState::default() }.href();
    let explore = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let first = scope.as_ref().map(ExploreState::first_of).unwrap_or_default();
        ExploreState { frame: place.frame(), ..first }.href()
    };
    let events = move || EventsState { frame: place.frame(), ..EventsState::default() }.href();
    let restatements =
        move || RestatementsState { frame: place.frame(), ..RestatementsState::default() }.href();
    let on_restatements = move || matches!(place.place.get(), Some(Place::Restatements(_)));
    let on_explore = move || matches!(place.place.get(), Some(Place::Explore(_)));
    let on_events = move || matches!(place.place.get(), Some(Place::Events(_)));
    let session = Session::expect();
    let operates = Memo::new(move |_| session.own_scope() == Some(adtally_core::cell::Scope::Platform));
    let bench = move |page: Bench| {
        Signal::derive(move || Place::Bench(page, place.frame(), Params::default()).href())
    };
    let on = move |page: Bench| {
        Signal::derive(move || matches!(place.place.get(), Some(Place::Bench(here, ..)) if here == page))
    };
    let on_overview = move || matches!(place.place.get(), Some(Place::Overview(_)));
    let on_report = move || matches!(place.place.get(), Some(Place::Report(_)));
    view! {
        <aside class="sidebar" class:open=open id="sidebar">
            <a class="brand" href=overview><Mark/><span>{t(Phrase::AppName)}</span></a>
            <nav aria-label=t(Phrase::Pages) on:click=move |_| open.set(false)>
                <NavLink href=overview current=on_overview icon=Icon::Pulse phrase=Phrase::Overview test_id="nav-overview"/>
                <NavLink href=explore current=on_explore icon=Icon::Grid phrase=Phrase::Explore test_id="nav-explore"/>
                <NavLink href=report current=on_report icon=Icon::Table phrase=Phrase::Report test_id="nav-report"/>
                <NavLink href=events current=on_events icon=Icon::List phrase=Phrase::Events test_id="nav-events"/>
                <NavLink href=bench(Bench::Sql) current=on(Bench::Sql) loads=true icon=Icon::Prompt phrase=Phrase::Notebook test_id="nav-sql"/>
                <NavLink href=bench(Bench::Cubes) current=on(Bench::Cubes) loads=true icon=Icon::Cube phrase=Phrase::Cubes test_id="nav-cubes"/>
                <NavLink href=restatements current=on_restatements loads=true icon=Icon::Changes phrase=Phrase::Restatements test_id="nav-restatements"/>
                <NavLink href=bench(Bench::Verify) current=on(Bench::Verify) loads=true icon=Icon::Scales phrase=Phrase::Verify test_id="nav-verify"/>
                <Show when=move || operates.get()>
                    <NavLink href=bench(Bench::Jobs) current=on(Bench::Jobs) loads=true icon=Icon::Steps phrase=Phrase::Jobs test_id="nav-jobs"/>
                </Show>
                <NavLink href=bench(Bench::Health) current=on(Bench::Health) loads=true icon=Icon::Heart phrase=Phrase::Health test_id="nav-health"/>
                <NavLink href=bench(Bench::Settings) current=on(Bench::Settings) loads=true icon=Icon::Sliders phrase=Phrase::Settings test_id="nav-settings"/>
            </nav>
            <div class="sidebar-foot">
                <Choices/>
                <SignedIn/>
            </div>
        </aside>
    }
}

#[component]
fn NavLink(
    #[prop(into)] href: Signal<String>,
    #[prop(into)] current: Signal<bool>,
    icon: Icon,
    phrase: Phrase,
    test_id: &'static str,
    /// Whether the page is in the module that `boot.js` loads: it does so when somebody points at the link.
    #[prop(optional)]
    loads: bool,
) -> impl IntoView {
    view! {
        <a
            class="nav-link"
            data-loads=loads.then_some("")
            href=href
            data-testid=test_id
            aria-current=move || current.get().then_some("page")
        >
            <Glyph icon/>
            {t(phrase)}
        </a>
    }
}

/// Language and appearance.
#[component]
pub fn Choices() -> impl IntoView {
    let preferences: Preferences = expect_context();
    let languages = Lang::ALL.map(|lang| {
        view! {
            <option value=lang.tag() lang=lang.tag() selected=move || preferences.lang.get() == lang>
                {lang.name()}
            </option>
        }
    });
    let themes = Theme::ALL.map(|theme| {
        view! {
            <option value=theme.name() selected=move || preferences.theme.get() == theme>{t(theme.phrase())}</option>
        }
    });
    view! {
        <div class="choices">
            <select
                class="select quiet"
                data-testid="language"
                aria-label=t(Phrase::Language)
                title=t(Phrase::Language)
                on:change=move |event| {
                    if let Some(lang) = Lang::of_tag(&event_target_value(&event)) {
                        preferences.choose_lang(lang);
                    }
                }
            >
                {languages}
            </select>
            <select
                class="select quiet"
                data-testid="theme"
                aria-label=t(Phrase::Theme)
                title=t(Phrase::Theme)
                on:change=move |event| {
                    if let Some(theme) = Theme::parse(&event_target_value(&event)) {
                        preferences.choose_theme(theme);
                    }
                }
            >
                {themes}
            </select>
        </div>
    }
}

/// Who is signed in, and the way out.
#[component]
fn SignedIn() -> impl IntoView {
    let session = Session::expect();
    let failure = RwSignal::new(None::<Failure>);
    let role = move || match session.who.get() {
        Who::Somebody(Role::Admin, _) => Some(Phrase::RoleAdmin.text(browser::lang())),
        Who::Somebody(Role::Analyst, _) => Some(Phrase::RoleAnalyst.text(browser::lang())),
        _ => None,
    };
    let scope = move || session.own_scope().map(|scope| scope_text(&scope, session, browser::lang()));
    let sign_out = move |_| {
        spawn_local(async move {
            // After success this part of the page is gone.
            if let Err(reason) = session.sign_out().await {
                failure.set(Some(reason));
            }
        });
    };
    view! {
        <div class="signed-in">
            <div class="who" data-testid="who">
                <span class="who-scope">{scope}</span>
                <span class="who-role">{role}</span>
            </div>
            <button
                type="button"
                class="icon-button"
                data-testid="sign-out"
                aria-label=t(Phrase::SignOut)
                title=t(Phrase::SignOut)
                on:click=sign_out
            >
                <Glyph icon=Icon::Exit/>
            </button>
        </div>
        {move || failure.get().map(|failure| view! {
            <p class="field-error" role="alert">{super::notice::failure_text(&failure, browser::lang())}</p>
        })}
    }
}
