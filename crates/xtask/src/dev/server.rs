//! The local edge runtime: `wrangler dev`, which runs workerd.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::build::ALREADY_BUILT;
use crate::clock::{Stopwatch, human};
use crate::process::{self, Daemon};
use crate::project::{CATALOG_BINDING, Project, non_empty_var};

use super::POLL;
use super::secrets::Secrets;

/// Two busy cores need up to 20 s; this is for machines that are much slower.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How much of the log is shown when the runtime ends by itself.
const LOG_TAIL_LINES: usize = 40;

/// Where a deployment keeps its data, used by one server at a time.
pub(super) struct StateDir {
    path: PathBuf,
    /// Held until the end: two runtimes on one database would corrupt it.
    _lock: File,
}

impl StateDir {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let lock = File::create(path.join("dev.lock"))
            .with_context(|| format!("cannot write to {}", path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another `cargo xtask dev` uses {}: give this one its own --state", path.display());
        }
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings the catalog database to the newest schema, unless this was done for these very migrations.
    pub(super) fn migrate(&self, project: &Project) -> Result<()> {
        let wanted = digest_of(&project.path("worker/migrations"))?;
        let stamp = self.path.join("dev.migrations");
        if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
            return Ok(());
        }
        eprintln!("dev: applying the catalog's migrations (a few seconds)");
        let mut command = project.command(project.node_bin("wrangler"));
        command.args(["d1", "migrations", "apply", CATALOG_BINDING, "--local", "--persist-to"]);
        process::query(command.arg(&self.path))?;
        std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
    }
}

fn digest_of(folder: &Path) -> Result<String> {
    let list = || folder.read_dir().with_context(|| format!("cannot list {}", folder.display()));
    let mut files = list()?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

pub(super) struct Server {
    daemon: Daemon,
    port: u16,
    log: PathBuf,
}

impl Server {
    pub(super) fn start(project: &Project, state: &StateDir, secrets: &Secrets, port: u16) -> Result<Self> {
        let run_dir = state.path.join("dev");
        std::fs::create_dir_all(&run_dir).with_context(|| format!("cannot make {}", run_dir.display()))?;
        let log = run_dir.join("wrangler.log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        require_free(port)?;
        let mut command = project.command(project.node_bin("wrangler"));
        command
            .args(["dev", "--ip", "127.0.0.1", "--port", &port.to_string()])
            .args(["--inspector-port", &free_port()?.to_string()])
            .args(["--show-interactive-dev-session=false", "--persist-to"])
            .arg(&state.path)
            // Whoever tries webhooks out does so on this machine.
            .args(["--var", "PRIVATE_WEBHOOKS:allowed"])
            .args(["--var", if non_empty_var("ADTALLY_LOG").is_some() { "LOG:all" } else { "LOG:errors" }])
            .env(ALREADY_BUILT, "1")
            // Otherwise all instances on this machine know, and may call, each other.
            .env("WRANGLER_REGISTRY_PATH", run_dir.join("registry"))
            .env("MINIFLARE_REGISTRY_PATH", run_dir.join("registry"))
            .env("WRANGLER_LOG_PATH", run_dir.join("logs"))
            .stdout(output.try_clone().context("cannot share the log file")?)
            .stderr(output);
        process::remove_when_stopped(run_dir.join("env"));
        for file in secrets.files(&run_dir.join("env"))? {
            command.arg("--env-file").arg(file);
        }
        Ok(Self { daemon: Daemon::start(&mut command)?, port, log })
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// An error that shows the end of the log, if it ended.
    pub(super) fn require_running(&mut self) -> Result<()> {
        if let Some(status) = self.daemon.poll()? {
            bail!("the edge runtime ended by itself ({status})\n{}", self.log_tail());
        }
        Ok(())
    }

    pub(super) fn wait_until_ready(&mut self) -> Result<()> {
        let watch = Stopwatch::start();
        eprintln!("dev: starting the edge runtime (a few seconds)");
        while !is_healthy(self.port) {
            self.require_running()?;
            if watch.elapsed() > READY_WITHIN {
                bail!("no healthy answer after {}\n{}", human(READY_WITHIN), self.log_tail());
            }
            std::thread::sleep(POLL);
        }
        eprintln!("dev: ready after {}", human(watch.elapsed()));
        Ok(())
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("the end of {}:\n{}", self.log.display(), tail.join("\n"))
    }
}

/// Says so early when the port cannot be used: wrangler would silently take another one.
pub(super) fn require_free(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!("port {port} cannot be used ({error}): choose another one with --port"),
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr().context("no port is free")?.port())
}

/// Whether `GET /healthz` answers 200.
fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(status_line.starts_with(b"HTTP/1.") && status_line.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
