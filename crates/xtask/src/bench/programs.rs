//! The programs of `crates/bench`, native and as WebAssembly, and what they measure.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::data::Data;
use super::figure::{Figure, Peer};
use super::peers::{Peers, Question};
use super::{Bench, ask, pinned};
use crate::process;
use crate::project::Project;
use crate::setup::cargo_tools::CargoTool;
use crate::setup::rust::WASM;

const PACKAGE: &str = "adtally-bench";
const MEGABYTE: f64 = 1e6;

/// A job on events.
struct Job {
    name: &'static str,
    unit: &'static str,
    /// Which file.
    large: bool,
    /// Whether WebAssembly runs it too.
    in_wasm: bool,
    /// What other engines are asked for it.
    question: Option<Question>,
}

const JOBS: [Job; 8] = [
    Job { name: "parse", unit: "events/s", large: false, in_wasm: true, question: Some(Question::Parse) },
    Job { name: "link", unit: "events/s", large: true, in_wasm: true, question: Some(Question::Link) },
    Job { name: "bulk", unit: "events/s", large: true, in_wasm: true, question: Some(Question::Link) },
    Job { name: "spilled", unit: "events/s", large: false, in_wasm: true, question: None },
    Job {
        name: "aggregate",
        unit: "rows/s",
        large: true,
        in_wasm: false,
        question: Some(Question::Aggregate),
    },
    Job {
        name: "aggregate-users",
        unit: "rows/s",
        large: true,
        in_wasm: false,
        question: Some(Question::AggregateUsers),
    },
    Job { name: "whole", unit: "events/s", large: false, in_wasm: true, question: Some(Question::Whole) },
    Job { name: "whole-set", unit: "events/s", large: false, in_wasm: true, question: Some(Question::Whole) },
];

/// What is known of native jobs besides their rates.
const LINK_TOO: [&str; 2] = ["native/link-peak", "native/open-events"];
const BULK_TOO: [&str; 2] = ["native/bulk-loaded", "native/bulk-peak"];

/// The nightly batch's linking, from files of the archive to cells.
const RELINK: &str = "native/relink";

const QUERIES: [&str; 4] = ["q1", "q2", "q3", "q4"];

/// Where the native program is.
pub(super) fn native(project: &Project) -> PathBuf {
    project.target().join("release").join(PACKAGE)
}

fn wasm_script(project: &Project) -> PathBuf {
    project.target().join("bench/wasm/adtally_bench.js")
}

/// Builds both programs.
pub(super) fn build(project: &Project) -> Result<()> {
    eprintln!("bench: building the measured programs (2 min the first time)");
    process::run(project.command("cargo").args(["build", "--release", "--package", PACKAGE, "--bins"]))?;
    let mut cargo = project.command("cargo");
    process::run(cargo.args(["build", "--release", "--package", PACKAGE, "--lib", "--target", WASM]))?;
    let script = wasm_script(project);
    let folder = script.parent().context("a file has a folder")?;
    let compiled = project.target().join(WASM).join("release/adtally_bench.wasm");
    let mut bindgen = project.command(CargoTool::WasmBindgen.locate(project)?);
    process::run(bindgen.args(["--target", "web", "--out-dir"]).arg(folder).arg(compiled))?;
    let module = folder.join("adtally_bench_bg.wasm");
    let features = [
        "mutable-globals",
        "sign-ext",
        "nontrapping-float-to-int",
        "bulk-memory",
        "multivalue",
        "reference-types",
    ];
    let mut optimizer = project.command(project.node_bin("wasm-opt"));
    optimizer.arg("-O3").args(features.map(|feature| format!("--enable-{feature}")));
    process::run(optimizer.arg(&module).arg("-o").arg(&module))
}

/// Measures all that is wanted of it.
pub(super) fn measure(bench: &mut Bench<'_>, peers: Option<&Peers>) -> Result<()> {
    let of_queries = QUERIES.iter().flat_map(|query| [format!("native/{query}"), format!("wasm/{query}")]);
    let of_jobs = JOBS.iter().flat_map(|job| [format!("native/{}", job.name), format!("wasm/{}", job.name)]);
    let others = ["wasm/open-events", "wasm/spilled-events", "wasm/module", RELINK];
    let others = LINK_TOO.into_iter().chain(BULK_TOO).chain(others).map(str::to_owned);
    let names: Vec<String> = of_queries.chain(of_jobs).chain(others).collect();
    if !bench.wants_any(names.iter().map(String::as_str)) {
        return Ok(());
    }
    build(bench.project)?;
    let data = Data::find(bench, peers)?;
    for job in &JOBS {
        of_job(bench, job, &data, peers)?;
    }
    relink(bench, &data)?;
    of_cube(bench, &data, peers)?;
    if bench.wants("wasm/module") {
        let bytes =
            wasm_script(bench.project).with_file_name("adtally_bench_bg.wasm").metadata()?.len() as f64;
        bench.figures.add(Figure::new("wasm/module", "kB", vec![bytes / 1e3]));
    }
    Ok(())
}

