//! Backups: pages of tables, what lies where in object storage, and what is said about it to objects and over HTTP.
//!
//! ```text
//! backups/begun/{id}.json               somebody began it
//! backups/heads/{id}/{part}.json        what a part consists of, as its object said
//! backups/data/{id}/{part}/{page}.page  pages of rows
//! backups/parts/{id}/{part}.json        the part with its pages
//! backups/manifests/{id}.json           all parts: written last, a backup without it is none
//! backups/kept/raw/...                  files of the archive that a merge replaced and a backup relies on
//! backups/aside/{id}/raw/...            files of the archive that were later than the backup when it was restored
//! ```

pub mod api;
pub mod object;
pub mod page;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Manifests.
pub const MANIFESTS: &str = "backups/manifests/";
/// Notes of backups that were begun.
pub const BEGUN: &str = "backups/begun/";
/// Files of the archive that only backups need.
pub const KEPT: &str = "backups/kept/";
/// Where a restore puts files of the archive that are later than the backup.
pub const ASIDE: &str = "backups/aside/";
/// How manifests are written, and what they refer to.
pub const LAYOUT: u32 = 1;
/// The longest name of a backup, in characters.
const MAX_ID_CHARS: usize = 100;
/// Characters of a fingerprint.
const FINGERPRINT_CHARS: usize = 16;

/// Whether a backup may have this name: it stands in keys.
pub fn is_backup_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=MAX_ID_CHARS).contains(&id.len()) && id.chars().all(is_plain)
}

/// The name of a backup: when it was begun, in a form that sorts, and by which run. Two runs may have one number, after a
/// restore.
pub fn backup_id(begun: &str, run: &str) -> String {
    let time: String = begun.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{time}-{run}")
}

/// The key of a manifest.
pub fn manifest_key(id: &str) -> String {
    format!("{MANIFESTS}{id}.json")
}

/// The key of the note that a backup was begun.
pub fn begun_key(id: &str) -> String {
    format!("{BEGUN}{id}.json")
}

/// The name of the backup with this manifest, or note.
pub fn id_of_key(key: &str) -> Option<&str> {
    let name = key.strip_prefix(MANIFESTS).or_else(|| key.strip_prefix(BEGUN))?;
    name.strip_suffix(".json").filter(|id| is_backup_id(id))
}

/// The key of what an object said of its part.
pub fn head_key(id: &str, part: usize) -> String {
    format!("backups/heads/{id}/{part:06}.json")
}

/// The key of a part with its pages.
pub fn part_key(id: &str, part: usize) -> String {
    format!("backups/parts/{id}/{part:06}.json")
}

/// The key of a page.
pub fn page_key(id: &str, part: usize, page: usize) -> String {
    format!("backups/data/{id}/{part:06}/{page:06}.page")
}

/// Folders of a backup; its manifest and its note are apart.
pub fn folders(id: &str) -> [String; 3] {
    [format!("backups/heads/{id}/"), format!("backups/parts/{id}/"), format!("backups/data/{id}/")]
}

/// Says which secret a deployment hashes users with, and nothing of it.
pub fn fingerprint(salt: &str) -> String {
    let digest = Sha256::new().chain_update(b"adtally backup\0").chain_update(salt.as_bytes()).finalize();
    hex(&digest).chars().take(FINGERPRINT_CHARS).collect()
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// That a backup was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// By which run of the job.
    pub run: String,
    /// When, in ms since 1970.
    pub at_ms: i64,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`LAYOUT`] when it was written.
    pub layout: u32,
    /// Its name.
    pub id: String,
    /// The run that made it.
    pub run: String,
    /// Everything that was acknowledged up to then is in it, in ms since 1970.
    pub through_ms: i64,
    /// When it was complete.
    pub made_ms: i64,
    /// See [`fingerprint`].
    pub salt: String,
    /// Its parts, in the order in which they were taken.
    pub parts: Vec<Part>,
}

/// An object, or what else is copied as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is: see `adtally_core::backup::PartKind`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The version of its tables.
    pub schema: u64,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Objects of the bucket that its rows name and that are not copied.
    pub files: Vec<FileRef>,
    /// Its pages, in order.
    pub pages: Vec<PageRef>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub rows: u64,
    /// The statements that make it, and its indexes.
    pub ddl: Vec<String>,
}

/// An object of the bucket that is relied on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Its key.
    pub key: String,
    /// Its size, where that is known.
    pub bytes: Option<u64>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    /// Where it lies.
    pub key: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
}

/// Why a manifest or a page is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// The bytes are not those that were written.
    #[error("the checksum differs")]
    Checksum,
    /// They cannot be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// They were written by a later version of this program.
    #[error("layout {0} is not known, {LAYOUT} is the last one")]
    Layout(u32),
}

impl Damage {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Damage::Checksum | Damage::Unreadable(_) => "backup_damaged",
            Damage::Layout(_) => "backup_version",
        }
    }
}

