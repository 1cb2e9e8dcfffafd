//! The demo's catalog entries: added where the server has none, and otherwise left as people changed them.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::platform::{ADVERTISERS, SERVICES};
use crate::client::{Client, ClientError};

/// Adds what is missing; tells how many entries that were.
pub(crate) fn add_missing(client: &Client) -> Result<usize, ClientError> {
    let mut advertisers = Shelf::read(client, "advertisers")?;
    let mut campaigns = Shelf::read(client, "campaigns")?;
    let mut ads = Shelf::read(client, "ads")?;
    let mut services = Shelf::read(client, "services")?;
    let mut placements = Shelf::read(client, "placements")?;
    for advertiser in &ADVERTISERS {
        advertisers.add(advertiser.key, &advertiser.body())?;
        for campaign in advertiser.campaigns {
            campaigns.add(campaign.key, &campaign.body(advertiser))?;
            for ad in campaign.ad_bodies(advertiser) {
                ads.add(&ad.key, &ad)?;
            }
        }
    }
    for service in &SERVICES {
        services.add(service.key, &service.body())?;
        for placement in service.placement_bodies() {
            placements.add(&placement.key, &placement)?;
        }
    }
    Ok([advertisers, campaigns, ads, services, placements].iter().map(|shelf| shelf.added).sum())
}

/// One list of the catalog.
struct Shelf<'a> {
    client: &'a Client,
    /// Plural, as in the path and in the list's answer.
    name: &'static str,
    present: BTreeSet<String>,
    added: usize,
}

impl<'a> Shelf<'a> {
    fn read(client: &'a Client, name: &'static str) -> Result<Self, ClientError> {
        let answer: Value = client.get(&format!("/v1/{name}"), &[])?;
        let entries = answer[name].as_array().into_iter().flatten();
        let present = entries.filter_map(|entry| entry["key"].as_str().map(str::to_owned)).collect();
        Ok(Self { client, name, present, added: 0 })
    }

    fn add(&mut self, key: &str, body: &impl Serialize) -> Result<(), ClientError> {
        if self.present.insert(key.to_owned()) {
            // Keys of the demo need no escaping in a path.
            let _: Value = self.client.put(&format!("/v1/{}/{key}", self.name), body)?;
            self.added += 1;
        }
        Ok(())
    }
}
