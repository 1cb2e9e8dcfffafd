//! What Linker objects send to Report objects: signed cells, exactly once by (source, sequence).

use adtally_core::cell::Scope;
use serde::{Deserialize, Serialize};

use crate::versioned::{VersionedError, decode, encode};

/// Cells that one shard adds to one report scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The name of the Linker object.
    pub source: String,
    /// The epoch of the source's log; a batch cut closes one and opens the next.
    pub epoch: u64,
    /// Grows with every outbox row of the source; gaps are rows that did not concern the scope.
    pub seq: u64,
    /// Everything that the source acknowledged up to this server time is in this delta or an earlier one; absent
    /// where deltas that belong to it follow.
    pub through_ms: Option<i64>,
    /// Signed cells in the encoding of [`adtally_core::segment`].
    pub segment: Vec<u8>,
}

/// An outbox row: what one flush has to deliver, by scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// See [`Delta::epoch`].
    pub epoch: u64,
    /// See [`Delta::through_ms`].
    pub through_ms: Option<i64>,
    /// The scope's name and the signed cells for it.
    pub segments: Vec<(String, Vec<u8>)>,
}

impl Parcel {
    /// A parcel of a shard, for the outbox.
    pub fn of(parcel: &adtally_core::shard::Parcel, epoch: u64) -> Self {
        let named = |(scope, segment): &(Scope, Vec<u8>)| (scope.to_string(), segment.clone());
        let through_ms = parcel.through.map(|through| through.0);
        Self { epoch, through_ms, segments: parcel.segments.iter().map(named).collect() }
    }
}

impl Delta {
    /// The bytes of the request body.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Delta::encode`] wrote; the segment has its own checksum and is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }
}

impl Parcel {
    /// The bytes of the outbox row.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Parcel::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let delta = Delta {
            source: "acme/0".to_owned(),
            epoch: 1,
            seq: 9,
            through_ms: Some(-5),
            segment: vec![1, 2, 3],
        };
        assert_eq!(Delta::decode(&delta.encode()), Ok(delta));
        let parcel = Parcel { epoch: 1, through_ms: None, segments: vec![("platform".to_owned(), vec![4])] };
        assert_eq!(Parcel::decode(&parcel.encode()), Ok(parcel));
        assert!(Delta::decode(&[1, 9]).is_err());
    }
}