fn of_job(bench: &mut Bench<'_>, job: &Job, data: &Data, peers: Option<&Peers>) -> Result<()> {
    let (native_name, wasm_name) = (format!("native/{}", job.name), format!("wasm/{}", job.name));
    let is_link = job.name == "link";
    let extra_native = match job.name {
        "link" => &LINK_TOO[..],
        "bulk" => &BULK_TOO,
        _ => &[],
    };
    let file = if job.large { &data.large } else { &data.small };
    let runs = bench.runs(if job.large { 3 } else { 5 });
    if bench.wants(&native_name) || bench.wants_any(extra_native.iter().copied()) {
        let mut command = pinned(bench.project, native(bench.project));
        let result = ask(command.args(["run", job.name]).arg(file).args(["--runs", &runs]))?;
        let told = match (peers, job.question) {
            (Some(peers), Some(question)) => Some(peers.ask(question, data, &result["answer"])?),
            _ => None,
        };
        let (fastest, leanest) = told.map_or((None, None), |told| (Some(told.fastest), Some(told.leanest)));
        let peer = fastest.map(|fastest| rate(fastest, &result)).transpose()?;
        let figure = Figure::new(native_name, job.unit, rates(&result)?).with_peer(peer.clone());
        bench.figures.add(with_size(figure, &result));
        if !extra_native.is_empty() {
            let peak = number(&result, "peak_resident")? / MEGABYTE;
            let name = format!("native/{}-peak", job.name);
            bench.figures.add(Figure::new(name, "MB", vec![peak]).with_peer(leanest));
        }
        match job.name {
            "link" => bench.figures.add(open_events("native/open-events", &result)?),
            "bulk" => {
                // Other engines have loaded the events before the clock starts.
                let rates = rates_by(&result, "finish_cpu_s")?;
                bench.figures.add(Figure::new("native/bulk-loaded", job.unit, rates).with_peer(peer));
            }
            _ => {}
        }
    }
    if job.in_wasm && (bench.wants(&wasm_name) || is_link && bench.wants("wasm/open-events")) {
        let mut command = wasm(bench);
        // The address space of WebAssembly is 4 GB, that of an isolate 128 MB: a million events at a time.
        let runs = bench.runs(3);
        let result = ask(command.args(["run", job.name]).arg(&data.small).args(["Infinity", &runs]))?;
        let peer = match (peers, job.question) {
            (Some(peers), Some(Question::Parse)) => Some(peers.json_parse(bench, data, &result["answer"])?),
            _ => None,
        };
        let peer = peer.map(|peer| rate(peer, &result)).transpose()?;
        let figure = Figure::new(wasm_name, job.unit, rates(&result)?).with_peer(peer);
        let peak = number(&result, "peak_resident")? / MEGABYTE;
        bench.figures.add(with_size(figure, &result).note("peak_memory_mb", peak.round()));
        match job.name {
            "link" => bench.figures.add(open_events("wasm/open-events", &result)?),
            "spilled" => bench.figures.add(spilled_events("wasm/spilled-events", &result)?),
            _ => {}
        }
    }
    Ok(())
}

/// Files of the archive to cells, a part of a day after the other.
fn relink(bench: &mut Bench<'_>, data: &Data) -> Result<()> {
    if !bench.wants(RELINK) {
        return Ok(());
    }
    let mut command = pinned(bench.project, native(bench.project));
    let runs = bench.runs(3);
    let result = ask(command.arg("relink").arg(&data.small).args(["--runs", &runs]))?;
    bench.figures.add(with_size(Figure::new(RELINK, "events/s", rates(&result)?), &result));
    Ok(())
}

/// The WebAssembly program, to be told what to do.
fn wasm(bench: &Bench<'_>) -> Command {
    let mut command = pinned(bench.project, bench.project.node_bin("node"));
    command.arg(bench.project.path("crates/bench/measure.mjs")).arg(wasm_script(bench.project));
    command
}

