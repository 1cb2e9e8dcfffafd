//! What forms show of numbers, and what they read.

use adtally_core::time::{HOUR_MS, SECOND_MS};
use adtally_wire::api::Advertiser;

/// An amount in units of `unit`, without needless zeros: 5,400,000 ms are `1.5` hours.
pub fn hours_of(amount: i64, unit: i64) -> String {
    let text = format!("{:.6}", amount as f64 / unit as f64);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The amount that a text means in units of `unit`; `None` where it is no number that is at least 0.
pub fn ms_of(text: &str, unit: i64) -> Option<i64> {
    let number: f64 = text.trim().replace(',', "").parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * unit as f64).round() as i64)
}

/// What a form says of an advertiser, as it is typed: windows in hours, repeats in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertiserText {
    /// Its id.
    pub key: String,
    /// For people.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA.
    pub timezone: String,
    /// How many shards.
    pub shards: String,
    /// Impression to click, click to conversion, impression to conversion.
    pub windows: [String; 3],
    /// Clicks, conversions, impressions.
    pub repeats: [String; 3],
}

impl AdvertiserText {
    /// What a form shows of one.
    pub fn of(advertiser: &Advertiser) -> AdvertiserText {
        let hours = |ms| hours_of(ms, HOUR_MS);
        let seconds = |ms| hours_of(ms, SECOND_MS);
        AdvertiserText {
            key: advertiser.key.clone(),
            name: advertiser.name.clone(),
            currency: advertiser.currency.clone(),
            timezone: advertiser.timezone.clone(),
            shards: advertiser.shards.to_string(),
            windows: [
                hours(advertiser.click_window_ms),
                hours(advertiser.conversion_click_window_ms),
                hours(advertiser.conversion_view_window_ms),
            ],
            repeats: [
                seconds(advertiser.repeat_click_ms),
                seconds(advertiser.repeat_conversion_ms),
                seconds(advertiser.repeat_impression_ms),
            ],
        }
    }

    /// What it means; the text that is no number, where there is one.
    pub fn read(self) -> Result<Advertiser, String> {
        let amount = |text: &String, unit| ms_of(text, unit).ok_or_else(|| text.clone());
        let [click, by_click, by_view] = &self.windows;
        let [repeat_click, repeat_conversion, repeat_impression] = &self.repeats;
        Ok(Advertiser {
            click_window_ms: amount(click, HOUR_MS)?,
            conversion_click_window_ms: amount(by_click, HOUR_MS)?,
            conversion_view_window_ms: amount(by_view, HOUR_MS)?,
            repeat_click_ms: amount(repeat_click, SECOND_MS)?,
            repeat_conversion_ms: amount(repeat_conversion, SECOND_MS)?,
            repeat_impression_ms: amount(repeat_impression, SECOND_MS)?,
            shards: self.shards.trim().parse().map_err(|_| self.shards.clone())?,
            key: self.key.trim().to_string(),
            name: self.name.trim().to_string(),
            currency: self.currency.trim().to_uppercase(),
            timezone: self.timezone.trim().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn amounts_both_ways() {
        fn check(amount: i64, text: &str) {
            assert_eq!(hours_of(amount, 3_600_000), text);
            assert_eq!(ms_of(text, 3_600_000), Some(amount));
        }
        check(0, "0");
        check(86_400_000, "24");
        check(5_400_000, "1.5");
        assert_eq!(ms_of(" 1,000 ", 1_000_000), Some(1_000_000_000));
        for wrong in ["", "x", "-1", "inf"] {
            assert_eq!(ms_of(wrong, 1), None, "{wrong}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn an_advertiser_is_typed() {
        let key = adtally_core::key::Key::parse("acme").unwrap();
        let known = adtally_wire::catalog::advertiser::unknown(&key);
        let text = AdvertiserText::of(&known);
        assert_eq!((text.windows.join(" "), text.repeats.join(" ")), ("24 720 24".into(), "2 0 0".into()));
        assert_eq!(text.clone().read(), Ok(known.clone()));
        let typed = AdvertiserText {
            name: " Acme ".to_string(),
            currency: "krw".to_string(),
            windows: ["1.5", "1,000", "0"].map(str::to_string),
            repeats: ["0.25", "60", "1"].map(str::to_string),
            shards: " 4 ".to_string(),
            ..text.clone()
        };
        let read = typed.read().unwrap();
        assert_eq!((read.name.as_str(), read.currency.as_str(), read.shards), ("Acme", "KRW", 4));
        assert_eq!(
            [read.click_window_ms, read.conversion_click_window_ms, read.conversion_view_window_ms],
            [5_400_000, 3_600_000_000, 0]
        );
        assert_eq!(
            [read.repeat_click_ms, read.repeat_conversion_ms, read.repeat_impression_ms],
            [250, 60_000, 1_000]
        );
        let wrong = |change: fn(&mut AdvertiserText)| {
            let mut text = text.clone();
            change(&mut text);
            text.read().unwrap_err()
        };
        assert_eq!(wrong(|text| text.shards = "many".to_string()), "many");
        assert_eq!(wrong(|text| text.windows[2] = "-1".to_string()), "-1");
        assert_eq!(wrong(|text| text.repeats[0] = String::new()), "");
    }
}
