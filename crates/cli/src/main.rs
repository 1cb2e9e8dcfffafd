//! `adtally`: replay event files, generate demo traffic, verify a report against its events.

mod replay;
mod demo;
mod verify;
mod source;
mod outgoing;
mod client;
mod retry;
mod progress;
mod interrupt;
mod clock;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::interrupt::Interrupt;

/// Exit status of a command that could not do its work.
const EXIT_FAILED: u8 = 2;

/// Replay event files into Adtally, generate demo traffic, verify reports.
#[derive(Debug, Parser)]
#[command(name = "adtally", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send the rows of CSV and NDJSON files as events
    Replay(replay::ReplayArgs),
    /// Set up a made-up ad platform and send its traffic until stopped
    Demo(demo::DemoArgs),
    /// Recompute reports from event files and compare them with the server's
    Verify(verify::VerifyArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let interrupt = match Interrupt::install() {
        Ok(interrupt) => interrupt,
        Err(error) => return fail(&error),
    };
    let result = match &cli.command {
        Command::Replay(args) => replay::run(args, &interrupt).map_err(|error| error.to_string()),
        Command::Verify(args) => verify::run(args, &interrupt).map_err(|error| error.to_string()),
        Command::Demo(args) => demo::run(args, &interrupt).map_err(|error| error.to_string()),
    };
    result.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("adtally: {error}");
    ExitCode::from(EXIT_FAILED)
}
