//! `cargo xtask deploy`: everything that publishing takes, in the order in which it may be repeated.
//!
//! ```text
//! build -> sizes -> queues -> upload -> tables -> secrets that are missing -> does it answer?
//! ```
//!
//! A dry run does what needs no account: it builds, has wrangler bundle and check everything, and measures.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::args::{DeployOptions, Part};
use crate::build;
use crate::dev::random_secret;
use crate::process;
use crate::project::Project;

/// What the platform takes, packed.
const MAX_PACKED_BYTES: usize = 10_000_000;
/// Above this a start takes noticeably longer than it must.
const GOAL_PACKED_BYTES: usize = 3_000_000;
/// Messages between the parts; a queue that exists is no error.
const QUEUES: [&str; 3] = ["adtally-billing", "adtally-billing-dead", "adtally-tasks"];
/// Without them nothing works; what is set already stays.
const SECRETS: [&str; 3] = ["ADMIN_TOKEN", "WRITE_KEY", "ID_SALT"];

pub(crate) fn run(project: &Project, options: &DeployOptions) -> Result<()> {
    build::unless_already_done(project, Part::All)?;
    measure(project)?;
    if options.dry_run {
        return Ok(());
    }
    for queue in QUEUES {
        ensure_queue(project, queue)?;
    }
    process::run(wrangler(project).arg("deploy"))?;
    process::run(wrangler(project).args(["d1", "migrations", "apply", "CATALOG", "--remote"]))?;
    let set = process::query(wrangler(project).args(["secret", "list", "--format", "json"]))?;
    for name in missing(&set)? {
        put_secret(project, name)?;
    }
    match &options.url {
        Some(url) => answers(url),
        None => {
            eprintln!("deploy: done; --url https://... would also ask whether it answers");
            Ok(())
        }
    }
}

fn wrangler(project: &Project) -> Command {
    let mut command = project.command(project.node_bin("wrangler"));
    command.env(build::ALREADY_BUILT, "1");
    command
}

/// Has wrangler make what would be uploaded, and says how large that is.
fn measure(project: &Project) -> Result<()> {
    let folder = project.target().join("deploy");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    process::query(wrangler(project).args(["deploy", "--dry-run", "--outdir"]).arg(&folder))?;
    let packed = packed_bytes(&folder)?;
    println!("deploy: {packed} bytes packed, of {MAX_PACKED_BYTES} that the platform takes");
    if packed > MAX_PACKED_BYTES {
        bail!("the worker is too large: {packed} bytes packed, at most {MAX_PACKED_BYTES} are allowed");
    }
    if packed > GOAL_PACKED_BYTES {
        eprintln!("deploy: warning: over the goal of {GOAL_PACKED_BYTES}");
    }
    Ok(())
}

/// Of all modules; maps are for people and stay here.
fn packed_bytes(folder: &Path) -> Result<usize> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js" || extension == "wasm") {
            sum += build::gzipped(&std::fs::read(&path)?)?;
        }
    }
    if sum == 0 { bail!("wrangler has put no module into {}", folder.display()) } else { Ok(sum) }
}

fn ensure_queue(project: &Project, queue: &str) -> Result<()> {
    let (status, output) = process::tee(wrangler(project).args(["queues", "create", queue]))?;
    // Wrangler says so in words only.
    if status.success() || output.contains("already") {
        return Ok(());
    }
    bail!("the queue {queue} cannot be made")
}

/// The secrets that are not set yet, by the list that wrangler prints.
fn missing(list: &str) -> Result<Vec<&'static str>> {
    let set: serde_json::Value =
        serde_json::from_str(list).context("wrangler does not list secrets as JSON")?;
    let is_set = |name: &str| {
        let secrets = set.as_array().map(Vec::as_slice).unwrap_or_default();
        secrets.iter().any(|secret| secret["name"] == name)
    };
    Ok(SECRETS.into_iter().filter(|name| !is_set(name)).collect())
}

/// Through standard input: arguments can be read by everybody on this machine.
fn put_secret(project: &Project, name: &str) -> Result<()> {
    let value = random_secret()?;
    let mut child = wrangler(project).args(["secret", "put", name]).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().context("no standard input")?.write_all(value.as_bytes())?;
    if !child.wait()?.success() {
        bail!("the secret {name} cannot be set");
    }
    println!("{name}={value}");
    eprintln!("deploy: keep {name}, it cannot be read back");
    Ok(())
}

/// Whether `/healthz` says that all is well.
fn answers(url: &str) -> Result<()> {
    let health = format!("{}/healthz", url.trim_end_matches('/'));
    let body = process::query(Command::new("curl").args([
        "--fail",
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        &health,
    ]))?;
    let body: serde_json::Value =
        serde_json::from_str(&body).with_context(|| format!("{health} is not ours"))?;
    println!("deploy: {health} says {}", body["status"]);
    if body["status"] == "ok" { Ok(()) } else { bail!("not everything works: {}", body["degraded"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_are_set_stay() {
        let check = |list: &str, expected: &[&str]| assert_eq!(missing(list).unwrap(), expected, "{list}");
        check("[]", &SECRETS);
        check(r#"[{"name":"ADMIN_TOKEN","type":"secret_text"},{"name":"ID_SALT"}]"#, &["WRITE_KEY"]);
        check(r#"[{"name":"WRITE_KEY"},{"name":"ADMIN_TOKEN"},{"name":"ID_SALT"},{"name":"OTHER"}]"#, &[]);
        assert!(missing("Authentication error").is_err());
    }

    #[test]
    fn queues_are_those_of_the_configuration() {
        let project = Project::locate().unwrap();
        let text = std::fs::read_to_string(project.path("wrangler.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let consumers = table["queues"]["consumers"].as_array().unwrap();
        let mut configured: Vec<&str> =
            consumers.iter().map(|consumer| consumer["queue"].as_str().unwrap()).collect();
        configured.sort_unstable();
        assert_eq!(configured, QUEUES);
    }
}
