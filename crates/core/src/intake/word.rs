//! Eight bytes at a time, in the arithmetic of one word ("SIMD within a register").
//!
//! The tests for bytes follow Mycroft's: a subtraction borrows out of the bytes that are too small. A borrow can mark
//! bytes above the first one that is really meant, never below it, so that the lowest mark is always right.

/// Bytes of a word.
pub(super) const BYTES: usize = 8;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The word at the front, the first byte lowest; behind the end there are zeros.
#[inline]
pub(super) fn load(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => load_end(bytes),
    }
}

/// The words of a name of up to 16 bytes, with zeros behind it.
pub(super) const fn of_name(name: &str) -> u128 {
    let (name, mut words, mut at) = (name.as_bytes(), 0, 0);
    while at < name.len() {
        words |= (name[at] as u128) << (8 * at);
        at += 1;
    }
    words
}

#[cold]
fn load_end(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The first `len` bytes of `word`, at most eight.
#[inline]
pub(super) fn first(word: u64, len: usize) -> u64 {
    if len >= BYTES { word } else { word & !(u64::MAX << (8 * len)) }
}

/// Where `mark` marks its first byte; eight if nowhere.
#[inline]
pub(super) fn first_mark(mark: u64) -> usize {
    mark.trailing_zeros() as usize / 8
}

/// One byte of `word`, by a place below eight.
#[inline]
pub(super) fn byte(word: u64, place: usize) -> u8 {
    word.wrapping_shr(8 * place as u32) as u8
}

/// Marks the quotes.
#[inline]
pub(super) fn quotes(word: u64) -> u64 {
    zeros(word ^ all(b'"'))
}

/// Marks what a string without escapes does not hold: quotes, backslashes, control characters.
#[inline]
pub(super) fn ends(word: u64) -> u64 {
    // Flipping the second bit puts the quote next to the control characters, and nothing else below 0x21.
    let flipped = word ^ all(0x02);
    let quote_or_control = flipped.wrapping_sub(all(0x21)) & !flipped & HIGH;
    quote_or_control | zeros(word ^ all(b'\\'))
}

/// Marks what is not printable ASCII, apart from the control characters below the space: 0x7F and above.
#[inline]
pub(super) fn beyond_ascii(word: u64) -> u64 {
    (word.wrapping_add(ONES) | word) & HIGH
}

/// Marks the bytes that are no decimal digits.
#[inline]
pub(super) fn non_digits(word: u64) -> u64 {
    let digits = word ^ all(b'0');
    // Nine is the largest that does not reach the high bit.
    (digits.wrapping_add(all(0x76)) | digits) & HIGH
}

/// The value of the first `len` bytes of `word`, which are decimal digits; at most eight.
#[inline]
pub(super) fn digits(word: u64, len: usize) -> u64 {
    if len == 0 {
        return 0;
    }
    // Zeros in front: the digits move up, so that the last one is in the highest byte.
    let ones = (word & all(0x0f)) << (8 * (BYTES - len));
    let tens = (ones.wrapping_mul(10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let hundreds = (tens.wrapping_mul(100) + (tens >> 16)) & 0x0000_ffff_0000_ffff;
    (hundreds.wrapping_mul(10_000) + (hundreds >> 32)) & 0xffff_ffff
}

/// Whether every byte of `word`, all of them below 0x80, is one of `[A-Za-z0-9._:-]`; zeros are too.
#[inline]
pub(super) fn is_id(word: u64) -> bool {
    let from = |word: u64, byte: u8| word.wrapping_add(all(0x80 - byte));
    let within = |word: u64, first: u8, last: u8| from(word, first) & !from(word, last + 1);
    let letters = within(word | all(0x20), b'a', b'z');
    let others = within(word, b'-', b'.') | within(word, b'0', b':') | within(word, b'_', b'_');
    (letters | others | zeros_of_ascii(word)) & HIGH == HIGH
}

/// The word of eight such bytes.
#[inline]
const fn all(byte: u8) -> u64 {
    ONES * byte as u64
}

#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Exact in every byte, where all of them are below 0x80.
#[inline]
fn zeros_of_ascii(word: u64) -> u64 {
    !word.wrapping_add(all(0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte value in each place of a word that is otherwise `around`.
    fn each(around: u8, mut check: impl FnMut(u64, u8, usize)) {
        for place in 0..BYTES {
            for byte in 0..=u8::MAX {
                let mut bytes = [around; BYTES];
                bytes[place] = byte;
                check(u64::from_le_bytes(bytes), byte, place);
            }
        }
    }

    #[test]
    fn the_first_mark_is_right() {
        fn check(marks: fn(u64) -> u64, expected: fn(u8) -> bool, around: &[u8]) {
            for around in around {
                each(*around, |word, byte, place| {
                    let found = first_mark(marks(word));
                    assert_eq!(
                        found,
                        if expected(byte) { place } else { BYTES },
                        "{byte:#x} at {place} in {around:#x}"
                    );
                });
            }
        }
        check(quotes, |byte| byte == b'"', &[0, b'a', b'#', b'!', 0xff]);
        let ends_there = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
        check(ends, ends_there, &[b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff]);
        check(beyond_ascii, |byte| byte >= 0x7f, &[0, b'a', 0x7e]);
        check(non_digits, |byte| !byte.is_ascii_digit(), b"059");
    }

    #[test]
    fn numbers() {
        for text in ["", "0", "7", "10", "00000001", "99999999", "1234567", "20260101"] {
            let word = load(format!("{text}, \"x\": 123456").as_bytes());
            assert_eq!(digits(word, text.len()), text.parse().unwrap_or(0), "{text}");
        }
    }

    #[test]
    fn ids() {
        each(b'x', |word, byte, _| {
            if byte < 0x80 {
                let right = byte == 0 || byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
                assert_eq!(is_id(word), right, "{byte:#x}");
            }
        });
    }

    #[test]
    fn loading_and_cutting() {
        assert_eq!(load(b"123456789").to_le_bytes(), *b"12345678");
        assert_eq!(load(b"789").to_le_bytes(), *b"789\0\0\0\0\0");
        assert_eq!(load(b""), 0);
        assert_eq!([0, 3, 7].map(|place| byte(load(b"01234567"), place)), *b"037");
        assert_eq!(byte(load(b"ab"), 2), 0, "behind the end");
        assert_eq!(first(load(b"0123456789"), 3).to_le_bytes(), *b"012\0\0\0\0\0");
        assert_eq!(first(load(b"0123456789"), 8), load(b"01234567"));
        assert_eq!(first(load(b"0123456789"), 0), 0);
    }
}
