use std::collections::HashMap;
use std::path::Path;

use super::row::{FileName, Record};
use super::*;

const OPEN_BANDIT: &str = include_str!("../../../maps/open-bandit.toml");
const EVENT_LOG: &str = include_str!("../../../maps/event-log.toml");
const ADTALLY: &str = include_str!("../../../maps/adtally.toml");
const REFERENCE: &str = include_str!("../../../../../docs/replay.md");

fn lines(map: &str, file: &str, record: Record<'_>) -> Result<String, RowError> {
    let file = FileName::of(Path::new(file));
    let row = Row { number: 3, file: &file, record };
    let mut body = Vec::new();
    Map::parse(map).unwrap().apply(&row)?.iter().for_each(|event| event.write_line(&mut body));
    Ok(String::from_utf8(body).unwrap())
}

#[track_caller]
fn check_csv(map: &str, header: &str, line: &str, expected: Result<&str, &str>) {
    let columns: HashMap<_, _> =
        header.split(',').enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
    let cells = line.split(',').collect();
    let record = Record::Csv { columns: &columns, cells: &cells };
    let result = lines(map, "random_men.csv", record).map_err(|error| error.to_string());
    assert_eq!(result.as_deref().map_err(String::as_str), expected);
}

#[test]
fn open_bandit_rows() {
    let header =
        ",timestamp,item_id,position,click,user_feature_0,user_feature_1,user_feature_2,user_feature_3";
    check_csv(
        OPEN_BANDIT,
        header,
        "2,2019-11-24 00:03:13.442536+00:00,14,3,0,cef3,03a5,7bc9,9bde",
        Ok(concat!(
            r#"{"kind":"impression","id":"random_men-3","at":1574553793442,"advertiser":"zozo","#,
            r#""campaign":"random_men","ad":"14","service":"zozotown","placement":"3","#,
            r#""user":"e85c4f2ce60d66b3b3d43ee90045bdf2"}"#,
            "\n"
        )),
    );
    check_csv(
        OPEN_BANDIT,
        header,
        "2,2019-11-24 00:03:13+00:00,14,3,1,cef3,03a5,7bc9,9bde",
        Ok(concat!(
            r#"{"kind":"impression","id":"random_men-3","at":1574553793000,"advertiser":"zozo","#,
            r#""campaign":"random_men","ad":"14","service":"zozotown","placement":"3","#,
            r#""user":"e85c4f2ce60d66b3b3d43ee90045bdf2"}"#,
            "\n",
            r#"{"kind":"click","id":"random_men-3","at":1574553798000,"advertiser":"zozo","#,
            r#""campaign":"random_men","ad":"14","service":"zozotown","placement":"3","#,
            r#""user":"e85c4f2ce60d66b3b3d43ee90045bdf2","impression":"random_men-3"}"#,
            "\n"
        )),
    );
    check_csv(
        OPEN_BANDIT,
        header,
        "2,yesterday,14,3,1,cef3,03a5,7bc9,9bde",
        Err("event 1: `at`: `yesterday` is not a time in the map's format"),
    );
}

#[test]
fn event_log_rows() {
    #[track_caller]
    fn check(object: serde_json::Value, expected: &str) {
        assert_eq!(lines(EVENT_LOG, "log.ndjson", Record::Json(&object)).unwrap(), expected);
    }
    check(
        serde_json::json!({
            "uuid": "8c1f", "type": "imp", "ts": 1790000000.25, "account": "acme", "creative": {"id": 77},
            "uid": "u-1", "geo": {"country": "kr"}, "price": 0.0015
        }),
        concat!(
            r#"{"kind":"impression","id":"8c1f","at":1790000000250,"advertiser":"acme","ad":"77","user":"u-1","#,
            r#""cost_micros":1500,"country":"KR"}"#,
            "\n"
        ),
    );
    check(
        serde_json::json!({
            "uuid": "8c20", "type": "postback", "ts": 1790000100, "account": "acme", "uid": "u-1",
            "revenue": "39.90", "goal": "purchase", "order": {"items": 3}
        }),
        concat!(
            r#"{"kind":"conversion","id":"8c20","at":1790000100000,"advertiser":"acme","user":"u-1","#,
            r#""value_micros":39900000,"label":"purchase","props":{"items":"3"}}"#,
            "\n"
        ),
    );
    check(serde_json::json!({"uuid": "8c21", "type": "heartbeat", "ts": 1790000200}), "");
}

