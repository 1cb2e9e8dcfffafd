//! Every stable code of an error is named in the description of the API.
//!
//! Codes are written where an error is made: as the second argument of `Fault::refused` and `retry`, as `code: "…"`, in
//! functions whose names begin with `code`, and as what is not found.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, SourceFile};

const DESCRIPTION: &str = "worker/src/openapi.json";

/// Where errors are made that become answers.
const SOURCES: [&str; 4] = ["worker/src/", "crates/core/src/", "crates/wire/src/", "crates/sql/src/"];

/// The calls of which the first literal is a code, and the field that is one.
const CALLS: [&str; 2] = ["Fault::refused(", "retry("];
const FIELD: &str = "code: ";

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(description) = files.iter().find(|file| file.path == DESCRIPTION) else { return Vec::new() };
    let named: BTreeSet<&str> = description.text.split(|c: char| !is_of_code(c)).collect();
    let mut missing: BTreeMap<&str, Finding> = BTreeMap::new();
    let sources = files
        .iter()
        .filter(|file| file.is_rust() && SOURCES.iter().any(|source| file.path.starts_with(source)));
    for file in sources {
        for (line, code) in codes(&file.text) {
            if !named.contains(code) {
                let message = format!("the code {code} is not named in {DESCRIPTION}");
                missing.entry(code).or_insert_with(|| file.finding(line, message));
            }
        }
    }
    missing.into_values().collect()
}

fn is_of_code(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

/// The codes that a file makes errors with, outside of its tests, and their lines.
fn codes(text: &str) -> Vec<(usize, &str)> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    // Inside of a function of codes: how deep its own braces are.
    let (mut depth, mut is_awaited) = (None::<i64>, false);
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains("fn code") && code.contains("&'static str") {
            depth = Some(0);
        }
        let call = CALLS.iter().filter_map(|call| code.find(call)).min();
        let starts = call.into_iter().chain(code.find(FIELD)).min();
        let is_inside = depth.is_some();
        for (at, literal) in literals(code) {
            let follows = is_awaited || starts.is_some_and(|start| start < at);
            if literal.chars().all(is_of_code) && (is_inside || follows || literal.ends_with("_not_found")) {
                found.push((number, literal));
            }
            if follows && literal.chars().all(is_of_code) {
                break;
            }
        }
        // A call whose arguments stand on the lines below.
        is_awaited = match literals(code).next() {
            Some(_) => false,
            None => {
                let begins = call.is_some() && !code.contains("fn ");
                (begins || is_awaited) && code.trim_end().ends_with(['(', ','])
            }
        };
        let braces = |brace: char| code.matches(brace).count() as i64;
        depth = depth.map(|depth| depth + braces('{') - braces('}')).filter(|depth| *depth > 0);
    }
    found
}

/// The texts in quotes of a line, each with where it begins; nobody escapes a quote in a code.
fn literals(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let quotes: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
    let pairs: Vec<(usize, &str)> = quotes
        .chunks_exact(2)
        .map(|pair| (pair[0], &line[pair[0] + 1..pair[1]]))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    pairs.into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn where_codes_are_written() {
        let text = r#"
            Err(Fault::refused(422, "bad_limit", "not a number"))
            Fault::refused(
                404,
                "event_gone",
                format!("{id:?}"),
            );
            Refusal { status: 401, code: "unauthorized", detail }
            retry(503, "storage_unavailable", again)
            EntryKind::Ad => "ad_not_found",
            let name = "nothing";
            fn code(&self) -> &'static str {
                match self {
                    One => "one",
                    Two { .. } => "two",
                }
            }
            fn name(&self) -> &'static str { "other" }
            refused("guess", wait)
            // Fault::refused(422, "in_a_comment")
            #[cfg(test)]
            refused(422, "in_a_test")
        "#;
        let found: Vec<&str> = codes(text).into_iter().map(|(_, code)| code).collect();
        assert_eq!(
            found,
            ["bad_limit", "event_gone", "unauthorized", "storage_unavailable", "ad_not_found", "one", "two",]
        );
    }

    #[test]
    fn each_is_named() {
        let description = file(DESCRIPTION, "`bad_limit`: …");
        let source = file(
            "worker/src/a.rs",
            "Fault::refused(422, \"bad_limit\", \"x\")\nFault::refused(422, \"bad_limits\", \"x\")",
        );
        let found = check(&[description, source]);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["worker/src/a.rs:2: the code bad_limits is not named in worker/src/openapi.json"]);
    }
}
