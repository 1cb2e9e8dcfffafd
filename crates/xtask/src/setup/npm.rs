//! The Node tools of package.json: wrangler with the edge runtime, Node 22, esbuild, wasm-opt, playwright.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context as _, Result, bail};

use crate::project::{Project, which};

use super::{lock, run, step};

/// Kept inside node_modules, which `npm ci` empties first: so it exists only after a complete installation.
const STAMP: &str = "node_modules/.adtally-lock";

pub(super) fn install_missing(project: &Project) -> Result<()> {
    if is_installed(project)? {
        return Ok(());
    }
    let _lock = lock(&project.notes(), "npm.lock")?;
    if is_installed(project)? {
        return Ok(());
    }
    if which("npm").is_none() || which("node").is_none() {
        bail!(
            "Node.js 18 or newer with npm is needed: `apt-get install nodejs npm`, or https://nodejs.org. \
             It only has to install packages; what runs here brings its own Node 22"
        );
    }
    step("npm packages", "the edge runtime, Node 22, esbuild, wasm-opt", "30 s", || {
        run(project.command("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
        std::fs::write(project.path(STAMP), wanted(project)?).context("cannot note that npm is done")
    })
}

fn is_installed(project: &Project) -> Result<bool> {
    let installed = std::fs::read_to_string(project.path(STAMP)).unwrap_or_default();
    Ok(installed == wanted(project)? && project.node_bin("wrangler").exists())
}

/// What package.json and its lock ask for, as one number.
fn wanted(project: &Project) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for name in ["package.json", "package-lock.json"] {
        std::fs::read(project.path(name)).with_context(|| format!("cannot read {name}"))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}
