//! The browser's session cookie: proof that a token was shown, not the token.
//!
//! `v1.<token hash, expiry>.<HMAC-SHA-256>`, all hexadecimal. The hash is looked up on each request like a bearer
//! token's, so that deleting a token ends its sessions; a new admin token or salt ends all of them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::token::{TokenHash, hex, unhex};

/// Name of the cookie.
pub const COOKIE: &str = "adtally_session";
/// How long a sign-in lasts: a working day, so that a forgotten browser does not stay signed in.
pub const LIFETIME_MS: i64 = 12 * 3_600_000;

const VERSION: &str = "v1";
/// Token hash (32 bytes), expiry in ms since 1970 (8 bytes, big-endian).
const PAYLOAD_BYTES: usize = 40;

/// The key under which sessions are sealed.
#[derive(Clone)]
pub struct SessionKey(Hmac<Sha256>);

impl SessionKey {
    /// Derives the key from the deployment's secrets, which serve other purposes themselves.
    pub fn derive(admin_token: &str, id_salt: &str) -> Self {
        let mut root = mac(admin_token.as_bytes());
        root.update(b"adtally session key v1\0");
        root.update(id_salt.as_bytes());
        Self(mac(&root.finalize().into_bytes()))
    }

    /// The cookie value for a token that was just shown.
    pub fn seal(&self, token: &TokenHash, now_ms: i64) -> String {
        let mut payload = token.bytes().to_vec();
        payload.extend((now_ms + LIFETIME_MS).to_be_bytes());
        let mut mac = self.0.clone();
        mac.update(&payload);
        format!("{VERSION}.{}.{}", hex(&payload), hex(&mac.finalize().into_bytes()))
    }

    /// The token behind a cookie value, unless it is forged, damaged or expired.
    pub fn open(&self, cookie: &str, now_ms: i64) -> Option<TokenHash> {
        let (payload, tag) = cookie.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let (payload, tag) = (unhex(payload)?, unhex(tag)?);
        let mut mac = self.0.clone();
        mac.update(&payload);
        mac.verify_slice(&tag).ok()?;
        let payload: [u8; PAYLOAD_BYTES] = payload.try_into().ok()?;
        let (hash, expiry) = payload.split_at(32);
        let expiry = i64::from_be_bytes(expiry.try_into().ok()?);
        (now_ms < expiry).then_some(())?;
        hash.try_into().ok().map(TokenHash::from_bytes)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 3)")]
    Hmac::new_from_slice(key).expect("any length")
}

/// Whether the browser may send the cookie over plain HTTP, as on `localhost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The cookie is marked `Secure`.
    Https,
    /// It cannot be: browsers would drop it.
    PlainHttp,
}

/// The `Set-Cookie` header that starts a session.
pub fn set_cookie(value: &str, transport: Transport) -> String {
    attributes(value, LIFETIME_MS / 1_000, transport)
}

/// The `Set-Cookie` header that ends a session.
pub fn clear_cookie(transport: Transport) -> String {
    attributes("", 0, transport)
}

fn attributes(value: &str, max_age_s: i64, transport: Transport) -> String {
    let secure = match transport {
        Transport::Https => "; Secure",
        Transport::PlainHttp => "",
    };
    format!("{COOKIE}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
}

/// The session's value in a `Cookie` header.
pub fn find_cookie(header: &str) -> Option<&str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Whether a request with a cookie comes from our own pages.
///
/// `SameSite=Strict` alone would let sibling subdomains in. Programs send no `Origin`.
pub fn same_origin(origin: Option<&str>, host: Option<&str>) -> bool {
    match (origin, host) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn what_is_sealed_opens_until_it_expires() {
        let key = SessionKey::derive("admin", "salt");
        let hash = TokenHash::of("adt_1");
        let cookie = key.seal(&hash, NOW);
        let check = |now, opens: bool| {
            assert_eq!(key.open(&cookie, now).is_some_and(|found| found.matches(&hash)), opens, "{now}");
        };
        check(NOW, true);
        check(NOW + LIFETIME_MS - 1, true);
        check(NOW + LIFETIME_MS, false);
    }

    #[test]
    fn forgeries_do_not_open() {
        let key = SessionKey::derive("admin", "salt");
        let cookie = key.seal(&TokenHash::of("adt_1"), NOW);
        let mut flipped = cookie.clone();
        flipped.replace_range(4..5, if &cookie[4..5] == "0" { "1" } else { "0" });
        for forged in ["", "v1", "v1..", "v2.00.00", &cookie[..cookie.len() - 2], &flipped] {
            assert!(key.open(forged, NOW).is_none(), "{forged}");
        }
        for (admin, salt) in [("admin2", "salt"), ("admin", "salt2")] {
            assert!(SessionKey::derive(admin, salt).open(&cookie, NOW).is_none());
        }
    }

    #[test]
    fn cookies() {
        assert_eq!(
            set_cookie("x", Transport::Https),
            "adtally_session=x; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            clear_cookie(Transport::PlainHttp),
            "adtally_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        );
        assert_eq!(find_cookie("a=b; adtally_session=v1.0.1;c=d"), Some("v1.0.1"));
        assert_eq!(find_cookie("xadtally_session=1"), None);
    }

    #[test]
    fn origins() {
        fn check(origin: Option<&str>, host: Option<&str>, expected: bool) {
            assert_eq!(same_origin(origin, host), expected, "{origin:?} {host:?}");
        }
        check(None, Some("a.example"), true);
        check(Some("https://a.example"), Some("a.example"), true);
        check(Some("http://localhost:8787"), Some("localhost:8787"), true);
        check(Some("https://b.example"), Some("a.example"), false);
        check(Some("https://a.example:444"), Some("a.example"), false);
        check(Some("null"), Some("a.example"), false);
        check(Some("https://a.example"), None, false);
    }
}
