//! Bytes with a version in front: one byte, then postcard.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of nearly everything; a new field is a new version, and a version that was ever stored is read for ever.
pub const VERSION: u8 = 1;

/// Why stored or sent bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VersionedError {
    /// No bytes.
    #[error("nothing to read")]
    Empty,
    /// Written by a later version of this program.
    #[error("version {0} is not known")]
    Version(u8),
    /// Cut off or altered.
    #[error("unreadable bytes: {0}")]
    Malformed(String),
    /// Well-formed, but a value that cannot be.
    #[error("an invalid {0}")]
    Invalid(&'static str),
}

/// Writes the version and the value.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    encode_as(VERSION, value)
}

/// Writes a later version of a value.
pub(crate) fn encode_as(version: u8, value: &impl Serialize) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "plain structs into a Vec: neither format nor space can fail")]
    postcard::to_extend(value, vec![version]).expect("encodes")
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, VersionedError> {
    decode_as(VERSION, bytes)
}

/// Reads what [`encode_as`] wrote with this version.
pub(crate) fn decode_as<'a, T: Deserialize<'a>>(version: u8, bytes: &'a [u8]) -> Result<T, VersionedError> {
    match bytes.split_first() {
        None => Err(VersionedError::Empty),
        Some((first, rest)) if *first == version => {
            postcard::from_bytes(rest).map_err(|error| VersionedError::Malformed(error.to_string()))
        }
        Some((other, _)) => Err(VersionedError::Version(*other)),
    }
}
