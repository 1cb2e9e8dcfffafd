//! Whatever comes, the parsers of the core answer: damaged bytes are an error, never a panic.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod mutate;
mod targets;

use adtally_core::cell::Scope;
use adtally_core::intake::{Media, read_body};
use adtally_core::key::UserSalt;
use adtally_core::segment::Segment;
use mutate::fuzz;
use targets::{NOW, context};

const EVENTS: [&[u8]; 4] = [
    br#"{"kind":"impression","id":"i1","advertiser":"acme","ad":"a1","user":"u1","at":"2018-07-22T15:00:00Z","props":{"color":"red"}}
{"kind":"click","id":"c1","advertiser":"acme","impression":"i1","user":"u1","at":1532271605000}"#,
    br#"[{"kind":"conversion","id":"v1","advertiser":"acme","click":"c1","value_micros":1250000,"label":"purchase"}]"#,
    br#"{"kind":"view","advertiser":"acme","impression":"i1","user_agent":"Googlebot/2.1","ip":"203.0.113.9","country":"KR"}"#,
    "{\"kind\":\"click\",\"advertiser\":\"\\u0061cme\",\"ad\":\"\u{1f600}\",\"x\":[1,2,{\"y\":null}]}".as_bytes(),
];

#[test]
fn events() {
    fuzz("events", &EVENTS, targets::events);
}

#[test]
fn bodies_of_doors() {
    fuzz("snowplow", &[br#"{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"ue","eid":"e1","dtm":"1532271600000","stm":"1532271605000","uid":"u","ue_px":"eyJkYXRhIjp7InNjaGVtYSI6ImlnbHU6Y29tLnNub3dwbG93YW5hbHl0aWNzLnNub3dwbG93L2FkX2NsaWNrL2pzb25zY2hlbWEvMS0wLTAiLCJkYXRhIjp7ImNsaWNrSWQiOiJjIn19fQ"},{"e":"ue","ue_pr":"{\"data\":{\"schema\":\"iglu:com.snowplowanalytics.snowplow/ad_impression/jsonschema/1-0-0\",\"data\":{\"impressionId\":\"i\",\"cost\":2.5,\"costModel\":\"cpm\"}}}"},{"e":"pv"}]}"#], targets::snowplow);
    fuzz("bulk", &[b"{\"index\":{\"_index\":\"ads\",\"_id\":\"i1\"}}\n{\"kind\":\"impression\",\"advertiser\":\"acme\",\"ad\":\"a\"}\n\n{\"create\":{}}\n{\"message\":\"{\\\"kind\\\":\\\"click\\\"}\",\"@timestamp\":\"2018-07-22T15:00:00Z\"}\n{\"delete\":{\"_id\":\"x\"}}\n"], targets::bulk);
    fuzz("cloudevents", &[br#"[{"specversion":"1.0","id":"1","type":"com.example.click","source":"/shop","time":"2018-07-22T15:00:00Z","data":{"advertiser":"acme","ad":"a"}}]"#], targets::cloud_events);
    fuzz("otlp", &[br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"news"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1532271600000000000","eventName":"ad.click","attributes":[{"key":"adtally.ad","value":{"intValue":"7"}}],"body":{"kvlistValue":{"values":[{"key":"x","value":{"doubleValue":1.5}}]}}}]}]}]}"#], targets::otlp);
    fuzz("prebid", &[br#"[{"eventType":"bidWon","args":{"adId":"p1","creativeId":"77","cpm":1.5,"adUnitCode":"top","currency":"USD"}},{"eventType":"auctionEnd"}]"#], targets::prebid);
}

#[test]
fn addresses() {
    let corpus: [&[u8]; 3] = [
        b"advertiser=acme&ad=a1&cost_micros=1200&cb=[CACHEBUSTING]&user=u1&at=1532271600000",
        b"clickid=c1&txid=t1&payout=12.50&goal=install&sub1=x&currency={currency}",
        b"e=ue&aid=news&ue_pr={\"data\":{\"schema\":\"x\",\"data\":{}}}&duid=d&dtm=1",
    ];
    fuzz("addresses", &corpus, targets::addresses);
}

#[test]
fn texts() {
    let corpus: [&[u8]; 8] = [
        b"COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.YAAAAAAAAAAA",
        b"2018-07-22T15:00:00.123+09:00",
        b"1532271600000",
        b"by=hour,campaign",
        b"campaign:in:a,b",
        b"advertiser:acme",
        b"Googlebot/2.1\n@default\n",
        b"15169 # Google\n203.0.113.0/24\n2001:db8::/32\n",
    ];
    fuzz("texts", &corpus, targets::texts);
}

#[test]
fn segments() {
    use adtally_core::link::{Arrival, Linker, cells_of};

    let salt = UserSalt::new(b"salt");
    let mut linker = Linker::new();
    let mut facts = Vec::new();
    for body in EVENTS {
        let intake = read_body(body, Media::Ndjson, &context(&salt)).unwrap();
        for (_, event) in intake.events {
            let settings = std::sync::Arc::default();
            facts.extend(linker.apply([Arrival { event, received: NOW, settings }]).facts);
        }
    }
    let cells = cells_of(&facts, &Scope::parse("advertiser:acme").unwrap());
    let bytes = Segment::from_cells(cells).encode();
    assert!(bytes.len() > 100);
    fuzz("segments", &[&bytes, &Segment::default().encode()], targets::segments);
}
