//! `cargo xtask audit`: what is depended on: its licences, where it comes from, and whether a hole in it is known.
//!
//! Licences and sources are in the lock files and always checked. Known holes are told by others: where those cannot be
//! reached nothing is known, which is said and is no failure.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process;
use crate::project::Project;
use crate::setup;

/// The workspaces with lock files of their own.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "crates/fuzz/Cargo.toml"];

/// What cargo-deny can say without anybody's help.
const ALONE: [&str; 3] = ["licenses", "bans", "sources"];

/// What an audit could not find out, and why.
pub(crate) type Unknown = Vec<String>;

pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    setup::for_build(project)?;
    let unknown = check(project)?;
    unknown.iter().for_each(|unknown| println!("audit: {unknown}"));
    println!("audit: nothing found{}", if unknown.is_empty() { "" } else { " as far as it is known" });
    Ok(ExitCode::SUCCESS)
}

/// Fails with what was found.
pub(crate) fn check(project: &Project) -> Result<Unknown> {
    let mut unknown = Unknown::new();
    let deny = setup::cargo_tools::auditor(project)?;
    let command = |manifest: &str| {
        let mut command = project.command(&deny);
        command.args(["--locked", "--manifest-path", manifest, "--config", "deny.toml"]);
        command
    };
    let fetched = process::query(command(WORKSPACES[0]).args(["fetch", "db"]));
    for manifest in WORKSPACES {
        let mut command = command(manifest);
        command.args(["check", "--hide-inclusion-graph"]);
        process::run(match fetched {
            Ok(_) => command.arg("all"),
            Err(_) => command.args(ALONE),
        })?;
    }
    if let Err(error) = fetched {
        unknown.push(format!("advisories of crates are not known: {}", last_line(&format!("{error:#}"))));
    }
    unknown.extend(npm(project)?);
    Ok(unknown)
}

/// What is not known of npm packages.
fn npm(project: &Project) -> Result<Option<String>> {
    let output = answer(project.command("npm").args(["audit", "--json", "--audit-level=moderate"]))?;
    match told(&output)? {
        Told::Unknown(why) => Ok(Some(format!("advisories of npm packages are not known: {why}"))),
        Told::Found(found) if found.is_empty() => Ok(None),
        Told::Found(found) => bail!("npm packages with known holes: {}", found.join("; ")),
    }
}

/// What a command prints, whatever it ends with.
fn answer(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    String::from_utf8(output.stdout).context("npm audit does not answer in UTF-8")
}

#[derive(Debug, PartialEq)]
enum Told {
    /// Package and severity of what is moderate at least.
    Found(Vec<String>),
    Unknown(String),
}

/// Reads the answer of `npm audit --json`.
fn told(output: &str) -> Result<Told> {
    let answer: Value = serde_json::from_str(output).context("npm audit did not answer in JSON")?;
    let Some(vulnerabilities) = answer["vulnerabilities"].as_object() else {
        let why = answer["message"].as_str().or(answer["error"]["summary"].as_str());
        return Ok(Told::Unknown(last_line(why.unwrap_or("the registry does not say")).to_owned()));
    };
    let severity = |of: &Value| of["severity"].as_str().unwrap_or("unknown").to_owned();
    let found = vulnerabilities.iter().map(|(name, of)| (name, severity(of)));
    let found = found.filter(|(_, severity)| !["info", "low"].contains(&severity.as_str()));
    Ok(Told::Found(found.map(|(name, severity)| format!("{name} ({severity})")).collect()))
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_tells() {
        let check = |output: &str, expected: Told| assert_eq!(told(output).unwrap(), expected, "{output}");
        let found = |names: &[&str]| Told::Found(names.iter().map(ToString::to_string).collect());
        check(r#"{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}"#, found(&[]));
        check(
            r#"{"vulnerabilities":{"a":{"severity":"low"},"b":{"severity":"high"},"c":{}}}"#,
            found(&["b (high)", "c (unknown)"]),
        );
        let unknown = |why: &str| Told::Unknown(why.to_owned());
        check(r#"{"message":"405 Method Not Allowed","statusCode":405}"#, unknown("405 Method Not Allowed"));
        check(r#"{"error":{"code":"ENOTFOUND","summary":"request failed\nno host"}}"#, unknown("no host"));
        check("{}", unknown("the registry does not say"));
        assert!(told("").is_err());
    }
}
