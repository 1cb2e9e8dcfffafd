//! Generated input, kept in a cache outside of the checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::peers::Peers;
use super::{Bench, programs};
use crate::process;
use crate::project::{non_empty_var, user_cache};
use crate::setup::lock;

/// Changes when our generator makes other records, so that none of before are measured.
pub(super) const GENERATOR: u32 = 2;

/// Cells of the cube.
pub(super) const CELLS: u64 = 1_000_000;

/// How many events a file has.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Of jobs that read text: other engines keep all of it in memory.
    pub(super) small: u64,
    /// Of jobs that link and add up.
    pub(super) large: u64,
}

impl Sizes {
    pub(super) fn of(quick: bool) -> Self {
        if quick {
            Self { small: 200_000, large: 200_000 }
        } else {
            Self { small: 1_000_000, large: 10_000_000 }
        }
    }
}

/// Files of records.
pub(super) struct Data {
    /// Where they are, and what belongs to them.
    pub(super) folder: PathBuf,
    pub(super) small: PathBuf,
    pub(super) large: PathBuf,
    pub(super) cube: PathBuf,
}

/// Where generated data and other engines are kept: `ADTALLY_BENCH_CACHE`, else beside the build tools.
pub(super) fn cache() -> Result<PathBuf> {
    let cache = match non_empty_var("ADTALLY_BENCH_CACHE") {
        Some(folder) => std::path::absolute(folder).context("ADTALLY_BENCH_CACHE is not a path")?,
        None => user_cache()?.join("adtally/bench"),
    };
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    Ok(cache)
}

impl Data {
    /// From the other engines' generator where they take part, else from our own; made once.
    pub(super) fn find(bench: &Bench<'_>, peers: Option<&Peers>) -> Result<Self> {
        let sizes = Sizes::of(bench.options.quick);
        let source = if peers.is_some() { "shared".to_owned() } else { format!("own{GENERATOR}") };
        let folder = bench.cache.join(format!("{source}-{}-{}", sizes.small, sizes.large));
        let file = |name: &str| folder.join(name).with_extension("records");
        let data =
            Self { small: file("small"), large: file("large"), cube: file("cube"), folder: folder.clone() };
        let _lock = lock(&folder, ".lock")?;
        let done = folder.join("done");
        if !done.exists() {
            eprintln!("bench: making {} (once)", folder.display());
            match peers {
                Some(peers) => peers.make(&folder, sizes)?,
                None => data.generate(bench, sizes)?,
            }
            std::fs::write(done, "")?;
        }
        Ok(data)
    }

    fn generate(&self, bench: &Bench<'_>, sizes: Sizes) -> Result<()> {
        let generate = |what: &str, count: u64, file: &Path| {
            let mut command = bench.project.command(programs::native(bench.project));
            process::run(command.args(["generate", what, &count.to_string()]).arg(file))
        };
        generate("events", sizes.small, &self.small)?;
        generate("events", sizes.large, &self.large)?;
        generate("cube", CELLS, &self.cube)
    }
}
