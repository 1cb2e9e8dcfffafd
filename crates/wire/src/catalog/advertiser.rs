//! `PUT /v1/advertisers/{key}`.

use adtally_core::key::Key;
use adtally_core::route::MAX_SHARDS;
use adtally_core::settings::{SKEW_MS, Windows};
use adtally_core::time::DAY_MS;
use serde::Deserialize;

use super::{CatalogError, name, same_key, wrong};
use crate::api::Advertiser;

/// The longest window: touches are kept for 31 days, an older parent could not be found.
pub const MAX_WINDOW_MS: i64 = 31 * DAY_MS;

/// The body; every field may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvertiserPut {
    key: Option<String>,
    name: Option<String>,
    currency: Option<String>,
    timezone: Option<String>,
    shards: Option<u32>,
    click_window_ms: Option<i64>,
    conversion_click_window_ms: Option<i64>,
    conversion_view_window_ms: Option<i64>,
    repeat_click_ms: Option<i64>,
    repeat_conversion_ms: Option<i64>,
    repeat_impression_ms: Option<i64>,
    /// What it is for everybody; whoever says the settings in full may say it.
    skew_ms: Option<i64>,
}

/// What holds for an advertiser that the catalog does not know.
pub fn unknown(key: &Key) -> Advertiser {
    let windows = Windows::default();
    Advertiser {
        key: key.to_string(),
        name: String::new(),
        currency: "USD".to_owned(),
        timezone: "UTC".to_owned(),
        shards: 1,
        click_window_ms: windows.click_window_ms,
        conversion_click_window_ms: windows.conversion_click_window_ms,
        conversion_view_window_ms: windows.conversion_view_window_ms,
        repeat_click_ms: windows.repeat_click_ms,
        repeat_conversion_ms: windows.repeat_conversion_ms,
        repeat_impression_ms: windows.repeat_impression_ms,
    }
}

/// The linking rules that the entry asks for.
pub fn windows(advertiser: &Advertiser) -> Windows {
    Windows {
        click_window_ms: advertiser.click_window_ms,
        conversion_click_window_ms: advertiser.conversion_click_window_ms,
        conversion_view_window_ms: advertiser.conversion_view_window_ms,
        repeat_click_ms: advertiser.repeat_click_ms,
        repeat_conversion_ms: advertiser.repeat_conversion_ms,
        repeat_impression_ms: advertiser.repeat_impression_ms,
        skew_ms: SKEW_MS,
    }
}

impl AdvertiserPut {
    /// The entry after this `PUT`; `base` is the entry before it, or [`unknown`].
    pub fn apply(self, key: &Key, base: Advertiser) -> Result<Advertiser, CatalogError> {
        same_key(self.key, key)?;
        if let Some(ms) = self.skew_ms.filter(|ms| *ms != SKEW_MS) {
            return Err(wrong("skew_ms", format!("{ms} is not {SKEW_MS}, which holds for everybody")));
        }
        let window = |field, change: Option<i64>, kept| change.map_or(Ok(kept), |ms| window(field, ms));
        Ok(Advertiser {
            key: key.to_string(),
            name: self.name.map_or(Ok(base.name), name)?,
            currency: self.currency.map_or(Ok(base.currency), currency)?,
            timezone: self.timezone.map_or(Ok(base.timezone), timezone)?,
            shards: self.shards.map_or(Ok(base.shards), shards)?,
            click_window_ms: window("click_window_ms", self.click_window_ms, base.click_window_ms)?,
            conversion_click_window_ms: window(
                "conversion_click_window_ms",
                self.conversion_click_window_ms,
                base.conversion_click_window_ms,
            )?,
            conversion_view_window_ms: window(
                "conversion_view_window_ms",
                self.conversion_view_window_ms,
                base.conversion_view_window_ms,
            )?,
            repeat_click_ms: window("repeat_click_ms", self.repeat_click_ms, base.repeat_click_ms)?,
            repeat_conversion_ms: window(
                "repeat_conversion_ms",
                self.repeat_conversion_ms,
                base.repeat_conversion_ms,
            )?,
            repeat_impression_ms: window(
                "repeat_impression_ms",
                self.repeat_impression_ms,
                base.repeat_impression_ms,
            )?,
        })
    }
}

fn window(field: &'static str, ms: i64) -> Result<i64, CatalogError> {
    if (0..=MAX_WINDOW_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err(wrong(field, format!("{ms} is not between 0 and {MAX_WINDOW_MS}")))
    }
}

fn shards(count: u32) -> Result<u32, CatalogError> {
    if (1..=MAX_SHARDS).contains(&count) {
        Ok(count)
    } else {
        Err(wrong("shards", format!("{count} is not between 1 and {MAX_SHARDS}")))
    }
}

fn currency(code: String) -> Result<String, CatalogError> {
    if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err(wrong("currency", format!("{code:?} is not an ISO 4217 code such as USD")))
    }
}

fn timezone(zone: String) -> Result<String, CatalogError> {
    match zone.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(zone),
        Err(_) => Err(wrong("timezone", format!("{zone:?} is not an IANA zone such as Asia/Seoul"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn put(body: &str) -> Result<Advertiser, CatalogError> {
        let key = Key::parse("acme").unwrap();
        read::<AdvertiserPut>(body.as_bytes())?.apply(&key, unknown(&key))
    }

    #[test]
    fn absent_fields_keep_their_value() {
        let key = Key::parse("acme").unwrap();
        assert_eq!(put("{}"), Ok(unknown(&key)));
        assert_eq!(put(r#"{"skew_ms":600000}"#), Ok(unknown(&key)));
        let first = put(r#"{"key":"acme","name":"Acme","timezone":"Asia/Seoul","shards":4}"#).unwrap();
        assert_eq!((first.name.as_str(), first.shards, first.click_window_ms), ("Acme", 4, 86_400_000));
        let body = br#"{"currency":"KRW","click_window_ms":3600000}"#;
        let second = read::<AdvertiserPut>(body).unwrap().apply(&key, first).unwrap();
        assert_eq!((second.name.as_str(), second.timezone.as_str()), ("Acme", "Asia/Seoul"));
        assert_eq!((second.currency.as_str(), windows(&second).click_window_ms), ("KRW", 3_600_000));
    }

    #[test]
    fn what_is_refused() {
        fn check(body: &str, code: &str, says: &str) {
            let error = put(body).unwrap_err();
            assert_eq!(error.code(), code, "{body}");
            assert!(error.to_string().contains(says), "{body}: {error}");
        }
        check("", "bad_json", "EOF");
        check("{", "bad_json", "EOF");
        check("[1]", "invalid_body", "");
        check(r#"{"shards":"4"}"#, "invalid_body", "expected u32");
        check(r#"{"shard":4}"#, "invalid_body", "unknown field `shard`");
        check(r#"{"shards":0}"#, "invalid_field", "shards: 0");
        check(r#"{"shards":257}"#, "invalid_field", "shards: 257");
        check(r#"{"currency":"usd"}"#, "invalid_field", "usd");
        check(r#"{"timezone":"Mars/Olympus"}"#, "invalid_field", "Mars/Olympus");
        check(r#"{"repeat_click_ms":-1}"#, "invalid_field", "repeat_click_ms: -1");
        check(r#"{"click_window_ms":2678400001}"#, "invalid_field", "2678400001");
        check(r#"{"skew_ms":1}"#, "invalid_field", "skew_ms: 1 is not 600000");
        check(r#"{"key":"other"}"#, "key_mismatch", "other");
        check(&format!(r#"{{"name":"{}"}}"#, "x".repeat(201)), "invalid_field", "201");
    }
}
