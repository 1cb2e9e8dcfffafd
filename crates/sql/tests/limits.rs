//! What a statement may take at most, and that what is wrong with it is told with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use adtally_core::cell::{CellKey, Cells, Dimension, Scope};
use adtally_core::key::Key;
use adtally_core::measure::Measure;
use adtally_core::segment::Segment;
use adtally_core::time::Hour;
use adtally_sql::{Catalog, Data, Dialect, Rows, SqlError, Statement, execute, plan};

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
    let catalog = Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms, dialect: Dialect::Calcite };
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
    let fine = |sql: &str| assert_eq!(refusal(sql, &cells), ("", 0), "{}", &sql[..sql.len().min(200)]);
    // With the text at whose place it is refused.
    let refused = |sql: &str, code: &str, place: &str| {
        let at = if place.is_empty() { 0 } else { sql.find(place).unwrap() as u64 + 1 };
        assert_eq!(refusal(sql, &cells), (code, at), "{}", &sql[..sql.len().min(200)]);
    };
    let (long, wide, thirty) = ("a".repeat(1_000), "a".repeat(300), "a".repeat(30_000));
    let work = "sql_too_much_work";
    refused(&format!("SELECT LENGTH(REPLACE('{long}', 'a', '{wide}'))"), work, "REPLACE");
    refused(&format!("SELECT LENGTH(TRIM(REPLACE('{long}', 'a', '{wide}')))"), work, "REPLACE");
    fine(&format!("SELECT LENGTH(CONCAT({}))", vec![format!("'{thirty}'"); 3].join(", ")));
    let of = |call: &str| format!("WITH t AS (SELECT '{thirty}' AS x) SELECT {call} FROM t");
    fine(&of(&format!("LENGTH(CONCAT({}))", ["x"; 8].join(", "))));
    refused(&of(&format!("LENGTH(CONCAT({}))", ["x"; 9].join(", "))), work, "CONCAT");
    refused(&of(&format!("COALESCE({}) IS NULL", ["x"; 20].join(", "))), work, "COALESCE");
    let doubled = |times: usize| {
        let step = |step: usize| format!(", t{step} AS (SELECT x || x AS x FROM t{})", step - 1);
        let steps: String = (1..=times).map(step).collect();
        format!("WITH t0 AS (SELECT '{long}' AS x){steps} SELECT LENGTH(x) FROM t{times}")
    };
    fine(&doubled(8));
    refused(&doubled(9), work, "x AS x FROM t8");
    // Texts that may be, but not as many at once.
    let many = |count: usize| {
        let columns: Vec<String> = (0..count).map(|number| format!("x || '{number}'")).collect();
        let grown = doubled(7).replace("SELECT LENGTH(x) FROM", "SELECT x FROM");
        format!("SELECT {} FROM ({grown}) AS g", columns.join(", "))
    };
    fine(&format!("SELECT COUNT(*) FROM ({}) AS h", many(100)));
    refused(&format!("SELECT COUNT(*) FROM ({}) AS h", many(450)), "sql_too_many_rows", "");
    refused(&many(200), "sql_too_many_rows", "");
    // The greatest of each of 240 groups is kept.
    let greatest = |what: &str, times: usize| {
        let grown = ["x"; 8][..times].join(" || ");
        format!(
            "SELECT {what} FROM (SELECT campaign, hour, MAX({grown} || campaign) AS m FROM ad_stats \
             CROSS JOIN (SELECT '{thirty}' AS x) AS t GROUP BY campaign, hour) AS g"
        )
    };
    fine(&greatest("COUNT(m)", 3));
    refused(&greatest("m", 3), "sql_too_many_rows", "");
    refused(&greatest("COUNT(m)", 8), "sql_too_many_rows", "MAX");
}

