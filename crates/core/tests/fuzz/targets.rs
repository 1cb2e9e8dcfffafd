//! What is done with foreign bytes, for tests and for a fuzzer that looks at the coverage (`crates/fuzz`).
#![allow(unreachable_pub, reason = "the fuzzer is another crate")]

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

/// When all of it comes.
pub const NOW: ServerTime = ServerTime(1_532_271_610_000);

/// How bodies are read.
pub fn context<'a>(salt: &'a UserSalt) -> Context<'a> {
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

/// Bodies of `POST /v1/events`.
pub fn events(bytes: &[u8]) {
    let salt = UserSalt::new(b"salt");
    for media in [Media::Ndjson, Media::Json] {
        let Ok(intake) = read_body(bytes, media, &context(&salt)) else { continue };
        assert!(intake.events.len() + intake.rejected.len() <= MAX_BODY_EVENTS);
        for rejection in &intake.rejected {
            let raw = &bytes[rejection.raw.clone()];
            let held = hold_bytes(raw, rejection.index, &context(&salt));
            let _ = release(&held, &serde_json::Map::new(), &context(&salt));
        }
    }
}

/// Bodies of Snowplow's trackers.
pub fn snowplow(bytes: &[u8]) {
    if let Ok(drafts) = snowplow::of_body(bytes, NOW) {
        judge(&drafts);
    }
}

/// Bodies of `_bulk`.
pub fn bulk(bytes: &[u8]) {
    if let Ok(items) = bulk::of_body(bytes, Some("ads")) {
        judge(&items.iter().map(|item| item.draft.clone()).collect::<Vec<_>>());
        assert_eq!(
            bulk::answer(&items, [(0, "code", "why")])["items"].as_array().map(Vec::len),
            Some(items.len())
        );
    }
}

/// CloudEvents in their three forms.
pub fn cloud_events(bytes: &[u8]) {
    if let Ok(drafts) = cloud_events::of_structured(bytes) {
        judge(&drafts);
    }
    judge(&[cloud_events::of_binary(cloud_events::Attributes::default(), bytes)]);
}

/// OTLP logs as JSON.
pub fn otlp(bytes: &[u8]) {
    if let Ok(drafts) = otlp::of_body(bytes) {
        judge(&drafts);
    }
}

/// What Prebid's adapter sends.
pub fn prebid(bytes: &[u8]) {
    if let Ok(drafts) = prebid::of_body(bytes) {
        judge(&drafts);
    }
}

/// Query strings of pixels, postbacks and reports.
pub fn addresses(bytes: &[u8]) {
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
}

/// Consent strings, times, scopes, lists, parameters.
pub fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let consent = Consent::of(Some(&text), Some("1"), Some(&text));
    consent.note(&mut Draft::of(serde_json::Map::new()));
    let _ = (parse_rfc3339(&text), parse_instant(&text), Scope::parse(&text), ListName::parse(&text));
    for name in ["from", "to", "tz", "by", "metrics", "filter", "sort", "limit", "source", "as_of"] {
        let _ = Query::parse(&[(name.to_owned(), text.to_string())], &text, NOW);
    }
}

/// Segments, also such with a right checksum.
pub fn segments(bytes: &[u8]) {
    written(bytes);
    // Past the checksum, too.
    if bytes.len() > 4 {
        for end in [bytes.len() - 4, bytes.len()] {
            let mut sealed = bytes[..end].to_vec();
            sealed.extend(crc32(&sealed).to_le_bytes());
            written(&sealed);
        }
    }
}

/// SEG-1: what is read is what the encoder writes of it. The bytes may differ where they have a measure that is zero
/// everywhere, or are of an earlier encoder that knew fewer dimensions.
fn written(bytes: &[u8]) {
    if let Ok(segment) = Segment::decode(bytes) {
        assert_eq!(Segment::decode(&segment.encode()).as_ref(), Ok(&segment));
    }
}

/// The checksum of segments, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
