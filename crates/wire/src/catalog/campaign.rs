//! `PUT /v1/campaigns/{key}`.

use adtally_core::key::Key;
use adtally_core::settings::{Price, PriceModel};
use adtally_core::time::{parse_rfc3339, rfc3339};
use serde::Deserialize;

use super::{CatalogError, amount, name, nullable, same_key, wrong};
use crate::api::Campaign;

/// The body; everything but the advertiser of a new campaign may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignPut {
    key: Option<String>,
    /// Part of the campaign's identity: it never changes.
    pub advertiser: Option<String>,
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    price_model: Option<Option<PriceModel>>,
    price_micros: Option<i64>,
    #[serde(default, deserialize_with = "nullable")]
    start: Option<Option<Instant>>,
    #[serde(default, deserialize_with = "nullable")]
    end: Option<Option<Instant>>,
    #[serde(default, rename = "budget", alias = "budget_micros", deserialize_with = "nullable")]
    budget_micros: Option<Option<i64>>,
}

/// A time as the API takes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Instant {
    /// Milliseconds since 1970.
    Ms(i64),
    /// RFC 3339.
    Text(String),
}

/// A campaign of which only the identity is known.
pub fn unknown(key: &Key, advertiser: &Key) -> Campaign {
    Campaign {
        key: key.to_string(),
        advertiser: advertiser.to_string(),
        name: String::new(),
        price_model: None,
        price_micros: 0,
        start: None,
        end: None,
        budget_micros: None,
    }
}

/// The price that the campaign's events are charged with, if it has one.
pub fn price(campaign: &Campaign) -> Option<Price> {
    let model = model_named(campaign.price_model.as_deref()?)?;
    Some(Price { model, micros: campaign.price_micros })
}

impl CampaignPut {
    /// The campaign after this `PUT`; `base` is the campaign before it, or [`unknown`].
    pub fn apply(self, key: &Key, base: Campaign) -> Result<Campaign, CatalogError> {
        same_key(self.key, key)?;
        let start = self.start.map_or(Ok(base.start), |text| time("start", text))?;
        let end = self.end.map_or(Ok(base.end), |text| time("end", text))?;
        if let (Some(from), Some(to)) = (instant(&start), instant(&end))
            && to <= from
        {
            return Err(wrong("end", "does not lie after start"));
        }
        Ok(Campaign {
            key: key.to_string(),
            advertiser: base.advertiser,
            name: self.name.map_or(Ok(base.name), name)?,
            price_model: self
                .price_model
                .map_or(base.price_model, |model| model.map(|model| model_name(model).to_owned())),
            price_micros: self
                .price_micros
                .map_or(Ok(base.price_micros), |micros| amount("price_micros", micros))?,
            start,
            end,
            budget_micros: match self.budget_micros {
                None => base.budget_micros,
                Some(None) => None,
                Some(Some(micros)) => Some(amount("budget", micros)?),
            },
        })
    }
}

fn model_name(model: PriceModel) -> &'static str {
    match model {
        PriceModel::Cpm => "cpm",
        PriceModel::Cpc => "cpc",
        PriceModel::Cpa => "cpa",
    }
}

fn model_named(name: &str) -> Option<PriceModel> {
    [PriceModel::Cpm, PriceModel::Cpc, PriceModel::Cpa].into_iter().find(|model| model_name(*model) == name)
}

fn instant(text: &Option<String>) -> Option<i64> {
    text.as_deref().and_then(parse_rfc3339)
}

/// Kept in UTC, whatever offset it came with.
fn time(field: &'static str, time: Option<Instant>) -> Result<Option<String>, CatalogError> {
    match time {
        None => Ok(None),
        Some(Instant::Ms(ms)) => Ok(Some(rfc3339(ms))),
        Some(Instant::Text(text)) => match parse_rfc3339(&text) {
            Some(ms) => Ok(Some(rfc3339(ms))),
            None => {
                Err(wrong(field, format!("{text:?} is not an RFC 3339 time such as 2026-11-22T00:00:00Z")))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn put(body: &str) -> Result<Campaign, CatalogError> {
        read::<CampaignPut>(body.as_bytes())?.apply(&key("c1"), unknown(&key("c1"), &key("acme")))
    }

    #[test]
    fn absent_keeps_and_null_clears() {
        let first = put(
            r#"{"advertiser":"acme","price_model":"cpc","price_micros":250000,"budget":1,"end":1798761600000,
                "start":"2026-01-01T09:00:00+09:00"}"#,
        )
        .unwrap();
        assert_eq!(price(&first), Some(Price { model: PriceModel::Cpc, micros: 250_000 }));
        assert_eq!(first.start.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!((first.end.as_deref(), first.budget_micros), (Some("2027-01-01T00:00:00Z"), Some(1)));
        let again = |body: &str, base: &Campaign| {
            read::<CampaignPut>(body.as_bytes()).unwrap().apply(&key("c1"), base.clone()).unwrap()
        };
        assert_eq!(again("{}", &first), first);
        let cleared = again(r#"{"price_model":null,"start":null,"budget_micros":null}"#, &first);
        assert_eq!((price(&cleared), cleared.start, cleared.budget_micros), (None, None, None));
    }

    #[test]
    fn what_is_refused() {
        fn check(body: &str, code: &str, says: &str) {
            let error = put(body).unwrap_err();
            assert_eq!(error.code(), code, "{body}");
            assert!(error.to_string().contains(says), "{body}: {error}");
        }
        check(r#"{"price_model":"cpx"}"#, "invalid_body", "cpx");
        check(r#"{"price_micros":-1}"#, "invalid_field", "price_micros: -1");
        check(r#"{"price_micros":9007199254740992}"#, "invalid_field", "9007199254740992");
        check(r#"{"budget_micros":-5}"#, "invalid_field", "budget: -5");
        check(r#"{"start":"tomorrow"}"#, "invalid_field", "tomorrow");
        let backwards = r#"{"start":"2026-01-02T00:00:00Z","end":"2026-01-02T00:00:00Z"}"#;
        check(backwards, "invalid_field", "end: ");
        check(r#"{"key":"c2"}"#, "key_mismatch", "c2");
    }
}
