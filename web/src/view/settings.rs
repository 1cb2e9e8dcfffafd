//! Windows, prices, tokens, and how to send the first event.

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use leptos::prelude::*;

use super::notice::{FailureNotice, failure_text};
use super::place::CurrentPlace;
use super::settings_advertiser::{AdvertiserCard, NewAdvertiserCard};
use super::settings_campaigns::CampaignsCard;
use super::settings_entries::EntriesCard;
use super::settings_tokens::TokensCard;
use super::show::Show;
use super::tag_builder::TagBuilder;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
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
        Scope::Platform => Some(
            view! {
                <Show when=move || operates.get()><NewAdvertiserCard/></Show>
                <EntriesCard kind=Entries::Services may_change/>
            }
            .into_any(),
        ),
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

/// A list while it is asked for, where it cannot be had, and where it is empty; else what shows it.
#[component]
pub fn Listed<T: Send + Sync + 'static>(
    /// What was asked for.
    list: Fetch<T>,
    /// Asks again.
    on_retry: Callback<()>,
    /// Whether there is nothing in it.
    is_empty: fn(&T) -> bool,
    /// What shows it.
    children: ChildrenFn,
) -> impl IntoView {
    let failure = Memo::new(move |_| list.failure.get().filter(|_| list.shown.with(Option::is_none)));
    let is_there = Memo::new(move |_| list.shown.with(Option::is_some));
    let is_empty = Memo::new(move |_| list.shown.with(|shown| shown.as_ref().is_some_and(is_empty)));
    move || match failure.get() {
        Some(failure) => view! { <FailureNotice failure on_retry/> }.into_any(),
        None if !is_there.get() => {
            view! { <p class="card-body" data-testid="state-loading"><span class="skeleton wide"></span></p> }
                .into_any()
        }
        None if is_empty.get() => {
            view! { <p class="card-body quiet" data-testid="none-yet">{t(Phrase::NoneYet)}</p> }.into_any()
        }
        None => children().into_any(),
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
    /// Whether the form cannot do without it.
    #[prop(optional)]
    is_required: bool,
) -> impl IntoView {
    view! {
        <label class="stacked">
            <span>{t(phrase)}</span>
            <input
                class="input"
                required=is_required
                data-testid=test_id
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}
