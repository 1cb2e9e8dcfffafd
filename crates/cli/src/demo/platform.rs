//! The cast of the demo: who advertises what, and where.

use adtally_wire::api::{Campaign, CatalogEntry};
use chrono_tz::Tz;
use serde::Serialize;

/// A company that pays for ads.
pub(crate) struct Advertiser {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) zone: Tz,
    /// Share of the platform's traffic.
    pub(crate) weight: u32,
    /// Where its customers live, by weight.
    pub(crate) countries: &'static [(&'static str, u32)],
    pub(crate) campaigns: &'static [CampaignPlan],
    /// What its customers do: label, weight, lowest and highest value in whole currency units.
    pub(crate) goals: &'static [(&'static str, u32, i64, i64)],
}

/// A campaign and how people react to it.
pub(crate) struct CampaignPlan {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    /// `cpm`, `cpc` or `cpa`.
    pub(crate) model: &'static str,
    pub(crate) price_micros: i64,
    /// Share of the advertiser's traffic.
    pub(crate) weight: u32,
    /// Ad names; the first is shown most.
    pub(crate) ads: &'static [&'static str],
    /// Clicks per hundred impressions.
    pub(crate) click_percent: f64,
    /// Conversions per hundred clicks.
    pub(crate) convert_percent: f64,
}

/// A publisher.
pub(crate) struct Service {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    /// Share of the platform's traffic.
    pub(crate) weight: u32,
    /// Key, name and weight of each place for ads.
    pub(crate) placements: &'static [(&'static str, &'static str, u32)],
}

/// A body of `PUT /v1/advertisers/{key}`: windows and shards are left at their defaults.
#[derive(Debug, Serialize)]
pub(crate) struct AdvertiserBody {
    name: &'static str,
    currency: &'static str,
    timezone: &'static str,
}

/// Millionths in one currency unit.
const MICROS: i64 = 1_000_000;

const fn campaign(
    (key, name): (&'static str, &'static str),
    (model, price_micros): (&'static str, i64),
    weight: u32,
    (click_percent, convert_percent): (f64, f64),
    ads: &'static [&'static str],
) -> CampaignPlan {
    CampaignPlan { key, name, model, price_micros, weight, ads, click_percent, convert_percent }
}

/// Every advertiser.
pub(crate) const ADVERTISERS: [Advertiser; 4] = [
    Advertiser {
        key: "haneul-books",
        name: "Haneul Books",
        currency: "KRW",
        zone: chrono_tz::Asia::Seoul,
        weight: 36,
        countries: &[("KR", 94), ("US", 4), ("JP", 2)],
        campaigns: &[
            campaign(
                ("haneul-autumn-reads", "Autumn reads"),
                ("cpm", 2_800 * MICROS),
                5,
                (3.2, 16.0),
                &["Cover wall", "Quiet evening", "Three for two"],
            ),
            campaign(
                ("haneul-webnovel", "Web novel launch"),
                ("cpc", 190 * MICROS),
                4,
                (5.4, 22.0),
                &["Episode one free", "Cliffhanger", "Fan art"],
            ),
            campaign(
                ("haneul-membership", "Reader membership"),
                ("cpa", 4_500 * MICROS),
                3,
                (2.1, 12.0),
                &["First month free", "Unlimited shelf", "Read anywhere"],
            ),
        ],
        goals: &[("purchase", 55, 9_000, 46_000), ("signup", 30, 0, 0), ("add_to_cart", 15, 0, 0)],
    },
    Advertiser {
        key: "trailhead-outdoor",
        name: "Trailhead Outdoor",
        currency: "USD",
        zone: chrono_tz::America::New_York,
        weight: 28,
        countries: &[("US", 82), ("CA", 12), ("GB", 6)],
        campaigns: &[
            campaign(
                ("trailhead-winter-boots", "Winter boots"),
                ("cpm", 5_200_000),
                5,
                (2.6, 9.0),
                &["Snow line", "Waterproof test", "Warm feet", "Half price"],
            ),
            campaign(
                ("trailhead-retargeting", "Forgot something?"),
                ("cpc", 420_000),
                3,
                (6.8, 19.0),
                &["Your cart", "Still in stock", "Free returns"],
            ),
            campaign(
                ("trailhead-app", "Trail app"),
                ("cpa", 2_600_000),
                2,
                (3.9, 31.0),
                &["Maps offline", "Summit log", "Share the hike"],
            ),
        ],
        goals: &[("purchase", 45, 24, 260), ("install", 35, 0, 0), ("add_to_cart", 20, 0, 0)],
    },
    Advertiser {
        key: "sakura-travel",
        name: "Sakura Travel",
        currency: "JPY",
        zone: chrono_tz::Asia::Tokyo,
        weight: 22,
        countries: &[("JP", 78), ("KR", 14), ("TW", 8)],
        campaigns: &[
            campaign(
                ("sakura-kyoto", "Kyoto in red leaves"),
                ("cpm", 620 * MICROS),
                4,
                (2.9, 6.0),
                &["Temple garden", "Night illumination", "Two nights"],
            ),
            campaign(
                ("sakura-jeju", "Jeju weekends"),
                ("cpc", 38 * MICROS),
                3,
                (4.4, 8.0),
                &["Sea road", "Direct flight", "Tangerine farm"],
            ),
            campaign(
                ("sakura-railpass", "Rail pass"),
                ("cpa", 900 * MICROS),
                3,
                (3.1, 14.0),
                &["Seven days", "Window seat", "North by rail"],
            ),
        ],
        goals: &[("purchase", 40, 12_000, 148_000), ("signup", 35, 0, 0), ("quote", 25, 0, 0)],
    },
    Advertiser {
        key: "moonrise-games",
        name: "Moonrise Games",
        currency: "EUR",
        zone: chrono_tz::Europe::Berlin,
        weight: 14,
        countries: &[("DE", 58), ("FR", 18), ("GB", 14), ("US", 10)],
        campaigns: &[
            campaign(
                ("moonrise-preorder", "Starfall pre-order"),
                ("cpm", 4_100_000),
                4,
                (3.6, 7.0),
                &["Trailer", "Collector's box", "Season pass"],
            ),
            campaign(
                ("moonrise-puzzle", "Puzzle lounge"),
                ("cpa", 1_300_000),
                4,
                (5.1, 34.0),
                &["Level 12", "Relax", "Can you solve it"],
            ),
            campaign(
                ("moonrise-comeback", "Come back"),
                ("cpc", 260_000),
                2,
                (4.7, 21.0),
                &["A gift waits", "New season", "Your guild"],
            ),
        ],
        goals: &[("install", 60, 0, 0), ("purchase", 25, 5, 60), ("signup", 15, 0, 0)],
    },
];

