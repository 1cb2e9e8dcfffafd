//! `cargo xtask fuzz`: the targets of `crates/fuzz` under libFuzzer, from the corpus of the tests called `fuzz`.
//!
//! Without a sanitizer, which works with a stable compiler: our code has no `unsafe`, so what is looked for is panics,
//! assertions that fail, numbers that overflow, and answers that take too long or too much memory.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::project::Project;
use crate::setup;

/// For each target when not told.
pub(crate) const DEFAULT_SECONDS: u32 = 30;

/// Where the targets are.
const FOLDER: &str = "crates/fuzz";

/// The crates whose tests have targets.
const PACKAGES: [&str; 4] = ["adtally-core", "adtally-kafka", "adtally-sql", "adtally-wire"];

pub(crate) fn run(project: &Project, wanted: &[String], seconds: u32) -> Result<ExitCode> {
    let all = targets(project)?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{unknown}`; there are {}", all.join(", "));
    }
    let fuzzer = setup::cargo_tools::fuzzer(project)?;
    let mut seeds = project.command("cargo");
    seeds
        .args(["test", "--quiet", "--test", "fuzz"])
        .env("ADTALLY_CORPUS", project.path(FOLDER).join("corpus"));
    process::run(seeds.args(PACKAGES.map(|name| format!("--package={name}"))))?;
    let mut failed = Vec::new();
    for target in all.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        let mut command = project.command(&fuzzer);
        command.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir", FOLDER, target, "--"]);
        command.args([&format!("-max_total_time={seconds}"), "-timeout=10", "-print_final_stats=1"]);
        if process::run(&mut command).is_err() {
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("fuzz: failed: {}; the bytes are in {FOLDER}/artifacts", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn targets(project: &Project) -> Result<Vec<String>> {
    let folder = project.path(FOLDER).join("fuzz_targets");
    let read = || format!("cannot read {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(read)? {
        let name = entry.with_context(read)?.file_name();
        names.extend(name.to_string_lossy().strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
