//! What is done with foreign bytes, for tests and for a fuzzer that looks at the coverage (`crates/fuzz`).
#![allow(unreachable_pub, reason = "the fuzzer is another crate")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use adtally_wire::api::NewLink;
use adtally_wire::billing::message::{Envelope, Message};
use adtally_wire::billing::sums::decode_sums;
use adtally_wire::delta::{Delta, Parcel};
use adtally_wire::gzip::gunzip;
use adtally_wire::link::{Link, LinkKeys};
use adtally_wire::log::{Append, decode_row, encode_row};
use adtally_wire::object::{AppendAnswer, ReduceAnswer};
use adtally_wire::quarantine::{Place, ReplayOrder};
use adtally_wire::{base64, catalog, identity, session, token};

/// What a body may unpack to here.
pub const LIMIT: usize = 200_000;

/// Packed bodies.
pub fn gzip_bodies(bytes: &[u8]) {
    if let Ok(unpacked) = gunzip(bytes, LIMIT) {
        assert!(unpacked.len() <= LIMIT);
    }
}

/// Rows of the log, and messages between objects and queues.
pub fn rows(bytes: &[u8]) {
    if let Ok(row) = decode_row(bytes) {
        assert_eq!(decode_row(&encode_row(&row)).as_ref(), Ok(&row));
    }
    let _ = (Append::decode(bytes).is_ok(), Delta::decode(bytes).is_ok(), Parcel::decode(bytes).is_ok());
    let _ = (
        AppendAnswer::decode(bytes).is_ok(),
        ReduceAnswer::decode(bytes).is_ok(),
        decode_sums(bytes).is_ok(),
    );
    let text = String::from_utf8_lossy(bytes);
    let _ = (Message::parse(&text).is_ok(), Envelope::read(&text).is_ok());
}

/// Headers, cookies, signed addresses.
pub fn headers(bytes: &[u8]) {
    let keys = LinkKeys::read(Some("k1:secret,0"), "salt").unwrap();
    let text = String::from_utf8_lossy(bytes);
    let _ = (
        token::sender_secret(&text),
        token::bearer(&text),
        session::find_cookie(&text),
        identity::find_id(&text),
    );
    if let Some(place) = Place::parse(&text) {
        assert_eq!(Place::parse(&place.to_string()), Some(place));
    }
    if let Some(decoded) = base64::decode(&text) {
        assert_eq!(base64::encode(&decoded), text);
    }
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Ok(link) = Link::of(&pairs) {
        assert!(keys.verify(&link, &text).is_err(), "nobody signed it");
        let _ = (link.check_destination().is_ok(), link.destination(&text));
    }
}

/// Bodies of the API.
pub fn json(bytes: &[u8]) {
    let _ = (catalog::read::<NewLink>(bytes).is_ok(), catalog::read::<ReplayOrder>(bytes).is_ok());
}
