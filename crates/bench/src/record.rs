//! The file that all jobs read: a line of JSON with names, then records of fixed size, in order of arrival.
//!
//! It is made by [`crate::generate`], or by `crates/bench/peers/prepare.py` from the data that other engines read.

use adtally_core::event::Kind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The events of the largest request body: a job gets as many records at a time.
pub const CHUNK: usize = adtally_core::intake::MAX_BODY_EVENTS;

/// What the small numbers of records stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Publisher services.
    pub services: Vec<String>,
    /// Places in a service.
    pub placements: Vec<String>,
    /// Countries.
    pub countries: Vec<String>,
    /// Device classes.
    pub devices: Vec<String>,
}

/// Bytes that are no file of records.
#[derive(Debug, Error)]
#[error("not a file of records: {0}")]
pub struct BadFile(#[from] serde_json::Error);

impl Names {
    /// Reads the first line.
    pub fn read(line: &[u8]) -> Result<Self, BadFile> {
        Ok(serde_json::from_slice(line)?)
    }
}

/// An event as numbers; 0 is the absence of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventRecord {
    /// Its id.
    pub id: u64,
    /// Who did it.
    pub user: u64,
    /// The impression that it names.
    pub impression: u64,
    /// The click that it names.
    pub click: u64,
    /// When it happened, in ms since 1970.
    pub at: i64,
    /// When it arrived, in ms since 1970; never less than that of the record before.
    pub received: i64,
    /// Its cost in micros.
    pub cost: i64,
    /// Its value in micros.
    pub value: i64,
    /// Campaign number.
    pub campaign: u32,
    /// Ad number.
    pub ad: u32,
    /// 0 impression, 1 click, 2 conversion.
    pub kind: u8,
    /// Place in [`Names::services`].
    pub service: u8,
    /// Place in [`Names::placements`].
    pub placement: u8,
    /// Place in [`Names::countries`].
    pub country: u8,
    /// Place in [`Names::devices`].
    pub device: u8,
}

/// A cell of a cube as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellRecord {
    /// Impressions.
    pub impressions: i64,
    /// Clicks.
    pub clicks: i64,
    /// Conversions.
    pub conversions: i64,
    /// Spend in micros.
    pub cost: i64,
    /// Value in micros.
    pub value: i64,
    /// Hours since 1970.
    pub hour: i32,
    /// Campaign number.
    pub campaign: u32,
    /// Ad number.
    pub ad: u32,
    /// Place in [`Names::services`].
    pub service: u8,
    /// Place in [`Names::placements`].
    pub placement: u8,
    /// Place in [`Names::countries`].
    pub country: u8,
    /// Place in [`Names::devices`].
    pub device: u8,
}

/// Numbers in a row, little endian.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    /// Zeros where bytes are missing: only a file that was cut has such a record, and its answers show it.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((bytes, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *bytes
    }
}

impl EventRecord {
    /// Bytes of a record.
    pub const BYTES: usize = 80;

    /// The records in these bytes.
    pub fn all(bytes: &[u8]) -> impl ExactSizeIterator<Item = EventRecord> {
        bytes.chunks_exact(Self::BYTES).map(|bytes| {
            let mut from = Numbers(bytes);
            let [id, user, impression, click] = [(); 4].map(|()| u64::from_le_bytes(from.take()));
            let [at, received, cost, value] = [(); 4].map(|()| i64::from_le_bytes(from.take()));
            let [campaign, ad] = [(); 2].map(|()| u32::from_le_bytes(from.take()));
            let [kind, service, placement, country, device] = from.take();
            EventRecord {
                id,
                user,
                impression,
                click,
                at,
                received,
                cost,
                value,
                campaign,
                ad,
                kind,
                service,
                placement,
                country,
                device,
            }
        })
    }

    /// Appends the record.
    pub fn write(&self, to: &mut Vec<u8>) {
        for number in [self.id, self.user, self.impression, self.click] {
            to.extend(number.to_le_bytes());
        }
        for number in [self.at, self.received, self.cost, self.value] {
            to.extend(number.to_le_bytes());
        }
        to.extend(self.campaign.to_le_bytes());
        to.extend(self.ad.to_le_bytes());
        to.extend([self.kind, self.service, self.placement, self.country, self.device, 0, 0, 0]);
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self.kind {
            0 => Kind::Impression,
            1 => Kind::Click,
            _ => Kind::Conversion,
        }
    }
}

impl CellRecord {
    /// Bytes of a record.
    pub const BYTES: usize = 56;

    /// The records in these bytes.
    pub fn all(bytes: &[u8]) -> impl ExactSizeIterator<Item = CellRecord> {
        bytes.chunks_exact(Self::BYTES).map(|bytes| {
            let mut from = Numbers(bytes);
            let [impressions, clicks, conversions, cost, value] =
                [(); 5].map(|()| i64::from_le_bytes(from.take()));
            let hour = i32::from_le_bytes(from.take());
            let [campaign, ad] = [(); 2].map(|()| u32::from_le_bytes(from.take()));
            let [service, placement, country, device] = from.take();
            CellRecord {
                impressions,
                clicks,
                conversions,
                cost,
                value,
                hour,
                campaign,
                ad,
                service,
                placement,
                country,
                device,
            }
        })
    }

    /// Appends the record.
    pub fn write(&self, to: &mut Vec<u8>) {
        for number in [self.impressions, self.clicks, self.conversions, self.cost, self.value] {
            to.extend(number.to_le_bytes());
        }
        to.extend(self.hour.to_le_bytes());
        to.extend(self.campaign.to_le_bytes());
        to.extend(self.ad.to_le_bytes());
        to.extend([self.service, self.placement, self.country, self.device]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_both_ways() {
        let event = EventRecord {
            id: 1,
            user: 2,
            impression: 3,
            click: 4,
            at: 5,
            received: 6,
            cost: 7,
            value: 8,
            campaign: 9,
            ad: 10,
            kind: 2,
            service: 11,
            placement: 12,
            country: 13,
            device: 14,
        };
        let mut bytes = Vec::new();
        event.write(&mut bytes);
        event.write(&mut bytes);
        assert_eq!(bytes.len(), 2 * EventRecord::BYTES);
        assert_eq!(EventRecord::all(&bytes).collect::<Vec<_>>(), [event, event]);

        let cell = CellRecord {
            impressions: 1,
            clicks: 2,
            conversions: 3,
            cost: 4,
            value: 5,
            hour: -6,
            campaign: 7,
            ad: 8,
            service: 9,
            placement: 10,
            country: 11,
            device: 12,
        };
        let mut bytes = Vec::new();
        cell.write(&mut bytes);
        assert_eq!(bytes.len(), CellRecord::BYTES);
        assert_eq!(CellRecord::all(&bytes).collect::<Vec<_>>(), [cell]);
    }
}
