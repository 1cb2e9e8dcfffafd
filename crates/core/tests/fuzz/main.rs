//! Whatever comes, the parsers of the core answer: damaged bytes are an error, never a panic.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod mutate;

use adtally_core::cell::Scope;
use adtally_core::doors::consent::Consent;
use adtally_core::doors::{bulk, cloud_events, otlp, prebid, query, snowplow, vast};
use adtally_core::event::Kind;
use adtally_core::intake::{
    Context, Draft, MAX_BODY_EVENTS, Media, hold_bytes, hold_fields, read_body, read_drafts, release,
    safe_message,
};
use adtally_core::key::UserSalt;
use adtally_core::report::Query;
use adtally_core::screen::{ListName, Lists};
use adtally_core::segment::Segment;
use adtally_core::time::{ServerTime, parse_instant, parse_rfc3339};
use mutate::fuzz;

const NOW: ServerTime = ServerTime(1_532_271_610_000);

const EVENTS: [&[u8]; 4] = [
    br#"{"kind":"impression","id":"i1","advertiser":"acme","ad":"a1","user":"u1","at":"2018-07-22T15:00:00Z","props":{"color":"red"}}
{"kind":"click","id":"c1","advertiser":"acme","impression":"i1","user":"u1","at":1532271605000}"#,
    br#"[{"kind":"conversion","id":"v1","advertiser":"acme","click":"c1","value_micros":1250000,"label":"purchase"}]"#,
    br#"{"kind":"view","advertiser":"acme","impression":"i1","user_agent":"Googlebot/2.1","ip":"203.0.113.9","country":"KR"}"#,
    "{\"kind\":\"click\",\"advertiser\":\"\\u0061cme\",\"ad\":\"\u{1f600}\",\"x\":[1,2,{\"y\":null}]}".as_bytes(),
];

fn context<'a>(salt: &'a UserSalt) -> Context<'a> {
    Context { now: NOW, nonce: 7, salt, lists: Lists::built_in(), visitor: None }
}

/// Judges drafts, and each of them in quarantine and out of it.
fn judge(drafts: &[Draft]) {
    let salt = UserSalt::new(b"salt");
    let context = context(&salt);
    if let Ok(intake) = read_drafts(drafts, &context) {
        assert_eq!(intake.events.len() + intake.rejected.len(), drafts.len(), "each draft is judged once");
        for rejection in &intake.rejected {
            assert!(safe_message(&rejection.message).len() <= rejection.message.len() + 16);
            let held = hold_fields(drafts[rejection.index].fields.clone(), rejection.index, &context);
            let _ = release(&held, &serde_json::Map::new(), &context);
        }
    }
}

#[test]
fn events() {
    let salt = UserSalt::new(b"salt");
    fuzz("events", &EVENTS, |bytes| {
        for media in [Media::Ndjson, Media::Json] {
            let Ok(intake) = read_body(bytes, media, &context(&salt)) else { continue };
            assert!(intake.events.len() + intake.rejected.len() <= MAX_BODY_EVENTS);
            for rejection in &intake.rejected {
                let raw = &bytes[rejection.raw.clone()];
                let held = hold_bytes(raw, rejection.index, &context(&salt));
                let _ = release(&held, &serde_json::Map::new(), &context(&salt));
            }
        }
    });
}

