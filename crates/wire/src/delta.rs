//! What Linker objects send to Report objects: signed cells, exactly once by (source, sequence).

use serde::{Deserialize, Serialize};

use crate::log::LogError;

/// The version byte of a delta and of an outbox row.
const VERSION: u8 = 1;

/// Cells that one shard adds to one report scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// The name of the Linker object.
    pub source: String,
    /// The epoch of the source's log; a batch cut closes one and opens the next.
    pub epoch: u64,
    /// Grows with every outbox row of the source; gaps are rows that did not concern the scope.
    pub seq: u64,
    /// Everything that the source acknowledged up to this server time is in this delta or an earlier one.
    pub through_ms: i64,
    /// Signed cells in the encoding of [`adtally_core::segment`].
    pub segment: Vec<u8>,
}

/// An outbox row: what one flush has to deliver, by scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// See [`Delta::epoch`].
    pub epoch: u64,
    /// See [`Delta::through_ms`].
    pub through_ms: i64,
    /// The scope's name and the signed cells for it.
    pub segments: Vec<(String, Vec<u8>)>,
}

impl Delta {
    /// The bytes of the request body.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Delta::encode`] wrote; the segment has its own checksum and is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        decode(bytes)
    }
}

impl Parcel {
    /// The bytes of the outbox row.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Parcel::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, LogError> {
        decode(bytes)
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "plain structs into a Vec: neither format nor space can fail")]
    postcard::to_extend(value, vec![VERSION]).expect("encodes")
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, LogError> {
    match bytes.split_first() {
        None => Err(LogError::Empty),
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|e| LogError::Malformed(e.to_string())),
        Some((version, _)) => Err(LogError::Version(*version)),
    }
}
