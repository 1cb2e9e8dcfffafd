//! What the batch says to Linker and Report objects, and what it leaves in object storage.
//!
//! Between objects and tasks all of it is bytes of this program ([`crate::versioned`]), never JSON: hashes have 64 bits.

use adtally_core::batch::Ruling;
use adtally_core::event::Kind;
use adtally_core::key::Key;
use adtally_core::time::Day;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::versioned::{VersionedError, decode, encode};

/// Linker: `POST` the bytes of a [`CutRequest`], answered by those of a [`Cut`].
pub const CUT: &str = "/cut";
/// Linker: `POST` the bytes of a [`Published`], answered by 200.
pub const PUBLISHED: &str = "/published";
/// Linker: `POST` the bytes of [`Rulings`], answered by 200 once they are durable.
pub const RULE: &str = "/rule";
/// Linker: `POST` the bytes of a [`Compaction`], answered by 200; 409 where the files are not the archive's any more.
pub const COMPACTED: &str = "/compacted";
/// Report: `POST` the bytes of a [`Publication`], answered by 200 once it is published, with [`HAS_CUBES`] where there are
/// any to build.
pub const PUBLISH: &str = "/publish";
/// What a Report object says whose scope has cubes.
pub const HAS_CUBES: &str = "cubes";

/// What stands as it is in a key of object storage; engines that read Hive layouts decode the rest.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Asks a Linker to archive its whole log, and to close its epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutRequest {
    /// The generation that the cut is for; asked again for the same one, a Linker gives the same answer. 0: only archive
    /// what is there, and close nothing.
    pub generation: u64,
}

/// Where a shard's log is cut: the generation covers exactly the rows up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The Linker's name: `acme/0`.
    pub source: String,
    /// The epoch that the cut closed; what is told of later rows has a later one.
    pub epoch: u64,
    /// The last row before the cut.
    pub row: i64,
    /// Everything acknowledged up to this server time is before the cut.
    pub through_ms: i64,
    /// The last row that the previous published generation covers; 0: none.
    pub published_row: i64,
    /// Every file of the archive with rows up to the cut, that is all of them.
    pub files: Vec<ArchiveFile>,
    /// Every scope that the shard ever told anything.
    pub scopes: Vec<String>,
    /// The rulings in force at the cut.
    pub rulings: Vec<RulingV1>,
    /// Those of rows after `published_row`.
    pub new_rulings: Vec<RulingV1>,
    /// Every revision of the settings that an event before the cut arrived under, and the settings as JSON.
    pub settings: Vec<(u64, String)>,
}

/// A file of the archive: the entries of one event day in a range of rows of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFile {
    /// Its key: `raw/advertiser=acme/day=2018-07-22/shard=0/17-40.parquet`.
    pub key: String,
    /// Days since 1970.
    pub day: i32,
    /// The first row of the log that may be in it.
    pub from_row: i64,
    /// The last one.
    pub to_row: i64,
    /// Its entries.
    pub entries: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// The least and the greatest group in it.
    pub groups: (u64, u64),
    /// The first and the last arrival in it, in ms since 1970.
    pub received_ms: (i64, i64),
}

/// See [`adtally_core::batch::Ruling`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulingV1 {
    /// The group.
    pub group: u64,
    /// The number of the kind.
    pub kind: u8,
    /// Days since 1970.
    pub day: i32,
}

/// Rulings for a Linker to go by from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rulings {
    /// Those that it knows already change nothing.
    pub rulings: Vec<RulingV1>,
}

/// Tells a Linker that a generation with its cut is published everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The generation.
    pub generation: u64,
    /// The last row that it covers.
    pub row: i64,
}

/// Replaces files of an archive by others with the same entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// The keys of the files that go.
    pub replaced: Vec<String>,
    /// The files that come, already stored.
    pub by: Vec<ArchiveFile>,
}

/// The object that a link task leaves behind: the cells of a part of a day of a shard, by scope. Its key is
/// [`part_key`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DayPart {
    /// The scope's name and its cells, in the encoding of [`adtally_core::segment`].
    pub segments: Vec<(String, Vec<u8>)>,
}

/// What a Report object publishes in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The generation; a Report object that has it, or a later one, changes nothing.
    pub generation: u64,
    /// The server time of the publication, in ms since 1970.
    pub made_ms: i64,
    /// What of real time it replaces.
    pub cuts: Vec<SourceCut>,
    /// The days that were linked again, by source.
    pub days: Vec<PublishedDay>,
}

