//! The REST protocol of Apache Kylin, version 1: what kylinpy, the JDBC driver and BI tools ask.
//!
//! There is one project, and one cube that is always there, `ad_stats`: whatever is asked is answered from its cells.
//! Cubes that were defined stand beside it; statements name `ad_stats` all the same.
//! The JDBC driver refuses metadata with a field that it does not know, so there are exactly its fields.

use adtally_core::time::Day;
use serde_json::{Value as Json, json};

use crate::answer::with_rows;
use crate::catalog::{CATALOG, Catalog, Column, FactColumn, SCHEMA, Table};
use crate::error::{Code, Result, SqlError};
use crate::exec::Rows;
use crate::plan::{OutputColumn, Plan};
use crate::value::{Type, Value};

/// The project that there is.
pub const PROJECT: &str = "adtally";
/// The cube and the model that there are.
pub const CUBE: &str = "ad_stats";
/// The end of the years that days are written of.
const MAX_MS: i64 = 253_402_300_799_999;
/// The cube's identity.
const UUID: &str = "6ad7a11e-0000-4000-8000-000000000001";

/// A query as it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The statement.
    pub sql: String,
    /// The values of its `?`.
    pub parameters: Vec<Value>,
    /// Rows to leave out.
    pub offset: usize,
    /// The most rows, if there is a limit.
    pub limit: Option<usize>,
}

impl Request {
    /// Reads the body of `query` or `query/prestate`.
    pub fn read(body: &Json) -> Result<Request> {
        let bad = |text: &str| SqlError::new(Code::Parameters, text);
        let sql = body.get("sql").and_then(Json::as_str).ok_or_else(|| bad("sql is missing"))?;
        let parameters = match body.get("params") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(list)) => list.iter().map(parameter).collect::<Result<_>>()?,
            Some(_) => return Err(bad("params is not a list")),
        };
        let number = |name: &str| body.get(name).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        Ok(Request {
            sql: sql.trim().trim_end_matches(';').to_owned(),
            parameters,
            offset: number("offset").unwrap_or(0),
            // No limit is said by 0 or by leaving it out.
            limit: number("limit").filter(|limit| *limit > 0),
        })
    }
}

/// What is to be built, as `PUT cubes/{name}/build` and `rebuild` say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Whether what is there is made again.
    pub is_again: bool,
    /// From this day on; none: from the first.
    pub from: Option<Day>,
    /// To the day before this one; none: to the last.
    pub to: Option<Day>,
}

impl Build {
    /// Reads `{"startTime", "endTime", "buildType"}`, times in ms since 1970 with the end outside; 0 is no time.
    pub fn read(verb: &str, body: &Json) -> Result<Build> {
        let bad = |text: String| SqlError::new(Code::Parameters, text);
        let time = |name: &str| match body.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(ms) => match ms.as_i64().filter(|ms| (0..=MAX_MS).contains(ms)) {
                Some(ms) => Ok(Some(ms).filter(|ms| *ms > 0)),
                None => Err(bad(format!("{name} {ms} is no time in ms since 1970"))),
            },
        };
        let (start, end) = (time("startTime")?, time("endTime")?);
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return Err(bad("startTime is not before endTime".to_owned()));
        }
        let kind = body.get("buildType").and_then(Json::as_str).unwrap_or_default();
        // A day of which some is in the range is in it.
        let to = end.map(|end| Day(Day::holding(end - 1).0 + 1));
        let is_again = verb == "rebuild" || kind.eq_ignore_ascii_case("refresh");
        Ok(Build { is_again, from: start.map(Day::holding), to })
    }

    /// Its first day and the one after its last, if both are said.
    pub fn range(&self) -> Option<(String, String)> {
        Some((self.from?.to_string(), self.to?.to_string()))
    }
}

