//! Whatever comes over the wire or from a disk, it is read or it is an error, never a panic; and what is read is written
//! the same way again.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../core/tests/fuzz/mutate.rs"]
mod mutate;
mod targets;

use adtally_core::intake::{Context, Media, read_body};
use adtally_core::key::UserSalt;
use adtally_core::screen::Lists;
use adtally_core::shard::Row;
use adtally_core::time::ServerTime;
use adtally_wire::delta::Delta;
use adtally_wire::gzip::gzip;
use adtally_wire::log::{Append, encode_row};
use mutate::fuzz;
use targets::LIMIT;

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
    fuzz("gzip", &corpus, targets::gzip_bodies);
}

#[test]
fn rows_and_messages_of_objects() {
    let row = row();
    let encoded = encode_row(&row);
    let append = Append { shards: 4, events: row.accepted.clone() }.encode();
    let delta =
        Delta { source: "acme/0".to_owned(), epoch: 1, seq: 2, through_ms: Some(7), segment: vec![1, 2, 3] }
            .encode();
    fuzz("rows", &[&encoded, &append, &delta], targets::rows);
}

#[test]
fn headers_and_addresses() {
    let corpus: [&[u8]; 5] = [
        b"Basic YW55OnNlY3JldA==",
        b"ApiKey aWQ6c2VjcmV0",
        b"adtally_id=abababababababababababababababab; adtally_session=x.y.z",
        b"advertiser=acme&ad=a&to=https%3A%2F%2Fshop.example%2F&sig=0.00ff",
        b"17.4",
    ];
    fuzz("headers", &corpus, targets::headers);
}

#[test]
fn json_of_the_api() {
    let corpus: [&[u8]; 2] = [
        br#"{"advertiser":"acme","ad":"a","to":"https://shop.example/"}"#,
        br#"{"code":"missing_ad","set":{"ad":"b"},"ids":["1.0"]}"#,
    ];
    fuzz("json", &corpus, targets::json);
}
