//! Access tokens: hashes, never secrets.

use adtally_core::access::{Grant, Role};
use adtally_core::cell::Scope;
use adtally_core::time::rfc3339;
use adtally_wire::api::TokenInfo;
use adtally_wire::token::TokenHash;
use serde::Deserialize;
use worker::D1Database;

use super::{Bind, MAX_LIST, all, first, statement};
use crate::problem::Fault;

#[derive(Deserialize)]
struct Row {
    id: String,
    name: String,
    role: String,
    scope: String,
    created_ms: i64,
}

/// A token that was just made.
pub(crate) struct NewRow<'a> {
    /// Public handle.
    pub(crate) id: &'a str,
    /// Of the secret.
    pub(crate) hash: &'a TokenHash,
    /// For people.
    pub(crate) name: &'a str,
    /// What it entitles to.
    pub(crate) grant: &'a Grant,
    /// When it was made.
    pub(crate) created_ms: i64,
}

/// What the token with this hash entitles to.
pub(crate) async fn find(db: &D1Database, hash: &TokenHash) -> Result<Option<Grant>, Fault> {
    let sql = "SELECT id, name, role, scope, created_ms FROM tokens WHERE hash = ?1";
    let row: Option<Row> = first(db, sql, &[Bind::Text(&hash.hex())]).await?;
    let Some(row) = row else { return Ok(None) };
    match (Role::parse(&row.role), Scope::parse(&row.scope)) {
        (Some(role), Some(scope)) => Ok(Some(Grant { role, scope })),
        _ => Err(Fault::Internal(format!("token {} has role {} and scope {}", row.id, row.role, row.scope))),
    }
}

/// Every token, the newest first.
pub(crate) async fn list(db: &D1Database) -> Result<Vec<TokenInfo>, Fault> {
    let sql = "SELECT id, name, role, scope, created_ms FROM tokens ORDER BY created_ms DESC, id LIMIT ?1";
    let rows: Vec<Row> = all(db, sql, &[Bind::Integer(MAX_LIST.into())]).await?;
    let info = |row: Row| TokenInfo {
        id: row.id,
        name: row.name,
        role: row.role,
        scope: row.scope,
        created: rfc3339(row.created_ms),
        token: None,
    };
    Ok(rows.into_iter().map(info).collect())
}

/// Stores a token.
pub(crate) async fn insert(db: &D1Database, row: &NewRow<'_>) -> Result<(), Fault> {
    let sql = "INSERT INTO tokens (id, hash, name, role, scope, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (hash, scope) = (row.hash.hex(), row.grant.scope.to_string());
    let binds = [
        Bind::Text(row.id),
        Bind::Text(&hash),
        Bind::Text(row.name),
        Bind::Text(row.grant.role.name()),
        Bind::Text(&scope),
        Bind::Integer(row.created_ms),
    ];
    statement(db, sql, &binds)?.run().await.map_err(Fault::catalog)?;
    Ok(())
}

/// Removes a token; whether there was one.
pub(crate) async fn delete(db: &D1Database, id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM tokens WHERE id = ?1 RETURNING id, name, role, scope, created_ms";
    let removed: Option<Row> = first(db, sql, &[Bind::Text(id)]).await?;
    Ok(removed.is_some())
}
