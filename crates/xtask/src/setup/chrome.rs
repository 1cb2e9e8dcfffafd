//! A browser and its driver, for the tests only.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::project::{Project, is_executable, non_empty_var, which};

use super::{debian, step};

/// Names of a Chromium or Chrome, the first found wins.
const BROWSERS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// The browser that the tests drive.
pub(crate) fn browser() -> Option<PathBuf> {
    chosen("CHROME").or_else(|| BROWSERS.iter().find_map(|name| which(name)))
}

/// The WebDriver server that belongs to it.
pub(crate) fn driver() -> Option<PathBuf> {
    chosen("CHROMEDRIVER").or_else(|| which("chromedriver"))
}

/// A program that the environment names, if it exists.
fn chosen(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(non_empty_var(variable)?);
    if !is_executable(&path) {
        eprintln!("warning: {variable}={} is not a program; looking elsewhere", path.display());
        return None;
    }
    Some(path)
}

pub(super) fn install_missing(project: &Project) -> Result<()> {
    if browser().is_some() && driver().is_some() {
        return Ok(());
    }
    if !debian::can_install() {
        bail!(
            "the tests need Chromium (or Chrome) and chromedriver of the same version: install both (Debian: \
             `sudo apt-get install chromium chromium-driver`), or set CHROME and CHROMEDRIVER to where they are"
        );
    }
    step("Chromium and chromedriver", "tests run in a real browser", "1 min", || {
        debian::install(project, &["chromium", "chromium-driver"])
    })
}
