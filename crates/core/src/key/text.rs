//! Short texts that live where they are used.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An immutable text: up to `N` bytes lie inside, longer ones are shared by their clones.
///
/// Names and ids are short, and an event has a dozen of them: inside, they cost a copy of a few words and neither an
/// allocation nor a count of references. Without `unsafe` the bytes are checked to be UTF-8 each time that they are
/// wanted as text, which takes nanoseconds; comparing and hashing need no text.
#[derive(Clone)]
pub(super) struct Text<const N: usize>(Repr<N>);

#[derive(Clone)]
enum Repr<const N: usize> {
    /// The bytes from `len` on mean nothing.
    Inside {
        len: u8,
        bytes: [u8; N],
    },
    Shared(Arc<str>),
}

impl<const N: usize> Text<N> {
    /// The text without bytes.
    pub(super) const EMPTY: Self = Self(Repr::Inside { len: 0, bytes: [0; N] });

    /// A copy of `text`.
    pub(super) fn new(text: &str) -> Self {
        match u8::try_from(text.len()) {
            Ok(len) if text.len() <= N => {
                let mut bytes = [0; N];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Self(Repr::Inside { len, bytes })
            }
            _ => Self(Repr::Shared(Arc::from(text))),
        }
    }

    /// Becomes a copy of the first `len` bytes of `window`, which are ASCII.
    ///
    /// Where `window` goes on for `N` bytes the copy is of a fixed size and made in place: a few moves, where a copy of
    /// just `len` bytes is a call.
    #[inline]
    pub(super) fn set_ascii(&mut self, window: &[u8], len: usize) {
        match (&mut self.0, window.first_chunk::<N>()) {
            (Repr::Inside { len: own, bytes: place }, Some(bytes)) if len <= N => {
                *own = len as u8;
                *place = *bytes;
            }
            _ => *self = Self::of_end(window, len),
        }
    }

    #[cold]
    fn of_end(window: &[u8], len: usize) -> Self {
        Self::new(window.get(..len).map_or("", ascii))
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inside { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Shared(text) => text.as_bytes(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Inside { .. } => ascii(self.as_bytes()),
            Repr::Shared(text) => text,
        }
    }
}

/// The text of bytes that are known to be one.
fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

impl<const N: usize> PartialEq for Text<N> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
        state.write_u8(0xff);
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_shared_read_alike() {
        for text in ["", "a", "1234567", "12345678", "여름", "123456789", &"é".repeat(40)] {
            let made = Text::<8>::new(text);
            assert_eq!(made.as_str(), text);
            assert_eq!(made, made.clone());
            assert_eq!((made.to_string(), format!("{made:?}")), (text.to_owned(), format!("{text:?}")));
        }
    }

    fn of_ascii(window: &[u8], len: usize) -> Text<8> {
        let mut text = Text::EMPTY;
        text.set_ascii(window, len);
        text
    }

    #[test]
    fn what_follows_in_the_window_is_no_part_of_it() {
        for len in 0..=12 {
            let (a, b) = (of_ascii(b"abcdefghijklmnop", len), Text::<8>::new(&"abcdefghijklmnop"[..len]));
            assert_eq!(a, b);
            assert_eq!(a.cmp(&b), Ordering::Equal);
            let hash = |text: &Text<8>| {
                let mut state = std::collections::hash_map::DefaultHasher::new();
                text.hash(&mut state);
                state.finish()
            };
            assert_eq!(hash(&a), hash(&b));
        }
        assert_eq!(of_ascii(b"abc", 3), Text::new("abc"), "a window that ends early");
    }

    #[test]
    fn order_is_that_of_the_bytes() {
        let mut texts = ["b", "a", "", "aaaaaaaaaaaa", "ab", "é"].map(Text::<8>::new);
        texts.sort();
        assert_eq!(texts.map(|text| text.to_string()), ["", "a", "aaaaaaaaaaaa", "ab", "b", "é"]);
    }

    #[test]
    fn sizes() {
        assert_eq!(size_of::<Text<22>>(), 24);
        assert_eq!(size_of::<Option<Text<38>>>(), 40);
    }
}
