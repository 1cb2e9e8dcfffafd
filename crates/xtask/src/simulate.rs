//! `cargo xtask simulate`: the simulation of `crates/core/tests/linking`, for as many seeds as one likes.

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Seeds when not told: some minutes on two cores.
pub(crate) const DEFAULT_SEEDS: u64 = 20_000;

/// The variable by which the test is told how many seeds to try.
const SEEDS_VARIABLE: &str = "ADTALLY_SEEDS";

pub(crate) fn run(project: &Project, seeds: u64) -> Result<()> {
    let test = ["test", "--package", "adtally-core", "--test", "linking", "simulation", "--", "--nocapture"];
    process::run(project.command("cargo").args(test).env(SEEDS_VARIABLE, seeds.to_string()))
}
