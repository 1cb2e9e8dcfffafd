//! Windows, prices, tokens, and how to send the first event.

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use leptos::prelude::*;

use super::notice::failure_text;
use super::place::CurrentPlace;
use super::settings_advertiser::AdvertiserCard;
use super::settings_campaigns::CampaignsCard;
use super::settings_tokens::TokensCard;
use super::shell::PageHead;
use super::tag_builder::TagBuilder;
use crate::api::failure::Failure;
use crate::api::session::{Session, Who};
use crate::browser::{self, t};
use crate::phrase::Phrase;

/// The settings page: what a scope has, for whoever may change it.
#[component]
pub fn Settings() -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let advertiser = Memo::new(move |_| match place.setting.get()?.scope {
        Scope::Advertiser(key) => Some(key.to_string()),
        Scope::Platform | Scope::Service(_) => None,
    });
    let may_change = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(Role::Admin, _)));
    let operates = Memo::new(move |_| may_change.get() && session.own_scope() == Some(Scope::Platform));
    let cards = move || {
        advertiser.get().map(|key| {
            view! {
                <AdvertiserCard key=key.clone() may_change/>
                <CampaignsCard advertiser=key.clone() may_change/>
                <TagBuilder advertiser=key/>
            }
        })
    };
    let is_unchosen = move || advertiser.get().is_none() && !operates.get();
    view! {
        <div class="settings" data-testid="settings" data-busy="false">
            <PageHead title=Phrase::Settings/>
            <Show when=move || !may_change.get()><p class="strip">{t(Phrase::OnlyAdmins)}</p></Show>
            <div class="cards">
                {cards}
                <Show when=move || operates.get()><TokensCard/></Show>
            </div>
            <Show when=is_unchosen>
                <section class="card report-card"><div class="notice"><h2>{t(Phrase::ChooseAdvertiser)}</h2></div></section>
            </Show>
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