/// A parameter: a class of Java and a text.
fn parameter(parameter: &Json) -> Result<Value> {
    let text = match parameter.get("value") {
        None | Some(Json::Null) => return Ok(Value::Null),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let class = parameter.get("className").and_then(Json::as_str).unwrap_or("java.lang.String");
    let ty = match class.rsplit('.').next().unwrap_or_default() {
        "Integer" | "Long" | "Short" | "Byte" | "BigInteger" => Type::Integer,
        "Double" | "Float" => Type::Double,
        "BigDecimal" => Type::Decimal(6),
        "Boolean" => Type::Boolean,
        "Date" => Type::Date,
        "Timestamp" => Type::Timestamp,
        _ => Type::Text,
    };
    crate::value::cast::cast(&Value::text(&text), ty)
}

/// The code of `java.sql.Types` and the name of a type.
fn java_type(ty: Type) -> (i32, &'static str) {
    match ty {
        Type::Boolean => (16, "BOOLEAN"),
        Type::Integer => (-5, "BIGINT"),
        Type::Decimal(_) => (3, "DECIMAL"),
        Type::Double => (8, "DOUBLE"),
        Type::Date => (91, "DATE"),
        Type::Timestamp => (93, "TIMESTAMP"),
        Type::Text | Type::Nothing | Type::Interval | Type::Users => (12, "VARCHAR"),
    }
}

/// How many characters a value takes at most, and how many digits are behind the point.
fn sizes(ty: Type) -> (i32, i32) {
    match ty {
        Type::Boolean => (5, 0),
        Type::Integer => (19, 0),
        Type::Decimal(scale) => (38, scale.into()),
        Type::Double => (15, 0),
        Type::Date => (10, 0),
        Type::Timestamp => (23, 3),
        _ => (256, 0),
    }
}

/// The answer of a query: every value is a text.
pub fn to_json(plan: &Plan, rows: &Rows, request: &Request) -> String {
    let explained = [OutputColumn { name: "PLAN".to_owned(), ty: Type::Text }];
    let columns = if plan.explain { &explained[..] } else { &plan.columns };
    let text = |value: &Value| match value {
        Value::Null => Json::Null,
        other => Json::String(other.to_string()),
    };
    let page = rows.rows.iter().skip(request.offset).take(request.limit.unwrap_or(usize::MAX));
    let answer = json!({
        "columnMetas": columns.iter().map(meta).collect::<Vec<Json>>(),
        "cube": format!("CUBE[name={CUBE}]"),
        "affectedRowCount": 0,
        "isException": false,
        "exceptionMessage": null,
        "duration": 0,
        "totalScanCount": rows.work,
        "totalScanBytes": 0,
        "hitExceptionCache": false,
        "storageCacheUsed": false,
        "partial": false,
        "pushDown": false,
    });
    with_rows(&answer, "results", page, text)
}

fn meta(column: &OutputColumn) -> Json {
    let ((code, name), (size, scale)) = (java_type(column.ty), sizes(column.ty));
    json!({
        "isNullable": 1, "displaySize": size, "label": column.name, "name": column.name, "schemaName": SCHEMA,
        "catelogName": null, "tableName": null, "precision": size, "scale": scale, "columnType": code,
        "columnTypeName": name, "autoIncrement": false, "caseSensitive": true, "searchable": true,
        "currency": false, "signed": true, "readOnly": true, "writable": false, "definitelyWritable": false,
    })
}

/// The answer of a query that has an error; its status is 500, as clients expect.
pub fn error(url: &str, message: &str) -> String {
    json!({ "url": url, "exception": message, "code": "999", "msg": message, "data": null }).to_string()
}

/// Who has signed in.
pub fn user(name: &str, role: &str) -> Json {
    let authority = format!("ROLE_{}", role.to_uppercase());
    json!({ "userDetails": {
        "username": name, "password": null, "authorities": [{ "authority": authority }],
        "accountNonExpired": true, "accountNonLocked": true, "credentialsNonExpired": true, "enabled": true,
    } })
}

/// The tables that statements may name.
pub fn tables_and_columns(catalog: &Catalog) -> Json {
    let tables = catalog.tables().filter(|table| table.schema() == SCHEMA);
    tables.map(|table| table_meta(catalog, table)).collect()
}

fn table_meta(catalog: &Catalog, table: Table) -> Json {
    let columns: Vec<Json> =
        (1..).zip(catalog.columns(table)).map(|(place, column)| column_meta(table, place, column)).collect();
    json!({
        "columns": columns, "table_CAT": CATALOG, "table_SCHEM": SCHEMA, "table_NAME": table.name(),
        "table_TYPE": "TABLE", "remarks": null, "type_CAT": null, "type_SCHEM": null, "type_NAME": null,
        "self_REFERENCING_COL_NAME": null, "ref_GENERATION": null,
    })
}

fn column_meta(table: Table, place: i32, column: Column) -> Json {
    let ((code, name), (size, scale)) = (java_type(column.ty), sizes(column.ty));
    json!({
        "table_CAT": CATALOG, "table_SCHEM": SCHEMA, "table_NAME": table.name(), "column_NAME": column.name,
        "data_TYPE": code, "type_NAME": name, "column_SIZE": size, "buffer_LENGTH": -1, "decimal_DIGITS": scale,
        "num_PREC_RADIX": 10, "nullable": 1, "remarks": null, "column_DEF": null, "sql_DATA_TYPE": -1,
        "sql_DATETIME_SUB": -1, "char_OCTET_LENGTH": size, "ordinal_POSITION": place, "is_NULLABLE": "YES",
        "scope_CATLOG": null, "scope_SCHEMA": null, "scope_TABLE": null, "source_DATA_TYPE": -1,
        "is_AUTOINCREMENT": "NO",
    })
}

/// The projects that there are.
pub fn projects() -> Json {
    json!([{
        "uuid": UUID, "name": PROJECT, "status": "ENABLED", "description": "cells of ads",
        "tables": [format!("{SCHEMA}.{CUBE}")], "models": [CUBE],
        "realizations": [{ "name": CUBE, "type": "CUBE", "realization": CUBE }],
    }])
}

/// A cube that was defined, as tools of Kylin look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DefinedCube {
    /// Its name.
    pub name: String,
    /// What it tells apart.
    pub dimensions: Vec<String>,
    /// Whether it keeps users.
    pub users: bool,
    /// Whether it is used.
    pub enabled: bool,
    /// Its cells.
    pub cells: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The cubes that there are.
pub fn cubes(defined: &[DefinedCube]) -> Json {
    [cube()].into_iter().chain(defined.iter().map(defined_cube)).collect()
}

/// The cube that is always there.
pub fn cube() -> Json {
    defined_cube(&DefinedCube { name: CUBE.to_owned(), enabled: true, ..DefinedCube::default() })
}

/// A cube as it stands in lists.
pub fn defined_cube(cube: &DefinedCube) -> Json {
    let status = if cube.enabled { "READY" } else { "DISABLED" };
    json!({
        "uuid": UUID, "name": cube.name, "model": CUBE, "project": PROJECT, "descriptor": cube.name,
        "status": status, "enabled": cube.enabled, "segments": [], "is_streaming": true,
        "size_kb": cube.bytes / 1_024, "input_records_count": cube.cells, "input_records_size": cube.bytes,
        "owner": "ADMIN", "version": "3.1.0",
    })
}

/// What a cube is counted by, and what it counts; none: the one that is always there.
pub fn cube_desc(catalog: &Catalog, cube: Option<&DefinedCube>) -> Json {
    let mut facts = catalog.facts();
    facts.retain(|column| match (cube, column) {
        (Some(cube), FactColumn::Dimension(dimension)) => {
            cube.dimensions.iter().any(|name| name == dimension.name())
        }
        (Some(cube), FactColumn::Users) => cube.users,
        _ => true,
    });
    let name = cube.map_or(CUBE, |cube| cube.name.as_str());
    let dimensions =
        facts.iter().filter(|column| matches!(column, FactColumn::Time(_) | FactColumn::Dimension(_)));
    let dimensions: Vec<Json> = dimensions
        .map(|column| {
            let name = column.column().name;
            json!({ "name": name, "table": CUBE, "column": name, "derived": null })
        })
        .collect();
    let measure = |name: &str, expression: &str, of: &str, column: &str, returns: &str| {
        let parameter = json!({ "type": of, "value": column, "next_parameter": null });
        json!({ "name": name, "function": { "expression": expression, "parameter": parameter, "returntype": returns } })
    };
    let measures: Vec<Json> = facts
        .iter()
        .filter_map(|column| {
            let name = column.column().name;
            let value = format!("{CUBE}.{name}");
            match column {
                FactColumn::Measure(_) => Some(measure(name, "SUM", "column", &value, "bigint")),
                FactColumn::Users => Some(measure("reach", "COUNT_DISTINCT", "column", &value, "hllc(12)")),
                _ => None,
            }
        })
        .collect();
    json!({
        "uuid": UUID, "name": name, "model_name": CUBE, "dimensions": dimensions, "measures": measures,
        "last_modified": 0, "version": "3.1.0", "status": "READY",
    })
}

/// The model of the cube: its tables and how they are joined.
pub fn models(catalog: &Catalog) -> Json {
    let joins: [(Table, &[&str]); 5] = [
        (Table::Advertisers, &["advertiser"]),
        (Table::Campaigns, &["advertiser", "campaign"]),
        (Table::Ads, &["advertiser", "ad"]),
        (Table::Services, &["service"]),
        (Table::Placements, &["service", "placement"]),
    ];
    let sees: Vec<Table> = catalog.tables().collect();
    let lookup = |(table, columns): &(Table, &[&str])| {
        let keys = |table: &str| columns.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>();
        json!({
            "table": format!("{SCHEMA}.{}", table.name()), "alias": table.name(), "kind": "LOOKUP",
            "join": { "type": "left", "primary_key": keys(table.name()), "foreign_key": keys(CUBE) },
        })
    };
    let lookups: Vec<Json> = joins.iter().filter(|(table, _)| sees.contains(table)).map(lookup).collect();
    json!([{
        "uuid": UUID, "name": CUBE, "fact_table": format!("{SCHEMA}.{CUBE}"), "lookups": lookups,
        "dimensions": [], "metrics": [], "filter_condition": "", "last_modified": 0, "version": "3.1.0",
        "partition_desc": { "partition_date_column": format!("{CUBE}.day"), "partition_date_format": "yyyy-MM-dd" },
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_built() {
        fn check(verb: &str, body: Json, expected: Option<(bool, &str, &str)>) {
            let text = |day: Option<Day>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
            let found = Build::read(verb, &body).ok();
            let found = found.map(|build| (build.is_again, text(build.from), text(build.to)));
            let expected = expected.map(|(again, from, to)| (again, from.to_owned(), to.to_owned()));
            assert_eq!(found, expected, "{verb} {body}");
        }
        let day = 86_400_000_i64;
        check("build", Json::Null, Some((false, "-", "-")));
        check(
            "build",
            json!({ "buildType": "BUILD", "startTime": 0, "endTime": 0 }),
            Some((false, "-", "-")),
        );
        check("build", json!({ "startTime": 0, "endTime": 2 * day }), Some((false, "-", "1970-01-03")));
        check(
            "build",
            json!({ "buildType": "REFRESH", "startTime": day, "endTime": 3 * day }),
            Some((true, "1970-01-02", "1970-01-04")),
        );
        check(
            "rebuild",
            json!({ "startTime": day, "endTime": 2 * day + 1 }),
            Some((true, "1970-01-02", "1970-01-04")),
        );
        check("rebuild", json!({}), Some((true, "-", "-")));
        check("build", json!({ "startTime": 2 * day, "endTime": 2 * day }), None);
        check("build", json!({ "startTime": -1, "endTime": 2 * day }), None);
        check("build", json!({ "startTime": "soon" }), None);
    }

    /// The JDBC driver refuses what it does not know, and misses what is not there.
    #[test]
    fn fields_of_tables_and_columns() {
        let catalog = Catalog {
            scope: adtally_core::cell::Scope::Platform,
            zone: chrono_tz::UTC,
            now_ms: 0,
            dialect: crate::Dialect::Calcite,
        };
        let told = tables_and_columns(&catalog);
        let tables = told.as_array().unwrap();
        let fields = |object: &Json| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(tables.len(), 6);
        for table in tables {
            assert_eq!(
                fields(table),
                [
                    "columns",
                    "ref_GENERATION",
                    "remarks",
                    "self_REFERENCING_COL_NAME",
                    "table_CAT",
                    "table_NAME",
                    "table_SCHEM",
                    "table_TYPE",
                    "type_CAT",
                    "type_NAME",
                    "type_SCHEM",
                ],
            );
            for column in table["columns"].as_array().unwrap() {
                assert_eq!(
                    fields(column),
                    [
                        "buffer_LENGTH",
                        "char_OCTET_LENGTH",
                        "column_DEF",
                        "column_NAME",
                        "column_SIZE",
                        "data_TYPE",
                        "decimal_DIGITS",
                        "is_AUTOINCREMENT",
                        "is_NULLABLE",
                        "nullable",
                        "num_PREC_RADIX",
                        "ordinal_POSITION",
                        "remarks",
                        "scope_CATLOG",
                        "scope_SCHEMA",
                        "scope_TABLE",
                        "source_DATA_TYPE",
                        "sql_DATA_TYPE",
                        "sql_DATETIME_SUB",
                        "table_CAT",
                        "table_NAME",
                        "table_SCHEM",
                        "type_NAME",
                    ],
                );
            }
        }
    }

    #[test]
    fn prepared_parameters() {
        let body = json!({
            "sql": "SELECT ?;", "limit": 0, "offset": 2,
            "params": [
                { "className": "java.lang.Integer", "value": "5" },
                { "className": "java.sql.Date", "value": "2018-07-22" },
                { "className": "java.lang.String", "value": "it's" },
            ],
        });
        let request = Request::read(&body).unwrap();
        assert_eq!((request.sql.as_str(), request.limit, request.offset), ("SELECT ?", None, 2));
        let texts: Vec<String> = request.parameters.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["5", "2018-07-22", "it's"]);
        assert_eq!(request.parameters[0].ty(), Type::Integer);
    }
}
