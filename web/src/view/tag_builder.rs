//! Snippets that send events, and whether the first one has come.

use adtally_wire::api::{EventList, NewLink, SignedLink};
use adtally_wire::quarantine::RejectedList;
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon};
use super::notice::failure_text;
use super::settings::Field;
use super::show::Show;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::api::session::Session;
use crate::browser::{self, beat, t};
use crate::clock;
use crate::model::tags::{Tag, Way};
use crate::phrase::Phrase;

/// How often is looked for an event that was refused, of which the live channel says nothing.
const FOLLOW_MS: u32 = 3_000;
/// What stands for the key until somebody fills it in.
const KEY: &str = "WRITE_KEY";

/// What is filled in.
#[derive(Clone, Copy)]
struct Form {
    advertiser: StoredValue<String>,
    way: RwSignal<Way>,
    campaign: RwSignal<String>,
    ad: RwSignal<String>,
    service: RwSignal<String>,
    placement: RwSignal<String>,
    to: RwSignal<String>,
    link: RwSignal<Option<String>>,
    refused: RwSignal<Option<Failure>>,
}

impl Form {
    fn tag(self) -> Tag {
        let text = |field: RwSignal<String>| field.read().trim().to_string();
        Tag {
            origin: window().location().origin().unwrap_or_default(),
            key: KEY.to_string(),
            advertiser: self.advertiser.get_value(),
            campaign: text(self.campaign),
            ad: text(self.ad),
            service: text(self.service),
            placement: text(self.placement),
            link: self.link.get(),
        }
    }
}

fn way_phrase(way: Way) -> Phrase {
    match way {
        Way::Pixel => Phrase::WayPixel,
        Way::ViewPixel => Phrase::WayView,
        Way::Redirect => Phrase::WayRedirect,
        Way::Postback => Phrase::WayPostback,
        Way::Beacon => Phrase::WayBeacon,
        Way::Snowplow => Phrase::WaySnowplow,
        Way::Server => Phrase::WayServer,
    }
}

/// Snippets to copy for what is filled in; it says when an event of them has arrived since the page was opened.
#[component]
pub fn TagBuilder(
    /// Whose events.
    advertiser: String,
    /// Whether the reader is an admin, who alone can sign links.
    may_change: Memo<bool>,
) -> impl IntoView {
    let empty = || RwSignal::new(String::new());
    let form = Form {
        advertiser: StoredValue::new(advertiser),
        way: RwSignal::new(Way::Pixel),
        campaign: empty(),
        ad: RwSignal::new("ad-1".to_string()),
        service: empty(),
        placement: empty(),
        to: empty(),
        link: RwSignal::new(None),
        refused: RwSignal::new(None),
    };
    // A link is signed for what it names.
    Effect::new(move |_| {
        let named = [form.campaign, form.ad, form.service, form.placement, form.to];
        named.iter().for_each(|field| field.track());
        form.link.set(None);
    });
    let snippet = Memo::new(move |_| form.tag().snippet(form.way.get()));
    let text = move || snippet.get().unwrap_or_else(|| Phrase::SignFirst.text(browser::lang()).to_string());
    let ways = Way::ALL.map(|way| {
        view! { <option value=way.name() selected=move || form.way.get() == way>{t(way_phrase(way))}</option> }
    });
    let choose = move |event| {
        if let Some(way) = Way::parse(&event_target_value(&event)) {
            form.way.set(way);
        }
    };
    view! {
        <section class="card" data-testid="tag-builder">
            <div class="card-head">
                <h2>{t(Phrase::TagBuilder)}</h2>
                {move || snippet.get().map(|text| view! { <CopyButton text/> })}
            </div>
            <div class="card-body">
                <div class="form">
                    <label class="stacked">
                        <span>{t(Phrase::Way)}</span>
                        <select class="select" data-testid="tag-way" on:change=choose>{ways}</select>
                    </label>
                    <Show when=move || form.way.get().names_placement()>
                        <Field phrase=Phrase::Campaign test_id="tag-campaign" value=form.campaign/>
                        <Field phrase=Phrase::Ad test_id="tag-ad" value=form.ad/>
                        <Field phrase=Phrase::Service test_id="tag-service" value=form.service/>
                        <Field phrase=Phrase::Placement test_id="tag-placement" value=form.placement/>
                    </Show>
                    <Show when=move || form.way.get() == Way::Redirect><Sign form may_change/></Show>
                </div>
                <p class="hint">{t(Phrase::TagHint)}</p>
                <pre class="snippet" tabindex="0" data-testid="snippet" aria-label=t(Phrase::Snippet)>{text}</pre>
                <Watch form/>
            </div>
        </section>
    }
}

