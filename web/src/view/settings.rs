//! Windows, prices, tokens, and how to send the first event.

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use leptos::prelude::*;

use super::notice::failure_text;
use super::place::CurrentPlace;
use super::settings_advertiser::AdvertiserCard;
use super::settings_campaigns::CampaignsCard;
use super::settings_entries::EntriesCard;
use super::settings_tokens::TokensCard;
use super::show::Show;
use super::tag_builder::TagBuilder;
use crate::api::failure::Failure;
use crate::api::session::{Session, Who};
use crate::browser::{self, t};
use crate::model::entries::Entries;
use crate::phrase::Phrase;

/// The settings page: what a scope has, for whoever may change it.
#[component]
pub fn Settings() -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let scope = Memo::new(move |_| place.setting.get().map(|setting| setting.scope));
    let may_change = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(Role::Admin, _)));
    let operates = Memo::new(move |_| may_change.get() && session.own_scope() == Some(Scope::Platform));
    let cards = move || match scope.get()? {
        Scope::Advertiser(key) => {
            let key = key.to_string();
            Some(
                view! {
                    <AdvertiserCard key=key.clone() may_change/>
                    <CampaignsCard advertiser=key.clone() may_change/>
                    <EntriesCard kind=Entries::Ads(key.clone()) may_change/>
                    <TagBuilder advertiser=key may_change/>
                }
                .into_any(),
            )
        }
        Scope::Service(key) => Some(
            view! {
                <EntriesCard kind=Entries::Services may_change/>
                <EntriesCard kind=Entries::Placements(key.to_string()) may_change/>
            }
            .into_any(),
        ),
        Scope::Platform => Some(view! { <EntriesCard kind=Entries::Services may_change/> }.into_any()),
    };
    let is_unchosen = move || scope.get() == Some(Scope::Platform);
    view! {
        <div class="settings" data-testid="settings" data-busy="false">
            <Show when=move || !may_change.get()><p class="strip">{t(Phrase::OnlyAdmins)}</p></Show>
            <Show when=is_unchosen><p class="strip">{t(Phrase::ChooseForMore)}</p></Show>
            <div class="cards">
                {cards}
                <Show when=move || operates.get()><TokensCard/></Show>
            </div>
        </div>
    }
}

/// What became of saving.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing was saved yet.
    Open,
    /// It is saved.
    Saved,
    /// It was refused.
    Refused(Failure),
}

/// What became of saving something of the catalog; whoever shows names of it hears that it is another.
pub fn saved<T>(answer: Result<T, Failure>) -> Outcome {
    match answer {
        Ok(_) => {
            browser::announce(browser::CATALOG_CHANGED);
            Outcome::Saved
        }
        Err(failure) => Outcome::Refused(failure),
    }
}

/// Says what became of saving.
#[component]
pub fn Said(
    /// What.
    outcome: RwSignal<Outcome>,
) -> impl IntoView {
    move || {
        match outcome.get() {
        Outcome::Open => None,
        Outcome::Saved => {
            Some(view! { <p role="status" class="change better" data-testid="saved">{t(Phrase::Saved)}</p> }.into_any())
        }
        Outcome::Refused(failure) => Some(
            view! { <p role="alert" class="field-error" data-testid="refused">{failure_text(&failure, browser::lang())}</p> }
                .into_any(),
        ),
    }
    }
}

/// A field of a form with its name above.
#[component]
pub fn Field(
    /// Its name.
    phrase: Phrase,
    /// For tests.
    test_id: &'static str,
    /// What is in it.
    value: RwSignal<String>,
) -> impl IntoView {
    view! {
        <label class="stacked">
            <span>{t(phrase)}</span>
            <input
                class="input"
                data-testid=test_id
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}
