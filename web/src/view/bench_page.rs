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
use super::health::Health;
use super::icon::{Glyph, Icon};
use super::jobs::Jobs;
use super::notebook::NotebookPage;
use super::notice::failure_text;
use super::place::CurrentPlace;
use super::restatements::Restatements;
use super::settings::Settings;
use super::verify::Verify;
use crate::address::Address;
use crate::api::failure::Failure;
use crate::api::live::Live;
use crate::api::session::{Session, Who};
use crate::browser::{self, Preferences, t};
use crate::lang::Lang;
use crate::phrase::Phrase;
use crate::state::bench::{Bench, Heard, LISTS, Told};

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

/// What pages read of the dashboard around, in this module.
#[derive(Clone, Copy)]
struct Inside {
    desk: Desk,
    preferences: Preferences,
    session: Session,
    address: Address,
    live: Live,
}

impl Inside {
    /// The contexts of a page, before it is told anything.
    fn provide(first: &Told) -> Inside {
        let inside = Inside {
            desk: Desk { told: RwSignal::new(first.clone()) },
            preferences: Preferences::told(Lang::of_tag(&first.lang).unwrap_or(Lang::En)),
            session: Session::new(),
            address: Address::told(&first.path, &first.search),
            live: Live::off(),
        };
        provide_context(inside.preferences);
        provide_context(inside.session);
        provide_context(inside.live);
        provide_context(inside.desk);
        provide_context(CurrentPlace::at(inside.address));
        inside
    }

    /// Takes what is told, as far as it is another.
    fn take(self, told: Told, lists: JsValue) {
        if let Some(lang) =
            Lang::of_tag(&told.lang).filter(|lang| *lang != self.preferences.lang.get_untracked())
        {
            self.preferences.lang.set(lang);
        }
        let role = if told.may_change { Role::Admin } else { Role::Analyst };
        let who = Who::Somebody(role, Scope::parse(&told.own).unwrap_or(Scope::Platform));
        if *self.session.who.read_untracked() != who {
            self.session.who.set(who);
        }
        self.session.take_lists(lists);
        let at = (told.path.clone(), told.search.clone());
        if *self.address.at.read_untracked() != at {
            self.address.at.set(at);
        }
        if *self.desk.told.read_untracked() != told {
            self.desk.told.set(told);
        }
    }
}

/// A page that stands in an element, until it is dropped.
pub struct Page {
    inside: Option<Inside>,
    _mounted: Box<dyn std::any::Any>,
}

impl Page {
    /// The dashboard is about something else now.
    pub fn tell(&self, told: &JsValue) {
        if let Some(inside) = self.inside {
            inside.take(read(told), lists(told));
        }
    }

    /// The live channel said something.
    pub fn hear(&self, heard: &JsValue) {
        let heard = Heard::deserialize(serde_wasm_bindgen::Deserializer::from(heard.clone()));
        if let (Some(inside), Ok(heard)) = (self.inside, heard) {
            inside.live.hear(heard);
        }
    }
}

/// Puts the page that is told of into an element.
pub fn open(root: web_sys::HtmlElement, told: &JsValue) -> Page {
    let (first, lists) = (read(told), lists(told));
    let filled = Rc::new(Cell::new(None));
    let fill = filled.clone();
    let mounted: UnmountHandle<_> = mount_to(root, move || {
        let inside = Inside::provide(&first);
        fill.set(Some(inside));
        let page = Bench::at(&first.path);
        inside.take(first, lists);
        // The dashboard around asks who is signed in, and finds that nobody is any more.
        Effect::new(move |_| {
            if matches!(inside.session.who.get(), Who::Nobody(_)) {
                browser::announce(browser::SESSION_ENDED);
            }
        });
        match page {
            Some(Bench::Sql) => NotebookPage().into_any(),
            Some(Bench::Restatements) => Restatements().into_any(),
            Some(Bench::Verify) => Verify().into_any(),
            Some(Bench::Jobs) => Jobs().into_any(),
            Some(Bench::Health) => Health().into_any(),
            Some(Bench::Settings) => Settings().into_any(),
            Some(Bench::Cubes) | None => Cubes().into_any(),
        }
    });
    Page { inside: filled.get(), _mounted: Box::new(mounted) }
}

fn read(told: &JsValue) -> Told {
    Told::deserialize(serde_wasm_bindgen::Deserializer::from(told.clone())).unwrap_or_default()
}

fn lists(told: &JsValue) -> JsValue {
    js_sys::Reflect::get(told, &LISTS.into()).unwrap_or(JsValue::UNDEFINED)
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