/// Where a click leads, signed by the server.
#[component]
fn Sign(form: Form, may_change: Memo<bool>) -> impl IntoView {
    let session = Session::expect();
    let sign = move |_| {
        let Tag { advertiser, campaign, ad, service, placement, .. } = form.tag();
        let body = NewLink { to: form.to.get_untracked(), advertiser, campaign, ad, service, placement };
        spawn_local(async move {
            match session.client.send::<SignedLink>(Method::POST, "/v1/links", &body).await {
                Ok(signed) => {
                    form.refused.set(None);
                    form.link.set(Some(signed.url));
                }
                Err(failure) => form.refused.set(Some(failure)),
            }
        });
    };
    view! {
        <Field phrase=Phrase::LeadsTo test_id="tag-to" value=form.to/>
        <button type="button" class="button primary" data-testid="sign-link" disabled=move || !may_change.get() on:click=sign>
            {t(Phrase::SignLink)}
        </button>
        {move || form.refused.get().map(|failure| view! {
            <p role="alert" class="field-error wide" data-testid="refused">{failure_text(&failure, browser::lang())}</p>
        })}
    }
}

/// Whether an event of the snippet has come since the page was opened, or one that had to be refused.
#[component]
fn Watch(form: Form) -> impl IntoView {
    let live: Live = expect_context();
    let opened = clock::now_ms();
    let ticks = beat(FOLLOW_MS);
    // By time of the event, which may be a little behind; that it came only now is told by its arrival.
    let newest = Fetch::<EventList>::new(
        move || Some(form.tag().newest(form.way.get(), opened - 600_000)),
        move || {
            live.tick.track();
            ticks.track();
        },
    );
    let refused = Fetch::<RejectedList>::new(move || Some(form.tag().refused(opened)), move || ticks.track());
    let received = Memo::new(move |_| {
        let shown = newest.shown.read();
        let event = &shown.as_ref()?.events.first()?.event;
        let at = adtally_core::time::parse_rfc3339(&event.received)?;
        (at >= opened).then(|| event.id.clone())
    });
    let wrong = Memo::new(move |_| {
        let shown = refused.shown.read();
        let first = shown.as_ref()?.rejected.first()?;
        Some(format!("{}: {}", first.code, first.message))
    });
    let said = move || match (received.get(), wrong.get()) {
        (Some(id), _) => Phrase::FirstReceived.with(browser::lang(), &[&id]),
        (None, Some(why)) => Phrase::FirstRefused.with(browser::lang(), &[&why]),
        (None, None) => Phrase::WaitingForFirst.text(browser::lang()).to_string(),
    };
    let state = move || match (received.read().is_some(), wrong.read().is_some()) {
        (true, _) => "counted",
        (false, true) => "failed",
        (false, false) => "waiting",
    };
    view! { <p role="status" class="state" data-testid="first-event" data-state=state>{said}</p> }
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
        <button type="button" class="button" data-testid="copy" on:click=copy>
            {move || if copied.get() { view! { <Glyph icon=Icon::Check/> } } else { view! { <Glyph icon=Icon::Copy/> } }}
            {move || phrase().text(browser::lang())}
        </button>
    }
}
