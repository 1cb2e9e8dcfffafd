//! Queries over hand-made cells, and over random ones against a naive evaluation.

use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::cell::{CellKey, Cells, Dimension, Scope};
use crate::key::{Key, UserKey};
use crate::measure::Measure;
use crate::segment::Segment;
use crate::time::{Hour, ServerTime, parse_rfc3339};

fn query(text: &str) -> Query {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    let params: Vec<_> = text.split('&').map(pair).collect();
    Query::parse(&params, "UTC", ServerTime(0)).unwrap()
}

/// `hour [dimension=value | measure=amount | user=number]...`, one cell per line.
fn segment(lines: &[&str]) -> Segment {
    let mut cells = Cells::new();
    for line in lines {
        let mut words = line.split(' ');
        let hour = words.next().and_then(|hour| parse_rfc3339(&format!("{hour}:00:00Z"))).unwrap();
        let mut key = CellKey::at(Hour::holding(hour));
        let mut tally = crate::cell::Tally::default();
        for (name, value) in words.map(|word| word.split_once('=').unwrap()) {
            if let Some(dimension) = Dimension::ALL.into_iter().find(|one| one.name() == name) {
                key.set(dimension, Key::parse(value).unwrap());
            } else if let Some(measure) = Measure::ALL.into_iter().find(|one| one.name() == name) {
                tally.measures.add(measure, value.parse().unwrap());
            } else {
                assert_eq!(name, "user");
                tally.users.insert(UserKey(value.parse::<u64>().unwrap() << 40));
            }
        }
        cells.entry(key).or_default().merge(&tally);
    }
    Segment::from_cells(cells)
}

fn show(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Ratio(ratio) => format!("{ratio:?}"),
        Value::Text(text) => text.clone(),
        Value::Nothing => "null".to_owned(),
    }
}

fn answer(text: &str, segment: &Segment) -> Table {
    run(&query(text), segment, &Scope::Platform)
}

/// Rows and totals as text: `a|b|c`.
fn check(text: &str, segment: &Segment, rows: &[&str], totals: &str) {
    let table = answer(text, segment);
    let line = |values: Vec<String>| values.join("|");
    let shown: Vec<String> = table.rows.iter().map(|row| line(row.iter().map(show).collect())).collect();
    assert_eq!(shown, rows, "{text}");
    assert_eq!(line(table.totals.iter().map(|(_, value)| show(value)).collect()), totals, "totals of {text}");
}

/// Figures such that every mix-up shows.
fn two_days() -> Segment {
    segment(&[
        "2018-07-22T14 campaign=summer country=KR impressions=100 clicks=10 linked_clicks=9 user=1 user=2",
        "2018-07-22T15 campaign=summer country=KR impressions=1000 clicks=20 linked_clicks=19 user=2 user=3",
        "2018-07-22T15 campaign=summer country=US impressions=10 cost_micros=5000000 waiting=2 user=1",
        "2018-07-22T23 campaign=winter country=US clicks=3 conversions=1 cost_micros=700000",
        "2018-07-23T00 country=KR conversions=2 value_micros=9000000 waiting=1",
    ])
}

const DAYS: &str = "from=2018-07-22&to=2018-07-24";

#[wasm_bindgen_test(unsupported = test)]
fn groups() {
    let cells = two_days();
    check(&format!("{DAYS}&metrics=impressions,clicks"), &cells, &["1110|33"], "1110|33");
    check(
        &format!("{DAYS}&by=campaign&metrics=clicks,impressions"),
        &cells,
        &["|0|0", "summer|30|1110", "winter|3|0"],
        "33|1110",
    );
    check(
        &format!("{DAYS}&by=country,campaign&metrics=clicks"),
        &cells,
        &["KR||0", "KR|summer|30", "US|summer|0", "US|winter|3"],
        "33",
    );
    check(
        &format!("{DAYS}&by=day&metrics=clicks,conversions"),
        &cells,
        &["2018-07-22T00:00:00Z|33|1", "2018-07-23T00:00:00Z|0|2"],
        "33|3",
    );
    check(
        &format!("{DAYS}&tz=Asia/Seoul&by=day,country&metrics=clicks,conversions"),
        &cells,
        &["2018-07-21T15:00:00Z|KR|10|0", "2018-07-22T15:00:00Z|KR|20|2", "2018-07-22T15:00:00Z|US|3|1"],
        "33|3",
    );
    check(
        &format!("{DAYS}&by=month,week&metrics=clicks,conversions"),
        &cells,
        &["2018-07-01T00:00:00Z|2018-07-16T00:00:00Z|33|1", "2018-07-01T00:00:00Z|2018-07-23T00:00:00Z|0|2"],
        "33|3",
    );
    check(
        "from=2018-07-22T15:00&to=2018-07-22T23:00&by=hour&metrics=clicks",
        &cells,
        &["2018-07-22T15:00:00Z|20"],
        "20",
    );
    check(&format!("{DAYS}&by=label&metrics=reach"), &cells, &["|3"], "3");
}

