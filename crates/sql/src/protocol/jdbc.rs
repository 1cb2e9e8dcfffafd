//! `system.jdbc`, where Trino's driver for Java looks for what there is: made of `information_schema`.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Codes of `java.sql.Types` by type.
const CODES: &str = "CASE WHEN data_type = 'bigint' THEN -5 WHEN data_type = 'double' THEN 8 \
    WHEN data_type = 'boolean' THEN 16 WHEN data_type = 'date' THEN 91 WHEN data_type LIKE 'timestamp%' THEN 93 \
    WHEN data_type LIKE 'decimal%' THEN 3 ELSE 12 END";
/// The types that columns can have, each with its code and digits.
const TYPES: [(&str, i64, i64); 7] = [
    ("bigint", -5, 19),
    ("decimal", 3, 38),
    ("double", 8, 53),
    ("varchar", 12, 2_147_483_647),
    ("boolean", 16, 1),
    ("date", 91, 10),
    ("timestamp", 93, 23),
];

/// The tables that have no rows here, with their columns.
const EMPTY: [(&str, &str); 7] = [
    ("procedures", "procedure_cat procedure_schem procedure_name remarks procedure_type specific_name"),
    (
        "procedure_columns",
        "procedure_cat procedure_schem procedure_name column_name column_type data_type type_name precision length \
         scale radix nullable remarks column_def sql_data_type sql_datetime_sub char_octet_length ordinal_position \
         is_nullable specific_name",
    ),
    (
        "pseudo_columns",
        "table_cat table_schem table_name column_name data_type column_size decimal_digits num_prec_radix \
         column_usage remarks char_octet_length is_nullable",
    ),
    ("udts", "type_cat type_schem type_name class_name data_type remarks base_type"),
    ("super_types", "type_cat type_schem type_name supertype_cat supertype_schem supertype_name"),
    ("super_tables", "table_cat table_schem table_name supertable_name"),
    (
        "attributes",
        "type_cat type_schem type_name attr_name data_type attr_type_name attr_size decimal_digits num_prec_radix \
         nullable remarks attr_def sql_data_type sql_datetime_sub char_octet_length ordinal_position is_nullable \
         scope_catalog scope_schema scope_table source_data_type",
    ),
];

/// A statement in which each table of `system.jdbc` is a query of what there is; `None` where it names none.
pub(super) fn with_views(sql: &str, tokens: &[TokenWithSpan]) -> Option<String> {
    let words: Vec<&TokenWithSpan> =
        tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let word = |place: usize| match words.get(place).map(|token| &token.token) {
        Some(Token::Word(word)) => word.value.to_ascii_lowercase(),
        Some(Token::Period) => ".".to_owned(),
        _ => String::new(),
    };
    let (mut text, mut done, mut found) = (String::new(), 0, false);
    for (place, start) in words.iter().enumerate() {
        let starts =
            [word(place), word(place + 1), word(place + 2), word(place + 3)] == ["system", ".", "jdbc", "."];
        let Some(view) = starts.then(|| view(&word(place + 4))).flatten() else { continue };
        let (from, to) = (byte_of(sql, start), byte_of(sql, words[place + 4]) + word(place + 4).len());
        text.push_str(&sql[done..from]);
        text.push_str(&format!("({view}) AS jdbc"));
        (done, found) = (to, true);
    }
    text.push_str(&sql[done..]);
    found.then_some(text)
}

/// Where a token begins.
fn byte_of(sql: &str, token: &TokenWithSpan) -> usize {
    sql.len() - super::trino::after(sql, token.span.start).len()
}

