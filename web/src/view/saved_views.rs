//! States of a page under names, which everybody who sees the scope shares.

use adtally_core::cell::Scope;
use adtally_wire::catalog::view::{View, ViewPut, Views};
use gloo_net::http::Method;
use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;

use super::confirm::Confirmed;
use super::icon::{Glyph, Icon};
use super::notice::failure_text;
use super::place::CurrentPlace;
use super::popover::Popover;
use super::scheduled_export::ScheduledExport;
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::{Session, Who};
use crate::browser::{self, t};
use crate::model::saved::{address, href, list_address, query_of};
use crate::phrase::Phrase;

/// The pages whose tables can be exported.
const EXPORTED: &str = "report";

/// Saves the state of a page under a name, and goes to those that were saved.
#[component]
pub fn SavedViews(
    /// The page: `report`, `explore` or `events`.
    kind: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let text = Signal::derive(move || t(Phrase::SavedViews)().to_string());
    let exported = RwSignal::new(None::<View>);
    let panel = move || match exported.get() {
        Some(view) => view! { <ScheduledExport view exported/> }.into_any(),
        None => view! { <List kind exported open/> }.into_any(),
    };
    view! {
        <Popover open icon=Icon::Layers test_id="saved-views" label=text text class="button">
            {panel}
        </Popover>
    }
}

#[component]
fn List(kind: &'static str, exported: RwSignal<Option<View>>, open: RwSignal<bool>) -> impl IntoView {
    let (session, place) = (Session::expect(), CurrentPlace::expect());
    let views = Fetch::<Views>::new(move || Some(list_address(&place.setting.get()?.scope, kind)), || {});
    let name = RwSignal::new(String::new());
    let refused = RwSignal::new(None::<Failure>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (Some(setting), Some(here)) = (place.setting.get_untracked(), place.place.get_untracked()) else {
            return;
        };
        let named = name.get_untracked().trim().to_string();
        if named.is_empty() {
            return;
        }
        let body = ViewPut { kind: kind.to_string(), query: query_of(&here.href()) };
        spawn_local(async move {
            let answer =
                session.client.send::<View>(Method::PUT, &address(&setting.scope, &named), &body).await;
            if answer.is_ok() {
                name.set(String::new());
            }
            refused.set(answer.err());
            views.retry();
        });
    };
    let line = move |view: View| view_line(view, views, refused, exported);
    let is_empty =
        Memo::new(move |_| views.shown.read().as_ref().is_some_and(|shown| shown.views.is_empty()));
    let failure = move || refused.get().or_else(|| views.failure.get());
    view! {
        <form class="save-form" on:submit=submit>
            <input
                class="input"
                data-testid="view-name"
                aria-label=t(Phrase::SavedViewName)
                placeholder=t(Phrase::SavedViewName)
                maxlength="200"
                prop:value=name
                on:input=move |event| name.set(event_target_value(&event))
            />
            <button type="submit" class="button primary" data-testid="save-view">{t(Phrase::SaveView)}</button>
        </form>
        {move || failure().map(|failure| view! {
            <p role="alert" class="field-error" data-testid="refused">{failure_text(&failure, browser::lang())}</p>
        })}
        <Show when=move || views.shown.read().is_none() && views.failure.read().is_none()>
            <p class="panel-empty" data-testid="state-loading"><span class="skeleton wide"></span></p>
        </Show>
        <Show when=move || is_empty.get()><p class="panel-empty">{t(Phrase::NoSavedViews)}</p></Show>
        // Whoever goes to a view wants to see it.
        <div class="options panel-scroll" on:click=move |event| {
            if is_link(&event) {
                open.set(false);
            }
        }>
            {move || views.shown.get().map(|shown| shown.views.into_iter().map(line).collect_view())}
        </div>
    }
}

fn view_line(
    view: View,
    views: Fetch<Views>,
    refused: RwSignal<Option<Failure>>,
    exported: RwSignal<Option<View>>,
) -> impl IntoView {
    let session = Session::expect();
    let href = href(&view);
    // The server lets admins of the scope schedule it, and everybody who reads the scope see and download it.
    let may_export =
        Memo::new(move |_| matches!(session.who.get(), Who::Somebody(adtally_core::access::Role::Admin, _)));
    let can_export = view.kind == EXPORTED;
    let copied = RwSignal::new(false);
    let link = window().location().origin().unwrap_or_default() + &href;
    let copy = move |_| {
        let link = link.clone();
        spawn_local(async move { copied.set(browser::copy(&link).await) });
    };
    let gone = Scope::parse(&view.scope).map(|scope| address(&scope, &view.name));
    let remove = Callback::new(move |()| {
        let Some(gone) = gone.clone() else { return };
        spawn_local(async move {
            refused.set(session.client.delete(&gone).await.err());
            views.retry();
        });
    });
    let label = |phrase: Phrase| {
        let name = view.name.clone();
        move || phrase.with(browser::lang(), &[&name])
    };
    let remove_label = Phrase::Remove.with(browser::lang(), &[&view.name]);
    let copy_label = label(Phrase::CopyLinkOf);
    let (schedule_label, seen_label) = (label(Phrase::ExportOf), label(Phrase::ExportSeen));
    let export_label = move || if may_export.get() { schedule_label() } else { seen_label() };
    let schedule = {
        let view = view.clone();
        move |_| exported.set(Some(view.clone()))
    };
    let schedule = StoredValue::new(schedule);
    let export_label = StoredValue::new(export_label);
    view! {
        <div class="option" data-testid="saved" data-name=view.name.clone()>
            <a class="grow" href=href data-testid="saved-view">{view.name.clone()}</a>
            <Show when=move || can_export>
                <button
                    type="button"
                    class="icon-button"
                    data-testid="schedule-export"
                    aria-label=move || export_label.with_value(|label| label())
                    title=move || export_label.with_value(|label| label())
                    on:click=move |event| schedule.with_value(|schedule| schedule(event))
                >
                    <Glyph icon=Icon::Download/>
                </button>
            </Show>
            <button type="button" class="icon-button" data-testid="copy-link" aria-label=copy_label.clone() title=copy_label on:click=copy>
                {move || view! { <Glyph icon=if copied.get() { Icon::Check } else { Icon::Link }/> }}
            </button>
            <Confirmed phrase=Phrase::Remove label=remove_label sure=Phrase::DeleteSure test_id="remove-view" icon=Icon::Cross class="icon-button" deed=remove/>
        </div>
    }
}

fn is_link(event: &MouseEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| element.local_name() == "a")
}