impl Manifest {
    /// A line with the checksum of the rest, and the rest.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Damage> {
        let json = serde_json::to_string(self).map_err(|error| Damage::Unreadable(error.to_string()))?;
        Ok(format!("{}\n{json}", sha256_hex(json.as_bytes())).into_bytes())
    }

    /// Reads what [`Manifest::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct Versioned {
            layout: u32,
        }
        let unreadable = |error: serde_json::Error| Damage::Unreadable(error.to_string());
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Damage::Checksum)?;
        let json = &bytes[end + 1..];
        if sha256_hex(json).as_bytes() != &bytes[..end] {
            return Err(Damage::Checksum);
        }
        match serde_json::from_slice(json).map_err(unreadable)? {
            Versioned { layout: LAYOUT } => serde_json::from_slice(json).map_err(unreadable),
            Versioned { layout } => Err(Damage::Layout(layout)),
        }
    }

    /// Bytes of all pages.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().flat_map(|part| &part.pages).map(|page| page.bytes).sum()
    }

    /// Everything that it relies on and has not got.
    pub fn files(&self) -> impl Iterator<Item = &FileRef> {
        self.parts.iter().flat_map(|part| &part.files)
    }
}

impl PageRef {
    /// A page at its place.
    pub fn of(key: String, rows: usize, bytes: &[u8]) -> Self {
        Self { key, rows: rows as u64, bytes: bytes.len() as u64, sha256: sha256_hex(bytes) }
    }

    /// Whether these bytes are the page.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Damage> {
        if sha256_hex(bytes) == self.sha256 { Ok(()) } else { Err(Damage::Checksum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let page = PageRef::of(page_key("b", 0, 1), 2, b"rows");
        let table = Table {
            name: "log".to_owned(),
            columns: vec!["id".to_owned(), "body".to_owned()],
            rows: 2,
            ddl: vec!["CREATE TABLE log (id, body)".to_owned()],
        };
        let file = FileRef { key: "raw/x".to_owned(), bytes: Some(9) };
        let part = Part {
            kind: "linker".to_owned(),
            name: "acme/0".to_owned(),
            schema: 8,
            tables: vec![table],
            files: vec![file],
            pages: vec![page],
        };
        Manifest {
            layout: LAYOUT,
            id: "b".to_owned(),
            run: "backup-1".to_owned(),
            through_ms: 1,
            made_ms: 2,
            salt: fingerprint("salt"),
            parts: vec![part],
        }
    }

    #[test]
    fn manifests_both_ways_and_no_byte_of_them_may_differ() {
        let bytes = manifest().to_bytes().unwrap();
        assert_eq!(Manifest::from_bytes(&bytes), Ok(manifest()));
        assert_eq!((manifest().bytes(), manifest().files().count()), (4, 1));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(Manifest::from_bytes(&damaged), Err(Damage::Checksum), "byte {place}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Manifest::from_bytes(&bytes[..cut]), Err(Damage::Checksum), "{cut} bytes");
        }
        let later = Manifest { layout: 2, ..manifest() };
        assert_eq!(Manifest::from_bytes(&later.to_bytes().unwrap()), Err(Damage::Layout(2)));
    }

    #[test]
    fn pages_are_checked() {
        let page = PageRef::of("k".to_owned(), 1, b"rows");
        assert_eq!(page.check(b"rows"), Ok(()));
        assert_eq!(page.check(b"rowz"), Err(Damage::Checksum));
        assert_eq!(page.check(b""), Err(Damage::Checksum));
    }

    #[test]
    fn names_and_keys() {
        fn check(id: &str, expected: bool) {
            assert_eq!(is_backup_id(id), expected, "{id:?}");
        }
        let id = backup_id("2026-11-23T11:04:02.5Z", "backup-3");
        assert_eq!(id, "20261123T1104025Z-backup-3");
        check(&id, true);
        check("", false);
        check("a/b", false);
        check("a.b", false);
        check(&"x".repeat(101), false);
        assert_eq!(id_of_key(&manifest_key("x-1")), Some("x-1"));
        assert_eq!(id_of_key(&begun_key("x-1")), Some("x-1"));
        assert_eq!(id_of_key("backups/manifests/x/y.json"), None);
        assert_eq!(id_of_key("raw/x.json"), None);
        for (place, folder) in folders("b").iter().enumerate() {
            let key = [head_key("b", 7), part_key("b", 7), page_key("b", 7, 8)][place].clone();
            assert!(key.starts_with(folder.as_str()), "{key} {folder}");
        }
    }

    #[test]
    fn a_fingerprint_tells_salts_apart() {
        assert_ne!(fingerprint("a"), fingerprint("b"));
        assert_eq!((fingerprint("a"), fingerprint("a").len()), (fingerprint("a"), 16));
    }
}
