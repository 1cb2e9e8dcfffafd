//! What is answered here is what the server would answer, whichever cells are here and whatever has to be fetched.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;

use adtally_core::cell::{CellKey, Cells, Dimension, Scope};
use adtally_core::key::{Key, UserKey};
use adtally_core::measure::Measure;
use adtally_core::report::Query;
use adtally_core::segment::Segment;
use adtally_core::time::{Hour, ServerTime};
use adtally_engine::{Answerer, Fetch, Fetched, Trouble};
use futures_util::FutureExt as _;

const NOW: ServerTime = ServerTime(1_785_000_000_000);

/// A server that has these cells, and sends no more than so many at once.
struct Server {
    cells: Segment,
    limit: usize,
    asked: RefCell<Vec<String>>,
}

impl Fetch for Server {
    async fn fetch(&self, address: &str, body: Option<String>) -> Result<Fetched, Trouble> {
        self.asked.borrow_mut().push(address.split('?').next().unwrap_or_default().to_owned());
        if body.is_some() {
            let rows = r#"{"rows":[["acme","spring","Spring","cpc",1500,null,null,null]]}"#;
            return Ok(Fetched { bytes: rows.into(), version: String::new() });
        }
        let query = address.split_once('?').unwrap().1;
        let decode = |text: &str| {
            let text = text.replace("%3A", ":").replace("%2C", ",").replace("%2F", "/");
            assert!(!text.contains('%'), "{text}");
            text
        };
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut parameters: Vec<(String, String)> = pairs
            .filter(|(name, _)| *name != "scope")
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        if !parameters.iter().any(|(name, _)| name == "by") {
            let all = "hour,campaign,ad,service,placement,country,device,label";
            parameters.push(("by".to_owned(), all.to_owned()));
        }
        let cells = Query::parse(&parameters, "UTC", NOW).unwrap().plan().reduce(&self.cells);
        if cells.len() > self.limit {
            return Err(Trouble::Refused { code: "too_many_cells".to_owned(), detail: String::new() });
        }
        Ok(Fetched { bytes: cells.encode(), version: "v1".to_owned() })
    }
}

fn server(limit: usize) -> Server {
    let mut cells = Cells::new();
    for place in 0..400_u64 {
        let mut key = CellKey::at(Hour(490_000 + (place % 90) as i32));
        key.set(Dimension::Campaign, Key::parse(["spring", "autumn", ""][place as usize % 3]).unwrap());
        key.set(Dimension::Country, Key::parse(["KR", "US"][place as usize % 2]).unwrap());
        key.set(Dimension::Ad, Key::parse(&format!("ad{}", place % 7)).unwrap());
        let tally = cells.entry(key).or_default();
        tally.measures.add(Measure::Impressions, place as i64 + 1);
        tally.measures.add(Measure::Clicks, (place % 5) as i64);
        tally.users.insert(UserKey(place.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    }
    Server { cells: Segment::from_cells(cells), limit, asked: RefCell::default() }
}

const STATEMENTS: [&str; 8] = [
    "SELECT SUM(impressions), SUM(clicks) FROM ad_stats",
    "SELECT campaign, SUM(clicks) FROM ad_stats WHERE country = 'KR' GROUP BY campaign ORDER BY campaign",
    "SELECT day, SUM(impressions) FROM ad_stats GROUP BY day ORDER BY day",
    "SELECT hour, ad, SUM(clicks) FROM ad_stats WHERE campaign IN ('spring', '') GROUP BY hour, ad ORDER BY 1, 2",
    "SELECT COUNT(*), AVG(impressions), MAX(clicks) FROM ad_stats WHERE ad LIKE 'ad%'",
    "SELECT campaign, COUNT(DISTINCT user_key) FROM ad_stats GROUP BY campaign ORDER BY campaign",
    "SELECT c.name, SUM(s.clicks) FROM ad_stats s JOIN campaigns c ON s.campaign = c.campaign GROUP BY c.name",
    "SELECT table_name FROM information_schema.tables ORDER BY 1",
];

fn rows(answerer: &mut Answerer, sql: &str, server: &Server) -> String {
    let answer = answerer.answer(sql, NOW, server).now_or_never().unwrap().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["rows"].to_string()
}

fn answerer() -> Answerer {
    Answerer::new(Scope::parse("advertiser:acme").unwrap(), "Asia/Seoul")
}

#[test]
fn all_cells_or_those_that_are_needed_answer_the_same() {
    let (roomy, narrow) = (server(usize::MAX), server(399));
    let (mut whole, mut parts) = (answerer(), answerer());
    for sql in STATEMENTS {
        let expected = rows(&mut answerer(), sql, &roomy);
        assert!(expected.len() > 4, "{sql}: {expected}");
        for _ in 0..2 {
            assert_eq!(rows(&mut whole, sql, &roomy), expected, "{sql}");
        }
        // Row by row all cells are needed, which this server does not send.
        if !sql.contains("COUNT(*)") {
            assert_eq!(rows(&mut parts, sql, &narrow), expected, "{sql}");
        }
    }
    assert_eq!(whole.shelf.cells(), 400 + 3);
    assert!(whole.shelf.bytes > 0);
}

#[test]
fn cells_are_fetched_once() {
    let server = server(usize::MAX);
    let mut engine = answerer();
    for sql in STATEMENTS.iter().chain(&STATEMENTS) {
        rows(&mut engine, sql, &server);
    }
    // All cells, those with users, and the campaigns.
    assert_eq!(*server.asked.borrow(), ["/v1/segments", "/v1/segments", "/v1/sql"]);
    let lines = rows(&mut engine, "EXPLAIN SELECT SUM(clicks) FROM ad_stats", &server);
    assert!(lines.contains("in this browser: 400 cells that are here"), "{lines}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let server = server(10);
    let check = |sql: &str, code: &str, says: &str| {
        let trouble = answerer().answer(sql, NOW, &server).now_or_never().unwrap().unwrap_err();
        assert_eq!(trouble.code(), code, "{trouble}");
        assert!(trouble.to_string().contains(says), "{trouble}");
    };
    check("SELECT nothing FROM ad_stats", "sql_unknown_column", "line 1, column 8");
    check("SELECT\n 1 +", "sql_syntax", "");
    check("DELETE FROM ad_stats", "sql_read_only", "line 1, column 1");
    check("SELECT COUNT(*) FROM ad_stats", "too_many_cells", "");
}

#[test]
fn the_platform_asks_for_what_its_own_cells_do_not_tell() {
    let server = server(usize::MAX);
    let mut engine = Answerer::new(Scope::Platform, "UTC");
    for sql in [
        "SELECT SUM(clicks) FROM ad_stats",
        "SELECT ad, SUM(clicks) FROM ad_stats GROUP BY ad",
        "SELECT COUNT(*) FROM ad_stats",
    ] {
        rows(&mut engine, sql, &server);
    }
    assert_eq!(server.asked.borrow().len(), 3);
}
