//! Lists of the catalog: where they are, and what is said to change them.

use adtally_wire::api::CatalogEntry;

use crate::state::params::{Params, encode};

/// A list, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entries {
    /// An advertiser's.
    Ads(String),
    /// The platform's, or the one that a scope is.
    Services,
    /// A service's.
    Placements(String),
}

impl Entries {
    /// In paths and answers of the API.
    pub fn plural(&self) -> &'static str {
        match self {
            Entries::Ads(_) => "ads",
            Entries::Services => "services",
            Entries::Placements(_) => "placements",
        }
    }

    fn owner(&self) -> Option<(&'static str, &str)> {
        match self {
            Entries::Ads(advertiser) => Some(("advertiser", advertiser)),
            Entries::Services => None,
            Entries::Placements(service) => Some(("service", service)),
        }
    }

    fn at(&self, path: &str) -> String {
        let mut params = Params::default();
        if let Some((name, key)) = self.owner() {
            params.push(name, key);
        }
        params.after(path)
    }
}

/// The address of a list.
pub fn list_address(of: &Entries) -> String {
    of.at(&format!("/v1/{}", of.plural()))
}

/// The address of one entry.
pub fn address(of: &Entries, key: &str) -> String {
    // A slash in a key is not one of the path.
    of.at(&format!("/v1/{}/{}", of.plural(), encode(key).replace('/', "%2F")))
}

/// An entry with a new name; what else it says stays as it was.
pub fn entry(of: &Entries, key: &str, name: &str, before: Option<CatalogEntry>) -> CatalogEntry {
    let owner = |wanted: &str| of.owner().filter(|(name, _)| *name == wanted).map(|(_, key)| key.to_string());
    CatalogEntry {
        key: key.trim().to_string(),
        name: name.trim().to_string(),
        advertiser: owner("advertiser"),
        service: owner("service"),
        campaign: before.and_then(|before| before.campaign),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        fn check(of: Entries, list: &str, one: &str) {
            assert_eq!((list_address(&of).as_str(), address(&of, "a/b").as_str()), (list, one));
        }
        check(Entries::Services, "/v1/services", "/v1/services/a%2Fb");
        check(Entries::Ads("acme".to_string()), "/v1/ads?advertiser=acme", "/v1/ads/a%2Fb?advertiser=acme");
        let placements = Entries::Placements("news".to_string());
        check(placements, "/v1/placements?service=news", "/v1/placements/a%2Fb?service=news");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_new_name_changes_nothing_else() {
        let of = Entries::Ads("acme".to_string());
        let new = entry(&of, " b1 ", " Banner ", None);
        assert_eq!(
            (new.key.as_str(), new.name.as_str(), new.advertiser.as_deref()),
            ("b1", "Banner", Some("acme"))
        );
        assert_eq!((new.service.clone(), new.campaign.clone()), (None, None));
        let before = CatalogEntry { campaign: Some("spring".to_string()), ..new };
        assert_eq!(entry(&of, "b1", "Other", Some(before)).campaign.as_deref(), Some("spring"));
    }
}