#[test]
fn texts_that_are_much_work() {
    let cells = cells(24, 10);
    let long = "b".repeat(40_000);
    let pattern = |one: &str| one.repeat(20);
    for (sql, expected) in [
        (
            format!(
                "SELECT SUM(LENGTH(REPLACE('{long}' || a.campaign, 'b', 'c'))) FROM ad_stats a, ad_stats b"
            ),
            "sql_too_much_work",
        ),
        (
            format!(
                "SELECT COUNT(*) FROM ad_stats a, ad_stats b WHERE '{long}' || a.campaign LIKE '{}c'",
                pattern("%b")
            ),
            "sql_too_much_work",
        ),
        (
            format!(
                "SELECT COUNT(*) FROM ad_stats a, ad_stats b WHERE '{long}' || a.campaign < '{long}' || b.campaign"
            ),
            "sql_too_much_work",
        ),
        (
            format!(
                "SELECT COUNT(*) FROM (SELECT '{long}' AS x) AS t, ad_stats a, ad_stats b WHERE TRY_CAST(x AS BIGINT) = a.clicks"
            ),
            "sql_too_much_work",
        ),
        (
            format!("SELECT x, COUNT(*) FROM (SELECT '{long}' AS x) AS t, ad_stats a, ad_stats b GROUP BY x"),
            "sql_too_much_work",
        ),
        (
            format!("SELECT COUNT(*) FROM ad_stats a, ad_stats b WHERE '{long}' LIKE '{}c'", pattern("%b_b")),
            "sql_too_much_work",
        ),
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
    let narrow =
        steps("SELECT COUNT(*) FROM (SELECT clicks FROM ad_stats) a, (SELECT clicks FROM ad_stats) b");
    let wide = steps("SELECT COUNT(*) FROM ad_stats a, ad_stats b");
    assert!(wide > 2 * narrow, "{wide} {narrow}");
    let one = steps("SELECT campaign, COUNT(*) FROM ad_stats GROUP BY campaign");
    let cube = steps(
        "SELECT campaign, country, device, COUNT(*) FROM ad_stats GROUP BY CUBE (campaign, country, device)",
    );
    assert!(cube > 2 * one, "{cube} {one}");
    let sql = "SELECT COUNT(*) FROM ad_stats a, ad_stats b, ad_stats c";
    assert_eq!(refusal(sql, &cells).0, "sql_too_much_work");
}

/// Conditions are tried on the hours of years when a statement is planned: not for ever.
#[test]
fn planning_ends() {
    let cells = cells(24, 10);
    let parts: Vec<String> = (0..150).map(|number| format!("EXTRACT(HOUR FROM hour) <> {number}")).collect();
    let sql = format!("SELECT SUM(clicks) FROM ad_stats WHERE {}", parts.join(" AND "));
    let scans = |count: usize| vec!["SELECT SUM(clicks) FROM ad_stats"; count].join(" UNION ALL ");
    assert_eq!(refusal(&scans(20), &cells).0, "");
    assert_eq!(refusal(&scans(21), &cells).0, "sql_too_complex");
    let (rows, again) = (answer(&sql, &cells).unwrap(), answer("SELECT 0", &cells).unwrap());
    assert_eq!((rows.rows[0][0].to_string(), again.rows.len()), (String::new(), 1));
}

#[test]
fn what_fails_for_a_row_says_where() {
    let cells = cells(2, 2);
    for (sql, code, columns) in [
        ("SELECT 9223372036854775807 + 1", "sql_overflow", 30..=30),
        ("SELECT SUM(clicks), SUM(clicks * 9223372036854775807) FROM ad_stats", "sql_overflow", 21..=21),
        ("SELECT CAST('x' AS BIGINT)", "sql_bad_value", 8..=13),
        ("SELECT CAST(campaign AS DATE) FROM ad_stats", "sql_bad_value", 8..=13),
        ("SELECT SUM(clicks) FROM ad_stats WHERE day = 'x'", "sql_bad_value", 46..=46),
        ("SELECT 1 WHERE 2 IN (3, 'y')", "sql_bad_value", 16..=25),
        ("SELECT DATE_TRUNC('day', '2026-13-01')", "sql_bad_value", 8..=8),
        ("SELECT CASE WHEN true THEN ABS(-9223372036854775807 - 1) END", "sql_overflow", 28..=28),
    ] {
        let (found, column) = refusal(sql, &cells);
        assert!(found == code && columns.contains(&column), "{sql}: {found} at {column}");
    }
}
