//! Webhooks: how a receiver knows that it was us, and where none is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::token::hex;

/// The header with the signature: `t=1785000000,v1=<hex>`.
pub const SIGNATURE: &str = "X-Adtally-Signature";

/// The key with which webhooks are signed; receivers have its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookKey(String);

impl WebhookKey {
    /// Derives the key from a secret of the deployment, which serves other purposes itself.
    pub fn derive(secret: &str) -> Self {
        let mut mac = mac(secret.as_bytes());
        mac.update(b"adtally webhook key v1");
        Self(hex(&mac.finalize().into_bytes()))
    }

    /// For receivers.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of [`SIGNATURE`]: HMAC-SHA-256 of the seconds since 1970, a dot and the body, under the bytes of the
    /// key's text. The time is signed so that an old message cannot be sent again for ever.
    pub fn sign(&self, now_ms: i64, body: &str) -> String {
        let seconds = now_ms / 1_000;
        let mut mac = mac(self.0.as_bytes());
        mac.update(format!("{seconds}.{body}").as_bytes());
        format!("t={seconds},v1={}", hex(&mac.finalize().into_bytes()))
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 3)")]
    Hmac::new_from_slice(key).expect("any length")
}

/// Whether a host, as it stands in a URL, is one of a network of its own.
///
/// A public name can lead to such an address all the same; the platform's own fetch goes to none of them.
pub fn is_private(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_private_v4(address),
        Ok(IpAddr::V6(address)) => is_private_v6(address),
        Err(_) => {
            let inner = [".localhost", ".local", ".internal", ".home.arpa"];
            !host.contains('.') || inner.iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let is_carrier = a == 100 && (64..128).contains(&b);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || is_carrier
        || a == 0
        || a >= 224
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    let is_inner = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    let is_local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
    is_inner || is_local || address.to_ipv4().is_some_and(is_private_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts() {
        fn check(host: &str, expected: bool) {
            assert_eq!(is_private(host), expected, "{host}");
        }
        for host in
            ["localhost", "a.localhost.", "intranet", "printer.local", "db.internal", "127.0.0.1", "10.1.2.3"]
        {
            check(host, true);
        }
        for host in
            ["192.168.0.1", "172.16.9.9", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255"]
        {
            check(host, true);
        }
        for host in ["[::1]", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "[ff02::1]", "[::]"] {
            check(host, true);
        }
        for host in
            ["example.com", "8.8.8.8", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "10.example.com"]
        {
            check(host, false);
        }
    }

    #[test]
    fn signatures() {
        let key = WebhookKey::derive("salt");
        assert_eq!(key.as_str().len(), 64);
        assert_ne!(key, WebhookKey::derive("other"));
        let signature = key.sign(1_785_000_000_999, "{}");
        assert!(signature.starts_with("t=1785000000,v1="), "{signature}");
        assert_ne!(signature, key.sign(1_785_000_001_000, "{}"));
        assert_ne!(signature, key.sign(1_785_000_000_000, "{ }"));
    }
}
