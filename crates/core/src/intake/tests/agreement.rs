//! The reader and the naive reference answer alike, for bodies as people write them and as they break.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::fields::Field;
use super::{NOW, naive};
use crate::intake::{Context, MAX_BODY_EVENTS, MAX_EVENT_BYTES, Media, read_body};
use crate::key::UserSalt;
use crate::screen::{Lists, Visitor};

fn check(body: &[u8], media: Media) -> Result<(), TestCaseError> {
    let salt = UserSalt::new(b"salt");
    // Every other body comes from a browser in a data centre.
    let user_agent = Some("Mozilla/5.0 (iPhone) Safari/604.1".to_owned());
    let visitor =
        Visitor { country: Some("KR".to_owned()), asn: Some(16509), user_agent, ..Visitor::default() };
    let visitor = body.len().is_multiple_of(2).then_some(&visitor);
    let context = Context { now: NOW, nonce: 0xabc, salt: &salt, lists: Lists::built_in(), visitor };
    let (got, expected) = (read_body(body, media, &context), naive::read_body(body, media, &context));
    let shown = String::from_utf8_lossy(body);
    match (got, expected) {
        (Ok(got), Ok(expected)) => {
            prop_assert_eq!(got.events, expected.events, "{}", shown);
            prop_assert_eq!(got.rejected, expected.rejected, "{}", shown);
        }
        (got, expected) => prop_assert_eq!(got.err(), expected.err(), "{}", shown),
    }
    Ok(())
}

/// Strings as they stand between quotes in JSON, some of them broken.
fn string() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a",
        "Z",
        "09",
        "._:-",
        " ",
        "~",
        "/",
        "#",
        "!",
        "[]{},:",
        "여름",
        "é",
        "😀",
        "\u{7f}",
        "\u{85}",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\u00",
        "\\x",
        "\\",
        "\"",
        "\t",
        "\u{1}",
        "\0",
        "\\u0000",
        "abcdefgh",
        "0123456789abcdef",
    ]);
    prop_oneof![
        4 => "[a-z0-9]{1,40}",
        1 => "[A-Za-z0-9._:-]{0,70}",
        1 => "[ -~]{0,30}".prop_map(|text| text.replace(['"', '\\'], "_")),
        3 => prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => (select(vec!["x", "가", "\\u0041"]), 60..70_usize).prop_map(|(piece, times)| piece.repeat(times)),
        1 => (select(vec!["x", "가"]), 250..520_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "0",
        "-0",
        "00",
        "01",
        "-1",
        "+1",
        "1.0",
        "1.5",
        "1e3",
        "1E-2",
        "1e400",
        ".5",
        "5.",
        "0x1",
        "true",
        "false",
        "null",
        "nul",
        "True",
        "NaN",
        "1532271600",
        "1532271600000.0",
        "1000000000000000",
        "1000000000000001",
        "999999999999999999",
        "1000000000000000000",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1532271600001",
        "1532272200001",
        "\"2018-07-22T15:00:00Z\"",
        "\"2018-07-22\"",
        "[]",
        "[1,[2]]",
        "{}",
        r#"{"b":1,"a":[null,"x"],"b":2.50}"#,
        "{\"a\":}",
        "",
    ]);
    prop_oneof![
        4 => string().prop_map(|text| format!("\"{text}\"")),
        2 => (0..1_532_271_700_000_u64).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        2 => odd.prop_map(str::to_owned),
    ]
}

/// A value that suits the field, mostly.
fn member() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        8 => select(Field::ALL.to_vec()).prop_map(|field| field.name().to_owned()),
        1 => select(vec!["ids", "i", "", "advertise", "user_agents", "k\\u0069nd", "가", "a\\", "id\0", "x\u{7f}"])
            .prop_map(str::to_owned),
        1 => "[a-z_]{1,20}",
    ];
    let props =
        prop::collection::vec((string(), scalar()), 0..4).prop_map(|members| object(&members, "", ""));
    let at = prop_oneof![Just("1532271599000".to_owned()), Just("\"2018-07-22T15:00:00+09:00\"".to_owned())];
    let agent =
        select(vec!["\"curl/8.5\"", "\"Mozilla/5.0\"", "\"Googlebot\\/2.1\"", "7"]).prop_map(str::to_owned);
    let fitting = (string(), 0..2_000_000_000_000_000_u64, props, at, agent, scalar());
    (name, fitting, 0..8_u8).prop_map(|(name, (text, number, props, at, agent, scalar), odd)| {
        let value = match name.as_str() {
            _ if odd == 0 => scalar,
            "at" => at,
            "cost_micros" | "value_micros" => number.to_string(),
            "props" => props,
            "user_agent" => agent,
            _ => format!("\"{text}\""),
        };
        (name, value)
    })
}

