//! The worker in the real edge runtime, driven by `tests/harness`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::data::CELLS;
use super::figure::Figure;
use super::{Bench, programs};
use crate::process;

/// What is measured in one go; figures are called `worker/<group>/...`, those of `costs` after what they cost.
const GROUPS: [(&str, &[&str]); 7] = [
    ("linker", &["worker/linker"]),
    ("whole", &["worker/whole"]),
    ("costs", &["worker/rows", "worker/dollars"]),
    ("freshness", &["worker/freshness"]),
    ("touches", &["worker/touches"]),
    ("nightly", &["worker/nightly"]),
    (SQL, &["worker/sql"]),
];

/// Statements over as many cells as the queries of the core have; they are published, not sent as events.
const SQL: &str = "sql";

/// Units as the harness calls them.
const UNITS: [&str; 6] = ["events/s", "ms", "s", "MB", "rows/k", "$/M"];

/// Measures all that is wanted of it.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let asked = |bench: &Bench<'_>, name: &&str| {
        bench.wants(name) || bench.options.names.iter().any(|wanted| wanted.starts_with(*name))
    };
    let wanted: Vec<&str> = GROUPS
        .iter()
        .filter(|(_, names)| names.iter().any(|name| asked(bench, name)))
        .map(|(group, _)| *group)
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if bench.options.quick && bench.options.names.is_empty() {
        bench.figures.skip("worker", "takes minutes: run without --quick, or name it");
        return Ok(());
    }
    if !bench.project.path("worker/build/index_bg.wasm").exists() {
        bench.figures.skip("worker", "is not built: `cargo xtask build worker` first");
        return Ok(());
    }
    for group in wanted {
        eprintln!("bench: worker/{group}");
        let mut command = bench.project.command(bench.project.node_bin("node"));
        match group {
            SQL => command.arg(bench.project.path("tests/harness/questions.mjs")).arg(cells(bench)?),
            _ => command.arg(bench.project.path("tests/harness/measure.mjs")).arg(group),
        };
        command.args(bench.options.quick.then_some("--quick"));
        command.env("ADTALLY_BENCH_RUNS", bench.runs(3));
        for line in process::query(&mut command)?.lines().filter(|line| line.starts_with('{')) {
            bench.figures.add(figure(&serde_json::from_str(line)?)?);
        }
    }
    Ok(())
}

/// The folder with days of cells, made once.
fn cells(bench: &Bench<'_>) -> Result<PathBuf> {
    let folder = bench.cache.join(format!("cells-{CELLS}"));
    let done = folder.join("done");
    if !done.exists() {
        programs::build(bench.project)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = bench.project.command(programs::native(bench.project));
        process::query(command.args(["segments", &CELLS.to_string()]).arg(&folder))?;
        std::fs::write(done, "")?;
    }
    Ok(folder)
}

fn figure(line: &Value) -> Result<Figure> {
    let name = line["name"].as_str().context("a figure without name")?;
    let unit = UNITS.into_iter().find(|unit| line["unit"] == *unit).context("a figure without unit")?;
    let runs = line["runs"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let mut figure = Figure::new(name, unit, runs);
    if let Some(notes) = line["notes"].as_object() {
        figure.notes.extend(notes.clone());
    }
    Ok(figure)
}
