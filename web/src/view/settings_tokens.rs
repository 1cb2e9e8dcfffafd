//! Tokens and write keys: made here, shown once, revoked.

use adtally_core::cell::Scope;
use adtally_wire::api::{NewToken, TokenInfo};
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use super::confirm::Confirmed;
use super::place::scope_text;
use super::scope_picker::scopes;
use super::settings::{Field, Listed, Outcome, Said};
use super::show::Show;
use super::tag_builder::CopyButton;
use super::zone::{ZoneNote, at};
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::lang::Lang;
use crate::model::grants::{TYPED, is_typed, scope_meant};
use crate::phrase::Phrase;

/// The roles of tokens, as the API names them.
const ROLES: [(&str, Phrase); 3] =
    [("analyst", Phrase::RoleAnalyst), ("admin", Phrase::RoleAdmin), ("write", Phrase::WriteKey)];

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Tokens {
    tokens: Vec<TokenInfo>,
}

/// The list, and what was last done with it.
#[derive(Clone, Copy)]
struct Desk {
    session: Session,
    list: Fetch<Tokens>,
    outcome: RwSignal<Outcome>,
    revoked: RwSignal<Option<String>>,
}

/// Every token, for who operates the platform.
#[component]
pub fn TokensCard() -> impl IntoView {
    let desk = Desk {
        session: Session::expect(),
        list: Fetch::<Tokens>::new(|| Some("/v1/tokens".to_string()), || {}),
        outcome: RwSignal::new(Outcome::Open),
        revoked: RwSignal::new(None),
    };
    let list = desk.list;
    let rows = move || {
        list.shown.get().map(|list| list.tokens.into_iter().map(|info| row(info, desk)).collect_view())
    };
    let revoked = move || Some(Phrase::Revoked.with(browser::lang(), &[&desk.revoked.get()?]));
    view! {
        <section class="card wide-card" data-testid="tokens">
            <div class="card-head"><h2 tabindex="-1">{t(Phrase::Tokens)}</h2><ZoneNote/></div>
            <NewTokenForm desk/>
            <p class="visually-hidden" role="status" data-testid="revoked">{revoked}</p>
            <Listed list on_retry=Callback::new(move |()| list.retry()) is_empty=|list: &Tokens| list.tokens.is_empty()>
                <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Tokens)>
                    <table class="report-table tokens-table">
                        <thead><tr>
                            <th scope="col"><span class="head-text">{t(Phrase::Name)}</span></th>
                            <th scope="col"><span class="head-text">{t(Phrase::Role)}</span></th>
                            <th scope="col"><span class="head-text">{t(Phrase::Scope)}</span></th>
                            <th scope="col" class="made"><span class="head-text">{t(Phrase::Made)}</span></th>
                            <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Listed>
        </section>
    }
}

/// Makes one, and shows its secret once.
#[component]
fn NewTokenForm(desk: Desk) -> impl IntoView {
    let (name, role) = (RwSignal::new(String::new()), RwSignal::new(ROLES[0].0.to_string()));
    let (chosen, key) = (RwSignal::new(Scope::Platform.to_string()), RwSignal::new(String::new()));
    let made = RwSignal::new(None::<TokenInfo>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let scope = scope_meant(&chosen.read_untracked(), &key.read_untracked());
        let body = NewToken { name: name.get_untracked(), role: role.get_untracked(), scope };
        spawn_local(async move {
            let answer = desk.session.client.send::<TokenInfo>(Method::POST, "/v1/tokens", &body).await;
            let told = answer.map_or_else(Outcome::Refused, |info| {
                made.set(Some(info));
                Outcome::Open
            });
            desk.outcome.set(told);
            desk.list.retry();
        });
    };
    let roles = ROLES.map(|(value, phrase)| view! { <option value=value>{t(phrase)}</option> });
    let key_phrase = Phrase::AdvertiserId;
    view! {
        <form class="card-body" on:submit=submit>
            <div class="form">
                <Field phrase=Phrase::Name test_id="token-name" value=name is_required=true/>
                <label class="stacked">
                    <span>{t(Phrase::Role)}</span>
                    <select class="select" data-testid="token-role" on:change=move |event| role.set(event_target_value(&event))>{roles}</select>
                </label>
                <ScopeChoice chosen/>
                <Show when=move || is_typed(&chosen.read())>
                    <Field phrase=key_phrase test_id="token-key" value=key is_required=true/>
                </Show>
                <button type="submit" class="button primary" data-testid="make-token">{t(Phrase::NewToken)}</button>
            </div>
            <Said outcome=desk.outcome/>
            {move || made.get().and_then(|info| info.token).map(|secret| view! {
                <div class="secret-box">
                    <p role="status">{t(Phrase::ShownOnce)}</p>
                    <p class="secret" data-testid="secret">{secret.clone()}</p>
                    <CopyButton text=secret/>
                </div>
            })}
        </form>
    }
}

