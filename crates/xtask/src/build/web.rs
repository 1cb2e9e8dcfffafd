//! The dashboard: cargo, wasm-bindgen and wasm-opt make web/dist out of the crate and web/static.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::project::Project;
use crate::setup::cargo_tools::CargoTool;
use crate::setup::rust::{PanicMode, WASM};

use super::{Product, at_once};

pub(super) const PRODUCT: Product = Product {
    name: "web",
    usual: "5-10 min the first time, then 2-4 min",
    inputs: &[
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "crates/archive/Cargo.toml",
        "crates/archive/src",
        "crates/core/Cargo.toml",
        "crates/core/src",
        "crates/engine/Cargo.toml",
        "crates/engine/src",
        "crates/sql/Cargo.toml",
        "crates/sql/src",
        "crates/verify/Cargo.toml",
        "crates/verify/src",
        "crates/wire/Cargo.toml",
        "crates/wire/src",
        "web/Cargo.toml",
        "web/app",
        "web/src",
        "web/static",
        "web/workbench/Cargo.toml",
        "web/workbench/src",
    ],
    outputs: &["web/dist/index.html", "web/dist/adtally_web.js", "web/dist/adtally_web_bg.wasm"],
    wasm: "web/dist/adtally_web_bg.wasm",
    variant: |project| format!("{:?}", PanicMode::available(project)),
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

/// A view is a type; erased, pages share their code.
const SHARED_VIEWS: &str = "--cfg erase_components";

/// A standard library for this module alone, whose sorts and tables are small ones.
const SMALL_LIBRARY: [&str; 2] = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];

/// A panic ends the page either way; without its message none has to be carried.
const NO_LAST_WORDS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none";

/// What a browser loads: the package, its name there, and the folder that it is in.
///
/// The first is loaded by every visit, the others when somebody asks for what they do.
const MODULES: [(&str, &str, &str); 4] = [
    ("adtally-dashboard", "adtally_web", ""),
    ("adtally-verify", "adtally_verify", "verifier"),
    ("adtally-workbench", "adtally_workbench", "workbench"),
    ("adtally-engine", "adtally_engine", "engine"),
];

fn make(project: &Project) -> Result<()> {
    let page = project.path("web/static/index.html");
    if !page.is_file() {
        bail!("{} is missing: there is no page to put the dashboard in", page.display());
    }
    process::run(&mut compiler(project))?;
    let joined = project.notes().join("web-dist");
    empty_folder(&joined)?;
    let folders = MODULES.map(|(package, name, folder)| ((package, name), joined.join(folder)));
    at_once(folders.iter().map(|(module, folder)| move || join(project, *module, folder)))?;
    copy_folder(&project.path("web/static"), &joined)?;
    replace_folder(&joined, &project.path("web/dist"))
}

/// Makes what a browser loads of a compiled module.
fn join(project: &Project, (package, name): (&str, &str), folder: &Path) -> Result<()> {
    let compiled = project.target().join(WASM).join("web").join(package.replace('-', "_"));
    let mut bindgen = project.command(CargoTool::WasmBindgen.locate(project)?);
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"]);
    bindgen.arg(folder).arg(compiled.with_extension("wasm"));
    process::run(&mut bindgen)?;

    let module = folder.join(format!("{name}_bg.wasm"));
    let mut optimize = project.command(project.node_bin("wasm-opt"));
    optimize.args(NO_INLINING).arg("-Oz").args(WASM_FEATURES).arg(&module).arg("-o").arg(&module);
    process::run(&mut optimize)
}

/// Compiles for size: with a nightly compiler the standard library too.
fn compiler(project: &Project) -> Command {
    let mut cargo = project.command("cargo");
    let mut flags = SHARED_VIEWS.to_owned();
    // The same that a worker which survives panics is built with: a nightly, and the library's source.
    match PanicMode::available(project) {
        PanicMode::Unwind => {
            cargo.arg("+nightly").arg("build").args(SMALL_LIBRARY);
            flags = format!("{flags} {NO_LAST_WORDS}");
        }
        PanicMode::Abort => {
            eprintln!("note: no complete nightly Rust here, so the dashboard is a tenth larger");
            cargo.arg("build");
        }
    }
    cargo.args(["--profile", "web", "--lib", "--target", WASM]);
    for (package, ..) in MODULES {
        cargo.args(["--package", package]);
    }
    cargo.env("RUSTFLAGS", flags);
    cargo
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
