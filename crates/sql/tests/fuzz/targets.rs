//! What is done with foreign bytes, for tests and for a fuzzer that looks at the coverage (`crates/fuzz`).
#![allow(unreachable_pub, reason = "the fuzzer is another crate")]

use adtally_core::cell::Scope;
use adtally_sql::protocol::trino::session::Session;
use adtally_sql::protocol::trino::translate;
use adtally_sql::{Catalog, Statement, plan};

/// Statements, as they are and as clients of Trino send them; what is read is planned.
pub fn statements(bytes: &[u8]) {
    let catalog = Catalog {
        scope: Scope::Platform,
        zone: chrono_tz::UTC,
        now_ms: 1_532_271_610_000,
        dialect: adtally_sql::Dialect::Trino,
    };
    let text = String::from_utf8_lossy(bytes);
    if let Ok(statement) = Statement::parse(&text) {
        drop(plan(&statement, &catalog, &[]));
    }
    let (first, rest) = text.split_once('\n').unwrap_or((&text, &text));
    if let Ok(session) = Session::read(Some(first), Some(first)) {
        drop(translate(rest, &session, &catalog, "q"));
    }
}
