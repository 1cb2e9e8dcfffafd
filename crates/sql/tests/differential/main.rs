//! **SQL-1**: generated statements against SQLite: the same rows, without a difference, whatever is added up before.
//!
//! SQLite is asked through Python, which comes with one; without Python the test says so and is skipped.
//! `ADTALLY_SQL_QUERIES` says how many statements, `ADTALLY_SQL_SEED` where to begin.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod data;
mod dice;
mod generate;
mod sqlite;

use adtally_core::report::Query;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_sql::{Catalog, Data, Dialect, Statement, Table, Value, execute, plan};

use data::World;
use dice::Dice;
use generate::{Pair, statement};
use sqlite::{Answer, Cell};

/// Statements of an ordinary run: some seconds.
const QUERIES: u64 = 6_000;
/// Statements that share their data.
const PER_WORLD: u64 = 500;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn thousands_of_statements_agree_with_sqlite() {
    if !sqlite::is_there() {
        eprintln!("skipped: there is no python3 with sqlite3");
        return;
    }
    let (queries, seed) = (number("ADTALLY_SQL_QUERIES", QUERIES), number("ADTALLY_SQL_SEED", 1));
    let (mut asked, mut rows, mut added_up) = (0, 0, 0);
    for world in 0..queries.div_ceil(PER_WORLD) {
        let seed = seed + world;
        let mut dice = Dice::new(seed);
        let world = World::make(&mut dice);
        let pairs: Vec<Pair> = (0..PER_WORLD.min(queries - asked)).map(|_| statement(&mut dice)).collect();
        let theirs = sqlite::ask(&world.script(), pairs.iter().map(|pair| pair.theirs.as_str()));
        for (number, (pair, theirs)) in pairs.iter().zip(&theirs).enumerate() {
            let name =
                format!("seed {seed}, statement {number}\n ours: {}\n theirs: {}", pair.ours, pair.theirs);
            let Answer::Rows(theirs) = theirs else { panic!("{name}\nSQLite says {theirs:?}") };
            let (ours, grains) = ask(&world, &pair.ours).unwrap_or_else(|error| panic!("{name}\n{error}"));
            let (ours, theirs) = (in_order(ours, pair), in_order(theirs.clone(), pair));
            assert!(sqlite::same(&ours, &theirs), "{name}\n ours {ours:?}\n theirs {theirs:?}");
            asked += 1;
            rows += ours.len();
            added_up += usize::from(grains);
        }
    }
    eprintln!(
        "{asked} statements, {rows} rows, no difference; in {added_up} of them all cells were added up before"
    );
}

/// Rows whose order was not asked for are put in some order.
fn in_order(mut rows: Vec<Vec<Cell>>, pair: &Pair) -> Vec<Vec<Cell>> {
    if !pair.ordered {
        rows.sort_by(|a, b| sqlite::order(a, b));
    }
    rows
}

/// Our answer, and whether all cells were added up before they were read.
fn ask(world: &World, sql: &str) -> Result<(Vec<Vec<Cell>>, bool), adtally_sql::SqlError> {
    let catalog = Catalog {
        scope: world.scope.clone(),
        zone: world.zone,
        now_ms: world.now_ms,
        dialect: Dialect::Calcite,
    };
    let plan = plan(&Statement::parse(sql)?, &catalog, &[])?;
    let mut data = Data::default();
    for scan in &plan.scans {
        data.cells.push(cells(world, &scan.parameters()));
    }
    for (table, rows) in [(Table::Campaigns, &world.campaigns), (Table::Ads, &world.ads)] {
        data.tables.insert(table, rows.clone());
    }
    let rows = execute(&plan, &data)?.rows;
    let added_up = !plan.scans.is_empty() && plan.scans.iter().all(|scan| scan.whole.is_none());
    Ok((rows.into_iter().map(|row| row.iter().map(cell).collect()).collect(), added_up))
}

/// As the worker gets them: reduced in parts, merged, and not reduced again.
fn cells(world: &World, parameters: &[(String, String)]) -> Segment {
    let query = Query::parse(parameters, "UTC", ServerTime(world.now_ms));
    let query = query.unwrap_or_else(|error| panic!("{parameters:?}: {error}"));
    query.check_scope(&world.scope).unwrap_or_else(|error| panic!("{parameters:?}: {error}"));
    let plan = query.plan();
    let mut merger = Merger::default();
    world.parts.iter().for_each(|part| merger.add(plan.reduce(part)));
    merger.finish()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Boolean(truth) => Cell::Number(f64::from(u8::from(*truth))),
        Value::Text(text) => Cell::Text(text.to_string()),
        other => match other.number() {
            Some(number) => Cell::Number(number),
            None => Cell::Text(other.to_string()),
        },
    }
}
