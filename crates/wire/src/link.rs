//! Signed click links: an address of ours that leads only where somebody with the right to say so has said.
//!
//! `sig=<key id>.<HMAC-SHA-256 in hexadecimal>`, over the destination and the ids that say whose click it is. What a
//! page adds besides (user, impression, its own id, properties) is free.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::token::{hex, unhex};

/// The longest destination, in bytes: what every browser takes.
pub const MAX_DESTINATION_BYTES: usize = 2_048;
/// The parameters that are signed besides the destination.
pub const SIGNED: [&str; 5] = ["advertiser", "campaign", "ad", "service", "placement"];
/// The parameter that has the destination.
pub const TO: &str = "to";
/// The parameter that has the signature.
pub const SIG: &str = "sig";

/// The key that the deployment's salt makes, which nobody has to configure.
const DERIVED_ID: &str = "0";
/// Replaced by the click's id in the query of a destination, also where its braces are encoded.
const CLICK_MACROS: [&str; 3] = ["{click}", "%7Bclick%7D", "%7bclick%7d"];

/// Why a link is not followed or not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkError {
    /// No destination or no signature, or one of the signed parameters stands there twice.
    #[error("`to`, `sig` and `advertiser` are needed, and no signed parameter may be repeated")]
    Incomplete,
    /// Not an absolute address of the web, or too long.
    #[error("`to` must be an http or https address of at most {MAX_DESTINATION_BYTES} bytes")]
    BadDestination,
    /// Signed with no key of ours, or for another destination or other ids.
    #[error("the signature does not fit")]
    BadSignature,
}

impl LinkError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            LinkError::Incomplete => "incomplete_link",
            LinkError::BadDestination => "bad_destination",
            LinkError::BadSignature => "bad_signature",
        }
    }
}

/// The keys of a deployment: the first signs, all of them verify.
#[derive(Clone)]
pub struct LinkKeys(Vec<(String, Hmac<Sha256>)>);

impl LinkKeys {
    /// The keys of `configured`, which is `id:secret,id:secret,...`, or else the one that the salt makes, `0`.
    ///
    /// Among configured keys a bare `0` stands for that of the salt: links that it signed stay valid. A new key goes in
    /// front; an old one is taken out when its links have run out. `None` if it is not of this form.
    pub fn read(configured: Option<&str>, id_salt: &str) -> Option<LinkKeys> {
        let derived = || (DERIVED_ID.to_owned(), derive(id_salt, "salt"));
        let Some(configured) = configured.map(str::trim).filter(|text| !text.is_empty()) else {
            return Some(Self(vec![derived()]));
        };
        let mut keys = Vec::new();
        for part in configured.split(',').map(str::trim) {
            keys.push(match part.split_once(':') {
                Some((id, secret)) if is_id(id) && !secret.is_empty() => {
                    (id.to_owned(), derive(secret, "key"))
                }
                None if part == DERIVED_ID => derived(),
                _ => return None,
            });
        }
        Some(Self(keys))
    }

    /// The signature of a link.
    pub fn sign(&self, link: &Link<'_>) -> String {
        let signed = |(id, key): &(String, Hmac<Sha256>)| {
            format!("{id}.{}", hex(&link.authenticated(key).finalize().into_bytes()))
        };
        self.0.first().map(signed).unwrap_or_default()
    }

    /// Whether one of the keys signed exactly this.
    pub fn verify(&self, link: &Link<'_>, signature: &str) -> Result<(), LinkError> {
        let parts = signature.split_once('.').and_then(|(id, tag)| Some((id, unhex(tag)?)));
        let Some((id, tag)) = parts else { return Err(LinkError::BadSignature) };
        let of_id = self.0.iter().filter(|(known, _)| known == id);
        let fits = |(_, key): &(String, Hmac<Sha256>)| link.authenticated(key).verify_slice(&tag).is_ok();
        // Two keys of one id can only come from a configuration that is being changed.
        if of_id.into_iter().any(fits) { Ok(()) } else { Err(LinkError::BadSignature) }
    }
}

/// What a signature is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it leads.
    pub to: &'a str,
    /// The values of [`SIGNED`], in that order; empty where absent.
    pub ids: [&'a str; SIGNED.len()],
}

impl<'a> Link<'a> {
    /// The link in the parameters of an address.
    pub fn of(pairs: &'a [(String, String)]) -> Result<Link<'a>, LinkError> {
        let only = |name: &str| {
            let mut values = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (value, None) => Ok(value.unwrap_or_default()),
                (_, Some(_)) => Err(LinkError::Incomplete),
            }
        };
        let mut ids = [""; SIGNED.len()];
        for (place, name) in ids.iter_mut().zip(SIGNED) {
            *place = only(name)?;
        }
        let link = Link { to: only(TO)?, ids };
        if link.to.is_empty() || link.ids[0].is_empty() {
            return Err(LinkError::Incomplete);
        }
        link.check_destination()?;
        Ok(link)
    }

