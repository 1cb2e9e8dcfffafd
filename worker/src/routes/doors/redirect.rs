//! `GET /v1/c`: a click on its way to where it leads; `POST /v1/links`: who may say where that is.

use adtally_core::access::{Grant, Owner, Role};
use adtally_core::cell::Scope;
use adtally_core::doors::{Door, query};
use adtally_core::event::Kind;
use adtally_core::key::Key;
use adtally_wire::api::{NewLink, SignedLink};
use adtally_wire::catalog::{key as parse_key, read};
use adtally_wire::link::{Link, LinkError, SIG, SIGNED, TO};
use serde_json::Value;
use worker::{Method, Response, ResponseBuilder};

use super::browser::{is_only_looking, visitor_says, with_cookie};
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::clock;
use crate::intake::{browser, take_one};
use crate::problem::Fault;
use crate::troubles::trouble;

/// Records the click and sends the browser on.
///
/// The signature is the permission, so no key is needed: who signed has said whose click it is. Without a valid one
/// nothing is recorded and nobody is sent anywhere. With one the browser is always sent on, even if the click cannot be
/// recorded: the person wants to get there.
pub(super) async fn follow(call: &Call, method: &Method) -> Result<Response, Fault> {
    let pairs = call.parameters();
    let link = Link::of(&pairs)?;
    let signature = call.parameter(SIG).ok_or(LinkError::Incomplete)?;
    call.bindings.secrets.links()?.verify(&link, &signature)?;
    let mut draft = query::event_of(Some(Kind::Click), &pairs);
    draft.or_say("id", &format!("adt-{:016x}", u64::from_be_bytes(clock::random()?)));
    let id = draft.fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_id = adtally_core::key::EventId::parse(&id).is_ok();
    let cookie = visitor_says(call, &mut draft)?;
    if !is_only_looking(call, method) {
        let advertiser = Key::parse(link.ids[0]).map_err(|_| LinkError::BadSignature)?;
        let grant = Grant { role: Role::Write, scope: Scope::Advertiser(advertiser) };
        if let Err(fault) = take_one(call, &grant, Door::Redirect, draft, Some(browser(call))).await {
            trouble!("a click was not recorded: {fault}");
        }
    }
    let to = link.destination(if is_id { &id } else { "" });
    let builder = ResponseBuilder::new()
        .with_status(302)
        .with_header("Location", &to)?
        .with_header("Referrer-Policy", "no-referrer-when-downgrade")?;
    with_cookie(builder.empty(), cookie)
}

/// Signs a link of an advertiser that the caller may change.
pub(super) async fn sign(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let new: NewLink = read(&body)?;
    let advertiser = parse_key("advertiser", &new.advertiser)?;
    grant.changes_of(&Owner::Advertiser(advertiser))?;
    let ids = [&new.advertiser, &new.campaign, &new.ad, &new.service, &new.placement].map(String::as_str);
    let names = SIGNED.into_iter().zip(ids).skip(1);
    for (name, id) in names.filter(|(_, id)| !id.is_empty()) {
        parse_key(name, id)?;
    }
    let link = Link { to: &new.to, ids };
    link.check_destination()?;
    let signature = call.bindings.secrets.links()?.sign(&link);
    let mut url = call.url.clone();
    url.set_path("/v1/c");
    url.set_query(None);
    for (name, id) in SIGNED.into_iter().zip(ids).filter(|(_, id)| !id.is_empty()) {
        url.query_pairs_mut().append_pair(name, id);
    }
    url.query_pairs_mut().append_pair(TO, link.to).append_pair(SIG, &signature);
    json(201, &SignedLink { url: url.to_string(), sig: signature })
}
