//! `cargo xtask`: everything a person does with this repository, with one prerequisite: Rust and Node.
//!
//! ```text
//! setup -> build -> dev      a running system with demo traffic
//!       \-> test             every test there is
//! ```
//!
//! It contains no product code and nothing of it is shipped.
//! It is compiled before anything else can happen, so it has few dependencies and none from this workspace.

mod args;
mod project;
mod setup;
mod build;
mod dev;
mod checks;
mod simulate;
mod fuzz;
mod bench;
mod deploy;
mod restore;
mod tidy;
mod audit;
mod process;
mod clock;

use std::process::ExitCode;

use args::Command;
use project::Project;

fn main() -> ExitCode {
    process::stop_children_on_signals();
    let result = args::parse(std::env::args_os().skip(1)).and_then(run);
    process::remove_private_files();
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let project = Project::locate()?;
    match command {
        Command::Help => print!("{}", args::USAGE),
        Command::Setup => {
            setup::for_build(&project)?;
            setup::for_browser(&project)?;
            setup::for_e2e(&project)?;
        }
        Command::Build(part) => build::unless_already_done(&project, part)?,
        Command::Dev(options) => return dev::run(&project, options),
        Command::Test(options) => return checks::run(&project, options),
        Command::Simulate { seeds } => simulate::run(&project, seeds)?,
        Command::Fuzz { targets, seconds } => return fuzz::run(&project, &targets, seconds),
        Command::Bench(options) => bench::run(&project, options)?,
        Command::Deploy(options) => deploy::run(&project, &options)?,
        Command::Restore(options) => restore::run(&options)?,
        Command::Tidy => return tidy::run(&project),
        Command::Audit => return audit::run(&project),
    }
    Ok(ExitCode::SUCCESS)
}
