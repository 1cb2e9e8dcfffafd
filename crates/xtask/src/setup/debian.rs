//! Packages of the operating system, where this may install them: as root, on Debian and its relatives.

use std::path::Path;

use anyhow::{Result, bail};
use nix::unistd::Uid;

use crate::project::{Project, which};

use super::run;

pub(super) fn can_install() -> bool {
    Uid::effective().is_root() && Path::new("/etc/debian_version").exists() && which("apt-get").is_some()
}

pub(super) fn install(project: &Project, packages: &[&str]) -> Result<()> {
    let apt = || {
        let mut command = project.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A stale mirror in the list is no reason to give up: the installation decides.
    if let Err(error) = run(apt().args(["update", "--quiet"])) {
        eprintln!("setup: {error:#}; trying with the package lists as they are");
    }
    run(apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))
}

/// Fetches packages with all that they need and the system lacks, and unpacks them in a folder.
pub(super) fn unpack(project: &Project, packages: &[&str], folder: &Path) -> Result<()> {
    if !can_install() {
        bail!("packages of Debian can be fetched there only, as root");
    }
    let archives = folder.join("archives");
    std::fs::create_dir_all(archives.join("partial"))?;
    let option = format!("Dir::Cache::archives={}", archives.display());
    let fetch = || {
        let mut apt = project.command("apt-get");
        apt.args([
            "install",
            "--download-only",
            "--reinstall",
            "--yes",
            "--quiet",
            "--no-install-recommends",
        ]);
        apt.args(["-o", &option]).args(packages);
        apt
    };
    if run(&mut fetch()).is_err() {
        // The lists are stale, or there are none yet.
        run(project.command("apt-get").args(["update", "--quiet"]))?;
        run(&mut fetch())?;
    }
    for entry in std::fs::read_dir(&archives)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            run(project.command("dpkg").arg("--extract").arg(&package).arg(folder))?;
        }
    }
    Ok(std::fs::remove_dir_all(archives)?)
}
