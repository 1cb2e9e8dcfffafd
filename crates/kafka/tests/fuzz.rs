//! Whatever a broker answers, it is understood or it is an error, never a panic, and no more memory than it sent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../core/tests/fuzz/mutate.rs"]
mod mutate;

use adtally_kafka::{Delivery, Login, Mechanism, Session, Settings, SettingsText};
use mutate::fuzz;

fn frame(correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32 + 4).to_be_bytes().to_vec();
    frame.extend(correlation.to_be_bytes());
    frame.extend(body);
    frame
}

/// Produce, Metadata, SaslHandshake, InitProducerId, SaslAuthenticate.
fn versions() -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0, 5];
    for (key, max) in [(0u16, 9u16), (3, 9), (17, 1), (22, 4), (36, 2)] {
        body.extend([key.to_be_bytes(), [0, 0], max.to_be_bytes()].concat());
    }
    frame(1, &body)
}

/// A session that waits for the answer with number 2.
fn asked(kind: u8) -> Session {
    let mut session = Session::new(None);
    session.input(&versions()).unwrap();
    match kind {
        0 => session.ask_metadata("t"),
        1 => session.ask_producer(),
        _ => session.produce(
            "t",
            0,
            &adtally_kafka::RecordBatch {
                producer_id: 1,
                producer_epoch: 0,
                base_sequence: 0,
                timestamp_ms: 0,
                records: Vec::new(),
            },
        ),
    }
    session
}

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
    fuzz("kafka answers", &corpus, |bytes| {
        for kind in 0..3 {
            let _ = asked(kind).input(bytes);
        }
    });
}

#[test]
fn logins() {
    let challenge = b"r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let mut body = vec![0, 0, 255, 255, 0, 0, 0, challenge.len() as u8];
    body.extend(challenge);
    let answers = [versions(), frame(2, &[0, 0, 0, 0, 0, 0]), frame(3, &body)].concat();
    let login = Login {
        mechanism: Mechanism::ScramSha256,
        username: "user".to_owned(),
        password: "pencil".to_owned(),
    };
    let short = [versions(), frame(2, &[0, 33, 0, 0, 0, 1, 0, 5, b'P', b'L', b'A', b'I', b'N'])].concat();
    fuzz("kafka logins", &[&answers, &short], |bytes| {
        let _ = Session::new(Some((&login, "nonce"))).input(bytes);
    });
}

#[test]
fn what_is_stored_and_set() {
    let corpus: [&[u8]; 2] = [b"a:9092,[::1]:9093", Delivery::default().to_text().leak().as_bytes()];
    fuzz("kafka settings", &corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let settings =
            SettingsText { brokers: text.to_string(), topic: "t".to_owned(), ..SettingsText::default() };
        let _ = Settings::read(&settings).is_ok();
        if let Ok(delivery) = Delivery::parse(&text) {
            assert_eq!(Delivery::parse(&delivery.to_text()).ok(), Some(delivery));
        }
    });
}