/// That the batch has all of a source up to an epoch's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCut {
    /// The Linker's name.
    pub source: String,
    /// The last epoch that is covered.
    pub epoch: u64,
    /// Everything acknowledged up to this server time is covered.
    pub through_ms: i64,
}

/// A day of a source that was linked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedDay {
    /// The Linker's name.
    pub source: String,
    /// Days since 1970.
    pub day: i32,
    /// Keys of its [`DayPart`]s in object storage; scopes that are in none of them have no cells of that day.
    pub parts: Vec<String>,
}

/// Under which everything lies that the batch leaves in object storage for a generation.
pub fn generation_prefix(generation: u64) -> String {
    format!("batch/generation={generation}/")
}

/// Where a link task leaves the cells of a part of a day.
pub fn part_key(generation: u64, advertiser: &Key, shard: u32, day: Day, part: u32) -> String {
    format!("{}/day={day}/part-{part}.cells", shard_prefix(generation, advertiser, shard))
}

/// Where a cut is kept for the tasks that go by it; `step` tells the cuts of a generation apart.
pub fn cut_key(generation: u64, advertiser: &Key, shard: u32, step: &str) -> String {
    format!("{}/{step}.cut", shard_prefix(generation, advertiser, shard))
}

fn shard_prefix(generation: u64, advertiser: &Key, shard: u32) -> String {
    let advertiser = utf8_percent_encode(advertiser.as_str(), ESCAPED);
    format!("{}advertiser={advertiser}/shard={shard}", generation_prefix(generation))
}

impl From<Ruling> for RulingV1 {
    fn from(ruling: Ruling) -> Self {
        Self { group: ruling.group, kind: ruling.kind as u8, day: ruling.day.0 }
    }
}

impl TryFrom<RulingV1> for Ruling {
    type Error = VersionedError;

    fn try_from(v1: RulingV1) -> Result<Self, VersionedError> {
        let kind = Kind::ALL.get(usize::from(v1.kind)).ok_or(VersionedError::Invalid("kind"))?;
        Ok(Self { group: v1.group, kind: *kind, day: Day(v1.day) })
    }
}

/// What crosses objects and object storage as bytes.
pub trait Bytes: Serialize + DeserializeOwned {
    /// Its bytes.
    fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Bytes::to_bytes`] wrote.
    fn from_bytes(bytes: &[u8]) -> Result<Self, VersionedError> {
        decode(bytes)
    }
}

impl Bytes for CutRequest {}
impl Bytes for Cut {}
impl Bytes for ArchiveFile {}
impl Bytes for Rulings {}
impl Bytes for Published {}
impl Bytes for Compaction {}

/// A part lies in object storage between two tasks: a digest of its bytes stands before them, so that one that is damaged is
/// not taken for one without cells.
impl Bytes for DayPart {
    fn to_bytes(&self) -> Vec<u8> {
        let bytes = encode(self);
        [Sha256::digest(&bytes).as_slice(), &bytes].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, VersionedError> {
        let (digest, bytes) = bytes.split_at_checked(DIGEST_BYTES).ok_or(VersionedError::Empty)?;
        if Sha256::digest(bytes).as_slice() != digest {
            return Err(VersionedError::Malformed("the digest differs".to_owned()));
        }
        decode(bytes)
    }
}

impl Bytes for Publication {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_part_is_not_one_without_cells() {
        let part = DayPart { segments: vec![("platform".to_owned(), vec![1, 2])] };
        let bytes = part.to_bytes();
        assert_eq!(DayPart::from_bytes(&bytes), Ok(part));
        assert!(DayPart::from_bytes(&bytes[..7]).is_err());
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(DayPart::from_bytes(&damaged).is_err(), "byte {place}");
        }
    }

    #[test]
    fn both_ways() {
        let cut = SourceCut { source: "acme/0".to_owned(), epoch: 3, through_ms: -1 };
        let day = PublishedDay { source: "acme/0".to_owned(), day: 17_734, parts: vec!["a".to_owned()] };
        let publication = Publication { generation: 2, made_ms: 7, cuts: vec![cut], days: vec![day] };
        assert_eq!(Publication::from_bytes(&publication.to_bytes()), Ok(publication));
        assert!(Publication::from_bytes(&[1, 9]).is_err());
    }
}