/// Memory that a linker has grown by, per million events in it.
fn open_events(name: &str, result: &Value) -> Result<Figure> {
    let grown = number(result, "resident_after")? - number(result, "resident_before")?;
    let events = number(&result["answer"], "unique")?;
    Ok(Figure::new(name, "MB/M", vec![grown / MEGABYTE / (events / 1e6)]).note("events", events))
}

/// Memory of a linker that spills, per million events in it, and what lies on its shelf.
fn spilled_events(name: &str, result: &Value) -> Result<Figure> {
    let answer = &result["answer"];
    let per_million = |figure: &str| {
        Ok::<_, anyhow::Error>(number(answer, figure)? / MEGABYTE / (number(answer, "unique")? / 1e6))
    };
    let detail = format!("and {:.0} MB/M on the shelf", per_million("shelf_bytes")?);
    Ok(Figure::new(name, "MB/M", vec![per_million("linker_bytes")?]).note("detail", detail))
}

fn of_cube(bench: &mut Bench<'_>, data: &Data, peers: Option<&Peers>) -> Result<()> {
    let runs = if bench.options.quick { "5" } else { "21" };
    if bench.wants_any(QUERIES.map(|query| format!("native/{query}")).iter().map(String::as_str)) {
        let mut command = pinned(bench.project, native(bench.project));
        let result = ask(command.arg("cube").arg(&data.cube).args(["--runs", runs]))?;
        let answers = match peers {
            Some(peers) => peers.ask_cube(data, &result["queries"])?,
            None => Vec::new(),
        };
        for query in QUERIES {
            let peer = answers.iter().find(|(name, _)| *name == query).map(|(_, peer)| peer.clone());
            let times = milliseconds(&result["queries"][query], "cpu_s")?;
            bench.figures.add(Figure::new(format!("native/{query}"), "ms", times).with_peer(peer));
        }
    }
    if bench.wants_any(QUERIES.map(|query| format!("wasm/{query}")).iter().map(String::as_str)) {
        let result = ask(wasm(bench).arg("cube").arg(&data.cube).arg(runs))?;
        let peak = number(&result, "peak_resident")? / MEGABYTE;
        let answers = match peers {
            Some(peers) => peers.duckdb_wasm(bench, data)?,
            None => Vec::new(),
        };
        for query in QUERIES {
            let times = milliseconds(&result["queries"][query], "wall_s")?;
            let peer = answers.iter().find(|(name, _)| name == query).map(|(_, peer)| peer.clone());
            let figure = Figure::new(format!("wasm/{query}"), "ms", times).with_peer(peer);
            bench.figures.add(figure.note("peak_memory_mb", peak.round()));
        }
    }
    Ok(())
}

/// The fastest of the other engines, as a rate.
fn rate(fastest: Peer, ours: &Value) -> Result<Peer> {
    Ok(Peer { value: events(ours)? / fastest.value, ..fastest })
}

/// Events that a job took in, facts for jobs that add them up.
fn events(result: &Value) -> Result<f64> {
    match result["job"].as_str() {
        Some("aggregate" | "aggregate-users") => number(&result["answer"], "facts"),
        _ => number(result, "events"),
    }
}

fn rates(result: &Value) -> Result<Vec<f64>> {
    rates_by(result, "cpu_s")
}

fn rates_by(result: &Value, clock: &str) -> Result<Vec<f64>> {
    let events = events(result)?;
    Ok(seconds(result, clock)?.into_iter().map(|seconds| events / seconds).collect())
}

fn milliseconds(result: &Value, clock: &str) -> Result<Vec<f64>> {
    Ok(seconds(result, clock)?.into_iter().map(|seconds| seconds * 1e3).collect())
}

fn seconds(result: &Value, clock: &str) -> Result<Vec<f64>> {
    let times = result[clock].as_array().context("a measurement without times")?;
    Ok(times.iter().filter_map(Value::as_f64).collect())
}

fn with_size(figure: Figure, result: &Value) -> Figure {
    let figure = figure.note("events", result["events"].clone());
    match result["answer"]["bytes"].as_f64() {
        Some(bytes) => figure.note("bytes", bytes),
        None => figure,
    }
}

pub(super) fn number(value: &Value, name: &str) -> Result<f64> {
    match value[name].as_f64() {
        Some(number) => Ok(number),
        None => bail!("a measurement lacks {name}: {value}"),
    }
}
