//! Whatever comes over the wire or from a disk, it is read or it is an error, never a panic; and what is read is written
//! the same way again.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../core/tests/fuzz/mutate.rs"]
mod mutate;

use adtally_core::intake::{Context, Media, read_body};
use adtally_core::key::UserSalt;
use adtally_core::screen::Lists;
use adtally_core::shard::Row;
use adtally_core::time::ServerTime;
use adtally_wire::api::NewLink;
use adtally_wire::billing::message::{Envelope, Message};
use adtally_wire::billing::sums::decode_sums;
use adtally_wire::delta::{Delta, Parcel};
use adtally_wire::gzip::{gunzip, gzip};
use adtally_wire::link::{Link, LinkKeys};
use adtally_wire::log::{Append, decode_row, encode_row};
use adtally_wire::object::{AppendAnswer, ReduceAnswer};
use adtally_wire::quarantine::{Place, ReplayOrder};
use adtally_wire::{base64, catalog, identity, session, token};
use mutate::fuzz;

/// What a body may unpack to here.
const LIMIT: usize = 200_000;

fn row() -> Row {
    let salt = UserSalt::new(b"salt");
    let context = Context {
        now: ServerTime(1_532_271_610_000),
        nonce: 7,
        salt: &salt,
        lists: Lists::built_in(),
        visitor: None,
    };
    let body =
        br#"{"kind":"impression","id":"i1","advertiser":"acme","ad":"a1","user":"u1","props":{"color":"red"}}
{"kind":"conversion","id":"v1","advertiser":"acme","click":"c1","value_micros":1250000,"label":"purchase"}"#;
    let intake = read_body(body, Media::Ndjson, &context).unwrap();
    let accepted = intake.events.into_iter().map(|(_, event)| event).collect();
    Row { received: ServerTime(7), revision: 3, accepted, repeats: Vec::new(), rulings: Vec::new() }
}

#[test]
fn gzip_of_strangers() {
    let packed = [
        gzip(&[b'x'; 5_000]).unwrap(),
        gzip(b"{\"kind\":\"click\"}").unwrap(),
        gzip(&vec![0; 2 * LIMIT]).unwrap(),
    ];
    let corpus: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
    fuzz("gzip", &corpus, |bytes| {
        if let Ok(unpacked) = gunzip(bytes, LIMIT) {
            assert!(unpacked.len() <= LIMIT);
        }
    });
}

#[test]
fn rows_and_messages_of_objects() {
    let row = row();
    let encoded = encode_row(&row);
    let append = Append { shards: 4, events: row.accepted.clone() }.encode();
    let delta =
        Delta { source: "acme/0".to_owned(), epoch: 1, seq: 2, through_ms: Some(7), segment: vec![1, 2, 3] }
            .encode();
    fuzz("rows", &[&encoded, &append, &delta], |bytes| {
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
    });
}

#[test]
fn headers_and_addresses() {
    let keys = LinkKeys::read(Some("k1:secret,0"), "salt").unwrap();
    let corpus: [&[u8]; 5] = [
        b"Basic YW55OnNlY3JldA==",
        b"ApiKey aWQ6c2VjcmV0",
        b"adtally_id=abababababababababababababababab; adtally_session=x.y.z",
        b"advertiser=acme&ad=a&to=https%3A%2F%2Fshop.example%2F&sig=0.00ff",
        b"17.4",
    ];
    fuzz("headers", &corpus, |bytes| {
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
    });
}

#[test]
fn json_of_the_api() {
    let corpus: [&[u8]; 2] = [
        br#"{"advertiser":"acme","ad":"a","to":"https://shop.example/"}"#,
        br#"{"code":"missing_ad","set":{"ad":"b"},"ids":["1.0"]}"#,
    ];
    fuzz("json", &corpus, |bytes| {
        let _ = (catalog::read::<NewLink>(bytes).is_ok(), catalog::read::<ReplayOrder>(bytes).is_ok());
    });
}
