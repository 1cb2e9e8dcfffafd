//! From what a client of Trino sends to a statement of ours, or to a change of its session.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::session::{self, Change, Session};
use super::{Order, Translated};
use crate::catalog::{Catalog, SCHEMA, shown_type};
use crate::error::{Code, Result, SqlError};
use crate::exec::{Data, execute};
use crate::parse::{Statement, tokens};
use crate::protocol::jdbc;
use crate::value::{Type, Value};

/// How often a statement may be the text of another: `EXECUTE IMMEDIATE` and a prepared one.
const MAX_TURNS: usize = 4;

/// What a client sends; `id` is the one of the query.
pub fn translate(sql: &str, session: &Session, catalog: &Catalog, id: &str) -> Result<Order> {
    let mut reader = Reader { session, catalog, id, turns: 0 };
    reader.order(sql)
}

/// The statements that it takes to read one.
struct Reader<'a> {
    session: &'a Session,
    catalog: &'a Catalog,
    id: &'a str,
    turns: usize,
}

/// The tokens of a statement that say something.
struct Words<'a> {
    sql: &'a str,
    tokens: Vec<&'a TokenWithSpan>,
}

impl<'a> Words<'a> {
    fn new(sql: &'a str, found: &'a [TokenWithSpan]) -> Self {
        let says = |token: &&TokenWithSpan| {
            !matches!(token.token, Token::Whitespace(_) | Token::SemiColon | Token::EOF)
        };
        Self { sql, tokens: found.iter().filter(says).collect() }
    }

    /// The word at a place in small letters; empty where there is none.
    fn word(&self, place: usize) -> String {
        match self.tokens.get(place).map(|token| &token.token) {
            Some(Token::Word(word)) => word.value.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    fn text(&self, place: usize) -> Option<&'a str> {
        match self.tokens.get(place).map(|token| &token.token) {
            Some(Token::SingleQuotedString(text)) => Some(text),
            _ => None,
        }
    }

    /// The name at a place, as Trino keeps it: in small letters unless it is quoted.
    fn name(&self, place: usize) -> Result<String> {
        match self.tokens.get(place).map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_some() => Ok(word.value.clone()),
            Some(Token::Word(word)) => Ok(word.value.to_lowercase()),
            _ => Err(SqlError::new(Code::Syntax, "a name is missing")),
        }
    }

    /// The text behind the word at a place.
    fn behind(&self, place: usize) -> &'a str {
        self.tokens.get(place).map_or("", |token| after(self.sql, token.span.end))
    }

    fn from(&self, place: usize) -> Vec<&'a Token> {
        self.tokens.iter().skip(place).map(|token| &token.token).collect()
    }
}

