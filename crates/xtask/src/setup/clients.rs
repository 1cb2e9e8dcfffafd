//! Programs of others that the tests use unmodified, in a cache outside of the checkout: trackers, log shippers, a Kafka.
//!
//! What cannot be installed is said and left out: the tests that need it say so too, and are skipped.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::project::{Project, non_empty_var, user_cache};

use super::{debian, lock, run, step};

/// Where the tests look for them; `tests/clients.mjs` knows the same names.
pub(crate) const VARIABLE: &str = "ADTALLY_CLIENTS";

/// Written into a folder once everything is there: what it holds.
const STAMP: &str = "adtally.packages";

/// A folder with packages of one package manager.
struct Client {
    folder: &'static str,
    manager: Manager,
    packages: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Manager {
    /// A virtual environment of Python.
    Pip,
    /// A folder with `node_modules`.
    Npm,
    /// Packages that are unpacked, not installed: nothing of the system changes, and no service starts.
    Debian,
}

const CLIENTS: [Client; 9] = [
    Client { folder: "snowplow", manager: Manager::Pip, packages: &["snowplow-tracker==1.1.0"] },
    Client { folder: "elasticsearch8", manager: Manager::Pip, packages: &["elasticsearch==8.19.3"] },
    Client { folder: "elasticsearch9", manager: Manager::Pip, packages: &["elasticsearch==9.5.1"] },
    Client { folder: "kafka", manager: Manager::Pip, packages: &["confluent-kafka==2.16.1"] },
    Client {
        folder: "node",
        manager: Manager::Npm,
        packages: &[
            "@snowplow/node-tracker@4.8.0",
            "@snowplow/browser-tracker@3.24.6",
            "@snowplow/browser-plugin-ad-tracking@3.24.6",
        ],
    },
    Client { folder: "sentry", manager: Manager::Pip, packages: &["sentry-relay==0.10.1"] },
    Client { folder: "prometheus", manager: Manager::Debian, packages: &["prometheus"] },
    Client { folder: "rsyslog", manager: Manager::Debian, packages: &["rsyslog", "rsyslog-elasticsearch"] },
    Client {
        folder: "syslog-ng",
        manager: Manager::Debian,
        packages: &["syslog-ng-core", "syslog-ng-mod-http"],
    },
];

/// The folder of all of them.
pub(crate) fn folder() -> Result<PathBuf> {
    match non_empty_var(VARIABLE) {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => Ok(user_cache()?.join("adtally/clients")),
    }
}

pub(super) fn install_missing(project: &Project) -> Result<()> {
    let all = folder()?;
    let _lock = lock(&all, ".lock")?;
    for client in &CLIENTS {
        let folder = all.join(client.folder);
        if client.is_there(&folder) {
            continue;
        }
        let what = client.packages.join(", ");
        let install = || client.install(project, &folder);
        if let Err(error) = step(&what, "the tests use them as they are", "20 s", install) {
            eprintln!("setup: {error:#}; their tests will be skipped");
        }
    }
    Ok(())
}

impl Client {
    fn is_there(&self, folder: &Path) -> bool {
        std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|there| there == self.packages.join(" "))
    }

    fn install(&self, project: &Project, folder: &Path) -> Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        match self.manager {
            Manager::Pip => {
                run(project.command("python3").args(["-m", "venv"]).arg(folder))
                    .context("Python 3 with venv is needed (Debian: `apt-get install python3-venv`)")?;
                let pip = folder.join("bin/python");
                run(project.command(pip).args(["-m", "pip", "install", "--quiet"]).args(self.packages))?;
            }
            Manager::Npm => {
                let mut npm = project.command("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(folder);
                run(npm.args(self.packages))?;
            }
            Manager::Debian => debian::unpack(project, self.packages, folder)?,
        }
        std::fs::write(folder.join(STAMP), self.packages.join(" ")).context("cannot note that they are there")
    }
}
