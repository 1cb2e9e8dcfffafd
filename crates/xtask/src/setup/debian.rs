//! Packages of the operating system, where this may install them: as root, on Debian and its relatives.

use std::path::Path;

use anyhow::Result;
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
