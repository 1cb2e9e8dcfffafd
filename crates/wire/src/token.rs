//! Access tokens: how a secret looks, and the hash under which it is known.
//!
//! A secret has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.

use std::fmt;

use adtally_core::access::Role;
use sha2::{Digest, Sha256};

/// Random bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// Random bytes of a token's public handle.
pub const HANDLE_BYTES: usize = 8;

/// SHA-256 of a secret: what is stored, compared and put into sessions in its place.
///
/// There is deliberately no `PartialEq`: use [`TokenHash::matches`].
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a secret as the bearer sends it.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// A hash that was computed before.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Equality in a time that does not depend on where the hashes differ.
    pub fn matches(&self, other: &TokenHash) -> bool {
        let difference = self.0.iter().zip(other.0).fold(0, |found, (mine, theirs)| found | (mine ^ theirs));
        std::hint::black_box(difference) == 0
    }

    /// 64 hexadecimal digits: the key of the token's row.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for TokenHash {
    /// Not even a hash is printed in full: logs are read by more people than the catalog.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}…)", hex(&self.0[..4]))
    }
}

/// The secret of a new token; the prefix tells people and secret scanners what leaked.
pub fn secret(role: Role, random: [u8; SECRET_BYTES]) -> String {
    let prefix = match role {
        Role::Admin | Role::Analyst => "adt_",
        Role::Write => "adw_",
    };
    format!("{prefix}{}", hex(&random))
}

/// The public handle of a new token.
pub fn handle(random: [u8; HANDLE_BYTES]) -> String {
    handle_of("tok", random)
}

/// The handle of something new of a kind.
pub fn handle_of(kind: &str, random: [u8; HANDLE_BYTES]) -> String {
    format!("{kind}_{}", hex(&random))
}

/// The secret in `Authorization: Bearer <secret>`; the scheme's case does not matter (RFC 9110, section 11.1).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, secret) = authorization.trim().split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// The password in `Authorization: Basic <name and password>` (RFC 7617).
pub fn basic_password(authorization: &str) -> Option<String> {
    second_half(authorization, "basic")
}

/// The secret of a sender, whose program may know other schemes than `Bearer`: the password of `Basic`, whoever the user
/// is, or the second half of an `ApiKey`, as Elasticsearch's clients write it.
pub fn sender_secret(authorization: &str) -> Option<String> {
    let bearer = bearer(authorization).map(str::to_owned);
    bearer.or_else(|| basic_password(authorization)).or_else(|| second_half(authorization, "apikey"))
}

fn second_half(authorization: &str, scheme: &str) -> Option<String> {
    let (known, credentials) = authorization.trim().split_once(' ')?;
    if !known.eq_ignore_ascii_case(scheme) {
        return None;
    }
    let credentials = String::from_utf8(crate::base64::decode(credentials.trim())?).ok()?;
    let (_, secret) = credentials.split_once(':')?;
    (!secret.is_empty()).then(|| secret.to_owned())
}

/// Two lower-case digits per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads what [`hex`] wrote.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_sha256() {
        // FIPS 180-2, appendix B.1.
        let hash = TokenHash::of("abc");
        assert_eq!(hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(hash.matches(&TokenHash::of("abc")));
        assert!(!hash.matches(&TokenHash::of("abd")));
        assert_eq!(format!("{hash:?}"), "TokenHash(ba7816bf…)");
    }

    #[test]
    fn prefixes_tell_what_leaked() {
        assert_eq!(secret(Role::Admin, [0xab; 32]), format!("adt_{}", "ab".repeat(32)));
        assert_eq!(secret(Role::Analyst, [0; 32]), format!("adt_{}", "00".repeat(32)));
        assert_eq!(secret(Role::Write, [0xff; 32]), format!("adw_{}", "ff".repeat(32)));
        assert_eq!(handle([1; 8]), "tok_0101010101010101");
    }

    #[test]
    fn basic_passwords() {
        fn check(header: &str, expected: Option<&str>) {
            assert_eq!(basic_password(header).as_deref(), expected, "{header:?}");
        }
        check("Basic YW55Ym9keTphYmM=", Some("abc"));
        check("basic YW55Ym9keTphOmI=", Some("a:b"));
        check("Basic YW55Ym9keTo=", None);
        check("Basic YW55Ym9keQ==", None);
        check("Basic ?", None);
        check("Bearer YW55Ym9keTphYmM=", None);
    }

    #[test]
    fn bearers() {
        fn check(header: &str, expected: Option<&str>) {
            assert_eq!(bearer(header), expected, "{header:?}");
        }
        check("Bearer abc", Some("abc"));
        check("bearer  abc ", Some("abc"));
        check("Basic abc", None);
        check("Bearer", None);
        check("Bearer ", None);
        check("", None);
    }

    #[test]
    fn secrets_of_senders() {
        fn check(header: &str, expected: Option<&str>) {
            assert_eq!(sender_secret(header).as_deref(), expected, "{header:?}");
        }
        check("Bearer abc", Some("abc"));
        check("Basic dXNlcjpwYTpzcw==", Some("pa:ss"));
        check("ApiKey aWQ6c2VjcmV0", Some("secret"));
        check("Basic dXNlcjo=", None);
        check("Basic dXNlcg==", None);
        check("Basic !", None);
        check("Digest dXNlcjpwYXNz", None);
        check("Basic", None);
    }

    #[test]
    fn hex_both_ways() {
        assert_eq!(unhex(&hex(&[0, 1, 0xfe])), Some(vec![0, 1, 0xfe]));
        for wrong in ["0", "0g", "AB"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
