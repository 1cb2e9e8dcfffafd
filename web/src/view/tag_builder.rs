//! How to send the first event, and whether it has come.

use adtally_wire::api::EventList;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::browser::{self, t};
use crate::clock;
use crate::model::edits::snippet;
use crate::phrase::Phrase;
use crate::state::params::Params;

/// A snippet to copy; it says when an event has arrived since the page was opened.
#[component]
pub fn TagBuilder(
    /// Whose events.
    advertiser: String,
) -> impl IntoView {
    let live: Live = expect_context();
    let opened = clock::now_ms();
    let mut params = Params::default();
    params.push("advertiser", &advertiser);
    params.push("from", opened - 600_000);
    params.push("limit", 1);
    let address = params.after("/v1/events");
    let newest = Fetch::<EventList>::new(move || Some(address.clone()), move || live.tick.track());
    let received = move || {
        let shown = newest.shown.read();
        let event = &shown.as_ref()?.events.first()?.event;
        let at = adtally_core::time::parse_rfc3339(&event.received)?;
        (at >= opened).then(|| event.id.clone())
    };
    let origin = window().location().origin().unwrap_or_default();
    let text = snippet(&origin, &advertiser);
    let said = move || match received() {
        Some(id) => Phrase::FirstReceived.with(browser::lang(), &[&id]),
        None => Phrase::WaitingForFirst.text(browser::lang()).to_string(),
    };
    view! {
        <section class="card" data-testid="tag-builder">
            <div class="card-head"><h2>{t(Phrase::TagBuilder)}</h2><CopyButton text=text.clone()/></div>
            <div class="card-body">
                <p class="hint">{t(Phrase::TagHint)}</p>
                <pre class="snippet" tabindex="0">{text}</pre>
                <p
                    role="status"
                    class="state"
                    data-testid="first-event"
                    data-state=move || if received().is_some() { "counted" } else { "waiting" }
                >
                    {said}
                </p>
            </div>
        </section>
    }
}

/// Copies a text.
#[component]
pub fn CopyButton(
    /// What.
    text: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let text = text.clone();
        spawn_local(async move { copied.set(browser::copy(&text).await) });
    };
    let phrase = move || if copied.get() { Phrase::Copied } else { Phrase::Copy };
    view! {
        <button type="button" class="button" on:click=copy>
            <Glyph icon=Icon::Check/>
            {move || phrase().text(browser::lang())}
        </button>
    }
}
