//! Files of the archive, fetched when they are needed and kept.

use std::collections::BTreeMap;

use adtally_archive::Reader;
use adtally_core::batch::Span;
use adtally_core::time::{Day, ServerTime, parse_rfc3339};
use adtally_wire::archive::ListedFile;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The most bytes of files that are fetched: a browser holds them all while it links.
const MAX_BYTES: u64 = 128_000_000;

/// Why a day cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Something could not be fetched.
    #[error("{0}")]
    Unreachable(String),
    /// Something is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// There is too much of it for a browser.
    #[error("the raw events are more than {} MB", MAX_BYTES / 1_000_000)]
    TooMuch,
}

/// Where files come from.
pub trait Fetch {
    /// The bytes at an address of this site.
    fn fetch(&self, address: &str) -> impl Future<Output = Result<Vec<u8>, Trouble>>;
}

/// The files of a shard.
pub struct Shelf<'a, F> {
    files: Vec<Listed>,
    fetch: &'a F,
    readers: BTreeMap<usize, Reader>,
    /// How many bytes were fetched.
    pub bytes: u64,
}

/// A file that may be fetched.
struct Listed {
    file: ListedFile,
    span: Span,
}

impl<'a, F: Fetch> Shelf<'a, F> {
    /// Nothing fetched yet.
    pub fn new(files: Vec<ListedFile>, fetch: &'a F) -> Result<Self, Trouble> {
        let files = files.into_iter().map(Listed::new).collect::<Result<_, _>>()?;
        Ok(Self { files, fetch, readers: BTreeMap::new(), bytes: 0 })
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many were fetched.
    pub fn opened(&self) -> usize {
        self.readers.len()
    }

    /// What is known of a file before it is read.
    pub fn span(&self, file: usize) -> Span {
        self.files[file].span
    }

    /// Those of a day.
    pub fn of_day(&self, day: Day) -> Vec<usize> {
        (0..self.files.len()).filter(|file| self.files[*file].span.day == day).collect()
    }

    /// A file, fetched unless it is here.
    pub async fn open(&mut self, place: usize) -> Result<&Reader, Trouble> {
        if !self.readers.contains_key(&place) {
            let ListedFile { key, sha256, bytes, .. } = &self.files[place].file;
            if self.bytes.saturating_add(*bytes) > MAX_BYTES {
                return Err(Trouble::TooMuch);
            }
            let bytes = self.fetch.fetch(&address(key)).await?;
            if hex(&bytes) != *sha256 {
                return Err(Trouble::Damaged(format!("{key} is not what the archive says")));
            }
            self.bytes += bytes.len() as u64;
            let reader = Reader::open(bytes).map_err(|error| Trouble::Damaged(format!("{key}: {error}")))?;
            self.readers.insert(place, reader);
        }
        let missing = || Trouble::Damaged("a file is gone".to_owned());
        self.readers.get(&place).ok_or_else(missing)
    }
}

impl Listed {
    fn new(file: ListedFile) -> Result<Self, Trouble> {
        let wrong = || Trouble::Damaged(format!("{} has no day or no arrivals", file.key));
        let at = |text: &str| parse_rfc3339(text).map(ServerTime).ok_or_else(wrong);
        let received = (at(&file.received_from)?, at(&file.received_to)?);
        // The list does not say which groups are in a file: all may be.
        let span = Span { day: Day::parse(&file.day).ok_or_else(wrong)?, groups: (0, u64::MAX), received };
        Ok(Self { file, span })
    }
}

/// Where a file is fetched. Of the key only what a path or another percent sign would be is written otherwise.
fn address(key: &str) -> String {
    format!("/v1/archive/{}", key.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// The hash of bytes, as the archive lists it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let key = "raw/advertiser=a%2Fb/day=2018-07-22/shard=0/1-2.parquet";
        assert_eq!(address(key), "/v1/archive/raw/advertiser=a%252Fb/day=2018-07-22/shard=0/1-2.parquet");
    }

    #[test]
    fn hashes() {
        assert_eq!(hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
