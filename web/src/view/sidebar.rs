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
use crate::state::place::{Place, Plain};
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
    let plain = move |page: Plain| Signal::derive(move || Place::Plain(page, place.frame()).href());
    let on = move |page: Plain| {
        Signal::derive(move || matches!(place.place.get(), Some(Place::Plain(here, _)) if here == page))
    };
    let bench = move |page: Bench| {
        let href = move || Place::Bench(page, place.frame(), Params::default()).href();
        let on = move || matches!(place.place.get(), Some(Place::Bench(here, ..)) if here == page);
        (Signal::derive(href), Signal::derive(on))
    };
    let ((sql, on_sql), (cubes, on_cubes)) = (bench(Bench::Sql), bench(Bench::Cubes));
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
                <NavLink href=sql current=on_sql icon=Icon::Prompt phrase=Phrase::Notebook test_id="nav-sql"/>
                <NavLink href=cubes current=on_cubes icon=Icon::Cube phrase=Phrase::Cubes test_id="nav-cubes"/>
                <NavLink href=restatements current=on_restatements icon=Icon::Changes phrase=Phrase::Restatements test_id="nav-restatements"/>
                <NavLink href=plain(Plain::Verify) current=on(Plain::Verify) icon=Icon::Scales phrase=Phrase::Verify test_id="nav-verify"/>
                <Show when=move || operates.get()>
                    <NavLink href=plain(Plain::Jobs) current=on(Plain::Jobs) icon=Icon::Steps phrase=Phrase::Jobs test_id="nav-jobs"/>
                </Show>
                <NavLink href=plain(Plain::Health) current=on(Plain::Health) icon=Icon::Heart phrase=Phrase::Health test_id="nav-health"/>
                <NavLink href=plain(Plain::Settings) current=on(Plain::Settings) icon=Icon::Sliders phrase=Phrase::Settings test_id="nav-settings"/>
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
) -> impl IntoView {
    view! {
        <a
            class="nav-link"
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
