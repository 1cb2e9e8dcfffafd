//! Messages as real senders write them, and what they mean.

use serde_json::{Value, json};

use super::super::*;
use crate::intake::Draft;
use crate::time::ServerTime;

const NOW: ServerTime = ServerTime(1_532_271_600_000);

/// The fields, or the code of the fault.
fn meant(draft: &Draft) -> Value {
    match &draft.fault {
        None => Value::Object(draft.fields.clone()),
        Some((code, _)) => Value::from(code.name()),
    }
}

fn all_meant(drafts: &[Draft]) -> Value {
    drafts.iter().map(meant).collect()
}

#[test]
fn snowplow_bodies() {
    fn check(item: Value, expected: Value) {
        let body = json!({"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [item]});
        let drafts = snowplow::of_body(body.to_string().as_bytes(), NOW).unwrap();
        assert_eq!(all_meant(&drafts), json!([expected]), "{body}");
    }
    let described = |name: &str, data: Value| {
        json!({"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
            "data": {"schema": format!("iglu:com.snowplowanalytics.snowplow/{name}/jsonschema/1-0-0"), "data": data}})
        .to_string()
    };
    let impression = json!({"impressionId": "i1", "costModel": "cpm", "cost": 2.5, "bannerId": "b", "zoneId": "z",
        "advertiserId": "acme", "campaignId": "c", "targetUrl": "https://t.example"});
    check(
        json!({"e": "ue", "ue_pr": described("ad_impression", impression), "eid": "e1", "aid": "news", "uid": "u",
            "dtm": "1532271590000", "stm": "1532271595000", "url": "https://a.example", "p": "web", "tv": "js-4"}),
        json!({"kind": "impression", "id": "i1", "eid": "e1", "at": 1_532_271_595_000_i64, "service": "news", "user": "u",
            "page": "https://a.example", "advertiser": "acme", "campaign": "c", "ad": "b", "placement": "z",
            "cost_micros": 2500, "target_url": "https://t.example"}),
    );
    check(
        json!({"e": "ue", "eid": "e2", "ue_pr": described("ad_click", json!({"impressionId": "i1", "costModel": "cpc", "cost": 1}))}),
        json!({"kind": "click", "id": "e2", "impression": "i1", "cost_micros": 1_000_000}),
    );
    let conversion = json!({"conversionId": "v1", "action": "buy", "category": "shop", "initialValue": 7.5});
    check(
        json!({"e": "ue", "eid": "e3", "ue_pr": described("ad_conversion", conversion)}),
        json!({"kind": "conversion", "id": "v1", "eid": "e3", "label": "buy", "value_micros": 7_500_000}),
    );
    // {"data":{"schema":"iglu:com.snowplowanalytics.snowplow/ad_click/jsonschema/1-0-0","data":{"clickId":"k"}}}
    let packed = "eyJkYXRhIjp7InNjaGVtYSI6ImlnbHU6Y29tLnNub3dwbG93YW5hbHl0aWNzLnNub3dwbG93L2FkX2NsaWNrL2pzb25zY2hlbWEvMS0wLTAiLCJkYXRhIjp7ImNsaWNrSWQiOiJrIn19fQ";
    check(json!({"e": "ue", "ue_px": packed}), json!({"kind": "click", "id": "k"}));
    check(json!({"e": "pv", "eid": "e4"}), json!("not_an_ad_event"));
    check(json!({"e": "ue", "ue_pr": described("link_click", json!({}))}), json!("not_an_ad_event"));
    check(json!({"e": "ue", "ue_px": "!"}), json!("bad_message"));
    check(json!({"e": "ue"}), json!("bad_message"));
    check(json!([]), json!("not_an_object"));
    for wrong in ["", "{}", "[]", r#"{"schema":"iglu:x","data":[]}"#] {
        assert!(snowplow::of_body(wrong.as_bytes(), NOW).is_err(), "{wrong}");
    }
}

#[test]
fn other_snowplow_events_are_kept_with_what_they_say() {
    fn check(item: Value, expected: Value) {
        let body = json!({"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [item]});
        let drafts = snowplow::of_body(body.to_string().as_bytes(), NOW).unwrap();
        assert_eq!(all_meant(&drafts), json!(["not_an_ad_event"]));
        assert_eq!(Value::Object(drafts[0].fields.clone()), expected);
    }
    check(
        json!({"e": "se", "eid": "e5", "se_ca": "shop", "se_va": "3.5", "page": "Home", "tv": "js-4"}),
        json!({"e": "se", "id": "e5", "se_ca": "shop", "se_va": "3.5", "title": "Home"}),
    );
    check(json!({"e": "pp", "pp_max": "9"}), json!({"e": "pp", "pp_max": "9"}));
    let data = json!({"schema": "iglu:x/y/jsonschema/1-0-0", "data": {"a": {"b": 1}}});
    check(
        json!({"e": "ue", "ue_pr": json!({"data": data}).to_string()}),
        json!({"schema": "iglu:x/y/jsonschema/1-0-0", "data": {"a": {"b": 1}}}),
    );
}

#[test]
fn bulks() {
    fn check(body: &str, expected: Value) {
        let items = bulk::of_body(body.as_bytes(), Some("events")).unwrap();
        let drafts: Vec<_> = items.into_iter().map(|item| item.draft).collect();
        assert_eq!(all_meant(&drafts), expected, "{body}");
    }
    let event = r#"{"kind":"click","advertiser":"acme","ad":"a"}"#;
    let meant = json!({"kind": "click", "advertiser": "acme", "ad": "a"});
    check(&format!("{{\"create\":{{}}}}\n{event}\n\n\r\n{{\"index\":{{}}}}\n{event}"), json!([meant, meant]));
    check(
        &format!("{{\"index\":{{\"_id\":\"k1\",\"_index\":\"x\"}}}}\n{event}\n"),
        json!([{"kind": "click", "advertiser": "acme", "ad": "a", "id": "k1"}]),
    );
    // As Filebeat and Logstash ship a line of a log file.
    let shipped = json!({"@timestamp": "2018-07-22T15:00:00Z", "message": event, "agent": {"type": "filebeat"},
        "host": {"name": "h"}, "@version": "1"});
    check(
        &format!("{{\"create\":{{}}}}\n{shipped}"),
        json!([{"kind": "click", "advertiser": "acme", "ad": "a", "at": "2018-07-22T15:00:00Z"}]),
    );
    check(
        "{\"create\":{}}\n{\"message\":\"GET /\"}\n{\"create\":{}}\noops",
        json!(["not_an_ad_event", "bad_json"]),
    );
    check(
        &format!("{{\"delete\":{{\"_id\":\"x\"}}}}\n{{\"index\":{{}}}}\n{event}"),
        json!(["bad_message", meant]),
    );
    check("{\"update\":{}}\n{\"doc\":{}}", json!(["bad_message"]));
    for wrong in ["", "\n\n", "{}", "[]", "{\"create\":{}}", "{\"upsert\":{}}\n{}", "hello"] {
        assert!(bulk::of_body(wrong.as_bytes(), None).is_err(), "{wrong}");
    }
}

#[test]
fn answers_to_bulks() {
    let body = "{\"create\":{\"_id\":\"a\"}}\n{\"kind\":\"click\"}\n{\"index\":{}}\n{\"kind\":\"wink\"}";
    let items = bulk::of_body(body.as_bytes(), Some("events")).unwrap();
    let answer = bulk::answer(&items, [(1, "unknown_kind", "wink")]).to_string();
    assert_eq!(
        answer,
        r#"{"errors":true,"items":[{"create":{"_id":"a","_index":"events","_version":1,"result":"created","status":201}},{"index":{"_id":null,"_index":"events","error":{"reason":"unknown_kind: wink","type":"document_parsing_exception"},"status":400}}],"took":0}"#
    );
    assert!(bulk::answer(&items, []).to_string().starts_with(r#"{"errors":false,"#));
}

#[test]
fn cloud_events_of_all_modes() {
    fn check(body: Value, expected: Value) {
        let drafts = cloud_events::of_structured(body.to_string().as_bytes()).unwrap();
        assert_eq!(all_meant(&drafts), expected, "{body}");
    }
    let one = json!({"specversion": "1.0", "id": "c1", "source": "/shop", "type": "com.example.click",
        "time": "2018-07-22T15:00:00Z", "data": {"advertiser": "acme", "ad": "a"}});
    let meant = json!({"kind": "click", "id": "c1", "at": "2018-07-22T15:00:00Z", "source": "/shop",
        "advertiser": "acme", "ad": "a"});
    check(one.clone(), json!([meant]));
    check(
        json!([one, {"type": "order.created", "data": {}}, 7]),
        json!([meant, "not_an_ad_event", "not_an_object"]),
    );
    check(
        json!({"type": "x", "data": {"kind": "view", "id": "own"}, "id": "outer"}),
        json!([{"kind": "view", "id": "own"}]),
    );
    // `{"ad":"a"}`, as senders pack what they take for bytes.
    check(
        json!({"type": "a.click", "data_base64": "eyJhZCI6ImEifQ=="}),
        json!([{"kind": "click", "ad": "a"}]),
    );
    check(json!({"type": "a.click", "data_base64": "eyI="}), json!(["bad_json"]));
    check(json!({"type": "a.click", "data_base64": "%"}), json!(["bad_message"]));
    check(json!({"data": {}}), json!(["bad_message"]));
    check(json!({"type": "a.click", "data": "text"}), json!(["not_an_object"]));
    let attributes = || cloud_events::Attributes {
        id: Some("c1".to_owned()),
        kind: Some("click".to_owned()),
        ..cloud_events::Attributes::default()
    };
    let binary = |data: &str| meant_of(&cloud_events::of_binary(attributes(), data.as_bytes()));
    assert_eq!(binary(r#"{"ad":"a"}"#), json!({"kind": "click", "id": "c1", "ad": "a"}));
    assert_eq!(binary(""), json!({"kind": "click", "id": "c1"}));
    assert_eq!(binary("{"), json!("bad_json"));
}

fn meant_of(draft: &Draft) -> Value {
    meant(draft)
}

#[test]
fn otlp_records() {
    fn check(record: Value, expected: Value) {
        let body =
            json!({"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]});
        let drafts = otlp::of_body(body.to_string().as_bytes()).unwrap();
        assert_eq!(all_meant(&drafts), json!([expected]), "{body}");
    }
    check(
        json!({"timeUnixNano": "1532271600000000000", "eventName": "ad.click", "attributes": [
            {"key": "adtally.advertiser", "value": {"stringValue": "acme"}},
            {"key": "cost_micros", "value": {"intValue": "5"}}, {"key": "x", "value": {"boolValue": true}}]}),
        json!({"kind": "click", "at": 1_532_271_600_000_i64, "advertiser": "acme", "cost_micros": 5, "x": true}),
    );
    check(
        json!({"body": {"stringValue": r#"{"kind":"view","ad":"a"}"#}}),
        json!({"kind": "view", "ad": "a"}),
    );
    check(
        json!({"body": {"kvlistValue": {"values": [{"key": "kind", "value": {"stringValue": "view"}},
            {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}]}}}]}}}),
        json!({"kind": "view", "list": [1]}),
    );
    check(json!({"body": {"stringValue": "GET /"}}), json!("not_an_ad_event"));
    check(json!(7), json!("not_an_ad_event"));
    for empty in ["{}", r#"{"resourceLogs":null}"#, r#"{"resourceLogs":[]}"#] {
        assert_eq!(otlp::of_body(empty.as_bytes()), Ok(Vec::new()), "{empty}");
    }
    for wrong in ["", "[]", "7", r#"{"resourceLogs":7}"#] {
        assert!(otlp::of_body(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn prebid_events() {
    let won = json!({"eventType": "bidWon", "args": {"adId": "ad-1", "creativeId": 77, "cpm": 1.5, "currency": "USD",
        "adUnitCode": "top", "bidder": "b", "meta": {"advertiserId": 5}}});
    let meant = json!({"kind": "impression", "id": "ad-1", "ad": "77", "cost_micros": 1500, "currency": "USD",
        "placement": "top", "bidder": "b", "advertiser": "5"});
    let check = |body: Value, expected: Value| {
        assert_eq!(all_meant(&prebid::of_body(body.to_string().as_bytes()).unwrap()), expected, "{body}");
    };
    check(won.clone(), json!([meant]));
    check(
        json!([won, {"eventType": "auctionEnd", "args": {}}, 1]),
        json!([meant, "not_an_ad_event", "not_an_object"]),
    );
    check(
        json!({"eventType": "bidViewable", "args": {"adId": "ad-1"}}),
        json!([{"kind": "view", "id": "ad-1", "impression": "ad-1", "ad": "ad-1"}]),
    );
    check(json!({"kind": "click", "ad": "a"}), json!([{"kind": "click", "ad": "a"}]));
}

#[test]
fn video_events() {
    let pairs: Vec<_> = [("ad", "a"), ("user", "-1"), ("page", "[PAGEURL]"), ("cb", "77")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into();
    assert_eq!(meant(&vast::event_of("Impression", &pairs)), json!({"kind": "impression", "ad": "a"}));
    assert_eq!(meant(&vast::event_of("midpoint", &pairs)), json!("not_an_ad_event"));
}

#[cfg(not(target_arch = "wasm32"))]
mod anything {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::doors::consent::Consent;
    use crate::intake::{Context, read_drafts};
    use crate::key::UserSalt;
    use crate::screen::Lists;

    /// Pieces of all formats, in any order: much of it is JSON, some of it nearly a message.
    fn text() -> impl Strategy<Value = String> {
        let piece = select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\",
            "\n",
            "null",
            "7",
            "-1",
            "1e999",
            "\"e\":\"ue\"",
            "\"ue_px\":\"",
            "eyJ",
            "\"data\"",
            "\"schema\"",
            "\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4\"",
            "{\"index\":{}}\n",
            "{\"kind\":\"click\"}",
            "\"message\"",
            "\"type\":\"a.click\"",
            "\"id\"",
            "\"time\"",
            "\"resourceLogs\":[",
            "\"scopeLogs\":[",
            "\"logRecords\":[",
            "\"attributes\":[",
            "{\"key\":\"a\",\"value\":",
            "{\"intValue\":\"9\"}",
            "{\"kvlistValue\":{\"values\":[",
            "\"eventType\":\"bidWon\"",
            "\"args\":{\"cpm\":1e-7}",
            "\u{0}",
            "é",
            "여름",
            "%%A%%",
            "[A]",
        ]);
        prop_oneof![
            prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
            any::<String>(),
            Just("[".repeat(5_000)),
        ]
    }

    proptest! {
        /// Every door answers whatever comes, and the rules judge whatever it makes of it.
        #[test]
        fn is_answered(text in text(), wrapped in any::<bool>()) {
            let text = if wrapped {
                format!("{{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4\",\"data\":[{text}]}}")
            } else {
                text
            };
            let bytes = text.as_bytes();
            let pairs = vec![("e".to_owned(), "ue".to_owned()), ("ue_px".to_owned(), text.clone()), (text.clone(), text.clone())];
            let mut drafts = vec![
                query::event_of(None, &pairs),
                query::postback_of(&pairs),
                snowplow::of_query(&pairs, NOW),
                vast::event_of(&text, &pairs),
                cloud_events::of_binary(cloud_events::Attributes { kind: Some(text.clone()), ..Default::default() }, bytes),
            ];
            drafts.extend(snowplow::of_body(bytes, NOW).unwrap_or_default());
            drafts.extend(cloud_events::of_structured(bytes).unwrap_or_default());
            drafts.extend(otlp::of_body(bytes).unwrap_or_default());
            drafts.extend(prebid::of_body(bytes).unwrap_or_default());
            let items = bulk::of_body(bytes, None).unwrap_or_default();
            let _ = bulk::answer(&items, [(0, "code", "message")]);
            drafts.extend(items.into_iter().map(|item| item.draft));
            let consent = Consent::of(Some(&text), Some("1"), Some(&text));
            drafts.iter_mut().for_each(|draft| consent.note(draft));
            let salt = UserSalt::new(b"salt");
            let context = Context { now: NOW, nonce: 1, salt: &salt, lists: Lists::built_in(), visitor: None };
            let intake = read_drafts(&drafts, &context).unwrap();
            prop_assert_eq!(intake.events.len() + intake.rejected.len(), drafts.len());
        }
    }
}