fn object(members: &[(String, String)], space: &str, end: &str) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\"{space}:{space}{value}")).collect();
    format!("{{{space}{}{end}}}", members.join(&format!(",{space}")))
}

/// An event with what is required at a random place, unless something replaces it.
fn event() -> impl Strategy<Value = String> {
    let kind = select(vec!["impression", "view", "click", "conversion", "wink"]);
    let ends = select(vec!["", "", "", ",", " ", "\r\n"]);
    (
        prop::collection::vec(member(), 0..10),
        kind,
        select(vec!["", "", "", " ", "\t", "\n  "]),
        ends,
        any::<Index>(),
    )
        .prop_map(|(mut members, kind, space, end, index)| {
            let place = index.index(members.len() + 1);
            let id = format!("\"e{}\"", members.len());
            let required =
                [("kind", format!("\"{kind}\"")), ("advertiser", "\"acme\"".to_owned()), ("ad", id)];
            for (name, value) in required {
                members.insert(place, (name.to_owned(), value));
            }
            object(&members, space, end)
        })
}

fn item() -> impl Strategy<Value = String> {
    prop_oneof![12 => event(), 1 => scalar(), 1 => Just("{}".to_owned()), 1 => Just(" ".to_owned())]
}

fn body() -> impl Strategy<Value = String> {
    let lines =
        (prop::collection::vec(item(), 1..4), select(vec!["\n", "\r\n", "\n\n", " \n\t", "\x0c\n", ","]))
            .prop_map(|(items, between)| items.join(between));
    let array = (prop::collection::vec(item(), 0..4), select(vec![",", ", ", ",\r\n  ", ",,", "\n"]))
        .prop_map(|(items, between)| format!("[{}]", items.join(between)));
    let around = select(vec!["", "", "", "\u{feff}", " \r\n", "\n\n", "]", "\x0c"]);
    (prop_oneof![4 => lines, 2 => array, 2 => event()], around.clone(), around)
        .prop_map(|(body, before, after)| format!("{before}{body}{after}"))
}

#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Repeat(Index, Index),
}

impl Damage {
    fn on(&self, body: &mut Vec<u8>) {
        if body.is_empty() {
            return;
        }
        let len = body.len();
        match self {
            Damage::Replace(at, byte) => body[at.index(len)] = *byte,
            Damage::Insert(at, byte) => body.insert(at.index(len), *byte),
            Damage::Remove(at) => drop(body.remove(at.index(len))),
            Damage::Cut(at) => body.truncate(at.index(len)),
            Damage::Repeat(a, b) => {
                let (a, b) = (a.index(len), b.index(len));
                body.extend_from_within(a.min(b)..a.max(b));
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), select(b"\"\\{}[],: \n\t0\x00\x7f\xff\xc3\xed".to_vec())];
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        any::<Index>().prop_map(Damage::Remove),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Repeat(a, b)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn on_generated_bodies(body in body(), media in select(vec![Media::Json, Media::Ndjson])) {
        check(body.as_bytes(), media)?;
    }

    #[test]
    fn on_damaged_bodies(
        body in body(),
        damages in prop::collection::vec(damage(), 1..4),
        media in select(vec![Media::Json, Media::Ndjson]),
    ) {
        let mut body = body.into_bytes();
        damages.iter().for_each(|damage| damage.on(&mut body));
        check(&body, media)?;
    }
}

#[test]
fn at_the_limits() {
    let event = r#"{"kind":"conversion","advertiser":"acme"}"#;
    let page = |bytes: usize| {
        let rest = bytes - event.len() - r#","page":"""#.len();
        event.replace('}', &format!(r#","page":"{}"}}"#, "x".repeat(rest)))
    };
    for more in [0, 1] {
        let (bytes, events) = (MAX_EVENT_BYTES + more, MAX_BODY_EVENTS + more);
        for body in [
            page(bytes),
            format!("{}\r\n{event}", page(bytes)),
            format!("[{event}, {} ]", page(bytes)),
            format!("{event}\n\n").repeat(events),
            format!("[{}{event}]", format!("{event},").repeat(events - 1)),
            format!("{}1", "1\n".repeat(events - 1)),
        ] {
            for media in [Media::Json, Media::Ndjson] {
                check(body.as_bytes(), media).unwrap();
            }
        }
    }
}

/// Objects in objects deeper than the general reader follows.
#[test]
fn at_the_depth_limit() {
    for depth in [1, 125, 126, 127, 128, 5_000] {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let event = format!(r#"{{"kind":"conversion","advertiser":"acme","deep":{value}}}"#);
        for body in [event.clone(), format!("[{event}]"), format!("{event}\n{event}")] {
            check(body.as_bytes(), Media::Json).unwrap();
        }
    }
}
