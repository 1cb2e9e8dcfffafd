use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::time::{ServerTime, parse_rfc3339};

/// A Sunday; in Seoul the 23rd has begun.
const NOW: &str = "2018-07-22T15:30:00Z";

fn parse(text: &str) -> Result<Query, QueryError> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    let params: Vec<_> = text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    Query::parse(&params, "Asia/Seoul", ServerTime(parse_rfc3339(NOW).unwrap()))
}

#[wasm_bindgen_test(unsupported = test)]
fn ranges() {
    fn check(params: &str, from: &str, to: &str) {
        let hours = parse(params).unwrap().hours();
        let text = |hour: Hour| rfc3339(hour.start_ms());
        assert_eq!((text(hours.start).as_str(), text(hours.end).as_str()), (from, to), "{params}");
    }
    // Seven local days with today, which in Seoul is the 23rd.
    check("", "2018-07-16T15:00:00Z", "2018-07-23T15:00:00Z");
    check("tz=UTC", "2018-07-16T00:00:00Z", "2018-07-23T00:00:00Z");
    check("from=2018-07-20", "2018-07-19T15:00:00Z", "2018-07-23T15:00:00Z");
    check("to=2018-07-20", "2018-07-12T15:00:00Z", "2018-07-19T15:00:00Z");
    check("to=2018-07-20T12:00", "2018-07-13T15:00:00Z", "2018-07-20T03:00:00Z");
    check("from=2018-07-22&to=2018-07-23", "2018-07-21T15:00:00Z", "2018-07-22T15:00:00Z");
    check("from=2018-07-22&to=2018-07-23&tz=UTC", "2018-07-22T00:00:00Z", "2018-07-23T00:00:00Z");
    check("from=1532217600000&to=1532304000000", "2018-07-22T00:00:00Z", "2018-07-23T00:00:00Z");
    check("from=&to=&tz=", "2018-07-16T15:00:00Z", "2018-07-23T15:00:00Z");
    check(
        "from=2018-07-22T15:00&to=2018-07-22T17:00:00&tz=UTC",
        "2018-07-22T15:00:00Z",
        "2018-07-22T17:00:00Z",
    );
    check(
        "from=2018-07-22T15:00:00Z&to=2018-07-23T01:00:00+09:00",
        "2018-07-22T15:00:00Z",
        "2018-07-22T16:00:00Z",
    );
}

