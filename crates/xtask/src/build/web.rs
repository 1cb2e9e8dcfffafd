//! The dashboard: cargo, wasm-bindgen and wasm-opt make web/dist out of the crate and web/static.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::project::Project;
use crate::setup::cargo_tools::CargoTool;
use crate::setup::rust::WASM;

use super::Product;

pub(super) const PRODUCT: Product = Product {
    name: "web",
    usual: "2 min the first time, then 1 min",
    inputs: &[
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "crates/core/Cargo.toml",
        "crates/core/src",
        "crates/wire/Cargo.toml",
        "crates/wire/src",
        "web/Cargo.toml",
        "web/src",
        "web/static",
    ],
    outputs: &["web/dist/index.html", "web/dist/adtally_web.js", "web/dist/adtally_web_bg.wasm"],
    wasm: "web/dist/adtally_web_bg.wasm",
    variant: |_| String::new(),
    make,
};

/// What today's browsers all have. Never `--all-features`: that emits imports which Chromium rejects.
const WASM_FEATURES: [&str; 6] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
];

/// The many small functions of the views compress better as calls than as copies: 420 kB gzipped instead of 484.
const NO_INLINING: [&str; 3] = [
    "--always-inline-max-function-size=0",
    "--flexible-inline-max-function-size=0",
    "--one-caller-inline-max-function-size=0",
];

fn make(project: &Project) -> Result<()> {
    let page = project.path("web/static/index.html");
    if !page.is_file() {
        bail!("{} is missing: there is no page to put the dashboard in", page.display());
    }
    let mut cargo = project.command("cargo");
    cargo.args(["build", "--release", "--lib", "--target", WASM, "--package", "adtally-web"]);
    process::run(&mut cargo)?;

    let compiled = project.target().join(WASM).join("release/adtally_web.wasm");
    let joined = project.notes().join("web-dist");
    empty_folder(&joined)?;
    let mut bindgen = project.command(CargoTool::WasmBindgen.locate(project)?);
    bindgen.args(["--target", "web", "--no-typescript", "--out-dir"]).arg(&joined).arg(&compiled);
    process::run(&mut bindgen)?;

    let module = joined.join("adtally_web_bg.wasm");
    let mut optimize = project.command(project.node_bin("wasm-opt"));
    optimize.args(NO_INLINING).arg("-Oz").args(WASM_FEATURES).arg(&module).arg("-o").arg(&module);
    process::run(&mut optimize)?;

    copy_folder(&project.path("web/static"), &joined)?;
    replace_folder(&joined, &project.path("web/dist"))
}

fn empty_folder(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in from.read_dir().with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Puts `new` where `old` is. `old` stays the same folder, because a running dev server watches it.
fn replace_folder(new: &Path, old: &Path) -> Result<()> {
    copy_folder(new, old)?;
    remove_what_is_not_in(new, old)
}

fn remove_what_is_not_in(new: &Path, old: &Path) -> Result<()> {
    for entry in old.read_dir().with_context(|| format!("cannot list {}", old.display()))? {
        let entry = entry?;
        let counterpart = new.join(entry.file_name());
        match (entry.file_type()?.is_dir(), counterpart.is_dir(), counterpart.exists()) {
            (true, true, _) => remove_what_is_not_in(&counterpart, &entry.path())?,
            (true, false, _) => std::fs::remove_dir_all(entry.path())?,
            (false, _, false) => std::fs::remove_file(entry.path())?,
            (false, _, true) => {}
        }
    }
    Ok(())
}
