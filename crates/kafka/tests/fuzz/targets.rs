//! What is done with foreign bytes, for tests and for a fuzzer that looks at the coverage (`crates/fuzz`).
#![allow(unreachable_pub, reason = "the fuzzer is another crate")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use adtally_kafka::{Delivery, Login, Mechanism, Session, Settings, SettingsText};

/// An answer with its length and number.
pub fn frame(correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32 + 4).to_be_bytes().to_vec();
    frame.extend(correlation.to_be_bytes());
    frame.extend(body);
    frame
}

/// Produce, Metadata, SaslHandshake, InitProducerId, SaslAuthenticate.
pub fn versions() -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0, 5];
    for (key, max) in [(0u16, 9u16), (3, 9), (17, 1), (22, 4), (36, 2)] {
        body.extend([key.to_be_bytes(), [0, 0], max.to_be_bytes()].concat());
    }
    frame(1, &body)
}

/// A session that waits for the answer with number 2.
pub fn asked(kind: u8) -> Session {
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

/// What a broker answers to a request.
pub fn answers(bytes: &[u8]) {
    for kind in 0..3 {
        let _ = asked(kind).input(bytes);
    }
}

/// What a broker answers to a login.
pub fn logins(bytes: &[u8]) {
    let login = Login {
        mechanism: Mechanism::ScramSha256,
        username: "user".to_owned(),
        password: "pencil".to_owned(),
    };
    let _ = Session::new(Some((&login, "nonce"))).input(bytes);
}

/// What an operator sets, and what is stored.
pub fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let settings =
        SettingsText { brokers: text.to_string(), topic: "t".to_owned(), ..SettingsText::default() };
    let _ = Settings::read(&settings).is_ok();
    if let Ok(delivery) = Delivery::parse(&text) {
        assert_eq!(Delivery::parse(&delivery.to_text()).ok(), Some(delivery));
    }
}
