//! Checks what is there and installs what is missing.
//!
//! Each part looks first and is silent when nothing is missing, so that this can run before every command.
//! Each part either completes or leaves nothing that looks complete, so that an interrupted run is resumed.

pub(crate) mod rust;
pub(crate) mod cargo_tools;
mod npm;
mod debian;
pub(crate) mod chrome;
pub(crate) mod clients;

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::clock::{Stopwatch, human};
use crate::process;
use crate::project::Project;

/// What `build` and `dev` need.
pub(crate) fn for_build(project: &Project) -> Result<()> {
    rust::install_missing(project)?;
    cargo_tools::install_missing(project)?;
    npm::install_missing(project)
}

/// What the tests in a browser need beyond that.
pub(crate) fn for_browser(project: &Project) -> Result<()> {
    chrome::install_missing(project)
}

/// What the end-to-end tests use if it is there.
pub(crate) fn for_e2e(project: &Project) -> Result<()> {
    clients::install_missing(project)
}

/// Says what is being done and why, and afterwards how long it took.
fn step(what: &str, why: &str, usual: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let watch = Stopwatch::start();
    eprintln!("setup: installing {what}: {why} (usually {usual})");
    work().with_context(|| format!("cannot install {what}"))?;
    eprintln!("setup: {what} ready after {}", human(watch.elapsed()));
    Ok(())
}

/// Waits until no other `cargo xtask` is inside the same section. Ends when the file is dropped.
pub(crate) fn lock(dir: &Path, name: &str) -> Result<File> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another `cargo xtask` ({})", path.display());
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Runs a command whose output belongs on stderr: what goes to stdout is for the caller's result.
fn run(command: &mut std::process::Command) -> Result<()> {
    process::run(command.stdout(std::io::stderr()))
}
