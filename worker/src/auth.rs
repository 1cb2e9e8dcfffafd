//! Who is calling: bearer token, write key or session cookie.
//!
//! Tokens are known by their SHA-256 and looked up in the catalog; what was found is remembered by the isolate for
//! [`REMEMBER_MS`], so a revoked token can work that much longer in other isolates than the one that revoked it.

use std::cell::RefCell;
use std::collections::HashMap;

use adtally_core::access::{Grant, Role};
use adtally_core::cell::Scope;
use adtally_core::time::ServerTime;
use adtally_wire::session;
use adtally_wire::token::{TokenHash, basic_password, bearer, sender_secret};

use crate::bindings::Bindings;
use crate::call::Call;
use crate::catalog::tokens;
use crate::limits;
use crate::problem::Fault;

/// How long a look-up is remembered: the longest time that a revoked token lives on.
pub(crate) const REMEMBER_MS: i64 = 10_000;
/// Look-ups remembered at once; a flood of wrong tokens must not fill the isolate's memory.
const MAX_REMEMBERED: usize = 1_000;

thread_local! {
    static REMEMBERED: RefCell<HashMap<[u8; 32], Remembered>> = RefCell::default();
}

struct Remembered {
    grant: Option<Grant>,
    until_ms: i64,
}

/// The grant of a call that reads or changes something: bearer token or session cookie.
pub(crate) async fn authenticate(call: &Call) -> Result<Grant, Fault> {
    let hash = match call.header("Authorization") {
        Some(header) => bearer(&header).map(TokenHash::of),
        None => cookie(call)?,
    };
    grant(call, hash).await
}

/// The grant of a tool that knows names and passwords: any name, with the token as the password; or a bearer token.
///
/// Never a cookie: what tools send needs no look at the page that it came from.
pub(crate) async fn authenticate_tool(call: &Call) -> Result<Grant, Fault> {
    let header = call.header("Authorization").unwrap_or_default();
    let secret = bearer(&header).map(str::to_owned).or_else(|| basic_password(&header));
    grant(call, secret.as_deref().map(TokenHash::of)).await
}

/// The grant of a call that collects: bearer token, password, API key, `?key=` or a key in the path; never a cookie,
/// which other sites could ride on.
pub(crate) async fn authenticate_sender(call: &Call) -> Result<Grant, Fault> {
    let hash = match call.header("Authorization") {
        Some(header) => sender_secret(&header).map(|secret| TokenHash::of(&secret)),
        None => call.parameter("key").or_else(|| call.key_in_path()).map(|key| TokenHash::of(&key)),
    };
    grant(call, hash).await
}

/// The grant of a token that was just typed in.
pub(crate) async fn grant_of_secret(call: &Call, secret: &str) -> Result<Grant, Fault> {
    grant(call, Some(TokenHash::of(secret))).await
}

/// Forgets every look-up of this isolate, so that what it revoked is gone at once.
pub(crate) fn forget() {
    REMEMBERED.with_borrow_mut(HashMap::clear);
}

/// Refuses what a browser sends for another site's page: such a page must neither use nor replace a session.
pub(crate) fn from_own_page(call: &Call) -> Result<(), Fault> {
    let (origin, host) = (call.header("Origin"), call.header("Host"));
    if session::same_origin(origin.as_deref(), host.as_deref()) {
        Ok(())
    } else {
        Err(Fault::refused(403, "cross_origin", "sessions are only for the dashboard's own pages"))
    }
}

fn cookie(call: &Call) -> Result<Option<TokenHash>, Fault> {
    let header = call.header("Cookie");
    let Some(value) = header.as_deref().and_then(session::find_cookie) else { return Ok(None) };
    from_own_page(call)?;
    Ok(call.bindings.secrets.session.open(value, call.now.0))
}

async fn grant(call: &Call, hash: Option<TokenHash>) -> Result<Grant, Fault> {
    let Some(hash) = hash else { return Err(Fault::unauthorized()) };
    let found = known(call, &hash).await?.ok_or_else(Fault::unauthorized)?;
    limits::by_key(call, &hash, found.role)?;
    Ok(found)
}

/// What a secret entitles to. Whoever guesses too much is not heard for a while; whoever shares the address and has been
/// here within [`REMEMBER_MS`] is.
async fn known(call: &Call, hash: &TokenHash) -> Result<Option<Grant>, Fault> {
    let platform = |role| Some(Grant { role, scope: Scope::Platform });
    let Bindings { secrets, catalog, .. } = &*call.bindings;
    if secrets.admin.matches(hash) {
        return Ok(platform(Role::Admin));
    }
    if secrets.write.matches(hash) {
        return Ok(platform(Role::Write));
    }
    if let Some(found) = recall(hash, call.now) {
        return Ok(found);
    }
    limits::may_guess(call)?;
    let found = tokens::find(catalog, hash).await?;
    if found.is_none() {
        limits::guessed(call);
    }
    remember(hash, found.clone(), call.now);
    Ok(found)
}

fn recall(hash: &TokenHash, now: ServerTime) -> Option<Option<Grant>> {
    REMEMBERED.with_borrow(|known| {
        known.get(hash.bytes()).filter(|found| now.0 < found.until_ms).map(|found| found.grant.clone())
    })
}

fn remember(hash: &TokenHash, grant: Option<Grant>, now: ServerTime) {
    REMEMBERED.with_borrow_mut(|known| {
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(*hash.bytes(), Remembered { grant, until_ms: now.0 + REMEMBER_MS });
    });
}
