//! `cargo xtask bench`: what the system does per second, per megabyte and per dollar, beside goals and other engines.
//!
//! One JSON object a line on standard output, as soon as it is known; a table on standard error at the end.
//! Every measurement is a process of its own, on one core where that can be had.

mod data;
mod figure;
mod goals;
mod peers;
mod programs;
mod runtime;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::args::BenchOptions;
use crate::process;
use crate::project::{Project, which};
use crate::setup;
use figure::Figures;
use peers::Peers;

/// The core that measured processes are kept on: the other one is for whoever watches.
const CORE: &str = "1";

/// What all measurements have in common.
struct Bench<'a> {
    project: &'a Project,
    options: BenchOptions,
    figures: Figures,
    cache: PathBuf,
}

pub(crate) fn run(project: &Project, options: BenchOptions) -> Result<()> {
    setup::for_build(project)?;
    let cache = data::cache()?;
    let mut bench = Bench { project, figures: Figures::default(), cache, options };
    let peers = if bench.options.peers { Some(Peers::find(&bench)?) } else { None };
    programs::measure(&mut bench, peers.as_ref())?;
    runtime::measure(&mut bench)?;
    eprint!("\n{}", bench.figures.table());
    Ok(())
}

impl Bench<'_> {
    /// Whether a figure is wanted: without names all are, else those that begin with a name or have it as a part.
    fn wants(&self, name: &str) -> bool {
        let fits =
            |wanted: &String| name.starts_with(wanted.as_str()) || name.split('/').any(|part| part == wanted);
        self.options.names.is_empty() || self.options.names.iter().any(fits)
    }

    /// How often to measure: as told, once for a quick look, else as often as usual.
    fn runs(&self, usual: u32) -> String {
        let usual = if self.options.quick { 1 } else { usual };
        self.options.runs.unwrap_or(usual).max(1).to_string()
    }

    fn wants_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        names.into_iter().any(|name| self.wants(name))
    }
}

/// `program` on one core, where this system can do that.
fn pinned(project: &Project, program: impl AsRef<std::ffi::OsStr>) -> Command {
    match which("taskset").filter(|_| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
    {
        Some(taskset) => {
            let mut command = project.command(taskset);
            command.args(["-c", CORE]).arg(program);
            command
        }
        None => project.command(program),
    }
}

/// The last line that a command prints, as JSON.
fn ask(command: &mut Command) -> Result<serde_json::Value> {
    let output = process::query(command)?;
    Ok(serde_json::from_str(output.lines().last().unwrap_or_default())?)
}
