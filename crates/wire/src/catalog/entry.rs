//! `PUT /v1/ads/{key}`, `/v1/services/{key}`, `/v1/placements/{key}`: things that have a name and a place.

use adtally_core::key::Key;
use serde::Deserialize;

use super::{CatalogError, key as parse_key, name, nullable, same_key, wrong};
use crate::api::CatalogEntry;

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Belongs to an advertiser, may belong to a campaign.
    Ad,
    /// Belongs to the platform.
    Service,
    /// Belongs to a service.
    Placement,
}

/// The body.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPut {
    key: Option<String>,
    name: Option<String>,
    /// Ads only; part of the ad's identity: it never changes.
    pub advertiser: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    campaign: Option<Option<String>>,
    /// Placements only; part of the placement's identity: it never changes.
    pub service: Option<String>,
}

/// An entry of which only the identity is known; `owner` is the advertiser of an ad, the service of a placement.
pub fn unknown(kind: EntryKind, key: &Key, owner: &Key) -> CatalogEntry {
    let owner_of = |of: EntryKind| (kind == of).then(|| owner.to_string());
    CatalogEntry {
        key: key.to_string(),
        name: String::new(),
        advertiser: owner_of(EntryKind::Ad),
        campaign: None,
        service: owner_of(EntryKind::Placement),
    }
}

impl EntryPut {
    /// The entry after this `PUT`; `base` is the entry before it, or [`unknown`].
    pub fn apply(self, kind: EntryKind, key: &Key, base: CatalogEntry) -> Result<CatalogEntry, CatalogError> {
        same_key(self.key, key)?;
        let strangers = [
            ("advertiser", self.advertiser.is_some() && kind != EntryKind::Ad),
            ("campaign", self.campaign.is_some() && kind != EntryKind::Ad),
            ("service", self.service.is_some() && kind != EntryKind::Placement),
        ];
        if let Some((field, _)) = strangers.into_iter().find(|(_, present)| *present) {
            return Err(wrong(field, "has no meaning here"));
        }
        Ok(CatalogEntry {
            key: key.to_string(),
            name: self.name.map_or(Ok(base.name), name)?,
            advertiser: base.advertiser,
            campaign: match self.campaign {
                None => base.campaign,
                Some(None) => None,
                Some(Some(text)) => Some(parse_key("campaign", &text)?.to_string()),
            },
            service: base.service,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn put(kind: EntryKind, body: &str) -> Result<CatalogEntry, CatalogError> {
        let (key, owner) = (Key::parse("k1").unwrap(), Key::parse("owner").unwrap());
        read::<EntryPut>(body.as_bytes())?.apply(kind, &key, unknown(kind, &key, &owner))
    }

    #[test]
    fn entries_know_their_place() {
        let ad = put(EntryKind::Ad, r#"{"advertiser":"owner","campaign":"c1","name":"Banner"}"#).unwrap();
        assert_eq!((ad.advertiser.as_deref(), ad.campaign.as_deref()), (Some("owner"), Some("c1")));
        let service = put(EntryKind::Service, r#"{"name":"News"}"#).unwrap();
        assert_eq!((service.name.as_str(), service.service, service.advertiser), ("News", None, None));
        let placement = put(EntryKind::Placement, r#"{"service":"owner"}"#).unwrap();
        assert_eq!((placement.name.as_str(), placement.service.as_deref()), ("", Some("owner")));
    }

    #[test]
    fn what_is_refused() {
        fn check(kind: EntryKind, body: &str, code: &str, says: &str) {
            let error = put(kind, body).unwrap_err();
            assert_eq!(error.code(), code, "{body}");
            assert!(error.to_string().contains(says), "{body}: {error}");
        }
        check(EntryKind::Ad, r#"{"service":"s"}"#, "invalid_field", "service");
        check(EntryKind::Service, r#"{"service":"s"}"#, "invalid_field", "service");
        check(EntryKind::Placement, r#"{"campaign":"c"}"#, "invalid_field", "campaign");
        check(EntryKind::Ad, r#"{"campaign":""}"#, "invalid_field", "campaign: is empty");
        check(EntryKind::Ad, r#"{"nam":"x"}"#, "invalid_body", "nam");
    }
}
