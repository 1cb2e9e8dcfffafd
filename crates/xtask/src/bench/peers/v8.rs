//! Peers that run in V8, as our WebAssembly does: `JSON.parse`, and DuckDB as WebAssembly.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::super::data::Data;
use super::super::figure::Peer;
use super::super::programs::number;
use super::super::{Bench, ask, pinned};
use super::Peers;
use crate::process;

/// The folder of DuckDB's program, beside the other scripts and in the cache.
const DUCKDB: &str = "ddbwasm";

impl Peers {
    /// How long V8 takes to read the events, in seconds.
    pub(in super::super) fn json_parse(&self, bench: &Bench<'_>, data: &Data, ours: &Value) -> Result<Peer> {
        let mut command = node(bench);
        command.arg(bench.project.path("crates/bench/peers/json_parse.mjs"));
        let told = ask(command.arg(data.folder.join("ev1m.ndjson")).arg(&self.runs))?;
        let expected = [number(ours, "events")?, number(ours, "cost_micros")?];
        let found = told["check"].as_array().into_iter().flatten().filter_map(Value::as_f64);
        ensure!(found.eq(expected), "JSON.parse reads {}, not {expected:?}", told["check"]);
        let mut times: Vec<f64> =
            told["cpu_s"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        times.sort_by(f64::total_cmp);
        let value = times.get(times.len() / 2).copied().context("JSON.parse was not measured")?;
        Ok(Peer { engine: "JSON.parse".to_owned(), value })
    }

    /// How long DuckDB takes for the queries of the cube, in ms.
    pub(in super::super) fn duckdb_wasm(
        &self,
        bench: &Bench<'_>,
        data: &Data,
    ) -> Result<Vec<(String, Peer)>> {
        let folder = bench.cache.join(DUCKDB);
        if !folder.join("node_modules").exists() {
            eprintln!("bench: installing DuckDB for WebAssembly in {} (once)", folder.display());
            std::fs::create_dir_all(&folder)?;
            for name in ["cube.cjs", "package.json"] {
                let text = std::fs::read(self.scripts.join(DUCKDB).join(name))?;
                std::fs::write(folder.join(name), text)?;
            }
            process::query(
                bench.project.command("npm").current_dir(&folder).args(["install", "--no-audit"]),
            )?;
        }
        let mut command = node(bench);
        command.arg(folder.join("cube.cjs")).arg(data.folder.join("cube.csv"));
        let told = process::query(&mut command)?;
        let answers: Vec<(String, Peer)> = told.lines().filter_map(median).collect();
        ensure!(answers.len() == 4, "duckdb-wasm did not answer: {told}");
        Ok(answers)
    }
}

fn node(bench: &Bench<'_>) -> Command {
    pinned(bench.project, bench.project.node_bin("node"))
}

/// Reads `q1 min 20.31 median 21.00 ms rows 101`.
fn median(line: &str) -> Option<(String, Peer)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (query, at) = (words.first()?, words.iter().position(|word| *word == "median")?);
    let value = words.get(at + 1)?.parse().ok()?;
    Some(((*query).to_owned(), Peer { engine: "duckdb-wasm".to_owned(), value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_of_duckdb_prints() {
        let (query, peer) = median("q1 min 20.31 median 21.50 ms rows 101").unwrap();
        assert_eq!((query.as_str(), peer.value), ("q1", 21.5));
        assert!(median("load csv ms 1200").is_none());
    }
}