#[wasm_bindgen_test(unsupported = test)]
fn filtered() {
    let cells = two_days();
    for (filter, expected) in [
        ("country:eq:KR", "1100|30"),
        ("country:ne:KR", "10|3"),
        ("campaign:in:winter,", "0|3"),
        ("campaign:prefix:s", "1110|30"),
        ("campaign:prefix:s&filter=country:eq:US", "10|0"),
        ("campaign:eq:spring", "0|0"),
    ] {
        let rows: &[&str] = if filter.ends_with("spring") { &[] } else { &[expected] };
        check(&format!("{DAYS}&metrics=impressions,clicks&filter={filter}"), &cells, rows, expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn ratios_come_from_sums() {
    let cells = segment(&[
        "2018-07-22T00 ad=a impressions=1000 views=400 clicks=50 linked_clicks=49 conversions=4 cost_micros=2500000 \
         value_micros=10000000",
        "2018-07-22T00 ad=b impressions=3000 views=100 clicks=0 cost_micros=500000",
        "2018-07-22T00 ad=c duplicates=1",
    ]);
    check(
        "from=2018-07-22&to=2018-07-23&by=ad&metrics=ctr,cvr,cpm,cpc,cpa,roas,viewability,link_rate",
        &cells,
        &[
            "a|0.05|0.08|2500000.0|50000.0|625000.0|4.0|0.4|0.98",
            "b|0.0|null|166666.66666666666|null|null|0.0|0.03333333333333333|null",
            "c|null|null|null|null|null|null|null|null",
        ],
        "0.0125|0.08|750000.0|60000.0|750000.0|3.3333333333333335|0.125|0.98",
    );
    let table =
        answer("from=2018-07-22&to=2018-07-23&by=ad,day&metrics=clicks,cost_micros,reach,cpm,ctr", &cells);
    let kinds: Vec<_> = table.columns.iter().map(|column| (column.name, column.kind.name())).collect();
    assert_eq!(
        kinds,
        [
            ("ad", "dimension"),
            ("day", "time"),
            ("clicks", "count"),
            ("cost_micros", "money"),
            ("reach", "count"),
            ("cpm", "money"),
            ("ctr", "ratio")
        ]
    );
    assert_eq!((table.link_rate, table.waiting), (Some(0.98), 0));
}

#[test]
fn quality_covers_what_was_asked_for() {
    let cells = two_days();
    let table = answer(&format!("{DAYS}&metrics=impressions"), &cells);
    assert_eq!((table.link_rate, table.waiting), (Some(28.0 / 33.0), 3));
    let table = answer(&format!("{DAYS}&metrics=impressions&filter=campaign:eq:summer"), &cells);
    assert_eq!((table.link_rate, table.waiting), (Some(28.0 / 30.0), 2));
    let table = answer(&format!("{DAYS}&metrics=impressions&filter=campaign:eq:"), &cells);
    assert_eq!((table.link_rate, table.waiting), (None, 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn sorting() {
    let cells = segment(&[
        "2018-07-22T00 ad=a country=KR impressions=10 clicks=1",
        "2018-07-22T00 ad=b country=KR clicks=2",
        "2018-07-22T00 ad=c country=US impressions=10 clicks=5",
        "2018-07-22T00 ad=d country=US impressions=4 clicks=2",
        "2018-07-22T00 ad=e country=JP views=1",
    ]);
    let sorted = |sort: &str, expected: &[&str]| {
        let table = answer(
            &format!("from=2018-07-22&to=2018-07-23&by=country,ad&metrics=ctr,clicks&sort={sort}"),
            &cells,
        );
        let ads: Vec<String> = table.rows.iter().map(|row| show(&row[1])).collect();
        assert_eq!(ads, expected, "{sort}");
        assert_eq!(table.row_count, 5);
    };
    sorted("", &["e", "a", "b", "c", "d"]);
    sorted("ad", &["a", "b", "c", "d", "e"]);
    sorted("-ad", &["e", "d", "c", "b", "a"]);
    sorted("-clicks", &["c", "b", "d", "a", "e"]);
    sorted("-country,-clicks", &["c", "d", "b", "a", "e"]);
    // No clicks-through without impressions: last in both directions, by the groups.
    sorted("ctr", &["a", "c", "d", "e", "b"]);
    sorted("-ctr", &["c", "d", "a", "e", "b"]);
    sorted("-clicks&limit=2", &["c", "b"]);
    sorted("-clicks&limit=2&offset=1", &["b", "d"]);
    sorted("-clicks&limit=9&offset=4", &["e"]);
    sorted("-clicks&limit=9&offset=18446744073709551615", &[]);
    sorted("-clicks&limit=0", &[]);
}

#[test]
fn totals_cover_what_the_page_leaves_out() {
    check(
        &format!("{DAYS}&by=campaign&metrics=clicks&sort=-clicks&limit=1"),
        &two_days(),
        &["summer|30"],
        "33",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn reach_is_not_a_sum() {
    check(&format!("{DAYS}&by=country&metrics=reach"), &two_days(), &["KR|3", "US|1"], "3");
    check(
        &format!("{DAYS}&by=hour&metrics=reach&filter=country:eq:KR&sort=-reach&limit=1"),
        &two_days(),
        &["2018-07-22T14:00:00Z|2"],
        "3",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn days_of_other_zones() {
    let hourly: Vec<String> =
        (0..96).map(|h| format!("2018-11-{:02}T{:02} clicks=1", 3 + h / 24, h % 24)).collect();
    let hourly = segment(&hourly.iter().map(String::as_str).collect::<Vec<_>>());
    // 25 hours where clocks go back, 24 after.
    check(
        "from=2018-11-04&to=2018-11-06&tz=America/New_York&by=day&metrics=clicks",
        &hourly,
        &["2018-11-04T04:00:00Z|25", "2018-11-05T05:00:00Z|24"],
        "49",
    );
    check(
        "from=2018-11-04&to=2018-11-06&tz=Asia/Kolkata&by=day&metrics=clicks",
        &hourly,
        &["2018-11-03T18:30:00Z|24", "2018-11-04T18:30:00Z|24"],
        "48",
    );
    check(
        "from=2018-11-04T00:00&to=2018-11-04T03:00&tz=America/New_York&by=hour&metrics=clicks",
        &hourly,
        &["04", "05", "06", "07"]
            .map(|hour| format!("2018-11-04T{hour}:00:00Z|1"))
            .each_ref()
            .map(String::as_str),
        "4",
    );
    check(
        "from=2018-11-05&to=2018-11-06&by=week&metrics=clicks",
        &hourly,
        &["2018-11-05T00:00:00Z|24"],
        "24",
    );
    // A week that the range cuts still bears the name of its Monday.
    check(
        "from=2018-11-04&to=2018-11-06&by=week&metrics=clicks",
        &hourly,
        &["2018-10-29T00:00:00Z|24", "2018-11-05T00:00:00Z|24"],
        "48",
    );
    let spring: Vec<String> =
        (0..48).map(|h| format!("2018-03-{:02}T{:02} clicks=1", 11 + h / 24, h % 24)).collect();
    let spring = segment(&spring.iter().map(String::as_str).collect::<Vec<_>>());
    check(
        "from=2018-03-11&to=2018-03-12&tz=America/New_York&by=day&metrics=clicks",
        &spring,
        &["2018-03-11T05:00:00Z|23"],
        "23",
    );
}

#[test]
fn clocks_that_go_back_over_midnight() {
    // Newfoundland, 2010-11-07: 00:01 became 23:01 of the 6th.
    let cells = segment(&["2010-11-07T02 clicks=1", "2010-11-07T03 clicks=10", "2010-11-07T04 clicks=100"]);
    let by_day = "from=2010-11-06&to=2010-11-08&tz=America/St_Johns&by=day&metrics=clicks";
    check(by_day, &cells, &["2010-11-06T02:30:00Z|11", "2010-11-07T02:30:00Z|100"], "111");
    let plan = query(by_day).plan();
    let reduced = plan.reduce(&cells);
    assert_eq!(plan.reduce(&reduced), reduced);
}

#[wasm_bindgen_test(unsupported = test)]
fn nothing_in_nothing_out() {
    let empty = Segment::default();
    check(&format!("{DAYS}&by=day&metrics=clicks,ctr,reach"), &empty, &[], "0|null|0");
    check("from=2017-07-22&to=2017-07-23&metrics=clicks", &two_days(), &[], "0");
    let table = answer(DAYS, &empty);
    assert_eq!((table.row_count, table.link_rate, table.waiting, table.columns.len()), (0, None, 0, 5));
}

#[test]
fn what_a_scope_does_not_see_has_no_value() {
    let cells = segment(&["2018-07-22T00 service=news clicks=1 cost_micros=2 value_micros=3"]);
    let query = query("from=2018-07-22&to=2018-07-23&metrics=cost_micros,value_micros,roas");
    let table = run(&query, &cells, &Scope::parse("service:news").unwrap());
    assert_eq!(table.rows, [[Value::Count(2), Value::Nothing, Value::Nothing]]);
    let values: Vec<&Value> = table.totals.iter().map(|(_, value)| value).collect();
    assert_eq!(values, [&Value::Count(2), &Value::Nothing, &Value::Nothing]);
}

#[wasm_bindgen_test(unsupported = test)]
fn as_csv() {
    let mut cells = Cells::new();
    for (campaign, clicks) in
        [("plain", 1), ("a,\"b\"", 2), ("=1+1", -3), ("@x", 4), ("-x,y", 5), ("여름", 0)]
    {
        let mut key = CellKey::at(Hour(0));
        key.set(Dimension::Campaign, Key::parse(campaign).unwrap());
        let measures = &mut cells.entry(key).or_default().measures;
        measures.add(Measure::Clicks, clicks);
        measures.add(Measure::Conversions, 1);
    }
    let text = "from=1970-01-01&to=1970-01-02&by=campaign,day&metrics=clicks,cvr&sort=clicks";
    assert_eq!(
        answer(text, &Segment::from_cells(cells)).to_csv(),
        "campaign,day,clicks,cvr\r\n\
         '=1+1,1970-01-01T00:00:00Z,-3,-0.3333333333333333\r\n\
         여름,1970-01-01T00:00:00Z,0,\r\n\
         plain,1970-01-01T00:00:00Z,1,1\r\n\
         \"a,\"\"b\"\"\",1970-01-01T00:00:00Z,2,0.5\r\n\
         '@x,1970-01-01T00:00:00Z,4,0.25\r\n\
         \"'-x,y\",1970-01-01T00:00:00Z,5,0.2\r\n"
    );
}

#[test]
fn plans() {
    let plan =
        query(&format!("{DAYS}&by=placement,day,country&metrics=clicks&filter=ad:ne:x&filter=country:ne:"))
            .plan();
    assert_eq!(plan.keep, [Dimension::Placement, Dimension::Country]);
    assert_eq!(plan.dimensions_needed(), [Dimension::Ad, Dimension::Placement, Dimension::Country]);
    assert!(plan.keep_hour && !plan.keep_users);
    let plan = query(&format!("{DAYS}&metrics=reach")).plan();
    assert!(!plan.keep_hour && plan.keep_users && plan.keep.is_empty());
    // One cell is left of all that need not be told apart.
    assert_eq!(plan.reduce(&two_days()).len(), 1);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties;
