//! `/v1/session`: a browser shows its token once and keeps a cookie.

use adtally_core::access::Grant;
use adtally_wire::api::{SessionInfo, SignIn};
use adtally_wire::catalog::read;
use adtally_wire::session::{Transport, clear_cookie, set_cookie};
use adtally_wire::token::TokenHash;
use worker::{Method, Response};

use crate::auth;
use crate::call::{Call, MAX_JSON_BYTES, json, no_content};
use crate::problem::Fault;

/// Answers a request to the session.
pub(super) async fn answer(call: &mut Call) -> Result<Response, Fault> {
    match call.method() {
        Method::Post => start(call).await,
        Method::Delete => end(call),
        _ => show(call).await,
    }
}

/// `POST`: signs in.
async fn start(call: &mut Call) -> Result<Response, Fault> {
    auth::from_own_page(call)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let SignIn { token } = read(&body)?;
    let token = token.trim();
    let grant = auth::grant_of_secret(call, token).await?;
    // A write key reads nothing: a session of it would be an empty page.
    grant.reads()?;
    let cookie = call.bindings.secrets.session.seal(&TokenHash::of(token), call.now.0);
    let response = json(200, &info(&grant))?;
    response.headers().set("Set-Cookie", &set_cookie(&cookie, transport(call)))?;
    Ok(response)
}

/// `GET`: who is signed in, by cookie or token.
async fn show(call: &Call) -> Result<Response, Fault> {
    let grant = auth::authenticate(call).await?;
    grant.reads()?;
    json(200, &info(&grant))
}

/// `DELETE`: signs out. There is no session to look up: the browser is told to drop its proof.
fn end(call: &Call) -> Result<Response, Fault> {
    auth::from_own_page(call)?;
    let response = no_content();
    response.headers().set("Set-Cookie", &clear_cookie(transport(call)))?;
    Ok(response)
}

fn info(grant: &Grant) -> SessionInfo {
    SessionInfo { role: grant.role.name().to_owned(), scope: grant.scope.to_string() }
}

fn transport(call: &Call) -> Transport {
    match call.url.scheme() {
        "https" => Transport::Https,
        _ => Transport::PlainHttp,
    }
}
