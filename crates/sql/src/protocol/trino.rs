//! The client protocol of Trino, in one answer: a statement is answered whole, there is no next page.
//!
//! What the drivers for Python, Java and JavaScript send when they connect, reflect and query is understood:
//! `EXECUTE IMMEDIATE '…' USING …`, `SHOW …`, `DESCRIBE …`, and queries of `information_schema`.

use serde_json::{Value as Json, json};
use sqlparser::tokenizer::{Location, Token};

use super::jdbc;
use crate::answer;
use crate::catalog::{CATALOG, Catalog, SCHEMA, shown_type};
use crate::error::{Code, Result, SqlError};
use crate::exec::{Data, Rows, execute};
use crate::parse::{Statement, tokens};
use crate::plan::Plan;
use crate::value::{Type, Value};

/// A statement of Trino as one of ours, with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// The statement.
    pub sql: String,
    /// The values of its `?`.
    pub parameters: Vec<Value>,
}

/// What a client sends, as a statement of ours.
pub fn translate(sql: &str, catalog: &Catalog) -> Result<Translated> {
    let plain = |sql: String| Translated { sql, parameters: Vec::new() };
    // Anything that is no text of tokens has its error told with the statement.
    let Ok(found) = tokens(sql) else { return Ok(plain(sql.to_owned())) };
    let words: Vec<&Token> = found.iter().map(|token| &token.token).collect();
    let words: Vec<&Token> = words
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF))
        .collect();
    let word = |place: usize| match words.get(place) {
        Some(Token::Word(word)) => word.value.to_ascii_lowercase(),
        _ => String::new(),
    };
    match (word(0).as_str(), word(1).as_str()) {
        ("execute", "immediate") => {
            let Some(Token::SingleQuotedString(statement)) = words.get(2) else {
                return Err(SqlError::new(
                    Code::Syntax,
                    "EXECUTE IMMEDIATE is followed by a statement in quotes",
                ));
            };
            let using =
                found.iter().skip_while(|token| !matches!(token.token, Token::SingleQuotedString(_))).skip(1);
            let using = using
                .filter(|token| !matches!(token.token, Token::Whitespace(_)))
                .find(|token| is(&token.token, "using"));
            let parameters = match using {
                None => Vec::new(),
                Some(token) => values(after(sql, token.span.end), catalog)?,
            };
            Ok(Translated { sql: statement.clone(), parameters })
        }
        ("show", _) => Ok(plain(show(&words)?)),
        ("describe" | "desc", _) => Ok(plain(columns_of(&words[1..])?)),
        _ => Ok(plain(jdbc::with_views(sql, &found).unwrap_or_else(|| sql.to_owned()))),
    }
}

fn is(token: &Token, name: &str) -> bool {
    matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(name))
}

