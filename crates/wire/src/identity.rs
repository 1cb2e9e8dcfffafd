//! The id cookie of browsers: a random name for a person who has none, kept only where they allow it.

use crate::session::Transport;
use crate::token::hex;

/// Name of the cookie.
pub const COOKIE: &str = "adtally_id";
/// Random bytes of an id.
pub const ID_BYTES: usize = 16;
/// How long a browser keeps it: thirteen months, the most that European authorities accept.
pub const LIFETIME_S: u32 = 34_128_000;

/// A new id.
pub fn new_id(random: [u8; ID_BYTES]) -> String {
    hex(&random)
}

/// The id in a `Cookie` header; what is none of ours counts as absent.
pub fn find_id(header: &str) -> Option<&str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let is_id = |id: &&str| id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    pairs.into_iter().find(|(name, _)| *name == COOKIE).map(|(_, id)| id).filter(is_id)
}

/// The `Set-Cookie` header that keeps an id; it is for the doors only, and scripts do not see it.
pub fn set_cookie(id: &str, transport: Transport) -> String {
    attributes(id, LIFETIME_S, transport)
}

/// The `Set-Cookie` header that removes an id.
pub fn clear_cookie(transport: Transport) -> String {
    attributes("", 0, transport)
}

fn attributes(id: &str, max_age_s: u32, transport: Transport) -> String {
    let secure = match transport {
        Transport::Https => "; Secure",
        Transport::PlainHttp => "",
    };
    format!("{COOKIE}={id}; Path=/v1; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies() {
        let id = new_id([0xab; ID_BYTES]);
        assert_eq!(
            set_cookie(&id, Transport::Https),
            format!("adtally_id={id}; Path=/v1; Max-Age=34128000; HttpOnly; SameSite=Lax; Secure")
        );
        assert_eq!(
            clear_cookie(Transport::PlainHttp),
            "adtally_id=; Path=/v1; Max-Age=0; HttpOnly; SameSite=Lax"
        );
        assert_eq!(find_id(&format!("a=b; adtally_id={id}")), Some(id.as_str()));
        for other in ["", "adtally_id=", "adtally_id=x", "adtally_id=é", "xadtally_id=1"] {
            assert_eq!(find_id(other), None, "{other}");
        }
    }
}
