//! Gzip (RFC 1952): reading what strangers send, bounded and strict about its end, and packing what we keep.

use std::io::{self, Read};

use flate2::Compression;
use flate2::bufread::{GzEncoder, MultiGzDecoder};
use thiserror::Error;

/// Why a body could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GzipError {
    /// Not gzip, cut off, damaged, or followed by something else.
    #[error("the body is not valid gzip: {0}")]
    Broken(String),
    /// Unpacks to more than the limit; unpacking stopped there.
    #[error("the body unpacks to more than {0} bytes")]
    TooLarge(usize),
}

/// Unpacks `body`, which may have several members, into at most `limit` bytes.
pub fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, GzipError> {
    // JSON of events shrinks about eightfold: most bodies need no second allocation, and a bomb gets no more.
    let mut unpacked = Vec::with_capacity(body.len().saturating_mul(8).min(limit.saturating_add(1)));
    let mut bounded = MultiGzDecoder::new(body).take(limit as u64 + 1);
    bounded.read_to_end(&mut unpacked).map_err(|error| GzipError::Broken(reason(&error)))?;
    if unpacked.len() > limit { Err(GzipError::TooLarge(limit)) } else { Ok(unpacked) }
}

/// Packs bytes.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    pack(bytes, Compression::default())
}

/// Packs bytes in less time, and less small.
pub fn gzip_fast(bytes: &[u8]) -> io::Result<Vec<u8>> {
    pack(bytes, Compression::fast())
}

fn pack(bytes: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(bytes.len() / 4);
    GzEncoder::new(bytes, level).read_to_end(&mut packed)?;
    Ok(packed)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        super::gzip(bytes).unwrap()
    }

    #[test]
    fn whole_bodies() {
        fn check(body: &[u8], limit: usize, expected: Result<&[u8], GzipError>) {
            assert_eq!(gunzip(body, limit), expected.map(<[u8]>::to_vec));
        }
        check(&gzip(b"hello"), 5, Ok(b"hello"));
        check(&gzip(b"hello"), 4, Err(GzipError::TooLarge(4)));
        check(&gzip(b""), 0, Ok(b""));
        check(&[gzip(b"hel"), gzip(b"lo")].concat(), 5, Ok(b"hello"));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![b' '; 50_000_000]);
        assert!(bomb.len() < 60_000);
        assert_eq!(gunzip(&bomb, 5_000_000), Err(GzipError::TooLarge(5_000_000)));
    }

    #[test]
    fn damage_is_an_error() {
        let good = gzip(b"hello, hello, hello, hello");
        let broken = |body: &[u8]| matches!(gunzip(body, 1_000), Err(GzipError::Broken(_)));
        for end in 0..good.len() {
            assert!(broken(&good[..end]), "cut at {end}");
        }
        let mut wrong_checksum = good.clone();
        let last = wrong_checksum.len() - 5;
        wrong_checksum[last] ^= 1;
        assert!(broken(&wrong_checksum));
        assert!(broken(b"{\"kind\":\"click\"}"));
        assert!(broken(&[good, b"tail".to_vec()].concat()));
    }
}