#[test]
fn ranges_of_zones_between_hours() {
    fn check(params: &str, from: &str, to: &str) {
        let hours = parse(params).unwrap().hours();
        assert_eq!([hours.start, hours.end].map(|hour| rfc3339(hour.start_ms())), [from, to], "{params}");
    }
    check("from=1970-01-01&to=9999-12-31&tz=Asia/Seoul", "1969-12-31T15:00:00Z", "9999-12-30T15:00:00Z");
    // Midnight in India is 18:30: the hour of 18:00 started on the day before.
    check("from=2018-07-22&to=2018-07-23&tz=Asia/Kolkata", "2018-07-21T19:00:00Z", "2018-07-22T19:00:00Z");
    check(
        "from=2018-03-11&to=2018-03-12&tz=America/New_York",
        "2018-03-11T05:00:00Z",
        "2018-03-12T04:00:00Z",
    );
    check(
        "from=2018-11-04&to=2018-11-05&tz=America/New_York",
        "2018-11-04T04:00:00Z",
        "2018-11-05T05:00:00Z",
    );
    check(
        "from=2018-07-22T00:00:00+05:30&to=2018-07-23T00:00:00.001Z",
        "2018-07-21T19:00:00Z",
        "2018-07-23T01:00:00Z",
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn defaults() {
    let query = parse("").unwrap();
    let names: Vec<&str> = query.metrics().iter().map(|metric| metric.name()).collect();
    assert_eq!(names, ["impressions", "clicks", "linked_clicks", "conversions", "cost_micros"]);
    assert_eq!((query.by(), query.filters(), query.sort()), (&[][..], &[][..], &[][..]));
    assert_eq!((query.limit(), query.offset(), query.tz()), (1_000, 0, "Asia/Seoul"));
    assert_eq!((query.source(), query.format()), (Source::Merged, Format::Json));
}

#[test]
fn lists() {
    let query = parse(
        "by=day, campaign&metrics=ctr,clicks&sort=-ctr,campaign&limit=100000&offset=7&source=batch&format=csv",
    );
    let query = query.unwrap();
    assert_eq!(query.by(), [By::Time(TimeUnit::Day), By::Dimension(Dimension::Campaign)]);
    assert_eq!(query.sort(), [Sort { column: 2, descending: true }, Sort { column: 1, descending: false }]);
    assert_eq!((query.limit(), query.offset()), (100_000, 7));
    assert_eq!((query.source(), query.format()), (Source::Batch, Format::Csv));
    for metric in Metric::all() {
        assert_eq!(parse(&format!("metrics={}", metric.name())).unwrap().metrics(), [metric]);
    }
}

#[test]
fn past_generations() {
    fn check(params: &str, expected: (Source, Option<u64>)) {
        let query = parse(params).unwrap();
        assert_eq!((query.source(), query.as_of()), expected, "{params}");
    }
    check("as_of=g12", (Source::Batch, Some(12)));
    check("as_of=12&source=batch", (Source::Batch, Some(12)));
    check("as_of=&source=batch", (Source::Batch, None));
}

#[wasm_bindgen_test(unsupported = test)]
fn refusals() {
    fn check(params: &str, code: &str, says: &str) {
        let error = parse(params).unwrap_err();
        assert_eq!(error.code(), code, "{params}");
        assert!(error.to_string().contains(says), "{error}");
    }
    check("by=nation", "unknown_dimension", "hour, day, week, month, advertiser, campaign");
    check("by=clicks", "unknown_dimension", "\"clicks\"");
    check("by=day,,ad", "unknown_dimension", "\"\"");
    check("metrics=click", "unknown_metric", "unattributed, cost_micros");
    check("filter=nation:eq:KR", "unknown_filter", "eq, ne, in, prefix");
    check("filter=country:KR", "unknown_filter", "dimension:op:value");
    check("tz=Mars/Olympus", "unknown_tz", "Asia/Seoul");
    check("from=yesterday", "bad_time", "\"yesterday\" in from");
    for time in [
        "2018-02-30",
        "2018-7-22",
        "2018-07-22 15:00",
        "2018-07-22T24:00",
        "1532",
        "1969-12-31T00:00:00Z",
        "+12018-07-22",
    ] {
        check(&format!("to={time}"), "bad_time", "in to");
    }
    check("from=2018-07-23&to=2018-07-22", "bad_range", "from 2018-07-22T15:00:00Z to 2018-07-21T15:00:00Z");
    check("from=2018-07-22&to=2018-07-22", "bad_range", "");
    check("from=2018-07-22T15:10&to=2018-07-22T15:40", "bad_range", "hour");
    check("from=2019-01-01", "bad_range", "");
    check("limit=100001", "bad_limit", "at most 100000");
    check("limit=-1", "bad_limit", "limit \"-1\"");
    check("offset=x", "bad_limit", "offset \"x\"");
    check("by=day&sort=ad", "unknown_sort", "day, impressions, clicks");
    check("sort=--clicks", "unknown_sort", "\"-clicks\"");
    check("source=live", "unknown_source", "merged, realtime, batch");
    check("as_of=yesterday", "bad_as_of", "such as g12");
    check("as_of=g", "bad_as_of", "\"g\"");
    check("as_of=g-1", "bad_as_of", "\"g-1\"");
    check("as_of=g3&source=merged", "as_of_with_real_time", "not merged");
    check("format=xlsx", "unknown_format", "json, csv");
    check("by=ad,ad", "duplicate_column", "\"ad\"");
    check("metrics=ctr,ctr", "duplicate_column", "\"ctr\"");
    check("sort=clicks,-clicks", "duplicate_column", "\"clicks\"");
    check("filters=country:eq:KR", "unknown_parameter", "filter");
    check("limit=1&limit=2", "repeated_parameter", "\"limit\"");
}

#[test]
fn an_unknown_default_zone_is_an_error_too() {
    assert_eq!(Query::parse(&[], "nowhere", ServerTime(0)), Err(QueryError::UnknownTz("nowhere".into())));
}

#[test]
fn scopes() {
    fn check(params: &str, scope: &str, expected: Result<(), &str>) {
        let answer = parse(params).unwrap().check_scope(&Scope::parse(scope).unwrap());
        let hidden = answer.map_err(|error| match error {
            QueryError::NotInScope { name, .. } => name,
            other => panic!("{other}"),
        });
        assert_eq!(hidden, expected, "{params} in {scope}");
    }
    for scope in ["platform", "advertiser:acme"] {
        check("by=ad,label&metrics=value_micros,roas&filter=placement:eq:top", scope, Ok(()));
    }
    check("by=placement,day&metrics=cost_micros,cpm,reach&filter=country:eq:KR", "service:news", Ok(()));
    check("by=day,campaign", "service:news", Err("campaign"));
    check("filter=label:ne:", "service:news", Err("label"));
    check("metrics=clicks,value_micros", "service:news", Err("value_micros"));
    check("metrics=roas", "service:news", Err("roas"));
    let error = parse("by=ad").unwrap().check_scope(&Scope::parse("service:news").unwrap()).unwrap_err();
    assert_eq!(error.code(), "not_in_scope");
    assert!(error.to_string().contains("advertiser, service, placement"), "{error}");
}

#[wasm_bindgen_test(unsupported = test)]
fn canonical_text() {
    fn same(a: &str, b: &str) {
        assert_eq!(parse(a).unwrap().canonical(), parse(b).unwrap().canonical());
    }
    fn differ(a: &str, b: &str) {
        assert_ne!(parse(a).unwrap().canonical(), parse(b).unwrap().canonical());
    }
    assert_eq!(
        parse("from=2018-07-22&to=2018-07-23&by=day,ad&metrics=clicks&filter=ad:in:b%,a&sort=-clicks")
            .unwrap()
            .canonical(),
        "from=2018-07-21T15:00:00Z;to=2018-07-22T15:00:00Z;tz=Asia/Seoul;by=day,ad;metrics=clicks;\
         filter=ad:in:a,b~25;source=merged;sort=-2;limit=1000;offset=0;format=json"
    );
    same("", "limit=1000&source=merged&tz=Asia/Seoul&from=2018-07-17");
    same(
        "filter=ad:eq:x&filter=country:in:KR,US",
        "filter=country:in:US,KR,US&filter=ad:eq:x&filter=ad:eq:x",
    );
    same("as_of=3", "as_of=g3&source=batch");
    differ("by=ad,day", "by=day,ad");
    differ("as_of=3", "as_of=4");
    differ("as_of=3", "source=batch");
    differ("filter=ad:eq:a,b", "filter=ad:in:a,b");
    differ("filter=ad:in:a,b", "filter=ad:in:a~2cb");
    differ("filter=ad:eq:a", "filter=ad:eq:a;filter");
    differ("", "tz=Asia/Tokyo");
    differ("", "format=csv");
    assert!(parse("filter=ad:eq:여름 세일\u{7}").unwrap().canonical().is_ascii());
}
