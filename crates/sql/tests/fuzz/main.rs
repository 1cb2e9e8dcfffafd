//! Whatever somebody types, a statement is read or refused, never a panic.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../core/tests/fuzz/mutate.rs"]
mod mutate;
mod targets;

use mutate::fuzz;

#[test]
fn statements() {
    let corpus: [&[u8]; 7] = [
        b"SELECT campaign, sum(clicks) FROM cells WHERE hour >= DATE '2018-07-22' AND country IN ('KR', 'JP') GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
        b"WITH a AS (SELECT ad, sum(impressions) AS n FROM cells GROUP BY ad) SELECT ad, n, rank() OVER (ORDER BY n) FROM a WHERE n BETWEEN 1 AND ?",
        b"EXPLAIN SELECT CASE WHEN clicks > 0 THEN cost_micros / clicks ELSE NULL END FROM cells",
        b"VALUES (1, 'x'), (-2, '\xed\x95\x9c\xea\xb8\x80')",
        b"a=SELECT+%3F,b=SELECT+1\nEXECUTE a USING 1, DATE '2018-07-22'",
        b"a=EXECUTE+a\nDESCRIBE OUTPUT a",
        b"SELECT ((((1)))) -- comment\n/* more */;",
    ];
    fuzz("statements", &corpus, targets::statements);
}
