//! Rust for WebAssembly: the wasm32 target of stable, and of a nightly where there is one.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;
use crate::project::{Project, which};

use super::{run, step};

pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// What a panic in the worker does. Ordered by preference: the first needs a nightly compiler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PanicMode {
    /// One request fails with 500.
    Unwind,
    /// Every request of the isolate fails, and its objects lose their memory.
    Abort,
}

impl PanicMode {
    /// What can be built with what is installed.
    pub(crate) fn available(project: &Project) -> Self {
        match nightly_sysroot(project) {
            Some(nightly) if has_std(&nightly) && has_source(&nightly) => Self::Unwind,
            _ => Self::Abort,
        }
    }
}

pub(super) fn install_missing(project: &Project) -> Result<()> {
    let sysroot = PathBuf::from(process::query(project.command("rustc").args(["--print", "sysroot"]))?);
    if !has_std(&sysroot) {
        if which("rustup").is_none() {
            bail!(
                "this Rust lacks the target {WASM} and there is no rustup to add it: see https://rustup.rs"
            );
        }
        step("the target wasm32", "worker and dashboard are WebAssembly", "10 s", || {
            run(project.command("rustup").args(["target", "add", WASM]))
        })?;
    }
    // Optional: without it everything works, but for what `report_abort` says.
    if let Err(error) = complete_nightly(project) {
        eprintln!("setup: {error:#}");
        report_abort();
    }
    Ok(())
}

fn complete_nightly(project: &Project) -> Result<()> {
    let Some(nightly) = nightly_sysroot(project) else { return Ok(()) };
    if !has_source(&nightly) {
        step("the standard library's source", "the worker gets one that survives panics", "10 s", || {
            run(project.command("rustup").args(["component", "add", "rust-src", "--toolchain", "nightly"]))
        })?;
    }
    if !has_std(&nightly) {
        step(
            "the target wasm32 of nightly",
            "the worker gets a library that survives panics",
            "10 s",
            || run(project.command("rustup").args(["target", "add", WASM, "--toolchain", "nightly"])),
        )?;
    }
    Ok(())
}

/// What is lost when the worker is built by the stable compiler.
pub(crate) fn report_abort() {
    eprintln!(
        "note: no complete nightly Rust here, so the worker is built to abort on panic: a bug that panics ends\n      \
         all requests in flight instead of one. `rustup toolchain install nightly` and a new start mend that."
    );
}

/// Where the nightly toolchain is, if there is one. Looked up without rustup's own attempts to install it.
fn nightly_sysroot(project: &Project) -> Option<PathBuf> {
    let mut command = project.command("rustup");
    command.args(["which", "--toolchain", "nightly", "rustc"]).env("RUSTUP_AUTO_INSTALL", "0");
    let rustc = PathBuf::from(process::query(&mut command).ok()?);
    rustc.is_file().then(|| rustc.ancestors().nth(2).map(ToOwned::to_owned))?
}

fn has_std(sysroot: &std::path::Path) -> bool {
    let lib = sysroot.join("lib/rustlib").join(WASM).join("lib");
    lib.read_dir().is_ok_and(|mut files| files.next().is_some())
}

fn has_source(sysroot: &std::path::Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
}
