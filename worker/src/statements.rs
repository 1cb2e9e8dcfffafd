//! Statements of SQL: what they need is fetched of one scope, and they are answered.

use adtally_core::access::{Owners, Side};
use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_core::time::ServerTime;
use adtally_sql::{
    Catalog, Data, Dialect, Plan, Rows, SqlError, Statement, Table, Value, execute, plan, zone,
};
use adtally_wire::catalog::entry::EntryKind;
use worker::D1Database;

use crate::catalog::{MAX_LIST, advertisers, campaigns, entries};
use crate::directory;
use crate::problem::Fault;
use crate::reporters::Reports;
use crate::reports::Question;

/// The most cells that the mentions of `ad_stats` in a statement may hold at once: one alone may have a million.
const MAX_CELLS: usize = 1_200_000;
/// Scopes of which `EXPLAIN` tells where their cells come from.
const MAX_ROUTES: usize = 5;

/// Where statements find what they need.
pub(crate) struct Sources<'b> {
    /// The catalog.
    pub(crate) catalog: &'b D1Database,
    /// The cells.
    pub(crate) reports: Reports<'b>,
    /// The present.
    pub(crate) now: ServerTime,
}

/// A statement and its answer.
pub(crate) struct Answered {
    pub(crate) plan: Plan,
    pub(crate) rows: Rows,
    /// Which data the cells were, a text per scan.
    pub(crate) versions: Vec<String>,
}

/// Why a statement is not answered: protocols have words of their own for what is wrong with it.
pub(crate) enum Unanswered {
    /// Something is wrong with the statement.
    Sql(SqlError),
    /// Anything else.
    Fault(Fault),
}

impl From<SqlError> for Unanswered {
    fn from(error: SqlError) -> Self {
        Unanswered::Sql(error)
    }
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Unanswered::Fault(fault)
    }
}

impl From<Unanswered> for Fault {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Sql(error) => error.into(),
            Unanswered::Fault(fault) => fault,
        }
    }
}

impl Sources<'_> {
    /// What a scope sees now; days are those of `tz`, else of the advertiser's zone.
    pub(crate) async fn catalog(
        &self,
        scope: Scope,
        tz: Option<&str>,
        dialect: Dialect,
    ) -> Result<Catalog, Fault> {
        let own = match &scope {
            Scope::Advertiser(key) => directory::place(self.catalog, key, self.now).await?.timezone,
            Scope::Platform | Scope::Service(_) => "UTC".to_owned(),
        };
        Ok(Catalog { scope, zone: zone(tz.unwrap_or(&own))?, now_ms: self.now.0, dialect })
    }

    /// Plans a statement, fetches what it needs, and answers it.
    pub(crate) async fn answer(
        &self,
        catalog: &Catalog,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Answered, Unanswered> {
        let plan = plan(&Statement::parse(sql)?, catalog, parameters)?;
        let (mut data, mut versions, mut held) = (Data::default(), Vec::new(), 0);
        for scan in &plan.scans {
            let (scope, parameters) = (catalog.scope.clone(), scan.parameters());
            let question = Question::new(self.catalog, scope, parameters, self.now).await?;
            // Past the cache: what statements ask for says which cuboids are worth having, and which one they took.
            let cells = question.gather(&self.reports).await?;
            versions.push(cells.version);
            // A plan is told without them.
            if !plan.explain {
                held += cells.segment.len();
                data.cells.push(cells.segment);
            }
            if held > MAX_CELLS {
                let detail =
                    format!("the mentions of ad_stats hold more than {MAX_CELLS} cells: filter them");
                return Err(Fault::refused(422, "sql_too_many_rows", detail).into());
            }
            // Of a question that many scopes were asked, the first ones show how.
            let shown = cells.routes.iter().take(MAX_ROUTES);
            data.routes.push(shown.flat_map(|(scope, routed)| routed.lines(scope)).collect());
        }
        if !plan.explain {
            for table in &plan.tables {
                if let Some(rows) = self.rows(&catalog.scope, *table).await? {
                    data.tables.insert(*table, rows);
                }
            }
        }
        let rows = execute(&plan, &data)?;
        Ok(Answered { plan, rows, versions })
    }

    /// The rows of a table of the catalog, of the scope's own; none for tables that are made of the plan.
    async fn rows(&self, scope: &Scope, table: Table) -> Result<Option<Vec<Vec<Value>>>, Fault> {
        let db = self.catalog;
        let side = match table {
            Table::Services | Table::Placements => Side::Service,
            _ => Side::Advertiser,
        };
        let owner: Option<Key> = match scope.owners(side) {
            Owners::All => None,
            Owners::One(key) => Some(key),
            Owners::Nobody => return Ok(Some(Vec::new())),
        };
        let owner = owner.as_ref();
        let text = |text: String| Value::text(&text);
        let optional = |text: Option<String>| text.map_or(Value::Null, |text| Value::text(&text));
        let rows: Vec<Vec<Value>> = match table {
            Table::Advertisers => {
                let all = advertisers::list(db, owner).await?.into_iter();
                all.map(|one| [one.key, one.name, one.currency, one.timezone].map(text).to_vec()).collect()
            }
            Table::Campaigns => {
                let row = |one: adtally_wire::api::Campaign| {
                    vec![
                        text(one.advertiser),
                        text(one.key),
                        text(one.name),
                        optional(one.price_model),
                        Value::Integer(one.price_micros),
                        optional(one.start),
                        optional(one.end),
                        one.budget_micros.map_or(Value::Null, Value::Integer),
                    ]
                };
                campaigns::list(db, owner).await?.into_iter().map(row).collect()
            }
            Table::Ads => {
                let all = entries::list(db, EntryKind::Ad, owner).await?.into_iter();
                all.map(|one| {
                    vec![optional(one.advertiser), text(one.key), text(one.name), optional(one.campaign)]
                })
                .collect()
            }
            Table::Services => {
                let all = entries::list(db, EntryKind::Service, owner).await?.into_iter();
                all.map(|one| [one.key, one.name].map(text).to_vec()).collect()
            }
            Table::Placements => {
                let all = entries::list(db, EntryKind::Placement, owner).await?.into_iter();
                all.map(|one| vec![optional(one.service), text(one.key), text(one.name)]).collect()
            }
            _ => return Ok(None),
        };
        // Half a table would be a wrong answer.
        if rows.len() >= MAX_LIST as usize {
            let detail = format!("{} has {MAX_LIST} rows or more, which is too many here", table.name());
            return Err(Fault::refused(422, "sql_too_many_rows", detail));
        }
        Ok(Some(rows))
    }
}