/// Every publisher.
pub(crate) const SERVICES: [Service; 3] = [
    Service {
        key: "morning-news",
        name: "Morning News",
        weight: 5,
        placements: &[
            ("news-top", "Front page, top", 4),
            ("news-article", "In the article", 5),
            ("news-side", "Side", 2),
        ],
    },
    Service {
        key: "city-map",
        name: "City Map",
        weight: 3,
        placements: &[("map-search", "Search results", 5), ("map-route", "Route card", 3)],
    },
    Service {
        key: "webtoon-house",
        name: "Webtoon House",
        weight: 4,
        placements: &[
            ("toon-end", "After the episode", 5),
            ("toon-list", "Episode list", 3),
            ("toon-splash", "Start screen", 1),
        ],
    },
];

impl Advertiser {
    /// The catalog entry.
    pub(crate) fn body(&self) -> AdvertiserBody {
        AdvertiserBody { name: self.name, currency: self.currency, timezone: self.zone.name() }
    }
}

impl CampaignPlan {
    /// The catalog entry.
    pub(crate) fn body(&self, advertiser: &Advertiser) -> Campaign {
        Campaign {
            key: self.key.to_owned(),
            advertiser: advertiser.key.to_owned(),
            name: self.name.to_owned(),
            price_model: Some(self.model.to_owned()),
            price_micros: self.price_micros,
            start: None,
            end: None,
            budget_micros: None,
        }
    }

    /// The key of an ad, by its position.
    pub(crate) fn ad_key(&self, index: usize) -> String {
        format!("{}-{}", self.key, index + 1)
    }

    /// The catalog entries of its ads.
    pub(crate) fn ad_bodies(&self, advertiser: &Advertiser) -> Vec<CatalogEntry> {
        let body = |(index, name): (usize, &&str)| CatalogEntry {
            key: self.ad_key(index),
            name: (*name).to_owned(),
            advertiser: Some(advertiser.key.to_owned()),
            campaign: Some(self.key.to_owned()),
            service: None,
        };
        self.ads.iter().enumerate().map(body).collect()
    }
}

impl Service {
    /// The catalog entry.
    pub(crate) fn body(&self) -> CatalogEntry {
        let (key, name) = (self.key.to_owned(), self.name.to_owned());
        CatalogEntry { key, name, advertiser: None, campaign: None, service: None }
    }

    /// The catalog entries of its placements.
    pub(crate) fn placement_bodies(&self) -> Vec<CatalogEntry> {
        let body = |(key, name, _): &(&str, &str, u32)| CatalogEntry {
            key: (*key).to_owned(),
            name: (*name).to_owned(),
            advertiser: None,
            campaign: None,
            service: Some(self.key.to_owned()),
        };
        self.placements.iter().map(body).collect()
    }
}
