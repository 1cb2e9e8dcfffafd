//! `/v1/statement`: the client protocol of Trino, in one answer.

use adtally_sql::protocol::trino::session::{PREPARED, PROPERTIES, Session};
use adtally_sql::protocol::trino::{self, Order};
use adtally_sql::{Dialect, SqlError};
use worker::{Response, ResponseBuilder};

use super::sql::{MAX_BODY_BYTES, sources};
use crate::auth::authenticate_tool;
use crate::call::Call;
use crate::clock;
use crate::problem::Fault;
use crate::statements::Unanswered;

/// Random bytes of a query id.
const ID_BYTES: usize = 8;

/// `POST`: answers a statement, the body being its text; errors of statements are answers too.
pub(super) async fn statement(call: &mut Call) -> Result<Response, Fault> {
    let grant = authenticate_tool(call).await?;
    grant.reads()?;
    let body = call.body(MAX_BODY_BYTES).await?;
    let sql = String::from_utf8(body)
        .map_err(|_| Fault::refused(400, "bad_statement", "the statement is not UTF-8"))?;
    let id = format!("adtally_{:016x}", u64::from_be_bytes(clock::random::<ID_BYTES>()?));
    let origin = call.url.origin().ascii_serialization();
    let failed = |error: &SqlError| respond(trino::error(&id, &origin, error), &[]);
    let (prepared, properties) = (call.header(PREPARED), call.header(PROPERTIES));
    let session = match Session::read(prepared.as_deref(), properties.as_deref()) {
        Ok(session) => session,
        Err(error) => return failed(&error),
    };
    // A driver says the zone of its machine unasked, in X-Trino-Time-Zone, which is not looked at; days are those of the
    // scope, as in reports, unless a statement has set another.
    let sources = sources(call);
    let catalog = sources.catalog(grant.scope, session.zone.as_deref(), Dialect::Trino).await?;
    let translated = match trino::translate(&sql, &session, &catalog, &id) {
        Ok(Order::Query(translated)) => translated,
        Ok(Order::Change(change)) => return respond(trino::changed(&id, &origin, &change), &change.headers),
        Err(error) => return failed(&error),
    };
    match sources.answer(&catalog, &translated.sql, &translated.parameters).await {
        Ok(answered) => respond(trino::to_json(&id, &origin, &answered.plan, &answered.rows), &[]),
        Err(Unanswered::Sql(error)) => failed(&error),
        Err(Unanswered::Fault(fault)) => Err(fault),
    }
}

/// `GET` and `DELETE` of a query that was answered already: there is nothing left of it.
pub(super) async fn ended(call: &Call) -> Result<Response, Fault> {
    authenticate_tool(call).await?.reads()?;
    Ok(crate::call::no_content())
}

fn respond(body: String, headers: &[(&str, String)]) -> Result<Response, Fault> {
    let mut builder = ResponseBuilder::new();
    for (name, value) in headers {
        builder = builder.with_header(name, value)?;
    }
    let builder = builder.with_header("Content-Type", "application/json")?;
    Ok(builder.with_header("Cache-Control", "private, no-store")?.fixed(body.into_bytes()))
}
