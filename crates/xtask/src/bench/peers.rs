//! Other engines on the same data in the same run: DuckDB, Polars, chDB (ClickHouse) and DataFusion, through Python.
//!
//! The questions are asked by `bench.py` of a folder beside the checkout, which is no part of this repository.
//! Its linking rules fall back where ours do not, so `crates/bench/peers/prepare.py` removes from the data what they
//! judge differently; then all answers must be equal, and a difference is an error.

mod v8;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::data::{CELLS, Data, Sizes};
use super::figure::Peer;
use super::programs::number;
use super::{Bench, CORE, ask};
use crate::process;
use crate::project::{Project, non_empty_var};
use crate::setup::lock;

const PACKAGES: [&str; 6] = ["numpy", "pyarrow", "duckdb", "polars", "chdb", "datafusion"];

/// Where the scripts are, beside the checkout.
const SCRIPTS: &str = "../shared/bench";

/// The names by which `bench.py` knows the cube's queries.
const CUBE_QUERIES: [(&str, &str); 4] = [
    ("q1", "q1_campaign_totals_filter"),
    ("q2", "q2_top20_ads_spend"),
    ("q3", "q3_hourly_series_one_campaign"),
    ("q4", "q4_groupby_country_device_all"),
];

/// What engines are asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    Parse,
    Link,
    Aggregate,
    AggregateUsers,
    Whole,
}

/// What engines told.
pub(super) struct Told {
    /// Who was fastest, in seconds.
    pub(super) fastest: Peer,
    /// Who needed the least memory, in MB; what an engine has loaded is part of it.
    pub(super) leanest: Peer,
}

/// The other engines, ready to be asked.
pub(super) struct Peers {
    project_root: PathBuf,
    prepare: PathBuf,
    python: PathBuf,
    scripts: PathBuf,
    runs: String,
    /// What was told already, by engine and job: two of our jobs may answer the same question.
    told: RefCell<BTreeMap<String, Value>>,
}

impl Question {
    /// Engines with the variant of the question that each answers fastest, and the name of its time.
    fn engines(self) -> (&'static [(&'static str, &'static str)], &'static str) {
        match self {
            Question::Parse => (
                &[("duckdb", "parse"), ("polars", "parse"), ("chdb", "parse"), ("datafusion", "parse")],
                "parse",
            ),
            Question::Link => (
                &[("duckdb", "link:semi"), ("polars", "link:mask-cat"), ("chdb", "link:limitby-semi")],
                "total",
            ),
            Question::Aggregate => {
                (&[("duckdb", "agg:enum"), ("polars", "agg:stream-cat"), ("chdb", "agg")], "agg")
            }
            Question::AggregateUsers => {
                (&[("duckdb", "agghll:enum"), ("polars", "agghll:stream-cat"), ("chdb", "agghll")], "agghll")
            }
            Question::Whole => (&[("duckdb", "e2e"), ("polars", "e2e"), ("chdb", "e2e")], "e2e"),
        }
    }

    /// Our answer in the order in which engines tell theirs.
    fn expected(self, ours: &Value) -> Result<Vec<i64>> {
        let figures = |names: &[&str]| {
            names.iter().map(|name| Ok(number(ours, name)? as i64)).collect::<Result<Vec<_>>>()
        };
        Ok(match self {
            Question::Parse => figures(&["events", "cost_micros"])?,
            Question::Link => {
                let mut expected = figures(&["unique"])?;
                let rules = [
                    "click_named",
                    "click_by_user",
                    "conversion_named",
                    "conversion_by_click",
                    "conversion_by_view",
                ];
                for (rule, name) in (1..).zip(rules) {
                    expected.extend([
                        rule,
                        number(ours, name)? as i64,
                        number(ours, &format!("{name}_parents"))? as i64,
                    ]);
                }
                expected
            }
            Question::Aggregate | Question::AggregateUsers => {
                figures(&["cells", "impressions", "cost_micros"])?
            }
            Question::Whole => {
                // They count conversions by a click and by a view apart.
                let through = number(ours, "view_through")? as i64;
                let mut expected =
                    figures(&["cells", "impressions", "clicks", "conversions", "view_through"])?;
                expected[3] -= through;
                expected
            }
        })
    }
}

