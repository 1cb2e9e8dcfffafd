//! Where files of the archive lie: Hive layout, named by the rows of the log that they hold.

use adtally_core::key::Key;
use adtally_core::time::Day;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Under which everything of the archive lies.
pub const PREFIX: &str = "raw/";

/// What stands as it is in a key; engines that read Hive layouts decode the rest.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The key of the file with the entries of a day in a range of rows: writing it again writes the same bytes.
pub fn file_key(advertiser: &Key, day: Day, shard: u32, (from, to): (i64, i64)) -> String {
    format!("{}{from}-{to}.parquet", folder(advertiser, day, shard))
}

/// The key of a file that was made of others; named by its content too, so that it is never another one's.
pub fn rewritten_key(
    advertiser: &Key,
    day: Day,
    shard: u32,
    (from, to): (i64, i64),
    sha256: &[u8; 32],
) -> String {
    let [a, b, c, d, ..] = sha256;
    format!("{}{from}-{to}.{a:02x}{b:02x}{c:02x}{d:02x}.parquet", folder(advertiser, day, shard))
}

/// Whether a key is one that [`rewritten_key`] makes.
pub fn is_rewritten(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let digest =
        name.strip_suffix(".parquet").and_then(|stem| stem.split_once('.')).map(|(_, digest)| digest);
    digest.is_some_and(|digest| digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Under which all files of a day of a shard are.
pub fn folder(advertiser: &Key, day: Day, shard: u32) -> String {
    format!("{}day={day}/shard={shard}/", owner_folder(advertiser))
}

/// Under which all files of an advertiser are.
pub fn owner_folder(advertiser: &Key) -> String {
    let advertiser = utf8_percent_encode(advertiser.as_str(), ESCAPED);
    format!("{PREFIX}advertiser={advertiser}/")
}

/// Whether a key, of whatever day, is of this shard.
pub fn is_of_shard(key: &str, shard: u32) -> bool {
    key.rsplit('/').nth(1).and_then(|part| part.strip_prefix("shard=")) == Some(shard.to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let check = |advertiser: &str, expected: &str| {
            let advertiser = Key::parse(advertiser).unwrap();
            assert_eq!(file_key(&advertiser, Day(17_734), 3, (17, 40)), expected);
        };
        check("acme", "raw/advertiser=acme/day=2018-07-22/shard=3/17-40.parquet");
        check("a/b c%=é", "raw/advertiser=a%2Fb%20c%25%3D%C3%A9/day=2018-07-22/shard=3/17-40.parquet");
        let acme = Key::parse("acme").unwrap();
        let key = file_key(&acme, Day(17_734), 3, (17, 40));
        assert!(key.starts_with(&owner_folder(&acme)));
        assert!(!key.starts_with(&owner_folder(&Key::parse("acm").unwrap())));
        assert!(is_of_shard(&key, 3) && is_of_shard(&format!("backups/kept/{key}"), 3));
        assert!(!is_of_shard(&key, 33) && !is_of_shard("raw/shard=3", 3) && !is_of_shard("", 0));
        let acme = Key::parse("acme.parquet").unwrap();
        assert!(!is_rewritten(&file_key(&acme, Day(0), 0, (1, 2))));
        assert!(is_rewritten(&rewritten_key(&acme, Day(0), 0, (1, 2), &[0x0f; 32])));
        for other in [
            "",
            "raw/",
            "raw/x/1-2.abababab.parquet.tmp",
            "raw/x/1-2.abababax.parquet",
            "raw/a.abababab/1-2.parquet",
        ] {
            assert!(!is_rewritten(other), "{other}");
        }
        let rewritten = rewritten_key(&Key::parse("acme").unwrap(), Day(0), 0, (1, 2), &[0xab; 32]);
        assert_eq!(rewritten, "raw/advertiser=acme/day=1970-01-01/shard=0/1-2.abababab.parquet");
    }
}
