//! Names, currencies and zones for keys.

use std::collections::BTreeMap;

use adtally_core::cell::{Dimension, Scope};
use adtally_wire::api::{Advertiser, Campaign, CatalogEntry};

/// What the catalog says of the keys in a report; a key that it does not know stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    /// Advertisers, with currency and zone.
    pub advertisers: Vec<Advertiser>,
    /// Publisher services.
    pub services: Vec<CatalogEntry>,
    /// By the keys of campaigns their advertisers; none where several have one of that key.
    owners: BTreeMap<String, Option<String>>,
    names: BTreeMap<(Dimension, String), String>,
}

/// The currency of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Currency {
    /// Everything is in this one, ISO 4217.
    Of(String),
    /// It is not known.
    Unknown,
    /// Several: a sum would be none.
    Mixed,
}

impl Currency {
    /// Its code.
    pub fn code(&self) -> Option<&str> {
        match self {
            Currency::Of(code) => Some(code),
            Currency::Unknown | Currency::Mixed => None,
        }
    }
}

impl Catalog {
    /// Of what the API lists.
    pub fn new(
        advertisers: Vec<Advertiser>,
        campaigns: Vec<Campaign>,
        services: Vec<CatalogEntry>,
        placements: Vec<CatalogEntry>,
    ) -> Catalog {
        let mut names = BTreeMap::new();
        let mut name = |dimension, key: &str, name: &str| {
            if !name.is_empty() {
                names.insert((dimension, key.to_string()), name.to_string());
            }
        };
        for advertiser in &advertisers {
            name(Dimension::Advertiser, &advertiser.key, &advertiser.name);
        }
        for campaign in &campaigns {
            name(Dimension::Campaign, &campaign.key, &campaign.name);
        }
        for (dimension, entries) in [(Dimension::Service, &services), (Dimension::Placement, &placements)] {
            for entry in entries {
                name(dimension, &entry.key, &entry.name);
            }
        }
        let mut owners = BTreeMap::new();
        for Campaign { key, advertiser, .. } in campaigns {
            let owner = owners.entry(key).or_insert_with(|| Some(advertiser.clone()));
            if *owner != Some(advertiser) {
                *owner = None;
            }
        }
        Catalog { advertisers, services, owners, names }
    }

    /// With what ads are called.
    #[must_use]
    pub fn with_ads(mut self, ads: Vec<CatalogEntry>) -> Catalog {
        let named = ads.into_iter().filter(|ad| !ad.name.is_empty());
        self.names.extend(named.map(|ad| ((Dimension::Ad, ad.key), ad.name)));
        self
    }

    /// The name of a key, where it has one.
    pub fn name(&self, dimension: Dimension, key: &str) -> Option<&str> {
        self.names.get(&(dimension, key.to_string())).map(String::as_str)
    }

    /// Every key of a dimension that the catalog knows, with its name.
    pub fn known(&self, dimension: Dimension) -> impl Iterator<Item = (&str, &str)> {
        let of = move |((known, key), name)| (known == dimension).then_some((key, name));
        self.names.iter().map(|((known, key), name)| ((*known, key.as_str()), name.as_str())).filter_map(of)
    }

    /// The zone in which the days of `scope` begin when nothing else is asked for.
    pub fn zone(&self, scope: &Scope) -> String {
        let own = match scope {
            Scope::Advertiser(key) => self.advertiser(key.as_str()).map(|found| found.timezone.clone()),
            Scope::Platform | Scope::Service(_) => None,
        };
        own.filter(|zone| !zone.is_empty()).unwrap_or_else(|| "UTC".to_string())
    }

    /// The currency of sums over `scope`.
    pub fn currency(&self, scope: &Scope) -> Currency {
        if let Scope::Advertiser(key) = scope {
            return self.currency_of_advertiser(key.as_str());
        }
        let mut codes =
            self.advertisers.iter().map(|found| found.currency.as_str()).filter(|code| !code.is_empty());
        match codes.next() {
            // Nothing says that several advertisers share a currency.
            None => Currency::Mixed,
            Some(first) if codes.all(|code| code == first) => Currency::Of(first.to_string()),
            Some(_) => Currency::Mixed,
        }
    }

    /// The currency of a row with this value of `dimension`, where the value tells the advertiser.
    pub fn currency_of_row(&self, dimension: Dimension, key: &str) -> Option<Currency> {
        match dimension {
            Dimension::Advertiser => Some(self.currency_of_advertiser(key)),
            Dimension::Campaign => self.owner(key).map(|advertiser| self.currency_of_advertiser(advertiser)),
            _ => None,
        }
    }

    /// The advertiser of a campaign, where its key tells.
    pub fn owner(&self, campaign: &str) -> Option<&str> {
        self.owners.get(campaign)?.as_deref()
    }

