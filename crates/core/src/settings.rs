//! Settings of an advertiser: attribution windows and prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

/// How far a child may lie before its explicit parent: clocks of two senders differ.
pub const SKEW_MS: i64 = 10 * MINUTE_MS;

/// The linking rules of one advertiser.
///
/// They apply to what arrives while they are in force: a child is linked by the settings of its own arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// Impression to click, and impression to view.
    pub click_window_ms: i64,
    /// Click to conversion.
    pub conversion_click_window_ms: i64,
    /// Impression to conversion.
    pub conversion_view_window_ms: i64,
    /// A click this soon after another one is a repeat; 0 is off.
    pub repeat_click_ms: i64,
    /// A conversion this soon after another one is a repeat; 0 is off.
    pub repeat_conversion_ms: i64,
    /// An impression this soon after another one is a repeat; 0 is off.
    pub repeat_impression_ms: i64,
    /// How far a child may lie before its explicit parent.
    pub skew_ms: i64,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            click_window_ms: 24 * HOUR_MS,
            conversion_click_window_ms: 30 * DAY_MS,
            conversion_view_window_ms: 24 * HOUR_MS,
            repeat_click_ms: 2 * SECOND_MS,
            repeat_conversion_ms: 0,
            repeat_impression_ms: 0,
            skew_ms: SKEW_MS,
        }
    }
}

/// What a campaign pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceModel {
    /// Per thousand valid impressions.
    Cpm,
    /// Per valid linked click.
    Cpc,
    /// Per valid attributed conversion.
    Cpa,
}

/// A campaign's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What is paid for.
    pub model: PriceModel,
    /// In millionths of the currency: per thousand for `cpm`, each for `cpc` and `cpa`.
    pub micros: i64,
}

/// Everything of an advertiser that linking and pricing depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The windows of the linking rules.
    pub windows: Windows,
    /// Price by campaign key.
    pub prices: BTreeMap<String, Price>,
    /// What every amount of the advertiser is in: an ISO 4217 code; empty where the catalog does not know it.
    #[serde(with = "key_as_text")]
    pub currency: Key,
}

/// A key as its text; text that is no key reads as the unknown one.
mod key_as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::key::Key;

    pub(super) fn serialize<S: Serializer>(key: &Key, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(key.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Key, D::Error> {
        Ok(Key::parse(&String::deserialize(from)?).unwrap_or_default())
    }
}
