//! What a file of the archive says about itself.

use std::collections::BTreeMap;

use adtally_core::key::Key;
use adtally_core::settings::Settings;
use adtally_core::time::Day;
use parquet::file::metadata::KeyValue;
use serde::{Deserialize, Serialize};

use crate::ArchiveError;

/// The version of the columns and of what stands in the metadata; a version that was ever stored is read for ever.
pub(crate) const VERSION: u32 = 1;

/// The key of the metadata.
const KEY: &str = "adtally";

/// What a file is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Whose events.
    pub advertiser: Key,
    /// Of which of its shards.
    pub shard: u32,
    /// Of which day.
    pub day: Day,
    /// The rows of the log that may be in it, both included.
    pub rows: (i64, i64),
    /// The settings under which its events arrived, by revision. A writer leaves out what none of them refers to.
    pub settings: BTreeMap<u64, Settings>,
}

#[derive(Serialize, Deserialize)]
struct MetaV1 {
    version: u32,
    advertiser: String,
    shard: u32,
    day: String,
    from_row: i64,
    to_row: i64,
    settings: BTreeMap<u64, Settings>,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl Meta {
    pub(crate) fn to_key_value(&self) -> Result<KeyValue, ArchiveError> {
        let v1 = MetaV1 {
            version: VERSION,
            advertiser: self.advertiser.as_str().to_owned(),
            shard: self.shard,
            day: self.day.to_string(),
            from_row: self.rows.0,
            to_row: self.rows.1,
            settings: self.settings.clone(),
        };
        let text = serde_json::to_string(&v1).map_err(|error| ArchiveError::Foreign(error.to_string()))?;
        Ok(KeyValue::new(KEY.to_owned(), text))
    }

    pub(crate) fn of(pairs: Option<&Vec<KeyValue>>) -> Result<Self, ArchiveError> {
        let foreign = |what: &str| ArchiveError::Foreign(what.to_owned());
        let own = pairs.into_iter().flatten().find(|pair| pair.key == KEY);
        let text = own.and_then(|pair| pair.value.as_deref()).ok_or_else(|| foreign("it has no metadata"))?;
        let unreadable = |error: serde_json::Error| ArchiveError::Foreign(format!("metadata: {error}"));
        let AnyVersion { version } = serde_json::from_str(text).map_err(unreadable)?;
        if version != VERSION {
            return Err(ArchiveError::Version(version));
        }
        let v1: MetaV1 = serde_json::from_str(text).map_err(unreadable)?;
        Ok(Self {
            advertiser: Key::parse(&v1.advertiser).map_err(|_| foreign("its advertiser is no key"))?,
            shard: v1.shard,
            day: Day::parse(&v1.day).ok_or_else(|| foreign("its day is no date"))?,
            rows: (v1.from_row, v1.to_row),
            settings: v1.settings,
        })
    }
}