/// The scopes that the catalog knows, and others, whose key is typed.
#[component]
fn ScopeChoice(chosen: RwSignal<String>) -> impl IntoView {
    let session = Session::expect();
    let option = move |value: String, text: String| {
        let is_chosen = {
            let value = value.clone();
            move || *chosen.read() == value
        };
        view! { <option value=value selected=is_chosen>{text}</option> }
    };
    let groups = move || {
        let lang = browser::lang();
        let known = scopes(&session.catalog.get().unwrap_or_default());
        let known = known.into_iter().zip([None, Some(0), Some(1)]).map(|((heading, scopes), typed)| {
            let named = |scope: Scope| option(scope.to_string(), called(&scope, session, lang)).into_any();
            let others = [Phrase::AnotherAdvertiser, Phrase::AnotherService];
            let other =
                typed.map(|at: usize| option(TYPED[at].to_string(), others[at].text(lang).to_string()));
            let options = scopes.into_iter().map(named).collect_view();
            match typed {
                None => options.into_any(),
                Some(_) => {
                    view! { <optgroup label=heading.text(lang)>{options}{other}</optgroup> }.into_any()
                }
            }
        });
        known.collect_view()
    };
    view! {
        <label class="stacked">
            <span>{t(Phrase::Scope)}</span>
            <select class="select" data-testid="token-scope" on:change=move |event| chosen.set(event_target_value(&event))>{groups}</select>
        </label>
    }
}

/// A scope by name, and by its key where that is another.
fn called(scope: &Scope, session: Session, lang: Lang) -> String {
    let name = scope_text(scope, session, lang);
    match scope {
        Scope::Advertiser(key) | Scope::Service(key) if key.as_str() != name => format!("{name} ({key})"),
        _ => name,
    }
}

fn row(info: TokenInfo, desk: Desk) -> impl IntoView {
    let lang = browser::lang();
    let label = Phrase::Revoke.with(lang, &[&info.name]);
    let (id, name) = (info.id.clone(), info.name.clone());
    let revoke = Callback::new(move |()| {
        let (address, name) = (format!("/v1/tokens/{id}"), name.clone());
        spawn_local(async move {
            match desk.session.client.delete(&address).await {
                Ok(()) => {
                    desk.outcome.set(Outcome::Open);
                    desk.revoked.set(Some(name));
                    // Its row goes, and with it what had the focus.
                    browser::focus_on("[data-testid=\"tokens\"] h2");
                }
                Err(failure) => {
                    desk.session.notice(&failure);
                    desk.outcome.set(Outcome::Refused(failure));
                }
            }
            desk.list.retry();
        });
    });
    let role = ROLES.into_iter().find(|(name, _)| *name == info.role);
    let role = role.map_or(info.role.clone(), |(_, phrase)| phrase.text(lang).to_string());
    let (name, exact) = match Scope::parse(&info.scope) {
        None => (info.scope.clone(), None),
        Some(Scope::Platform) => (scope_text(&Scope::Platform, desk.session, lang), None),
        Some(scope) => (scope_text(&scope, desk.session, lang), Some(info.scope.clone())),
    };
    view! {
        <tr data-testid="token-row" data-id=info.id data-scope=info.scope>
            <td class="scope-cell">{info.name}</td>
            <td>{role}</td>
            <td class="scope-cell">{name}{exact.map(|exact| view! { <span class="quiet exact">{exact}</span> })}</td>
            <td class="made">{at(&info.created)}</td>
            <td class="number"><Confirmed phrase=Phrase::RevokeIt label sure=Phrase::RevokeSure test_id="revoke" deed=revoke/></td>
        </tr>
    }
}