impl Reader<'_> {
    fn order(&mut self, sql: &str) -> Result<Order> {
        self.turns += 1;
        if self.turns > MAX_TURNS {
            return Err(SqlError::new(Code::TooComplex, "statements within statements are too many"));
        }
        // Anything that is no text of tokens has its error told with the statement.
        let Ok(found) = tokens(sql) else { return Ok(query(sql)) };
        let words = Words::new(sql, &found);
        let (first, second) = (words.word(0), words.word(1));
        let changed = |change: Result<Change>| change.map(Order::Change);
        match (first.as_str(), second.as_str()) {
            ("execute", _) => self.execute(&words),
            ("prepare", _) => changed(self.prepare(&words)),
            ("deallocate", "prepare") => changed(self.session.deallocate(&words.name(2)?)),
            ("describe", "input" | "output") if words.tokens.len() > 2 => self.describe(&words),
            ("set" | "reset", "session") => changed(property(&words)),
            ("set", "time") => changed(zone(&words)),
            ("use", _) => changed(session::use_schema(&names(&words.from(1)))),
            ("start", "transaction") => Ok(Order::Change(session::start_transaction(self.id))),
            ("commit", _) => Ok(Order::Change(session::end_transaction("COMMIT"))),
            ("rollback", _) => Ok(Order::Change(session::end_transaction("ROLLBACK"))),
            ("show", _) => Ok(query(show(&words.from(0))?)),
            ("describe" | "desc", _) => Ok(query(columns_of(&words.from(1))?)),
            _ => Ok(query(jdbc::with_views(sql, &found).unwrap_or_else(|| sql.to_owned()))),
        }
    }

    /// `EXECUTE name USING …` and `EXECUTE IMMEDIATE '…' USING …`.
    fn execute(&mut self, words: &Words) -> Result<Order> {
        let immediate = words.word(1) == "immediate";
        let (statement, next) = match immediate {
            true => {
                let missing =
                    || SqlError::new(Code::Syntax, "EXECUTE IMMEDIATE is followed by a statement in quotes");
                (words.text(2).ok_or_else(missing)?.to_owned(), 3)
            }
            false => (self.session.prepared(&words.name(1)?)?.to_owned(), 2),
        };
        let parameters = match words.word(next).as_str() {
            "using" => values(words.behind(next), self.catalog)?,
            _ => Vec::new(),
        };
        match self.order(&statement)? {
            Order::Query(translated) => Ok(Order::Query(Translated { parameters, ..translated })),
            change @ Order::Change(_) => Ok(change),
        }
    }

    /// `PREPARE name FROM …`.
    fn prepare(&mut self, words: &Words) -> Result<Change> {
        let name = words.name(1)?;
        if words.word(2) != "from" {
            return Err(SqlError::new(Code::Syntax, "PREPARE is followed by a name, FROM and a statement"));
        }
        let statement = words.behind(2).trim();
        if let Order::Query(translated) = self.order(statement)? {
            Statement::parse(&translated.sql)?;
        }
        Session::prepare(&name, statement)
    }

    /// `DESCRIBE INPUT` and `DESCRIBE OUTPUT` of a prepared statement.
    fn describe(&mut self, words: &Words) -> Result<Order> {
        let statement = self.session.prepared(&words.name(2)?)?.to_owned();
        let (placeholders, plan) = match self.order(&statement)? {
            Order::Change(_) => (0, None),
            Order::Query(translated) => {
                let statement = Statement::parse(&translated.sql)?;
                let unknown = vec![Value::Null; statement.placeholders.len()];
                (unknown.len(), Some(crate::plan(&statement, self.catalog, &unknown)?))
            }
        };
        if words.word(1) == "input" {
            let row = |place: usize| format!("({place}, 'unknown')");
            let rows: Vec<String> = (0..placeholders).map(row).collect();
            return Ok(query(table(&rows, "(0, '')", "\"Position\", \"Type\"")));
        }
        let row = |name: &str, ty: Type| {
            let (name, shown) = (quoted(name), quoted(&shown_type(ty)));
            format!("({name}, '', '', '', {shown}, {}, true)", size(ty))
        };
        let rows = match &plan {
            Some(plan) if plan.explain => vec![row("Query Plan", Type::Text)],
            Some(plan) => plan.columns.iter().map(|one| row(&one.name, one.ty)).collect(),
            None => Vec::new(),
        };
        let heads =
            "\"Column Name\", \"Catalog\", \"Schema\", \"Table\", \"Type\", \"Type Size\", \"Aliased\"";
        Ok(query(table(&rows, "('', '', '', '', '', 0, false)", heads)))
    }
}

fn query(sql: impl Into<String>) -> Order {
    Order::Query(Translated { sql: sql.into(), parameters: Vec::new() })
}

/// A table of constants; `blank` says the types of one without rows.
fn table(rows: &[String], blank: &str, heads: &str) -> String {
    match rows {
        [] => format!("SELECT * FROM (VALUES {blank}) AS described ({heads}) WHERE false"),
        rows => format!("SELECT * FROM (VALUES {}) AS described ({heads})", rows.join(", ")),
    }
}

