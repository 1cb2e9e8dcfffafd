//! `cargo xtask simulate`: the simulations of `crates/core/tests`, for as many seeds as one likes.

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Seeds when not told: some minutes on two cores.
pub(crate) const DEFAULT_SEEDS: u64 = 20_000;

/// The variable by which the test is told how many seeds to try.
const SEEDS_VARIABLE: &str = "ADTALLY_SEEDS";

/// The simulations: of events and reports, and of jobs. Each is a test program and the name of its tests.
const SIMULATIONS: [(&str, &str); 2] =
    [("linking", "simulation"), ("jobs", "runs_end_right_whatever_happens")];

pub(crate) fn run(project: &Project, seeds: u64) -> Result<()> {
    for (program, tests) in SIMULATIONS {
        let test = ["test", "--package", "adtally-core", "--test", program, tests, "--", "--nocapture"];
        process::run(project.command("cargo").args(test).env(SEEDS_VARIABLE, seeds.to_string()))?;
    }
    Ok(())
}
