//! What is around every page.

use adtally_core::cell::Scope;
use leptos::prelude::*;

use super::bench::BenchHost;
use super::events::Events;
use super::explore::Explore;
use super::icon::{Glyph, Icon, Mark};
use super::notice::{LinkNotice, NotYours};
use super::overview::Overview;
use super::place::CurrentPlace;
use super::report::Report;
use super::show::Show;
use super::sidebar::Sidebar;
use crate::api::live::Live;
use crate::api::session::Session;
use crate::browser::t;
use crate::model::closed::closed;
use crate::phrase::Phrase;
use crate::state::bench::Bench;
use crate::state::place::Place;

/// The sidebar and the page beside it, for somebody who is signed in.
#[component]
pub fn Shell() -> impl IntoView {
    let place = CurrentPlace::follow();
    provide_context(place);
    let session = Session::expect();
    let why_closed = Memo::new(move |_| closed(place.place.read().as_ref()?, &session.own_scope()?));
    let followed =
        move || place.setting.get().map(|setting| setting.scope).filter(|_| why_closed.get().is_none());
    provide_context(Live::follow(followed));
    let advertiser = Memo::new(move |_| match followed()? {
        Scope::Advertiser(key) => Some(key.to_string()),
        Scope::Platform | Scope::Service(_) => None,
    });
    Effect::new(move |_| session.name_ads_of(advertiser.get()));
    // Another state of a page is the same page.
    let path = Memo::new(move |_| place.place.read().as_ref().map(Place::path));
    let menu = RwSignal::new(false);
    let menu_label = move || if menu.get() { Phrase::CloseMenu } else { Phrase::OpenMenu };
    view! {
        <a class="skip" href="#content">{t(Phrase::SkipToContent)}</a>
        <div class="shell" on:keydown=move |event| {
            if event.key() == "Escape" {
                menu.set(false);
            }
        }>
            <header class="phone-bar">
                <span class="brand"><Mark/><span>{t(Phrase::AppName)}</span></span>
                <button
                    type="button"
                    class="icon-button"
                    data-testid="menu"
                    aria-controls="sidebar"
                    aria-expanded=move || if menu.get() { "true" } else { "false" }
                    aria-label=move || menu_label().text(crate::browser::lang())
                    on:click=move |_| menu.update(|open| *open = !*open)
                >
                    {move || {
                        let icon = if menu.get() { Icon::Cross } else { Icon::Menu };
                        view! { <Glyph icon/> }
                    }}
                </button>
            </header>
            <Sidebar open=menu/>
            <Show when=move || menu.get()>
                <div class="veil" on:click=move |_| menu.set(false)></div>
            </Show>
            <main class="page" id="content" tabindex="-1">
                <LinkNotice/>
                {move || match why_closed.get() {
                    Some(text) => view! { <section class="card closed"><NotYours text/></section> }.into_any(),
                    None => page(path.get()),
                }}
            </main>
        </div>
    }
}

fn page(path: Option<&'static str>) -> AnyView {
    match path {
        Some("/") => Overview().into_any(),
        Some("/explore") => Explore().into_any(),
        Some("/report") => Report().into_any(),
        Some("/events") => Events().into_any(),
        path => match path.and_then(Bench::at) {
            Some(page) => view! { <BenchHost page/> }.into_any(),
            None => Missing().into_any(),
        },
    }
}

#[component]
fn Missing() -> impl IntoView {
    view! {
        <div class="card">
            <div class="notice" data-testid="state-missing">
                <span class="notice-icon"><Glyph icon=Icon::Inbox/></span>
                <h1>{t(Phrase::PageNotFound)}</h1>
                <p>{t(Phrase::PageNotFoundHint)}</p>
                <a class="button" href="/">{t(Phrase::GoToOverview)}</a>
            </div>
        </div>
    }
}

/// The title of a page with what it is about: whose figures, of which days.
#[component]
pub fn PageHead(
    /// Its name.
    title: Phrase,
    /// More controls.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    Effect::new(move |_| {
        let lang = crate::browser::lang();
        document().set_title(&format!("{} · {}", title.text(lang), Phrase::AppName.text(lang)));
    });
    view! {
        <div class="page-head">
            <h1>{t(title)}</h1>
            <div class="page-controls">
                {children.map(|children| children())}
                <super::scope_picker::ScopePicker/>
                <super::range_picker::RangePicker/>
            </div>
        </div>
    }
}
