//! Entity tags (RFC 9110, section 8.8.3) of answers that are a function of a few texts.

use sha2::{Digest, Sha256};

use crate::token::hex;

/// Bytes of the digest that are kept: 64 bits tell apart all versions that one reader may hold.
const DIGEST_BYTES: usize = 8;

/// The tag, in quotes.
pub fn of(parts: &[&str]) -> String {
    format!("\"{}\"", fold(parts))
}

/// One short text for several; the lengths are part of it, so that no two lists run together.
pub fn fold(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex(&digest.finalize()[..DIGEST_BYTES])
}

/// Whether an `If-None-Match` header names the tag; the comparison is the weak one (RFC 9110, section 13.1.2).
pub fn matches(if_none_match: &str, tag: &str) -> bool {
    let named = if_none_match.split(',').map(str::trim);
    named.into_iter().any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_depend_on_every_part() {
        let tag = of(&["acme@g0.1", "by=day"]);
        assert_eq!(tag.len(), 18);
        assert_eq!(tag, of(&["acme@g0.1", "by=day"]));
        for other in [["acme@g0.2", "by=day"], ["acme@g0.1", "by=hour"], ["acme@g0.1b", "y=day"]] {
            assert_ne!(tag, of(&other));
        }
    }

    #[test]
    fn if_none_match() {
        fn check(header: &str, expected: bool) {
            assert_eq!(matches(header, "\"abc\""), expected, "{header}");
        }
        check("\"abc\"", true);
        check("W/\"abc\"", true);
        check("\"x\", \"abc\"", true);
        check("*", true);
        check("\"abcd\"", false);
        check("abc", false);
        check("", false);
    }
}
