//! The root of a page of a module of its own: the contexts that pages need, filled by what the dashboard tells.

use std::cell::Cell;
use std::rc::Rc;

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use leptos::mount::{UnmountHandle, mount_to};
use leptos::prelude::*;
use serde::Deserialize as _;
use wasm_bindgen::JsValue;

use super::cubes::Cubes;
use super::icon::{Glyph, Icon};
use super::notebook::NotebookPage;
use super::notice::failure_text;
use crate::api::failure::Failure;
use crate::api::session::{Session, Who};
use crate::browser::{self, Preferences, t};
use crate::lang::Lang;
use crate::phrase::Phrase;
use crate::state::bench::{Bench, Told};

/// Where the dashboard is, in the context of a page.
#[derive(Clone, Copy)]
pub struct Desk {
    /// What it told last.
    pub told: RwSignal<Told>,
}

impl Desk {
    /// The desk of the page around.
    pub fn expect() -> Desk {
        expect_context()
    }

    /// The scope, as the parameter of an address: `scope=advertiser:acme`.
    pub fn scope(self) -> String {
        format!("scope={}", crate::state::params::encode(&self.told.read().scope))
    }

    /// Whether the reader may change what belongs to the scope.
    pub fn may_change(self) -> bool {
        self.told.read().may_change
    }

    /// Goes to another state of the page, which back leaves again.
    pub fn go(self, own: &str) {
        let href = self.told.with_untracked(|told| told.href(&told.path, own));
        browser::go(&href);
    }
}

/// A page that stands in an element, until it is dropped.
pub struct Page {
    inside: Option<(Desk, Preferences)>,
    _mounted: Box<dyn std::any::Any>,
}

impl Page {
    /// The dashboard is about something else now.
    pub fn tell(&self, told: &JsValue) {
        let (told, Some((desk, preferences))) = (read(told), self.inside) else { return };
        set_lang(preferences, &told);
        if *desk.told.read_untracked() != told {
            desk.told.set(told);
        }
    }
}

/// Puts the page that is told of into an element.
pub fn open(root: web_sys::HtmlElement, told: &JsValue) -> Page {
    let told = read(told);
    let page = Bench::at(&told.path);
    let filled = Rc::new(Cell::new(None));
    let (first, fill) = (told, filled.clone());
    let mounted: UnmountHandle<_> = mount_to(root, move || {
        let preferences = Preferences::new();
        set_lang(preferences, &first);
        provide_context(preferences);
        let session = Session::new();
        let scope = Scope::parse(&first.scope).unwrap_or(Scope::Platform);
        session.who.set(Who::Somebody(if first.may_change { Role::Admin } else { Role::Analyst }, scope));
        provide_context(session);
        // The dashboard around asks who is signed in, and finds that nobody is any more.
        Effect::new(move |_| {
            if matches!(session.who.get(), Who::Nobody(_)) {
                browser::reload();
            }
        });
        let desk = Desk { told: RwSignal::new(first.clone()) };
        provide_context(desk);
        fill.set(Some((desk, preferences)));
        match page {
            Some(Bench::Sql) => view! { <NotebookPage/> }.into_any(),
            _ => view! { <Cubes/> }.into_any(),
        }
    });
    Page { inside: filled.get(), _mounted: Box::new(mounted) }
}

fn read(told: &JsValue) -> Told {
    Told::deserialize(serde_wasm_bindgen::Deserializer::from(told.clone())).unwrap_or_default()
}

fn set_lang(preferences: Preferences, told: &Told) {
    if let Some(lang) = Lang::of_tag(&told.lang).filter(|lang| *lang != preferences.lang.get_untracked()) {
        preferences.lang.set(lang);
    }
}

/// An error, or that something may not be seen.
#[component]
pub fn Trouble(
    /// What went wrong.
    failure: Failure,
    /// Tries again.
    on_retry: Callback<()>,
) -> impl IntoView {
    let is_forbidden = failure.is_forbidden();
    let (icon, title, id) = match is_forbidden {
        true => (Icon::Lock, Phrase::NoAccessTitle, "state-no-access"),
        false => (Icon::Alert, Phrase::ErrorTitle, "state-error"),
    };
    let code = failure.code();
    view! {
        <div class="notice" role="alert" data-testid=id>
            <span class="notice-icon"><Glyph icon/></span>
            <h2>{t(title)}</h2>
            <p data-testid="problem-detail">{move || failure_text(&failure, browser::lang())}</p>
            <p><code data-testid="problem-code">{code}</code></p>
            <Show when=move || !is_forbidden>
                <button type="button" class="button" data-testid="retry" on:click=move |_| on_retry.run(())>
                    <Glyph icon=Icon::Refresh/>
                    {t(Phrase::Retry)}
                </button>
            </Show>
        </div>
    }
}
