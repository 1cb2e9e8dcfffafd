//! What a statement may take at most, and that what is wrong with it is told with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use adtally_core::cell::{CellKey, Cells, Dimension, Scope};
use adtally_core::key::Key;
use adtally_core::measure::Measure;
use adtally_core::segment::Segment;
use adtally_core::time::Hour;
use adtally_sql::{Catalog, Data, Rows, SqlError, Statement, execute, plan};

/// Cells of so many hours and campaigns.
fn cells(hours: i32, campaigns: usize) -> Segment {
    let mut cells = Cells::new();
    for hour in 0..hours {
        for campaign in 0..campaigns {
            let mut key = CellKey::at(Hour(490_000 + hour));
            key.set(Dimension::Campaign, Key::parse(&format!("c{campaign}")).unwrap());
            cells.entry(key).or_default().measures.add(Measure::Clicks, 1);
        }
    }
    Segment::from_cells(cells)
}

fn answer(sql: &str, cells: &Segment) -> Result<Rows, SqlError> {
    let now_ms = 1_785_000_000_000;
    let catalog = Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms };
    let plan = plan(&Statement::parse(sql)?, &catalog, &[])?;
    let data = Data { cells: plan.scans.iter().map(|_| cells.clone()).collect(), ..Data::default() };
    execute(&plan, &data)
}

/// The code, and where it is; of an answer nothing.
fn refusal(sql: &str, cells: &Segment) -> (&'static str, u64) {
    match answer(sql, cells) {
        Ok(_) => ("", 0),
        Err(error) => (error.code.name(), error.position.map_or(0, |position| position.column)),
    }
}

#[test]
fn texts_that_grow() {
    let cells = cells(24, 10);
    let check = |sql: &str, expected: (&'static str, u64)| {
        assert_eq!(refusal(sql, &cells), expected, "{}", &sql[..sql.len().min(200)]);
    };
    let (long, wide) = ("a".repeat(1_000), "a".repeat(300));
    let thirty = "a".repeat(30_000);
    let doubled = |times: usize| {
        let steps = (1..=times).map(|step| format!(", t{step} AS (SELECT x || x AS x FROM t{})", step - 1));
        format!("WITH t0 AS (SELECT '{long}' AS x){} SELECT LENGTH(x) FROM t{times}", steps.collect::<String>())
    };
    check(&format!("SELECT LENGTH(REPLACE('{long}', 'a', '{wide}'))"), ("sql_too_much_work", 15));
    check(&format!("SELECT LENGTH(REPLACE(REPLACE('{long}', 'a', '{wide}'), 'a', '{wide}'))"), ("sql_too_much_work", 23));
    check(&format!("SELECT LENGTH(CONCAT({}))", vec![format!("'{thirty}'"); 3].join(", ")), ("", 0));
    check(&format!("WITH t AS (SELECT '{thirty}' AS x) SELECT LENGTH(CONCAT({})) FROM t", ["x"; 9].join(", ")), ("sql_too_much_work", 30_044));
    check(&format!("WITH t AS (SELECT '{thirty}' AS x) SELECT COALESCE({}) IS NULL FROM t", ["x"; 20].join(", ")), ("sql_too_much_work", 30_037));
    check(&doubled(8), ("", 0));
    check(&doubled(9).replace('\n', ""), ("sql_too_much_work", doubled(9).find("x || x AS x FROM t8").unwrap() as u64 + 1));
    // Many texts that may be, but not at once.
    let many = |count: usize| {
        let columns: Vec<String> = (0..count).map(|number| format!("x || '{number}'")).collect();
        let grown = doubled(7).replace("SELECT LENGTH(x) FROM", "SELECT x FROM");
        format!("SELECT * FROM (SELECT {} FROM ({grown}) AS g) AS h", columns.join(", "))
    };
    check(&format!("SELECT COUNT(*) FROM ({}) AS i", many(100)), ("", 0));
    check(&format!("SELECT COUNT(*) FROM ({}) AS i", many(450)), ("sql_too_many_rows", 0));
    check(&many(200), ("sql_too_many_rows", 0));
    // The greatest of each group is kept.
    let grown = |count: &str| {
        let base = format!("CROSS JOIN (SELECT '{thirty}' AS x) AS t");
        format!("SELECT {count} FROM (SELECT campaign, hour, MAX(x || x || campaign) AS m FROM ad_stats {base} GROUP BY campaign, hour) AS g")
    };
    check(&grown("COUNT(*)"), ("", 0));
    check(&grown("m"), ("sql_too_many_rows", 0));
    check(&grown("COUNT(*)").replace("x || x ||", "x || x || x || x ||"), ("", 0));
}