#[test]
fn bodies_of_doors() {
    fuzz("snowplow", &[br#"{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"ue","eid":"e1","dtm":"1532271600000","stm":"1532271605000","uid":"u","ue_px":"eyJkYXRhIjp7InNjaGVtYSI6ImlnbHU6Y29tLnNub3dwbG93YW5hbHl0aWNzLnNub3dwbG93L2FkX2NsaWNrL2pzb25zY2hlbWEvMS0wLTAiLCJkYXRhIjp7ImNsaWNrSWQiOiJjIn19fQ"},{"e":"ue","ue_pr":"{\"data\":{\"schema\":\"iglu:com.snowplowanalytics.snowplow/ad_impression/jsonschema/1-0-0\",\"data\":{\"impressionId\":\"i\",\"cost\":2.5,\"costModel\":\"cpm\"}}}"},{"e":"pv"}]}"#], |bytes| {
        if let Ok(drafts) = snowplow::of_body(bytes, NOW) {
            judge(&drafts);
        }
    });
    fuzz("bulk", &[b"{\"index\":{\"_index\":\"ads\",\"_id\":\"i1\"}}\n{\"kind\":\"impression\",\"advertiser\":\"acme\",\"ad\":\"a\"}\n\n{\"create\":{}}\n{\"message\":\"{\\\"kind\\\":\\\"click\\\"}\",\"@timestamp\":\"2018-07-22T15:00:00Z\"}\n{\"delete\":{\"_id\":\"x\"}}\n"], |bytes| {
        if let Ok(items) = bulk::of_body(bytes, Some("ads")) {
            judge(&items.iter().map(|item| item.draft.clone()).collect::<Vec<_>>());
            assert_eq!(bulk::answer(&items, [(0, "code", "why")])["items"].as_array().map(Vec::len), Some(items.len()));
        }
    });
    fuzz("cloudevents", &[br#"[{"specversion":"1.0","id":"1","type":"com.example.click","source":"/shop","time":"2018-07-22T15:00:00Z","data":{"advertiser":"acme","ad":"a"}}]"#], |bytes| {
        if let Ok(drafts) = cloud_events::of_structured(bytes) {
            judge(&drafts);
        }
        judge(&[cloud_events::of_binary(cloud_events::Attributes::default(), bytes)]);
    });
    fuzz("otlp", &[br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"news"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1532271600000000000","eventName":"ad.click","attributes":[{"key":"adtally.ad","value":{"intValue":"7"}}],"body":{"kvlistValue":{"values":[{"key":"x","value":{"doubleValue":1.5}}]}}}]}]}]}"#], |bytes| {
        if let Ok(drafts) = otlp::of_body(bytes) {
            judge(&drafts);
        }
    });
    fuzz("prebid", &[br#"[{"eventType":"bidWon","args":{"adId":"p1","creativeId":"77","cpm":1.5,"adUnitCode":"top","currency":"USD"}},{"eventType":"auctionEnd"}]"#], |bytes| {
        if let Ok(drafts) = prebid::of_body(bytes) {
            judge(&drafts);
        }
    });
}

#[test]
fn addresses() {
    let corpus: [&[u8]; 3] = [
        b"advertiser=acme&ad=a1&cost_micros=1200&cb=[CACHEBUSTING]&user=u1&at=1532271600000",
        b"clickid=c1&txid=t1&payout=12.50&goal=install&sub1=x&currency={currency}",
        b"e=ue&aid=news&ue_pr={\"data\":{\"schema\":\"x\",\"data\":{}}}&duid=d&dtm=1",
    ];
    fuzz("addresses", &corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_owned(), value.to_owned())
        };
        let pairs: Vec<(String, String)> = text.split('&').map(pair).collect();
        let drafts = [
            query::event_of(Some(Kind::Impression), &pairs),
            query::event_of(None, &pairs),
            query::postback_of(&pairs),
            vast::event_of(&pairs[0].0, &pairs),
            snowplow::of_query(&pairs, NOW),
        ];
        judge(&drafts);
        let _ = query::pairs_of_json(bytes);
        let _ = Query::parse(&pairs, "UTC", NOW);
    });
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
    fuzz("texts", &corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let consent = Consent::of(Some(&text), Some("1"), Some(&text));
        consent.note(&mut Draft::of(serde_json::Map::new()));
        let _ = (parse_rfc3339(&text), parse_instant(&text), Scope::parse(&text), ListName::parse(&text));
        for name in ["from", "to", "tz", "by", "metrics", "filter", "sort", "limit", "source", "as_of"] {
            let _ = Query::parse(&[(name.to_owned(), text.to_string())], &text, NOW);
        }
    });
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
    fuzz("segments", &[&bytes, &Segment::default().encode()], |bytes| {
        // SEG-1: what is read was written by the encoder.
        if let Ok(segment) = Segment::decode(bytes) {
            assert_eq!(segment.encode(), bytes);
        }
        // Past the checksum, too.
        if bytes.len() > 4 {
            for end in [bytes.len() - 4, bytes.len()] {
                let mut sealed = bytes[..end].to_vec();
                sealed.extend(crc32(&sealed).to_le_bytes());
                if let Ok(segment) = Segment::decode(&sealed) {
                    assert_eq!(segment.encode(), sealed);
                }
            }
        }
    });
}

/// The checksum of segments, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
