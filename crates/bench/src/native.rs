//! The command line of the native program, its clock and its files.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use adtally_bench::cube::{Cube, QUERIES, figures};
use adtally_bench::generate;
use adtally_bench::job::{self, Answer};
use adtally_bench::record::{CHUNK, CellRecord, EventRecord, Names};
use anyhow::{Context as _, Result, bail};
use lexopt::prelude::{Long, Value as Word, ValueExt as _};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

const USAGE: &str = "\
adtally-bench generate events|cube N FILE      make N records
adtally-bench run JOB FILE [--events N] [--runs N]
adtally-bench relink FILE [--events N] [--runs N]
adtally-bench cube FILE [--runs N]
adtally-bench segments N FOLDER                make N cells, a file of them per day
";

/// How often a query is asked before it is measured.
const WARM_UP: usize = 3;

pub(crate) fn main() -> Result<()> {
    let mut words = Vec::new();
    let (mut events, mut runs) = (u64::MAX, 1);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("events") => events = parser.value()?.parse()?,
            Long("runs") => runs = parser.value()?.parse()?,
            Word(word) => words.push(word.string()?),
            arg => return Err(arg.unexpected().into()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["generate", what, count, file] => return generate(what, count.parse()?, file.into()),
        ["segments", count, folder] => segments(count.parse()?, folder.into())?,
        ["run", name, file] => run(name, file.into(), events, runs)?,
        ["relink", file] => crate::relink::run(&file.into(), events, runs)?,
        ["cube", file] => cube(file.into(), runs)?,
        _ => bail!("usage:\n{USAGE}"),
    };
    println!("{answer}");
    Ok(())
}

/// Days of cells as a batch leaves them.
fn segments(count: u64, folder: PathBuf) -> Result<Value> {
    let mut cube = Cube::new(generate::names());
    let mut chunk = Vec::new();
    generate::cube(count).for_each(|cell| cell.write(&mut chunk));
    cube.load(&chunk);
    cube.finish();
    let mut days = Vec::new();
    for (day, segment) in cube.days() {
        let (name, bytes) = (format!("{day}.cells"), segment.encode());
        std::fs::write(folder.join(&name), &bytes)?;
        days.push(json!({ "day": day, "file": name, "cells": segment.len(), "bytes": bytes.len() }));
    }
    Ok(json!({ "days": days }))
}

fn generate(what: &str, count: u64, file: PathBuf) -> Result<()> {
    let mut file =
        BufWriter::new(File::create(&file).with_context(|| format!("cannot write {}", file.display()))?);
    serde_json::to_writer(&mut file, &generate::names())?;
    file.write_all(b"\n")?;
    let mut bytes = Vec::new();
    match what {
        "events" => {
            for record in generate::Events::new(count).take(usize::try_from(count)?) {
                bytes.clear();
                record.write(&mut bytes);
                file.write_all(&bytes)?;
            }
        }
        "cube" => {
            for record in generate::cube(count) {
                bytes.clear();
                record.write(&mut bytes);
                file.write_all(&bytes)?;
            }
        }
        _ => bail!("usage:\n{USAGE}"),
    }
    Ok(file.flush()?)
}

/// A file of records, read in chunks.
pub(crate) struct Records {
    file: BufReader<File>,
    pub(crate) names: Names,
    left: u64,
    record_bytes: usize,
}

impl Records {
    pub(crate) fn open(path: &PathBuf, left: u64, record_bytes: usize) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        file.read_until(b'\n', &mut line)?;
        Ok(Self { file, names: Names::read(&line)?, left, record_bytes })
    }

    /// The next chunk in `bytes`; false at the end.
    pub(crate) fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool> {
        let records = self.left.min(CHUNK as u64);
        bytes.clear();
        self.file.by_ref().take(records * self.record_bytes as u64).read_to_end(bytes)?;
        self.left -= (bytes.len() / self.record_bytes) as u64;
        Ok(!bytes.is_empty())
    }
}

/// Time of the processor and of the wall that was spent in measured calls.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) cpu: Duration,
    wall: Duration,
}

impl Meter {
    pub(crate) fn measure<T>(&mut self, work: impl FnOnce() -> T) -> Result<T> {
        let before = (time(ClockId::CLOCK_PROCESS_CPUTIME_ID)?, time(ClockId::CLOCK_MONOTONIC)?);
        let result = work();
        self.cpu += time(ClockId::CLOCK_PROCESS_CPUTIME_ID)? - before.0;
        self.wall += time(ClockId::CLOCK_MONOTONIC)? - before.1;
        Ok(result)
    }
}

fn time(clock: ClockId) -> Result<Duration> {
    Ok(clock_gettime(clock)?.into())
}

fn run(name: &str, file: PathBuf, events: u64, runs: usize) -> Result<Value> {
    let (mut cpu, mut finish_cpu, mut wall) = (Vec::new(), Vec::new(), Vec::new());
    let mut answer = Answer::new();
    let mut resident = (0, 0);
    let mut count = 0;
    for run in 0..runs {
        let mut records = Records::open(&file, events, EventRecord::BYTES)?;
        let mut job =
            job::by_name(name, records.names.clone()).with_context(|| format!("there is no job {name}"))?;
        let before = resident_bytes();
        let mut meter = Meter::default();
        let mut chunk = Vec::new();
        count = 0;
        while records.next(&mut chunk)? {
            count += chunk.len() / EventRecord::BYTES;
            job.prepare(&chunk);
            meter.measure(|| job.step())?;
        }
        let taken_in = meter.cpu;
        meter.measure(|| job.finish())?;
        finish_cpu.push((meter.cpu - taken_in).as_secs_f64());
        if run == 0 {
            resident = (before, resident_bytes());
        }
        answer = job.answer();
        cpu.push(meter.cpu.as_secs_f64());
        wall.push(meter.wall.as_secs_f64());
    }
    Ok(json!({
        "job": name, "events": count, "cpu_s": cpu, "finish_cpu_s": finish_cpu, "wall_s": wall, "answer": answer,
        "resident_before": resident.0, "resident_after": resident.1, "peak_resident": peak_bytes()?,
    }))
}

fn cube(file: PathBuf, runs: usize) -> Result<Value> {
    let mut records = Records::open(&file, u64::MAX, CellRecord::BYTES)?;
    let mut cube = Cube::new(records.names.clone());
    let mut chunk = Vec::new();
    while records.next(&mut chunk)? {
        cube.load(&chunk);
    }
    cube.finish();
    let mut queries = serde_json::Map::new();
    for (number, (name, _)) in QUERIES.iter().enumerate() {
        let ask = || cube.query(number).with_context(|| format!("{name} cannot be asked"));
        let answer = figures(&ask()?);
        for _ in 0..WARM_UP {
            ask()?;
        }
        let (mut cpu, mut wall) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let mut meter = Meter::default();
            drop(meter.measure(ask)?);
            cpu.push(meter.cpu.as_secs_f64());
            wall.push(meter.wall.as_secs_f64());
        }
        queries.insert((*name).to_owned(), json!({ "cpu_s": cpu, "wall_s": wall, "answer": answer }));
    }
    Ok(json!({ "cells": cube.len(), "queries": queries, "peak_resident": peak_bytes()? }))
}

/// What is in memory now; 0 where there is no /proc.
fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4_096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE_BYTES
}

pub(crate) fn peak_bytes() -> Result<i64> {
    const KILOBYTE: i64 = 1_024;
    Ok(getrusage(UsageWho::RUSAGE_SELF)?.max_rss() * KILOBYTE)
}
