//! Names and identities: dimension keys, event ids, pseudonymous users.

mod text;

use std::fmt;

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher24;
use thiserror::Error;

use self::text::Text;

/// The longest [`Key`] and [`EventId`], in characters: long enough for a UUID with a prefix, short enough that
/// ten of them fit an index entry.
pub const MAX_KEY_CHARS: usize = 64;

/// A dimension value such as a campaign or a country: 0 to 64 characters, no control characters.
///
/// The empty key means "unknown"; pages show it as `(none)`.
/// Cloning is cheap: up to 22 bytes are copied, clones of longer keys share one allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Text<22>);

/// Why a text is not a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Longer than [`MAX_KEY_CHARS`].
    #[error("has {0} characters, at most {MAX_KEY_CHARS} are allowed")]
    TooLong(usize),
    /// Contains a control character.
    #[error("contains a control character")]
    Control,
}

impl Key {
    /// Parses a key of 0 to 64 characters.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let chars = text.chars().count();
        if chars > MAX_KEY_CHARS {
            return Err(KeyError::TooLong(chars));
        }
        if text.chars().any(char::is_control) {
            return Err(KeyError::Control);
        }
        Ok(Self(Text::new(text)))
    }

    /// Becomes what [`Key::parse`] makes of the first `len` bytes of `window`, at most [`MAX_KEY_CHARS`], which are
    /// ASCII without control characters.
    #[inline]
    pub(crate) fn set_printable(&mut self, window: &[u8], len: usize) {
        self.0.set_ascii(window, len);
    }

    /// The unknown value.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The bytes of the text: what to compare and hash, at no cost.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether the value is unknown.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl Default for Key {
    fn default() -> Self {
        Self(Text::EMPTY)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The sender's idempotency key of an event: 1 to 64 characters of `[A-Za-z0-9._:-]`.
///
/// Unique within (advertiser, kind). Ordered bytewise, which breaks ties between events of one time.
/// Ids of up to 38 bytes, UUIDs among them, need no allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Text<38>);

/// Why a text is not an [`EventId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EventIdError {
    /// The empty text.
    #[error("is empty")]
    Empty,
    /// Longer than [`MAX_KEY_CHARS`].
    #[error("has {0} characters, at most {MAX_KEY_CHARS} are allowed")]
    TooLong(usize),
    /// A character outside of `[A-Za-z0-9._:-]`.
    #[error("contains {0:?}, only letters, digits and . _ : - are allowed")]
    Character(char),
}

impl EventId {
    /// Parses an id of 1 to 64 characters of `[A-Za-z0-9._:-]`.
    pub fn parse(text: &str) -> Result<Self, EventIdError> {
        let wrong = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'));
        match text.chars().count() {
            0 => Err(EventIdError::Empty),
            n if n > MAX_KEY_CHARS => Err(EventIdError::TooLong(n)),
            _ => match text.chars().find(wrong) {
                Some(c) => Err(EventIdError::Character(c)),
                None => Ok(Self(Text::new(text))),
            },
        }
    }

    /// Whether [`EventId::parse`] takes these bytes.
    pub(crate) fn is_valid(bytes: &[u8]) -> bool {
        let fits = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b':' | b'-');
        (1..=MAX_KEY_CHARS).contains(&bytes.len()) && bytes.iter().all(fits)
    }

    /// Becomes what [`EventId::parse`] makes of the first `len` bytes of `window`, if they are known to be right.
    #[inline]
    pub(crate) fn set_checked(&mut self, window: &[u8], len: usize) {
        self.0.set_ascii(window, len);
    }

    /// Sorts before every id; not an id itself, only a bound of ranges.
    pub(crate) fn first() -> Self {
        Self(Text::EMPTY)
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The bytes of the text: what to compare and hash, at no cost.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A pseudonymous user: 64 bits of a keyed hash of the sender's user key under the deployment's salt.
///
/// The sender's key itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(pub u64);

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The deployment's secret with which user keys are hashed.
///
/// The hash is SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", Indocrypt 2012) under 128 bits
/// of the secret's SHA-256. What a pseudonym needs is that nobody without the secret can tell which user it stands for,
/// or make two users fall together on purpose: that is what a pseudorandom function promises, and SipHash is one, for
/// outputs of 64 bits, as far as anybody knows. HMAC-SHA-256 cut to 64 bits promises the same and takes ten times as
/// long, which was most of what reading an event cost.
#[derive(Clone)]
pub struct UserSalt(SipHasher24);

impl UserSalt {
    /// A salt of any length.
    pub fn new(secret: &[u8]) -> Self {
        let digest = Sha256::digest(secret);
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(SipHasher24::new_with_key(&key))
    }

    /// The pseudonym of `user`.
    pub fn pseudonym(&self, user: &str) -> UserKey {
        self.pseudonym_of(user.as_bytes())
    }

    /// The pseudonym of the user whose key has these bytes.
    pub(crate) fn pseudonym_of(&self, user: &[u8]) -> UserKey {
        UserKey(self.0.hash(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        fn check(text: &str, expected: Result<&str, EventIdError>) {
            assert_eq!(EventId::parse(text).as_ref().map(EventId::as_str), expected.as_ref().copied());
            assert_eq!(EventId::is_valid(text.as_bytes()), expected.is_ok(), "{text}");
        }
        check("i101-638", Ok("i101-638"));
        check("A.b_c:d-9", Ok("A.b_c:d-9"));
        check("", Err(EventIdError::Empty));
        check("a b", Err(EventIdError::Character(' ')));
        check("é", Err(EventIdError::Character('é')));
        check(&"x".repeat(64), Ok(&"x".repeat(64)));
        check(&"x".repeat(65), Err(EventIdError::TooLong(65)));
    }

    #[test]
    fn keys() {
        fn check(text: &str, expected: Result<&str, KeyError>) {
            assert_eq!(Key::parse(text).as_ref().map(Key::as_str), expected.as_ref().copied());
        }
        check("", Ok(""));
        check("여름 세일", Ok("여름 세일"));
        check(&"가".repeat(64), Ok(&"가".repeat(64)));
        check(&"x".repeat(65), Err(KeyError::TooLong(65)));
        check("a\nb", Err(KeyError::Control));
    }

    #[test]
    fn pseudonyms_depend_on_the_salt() {
        let (a, b) = (UserSalt::new(b"a"), UserSalt::new(b"b"));
        assert_eq!(a.pseudonym("u1"), a.pseudonym("u1"));
        assert_ne!(a.pseudonym("u1"), a.pseudonym("u2"));
        assert_ne!(a.pseudonym("u1"), b.pseudonym("u1"));
    }

    /// Stored pseudonyms must not change: under a new hash every chain of events would break in two.
    #[test]
    fn pseudonyms_stay() {
        assert_eq!(UserSalt::new(b"salt").pseudonym("u1").to_string(), "03ef676cbcb4aeee");
    }
}
