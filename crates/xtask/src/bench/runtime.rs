//! The worker in the real edge runtime, driven by `tests/harness`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::data::{CELLS, GENERATOR};
use super::figure::{Figure, Peer};
use super::{Bench, programs};
use crate::process;

/// What is measured in one go; figures are called `worker/<group>/...`, those of `costs` after what they cost.
const GROUPS: [(&str, &[&str]); 8] = [
    ("linker", &["worker/linker"]),
    ("whole", &["worker/whole"]),
    ("costs", &["worker/rows", "worker/dollars"]),
    ("freshness", &["worker/freshness"]),
    ("touches", &["worker/touches"]),
    ("nightly", &["worker/nightly"]),
    (SQL, &["worker/sql"]),
    (BROWSER, &["browser/sql"]),
];

/// Statements over as many cells as the queries of the core have; they are published, not sent as events.
const SQL: &str = "sql";

/// The same in a browser, by the module of the notebook; with `--peers` beside other engines.
const BROWSER: &str = "browser";

/// What the other engines are, as npm installs them.
const BROWSER_PEERS: [&str; 2] = ["@duckdb/duckdb-wasm@1.32.0", "@sqlite.org/sqlite-wasm@3.54.1-build1"];

/// Units as the harness calls them.
const UNITS: [&str; 7] = ["events/s", "ms", "s", "MB", "kB", "rows/k", "$/M"];

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
    for group in wanted {
        let product = match group {
            BROWSER => "web/dist/engine/adtally_engine_bg.wasm",
            _ => "worker/build/index_bg.wasm",
        };
        if !bench.project.path(product).exists() {
            bench.figures.skip(group, "is not built: `cargo xtask build` first");
            continue;
        }
        eprintln!("bench: {group}");
        let mut command = bench.project.command(bench.project.node_bin("node"));
        let harness = |name: &str| bench.project.path("tests/harness").join(name);
        match group {
            SQL => command.arg(harness("questions.mjs")).arg(cells(bench)?),
            BROWSER => command.arg(harness("browser-sql.mjs")).arg(cells(bench)?).args(browser_peers(bench)?),
            _ => command.arg(harness("measure.mjs")).arg(group),
        };
        command.args(bench.options.quick.then_some("--quick"));
        command.env("ADTALLY_BENCH_RUNS", bench.runs(3));
        for line in process::query(&mut command)?.lines().filter(|line| line.starts_with('{')) {
            bench.figures.add(figure(&serde_json::from_str(line)?)?);
        }
    }
    Ok(())
}

/// The folder of the other engines, installed once; nothing where they are not asked for.
fn browser_peers(bench: &Bench<'_>) -> Result<Option<String>> {
    if !bench.options.peers {
        return Ok(None);
    }
    let folder = bench.cache.join("browser");
    let done = folder.join(BROWSER_PEERS.join("_").replace('/', "-"));
    if !done.exists() {
        eprintln!("bench: installing DuckDB and SQLite for browsers in {} (once)", folder.display());
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(folder.join("package.json"), r#"{"private":true}"#)?;
        let mut npm = bench.project.command("npm");
        process::query(npm.current_dir(&folder).args(["install", "--no-audit"]).args(BROWSER_PEERS))?;
        std::fs::write(done, "")?;
    }
    Ok(Some(format!("--peers={}", folder.display())))
}

/// The folder with days of cells, made once.
fn cells(bench: &Bench<'_>) -> Result<PathBuf> {
    let folder = bench.cache.join(format!("cells-{CELLS}-{GENERATOR}"));
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
    let peers = line["peers"].as_object().into_iter().flatten();
    let peers =
        peers.filter_map(|(engine, value)| Some(Peer { engine: engine.clone(), value: value.as_f64()? }));
    // Of times and sizes the least is the best.
    let best = peers.min_by(|a, b| a.value.total_cmp(&b.value));
    let mut figure = Figure::new(name, unit, runs).with_peer(best);
    for (engine, value) in line["peers"].as_object().into_iter().flatten() {
        figure.notes.insert(engine.clone(), value.clone());
    }
    if let Some(notes) = line["notes"].as_object() {
        figure.notes.extend(notes.clone());
    }
    Ok(figure)
}
