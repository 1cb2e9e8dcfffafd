//! SQLite, asked through Python.

use std::cmp::Ordering;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

/// Reads a script and statements as JSON, and answers a line of JSON per statement.
const PROGRAM: &str = r#"
import json, sqlite3, sys
asked = json.load(sys.stdin)
db = sqlite3.connect(":memory:")
db.executescript(asked["script"])
for statement in asked["statements"]:
    try:
        print(json.dumps(db.execute(statement).fetchall()))
    except Exception as error:
        print(json.dumps(str(error)))
"#;

/// A value, as far as both sides tell values apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Number(f64),
    Text(String),
}

#[derive(Debug)]
pub(crate) enum Answer {
    Rows(Vec<Vec<Cell>>),
    #[expect(dead_code, reason = "it is printed")]
    Error(String),
}

pub(crate) fn is_there() -> bool {
    let found = Command::new("python3").args(["-c", "import sqlite3"]).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

pub(crate) fn ask<'s>(script: &str, statements: impl Iterator<Item = &'s str>) -> Vec<Answer> {
    let mut python = Command::new("python3")
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({ "script": script, "statements": statements.collect::<Vec<_>>() });
    python.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 ended with {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| answer(serde_json::from_str(line).unwrap())).collect()
}

fn answer(answer: Json) -> Answer {
    let Json::Array(rows) = answer else { return Answer::Error(answer.to_string()) };
    let cell = |cell: &Json| match cell {
        Json::Null => Cell::Null,
        Json::Number(number) => Cell::Number(number.as_f64().unwrap()),
        Json::String(text) => Cell::Text(text.clone()),
        other => panic!("{other} as a value"),
    };
    Answer::Rows(rows.iter().map(|row| row.as_array().unwrap().iter().map(cell).collect()).collect())
}

/// Any order that is the same for both sides; numbers by what is the same of them.
pub(crate) fn order(one: &[Cell], other: &[Cell]) -> Ordering {
    let rank = |cell: &Cell| match cell {
        Cell::Null => 0,
        Cell::Number(_) => 1,
        Cell::Text(_) => 2,
    };
    let by_cell = one.iter().zip(other).map(|(one, other)| match (one, other) {
        (Cell::Number(one), Cell::Number(other)) if close(*one, *other) => Ordering::Equal,
        (Cell::Number(one), Cell::Number(other)) => one.total_cmp(other),
        (Cell::Text(one), Cell::Text(other)) => one.cmp(other),
        (one, other) => rank(one).cmp(&rank(other)),
    });
    by_cell.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Whether the rows are equal; doubles that were added in another order differ in their last digits.
pub(crate) fn same(ours: &[Vec<Cell>], theirs: &[Vec<Cell>]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| one.len() == other.len() && order(one, other).is_eq())
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}
