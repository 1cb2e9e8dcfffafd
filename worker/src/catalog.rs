//! The catalog in D1: statements and rows, nothing else.

pub(crate) mod advertisers;
pub(crate) mod campaigns;
pub(crate) mod entries;
pub(crate) mod dump;
pub(crate) mod erasures;
pub(crate) mod lists;
pub(crate) mod notebooks;
pub(crate) mod settings;
pub(crate) mod tokens;
pub(crate) mod views;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement};

use crate::problem::Fault;

/// The most rows of a list; beyond it lists need pages.
pub(crate) const MAX_LIST: u32 = 10_000;

/// A value of a statement's parameter.
enum Bind<'a> {
    Text(&'a str),
    OptionalText(Option<&'a str>),
    /// Exact up to 2^53: the driver binds 64-bit floats.
    Integer(i64),
    OptionalInteger(Option<i64>),
}

impl From<&Bind<'_>> for JsValue {
    fn from(bind: &Bind<'_>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "every stored integer is at most 2^53")]
        let integer = |number: i64| JsValue::from_f64(number as f64);
        match bind {
            Bind::Text(text) => JsValue::from_str(text),
            Bind::OptionalText(text) => text.map_or(JsValue::NULL, JsValue::from_str),
            Bind::Integer(number) => integer(*number),
            Bind::OptionalInteger(number) => number.map_or(JsValue::NULL, integer),
        }
    }
}

/// Whether the catalog answers.
pub(crate) async fn answers(db: &D1Database) -> Result<(), Fault> {
    first::<serde_json::Value>(db, "SELECT 1 AS one", &[]).await.map(drop)
}

fn statement(db: &D1Database, sql: &str, binds: &[Bind<'_>]) -> Result<D1PreparedStatement, Fault> {
    let values: Vec<JsValue> = binds.iter().map(JsValue::from).collect();
    db.prepare(sql).bind(&values).map_err(Fault::catalog)
}

async fn first<T: DeserializeOwned>(
    db: &D1Database,
    sql: &str,
    binds: &[Bind<'_>],
) -> Result<Option<T>, Fault> {
    statement(db, sql, binds)?.first(None).await.map_err(Fault::catalog)
}

/// The number that a query answers as `count`; 0 where it answers nothing.
async fn count(db: &D1Database, sql: &str, binds: &[Bind<'_>]) -> Result<u32, Fault> {
    #[derive(Deserialize)]
    struct Count {
        count: u32,
    }
    let found: Option<Count> = first(db, sql, binds).await?;
    Ok(found.map_or(0, |found| found.count))
}

async fn all<T: DeserializeOwned>(db: &D1Database, sql: &str, binds: &[Bind<'_>]) -> Result<Vec<T>, Fault> {
    statement(db, sql, binds)?.all().await.and_then(|result| result.results()).map_err(Fault::catalog)
}
