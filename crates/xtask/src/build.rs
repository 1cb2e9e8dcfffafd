//! Builds the worker and the dashboard, and only when something changed.

mod fingerprint;
mod sizes;
mod web;
mod worker;

use std::panic::resume_unwind;

use anyhow::Result;

use crate::args::Part;
use crate::clock::{Stopwatch, human};
use crate::project::{Project, non_empty_var};
use crate::setup::{self, lock};
use fingerprint::Fingerprint;

pub(crate) use sizes::gzipped;

/// Set for a process whose starter has built everything: `dev` for the runtime, the tests for each server.
pub(crate) const ALREADY_BUILT: &str = "ADTALLY_ALREADY_BUILT";

/// One thing that is built: how it is recognised as up to date, and how it is made.
struct Product {
    name: &'static str,
    usual: &'static str,
    /// Folders and files that it is made from.
    inputs: &'static [&'static str],
    /// Files that must exist when it is up to date.
    outputs: &'static [&'static str],
    /// The file whose size people ask about.
    wasm: &'static str,
    /// What else decides about the result.
    variant: fn(&Project) -> String,
    make: fn(&Project) -> Result<()>,
}

/// Sets up and builds, unless whoever started this program said that all is there.
pub(crate) fn unless_already_done(project: &Project, part: Part) -> Result<()> {
    if non_empty_var(ALREADY_BUILT).is_some() {
        return Ok(());
    }
    setup::for_build(project)?;
    run(project, part)
}

/// Builds what is not up to date and says how large it is.
///
/// All of it at once: for most of its time each compiles, links or optimizes one module on one core.
pub(crate) fn run(project: &Project, part: Part) -> Result<()> {
    let products: &[&Product] = match part {
        Part::Worker => &[&worker::PRODUCT],
        Part::Web => &[&web::PRODUCT],
        Part::All => &[&worker::PRODUCT, &web::PRODUCT],
    };
    let _lock = lock(&project.notes(), "build.lock")?;
    at_once(products.iter().map(|product| || product.bring_up_to_date(project)))
}

/// Does all of it to its end, each in a thread of its own; the first error, if there is one.
fn at_once(work: impl Iterator<Item = impl FnOnce() -> Result<()> + Send>) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = work.map(|work| scope.spawn(work)).collect();
        let ended =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.fold(Ok(()), Result::and)
    })
}

impl Product {
    fn bring_up_to_date(&self, project: &Project) -> Result<()> {
        // Taken before the build: a file that changes meanwhile makes the next run build again.
        let fingerprint = Fingerprint::take(project, self.inputs, &(self.variant)(project))?;
        let stamp = project.notes().join(format!("{}.stamp", self.name));
        let present = self.outputs.iter().all(|path| project.path(path).is_file());
        if present && std::fs::read_to_string(&stamp).is_ok_and(|old| old == fingerprint.as_str()) {
            eprintln!("build: {} is up to date: {}", self.name, sizes::describe(&project.path(self.wasm))?);
            return Ok(());
        }
        let watch = Stopwatch::start();
        eprintln!("build: building {} (usually {})", self.name, self.usual);
        let _ = std::fs::remove_file(&stamp);
        (self.make)(project)?;
        std::fs::write(&stamp, fingerprint.as_str())?;
        let took = human(watch.elapsed());
        eprintln!("build: {} built in {took}: {}", self.name, sizes::describe(&project.path(self.wasm))?);
        Ok(())
    }
}