#[test]
fn events_in_our_own_form_stay_as_they_are() {
    #[track_caller]
    fn check(line: &str) {
        let object = serde_json::from_str(line).unwrap();
        assert_eq!(lines(ADTALLY, "a.ndjson", Record::Json(&object)).unwrap().trim_end(), line);
    }
    check(r#"{"kind":"click","id":"c1","at":1790000000000,"advertiser":"a","user":"u","impression":"i1"}"#);
    check(concat!(
        r#"{"kind":"conversion","id":"k1","at":1790000000001,"advertiser":"a","campaign":"b","ad":"c","service":"d","#,
        r#""placement":"e","user":"f","impression":"g","click":"h","cost_micros":1,"value_micros":2,"label":"i","#,
        r#""country":"KR","device":"j","os":"k","browser":"l","page":"m","user_agent":"n","ip":"192.0.2.1"}"#
    ));
}

#[test]
fn the_first_map_of_the_reference() {
    let block = |language: &str| {
        let (_, rest) = REFERENCE.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let mut csv = block("csv").lines();
    let (header, first) = (csv.next().unwrap(), csv.next().unwrap());
    check_csv(
        block("toml"),
        header,
        first,
        Ok(concat!(
            r#"{"kind":"impression","id":"shop-81","at":1795133642000,"advertiser":"acme","#,
            r#""campaign":"autumn","ad":"b7","user":"v-1204","cost_micros":2100}"#,
            "\n",
            r#"{"kind":"click","id":"shop-81","at":1795133647000,"advertiser":"acme","#,
            r#""campaign":"autumn","ad":"b7","user":"v-1204","impression":"shop-81"}"#,
            "\n"
        )),
    );
}

#[test]
fn wrong_maps() {
    #[track_caller]
    fn check(map: &str, expected: &str) {
        let error = Map::parse(map).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let event =
        |fields: &str| format!("[[event]]\nkind = 'click'\nid = '{{id}}'\nadvertiser = 'a'\n{fields}");
    check("", "has no [[event]]");
    check("[[events]]", "unknown field `events`");
    check("[input]\nformat = 'xml'", "unknown variant `xml`");
    check("[[event]]\nkind = 'click'\nadvertiser = 'a'", "event 1: needs `id`: made from the row");
    check("[[event]]\nid = '{id}'\nadvertiser = 'a'", "event 1: needs `kind`");
    check("[[event]]\nid = '1'\nkind = 'clik'\nadvertiser = 'a'", "not `clik`");
    check(&event("colour = 'red'"), "`colour` is no field of an event");
    check(&event("ad = '{item'"), "`ad`: `{` at character 1 is never closed");
    check(&event("ad = true"), "`ad`: a template such as");
    check(&event("at = { from = '{t}', fromat = 'auto' }"), "`at`:");
    check(&event("when = 'click=1'"), "`click=1` is no condition");
    check(&event("props = { a = '{shout:b}' }"), "`props`: `shout` is no function");
    assert!(Map::parse(&event("when = ['a = 1', 'b is present']")).is_ok());
}

#[test]
fn columns_that_are_read() {
    let map = Map::parse(OPEN_BANDIT).unwrap();
    let expected = [
        "click",
        "item_id",
        "position",
        "timestamp",
        "user_feature_0",
        "user_feature_1",
        "user_feature_2",
        "user_feature_3",
    ];
    assert!(map.columns().into_iter().eq(expected));
}
