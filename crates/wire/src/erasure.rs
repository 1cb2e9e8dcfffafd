//! Erasing users: what the tasks say to Linkers, where they leave what stays in the figures, and what the API shows.

use adtally_core::batch::{Gone, Whose};
use adtally_core::key::Key;
use adtally_core::time::Day;
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::batch::{ArchiveFile, Bytes, ESCAPED};

/// Linker: `POST` the bytes of an [`Erasure`], answered by 200 when nothing of the users is left; 409 where the files are
/// not the archive's any more, 503 while it is at it.
pub const ERASE: &str = "/erase";
/// Linker: `POST`, answered by the bytes of [`Residues`].
pub const RESIDUES: &str = "/residues";

/// Users to be erased from a Linker: from its log, its runs and its archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The groups of the users; absent: everybody, as what is old goes.
    pub groups: Option<Vec<u64>>,
    /// The last row of the log that is meant.
    pub upto: i64,
    /// The keys of the files that go.
    pub replaced: Vec<String>,
    /// The files that come, already stored; a file with nothing left has none.
    pub by: Vec<ArchiveFile>,
    /// What stays in the figures: days since 1970, and keys of [`DayPart`](crate::batch::DayPart)s.
    pub residues: Vec<(i32, String)>,
}

/// What stays in the figures of a shard from entries that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Residues {
    /// Days since 1970, and keys of [`DayPart`](crate::batch::DayPart)s.
    pub days: Vec<(i32, String)>,
}

impl Bytes for Erasure {}
impl Bytes for Residues {}

impl Erasure {
    /// The entries that go.
    pub fn gone(&self) -> Gone {
        let groups = self.groups.as_ref().map(|groups| groups.iter().copied().collect());
        Gone { whose: groups.map_or(Whose::Everybody, Whose::Groups), upto: self.upto }
    }
}

/// Where what stays of a day is kept for good: named by its content, so that it is never another one's.
pub fn residue_key(advertiser: &Key, shard: u32, day: Day, bytes: &[u8]) -> String {
    let advertiser = utf8_percent_encode(advertiser.as_str(), ESCAPED);
    let digest = Sha256::digest(bytes);
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("residue/advertiser={advertiser}/day={day}/shard={shard}/{name}.cells")
}

/// The body of `POST /v1/erasures`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// As it was sent with the events; only its pseudonym is stored, until the request is done.
    pub user: String,
}

/// A request to erase a user, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureInfo {
    /// Public handle.
    pub id: String,
    /// `pending` until a run of the batch is through with it, then `done`.
    pub status: String,
    /// When it was asked for, RFC 3339.
    pub requested: String,
    /// When nothing of the user was left, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The run that did it: `batch-3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let key = residue_key(&Key::parse("a/b").unwrap(), 3, Day(17_734), b"cells");
        assert_eq!(key, "residue/advertiser=a%2Fb/day=2018-07-22/shard=3/57104c57fbe0d1c9.cells");
    }

    #[test]
    fn both_ways() {
        let residues = vec![(17_734, "residue/a".to_owned())];
        let erasure = Erasure { groups: Some(vec![3, 1]), upto: 9, replaced: vec![], by: vec![], residues };
        assert_eq!(Erasure::from_bytes(&erasure.to_bytes()), Ok(erasure.clone()));
        assert!(erasure.gone().holds(3, 9) && !erasure.gone().holds(3, 10) && !erasure.gone().holds(2, 1));
    }
}
