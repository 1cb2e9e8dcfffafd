//! Whose figures: for platform users, who may look at anybody's.

use adtally_core::cell::{Dimension, Scope};
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::place::{CurrentPlace, scope_text};
use super::popover::Popover;
use super::show::Show;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::model::catalog::Catalog;
use crate::phrase::Phrase;
use crate::state::frame::Frame;

/// A choice of scopes; others than platform users see only the name of theirs.
#[component]
pub fn ScopePicker() -> impl IntoView {
    let (session, place) = (Session::expect(), CurrentPlace::expect());
    let may_choose = Memo::new(move |_| session.own_scope() == Some(Scope::Platform));
    let scope = Memo::new(move |_| place.setting.get().map(|setting| setting.scope));
    let text = Signal::derive(move || {
        scope.get().map(|scope| scope_text(&scope, session, browser::lang())).unwrap_or_default()
    });
    let open = RwSignal::new(false);
    let choose = Callback::new(move |scope: Scope| {
        open.set(false);
        // The token's own scope is left out of the address, so that the link serves others too.
        let scope = Some(scope).filter(|scope| *scope != Scope::Platform);
        // Another advertiser has another zone of its own.
        place.change_frame(|frame| Frame { scope, tz: None, ..frame });
    });
    view! {
        <Show
            when=move || may_choose.get()
            fallback=move || view! { <span class="badge" data-testid="scope"><Glyph icon=Icon::Layers/>{text}</span> }
        >
            <Popover
                open
                icon=Icon::Layers
                test_id="scope-picker"
                label=Signal::derive(move || t(Phrase::Scope)().to_string())
                text
            >
                <ScopeList chosen=scope choose/>
            </Popover>
        </Show>
    }
}

#[component]
fn ScopeList(chosen: Memo<Option<Scope>>, choose: Callback<Scope>) -> impl IntoView {
    let session = Session::expect();
    let wanted = RwSignal::new(String::new());
    let groups = move || {
        let catalog = session.catalog.get().unwrap_or_default();
        let wanted = wanted.read().to_lowercase();
        let groups: Vec<_> = scopes(&catalog)
            .into_iter()
            .map(|(heading, scopes)| {
                let fits = |scope: &Scope| {
                    let name = scope_text(scope, session, browser::lang()).to_lowercase();
                    name.contains(&wanted) || scope.to_string().contains(&wanted)
                };
                (heading, scopes.into_iter().filter(fits).collect::<Vec<_>>())
            })
            .filter(|(_, scopes)| !scopes.is_empty())
            .collect();
        if groups.is_empty() {
            return view! { <p class="panel-empty">{t(Phrase::NothingFound)}</p> }.into_any();
        }
        let group = |(heading, scopes): (Phrase, Vec<Scope>)| {
            let options =
                scopes.into_iter().map(|scope| view! { <ScopeOption scope chosen choose/> }).collect_view();
            view! { <div class="options"><h3>{t(heading)}</h3>{options}</div> }
        };
        groups.into_iter().map(group).collect_view().into_any()
    };
    view! {
        <input
            class="input"
            type="search"
            data-testid="scope-search"
            placeholder=t(Phrase::FindScope)
            aria-label=t(Phrase::FindScope)
            prop:value=wanted
            on:input=move |event| wanted.set(event_target_value(&event))
        />
        <div class="panel-scroll">{groups}</div>
    }
}

#[component]
fn ScopeOption(scope: Scope, chosen: Memo<Option<Scope>>, choose: Callback<Scope>) -> impl IntoView {
    let session = Session::expect();
    let name = scope.clone();
    let mine = scope.clone();
    let is_chosen = Memo::new(move |_| chosen.get().as_ref() == Some(&mine));
    view! {
        <button
            type="button"
            class="option"
            data-testid="scope-option"
            data-scope=scope.to_string()
            aria-current=move || is_chosen.get().then_some("true")
            on:click=move |_| choose.run(scope.clone())
        >
            <span>{move || scope_text(&name, session, browser::lang())}</span>
            <Show when=move || is_chosen.get()><Glyph icon=Icon::Check/></Show>
        </button>
    }
}

/// Every scope that the catalog knows, by kind.
pub fn scopes(catalog: &Catalog) -> Vec<(Phrase, Vec<Scope>)> {
    let of = |dimension: Dimension, keys: Vec<&str>| {
        keys.into_iter().filter_map(|key| Scope::parse(&format!("{}:{key}", dimension.name()))).collect()
    };
    let advertisers = catalog.advertisers.iter().map(|found| found.key.as_str()).collect();
    let services = catalog.services.iter().map(|found| found.key.as_str()).collect();
    vec![
        (Phrase::Scope, vec![Scope::Platform]),
        (Phrase::ScopeAdvertisers, of(Dimension::Advertiser, advertisers)),
        (Phrase::ScopeServices, of(Dimension::Service, services)),
    ]
}
