//! Where a page of a module of its own stands.

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;
use wasm_bindgen::JsValue;

use super::icon::{Glyph, Icon};
use super::notice::Coming;
use super::place::CurrentPlace;
use super::shell::PageHead;
use crate::api::bench::{Mounted, mount};
use crate::api::live::Live;
use crate::api::session::{Session, Who};
use crate::browser::{self, t};
use crate::phrase::Phrase;
use crate::state::bench::{Bench, LISTS, Told};
use crate::state::params::Params;
use crate::state::place::Place;

/// The head of such a page, and the element that it is put into.
#[component]
pub fn BenchHost(
    /// Which page.
    page: Bench,
) -> impl IntoView {
    let (told, session) = (told(page), Session::expect());
    let root = NodeRef::<Div>::new();
    let page_there = StoredValue::new_local(None::<Mounted>);
    let (is_there, is_lost, again) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(0_u32));
    let live: Live = expect_context();
    Effect::new(move |asked: Option<Option<u32>>| {
        let (Some(element), Some(now)) = (root.get(), told.get()) else { return None };
        let attempt = again.get();
        // A catalog that is another is told too.
        session.catalog.track();
        if page_there.with_value(Option::is_some) {
            page_there.with_value(|there| there.iter().for_each(|there| there.tell(&js(&now, session))));
        } else if asked.flatten() != Some(attempt) {
            is_lost.set(false);
            spawn_local(async move {
                let mounted = mount(&element, &js(&now, session)).await;
                is_lost.try_set(mounted.is_none());
                is_there.try_set(mounted.is_some());
                let Some(mounted) = mounted else { return };
                told.try_with_untracked(|told| told.iter().for_each(|told| mounted.tell(&js(told, session))));
                mounted.hear(&plain(&untrack(|| live.heard())));
                // Somebody may have gone to another page meanwhile: then it comes back.
                if let Some(unused) = page_there.try_set_value(Some(mounted)) {
                    unused.iter().for_each(Mounted::leave);
                }
            });
        }
        Some(attempt)
    });
    Effect::new(move |_| {
        let heard = live.heard();
        page_there.with_value(|there| there.iter().for_each(|there| there.hear(&plain(&heard))));
    });
    on_cleanup(move || {
        let there = page_there.try_update_value(Option::take).flatten();
        there.iter().for_each(Mounted::leave);
    });
    let (title, hint) = head(page);
    view! {
        <div class="bench">
            <PageHead title/>
            {hint.map(|hint| view! { <p class="page-note">{t(hint)}</p> })}
            <Show when=move || !is_there.get() && !is_lost.get()>
                <Coming/>
            </Show>
            <Show when=move || is_lost.get()>
                <section class="card"><div class="notice error" role="alert" data-testid="state-error">
                    <span class="notice-icon"><Glyph icon=Icon::Alert/></span>
                    <h2>{t(Phrase::BenchLost)}</h2>
                    <button type="button" class="button" on:click=move |_| again.update(|count| *count += 1)>
                        <Glyph icon=Icon::Refresh/>
                        {t(Phrase::Retry)}
                    </button>
                </div></section>
            </Show>
            <div node_ref=root></div>
        </div>
    }
}

/// The name of a page, and what it is for.
fn head(page: Bench) -> (Phrase, Option<Phrase>) {
    match page {
        Bench::Cubes => (Phrase::Cubes, Some(Phrase::CubesHint)),
        Bench::Sql => (Phrase::Notebook, Some(Phrase::NotebookHint)),
        Bench::Restatements => (Phrase::Restatements, Some(Phrase::RestatementsHint)),
        Bench::Verify => (Phrase::Verify, Some(Phrase::VerifyHint)),
        Bench::Jobs => (Phrase::Jobs, None),
        Bench::Health => (Phrase::Health, None),
        Bench::Settings => (Phrase::Settings, None),
    }
}

/// Where the dashboard is.
fn told(page: Bench) -> Memo<Option<Told>> {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    Memo::new(move |_| {
        let (setting, here) = (place.setting.get()?, place.place.get()?);
        let mut of_frame = Params::default();
        here.frame().write(&mut of_frame);
        let href = here.href();
        let search = href.split_once('?').map_or(String::new(), |(_, search)| format!("?{search}"));
        let rest = match &here {
            Place::Bench(_, _, rest) => rest.to_string(),
            _ => String::new(),
        };
        (here.path() == page.path()).then(|| Told {
            path: page.path().to_string(),
            search,
            query: rest,
            frame: of_frame.to_string(),
            scope: setting.scope.to_string(),
            tz: setting.tz.clone(),
            from: setting.span.from.to_string(),
            to: setting.span.to.to_string(),
            lang: browser::lang().tag().to_string(),
            own: session.own_scope().map(|scope| scope.to_string()).unwrap_or_default(),
            may_change: matches!(session.who.get(), Who::Somebody(Role::Admin, _)),
            operates: session.own_scope() == Some(Scope::Platform),
        })
    })
}

/// With the lists of the catalog as they came: they may be long, and are read again only where they are others.
fn js(told: &Told, session: Session) -> JsValue {
    let value = plain(told);
    // Only what is no object refuses a property.
    let _ = js_sys::Reflect::set(&value, &LISTS.into(), &session.lists());
    value
}

fn plain(told: &impl Serialize) -> JsValue {
    // Texts, numbers and truths: they can be told.
    told.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}
