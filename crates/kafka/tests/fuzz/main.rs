//! Whatever a broker answers, it is understood or it is an error, never a panic, and no more memory than it sent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../core/tests/fuzz/mutate.rs"]
mod mutate;
mod targets;

use adtally_kafka::Delivery;
use mutate::fuzz;
use targets::{asked, frame, versions};

#[test]
fn answers_of_brokers() {
    let metadata = [
        &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, b'h', 0, 0, 35, 132, 255, 255][..],
        &[0, 1, b'c', 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, b't', 0],
        &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0],
    ]
    .concat();
    let producer = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0];
    let produced = [
        &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
        &[0, 0, 0, 0, 0, 0, 0, 5, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0],
    ]
    .concat();
    let corpus = [frame(2, &metadata), frame(2, &producer), frame(2, &produced)];
    for (kind, bytes) in (0..).zip(&corpus) {
        assert!(asked(kind).input(bytes).unwrap().is_some(), "{kind}");
    }
    let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    fuzz("kafka answers", &corpus, targets::answers);
}

#[test]
fn logins() {
    let challenge = b"r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let mut body = vec![0, 0, 255, 255, 0, 0, 0, challenge.len() as u8];
    body.extend(challenge);
    let answers = [versions(), frame(2, &[0, 0, 0, 0, 0, 0]), frame(3, &body)].concat();
    let short = [versions(), frame(2, &[0, 33, 0, 0, 0, 1, 0, 5, b'P', b'L', b'A', b'I', b'N'])].concat();
    fuzz("kafka logins", &[&answers, &short], targets::logins);
}

#[test]
fn what_is_stored_and_set() {
    let corpus: [&[u8]; 2] = [b"a:9092,[::1]:9093", Delivery::default().to_text().leak().as_bytes()];
    fuzz("kafka settings", &corpus, targets::settings);
}
