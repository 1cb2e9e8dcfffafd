//! The tools that come as crates, each in a folder that carries its version, outside the checkout.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::project::{Project, is_executable, locked_version, which};

use super::{debian, lock, run, step};

/// A tool that is installed by cargo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CargoTool {
    WasmBindgen,
    WorkerBuild,
    WasmPack,
    /// For `cargo xtask fuzz` alone.
    Fuzz,
    /// For audits alone.
    Deny,
}

impl CargoTool {
    /// What builds and tests need.
    pub(crate) const ALL: [Self; 3] = [Self::WasmBindgen, Self::WorkerBuild, Self::WasmPack];

    fn package(self) -> &'static str {
        match self {
            Self::WasmBindgen => "wasm-bindgen-cli",
            Self::WorkerBuild => "worker-build",
            Self::WasmPack => "wasm-pack",
            Self::Fuzz => "cargo-fuzz",
            Self::Deny => "cargo-deny",
        }
    }

    fn binary(self) -> &'static str {
        match self {
            Self::WasmBindgen => "wasm-bindgen",
            Self::WorkerBuild => "worker-build",
            Self::WasmPack => "wasm-pack",
            Self::Fuzz => "cargo-fuzz",
            Self::Deny => "cargo-deny",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::WasmBindgen => "it joins WebAssembly to JavaScript, in the version of Cargo.lock",
            Self::WorkerBuild => "it packs the worker for the edge runtime",
            Self::WasmPack => "it runs tests in Node and in the browser",
            Self::Fuzz => "it drives parsers with damaged bytes by what they cover",
            Self::Deny => "it knows licences and advisories of crates",
        }
    }

    fn version(self, project: &Project) -> Result<String> {
        match self {
            Self::WasmBindgen => {
                let path = project.path("Cargo.lock");
                let lock = std::fs::read_to_string(&path).context("cannot read Cargo.lock")?;
                Ok(locked_version(&lock, "wasm-bindgen").context("no wasm-bindgen in Cargo.lock")?.to_owned())
            }
            Self::WorkerBuild => Ok("0.8.7".to_owned()),
            Self::WasmPack => Ok("0.15.1".to_owned()),
            Self::Fuzz => Ok("0.13.2".to_owned()),
            Self::Deny => Ok("0.20.2".to_owned()),
        }
    }

    /// Where it is, or will be.
    pub(crate) fn locate(self, project: &Project) -> Result<PathBuf> {
        Ok(self.folder(project)?.join("bin").join(self.binary()))
    }

    fn folder(self, project: &Project) -> Result<PathBuf> {
        Ok(project.tools().join(format!("{}-{}", self.package(), self.version(project)?)))
    }

    fn is_installed(self, project: &Project) -> Result<bool> {
        Ok(is_executable(&self.locate(project)?))
    }
}

pub(super) fn install_missing(project: &Project) -> Result<()> {
    install_all(project, &CargoTool::ALL)
}

/// Installs the fuzzer, and says where it is.
pub(crate) fn fuzzer(project: &Project) -> Result<PathBuf> {
    install_all(project, &[CargoTool::Fuzz])?;
    CargoTool::Fuzz.locate(project)
}

/// Installs what audits crates, and says where it is.
pub(crate) fn auditor(project: &Project) -> Result<PathBuf> {
    install_all(project, &[CargoTool::Deny])?;
    CargoTool::Deny.locate(project)
}

fn install_all(project: &Project, wanted: &[CargoTool]) -> Result<()> {
    let missing = || -> Result<Vec<CargoTool>> {
        let mut tools = Vec::new();
        for &tool in wanted {
            if !tool.is_installed(project)? {
                tools.push(tool);
            }
        }
        Ok(tools)
    };
    if missing()?.is_empty() {
        return Ok(());
    }
    let _lock = lock(project.tools(), ".lock")?;
    // Another checkout may have installed them while we waited.
    let missing = missing()?;
    for (done, &tool) in missing.iter().enumerate() {
        let name =
            format!("{} {} ({} of {})", tool.package(), tool.version(project)?, done + 1, missing.len());
        step(&name, tool.purpose(), "2-4 min, once per machine", || install(project, tool))?;
    }
    // Half a gigabyte of intermediate files that only an interrupted installation would use again.
    let _ = std::fs::remove_dir_all(build_dir(project));
    Ok(())
}

fn build_dir(project: &Project) -> PathBuf {
    project.tools().join("target")
}

/// A ready binary where one can be had, else from source with the tested dependencies, else with newer ones.
fn install(project: &Project, tool: CargoTool) -> Result<()> {
    let version = tool.version(project)?;
    let folder = tool.folder(project)?;
    if which("cargo-binstall").is_some() {
        let mut command = project.command("cargo");
        command.args(["binstall", "--no-confirm", "--disable-telemetry", "--strategies"]);
        command.args(["crate-meta-data,quick-install", "--version", &format!("={version}"), "--root"]);
        match run(command.arg(&folder).arg(tool.package())) {
            Ok(()) if tool.is_installed(project)? => return Ok(()),
            Ok(()) => eprintln!("setup: cargo binstall left no {}; building it", tool.binary()),
            Err(error) => eprintln!("setup: {error:#}; building it from source instead"),
        }
    }
    if tool == CargoTool::WorkerBuild {
        install_openssl(project)?;
    }
    let from_source = |locked: bool| {
        let mut command = project.command("cargo");
        command.args(["install", tool.package(), "--version", &format!("={version}"), "--root"]).arg(&folder);
        command.env("CARGO_TARGET_DIR", build_dir(project)).args(locked.then_some("--locked"));
        // Flags for our own code have no business in a tool.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        run(&mut command)
    };
    from_source(true).or_else(|error| {
        eprintln!("setup: {error:#}; trying again with the newest dependencies that this registry has");
        from_source(false)
    })
}

/// worker-build downloads with the system's OpenSSL. Elsewhere than on Linux that comes with the system.
fn install_openssl(project: &Project) -> Result<()> {
    let found = process::query(project.command("pkg-config").args(["--exists", "openssl"])).is_ok();
    if found || !cfg!(target_os = "linux") {
        return Ok(());
    }
    if !debian::can_install() {
        bail!(
            "building worker-build needs pkg-config and the headers of OpenSSL: install them first (Debian: \
             `sudo apt-get install pkg-config libssl-dev`)"
        );
    }
    step("pkg-config and OpenSSL's headers", "worker-build is built with them", "20 s", || {
        debian::install(project, &["pkg-config", "libssl-dev"])
    })
}
