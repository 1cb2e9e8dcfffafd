//! The worker: `worker-build` makes worker/build/index.js and the WebAssembly module beside it.

use anyhow::Result;

use crate::process;
use crate::project::Project;
use crate::setup::cargo_tools::CargoTool;
use crate::setup::rust::{PanicMode, report_abort};

use super::Product;

pub(super) const PRODUCT: Product = Product {
    name: "worker",
    usual: "3-8 min the first time, then 1-2 min",
    inputs: &[
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "crates/archive/Cargo.toml",
        "crates/archive/src",
        "crates/core/Cargo.toml",
        "crates/core/src",
        "crates/kafka/Cargo.toml",
        "crates/kafka/src",
        "crates/sql/Cargo.toml",
        "crates/sql/src",
        "crates/wire/Cargo.toml",
        "crates/wire/src",
        "worker/Cargo.toml",
        "worker/src",
    ],
    outputs: &["worker/build/index.js", "worker/build/index_bg.wasm"],
    wasm: "worker/build/index_bg.wasm",
    variant: |project| format!("{:?}", PanicMode::available(project)),
    make,
};

fn make(project: &Project) -> Result<()> {
    let mut command = project.command(CargoTool::WorkerBuild.locate(project)?);
    command
        .current_dir(project.path("worker"))
        .arg("--release")
        // Optimizing it once more takes longer than all the rest, makes it one percent smaller, and no cheaper to run.
        .arg("--no-opt")
        // Without these it downloads its own.
        .env("WASM_BINDGEN_BIN", CargoTool::WasmBindgen.locate(project)?)
        .env("ESBUILD_BIN", project.node_bin("esbuild"));
    match PanicMode::available(project) {
        PanicMode::Unwind => _ = command.arg("--panic-unwind"),
        PanicMode::Abort => report_abort(),
    }
    process::run(command.stdout(std::io::stderr()))
}
