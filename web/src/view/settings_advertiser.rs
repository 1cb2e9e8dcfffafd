//! The name, currency and windows of an advertiser.

use adtally_core::key::Key;
use adtally_core::time::HOUR_MS;
use adtally_wire::api::Advertiser;
use adtally_wire::catalog;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::settings::{Field, Outcome, Said, saved};
use crate::api::session::Session;
use crate::browser::t;
use crate::model::edits::{hours_of, ms_of};
use crate::phrase::Phrase;
use crate::state::params::encode;

/// A form of what an advertiser has.
#[component]
pub fn AdvertiserCard(
    /// Whose.
    key: String,
    /// Whether the reader is an admin.
    may_change: Memo<bool>,
) -> impl IntoView {
    let session = Session::expect();
    // Saving makes the catalog another, and the form is to say that it is saved.
    let known = session.catalog.get_untracked().unwrap_or_default();
    let found = known.advertisers.iter().find(|advertiser| advertiser.key == key).cloned();
    // Events may come before anybody has named their advertiser: then defaults hold, and saving puts it into the catalog.
    let defaults = || Some(catalog::advertiser::unknown(&Key::parse(&key).ok()?));
    found.or_else(defaults).map(|advertiser| view! { <Form advertiser may_change/> })
}

#[component]
fn Form(advertiser: Advertiser, may_change: Memo<bool>) -> impl IntoView {
    let session = Session::expect();
    let text = |text: String| RwSignal::new(text);
    let (name, currency) = (text(advertiser.name.clone()), text(advertiser.currency.clone()));
    let click = text(hours_of(advertiser.click_window_ms, HOUR_MS));
    let by_click = text(hours_of(advertiser.conversion_click_window_ms, HOUR_MS));
    let by_view = text(hours_of(advertiser.conversion_view_window_ms, HOUR_MS));
    let outcome = RwSignal::new(Outcome::Open);
    let address = format!("/v1/advertisers/{}", encode(&advertiser.key).replace('/', "%2F"));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let ms = |text: RwSignal<String>, old: i64| ms_of(&text.read_untracked(), HOUR_MS).unwrap_or(old);
        let body = Advertiser {
            name: name.get_untracked(),
            currency: currency.get_untracked(),
            click_window_ms: ms(click, advertiser.click_window_ms),
            conversion_click_window_ms: ms(by_click, advertiser.conversion_click_window_ms),
            conversion_view_window_ms: ms(by_view, advertiser.conversion_view_window_ms),
            ..advertiser.clone()
        };
        let address = address.clone();
        spawn_local(async move {
            let result = session.client.send::<Advertiser>(Method::PUT, &address, &body).await;
            outcome.set(saved(result));
        });
    };
    view! {
        <section class="card" data-testid="advertiser-settings">
            <div class="card-head"><h2>{t(Phrase::Windows)}</h2></div>
            <form class="card-body" on:submit=submit>
                <p class="hint">{t(Phrase::WindowsHint)}</p>
                <div class="form">
                    <Field phrase=Phrase::Name test_id="advertiser-name" value=name/>
                    <Field phrase=Phrase::Currency test_id="advertiser-currency" value=currency/>
                    <Field phrase=Phrase::ClickWindow test_id="click-window" value=click/>
                    <Field phrase=Phrase::ConversionClickWindow test_id="conversion-click-window" value=by_click/>
                    <Field phrase=Phrase::ConversionViewWindow test_id="conversion-view-window" value=by_view/>
                    <button type="submit" class="button primary" data-testid="save-advertiser" disabled=move || !may_change.get()>
                        {t(Phrase::Save)}
                    </button>
                </div>
                <Said outcome/>
            </form>
        </section>
    }
}