#[test]
fn texts_that_are_much_work() {
    let cells = cells(24, 10);
    let long = "b".repeat(40_000);
    let pattern = |one: &str| one.repeat(20);
    for (sql, expected) in [
        (format!("SELECT SUM(LENGTH(REPLACE('{long}' || a.campaign, 'b', 'c'))) FROM ad_stats a, ad_stats b"), "sql_too_much_work"),
        (format!("SELECT COUNT(*) FROM ad_stats a, ad_stats b WHERE '{long}' || a.campaign LIKE '{}c'", pattern("%b")), "sql_too_much_work"),
        (format!("SELECT COUNT(*) FROM ad_stats a, ad_stats b WHERE '{long}' || a.campaign < '{long}' || b.campaign"), "sql_too_much_work"),
        (format!("SELECT COUNT(*) FROM (SELECT '{long}' AS x) AS t, ad_stats a, ad_stats b WHERE TRY_CAST(x AS BIGINT) = a.clicks"), "sql_too_much_work"),
        (format!("SELECT x, COUNT(*) FROM (SELECT '{long}' AS x) AS t, ad_stats a, ad_stats b GROUP BY x"), "sql_too_much_work"),
        (format!("SELECT COUNT(*) FROM ad_stats WHERE '{long}' LIKE '{}c'", pattern("%b_b")), "sql_too_much_work"),
        (format!("SELECT COUNT(*) FROM ad_stats WHERE '{long}' LIKE '{}c'", pattern("%b")), ""),
        (format!("SELECT COUNT(*) FROM ad_stats WHERE '{long}' = campaign"), ""),
    ] {
        assert_eq!(refusal(&sql, &cells).0, expected, "{}", sql.replace(&long, "…"));
    }
}

/// Steps are about as long as each other: what is wide costs more.
#[test]
fn joined_rows_cost_as_much_as_they_are_wide() {
    let cells = cells(24, 10);
    let steps = |sql: &str| answer(sql, &cells).expect(sql).work;
    let narrow = steps("SELECT COUNT(*) FROM (SELECT clicks FROM ad_stats) a, (SELECT clicks FROM ad_stats) b");
    let wide = steps("SELECT COUNT(*) FROM ad_stats a, ad_stats b");
    assert!(wide > 3 * narrow, "{wide} {narrow}");
    let one = steps("SELECT campaign, COUNT(*) FROM ad_stats GROUP BY campaign");
    let cube = steps("SELECT campaign, country, device, COUNT(*) FROM ad_stats GROUP BY CUBE (campaign, country, device)");
    assert!(cube > 5 * one, "{cube} {one}");
    for sql in [
        "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c",
        "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c WHERE a.clicks + b.clicks + c.clicks < 0",
        "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c, ad_stats d",
    ] {
        assert_eq!(refusal(sql, &cells).0, "sql_too_much_work", "{sql}");
    }
}

/// Conditions are tried on the hours of years when a statement is planned: not for ever.
#[test]
fn planning_ends() {
    let cells = cells(24, 10);
    let parts: Vec<String> = (0..300).map(|number| format!("EXTRACT(HOUR FROM hour) <> {number}")).collect();
    let sql = format!("SELECT SUM(clicks) FROM ad_stats WHERE {}", parts.join(" AND "));
    let (rows, again) = (answer(&sql, &cells).unwrap(), answer("SELECT 0", &cells).unwrap());
    assert_eq!((rows.rows[0][0].to_string(), again.rows.len()), (String::new(), 1));
}

#[test]
fn what_fails_for_a_row_says_where() {
    let cells = cells(2, 2);
    for (sql, code, column) in [
        ("SELECT 9223372036854775807 + 1", "sql_overflow", 30),
        ("SELECT 1 + 2, - (-9223372036854775807 - 1)", "sql_overflow", 17),
        ("SELECT SUM(clicks), SUM(clicks * 9223372036854775807) FROM ad_stats", "sql_overflow", 21),
        ("SELECT CAST('x' AS BIGINT)", "sql_bad_value", 8),
        ("SELECT CAST(campaign AS DATE) FROM ad_stats", "sql_bad_value", 8),
        ("SELECT SUM(clicks) FROM ad_stats WHERE day = 'x'", "sql_bad_value", 46),
        ("SELECT 1 WHERE 2 IN (3, 'y')", "sql_bad_value", 25),
        ("SELECT DATE_TRUNC('day', '2026-13-01')", "sql_bad_value", 8),
        ("SELECT CASE WHEN true THEN ABS(-9223372036854775807 - 1) END", "sql_overflow", 28),
    ] {
        assert_eq!(refusal(sql, &cells), (code, column), "{sql}");
    }
}
