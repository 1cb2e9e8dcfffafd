//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677): a proof of the password, and a check that the broker knows it
//! too.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

use crate::octets::Malformed;

/// The most rounds that a broker may ask for: each is two hashes, and Kafka's default is 4,096.
const MAX_ROUNDS: u32 = 100_000;
/// Fewer than Kafka allows make passwords cheap to guess for whoever listens.
const MIN_ROUNDS: u32 = 4_096;

/// The hash that a mechanism is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

/// Halfway through.
#[derive(Debug, Clone)]
pub(crate) struct Scram {
    hash: Hash,
    password: String,
    /// The client's first message without its head.
    first: String,
    nonce: String,
}

/// What is left to check.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    signature: String,
}

impl Scram {
    /// Begins; the nonce is printable, new for each login, and has no comma.
    pub(crate) fn new(hash: Hash, username: &str, password: &str, nonce: &str) -> Self {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={username},r={nonce}");
        Self { hash, password: password.to_owned(), first, nonce: nonce.to_owned() }
    }

    /// The client's first message.
    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// Answers the broker's first message with the proof.
    pub(crate) fn answer(&self, challenge: &[u8]) -> Result<(String, Proof), Malformed> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| Malformed(0))?;
        let field = |name: &str| {
            let found = challenge.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            found.ok_or(Malformed(0))
        };
        let nonce = field("r")?;
        let salt = decode(field("s")?).ok_or(Malformed(0))?;
        let rounds: u32 = field("i")?.parse().map_err(|_| Malformed(0))?;
        // A nonce that is not ours continued is an answer to somebody else.
        let is_ours = nonce.len() > self.nonce.len() && nonce.starts_with(&self.nonce);
        if !is_ours || !(MIN_ROUNDS..=MAX_ROUNDS).contains(&rounds) {
            return Err(Malformed(0));
        }
        let hash = self.hash;
        let salted = hash.salted(self.password.as_bytes(), &salt, rounds);
        let bare = format!("c=biws,r={nonce}");
        let all = format!("{},{challenge},{bare}", self.first);
        let mut proof = hash.mac(&salted, b"Client Key");
        let stored = hash.digest(&proof);
        mix(&mut proof, &hash.mac(&stored, all.as_bytes()));
        let server = hash.mac(&hash.mac(&salted, b"Server Key"), all.as_bytes());
        Ok((format!("{bare},p={}", encode(&proof)), Proof { signature: format!("v={}", encode(&server)) }))
    }
}

impl Proof {
    /// Whether the broker's last message shows that it knows the password.
    pub(crate) fn is_shown(&self, last: &[u8]) -> bool {
        std::str::from_utf8(last).is_ok_and(|last| last.split(',').next() == Some(&self.signature))
    }
}

impl Hash {
    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    fn mac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        match self {
            Self::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .expect("any length")
                .chain_update(data)
                .finalize()
                .into_bytes()
                .to_vec(),
            Self::Sha512 => Hmac::<Sha512>::new_from_slice(key)
                .expect("any length")
                .chain_update(data)
                .finalize()
                .into_bytes()
                .to_vec(),
        }
    }

    /// PBKDF2 with one block.
    fn salted(self, password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
        let mut block = self.mac(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut salted = block.clone();
        for _ in 1..rounds {
            block = self.mac(password, &block);
            mix(&mut salted, &block);
        }
        salted
    }
}

/// Exclusive or, in place.
fn mix(bytes: &mut [u8], others: &[u8]) {
    bytes.iter_mut().zip(others).for_each(|(byte, other)| *byte ^= other);
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - bare.len() > 2 {
        return None;
    }
    let (mut word, mut bits, mut bytes) = (0u32, 0, Vec::new());
    for digit in bare.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        word = word << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    /// The example of RFC 7677.
    #[test]
    fn the_example_of_the_standard() {
        let scram = Scram::new(Hash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = scram.answer(CHALLENGE.as_bytes()).unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(proof.is_shown(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!proof.is_shown(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        assert!(!proof.is_shown(b"e=other-error"));
    }

    /// The same challenge, as Python's `hashlib` and `hmac` answer it.
    #[test]
    fn the_longer_hash() {
        let scram = Scram::new(Hash::Sha512, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = scram.answer(CHALLENGE.as_bytes()).unwrap();
        let expected =
            "gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==";
        assert_eq!(last.split_once(",p=").map(|(_, proof)| proof), Some(expected));
        let shown =
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==";
        assert!(proof.is_shown(shown.as_bytes()));
    }

    #[test]
    fn challenges_that_are_refused() {
        let check = |from: &str, to: &str| {
            let scram = Scram::new(Hash::Sha256, "a,b=c", "pencil", "rOprNGfwEbeRWgbNEkqO");
            assert_eq!(scram.first(), "n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO");
            assert!(scram.answer(CHALLENGE.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        };
        check("r=rO", "r=xO");
        check("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "");
        check("i=4096", "i=1");
        check("i=4096", "i=4294967295");
        check("i=4096", "i=x");
        check("s=W22", "s=!!!");
        check(",i=4096", "");
    }

    #[test]
    fn base64_both_ways() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for wrong in ["Zg", "Z===", "Zg=a", "Zé=="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
