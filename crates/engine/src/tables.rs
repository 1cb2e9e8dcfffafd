//! The tables of the catalog, as the server tells them.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_sql::answer::parameter;
use adtally_sql::catalog::SCHEMA;
use adtally_sql::{Table, Value};
use serde_json::{Value as Json, json};

use crate::answer::Trouble;
use crate::shelf::{Fetch, encoded};

/// The tables that are here.
#[derive(Debug, Default)]
pub(crate) struct Tables(BTreeMap<Table, Vec<Vec<Value>>>);

impl Tables {
    /// The rows of a table, fetched once; none for those that a plan makes itself.
    pub(crate) async fn rows(
        &mut self,
        scope: &Scope,
        table: Table,
        fetch: &impl Fetch,
    ) -> Result<Option<Vec<Vec<Value>>>, Trouble> {
        if table.schema() != SCHEMA || table == Table::AdStats {
            return Ok(None);
        }
        if let Some(rows) = self.0.get(&table) {
            return Ok(Some(rows.clone()));
        }
        let address = format!("/v1/sql?scope={}", encoded(&scope.to_string()));
        let body = json!({ "sql": format!("SELECT * FROM {}", table.name()) }).to_string();
        let fetched = fetch.fetch(&address, Some(body)).await?;
        let rows = read(&fetched.bytes).map_err(Trouble::Damaged)?;
        self.0.insert(table, rows.clone());
        Ok(Some(rows))
    }
}

/// The rows of an answer of `/v1/sql` whose values are texts, whole numbers or nothing.
fn read(bytes: &[u8]) -> Result<Vec<Vec<Value>>, String> {
    let answer: Json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let rows = answer["rows"].as_array().ok_or("an answer without rows")?;
    let row = |row: &Json| -> Result<Vec<Value>, String> {
        let cells = row.as_array().ok_or("a row that is no list")?;
        cells.iter().map(|cell| parameter(cell).map_err(|error| error.to_string())).collect()
    };
    rows.iter().map(row).collect()
}
