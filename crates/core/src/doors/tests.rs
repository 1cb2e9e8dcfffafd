mod adapters;

use serde_json::{Value, json};

use super::*;
use crate::event::Kind;

#[test]
fn doors_by_name() {
    for door in Door::ALL {
        assert_eq!(Door::parse(door.name()), Some(door));
    }
    assert_eq!(Door::parse("window"), None);
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    query.split('&').map(pair).collect()
}

#[test]
fn events_in_queries() {
    fn check(query: &str, expected: Value) {
        let draft = query::event_of(Some(Kind::Click), &pairs(query));
        assert_eq!(Value::Object(draft.fields), expected, "{query}");
        assert_eq!(draft.fault, None);
    }
    check(
        "advertiser=acme&ad=a&user=u&at=1532271600000&cost_micros=5",
        json!({"kind":"click","advertiser":"acme","ad":"a","user":"u","at":1532271600000_i64,"cost_micros":5}),
    );
    check("kind=view&ad=first&ad=second&key=secret&cb=1", json!({"kind":"click","ad":"first"}));
    check("ad={banner}&user=-1&click=[CLICKID]&page=", json!({"kind":"click"}));
    check("props.a=1&props.a=2&b=3", json!({"kind":"click","props":{"a":"1"},"b":"3"}));
    check("cost_micros=cheap", json!({"kind":"click","cost_micros":"cheap"}));
}

#[test]
fn postbacks() {
    fn check(query: &str, expected: Value) {
        assert_eq!(Value::Object(query::postback_of(&pairs(query)).fields), expected, "{query}");
    }
    check(
        "advertiser=acme&clickid=c1&txid=t1&payout=12.5&goal=install&ts=1532271600&sub1=x",
        json!({"kind":"conversion","advertiser":"acme","click":"c1","id":"t1","value_micros":12500000,
            "label":"install","at":1532271600000_i64,"sub1":"x"}),
    );
    check("click=c1&clickid=c2", json!({"kind":"conversion","click":"c1","clickid":"c2"}));
    check("kind=click&payout=free", json!({"kind":"click","value_micros":"free"}));
}

#[test]
fn forms_in_json() {
    let pairs = query::pairs_of_json(br#"{"click_id":"c1","payout":2.5,"x":null,"list":[1,2]}"#).unwrap();
    let draft = query::postback_of(&pairs);
    let expected = json!({"kind":"conversion","click":"c1","value_micros":2500000,"list":"[1,2]"});
    assert_eq!(Value::Object(draft.fields), expected);
    for wrong in ["", "[]", "x", "{"] {
        assert_eq!(query::pairs_of_json(wrong.as_bytes()), None, "{wrong}");
    }
}
