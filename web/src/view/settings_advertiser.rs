//! An advertiser's name, currency, zone, windows and shards; and making a new one.

use adtally_core::key::Key;
use adtally_wire::api::Advertiser;
use adtally_wire::catalog;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::settings::{Field, Outcome, Said, saved};
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::intl;
use crate::model::edits::AdvertiserText;
use crate::phrase::Phrase;
use crate::state::params::{Params, encode};

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
    found.or_else(defaults).map(|advertiser| {
        let form = Form::of(&advertiser);
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            form.save(session, |_| {});
        };
        view! {
            <section class="card" data-testid="advertiser-settings">
                <div class="card-head"><h2>{t(Phrase::Windows)}</h2></div>
                <form class="card-body" on:submit=submit>
                    <Fields form/>
                    <button type="submit" class="button primary form-save" data-testid="save-advertiser" disabled=move || !may_change.get()>
                        {t(Phrase::Save)}
                    </button>
                    <Wrong form/>
                    <Said outcome=form.outcome/>
                </form>
            </section>
        }
    })
}

/// A form that makes an advertiser; for who operates the platform.
#[component]
pub fn NewAdvertiserCard() -> impl IntoView {
    let session = Session::expect();
    let empty = Key::parse("new").map(|key| catalog::advertiser::unknown(&key));
    let form = empty.ok().map(|advertiser| Form::of(&Advertiser { key: String::new(), ..advertiser }));
    let made = RwSignal::new(None::<String>);
    form.map(|form| {
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            let key = form.key.read_untracked().trim().to_string();
            let known = session.catalog.get_untracked().unwrap_or_default();
            // A `PUT` would change the one that is there.
            if known.advertisers.iter().any(|advertiser| advertiser.key == key) {
                form.wrong.set(Some((Phrase::AdvertiserExists, key)));
                return;
            }
            form.save(session, move |key| made.set(Some(key)));
        };
        view! {
            <section class="card wide-card" data-testid="new-advertiser">
                <div class="card-head"><h2>{t(Phrase::NewAdvertiser)}</h2></div>
                <form class="card-body" on:submit=submit>
                    <p class="hint">{t(Phrase::NewAdvertiserHint)}</p>
                    <div class="form first-fields"><Field phrase=Phrase::AdvertiserId test_id="advertiser-key" value=form.key is_required=true/></div>
                    <Fields form/>
                    <button type="submit" class="button primary form-save" data-testid="create-advertiser">{t(Phrase::CreateAdvertiser)}</button>
                    <Wrong form/>
                    <Said outcome=form.outcome/>
                    {move || made.get().map(made_text)}
                </form>
            </section>
        }
    })
}

/// That an advertiser is there now, and the way to what else it needs.
fn made_text(key: String) -> impl IntoView {
    let mut params = Params::default();
    params.push("scope", format!("advertiser:{key}"));
    let text = Phrase::AdvertiserMade.with(browser::lang(), &[&key]);
    view! {
        <p role="status" data-testid="advertiser-made">
            {text}" "<a class="link" href=params.after("/settings")>{t(Phrase::OpenItsSettings)}</a>
        </p>
    }
}

/// What is typed.
#[derive(Clone, Copy)]
struct Form {
    key: RwSignal<String>,
    name: RwSignal<String>,
    currency: RwSignal<String>,
    timezone: RwSignal<String>,
    shards: RwSignal<String>,
    windows: [RwSignal<String>; 3],
    repeats: [RwSignal<String>; 3],
    outcome: RwSignal<Outcome>,
    /// What cannot be sent as it is.
    wrong: RwSignal<Option<(Phrase, String)>>,
}

impl Form {
    fn of(advertiser: &Advertiser) -> Form {
        let text = AdvertiserText::of(advertiser);
        Form {
            key: RwSignal::new(text.key),
            name: RwSignal::new(text.name),
            currency: RwSignal::new(text.currency),
            timezone: RwSignal::new(text.timezone),
            shards: RwSignal::new(text.shards),
            windows: text.windows.map(RwSignal::new),
            repeats: text.repeats.map(RwSignal::new),
            outcome: RwSignal::new(Outcome::Open),
            wrong: RwSignal::new(None),
        }
    }

