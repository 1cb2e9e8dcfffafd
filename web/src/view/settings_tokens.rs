//! Tokens and write keys: made here, shown once, revoked.

use adtally_wire::api::{NewToken, TokenInfo};
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use super::settings::{Field, Listed, Outcome, Said};
use super::tag_builder::CopyButton;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::phrase::Phrase;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Tokens {
    tokens: Vec<TokenInfo>,
}

/// Every token, for who operates the platform.
#[component]
pub fn TokensCard() -> impl IntoView {
    let session = Session::expect();
    let list = Fetch::<Tokens>::new(|| Some("/v1/tokens".to_string()), || {});
    let (name, scope) = (RwSignal::new(String::new()), RwSignal::new("platform".to_string()));
    let role = RwSignal::new("analyst".to_string());
    let made = RwSignal::new(None::<TokenInfo>);
    let outcome = RwSignal::new(Outcome::Open);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let body =
            NewToken { name: name.get_untracked(), role: role.get_untracked(), scope: scope.get_untracked() };
        spawn_local(async move {
            match session.client.send::<TokenInfo>(Method::POST, "/v1/tokens", &body).await {
                Ok(info) => {
                    made.set(Some(info));
                    outcome.set(Outcome::Open);
                }
                Err(failure) => outcome.set(Outcome::Refused(failure)),
            }
            list.retry();
        });
    };
    let row = move |info: TokenInfo| token_row(info, session, list);
    let rows = move || list.shown.get().map(|list| list.tokens.into_iter().map(row).collect_view());
    let roles = [("analyst", Phrase::RoleAnalyst), ("admin", Phrase::RoleAdmin), ("write", Phrase::WriteKey)];
    let roles = roles.map(|(value, phrase)| view! { <option value=value>{t(phrase)}</option> });
    view! {
        <section class="card wide-card" data-testid="tokens">
            <div class="card-head"><h2>{t(Phrase::Tokens)}</h2></div>
            <form class="card-body" on:submit=submit>
                <div class="form">
                    <Field phrase=Phrase::Name test_id="token-name" value=name/>
                    <Field phrase=Phrase::Scope test_id="token-scope" value=scope/>
                    <label class="stacked">
                        <span>{t(Phrase::Role)}</span>
                        <select class="select" data-testid="token-role" on:change=move |event| role.set(event_target_value(&event))>{roles}</select>
                    </label>
                    <button type="submit" class="button primary" data-testid="make-token">{t(Phrase::NewToken)}</button>
                </div>
                <Said outcome/>
                {move || made.get().and_then(|info| info.token).map(|secret| view! {
                    <div class="secret-box">
                        <p role="status">{t(Phrase::ShownOnce)}</p>
                        <p class="secret" data-testid="secret">{secret.clone()}</p>
                        <CopyButton text=secret/>
                    </div>
                })}
            </form>
            <Listed list on_retry=Callback::new(move |()| list.retry()) is_empty=|list: &Tokens| list.tokens.is_empty()>
                <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Tokens)>
                    <table class="report-table tokens-table">
                        <thead><tr>
                            <th scope="col"><span class="head-text">{t(Phrase::Name)}</span></th>
                            <th scope="col"><span class="head-text">{t(Phrase::Role)}</span></th>
                            <th scope="col"><span class="head-text">{t(Phrase::Scope)}</span></th>
                            <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Listed>
        </section>
    }
}

fn token_row(info: TokenInfo, session: Session, list: Fetch<Tokens>) -> impl IntoView {
    let label = Phrase::Revoke.with(browser::lang(), &[&info.name]);
    let address = format!("/v1/tokens/{}", info.id);
    let revoke = move |_| {
        let address = address.clone();
        spawn_local(async move {
            if let Err(failure) = session.client.delete(&address).await {
                session.notice(&failure);
            }
            list.retry();
        });
    };
    view! {
        <tr data-testid="token-row" data-id=info.id>
            <td class="scope-cell">{info.name}</td>
            <td>{info.role}</td>
            <td class="scope-cell">{info.scope}</td>
            <td><button type="button" class="button" data-testid="revoke" aria-label=label on:click=revoke>{t(Phrase::RevokeIt)}</button></td>
        </tr>
    }
}