    /// Only the web, and nothing that could end a header.
    pub fn check_destination(&self) -> Result<(), LinkError> {
        let scheme_is = |scheme: &str| {
            self.to.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let is_web = ["https://", "http://"].into_iter().any(|scheme| {
            scheme_is(scheme)
                && self.to[scheme.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        });
        let is_plain = self.to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let fits = self.to.len() <= MAX_DESTINATION_BYTES;
        if is_web && is_plain && fits { Ok(()) } else { Err(LinkError::BadDestination) }
    }

    /// Each part with its length, so that no two links say the same to the key.
    fn authenticated(&self, key: &Hmac<Sha256>) -> Hmac<Sha256> {
        let mut mac = key.clone();
        for part in std::iter::once(self.to).chain(self.ids) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }

    /// Where the browser goes: the destination, with the click's id where its query asks for it.
    ///
    /// Not before the query: an id that somebody makes up must not become part of a host.
    pub fn destination(&self, click: &str) -> String {
        let Some(query) = self.to.find('?') else { return self.to.to_owned() };
        let (place, query) = self.to.split_at(query);
        let filled = CLICK_MACROS.iter().fold(query.to_owned(), |query, name| query.replace(name, click));
        format!("{place}{filled}")
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn derive(secret: &str, purpose: &str) -> Hmac<Sha256> {
    let mut root = mac(secret.as_bytes());
    root.update(b"adtally link key v1\0");
    root.update(purpose.as_bytes());
    mac(&root.finalize().into_bytes())
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 3)")]
    Hmac::new_from_slice(key).expect("any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO_SHOP: &str = "https://shop.example/landing?ref={click}&x=%7Bclick%7D";

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn keys(configured: Option<&str>) -> LinkKeys {
        LinkKeys::read(configured, "salt").unwrap()
    }

    #[test]
    fn only_what_was_signed_verifies() {
        let link = Link { to: TO_SHOP, ids: ["acme", "spring", "a1", "", ""] };
        let keys = keys(None);
        let signature = keys.sign(&link);
        assert!(signature.starts_with("0."));
        assert_eq!(keys.verify(&link, &signature), Ok(()));
        for other in [
            Link { to: "https://evil.example/", ..link },
            Link { ids: ["globex", "spring", "a1", "", ""], ..link },
            Link { ids: ["acme", "spring", "", "a1", ""], ..link },
            Link { ids: ["acme", "springa1", "", "", ""], ..link },
        ] {
            assert_eq!(keys.verify(&other, &signature), Err(LinkError::BadSignature), "{other:?}");
        }
        let cut = &signature[..signature.len() - 2];
        let other_key = signature.replacen('0', "1", 1);
        for forged in ["", ".", "0", "0.", "0.00", "é.é", cut, &other_key, &signature[2..]] {
            assert_eq!(keys.verify(&link, forged), Err(LinkError::BadSignature), "{forged}");
        }
    }

    #[test]
    fn keys_are_rotated() {
        let link = Link { to: TO_SHOP, ids: ["acme", "", "", "", ""] };
        let (derived, both, new) = (keys(None), keys(Some("b:secret, 0")), keys(Some("c:other,b:secret")));
        assert_eq!(both.verify(&link, &derived.sign(&link)), Ok(()));
        assert!(both.sign(&link).starts_with("b."));
        assert_eq!(new.verify(&link, &both.sign(&link)), Ok(()));
        assert_eq!(new.verify(&link, &derived.sign(&link)), Err(LinkError::BadSignature));
        for wrong in ["b", "b:", ":x", "b:x,,", "b c:x", "b:x,1"] {
            assert!(LinkKeys::read(Some(wrong), "salt").is_none(), "{wrong}");
        }
    }

    #[test]
    fn links_in_addresses() {
        fn check(text: &[(&str, &str)], expected: Result<[&str; 5], LinkError>) {
            let pairs = pairs(text);
            assert_eq!(Link::of(&pairs).map(|link| link.ids), expected, "{text:?}");
        }
        let to = ("to", "https://a.example");
        check(&[to, ("advertiser", "acme"), ("user", "u")], Ok(["acme", "", "", "", ""]));
        check(&[to, ("service", "news"), ("advertiser", "acme")], Ok(["acme", "", "", "news", ""]));
        check(&[to], Err(LinkError::Incomplete));
        check(&[("advertiser", "acme")], Err(LinkError::Incomplete));
        check(&[to, to, ("advertiser", "acme")], Err(LinkError::Incomplete));
        check(&[to, ("advertiser", "acme"), ("ad", "a"), ("ad", "b")], Err(LinkError::Incomplete));
    }

    #[test]
    fn destinations() {
        fn check(to: &str, expected: bool) {
            let link = Link { to, ids: ["acme", "", "", "", ""] };
            assert_eq!(link.check_destination().is_ok(), expected, "{to}");
        }
        check("https://shop.example/a?b=c#d", true);
        check("HTTP://shop.example", true);
        check("https://[::1]/", true);
        for wrong in [
            "",
            "shop.example",
            "//shop.example",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://@x",
            "https:\\\\x",
            "https://a\\@b",
            "https://a.example/\r\nX: y",
            "https://é.example",
            "data:text/html,x",
        ] {
            check(wrong, false);
        }
        check(&format!("https://a/{}", "x".repeat(MAX_DESTINATION_BYTES)), false);
        let link = Link { to: TO_SHOP, ids: [""; 5] };
        assert_eq!(link.destination("c1"), "https://shop.example/landing?ref=c1&x=c1");
        let host = Link { to: "https://{click}.example/?c={click}", ids: [""; 5] };
        assert_eq!(host.destination("evil"), "https://{click}.example/?c=evil");
    }
}
