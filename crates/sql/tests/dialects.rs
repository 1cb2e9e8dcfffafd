//! Words that mean different things to different tools, and what is refused with its place.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use adtally_core::cell::Scope;
use adtally_sql::{Catalog, Data, Dialect, SqlError, Statement, Value, execute, plan};

fn answer(sql: &str, dialect: Dialect) -> Result<String, SqlError> {
    answer_with(sql, &[], dialect)
}

fn answer_with(sql: &str, parameters: &[Value], dialect: Dialect) -> Result<String, SqlError> {
    let catalog =
        Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms: 1_785_000_000_000, dialect };
    let plan = plan(&Statement::parse(sql)?, &catalog, parameters)?;
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
fn the_name_of_a_zone_may_be_a_parameter() {
    let answer = |sql, zone| answer_with(sql, &[zone], Dialect::Trino);
    let sql = "SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE ?";
    assert_eq!(answer(sql, Value::text("Asia/Seoul")).unwrap(), "2026-03-07 09:00:00");
    assert_eq!(answer(sql, Value::Null).unwrap(), "");
    let joined = "SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE ('Asia/' || ?)";
    assert_eq!(answer(joined, Value::text("Seoul")).unwrap(), "2026-03-07 09:00:00");
    let error = answer(sql, Value::text("Nowhere")).unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 53: \"Nowhere\" is not an IANA time zone");
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
        ("SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE 9", "sql_type_mismatch", 53, "9 is no name"),
        ("SELECT MAX(hour AT TIME ZONE campaign) FROM ad_stats", "sql_not_supported", 30, "a parameter"),
    ] {
        let error = answer(sql, Dialect::Calcite).unwrap_err();
        let found = (error.code.name(), error.position.map_or(0, |position| position.column));
        assert_eq!(found, (code, column), "{sql}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
