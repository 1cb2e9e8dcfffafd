//! `GET|POST /v1/postback`: what a partner's server reports, a conversion unless it says otherwise.

use adtally_core::doors::{Door, query};
use adtally_core::intake::{Draft, MAX_EVENT_BYTES};
use adtally_wire::api::CollectAnswer;
use worker::{Method, Response, Url};

use crate::auth::authenticate_sender;
use crate::call::{Call, json};
use crate::intake::{add_defaults, take_one};
use crate::problem::Fault;

/// The most bytes of a form: an event, with every byte of it percent-encoded.
const MAX_FORM_BYTES: usize = 3 * MAX_EVENT_BYTES;

/// `GET`: all of it in the address.
pub(super) async fn get(call: &Call, method: &Method) -> Result<Response, Fault> {
    if *method == Method::Head {
        authenticate_sender(call).await?;
        return json(202, &CollectAnswer::default());
    }
    let draft = query::postback_of(&call.parameters());
    store(call, draft).await
}

/// `POST`: a form or a JSON object; what stands in the address holds where the body says nothing.
pub(super) async fn post(call: &mut Call) -> Result<Response, Fault> {
    authenticate_sender(call).await?;
    let body = call.body(MAX_FORM_BYTES).await?;
    let content_type = call.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
    let body = body.trim_ascii();
    let mut pairs = if body.is_empty() {
        Vec::new()
    } else if content_type.contains("json") || body.starts_with(b"{") {
        let bad = || Fault::refused(400, "bad_json", "the body is not a JSON object");
        query::pairs_of_json(body).ok_or_else(bad)?
    } else {
        form(body)?
    };
    pairs.extend(call.parameters());
    let draft = query::postback_of(&pairs);
    store(call, draft).await
}

async fn store(call: &Call, draft: Draft) -> Result<Response, Fault> {
    let grant = authenticate_sender(call).await?;
    let mut drafts = [draft];
    add_defaults(call, &grant, &mut drafts);
    let [draft] = drafts;
    let stored = take_one(call, &grant, Door::Postback, draft, None).await?;
    let answer =
        CollectAnswer { accepted: stored.accepted, duplicates: stored.duplicates, rejected: Vec::new() };
    json(202, &answer)
}

/// The pairs of `application/x-www-form-urlencoded`, which is how a query is written too.
fn form(body: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let bad = |_| Fault::refused(400, "bad_form", "the body is neither a form nor JSON");
    let text = std::str::from_utf8(body).map_err(bad)?;
    let mut url = Url::parse("https://form.invalid/").map_err(|error| Fault::Internal(error.to_string()))?;
    url.set_query(Some(text));
    Ok(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}
