//! `/v1/restatements`: what publications changed of what was published before.

use adtally_core::cell::Scope;
use adtally_core::report::{Column, ColumnKind, Format, Table, Value};
use adtally_core::restate::{Selection, SelectionError};
use adtally_wire::api::{Restated, RestatementList};
use adtally_wire::object::ReduceQuery;
use worker::{Response, ResponseBuilder};

use super::reports::scope;
use crate::auth::authenticate;
use crate::call::{Call, json};
use crate::problem::Fault;
use crate::reporters::restatements;
use crate::reports::default_tz;

/// `GET`: a page of changes as JSON or CSV.
pub(super) async fn get(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = scope(call, &grant)?;
    let parameters = call.parameters().into_iter().filter(|(name, _)| name != "scope").collect();
    let default_tz = default_tz(&call.bindings.catalog, &scope, call.now).await?;
    let asked = ReduceQuery { parameters, now_ms: call.now.0, default_tz, known: None, use_cubes: false };
    let selection = Selection::parse(&asked.parameters, &asked.default_tz, call.now).map_err(refused)?;
    // The platform's own cells are coarse, and only its own publications are on record here.
    let seen = scope.dimensions();
    if let Some(hidden) = selection.query.filters().iter().find(|one| !seen.contains(&one.dimension)) {
        let detail = format!("{} is not told apart in {scope}", hidden.dimension.name());
        return Err(Fault::refused(422, "not_in_scope", detail));
    }
    let list = restatements(&call.bindings.reports, &scope, &asked).await?;
    match selection.format() {
        Format::Json => json(200, &list),
        Format::Csv => csv(list, &scope),
    }
}

fn refused(error: SelectionError) -> Fault {
    Fault::refused(422, error.code(), error.to_string())
}

/// The rows as CSV; `X-Next-Cursor` is the JSON answer's `next`.
fn csv(list: RestatementList, scope: &Scope) -> Result<Response, Fault> {
    let column = |name| Column { name, kind: ColumnKind::Dimension };
    let mut columns = vec![column("hour")];
    columns.extend(scope.dimensions().iter().map(|dimension| column(dimension.name())));
    columns.extend(["measure", "from", "to", "generation", "published", "cause"].map(column));
    let row = |mut one: Restated| {
        let mut row = vec![Value::Text(one.hour)];
        let dimensions = scope.dimensions().iter();
        row.extend(
            dimensions.map(|dimension| Value::Text(one.cell.remove(dimension.name()).unwrap_or_default())),
        );
        let generation = i64::try_from(one.generation).unwrap_or(i64::MAX);
        row.extend([Value::Text(one.measure), Value::Count(one.from), Value::Count(one.to)]);
        row.extend([Value::Count(generation), Value::Text(one.published), Value::Text(one.cause)]);
        row
    };
    let table = Table::plain(columns, list.restatements.into_iter().map(row).collect());
    let mut builder = ResponseBuilder::new().with_header("Content-Type", "text/csv; charset=utf-8")?;
    if let Some(next) = list.next {
        builder = builder.with_header("X-Next-Cursor", &next)?;
    }
    Ok(builder.fixed(table.to_csv().into_bytes()))
}
