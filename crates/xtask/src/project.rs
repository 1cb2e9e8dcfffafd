//! Where things are: the checkout, the tools cache outside of it, and the environment for child processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::setup::cargo_tools::CargoTool;

/// The D1 database that wrangler.toml binds, by its binding.
pub(crate) const CATALOG_BINDING: &str = "CATALOG";

pub(crate) struct Project {
    root: PathBuf,
    tools: PathBuf,
    target: PathBuf,
}

impl Project {
    pub(crate) fn locate() -> Result<Self> {
        // Compiled in, so that it works from any folder; crates/xtask is two levels below the root.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("crates/xtask is not two levels below the project's root")?
            .to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        Ok(Self { tools: tools_cache()?, root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Tools that are too slow to build for every checkout.
    pub(crate) fn tools(&self) -> &Path {
        &self.tools
    }

    /// Cargo's output folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Our own notes about what was built: stamps, locks, logs.
    pub(crate) fn notes(&self) -> PathBuf {
        self.target.join("xtask")
    }

    pub(crate) fn node_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }

    /// A command that runs in the root and finds our tools before the system's.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("PATH", self.search_path())
            .env("WRANGLER_SEND_METRICS", "false")
            // The placeholder is good enough locally, and this needs no network.
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .env("NO_UPDATE_NOTIFIER", "1")
            .env("npm_config_update_notifier", "false");
        command
    }

    fn search_path(&self) -> OsString {
        let tools =
            CargoTool::ALL.iter().filter_map(|tool| Some(tool.locate(self).ok()?.parent()?.to_owned()));
        let system = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(self.root.join("node_modules/.bin"))
            .chain(tools)
            .chain(std::env::split_paths(&system));
        // Only a folder with a colon in its name cannot be joined; then the system's path has to do.
        std::env::join_paths(all).unwrap_or(system)
    }
}

fn tools_cache() -> Result<PathBuf> {
    if let Some(dir) = non_empty_var("ADTALLY_TOOLS") {
        return std::path::absolute(dir).context("ADTALLY_TOOLS is not a path");
    }
    Ok(user_cache()?.join("adtally/tools"))
}

/// Where programs of this person keep what they can make again.
pub(crate) fn user_cache() -> Result<PathBuf> {
    match (non_empty_var("XDG_CACHE_HOME"), std::env::home_dir()) {
        (Some(dir), _) => Ok(PathBuf::from(dir)),
        (None, Some(home)) => Ok(home.join(".cache")),
        (None, None) => {
            anyhow::bail!("there is no home folder: set ADTALLY_TOOLS to a folder for build tools")
        }
    }
}

pub(crate) fn non_empty_var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The first executable of that name on the system's PATH.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| is_executable(file))
}

pub(crate) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The version of a package in the text of a Cargo.lock.
pub(crate) fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    lines.find(|line| line.strip_prefix("name = ").is_some_and(|name| name.trim_matches('"') == package))?;
    lines.next()?.strip_prefix("version = ").map(|version| version.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_of_a_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        let check = |package, expected| assert_eq!(locked_version(lock, package), expected);
        check("wasm-bindgen", Some("0.2.130"));
        check("wasm-bindgen-macro", Some("1.0.0"));
        check("bindgen", None);
    }
}
