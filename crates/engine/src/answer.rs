//! From a statement to its answer.

use adtally_core::cell::Scope;
use adtally_core::time::ServerTime;
use adtally_sql::answer::to_json;
use adtally_sql::{Catalog, Data, Dialect, SqlError, Statement, execute, plan, zone};
use thiserror::Error;

use crate::shelf::{Fetch, Shelf};
use crate::tables::Tables;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Something is wrong with the statement.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The server does not tell what is needed.
    #[error("{detail}")]
    Refused {
        /// Stable, for programs.
        code: String,
        /// Why.
        detail: String,
    },
    /// The server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// What came is not what it should be.
    #[error("{0}")]
    Damaged(String),
}

impl Trouble {
    /// Stable, for programs.
    pub fn code(&self) -> &str {
        match self {
            Trouble::Sql(error) => error.code.name(),
            Trouble::Refused { code, .. } => code,
            Trouble::Unreachable(_) => "unreachable",
            Trouble::Damaged(_) => "unreadable_answer",
        }
    }
}

/// Answers statements about a scope.
#[derive(Debug)]
pub struct Answerer {
    scope: Scope,
    tz: String,
    /// The cells that are here.
    pub shelf: Shelf,
    tables: Tables,
}

impl Answerer {
    /// About a scope, with days of an IANA zone; nothing is here yet.
    pub fn new(scope: Scope, tz: &str) -> Answerer {
        let shelf = Shelf::new(scope.clone());
        Answerer { scope, tz: tz.to_owned(), shelf, tables: Tables::default() }
    }

    /// The answer of a statement, as that of `POST /v1/sql`.
    ///
    /// # Errors
    /// What is wrong with it, or why what it needs cannot be had.
    pub async fn answer(
        &mut self,
        sql: &str,
        now: ServerTime,
        fetch: &impl Fetch,
    ) -> Result<String, Trouble> {
        let catalog = Catalog {
            scope: self.scope.clone(),
            zone: zone(&self.tz)?,
            now_ms: now.0,
            dialect: Dialect::Calcite,
        };
        let plan = plan(&Statement::parse(sql)?, &catalog, &[])?;
        let (mut data, mut versions) = (Data::default(), Vec::new());
        for scan in &plan.scans {
            let found = self.shelf.cells_of(scan, now, fetch).await?;
            versions.push(found.version);
            data.cells.push(found.cells);
            data.routes.push(vec![found.origin]);
        }
        if !plan.explain {
            for table in &plan.tables {
                if let Some(rows) = self.tables.rows(&self.scope, *table, fetch).await? {
                    data.tables.insert(*table, rows);
                }
            }
        }
        Ok(to_json(&plan, &execute(&plan, &data)?, &versions))
    }
}
