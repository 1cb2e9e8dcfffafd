//! `GET /v1/i.gif`, `GET /v1/v.gif`: an event in the address of a picture.

use adtally_core::doors::consent::Consent;
use adtally_core::doors::{Door, query};
use adtally_core::event::Kind;
use adtally_core::intake::Draft;
use adtally_wire::identity::{ID_BYTES, clear_cookie, find_id, new_id, set_cookie};
use adtally_wire::session::Transport;
use worker::{Method, Response};

use super::gif;
use crate::auth::authenticate_sender;
use crate::call::Call;
use crate::clock;
use crate::intake::{add_defaults, browser, take_one};
use crate::problem::Fault;

/// Stores the event; whatever is wrong, the answer is a picture.
pub(super) async fn pixel(call: &Call, kind: Kind, method: &Method) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    if is_only_looking(call, method) {
        return Ok(gif(200, None)?);
    }
    let mut drafts = [query::event_of(Some(kind), &call.parameters())];
    add_defaults(call, &grant, &mut drafts);
    let [mut draft] = drafts;
    let cookie = visitor_says(call, &mut draft)?;
    take_one(call, &grant, Door::Pixel, draft, Some(browser(call))).await?;
    with_cookie(gif(200, None)?, cookie)
}

/// Whether nobody has seen or followed anything: a `HEAD`, or a browser that fetches ahead.
pub(super) fn is_only_looking(call: &Call, method: &Method) -> bool {
    let ahead = ["Sec-Purpose", "Purpose"].into_iter().filter_map(|name| call.header(name));
    *method == Method::Head || ahead.into_iter().any(|value| value.contains("prefetch"))
}

/// Adds what the request says of the person besides the address: page, consent, and, if the page asks for it with
/// `cookie=1` and the person allows it, the id of the browser; answers the cookie to set.
pub(super) fn visitor_says(call: &Call, draft: &mut Draft) -> Result<Option<String>, Fault> {
    if let Some(referrer) = call.header("Referer") {
        draft.or_say("page", &referrer);
    }
    let parameter = |name| call.parameter(name);
    let (gpc, gdpr, string) = (call.header("Sec-GPC"), parameter("gdpr"), parameter("gdpr_consent"));
    let consent = Consent::of(gpc.as_deref(), gdpr.as_deref(), string.as_deref());
    consent.note(draft);
    let transport = match call.url.scheme() {
        "https" => Transport::Https,
        _ => Transport::PlainHttp,
    };
    let header = call.header("Cookie").unwrap_or_default();
    let known = find_id(&header);
    if !consent.allows_storage() {
        return Ok(known.map(|_| clear_cookie(transport)));
    }
    let is_named = draft.fields.get("user").is_some_and(|user| !user.is_null());
    if call.parameter("cookie").as_deref() != Some("1") || is_named {
        return Ok(None);
    }
    let id = match known {
        Some(id) => id.to_owned(),
        None => new_id(clock::random::<ID_BYTES>()?),
    };
    draft.or_say("user", &id);
    // Also a known one: it lives on from the last visit.
    Ok(Some(set_cookie(&id, transport)))
}

/// The answer with the cookie.
pub(super) fn with_cookie(response: Response, cookie: Option<String>) -> Result<Response, Fault> {
    if let Some(cookie) = cookie {
        response.headers().set("Set-Cookie", &cookie)?;
    }
    Ok(response)
}