impl Peers {
    /// Installs the engines in the cache, if they are not there.
    pub(super) fn find(bench: &Bench<'_>) -> Result<Self> {
        let scripts = match (&bench.options.peers_from, non_empty_var("ADTALLY_PEERS")) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.into(),
            (None, None) => bench.project.path(SCRIPTS),
        };
        let scripts = std::path::absolute(scripts)?;
        if !scripts.join("bench.py").exists() {
            bail!(
                "--peers needs the scripts that ask other engines: there is no {}; name their folder with --peers-from \
                 or ADTALLY_PEERS",
                scripts.join("bench.py").display()
            );
        }
        let peers = Self {
            project_root: bench.project.root().to_owned(),
            prepare: bench.project.path("crates/bench/peers/prepare.py"),
            python: bench.cache.join("venv/bin/python"),
            scripts,
            runs: bench.runs(3),
            told: RefCell::default(),
        };
        peers.install(bench.project, &bench.cache)?;
        Ok(peers)
    }

    fn install(&self, project: &Project, cache: &Path) -> Result<()> {
        let _lock = lock(cache, ".venv.lock")?;
        let (stamp, wanted) = (cache.join("venv/adtally.packages"), PACKAGES.join(" "));
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        eprintln!("bench: installing {wanted} for Python in {} (1-2 min, once)", cache.display());
        process::query(project.command("python3").args(["-m", "venv"]).arg(cache.join("venv")))
            .context("Python 3 with venv is needed (Debian: `apt-get install python3-venv`)")?;
        process::query(
            project.command(&self.python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES),
        )?;
        std::fs::write(stamp, wanted).context("cannot note that the packages are there")
    }

    fn python(&self, script: PathBuf) -> Command {
        let mut command = Command::new(&self.python);
        command.current_dir(&self.project_root).arg(script);
        command
    }

    /// Makes the same events and cells for all, in the files of [`Data`] and in those that `bench.py` reads.
    pub(super) fn make(&self, folder: &Path, sizes: Sizes) -> Result<()> {
        let file = |name: &str| folder.join(name);
        let prepare = |what: &str, from: PathBuf, to: PathBuf| {
            process::query(self.python(self.prepare.clone()).arg(what).arg(from).arg(to))
        };
        for (count, name) in [(sizes.small, "small"), (sizes.large, "large")] {
            let raw = file(&format!("raw-{name}"));
            process::query(self.python(self.scripts.join("gen.py")).arg(count.to_string()).arg(&raw))?;
            let done = prepare("events", raw.with_extension("parquet"), file(name))?;
            eprintln!("bench: {name}: {done}");
            let _ = std::fs::remove_file(raw.with_extension("parquet"));
        }
        prepare("ndjson", file("small.parquet"), file("ev1m"))?;
        let cube = file("cube1m.parquet");
        process::query(self.python(self.scripts.join("gen_cube.py")).arg(&cube).arg(CELLS.to_string()))?;
        prepare("cube", cube, file("cube"))?;
        self.bench(folder, "duckdb", "mkfacts:semi", "1").map(drop)
    }

    fn bench(&self, folder: &Path, engine: &str, job: &str, runs: &str) -> Result<Value> {
        let mut command = self.python(self.scripts.join("bench.py"));
        command.args([engine, job, "1", runs]);
        command.env("BENCH_DATA", folder).env("EV", folder.join("large.parquet")).env("CORE", CORE);
        ask(&mut command)
    }

    fn told_once(&self, folder: &Path, engine: &str, job: &str) -> Result<Value> {
        let name = format!("{engine} {job}");
        if let Some(told) = self.told.borrow().get(&name) {
            return Ok(told.clone());
        }
        let told = self.bench(folder, engine, job, &self.runs)?;
        self.told.borrow_mut().insert(name, told.clone());
        Ok(told)
    }

    /// Asks all engines. An answer that is not ours is an error.
    pub(super) fn ask(&self, question: Question, data: &Data, ours: &Value) -> Result<Told> {
        let expected = question.expected(ours)?;
        let (engines, clock) = question.engines();
        let (mut fastest, mut leanest): (Option<Peer>, Option<Peer>) = (None, None);
        for (engine, job) in engines {
            let told = self.told_once(&data.folder, engine, job)?;
            let answer = flat(&told["check"]);
            // DataFusion tells rows only.
            ensure!(
                !answer.is_empty() && expected.starts_with(&answer),
                "{engine} and we disagree on {job}: {answer:?} there, {expected:?} here"
            );
            let value = number(&told["cpu"], clock)?;
            eprintln!("bench: {engine} {job}: {value} s, the same answer: {answer:?}");
            keep_least(&mut fastest, engine, value);
            keep_least(&mut leanest, engine, number(&told, "peak_rss_mb")?);
        }
        Ok(Told {
            fastest: fastest.context("no engine was asked")?,
            leanest: leanest.context("no engine was asked")?,
        })
    }

    /// The fastest engine of each query, in ms.
    pub(super) fn ask_cube(&self, data: &Data, ours: &Value) -> Result<Vec<(&'static str, Peer)>> {
        let naive: Value = serde_json::from_slice(&std::fs::read(data.folder.join("cube.json"))?)?;
        for (query, _) in CUBE_QUERIES {
            let figures = ours[query]["answer"].as_object().context("a query without an answer")?;
            let naive = &naive["answers"][query];
            let differs = figures.iter().find(|(name, figure)| naive[name.as_str()] != **figure);
            ensure!(
                differs.is_none(),
                "{query} is not what a naive sum gives: {figures:?} here, {naive} there"
            );
        }
        let mut fastest: Vec<(&'static str, Peer)> = Vec::new();
        for (engine, job) in
            [("duckdb", "cube:enum"), ("polars", "cube:cat"), ("chdb", "cube"), ("datafusion", "cube")]
        {
            let told = self.bench(&data.folder, engine, job, &self.runs)?;
            for (query, theirs) in CUBE_QUERIES {
                let (rows, expected) = (&told["check"][theirs], &ours[query]["answer"]["rows"]);
                ensure!(
                    rows == expected,
                    "{engine} and we disagree on {query}: {rows} rows there, {expected} here"
                );
                let value = number(&told["cpu"], theirs)? * 1e3;
                let peer = Peer { engine: engine.to_owned(), value };
                match fastest.iter_mut().find(|(name, _)| *name == query) {
                    Some((_, known)) if known.value <= value => {}
                    Some((_, known)) => *known = peer,
                    None => fastest.push((query, peer)),
                }
            }
        }
        Ok(fastest)
    }
}

fn keep_least(least: &mut Option<Peer>, engine: &str, value: f64) {
    if least.as_ref().is_none_or(|least| value < least.value) {
        *least = Some(Peer { engine: engine.to_owned(), value });
    }
}

/// All numbers of nested lists.
fn flat(value: &Value) -> Vec<i64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        other => other.as_i64().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_of_engines_are_nested_as_each_likes() {
        let check = |value: Value| assert_eq!(flat(&value), [3, 1, 2]);
        check(json!([3, [1, 2]]));
        check(json!([[[3]], [[1, 2]]]));
        check(json!([3, "x", [[1], 2]]));
    }

    #[test]
    fn our_answers_in_their_order() {
        let ours = json!({ "cells": 9, "impressions": 8, "clicks": 7, "conversions": 6, "view_through": 2, "cost_micros": 5 });
        assert_eq!(Question::Whole.expected(&ours).unwrap(), [9, 8, 7, 4, 2]);
        assert_eq!(Question::Aggregate.expected(&ours).unwrap(), [9, 8, 5]);
        assert!(Question::Link.expected(&ours).is_err());
    }
}
