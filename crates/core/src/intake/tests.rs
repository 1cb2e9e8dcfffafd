#[cfg(not(target_arch = "wasm32"))]
mod agreement;
#[cfg(not(target_arch = "wasm32"))]
mod naive;

use super::*;
use crate::event::{Kind, Screening};
use crate::time::rfc3339;

const NOW: ServerTime = ServerTime(1_532_271_600_000);

fn read(body: &str, media: Media) -> Result<Intake, BodyError> {
    let salt = UserSalt::new(b"salt");
    read_body(
        body.as_bytes(),
        media,
        &Context { now: NOW, nonce: 0xabc, salt: &salt, lists: Lists::built_in(), visitor: None },
    )
}

/// Accepted ids and rejected (index, code) of a body.
fn check(body: &str, media: Media, ids: &[&str], rejected: &[(usize, &str)]) {
    let intake = read(body, media).unwrap();
    let got: Vec<_> = intake.events.iter().map(|(_, event)| event.id().as_str()).collect();
    assert_eq!(got, ids, "{body}");
    let got: Vec<_> = intake.rejected.iter().map(|r| (r.index, r.code.name())).collect();
    assert_eq!(got, rejected, "{body}");
}

#[test]
fn layouts() {
    let event = |id: &str| format!(r#"{{"id":"{id}","kind":"conversion","advertiser":"acme"}}"#);
    check(&event("a"), Media::Json, &["a"], &[]);
    check(&format!("[{},\n{}]", event("a"), event("b")), Media::Json, &["a", "b"], &[]);
    check(&format!("{}\n\n{}\r\n", event("a"), event("b")), Media::Ndjson, &["a", "b"], &[]);
    check(&format!("{}\n{}", event("a"), event("b")), Media::Json, &["a", "b"], &[]);
    check(&format!("{}\n{{oops\n{}", event("a"), event("b")), Media::Ndjson, &["a", "b"], &[(1, "bad_json")]);
    check(
        &format!("[1,{},null]", event("a")),
        Media::Json,
        &["a"],
        &[(0, "not_an_object"), (2, "not_an_object")],
    );
    check("[]", Media::Json, &[], &[]);
    check(
        "{\n \"kind\": \"conversion\",\n \"advertiser\": \"acme\",\n \"id\":\"x\"\n}",
        Media::Json,
        &["x"],
        &[],
    );
    check(r#"{"kind":"conversion","advertiser":"acme"}"#, Media::Json, &["adt-0000000000000abc-0"], &[]);
}

#[test]
fn bodies_that_cannot_be_read() {
    fn check(body: &str, media: Media, code: &str) {
        assert_eq!(read(body, media).unwrap_err().code(), code, "{body}");
    }
    check("", Media::Json, "empty_body");
    check(" \n ", Media::Ndjson, "empty_body");
    check("hello", Media::Json, "bad_json");
    check("{oops", Media::Json, "bad_json");
    check("[{}", Media::Json, "bad_json");
    check("hello\nworld", Media::Ndjson, "bad_json");
    check(&"x".repeat(MAX_BODY_BYTES + 1), Media::Json, "body_too_large");
    check(&format!("[{}1]", "1,".repeat(MAX_BODY_EVENTS)), Media::Json, "too_many_events");
}

#[test]
fn media_types() {
    for (content_type, expected) in [
        ("application/x-ndjson", Media::Ndjson),
        ("Application/X-NDJSON; charset=utf-8", Media::Ndjson),
        ("application/json", Media::Json),
        ("text/plain;charset=UTF-8", Media::Json),
        ("", Media::Json),
    ] {
        assert_eq!(Media::of(content_type), expected, "{content_type}");
    }
}

#[test]
fn reasons() {
    fn check(fields: &str, code: &str) {
        let body = format!(r#"{{"id":"e1",{fields}}}"#);
        let intake = read(&body, Media::Json).unwrap();
        assert_eq!(intake.rejected.len(), 1, "{body} was accepted");
        assert_eq!(intake.rejected[0].code.name(), code, "{body}: {}", intake.rejected[0].message);
    }
    let click = r#""kind":"click","advertiser":"acme","ad":"a""#;
    check(r#""advertiser":"acme""#, "missing_kind");
    check(r#""kind":"wink","advertiser":"acme""#, "unknown_kind");
    check(r#""kind":7,"advertiser":"acme""#, "wrong_type");
    check(r#""kind":"click","ad":"a""#, "missing_advertiser");
    check(r#""kind":"click","ad":"a","advertiser":"""#, "missing_advertiser");
    check(r#""kind":"click","advertiser":"acme""#, "missing_ad");
    check(r#""kind":"view","advertiser":"acme""#, "missing_ad");
    check(r#""kind":"impression","advertiser":"acme","impression":"i1""#, "missing_ad");
    check(&format!(r#"{click},"impression":"i 1""#), "invalid_id");
    check(&format!(r#"{click},"impression":"""#), "invalid_id");
    check(&format!(r#"{click},"campaign":"{}""#, "c".repeat(65)), "invalid_key");
    check(&format!(r#"{click},"campaign":["c"]"#), "wrong_type");
    check(&format!(r#"{click},"user":"{}""#, "u".repeat(65)), "invalid_key");
    check(&format!(r#"{click},"at":"yesterday""#), "invalid_at");
    check(&format!(r#"{click},"at":1532271600.5"#), "invalid_at");
    check(&format!(r#"{click},"at":true"#), "wrong_type");
    check(&format!(r#"{click},"at":1532271600"#), "at_too_old");
    check(&format!(r#"{click},"at":{}"#, NOW.0 + MAX_AHEAD_MS + 1), "at_in_future");
    check(&format!(r#"{click},"cost_micros":-1"#), "negative_amount");
    check(&format!(r#"{click},"cost_micros":{}"#, MAX_AMOUNT_MICROS + 1), "amount_too_large");
    check(&format!(r#"{click},"value_micros":9223372036854775807"#), "amount_too_large");
    check(&format!(r#"{click},"cost_micros":0.5"#), "wrong_type");
    check(&format!(r#"{click},"cost_micros":"1""#), "wrong_type");
    check(&format!(r#"{click},"cost_micros":9223372036854775808"#), "wrong_type");
    check(&format!(r#"{click},"props":[]"#), "wrong_type");
    check(&format!(r#"{click},"color":"{}""#, "x".repeat(257)), "prop_too_long");
    let many: Vec<_> = (0..17).map(|i| format!(r#""p{i}":{i}"#)).collect();
    check(&format!("{click},{}", many.join(",")), "too_many_props");
    check(&format!(r#"{click},"page":"{}""#, "x".repeat(MAX_EVENT_BYTES)), "event_too_large");
}

#[test]
fn what_is_too_large_is_named() {
    let long = "x".repeat(MAX_EVENT_BYTES);
    for strange in ["", r#""note":[1],"#] {
        let body = format!(r#"{{{strange}"kind":"click","id":"e1","advertiser":"acme","page":"{long}"}}"#);
        let intake = read(&body, Media::Json).unwrap();
        assert_eq!(intake.rejected[0].code, RejectCode::EventTooLarge);
        assert_eq!(intake.rejected[0].id.as_deref(), Some("e1"), "{strange}");
    }
}

#[test]
fn seconds_are_recognised() {
    let body = r#"{"id":"e1","kind":"click","advertiser":"acme","ad":"a","at":1532271600}"#;
    let intake = read(body, Media::Json).unwrap();
    assert!(intake.rejected[0].message.contains("looks like seconds"), "{}", intake.rejected[0].message);
    assert_eq!(intake.rejected[0].id.as_deref(), Some("e1"));
}

#[test]
fn a_full_event() {
    let body = r#"{"id":"v1","kind":"conversion","at":"2018-07-23T00:00:00+09:00","advertiser":"acme","click":"c1",
        "impression":"i1","user":"u1","label":"purchase","value_micros":7000000,"cost_micros":null,"country":"KR",
        "user_agent":"curl/8","ip":"203.0.113.9","size":{"w":1},"props":{"b":true,"a":"x"}}"#;
    let intake = read(body, Media::Json).unwrap();
    let (_, event) = &intake.events[0];
    assert_eq!(event.kind(), Kind::Conversion);
    assert_eq!(rfc3339(event.at.0), "2018-07-22T15:00:00Z");
    assert_eq!(event.user, Some(UserSalt::new(b"salt").pseudonym("u1")));
    assert_eq!((event.cost_micros, event.value_micros), (None, 7_000_000));
    assert_eq!(event.screening, Screening::Bot);
    let props: Vec<_> =
        event.extras.as_ref().unwrap().props.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(props, [("a", "x"), ("b", "true"), ("size", r#"{"w":1}"#)]);
}

/// Plain events of every common writer stay off the slow path, in any order of their fields.
#[test]
fn the_fast_reader_knows_what_is_common() {
    use super::fields::Fields;
    use super::scan::{Order, scan};
    for line in [
        r#"{"id":"i1","kind":"impression","at":1532271600000,"advertiser":"acme","ad":"a1","cost_micros":1200}"#,
        r#"{"id": "i1", "kind": "impression", "at": 1532271600000, "advertiser": "acme", "ad": "a1", "x": true}"#,
        r#"{ "page" : "https:\/\/example.com\/", "label":"여름", "user":null, "at":"2018-07-22T15:00:00Z" }"#,
        r#"{"props":{"slot":"3","n":7,"ok":false},"props":{},"user_agent":"Mozilla/5.0","value_micros":0}"#,
        "{}",
    ] {
        // A second look knows the order of the fields.
        let body = format!("{line}\n{line}");
        let (mut order, mut fields) = (Order::new(), Fields::new(&[]));
        for (start, end) in [(0, line.len()), (line.len() + 1, body.len())] {
            assert_eq!(scan(body.as_bytes(), start, &mut order, &mut fields), Some(end), "{body}");
        }
    }
}