    fn text(self) -> AdvertiserText {
        let text = |signal: RwSignal<String>| signal.get_untracked();
        AdvertiserText {
            key: text(self.key),
            name: text(self.name),
            currency: text(self.currency),
            timezone: text(self.timezone),
            shards: text(self.shards),
            windows: self.windows.map(text),
            repeats: self.repeats.map(text),
        }
    }

    /// Sends what is typed, unless it means nothing.
    fn save(self, session: Session, made: impl Fn(String) + 'static) {
        self.outcome.set(Outcome::Open);
        self.wrong.set(None);
        let body = match self.text().read() {
            Ok(body) => body,
            Err(text) => {
                return self.wrong.set(Some((Phrase::WrongNumber, format!("\u{201c}{text}\u{201d}"))));
            }
        };
        let address = format!("/v1/advertisers/{}", encode(&body.key).replace('/', "%2F"));
        spawn_local(async move {
            let result = session.client.send::<Advertiser>(Method::PUT, &address, &body).await;
            let is_saved = result.is_ok();
            self.outcome.try_set(saved(result));
            if is_saved {
                made(body.key);
            }
        });
    }
}

/// What cannot be sent as it is.
#[component]
fn Wrong(form: Form) -> impl IntoView {
    move || {
        form.wrong.get().map(|(phrase, text)| {
            view! { <p role="alert" class="field-error" data-testid="refused">{phrase.with(browser::lang(), &[&text])}</p> }
        })
    }
}

#[component]
fn Fields(form: Form) -> impl IntoView {
    let [click, by_click, by_view] = form.windows;
    let [repeat_click, repeat_conversion, repeat_impression] = form.repeats;
    view! {
        <div class="form">
            <Field phrase=Phrase::Name test_id="advertiser-name" value=form.name/>
            <Field phrase=Phrase::Currency test_id="advertiser-currency" value=form.currency/>
            <ZoneField value=form.timezone/>
            <Field phrase=Phrase::Shards test_id="advertiser-shards" value=form.shards/>
        </div>
        <p class="hint form-note">{t(Phrase::ShardsHint)}</p>
        <div class="form">
            <Field phrase=Phrase::ClickWindow test_id="click-window" value=click/>
            <Field phrase=Phrase::ConversionClickWindow test_id="conversion-click-window" value=by_click/>
            <Field phrase=Phrase::ConversionViewWindow test_id="conversion-view-window" value=by_view/>
        </div>
        <p class="hint form-note">{t(Phrase::WindowsHint)}</p>
        <div class="form">
            <Field phrase=Phrase::RepeatClick test_id="repeat-click" value=repeat_click/>
            <Field phrase=Phrase::RepeatConversion test_id="repeat-conversion" value=repeat_conversion/>
            <Field phrase=Phrase::RepeatImpression test_id="repeat-impression" value=repeat_impression/>
        </div>
        <p class="hint form-note">{t(Phrase::RepeatHint)}</p>
    }
}

/// A zone by its name, with the names that the browser knows.
#[component]
fn ZoneField(value: RwSignal<String>) -> impl IntoView {
    let names = intl::zone_names();
    // What is there already may be a name that this browser lists otherwise.
    let own = value.get_untracked();
    let extra = (!names.contains(&own)).then_some(own);
    let option = |name: String| {
        let (is, shown) = (name.clone(), name.clone());
        view! { <option value=name selected=move || *value.read() == is>{shown}</option> }
    };
    let options = extra.into_iter().chain(names).map(option).collect_view();
    view! {
        <label class="stacked">
            <span>{t(Phrase::ZoneOfDays)}</span>
            <select class="select" data-testid="advertiser-timezone" on:change=move |event| value.set(event_target_value(&event))>{options}</select>
        </label>
    }
}
