//! Words that mean different things to different tools, and what is refused with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use adtally_core::cell::Scope;
use adtally_sql::{Catalog, Data, Dialect, SqlError, Statement, execute, plan};

fn answer(sql: &str, dialect: Dialect) -> Result<String, SqlError> {
    let catalog =
        Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms: 1_785_000_000_000, dialect };
    let plan = plan(&Statement::parse(sql)?, &catalog, &[])?;
    let data = Data { cells: vec![Default::default(); plan.scans.len()], ..Data::default() };
    let rows = execute(&plan, &data)?.rows;
    Ok(rows.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

#[test]
fn days_of_a_week() {
    // A Friday, and the Sunday after it.
    for (sql, calcite, trino) in [
        ("SELECT DAYOFWEEK(DATE '2026-05-01'), DAYOFWEEK(DATE '2026-05-03')", "6 1", "5 7"),
        ("SELECT day_of_week(DATE '2026-05-01'), dow(DATE '2026-05-03')", "6 1", "5 7"),
        (
            "SELECT EXTRACT(DOW FROM DATE '2026-05-01'), EXTRACT(DAYOFWEEK FROM DATE '2026-05-03')",
            "6 1",
            "5 7",
        ),
        (
            "SELECT EXTRACT(ISODOW FROM DATE '2026-05-01'), EXTRACT(ISODOW FROM DATE '2026-05-03')",
            "5 7",
            "5 7",
        ),
    ] {
        assert_eq!(answer(sql, Dialect::Calcite).unwrap(), calcite, "{sql}");
        assert_eq!(answer(sql, Dialect::Trino).unwrap(), trino, "{sql}");
    }
}

#[test]
fn what_tools_of_kylin_write() {
    for (sql, expected) in [
        ("SELECT TIMESTAMPADD(DAY, 1, DATE '2026-01-31')", "2026-02-01"),
        ("SELECT TIMESTAMPADD(SQL_TSI_MONTH, -1, TIMESTAMP '2026-03-31 10:00:00')", "2026-02-28 10:00:00"),
        ("SELECT TIMESTAMPDIFF(DAY, DATE '2026-01-01', DATE '2026-01-03')", "2"),
        ("SELECT TIMESTAMPDIFF(SQL_TSI_MONTH, DATE '2026-01-31', DATE '2026-03-30')", "1"),
        ("SELECT 1 / 0, 1 % 0, 1.5 / 0", "  "),
    ] {
        assert_eq!(answer(sql, Dialect::Calcite).unwrap(), expected, "{sql}");
    }
}

#[test]
fn what_is_not_supported_says_where() {
    let correlated =
        "SELECT name FROM campaigns c WHERE EXISTS (SELECT 1 FROM ads a WHERE a.campaign = c.campaign)";
    for (sql, code, column, says) in [
        (correlated, "sql_not_supported", 85, "of the query around it"),
        (
            "SELECT name FROM services WHERE service IN (SELECT ad FROM ads WHERE service = ad)",
            "sql_not_supported",
            70,
            "\"service\"",
        ),
        (
            "SELECT (SELECT MAX(clicks) FROM ad_stats WHERE price_micros = 1) FROM campaigns",
            "sql_not_supported",
            48,
            "price_micros",
        ),
        (
            "SELECT (SELECT MAX(clicks) FROM ad_stats WHERE nothing = 1) FROM campaigns",
            "sql_unknown_column",
            48,
            "nothing",
        ),
        ("SELECT 1 FROM ads NATURAL JOIN campaigns", "sql_not_supported", 32, "NATURAL JOIN"),
        ("WITH RECURSIVE r AS (SELECT 1 n) SELECT * FROM r", "sql_not_supported", 1, "WITH RECURSIVE"),
        ("SELECT 1 FROM ads FOR UPDATE", "sql_not_supported", 1, "FOR UPDATE"),
        ("SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE 'Mars/Olympus'", "sql_bad_value", 53, "Mars"),
    ] {
        let error = answer(sql, Dialect::Calcite).unwrap_err();
        let found = (error.code.name(), error.position.map_or(0, |position| position.column));
        assert_eq!(found, (code, column), "{sql}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