    fn currency_of_advertiser(&self, key: &str) -> Currency {
        match self.advertiser(key).map(|found| found.currency.as_str()) {
            Some(code) if !code.is_empty() => Currency::Of(code.to_string()),
            _ => Currency::Unknown,
        }
    }

    fn advertiser(&self, key: &str) -> Option<&Advertiser> {
        self.advertisers.iter().find(|advertiser| advertiser.key == key)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn advertiser(key: &str, currency: &str, timezone: &str) -> Advertiser {
        Advertiser {
            key: key.to_string(),
            name: key.to_uppercase(),
            currency: currency.to_string(),
            timezone: timezone.to_string(),
            shards: 1,
            click_window_ms: 0,
            conversion_click_window_ms: 0,
            conversion_view_window_ms: 0,
            repeat_click_ms: 0,
            repeat_conversion_ms: 0,
            repeat_impression_ms: 0,
        }
    }

    /// Advertisers with these keys and currencies, and a campaign `<key>-spring` for each.
    pub(crate) fn catalog(currencies: &[(&str, &str)]) -> Catalog {
        let campaign = |(key, _): &(&str, &str)| Campaign {
            key: format!("{key}-spring"),
            advertiser: key.to_string(),
            name: String::new(),
            price_model: None,
            price_micros: 0,
            start: None,
            end: None,
            budget_micros: None,
        };
        Catalog::new(
            currencies.iter().map(|(key, currency)| advertiser(key, currency, "Asia/Seoul")).collect(),
            currencies.iter().map(campaign).collect(),
            Vec::new(),
            Vec::new(),
        )
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn sums_have_a_currency_only_when_all_agree() {
        fn check(currencies: &[(&str, &str)], scope: &str, expected: Currency) {
            assert_eq!(catalog(currencies).currency(&Scope::parse(scope).unwrap()), expected, "{scope}");
        }
        let won = || Currency::Of("KRW".to_string());
        check(&[], "platform", Currency::Mixed);
        check(&[], "service:news", Currency::Mixed);
        check(&[("a", "KRW"), ("b", "KRW")], "platform", won());
        check(&[("a", "KRW"), ("b", "USD")], "platform", Currency::Mixed);
        check(&[("a", "KRW"), ("b", "USD")], "service:news", Currency::Mixed);
        check(&[("a", "KRW"), ("b", "USD")], "advertiser:a", won());
        check(&[("a", "KRW")], "advertiser:z", Currency::Unknown);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_have_the_currency_of_their_advertiser() {
        let catalog = catalog(&[("a", "KRW"), ("b", "USD")]);
        let dollars = Some(Currency::Of("USD".to_string()));
        assert_eq!(catalog.currency_of_row(Dimension::Advertiser, "b"), dollars);
        assert_eq!(catalog.currency_of_row(Dimension::Campaign, "b-spring"), dollars);
        assert_eq!(catalog.currency_of_row(Dimension::Campaign, "unknown"), None);
        assert_eq!(catalog.currency_of_row(Dimension::Service, "b"), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_campaign_tells_its_advertiser_unless_several_have_one_of_that_key() {
        let two = catalog(&[("a", "KRW"), ("b", "USD")]);
        assert_eq!((two.owner("b-spring"), two.owner("unknown")), (Some("b"), None));
        let campaign = |advertiser: &str| Campaign {
            key: "spring".to_string(),
            advertiser: advertiser.to_string(),
            name: String::new(),
            price_model: None,
            price_micros: 0,
            start: None,
            end: None,
            budget_micros: None,
        };
        let both = Catalog::new(two.advertisers, vec![campaign("a"), campaign("b")], Vec::new(), Vec::new());
        assert_eq!(both.owner("spring"), None);
        assert_eq!(both.currency_of_row(Dimension::Campaign, "spring"), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn names_and_zones() {
        let catalog = catalog(&[("a", "KRW")]);
        assert_eq!(catalog.name(Dimension::Advertiser, "a"), Some("A"));
        assert_eq!(catalog.name(Dimension::Campaign, "a-spring"), None);
        assert_eq!(catalog.known(Dimension::Advertiser).collect::<Vec<_>>(), [("a", "A")]);
        let ad = |key: &str, name: &str| CatalogEntry {
            key: key.to_string(),
            name: name.to_string(),
            advertiser: Some("a".to_string()),
            service: None,
            campaign: None,
        };
        let named = catalog.clone().with_ads(vec![ad("b1", "Banner"), ad("b2", "")]);
        assert_eq!(["b1", "b2"].map(|key| named.name(Dimension::Ad, key)), [Some("Banner"), None]);
        assert_eq!(catalog.zone(&Scope::parse("advertiser:a").unwrap()), "Asia/Seoul");
        assert_eq!(catalog.zone(&Scope::Platform), "UTC");
    }
}
