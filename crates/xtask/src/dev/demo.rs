//! Demo traffic: the command line tool plays a small ad platform.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{self, Daemon};
use crate::project::Project;

use super::secrets::{ADMIN_TOKEN, Secrets, WRITE_KEY};

/// The program that makes the traffic.
pub(super) fn build(project: &Project) -> Result<PathBuf> {
    eprintln!("dev: building the command line tool (1 min the first time)");
    process::run(project.command("cargo").args(["build", "--quiet", "--package", "adtally-cli"]))?;
    Ok(project.target().join("debug/adtally"))
}

pub(super) fn start(program: &Path, address: &str, secrets: &Secrets) -> Result<Daemon> {
    eprintln!("dev: starting demo traffic (--no-demo leaves it out)");
    let mut command = Command::new(program);
    command
        .args(["demo", "--to", address])
        .env("ADTALLY_WRITE_KEY", secrets.get(WRITE_KEY))
        .env("ADTALLY_ADMIN_TOKEN", secrets.get(ADMIN_TOKEN));
    Daemon::start(&mut command)
}
