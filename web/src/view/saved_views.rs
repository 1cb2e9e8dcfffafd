//! Views that this browser remembers by name.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::popover::Popover;
use crate::browser::{self, t};
use crate::phrase::Phrase;

/// Saves the address of the page under a name, and goes to those that were saved.
#[component]
pub fn SavedViews() -> impl IntoView {
    let open = RwSignal::new(false);
    let text = Signal::derive(move || t(Phrase::SavedViews)().to_string());
    view! {
        <Popover open icon=Icon::Layers test_id="saved-views" label=text text class="button">
            <List/>
        </Popover>
    }
}

#[component]
fn List() -> impl IntoView {
    let views = RwSignal::new(browser::saved_views());
    let name = RwSignal::new(String::new());
    let keep = move |changed: Vec<(String, String)>| {
        browser::save_views(&changed);
        views.set(changed);
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let name = name.get_untracked().trim().to_string();
        let location = window().location();
        let address = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        if !name.is_empty() {
            let mut changed = views.get_untracked();
            changed.retain(|(known, _)| *known != name);
            changed.push((name, address));
            keep(changed);
        }
    };
    let line = move |(name, address): (String, String)| {
        let removed = name.clone();
        let label = move || Phrase::Remove.with(browser::lang(), &[&removed]);
        let gone = name.clone();
        let remove = move |_| {
            let mut changed = views.get_untracked();
            changed.retain(|(known, _)| *known != gone);
            keep(changed);
        };
        view! {
            <div class="option">
                <a class="grow" href=address data-testid="saved-view">{name}</a>
                <button type="button" class="icon-button" aria-label=label on:click=remove><Glyph icon=Icon::Cross/></button>
            </div>
        }
    };
    view! {
        <form class="save-form" on:submit=submit>
            <input
                class="input"
                data-testid="view-name"
                aria-label=t(Phrase::SavedViewName)
                placeholder=t(Phrase::SavedViewName)
                prop:value=name
                on:input=move |event| name.set(event_target_value(&event))
            />
            <button type="submit" class="button primary" data-testid="save-view">{t(Phrase::SaveView)}</button>
        </form>
        <Show when=move || !views.read().is_empty() fallback=move || view! { <p class="panel-empty">{t(Phrase::NoSavedViews)}</p> }>
            <div class="options">{move || views.get().into_iter().map(line).collect_view()}</div>
        </Show>
    }
}