/// The text behind a place.
pub(super) fn after(sql: &str, place: Location) -> &str {
    let mut rest = sql;
    for _ in 1..place.line {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let skipped = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
    rest.char_indices().nth(skipped).map_or("", |(at, _)| &rest[at..])
}

/// The values of a list of constants.
fn values(list: &str, catalog: &Catalog) -> Result<Vec<Value>> {
    let statement = Statement::parse(&format!("SELECT {list}"))?;
    let plan = crate::plan(&statement, catalog, &[])?;
    if !plan.scans.is_empty() || !plan.tables.is_empty() {
        return Err(SqlError::new(Code::Parameters, "parameters are constants"));
    }
    Ok(execute(&plan, &Data::default())?.rows.pop().unwrap_or_default())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `SHOW CATALOGS`, `SCHEMAS`, `TABLES`, `COLUMNS`, each maybe with a place and a pattern.
fn show(words: &[&Token]) -> Result<String> {
    let named = |name: &str| words.get(1).is_some_and(|token| is(token, name));
    let like =
        words.iter().position(|token| is(token, "like")).and_then(|place| match words.get(place + 1) {
            Some(Token::SingleQuotedString(pattern)) => Some(quoted(pattern)),
            _ => None,
        });
    let from = words.iter().position(|token| is(token, "from") || is(token, "in"));
    let place: Vec<String> = from.map_or(Vec::new(), |from| names(&words[from + 1..]));
    let filter =
        |column: &str| like.as_ref().map_or(String::new(), |like| format!(" AND {column} LIKE {like}"));
    if named("catalogs") {
        return Ok("SELECT 'adtally' AS \"Catalog\"".to_owned());
    }
    if named("schemas") {
        let filter = filter("schema_name");
        return Ok(format!(
            "SELECT schema_name AS \"Schema\" FROM information_schema.schemata WHERE true{filter} ORDER BY 1"
        ));
    }
    if named("tables") {
        let schema = place.last().map_or(SCHEMA, String::as_str);
        let (schema, filter) = (quoted(schema), filter("table_name"));
        return Ok(format!(
            "SELECT table_name AS \"Table\" FROM information_schema.tables WHERE table_schema = {schema}{filter} ORDER BY 1"
        ));
    }
    if named("columns") {
        return columns_of(from.map_or(&[], |from| &words[from + 1..]));
    }
    if named("functions") || named("session") {
        return Ok("SELECT '' AS \"Name\" WHERE false".to_owned());
    }
    Err(SqlError::new(Code::NotSupported, "this SHOW is not supported"))
}

/// The parts of a name with points.
fn names(words: &[&Token]) -> Vec<String> {
    let mut names = Vec::new();
    for word in words {
        match word {
            Token::Word(word) if names.is_empty() || !word.value.eq_ignore_ascii_case("like") => {
                names.push(word.value.clone());
            }
            Token::Period => {}
            _ => break,
        }
    }
    names
}

fn columns_of(words: &[&Token]) -> Result<String> {
    let names = names(words);
    let Some(table) = names.last() else {
        return Err(SqlError::new(Code::Syntax, "the name of a table is missing"));
    };
    let schema = match names.as_slice() {
        [.., schema, _] => quoted(schema),
        _ => quoted(SCHEMA),
    };
    let table = quoted(&table.to_lowercase());
    Ok(format!(
        "SELECT column_name AS \"Column\", data_type AS \"Type\", '' AS \"Extra\", '' AS \"Comment\" \
         FROM information_schema.columns WHERE table_schema = {schema} AND table_name = {table} ORDER BY ordinal_position"
    ))
}

/// The answer of a statement.
pub fn to_json(id: &str, origin: &str, plan: &Plan, rows: &Rows) -> String {
    let column = |name: &str, ty: Type| json!({ "name": name, "type": shown_type(ty), "typeSignature": signature(ty) });
    let columns: Vec<Json> = match plan.explain {
        true => vec![column("Query Plan", Type::Text)],
        false => plan.columns.iter().map(|one| column(&one.name, one.ty)).collect(),
    };
    let data: Vec<Json> = rows.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    json!({
        "id": id,
        "infoUri": format!("{origin}/v1/statement/{id}"),
        "columns": columns,
        "data": data,
        "stats": stats("FINISHED", rows.rows.len()),
        "warnings": [],
    })
    .to_string()
}

/// The answer of a statement that has an error.
pub fn error(id: &str, origin: &str, error: &SqlError) -> String {
    let (number, name) = match error.code {
        Code::Syntax | Code::ReadOnly => (1, "SYNTAX_ERROR"),
        Code::NotSupported => (13, "NOT_SUPPORTED"),
        Code::UnknownTable => (46, "TABLE_NOT_FOUND"),
        Code::UnknownColumn => (47, "COLUMN_NOT_FOUND"),
        Code::AmbiguousColumn => (48, "AMBIGUOUS_NAME"),
        Code::UnknownFunction => (6, "FUNCTION_NOT_FOUND"),
        Code::TypeMismatch => (58, "TYPE_MISMATCH"),
        Code::Grouping => (51, "EXPRESSION_NOT_AGGREGATE"),
        Code::Parameters => (37, "INVALID_PARAMETER_USAGE"),
        Code::BadValue => (9, "INVALID_CAST_ARGUMENT"),
        Code::Overflow => (12, "NUMERIC_VALUE_OUT_OF_RANGE"),
        Code::TooComplex => (33, "QUERY_TEXT_TOO_LARGE"),
        Code::TooMuchWork | Code::TooManyRows => (14, "INVALID_LIMIT_CLAUSE"),
    };
    let mut told = json!({
        "message": error.to_string(),
        "errorCode": number,
        "errorName": name,
        "errorType": "USER_ERROR",
        "failureInfo": { "type": error.code.name(), "message": error.message, "suppressed": [], "stack": [] },
    });
    if let Some(position) = error.position {
        told["errorLocation"] = json!({ "lineNumber": position.line, "columnNumber": position.column });
    }
    let info = format!("{origin}/v1/statement/{id}");
    json!({ "id": id, "infoUri": info, "stats": stats("FAILED", 0), "error": told, "warnings": [] })
        .to_string()
}

fn stats(state: &str, rows: usize) -> Json {
    json!({
        "state": state, "queued": false, "scheduled": true, "progressPercentage": 100.0, "nodes": 1,
        "totalSplits": 1, "queuedSplits": 0, "runningSplits": 0, "completedSplits": 1, "cpuTimeMillis": 0,
        "wallTimeMillis": 0, "queuedTimeMillis": 0, "elapsedTimeMillis": 0, "processedRows": rows,
        "processedBytes": 0, "physicalInputBytes": 0, "peakMemoryBytes": 0, "spilledBytes": 0,
    })
}

/// Times have the digits that their type says.
fn cell(value: &Value) -> Json {
    match value {
        Value::Timestamp(ms) => {
            let text = value.to_string();
            Json::String(if ms.rem_euclid(1_000) == 0 { format!("{text}.000") } else { text })
        }
        other => answer::json(other),
    }
}

fn signature(ty: Type) -> Json {
    let long = |value: u64| json!({ "kind": "LONG", "value": value });
    let (raw, arguments) = match ty {
        Type::Decimal(scale) => ("decimal", vec![long(38), long(scale.into())]),
        Type::Timestamp => ("timestamp", vec![long(3)]),
        Type::Text | Type::Users | Type::Interval => ("varchar", vec![long(2_147_483_647)]),
        other => (other.name(), Vec::new()),
    };
    json!({ "rawType": raw, "arguments": arguments })
}

/// The catalog and schema that a client starts with.
pub fn defaults() -> (&'static str, &'static str) {
    (CATALOG, SCHEMA)
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::Scope;

    use super::*;

    #[test]
    fn what_drivers_send() {
        let catalog = Catalog { scope: Scope::Platform, zone: chrono_tz::UTC, now_ms: 1_600_000_000_000 };
        let translate = |sql: &str| translate(sql, &catalog).unwrap();
        let immediate = translate("EXECUTE IMMEDIATE 'SELECT ''a'', ?, ?' USING 'it''s', DATE '2018-07-22'");
        assert_eq!(immediate.sql, "SELECT 'a', ?, ?");
        assert_eq!(
            immediate.parameters.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["it's", "2018-07-22"]
        );
        assert_eq!(translate("EXECUTE IMMEDIATE 'SELECT 1'").parameters, []);
        assert_eq!(translate(" SELECT 1 ;").sql, " SELECT 1 ;");
        assert!(translate("SHOW TABLES FROM adtally.ads LIKE 'a%'").sql.contains("LIKE 'a%'"));
        assert!(translate("show columns from \"ads\".\"ad_stats\"").sql.contains("table_name = 'ad_stats'"));
        for sql in ["SHOW CATALOGS", "SHOW SCHEMAS", "SHOW TABLES", "DESCRIBE ad_stats", "SHOW SESSION"] {
            let statement = Statement::parse(&translate(sql).sql).unwrap();
            crate::plan(&statement, &catalog, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}
