//! `/v1/campaigns`: names and prices.

use adtally_core::access::{Owner, Side};
use adtally_core::key::Key;
use adtally_wire::api::Campaign;
use adtally_wire::catalog::campaign::{CampaignPut, unknown};
use adtally_wire::catalog::{key as parse_key, read};
use worker::Response;

use super::{entries, settings};
use crate::auth::authenticate;
use crate::call::{self, Call, MAX_JSON_BYTES, json};
use crate::catalog::campaigns;
use crate::problem::Fault;

/// `GET`: those that the caller sees, of one advertiser if it names one.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let rows = match entries::listed(call, &grant.scope, Side::Advertiser)? {
        Some(advertiser) => campaigns::list(&call.bindings.catalog, advertiser.as_ref()).await?,
        None => Vec::new(),
    };
    call::list("campaigns", rows)
}

/// `GET` of one.
pub(super) async fn get(call: &Call, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.reads()?;
    let key = parse_key("key", key)?;
    let owner = grant.scope.owners(Side::Advertiser).meant(entries::named(call, Side::Advertiser)?)?;
    let rows = campaigns::find(&call.bindings.catalog, &key, owner.as_ref()).await?;
    match entries::the_one(rows, &key, Side::Advertiser)? {
        Some(campaign) => json(200, &campaign),
        None => Err(entries::not_found(&grant.scope, "campaign_not_found", &key)),
    }
}

/// `PUT`: the answer comes when every Linker of the advertiser goes by the new price.
///
/// Why each await may be repeated, and what a crash behind it leaves:
/// 1. the campaign as it is: read only;
/// 2. campaign and revision: one transaction; written twice it is the same campaign under a later revision;
/// 3. [`settings::push`]: Linkers ignore what they know; a crash before it leaves them with the old price, the caller
///    without an answer, and a repeated `PUT` pushes again whatever it finds.
pub(super) async fn put(call: &mut Call, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    grant.changes()?;
    let key = parse_key("key", key)?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let change: CampaignPut = read(&body)?;
    let named = match &change.advertiser {
        Some(advertiser) => Some(parse_key("advertiser", advertiser)?),
        None => entries::named(call, Side::Advertiser)?,
    };
    let is_named = named.is_some();
    let owner = grant.scope.owners(Side::Advertiser).meant(named)?;
    let db = &call.bindings.catalog;
    let rows = campaigns::find(db, &key, owner.as_ref()).await?;
    let before: Option<Campaign> = entries::the_one(rows, &key, Side::Advertiser)?;
    let advertiser = match &before {
        Some(before) => parse_key("advertiser", &before.advertiser)?,
        None => entries::new_owner(&grant.scope, Side::Advertiser, owner.filter(|_| is_named))?,
    };
    grant.changes_of(&Owner::Advertiser(advertiser.clone()))?;
    let status = if before.is_some() { 200 } else { 201 };
    let campaign = change.apply(&key, before.unwrap_or_else(|| unknown(&key, &advertiser)))?;
    store(call, &advertiser, &campaign).await?;
    json(status, &campaign)
}

async fn store(call: &Call, advertiser: &Key, campaign: &Campaign) -> Result<(), Fault> {
    let db = &call.bindings.catalog;
    settings::write(db, advertiser, campaigns::put(db, campaign)?).await?;
    settings::push(&call.bindings, advertiser).await
}
