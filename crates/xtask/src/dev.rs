//! The whole system on this machine: the real edge runtime with storage on disk, and demo traffic.

mod secrets;
mod server;
mod demo;

pub(crate) use secrets::random as random_secret;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::args::{DevOptions, Part};
use crate::build;
use crate::project::Project;
use crate::setup;
use secrets::Secrets;
use server::{Server, StateDir};

/// Often enough that the end of a process is noticed at once, rare enough to cost nothing.
const POLL: Duration = Duration::from_millis(200);

pub(crate) fn run(project: &Project, options: DevOptions) -> Result<ExitCode> {
    server::require_free(options.port)?;
    build::unless_already_done(project, Part::All)?;
    let demo = if options.demo { Some(demo::build(project)?) } else { None };

    let secrets = {
        let _lock = setup::lock(&project.notes(), "secrets.lock")?;
        Secrets::load_or_create(&project.path(secrets::FILE))?
    };
    let state = StateDir::open(state_path(project, options.state)?)?;
    state.migrate(project)?;
    let mut server = Server::start(project, &state, &secrets, options.port)?;
    server.wait_until_ready()?;
    announce(&server, &state);

    let mut demo = demo.map(|program| demo::start(&program, &server.address(), &secrets)).transpose()?;
    loop {
        std::thread::sleep(POLL);
        server.require_running()?;
        if let Some(daemon) = &mut demo
            && let Some(status) = daemon.poll()?
        {
            eprintln!("dev: the demo traffic ended ({status}); the server goes on");
            demo = None;
        }
    }
}

fn state_path(project: &Project, chosen: Option<PathBuf>) -> Result<PathBuf> {
    match chosen {
        Some(dir) => std::path::absolute(&dir).with_context(|| format!("--state {}", dir.display())),
        None => Ok(project.path(".wrangler/state")),
    }
}

fn announce(server: &Server, state: &StateDir) {
    let address = server.address();
    println!();
    println!("  dashboard   {address}/");
    println!("  sign in     with the value of ADMIN_TOKEN in {}", secrets::FILE);
    println!("  send events POST {address}/v1/events with the value of WRITE_KEY as bearer token");
    println!("  data        {}", state.path().display());
    println!("  log         {}", server.log().display());
    println!("  stop        Ctrl-C");
    println!();
}