/// Bytes of a value, as `DESCRIBE OUTPUT` tells them: 0 where they differ.
fn size(ty: Type) -> u8 {
    match shown_type(ty).as_ref() {
        "boolean" => 1,
        "date" => 4,
        "bigint" | "double" => 8,
        _ => 0,
    }
}

/// `SET TIME ZONE 'name'` and `SET TIME ZONE LOCAL`.
fn zone(words: &Words) -> Result<Change> {
    match (words.text(3), words.word(3).as_str()) {
        (Some(name), _) => session::set_zone(Some(name)),
        (None, "local") => session::set_zone(None),
        _ => Err(SqlError::new(Code::NotSupported, "a time zone is a name in quotes, or LOCAL")),
    }
}

/// `SET SESSION name = value` and `RESET SESSION name`.
fn property(words: &Words) -> Result<Change> {
    let names = names(&words.from(2));
    let property = names.join(".").to_lowercase();
    if words.word(0) == "reset" {
        return session::reset(&property);
    }
    let value = words.text(2 + 2 * names.len()).unwrap_or_default();
    session::set(&property, value)
}

fn is(token: &Token, name: &str) -> bool {
    matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(name))
}

/// The text behind a place.
pub(in crate::protocol) fn after(sql: &str, place: Location) -> &str {
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
        let filter = filter("table_cat");
        return Ok(format!("SELECT table_cat AS \"Catalog\" FROM system.jdbc.catalogs WHERE true{filter}"));
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

#[cfg(test)]
mod tests {
    use adtally_core::cell::Scope;

    use super::*;
    use crate::catalog::Dialect;

    fn catalog() -> Catalog {
        Catalog {
            scope: Scope::Platform,
            zone: chrono_tz::UTC,
            now_ms: 1_600_000_000_000,
            dialect: Dialect::Trino,
        }
    }

    fn asked(sql: &str, session: &Session) -> Translated {
        match translate(sql, session, &catalog(), "q1") {
            Ok(Order::Query(translated)) => translated,
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn rows(sql: &str, session: &Session) -> Vec<String> {
        let translated = asked(sql, session);
        let statement = Statement::parse(&translated.sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let plan = crate::plan(&statement, &catalog(), &translated.parameters);
        let plan = plan.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let rows = execute(&plan, &Data::default()).unwrap().rows;
        rows.iter().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn what_drivers_send() {
        let none = Session::default();
        let asked = |sql: &str| asked(sql, &none);
        let immediate = asked("EXECUTE IMMEDIATE 'SELECT ''a'', ?, ?' USING 'it''s', DATE '2018-07-22'");
        assert_eq!(immediate.sql, "SELECT 'a', ?, ?");
        assert_eq!(
            immediate.parameters.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["it's", "2018-07-22"]
        );
        assert_eq!(asked("EXECUTE IMMEDIATE 'SELECT 1'").parameters, []);
        assert_eq!(asked(" SELECT 1 ;").sql, " SELECT 1 ;");
        assert!(asked("SHOW TABLES FROM adtally.ads LIKE 'a%'").sql.contains("LIKE 'a%'"));
        assert!(asked("show columns from \"ads\".\"ad_stats\"").sql.contains("table_name = 'ad_stats'"));
        for sql in ["SHOW CATALOGS", "SHOW SCHEMAS", "SHOW TABLES", "DESCRIBE ad_stats", "SHOW SESSION"] {
            let statement = Statement::parse(&asked(sql).sql).unwrap();
            crate::plan(&statement, &catalog(), &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    #[test]
    fn words_of_trino() {
        let session = Session::default();
        for (sql, expected) in [
            ("SHOW CATALOGS", "adtally"),
            ("SHOW CATALOGS LIKE 'adt%'", "adtally"),
            ("SHOW CATALOGS LIKE 'sys%'", ""),
            ("SELECT day_of_week(DATE '2026-05-01'), dow(DATE '2026-05-03')", "5|7"),
            (
                "SELECT EXTRACT(DOW FROM DATE '2026-05-01'), EXTRACT(DAY_OF_WEEK FROM DATE '2026-05-03')",
                "5|7",
            ),
            (
                "SELECT date_add('day', 1, DATE '2026-01-31'), date_add('month', 1, DATE '2026-01-31')",
                "2026-02-01|2026-02-28",
            ),
            ("SELECT date_add('hour', -1, TIMESTAMP '2026-01-31 00:00:00')", "2026-01-30 23:00:00"),
            ("SELECT date_add('hour', 1, DATE '2026-01-31')", "2026-01-31 01:00:00"),
            ("SELECT date_diff('month', DATE '2026-01-15', DATE '2026-03-14')", "1"),
            ("SELECT date_format(TIMESTAMP '2026-01-31 10:00:00', '%Y-%m %H:%i')", "2026-01 10:00"),
            ("SELECT from_unixtime(0), from_unixtime(1.5)", "1970-01-01 00:00:00|1970-01-01 00:00:01.500"),
            ("SELECT count_if(table_schema = 'ads') FROM information_schema.tables", "6"),
            ("SELECT current_user, current_catalog, current_schema", "platform|adtally|ads"),
            ("SELECT TIMESTAMP '2026-03-07 00:00:00' AT TIME ZONE 'Asia/Seoul'", "2026-03-07 09:00:00"),
        ] {
            assert_eq!(rows(sql, &session).join(" "), expected, "{sql}");
        }
        let refused = |sql: &str| {
            let plan = crate::plan(&Statement::parse(&asked(sql, &session).sql).unwrap(), &catalog(), &[]);
            let error = plan.and_then(|plan| execute(&plan, &Data::default())).err().unwrap();
            (error.code, error.position.map(|position| position.column))
        };
        assert_eq!(refused("SELECT date_add('day', 0.5, DATE '2026-01-31')"), (Code::TypeMismatch, Some(24)));
        assert_eq!(refused("SELECT date_add('dow', 1, DATE '2026-01-31')"), (Code::NotSupported, Some(8)));
        assert_eq!(refused("SELECT date_format(DATE '2026-01-31', '%Q')"), (Code::BadValue, Some(8)));
        assert_eq!(
            refused("SELECT date_add('day', 99999999999, DATE '2026-01-31')"),
            (Code::Overflow, Some(8))
        );
        assert_eq!(refused("SELECT from_unixtime(1e300)"), (Code::Overflow, Some(8)));
    }

    #[test]
    fn a_statement_is_prepared_kept_by_the_client_and_executed() {
        let text = "SELECT campaign AS c, SUM(clicks) AS n, day, ? AS p FROM ad_stats WHERE ad = ? GROUP BY campaign, day";
        let order = translate(&format!("PREPARE One FROM {text}"), &Session::default(), &catalog(), "q1");
        let Ok(Order::Change(change)) = order else { panic!("{order:?}") };
        assert_eq!(change.update, "PREPARE");
        let [(name, value)] = change.headers.as_slice() else { panic!("{change:?}") };
        assert_eq!(*name, "X-Trino-Added-Prepare");
        let other = "two=SELECT+%27a%2Cb%27%2C+1+%2B+%3F";
        let session = Session::read(Some(&format!("{value}, {other}")), None).unwrap();
        let executed = asked("EXECUTE one USING 'x', 'y'", &session);
        assert_eq!(executed.sql, text);
        assert_eq!(executed.parameters.len(), 2);
        assert_eq!(rows("EXECUTE two USING 41", &session), ["a,b|42"]);
        assert_eq!(rows("DESCRIBE INPUT one", &session), ["0|unknown", "1|unknown"]);
        assert_eq!(
            rows("DESCRIBE OUTPUT one", &session),
            ["c||||varchar|0|true", "n||||bigint|8|true", "day||||date|4|true", "p||||unknown|0|true"]
        );
    }

    #[test]
    fn what_changes_a_session() {
        let session = Session::read(Some("a=SELECT+1"), Some("time_zone_id=Asia%2FSeoul,other=1")).unwrap();
        assert_eq!(session.zone.as_deref(), Some("Asia/Seoul"));
        for (sql, update, headers) in [
            ("DEALLOCATE PREPARE a", "DEALLOCATE", "X-Trino-Deallocated-Prepare: a"),
            ("SET TIME ZONE 'Asia/Seoul'", "SET TIME ZONE", "X-Trino-Set-Session: time_zone_id=Asia%2FSeoul"),
            ("SET TIME ZONE LOCAL", "SET TIME ZONE", "X-Trino-Clear-Session: time_zone_id"),
            ("SET SESSION time_zone_id = 'UTC'", "SET SESSION", "X-Trino-Set-Session: time_zone_id=UTC"),
            ("RESET SESSION time_zone_id", "RESET SESSION", "X-Trino-Clear-Session: time_zone_id"),
            ("USE ads", "USE", "X-Trino-Set-Catalog: adtally, X-Trino-Set-Schema: ads"),
            ("START TRANSACTION READ ONLY", "START TRANSACTION", "X-Trino-Started-Transaction-Id: q1"),
            ("COMMIT", "COMMIT", "X-Trino-Clear-Transaction-Id: true"),
            ("ROLLBACK", "ROLLBACK", "X-Trino-Clear-Transaction-Id: true"),
        ] {
            let order = translate(sql, &session, &catalog(), "q1");
            let Ok(Order::Change(change)) = order else { panic!("{sql}: {order:?}") };
            let told: Vec<String> =
                change.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            assert_eq!((change.update, told.join(", ").as_str()), (update, headers), "{sql}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_session() {
        let long = format!("PREPARE a FROM SELECT '{}'", " ".repeat(session::MAX_PREPARED_BYTES / 3));
        let nested = format!("a={}", "EXECUTE+a");
        let session = Session::read(Some(&nested), None).unwrap();
        for (sql, code) in [
            ("EXECUTE b", Code::UnknownPrepared),
            ("DEALLOCATE PREPARE b", Code::UnknownPrepared),
            ("DESCRIBE OUTPUT b", Code::UnknownPrepared),
            ("EXECUTE a", Code::TooComplex),
            ("PREPARE b SELECT 1", Code::Syntax),
            ("PREPARE b FROM SELEC 1", Code::Syntax),
            ("PREPARE b FROM DROP TABLE ads", Code::ReadOnly),
            (long.as_str(), Code::TooComplex),
            ("SET SESSION query_max_run_time = '1m'", Code::UnknownProperty),
            ("RESET SESSION adtally.x", Code::UnknownProperty),
            ("SET TIME ZONE 'Nowhere'", Code::UnknownZone),
            ("SET TIME ZONE INTERVAL '9' HOUR", Code::NotSupported),
            ("USE hive.default", Code::UnknownTable),
            ("EXECUTE IMMEDIATE 1", Code::Syntax),
        ] {
            assert_eq!(translate(sql, &session, &catalog(), "q1").unwrap_err().code, code, "{sql}");
        }
        let nowhere = Session::read(None, Some("time_zone_id=Nowhere")).unwrap_err();
        assert_eq!(nowhere.code, Code::UnknownZone);
        let told: serde_json::Value = serde_json::from_str(&super::super::error("q", "", &nowhere)).unwrap();
        assert_eq!(told["error"]["errorName"], "NOT_SUPPORTED");
        for header in ["a", "a=%ff"] {
            assert_eq!(Session::read(Some(header), None).unwrap_err().code, Code::BadValue, "{header}");
        }
    }
}
