//! The steps of `cargo xtask test`, cheapest first.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::args::Part;
use crate::build;
use crate::process;
use crate::project::Project;
use crate::setup::rust::WASM;
use crate::setup::{self, chrome, clients};
use crate::tidy;

use super::Outcome;
use super::counts::{self, Counts};

#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    /// Such a step fails when it counted none.
    pub(super) counts_tests: bool,
    pub(super) needs_browser: bool,
    pub(super) run: fn(&Project) -> Result<Outcome>,
}

impl Step {
    const fn check(name: &'static str, purpose: &'static str, run: fn(&Project) -> Result<Outcome>) -> Self {
        Self { name, purpose, counts_tests: false, needs_browser: false, run }
    }

    const fn tests(name: &'static str, purpose: &'static str, run: fn(&Project) -> Result<Outcome>) -> Self {
        Self { name, purpose, counts_tests: true, needs_browser: false, run }
    }
}

pub(super) const STEPS: &[Step] = &[
    Step::check("fmt", "formatting", fmt),
    Step::check("tidy", "the mechanical rules of this repository", tidy_rules),
    Step::check("audit", "licences and known holes of what is depended on", audit),
    Step::check("clippy", "lints, for this machine and for WebAssembly", clippy),
    Step::tests("native", "unit and property tests on this machine", native),
    Step::tests("wasm-node", "the core as WebAssembly in Node", wasm_node),
    Step { needs_browser: true, ..Step::tests("web", "the dashboard in a real browser", web) },
    Step { needs_browser: true, ..Step::tests("e2e", "the whole system in the real edge runtime", e2e) },
];

/// Packages that run on this machine, and those that only make sense as WebAssembly.
const NATIVE: [&str; 10] = [
    "adtally-core",
    "adtally-wire",
    "adtally-archive",
    "adtally-sql",
    "adtally-kafka",
    "adtally-verify",
    "adtally-engine",
    "adtally-cli",
    "adtally-bench",
    "xtask",
];
const ONLY_WASM: [&str; 4] = ["adtally-worker", "adtally-web", "adtally-dashboard", "adtally-workbench"];

/// End-to-end tests; the glob is Node's.
const E2E_TESTS: &str = "tests/**/*.test.mjs";

fn cargo(project: &Project, command: &str, packages: &[&str]) -> Command {
    let mut cargo = project.command("cargo");
    cargo.arg(command);
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo
}

/// Succeeds if all commands do; all of them run.
fn all(commands: &mut [Command]) -> Result<Outcome> {
    let mut failed = Vec::new();
    for command in commands {
        if let Err(error) = process::run(command) {
            failed.push(error.to_string());
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(Outcome::done())
}

/// Runs a test runner and counts what it says it did.
fn counted(command: &mut Command, count: fn(&str) -> Counts) -> Result<Outcome> {
    let (status, output) = process::tee(command)?;
    let failure = (!status.success()).then(|| format!("the test runner ended with {status}"));
    Ok(Outcome { counts: count(&output), failure, ..Outcome::done() })
}

fn fmt(project: &Project) -> Result<Outcome> {
    all(&mut [{
        let mut command = project.command("cargo");
        command.args(["fmt", "--all", "--check"]);
        command
    }])
}

fn tidy_rules(project: &Project) -> Result<Outcome> {
    let report = tidy::check(project)?;
    if report.broken > 0 {
        bail!("{} of {} rules are broken", report.broken, report.rules);
    }
    Ok(Outcome::done())
}

fn audit(project: &Project) -> Result<Outcome> {
    Ok(Outcome { unknown: crate::audit::check(project)?, ..Outcome::done() })
}

fn clippy(project: &Project) -> Result<Outcome> {
    let mut native = cargo(project, "clippy", &NATIVE);
    native.args(["--all-targets", "--", "-D", "warnings"]);
    let mut wasm = cargo(project, "clippy", &ONLY_WASM);
    wasm.args(["--all-targets", "--target", WASM, "--", "-D", "warnings"]);
    all(&mut [native, wasm])
}

fn native(project: &Project) -> Result<Outcome> {
    counted(cargo(project, "test", &NATIVE).arg("--no-fail-fast"), counts::of_cargo)
}

/// `wasm-pack` finds wasm-bindgen's test runner and Node on the PATH that the project gives it.
fn wasm_pack(project: &Project) -> Command {
    let mut command = project.command("wasm-pack");
    command.arg("test");
    command
}

fn wasm_node(project: &Project) -> Result<Outcome> {
    counted(wasm_pack(project).args(["--node", "crates/core"]), counts::of_cargo)
}

fn web(project: &Project) -> Result<Outcome> {
    let driver = chrome::driver().context("there is no chromedriver")?;
    let mut command = wasm_pack(project);
    command.args(["--headless", "--chrome", "--chromedriver"]).arg(driver).arg("web");
    // The default of 20 s is short for a debug build on a busy machine.
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    counted(&mut command, counts::of_cargo)
}

fn e2e(project: &Project) -> Result<Outcome> {
    setup::for_e2e(project)?;
    build::run(project, Part::All)?;
    process::run(&mut cargo(project, "build", &["adtally-cli"]))?;
    let browser = chrome::browser().context("there is no Chromium")?;
    let mut command = project.command(project.node_bin("node"));
    command
        // Two files at a time, on any machine: one works while the other waits for its server.
        .args(["--test", "--test-concurrency=2", "--test-reporter=spec", E2E_TESTS])
        .env("CHROME", browser)
        .env(clients::VARIABLE, clients::folder()?)
        // The programs under test, so that no test needs to build.
        .env("ADTALLY_XTASK", std::env::current_exe().context("cannot find this program")?)
        .env("ADTALLY_CLI", project.target().join("debug/adtally"));
    counted(&mut command, counts::of_node)
}