/// The query that a table of `system.jdbc` is; the one of catalogs is a table.
fn view(name: &str) -> Option<String> {
    let nothing = |names: &str| {
        let columns = names.split_whitespace().map(|name| format!("CAST(NULL AS VARCHAR) AS {name}"));
        columns.collect::<Vec<_>>().join(", ")
    };
    Some(match name {
        "schemas" => "SELECT schema_name AS table_schem, catalog_name AS table_catalog FROM information_schema.schemata".to_owned(),
        "table_types" => "SELECT 'TABLE' AS table_type UNION ALL SELECT 'VIEW'".to_owned(),
        "tables" => format!(
            "SELECT table_catalog AS table_cat, table_schema AS table_schem, table_name, 'TABLE' AS table_type, {} \
             FROM information_schema.tables",
            nothing("remarks type_cat type_schem type_name self_referencing_col_name ref_generation")
        ),
        "columns" => format!(
            "SELECT table_catalog AS table_cat, table_schema AS table_schem, table_name, column_name, \
             {CODES} AS data_type, data_type AS type_name, CASE {CODES} WHEN 12 THEN 2147483647 WHEN -5 THEN 19 \
             WHEN 3 THEN 38 WHEN 8 THEN 53 WHEN 93 THEN 23 ELSE 10 END AS column_size, 10 AS num_prec_radix, \
             1 AS nullable, ordinal_position, 'YES' AS is_nullable, 'NO' AS is_autoincrement, \
             'NO' AS is_generatedcolumn, CAST(NULL AS BIGINT) AS decimal_digits, {} FROM information_schema.columns",
            nothing(
                "buffer_length remarks column_def sql_data_type sql_datetime_sub char_octet_length scope_catalog \
                 scope_schema scope_table source_data_type"
            )
        ),
        "types" => {
            let row = |(name, code, digits): (&str, i64, i64)| {
                format!(
                    "SELECT '{name}' AS type_name, {code} AS data_type, {digits} AS precision, 1 AS nullable, \
                     true AS case_sensitive, 3 AS searchable, false AS unsigned_attribute, \
                     false AS fixed_prec_scale, false AS auto_increment, 0 AS minimum_scale, 0 AS maximum_scale, \
                     10 AS num_prec_radix, {}",
                    nothing("literal_prefix literal_suffix create_params local_type_name sql_data_type sql_datetime_sub")
                )
            };
            TYPES.map(row).join(" UNION ALL ")
        }
        other => {
            let (_, names) = EMPTY.iter().find(|(name, _)| *name == other)?;
            format!("SELECT {} WHERE false", nothing(names))
        }
    })
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::Scope;

    use super::super::trino::session::Session;
    use super::super::trino::{Order, translate};
    use crate::catalog::{Catalog, Dialect};
    use crate::{Data, Statement, execute, plan};

    /// What the metadata of a connection ask, in the words of the driver.
    #[test]
    fn what_the_driver_for_java_asks() {
        let scope = Scope::parse("advertiser:acme").unwrap();
        let catalog =
            Catalog { scope, zone: chrono_tz::UTC, now_ms: 1_600_000_000_000, dialect: Dialect::Trino };
        let check = |sql: &str, rows: usize, first: &str| {
            let Order::Query(translated) = translate(sql, &Session::default(), &catalog, "q").unwrap() else {
                panic!("{sql}")
            };
            let statement =
                Statement::parse(&translated.sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            let plan = plan(&statement, &catalog, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
            let answer = execute(&plan, &Data::default()).unwrap();
            assert_eq!(answer.rows.len(), rows, "{sql}");
            let shown = answer
                .rows
                .first()
                .map(|row| row.iter().take(3).map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(shown.unwrap_or_default().join(" "), first, "{sql}");
        };
        check("SELECT TABLE_CAT\nFROM system.jdbc.catalogs\nORDER BY TABLE_CAT", 1, "adtally");
        check(
            "SELECT TABLE_SCHEM, TABLE_CATALOG\nFROM system.jdbc.schemas\nORDER BY TABLE_CATALOG, TABLE_SCHEM",
            2,
            "ads adtally",
        );
        check("SELECT TABLE_TYPE\nFROM system.jdbc.table_types\nORDER BY TABLE_TYPE", 2, "TABLE");
        check(
            "SELECT TABLE_CAT, TABLE_SCHEM, TABLE_NAME, TABLE_TYPE, REMARKS,\n  TYPE_CAT, TYPE_SCHEM, TYPE_NAME,   SELF_REFERENCING_COL_NAME, REF_GENERATION\nFROM system.jdbc.tables\nWHERE TABLE_CAT = 'adtally' AND TABLE_SCHEM LIKE 'ads' ESCAPE '\\' AND TABLE_NAME LIKE 'ad\\_%' ESCAPE '\\' AND TABLE_TYPE IN ('TABLE', 'VIEW')\nORDER BY TABLE_TYPE, TABLE_CAT, TABLE_SCHEM, TABLE_NAME",
            1,
            "adtally ads ad_stats",
        );
        check(
            "SELECT TABLE_CAT, TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, DATA_TYPE,\n  TYPE_NAME, COLUMN_SIZE, BUFFER_LENGTH, DECIMAL_DIGITS, NUM_PREC_RADIX,\n  NULLABLE, REMARKS, COLUMN_DEF, SQL_DATA_TYPE, SQL_DATETIME_SUB,\n  CHAR_OCTET_LENGTH, ORDINAL_POSITION, IS_NULLABLE,\n  SCOPE_CATALOG, SCOPE_SCHEMA, SCOPE_TABLE,\n  SOURCE_DATA_TYPE, IS_AUTOINCREMENT, IS_GENERATEDCOLUMN\nFROM system.jdbc.columns\nWHERE TABLE_NAME LIKE 'ads' ESCAPE '\\'\nORDER BY TABLE_CAT, TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION",
            4,
            "adtally ads ads",
        );
        check(
            "SELECT TYPE_NAME, DATA_TYPE, PRECISION, LITERAL_PREFIX, LITERAL_SUFFIX,\nCREATE_PARAMS, NULLABLE, CASE_SENSITIVE, SEARCHABLE, UNSIGNED_ATTRIBUTE,\nFIXED_PREC_SCALE, AUTO_INCREMENT, LOCAL_TYPE_NAME, MINIMUM_SCALE, MAXIMUM_SCALE,\nSQL_DATA_TYPE, SQL_DATETIME_SUB, NUM_PREC_RADIX\nFROM system.jdbc.types\nORDER BY DATA_TYPE",
            7,
            "bigint -5 19",
        );
        check(
            "SELECT PROCEDURE_CAT, PROCEDURE_SCHEM, PROCEDURE_NAME,\n   null, null, null, REMARKS, PROCEDURE_TYPE, SPECIFIC_NAME\nFROM system.jdbc.procedures\nORDER BY PROCEDURE_CAT, PROCEDURE_SCHEM, PROCEDURE_NAME, SPECIFIC_NAME LIMIT 0",
            0,
            "",
        );
        check(
            "SELECT  CAST(NULL AS varchar) TABLE_CAT,  CAST(NULL AS smallint) KEY_SEQ,  CAST(NULL AS varchar) PK_NAME WHERE false",
            0,
            "",
        );
    }
}
