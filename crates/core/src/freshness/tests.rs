use super::*;
use crate::time::{DAY_MS, ServerTime};

const NOW: ServerTime = ServerTime(1_532_273_400_000);

fn query(text: &str) -> Query {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    Query::parse(&pairs.collect::<Vec<_>>(), "UTC", NOW).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

#[test]
fn the_same_cells_have_one_key() {
    fn check(one: &str, other: &str, is_same: bool) {
        let keys = [one, other].map(|text| key(&scope("platform"), &query(text)));
        assert_eq!(keys[0] == keys[1], is_same, "{one} | {other}");
    }
    // The same question in other words.
    check("", "from=2018-07-16&source=merged&tz=UTC", true);
    check("by=day,ad", "by=ad,day", true);
    check("filter=ad:in:b,a", "filter=ad:in:a,b,a", true);
    check("filter=ad:eq:a&filter=country:eq:KR", "filter=country:eq:KR&filter=ad:eq:a", true);
    check("from=2018-07-16T00:00:00Z", "from=2018-07-16T09:00:00+09:00", true);
    check("as_of=g3", "as_of=3&source=batch", true);
    // Other figures, order, pages and forms of the same cells.
    check("by=ad&metrics=clicks", "by=ad&metrics=ctr,views&sort=-ctr&limit=3&offset=1&format=csv", true);
    // Without units of time the zone says only which hours are asked for, and they are the same.
    check(
        "from=2018-07-16T00:00:00Z&to=2018-07-17T00:00:00Z",
        "from=2018-07-16T00:00:00Z&to=2018-07-17T00:00:00Z&tz=Asia/Seoul",
        true,
    );
    // Other cells.
    check("by=day", "by=hour", false);
    check("by=day", "by=day&tz=Asia/Seoul", false);
    check("by=ad", "by=campaign", false);
    check("by=ad", "by=ad,day", false);
    check("", "metrics=reach", false);
    check("", "from=2018-07-15", false);
    check("", "to=2018-07-21", false);
    check("", "source=batch", false);
    check("", "source=realtime", false);
    check("source=batch", "as_of=3", false);
    check("as_of=4", "as_of=3", false);
    check("filter=ad:eq:a", "filter=ad:ne:a", false);
    check("filter=ad:in:a,b", "filter=ad:eq:a,b", false);
    check("filter=ad:eq:a", "filter=ad:eq:a;filter=campaign:eq:b", false);
    check("filter=ad:in:a,b", "filter=ad:eq:a", false);
}

#[test]
fn places_of_scopes() {
    fn check(text: &str, expected: &str) {
        assert_eq!(place(&scope(text)), expected);
    }
    check("platform", "platform");
    check("advertiser:acme", "advertiser/acme");
    check("service:acme", "service/acme");
    check("advertiser:a/b", "advertiser/a~2fb");
    check("advertiser:a~2fb", "advertiser/a~7e2fb");
    check("service:여름", "service/~ec~97~ac~eb~a6~84");
}

#[test]
fn only_what_is_told_has_changed() {
    let day = |day: i32| Hour(day * 24)..Hour(day * 24 + 24);
    let mut changes = Changes::after(10);
    changes.note(12, [Hour(48), Hour(49)]);
    changes.note(15, [Hour(24), Hour(48 + 23)]);
    let news = News { mark: Mark { generation: 3, version: 20 }, batch_through_ms: None, changes };
    let check = |kept: (u64, u64), source, hours: Range<Hour>, expected: bool| {
        let mark = Mark { generation: kept.0, version: kept.1 };
        assert_eq!(news.has_changed(mark, source, &hours), expected, "{kept:?} {source:?} {hours:?}");
    };
    // Nothing is known of what was before.
    check((3, 9), Source::Merged, day(0), true);
    check((3, 10), Source::Merged, day(0), false);
    check((3, 10), Source::Merged, day(1), true);
    check((3, 14), Source::Merged, day(2), true);
    check((3, 15), Source::Merged, day(2), false);
    check((3, 14), Source::Realtime, Hour(0)..Hour(25), true);
    check((3, 14), Source::Merged, Hour(0)..Hour(24), false);
    check((3, 14), Source::Merged, Hour(0)..Hour(1_000_000), true);
    check((3, 0), Source::Merged, Hour(5)..Hour(5), false);
    // The batch does not know real time, and a new generation may be anything.
    check((3, 0), Source::Batch, day(2), false);
    check((2, 20), Source::Batch, day(2), true);
    check((2, 20), Source::Merged, day(0), true);
    check((4, 20), Source::Merged, day(0), true);
}

#[test]
fn what_is_forgotten_counts_as_changed() {
    let mut changes = Changes::after(0);
    for day in 0..250_i32 {
        changes.note(u64::from(day.unsigned_abs()) + 1, [Hour(day * 24)]);
    }
    assert_eq!(changes.days().count(), MAX_DAYS);
    for day in 0..250_i32 {
        let last = changes.last(&(Hour(day * 24)..Hour(day * 24 + 1)));
        assert!(last > u64::from(day.unsigned_abs()), "{day}: {last}");
    }
    assert_eq!(Changes::told(changes.since(), changes.days()), changes);
}

#[test]
fn kinds_of_ranges() {
    use RangeKind::{Closed, Open};
    fn check(source: Source, through_ms: Option<i64>, expected: RangeKind) {
        let hours = Hour(0)..Hour(24);
        assert_eq!(RangeKind::of(source, &hours, through_ms), expected, "{source:?} {through_ms:?}");
    }
    check(Source::Merged, None, Open);
    check(Source::Merged, Some(DAY_MS - 1), Open);
    check(Source::Merged, Some(DAY_MS), Closed);
    check(Source::Realtime, Some(DAY_MS), Closed);
    check(Source::Batch, None, Closed);
    for kind in RangeKind::ALL {
        assert!(kind.trust_ms() <= MAX_TRUST_MS);
        assert!(kind.trusts(0) && kind.trusts(-1) && kind.trusts(kind.trust_ms()));
        assert!(!kind.trusts(kind.trust_ms() + 1) && !kind.trusts(i64::MIN));
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod random {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::{CellKey, Cells, Dimension};
    use crate::key::Key;
    use crate::measure::Measure;
    use crate::report::run;
    use crate::segment::Segment;

    fn scopes() -> impl Strategy<Value = Scope> {
        // Keys that look alike where somebody forgets to escape.
        let key = prop_oneof!["[a/~:%2f]{1,4}", Just("platform".to_owned()), "\\PC{1,6}"];
        (0..3, key).prop_map(|(kind, key)| match (kind, Key::parse(&key)) {
            (0, _) | (_, Err(_)) => Scope::Platform,
            (1, Ok(key)) => Scope::Advertiser(key),
            (_, Ok(key)) => Scope::Service(key),
        })
    }

    fn queries() -> impl Strategy<Value = String> {
        let by = prop::sample::subsequence(vec!["hour", "day", "ad", "country"], 0..3);
        let filter = prop::sample::select(vec![
            "",
            "ad:eq:a",
            "ad:ne:a",
            "country:in:KR,US",
            "country:in:US,KR",
            "ad:prefix:",
        ]);
        let metrics = prop::sample::select(vec!["clicks", "clicks,reach", "ctr"]);
        let tz = prop::sample::select(vec!["UTC", "Asia/Seoul", "Asia/Kolkata"]);
        let from =
            prop::sample::select(vec!["2018-07-20", "2018-07-21T00:00:00Z", "2018-07-21T09:00:00+09:00"]);
        let tail = prop::sample::select(vec![
            "",
            "&limit=2",
            "&source=batch",
            "&source=realtime",
            "&as_of=2",
            "&format=csv",
        ]);
        (by, filter, metrics, tz, from, tail).prop_map(|(by, filter, metrics, tz, from, tail)| {
            format!("by={}&filter={filter}&metrics={metrics}&tz={tz}&from={from}{tail}", by.join(","))
        })
    }

    fn cells() -> impl Strategy<Value = Segment> {
        let cell = (425_400..425_500_i32, "[ab]", prop::sample::select(vec!["KR", "US", ""]), 1..9_i64);
        prop::collection::vec(cell, 0..20).prop_map(|rows| {
            let mut cells = Cells::new();
            for (hour, ad, country, clicks) in rows {
                let mut key = CellKey::at(Hour(hour));
                key.set(Dimension::Ad, Key::parse(&ad).unwrap());
                key.set(Dimension::Country, Key::parse(country).unwrap());
                cells.entry(key).or_default().measures.add(Measure::Clicks, clicks);
            }
            Segment::from_cells(cells)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Another tenant's cells are never at the same place, nor under it, whatever the names.
        #[test]
        fn scopes_share_no_place(one in scopes(), other in scopes(), a in queries(), b in queries()) {
            let keys = [key(&one, &query(&a)), key(&other, &query(&b))];
            if one != other {
                prop_assert_ne!(&keys[0], &keys[1]);
                let under = format!("{}/", place(&one));
                prop_assert!(one == Scope::Platform || !keys[1].starts_with(&under), "{} {}", under, keys[1]);
            }
            prop_assert!(keys[0].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/~.-_".contains(&byte)));
        }

        /// Queries of one key get the same cells of any store, so one's answer can be made of the other's cells.
        #[test]
        fn one_key_means_the_same_cells(a in queries(), b in queries(), stored in cells()) {
            let (a, b) = (query(&a), query(&b));
            let scope = Scope::Platform;
            if key(&scope, &a) == key(&scope, &b) {
                let [mine, other] = [&a, &b].map(|query| query.plan().reduce(&stored));
                prop_assert_eq!(&mine, &other);
                prop_assert_eq!(run(&a, &mine, &scope), run(&a, &other, &scope));
            }
        }

        /// Where all share a cache nobody gets what was so before the last announcement, through crashes and silence.
        #[test]
        fn news_of_one_cache_is_never_late(ops in prop::collection::vec((0..10_u8, 0..3_000_i64, any::<bool>()), 1..60)) {
            let (mut now, mut version) = (ServerTime(0), 1_u64);
            let mut audience = Audience::starting(now);
            // What readers noted, and what the object did: version and time.
            let (mut reader, mut object) = (None::<(u64, ServerTime)>, None::<(u64, ServerTime)>);
            for (op, pause, is_closed) in ops {
                now.0 += pause;
                match op {
                    0..=5 => {
                        version += 1;
                        if audience.listens(now) {
                            object = Some((version, audience.heard_at()));
                        }
                    }
                    6 => audience = Audience::starting(now),
                    _ => {
                        let kind = if is_closed { RangeKind::Closed } else { RangeKind::Open };
                        let latest = reader.max(object).filter(|(_, at)| kind.trusts(now.0 - at.0));
                        let known = latest.map_or_else(
                            || {
                                audience.ask(now);
                                reader = Some((version, now));
                                version
                            },
                            |(known, _)| known,
                        );
                        prop_assert_eq!(known, version);
                    }
                }
            }
        }

        /// What is not said to have changed has not, whatever is told and forgotten.
        #[test]
        fn news_hides_nothing(tellings in prop::collection::vec((0..140_i32, 0..3_u64), 0..400), kept in 0..400_u64, from in 0..140_i32) {
            let mut changes = Changes::after(5);
            let (mut version, mut last) = (5, BTreeMap::new());
            for (day, step) in tellings {
                version += step + 1;
                changes.note(version, [Hour(day * 24 + 7)]);
                last.insert(day, version);
            }
            let hours = Hour(from * 24)..Hour(from * 24 + 72);
            let truly = last.range(from..from + 3).any(|(_, version)| *version > kept);
            let news = News { mark: Mark { generation: 1, version }, batch_through_ms: None, changes };
            let said = news.has_changed(Mark { generation: 1, version: kept }, Source::Merged, &hours);
            prop_assert!(said || !truly);
        }
    }
}
