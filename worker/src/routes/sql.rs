//! `/v1/sql`: statements over the cells and the catalog of a scope.

use adtally_core::access::{Owners, Side};
use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_sql::answer::{Format, Request, to_csv, to_json};
use adtally_sql::{Catalog, Data, Plan, Rows, SqlError, Statement, Table, Value, execute, plan, zone};
use adtally_wire::catalog::entry::EntryKind;
use worker::{Response, ResponseBuilder};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::Call;
use crate::catalog::{MAX_LIST, advertisers, campaigns, entries};
use crate::directory;
use crate::problem::Fault;
use crate::reports::Question;

/// The most bytes of a request: a statement has 100,000, and as many parameters.
pub(super) const MAX_BODY_BYTES: usize = 400_000;

/// The most mentions of `ad_stats` in a statement: each is a request to an object, and its cells are held.
const MAX_SCANS: usize = 20;

/// Scopes of which `EXPLAIN` tells where their cells come from.
const MAX_ROUTES: usize = 5;

/// `POST`: answers a statement.
pub(super) async fn query(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let body = call.body(MAX_BODY_BYTES).await?;
    let body = serde_json::from_slice(&body)
        .map_err(|error| Fault::refused(400, "bad_json", format!("the body is not JSON: {error}")))?;
    let request = Request::read(&body)?;
    let catalog = catalog(call, scope, request.tz.as_deref()).await?;
    let Answered { plan, rows, versions } =
        answer(call, &catalog, &request.sql, &request.parameters).await.map_err(Fault::from)?;
    let builder = ResponseBuilder::new().with_header("Cache-Control", "private, no-store")?;
    let (media, body) = match request.format {
        Format::Json => ("application/json", to_json(&plan, &rows, &versions)),
        Format::Csv => ("text/csv; charset=utf-8", to_csv(&plan, &rows)),
    };
    Ok(builder.with_header("Content-Type", media)?.fixed(body.into_bytes()))
}

/// A statement and its answer.
pub(super) struct Answered {
    pub(super) plan: Plan,
    pub(super) rows: Rows,
    /// Which data the cells were, a text per scan.
    pub(super) versions: Vec<String>,
}

/// Why a statement is not answered: protocols have words of their own for what is wrong with it.
pub(super) enum Unanswered {
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

/// What a scope sees now; days are those of `tz`, else of the advertiser's zone.
pub(super) async fn catalog(call: &Call, scope: Scope, tz: Option<&str>) -> Result<Catalog, Fault> {
    let own = match &scope {
        Scope::Advertiser(key) => directory::place(&call.bindings.catalog, key, call.now).await?.timezone,
        Scope::Platform | Scope::Service(_) => "UTC".to_owned(),
    };
    Ok(Catalog { scope, zone: zone(tz.unwrap_or(&own))?, now_ms: call.now.0 })
}

/// Plans a statement, fetches what it needs, and answers it.
pub(super) async fn answer(
    call: &Call,
    catalog: &Catalog,
    sql: &str,
    parameters: &[Value],
) -> Result<Answered, Unanswered> {
    let plan = plan(&Statement::parse(sql)?, catalog, parameters)?;
    if plan.scans.len() > MAX_SCANS {
        let detail = format!("ad_stats is named {} times, at most {MAX_SCANS}", plan.scans.len());
        return Err(Fault::refused(422, "sql_too_complex", detail).into());
    }
    let (mut data, mut versions) = (Data::default(), Vec::new());
    for scan in &plan.scans {
        let (scope, parameters) = (catalog.scope.clone(), scan.parameters());
        let question = Question::new(&call.bindings.catalog, scope, parameters, call.now).await?;
        // Past the cache: what statements ask for says which cuboids are worth having, and which one they took.
        let cells = question.gather(&call.bindings.cells()).await?;
        versions.push(cells.version);
        data.cells.push(cells.segment);
        // Of a question that many scopes were asked, the first ones show how.
        let shown = cells.routes.iter().take(MAX_ROUTES);
        data.routes.push(shown.flat_map(|(scope, routed)| routed.lines(scope)).collect());
    }
    if !plan.explain {
        for table in &plan.tables {
            if let Some(rows) = rows(call, &catalog.scope, *table).await? {
                data.tables.insert(*table, rows);
            }
        }
    }
    let rows = execute(&plan, &data)?;
    Ok(Answered { plan, rows, versions })
}

/// The rows of a table of the catalog, of the scope's own; none for tables that are made of the plan.
async fn rows(call: &Call, scope: &Scope, table: Table) -> Result<Option<Vec<Vec<Value>>>, Fault> {
    let db = &call.bindings.catalog;
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
