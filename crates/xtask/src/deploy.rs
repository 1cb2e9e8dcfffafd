//! `cargo xtask deploy`: everything that publishing takes, in the order in which it may be repeated.
//!
//! ```text
//! build -> sizes -> queues -> tables -> upload -> secrets that are missing -> does it answer?
//! ```
//!
//! Tables come first, so that no new code meets old ones: migrations only add, so the code before works on with them.
//! A database that is not there yet is made by the first upload, and has its tables after it.
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
/// Where the environments are.
const CONFIGURATION: &str = "wrangler.toml";
/// Without them nothing works; what is set already stays.
const SECRETS: [&str; 3] = ["ADMIN_TOKEN", "WRITE_KEY", "ID_SALT"];

pub(crate) fn run(project: &Project, options: &DeployOptions) -> Result<()> {
    let configuration = std::fs::read_to_string(project.path(CONFIGURATION))
        .with_context(|| format!("cannot read {CONFIGURATION}"))?;
    let target = Target::read(&configuration, options.environment.as_deref())?;
    build::unless_already_done(project, Part::All)?;
    measure(project, &target)?;
    if options.dry_run {
        return Ok(());
    }
    for queue in &target.queues {
        ensure_queue(project, &target, queue)?;
    }
    let databases = process::query(target.wrangler(project).args(["d1", "list", "--json"]))?;
    let is_there = has_database(&databases, &target.database)?;
    if is_there {
        migrate(project, &target)?;
    }
    let (status, told) = process::tee(target.wrangler(project).arg("deploy"))?;
    if !status.success() {
        bail!("wrangler deploy ended with {status}");
    }
    if !is_there {
        migrate(project, &target)?;
    }
    let set = process::query(target.wrangler(project).args(["secret", "list", "--format", "json"]))?;
    for name in missing(&set)? {
        put_secret(project, &target, name)?;
    }
    match options.url.as_deref().or_else(|| address(&told)) {
        Some(url) => answers(url),
        None => {
            eprintln!("deploy: done; --url https://... would also ask whether it answers");
            Ok(())
        }
    }
}

fn migrate(project: &Project, target: &Target) -> Result<()> {
    process::run(target.wrangler(project).args(["d1", "migrations", "apply", "CATALOG", "--remote"]))
}

/// Whether a database is among those that wrangler lists.
fn has_database(list: &str, name: &str) -> Result<bool> {
    let list: serde_json::Value =
        serde_json::from_str(list).context("wrangler does not list databases as JSON")?;
    let databases = list.as_array().context("wrangler does not list databases")?;
    Ok(databases.iter().any(|database| database["name"] == name))
}

/// Where wrangler says that the worker is now.
fn address(told: &str) -> Option<&str> {
    let is_worker = |word: &&str| word.starts_with("https://") && word.ends_with(".workers.dev");
    told.split_whitespace().find(is_worker)
}

/// What is published.
#[derive(Debug, PartialEq)]
struct Target {
    /// As wrangler takes it: empty for what is at the top of the configuration.
    environment: String,
    /// Messages between the parts; one that exists is no error.
    queues: Vec<String>,
    /// The name of the catalog's database.
    database: String,
}

impl Target {
    /// An environment of the configuration, or what is at its top.
    fn read(configuration: &str, environment: Option<&str>) -> Result<Self> {
        let table: toml::Table = configuration.parse().context("the configuration is no TOML")?;
        let part = match environment {
            None => &table,
            Some(name) => {
                let all = table.get("env").and_then(toml::Value::as_table);
                let named = all.and_then(|all| all.get(name)).and_then(toml::Value::as_table);
                named.with_context(|| format!("{CONFIGURATION} has no environment {name:?}"))?
            }
        };
        let consumers = part.get("queues").and_then(|queues| queues.get("consumers"));
        let consumers = consumers.and_then(toml::Value::as_array).context("no queue has a consumer")?;
        let name = |consumer: &toml::Value| Some(consumer.get("queue")?.as_str()?.to_owned());
        let queues = consumers.iter().map(name).collect::<Option<_>>().context("a queue has no name")?;
        let database = part.get("d1_databases").and_then(|databases| databases.get(0)?.get("database_name"));
        let database = database.and_then(toml::Value::as_str).context("the database has no name")?.to_owned();
        Ok(Self { environment: environment.unwrap_or_default().to_owned(), queues, database })
    }

    fn wrangler(&self, project: &Project) -> Command {
        let mut command = project.command(project.node_bin("wrangler"));
        command.arg(format!("--env={}", self.environment)).env(build::ALREADY_BUILT, "1");
        command
    }
}

/// Has wrangler make what would be uploaded, and says how large that is.
fn measure(project: &Project, target: &Target) -> Result<()> {
    let folder = project.target().join("deploy");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    process::query(target.wrangler(project).args(["deploy", "--dry-run", "--outdir"]).arg(&folder))?;
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

fn ensure_queue(project: &Project, target: &Target, queue: &str) -> Result<()> {
    let (status, output) = process::tee(target.wrangler(project).args(["queues", "create", queue]))?;
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
fn put_secret(project: &Project, target: &Target, name: &str) -> Result<()> {
    let value = random_secret()?;
    let mut child = target.wrangler(project).args(["secret", "put", name]).stdin(Stdio::piped()).spawn()?;
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
    fn what_wrangler_tells() {
        let list = r#"[{"uuid":"1","name":"adtally-catalog"}]"#;
        assert!(has_database(list, "adtally-catalog").unwrap());
        assert!(!has_database(list, "adtally").unwrap() && !has_database("[]", "adtally").unwrap());
        assert!(has_database("not logged in", "adtally").is_err());
        let told = "Uploaded adtally (5.2 sec)\nDeployed adtally triggers (1 sec)\n  https://adtally.acme.workers.dev\n";
        assert_eq!(address(told), Some("https://adtally.acme.workers.dev"));
        assert_eq!(address("Deployed\n  ads.example/* (zone name)\nsee https://x.example"), None);
    }

    fn configuration() -> String {
        std::fs::read_to_string(Project::locate().unwrap().path(CONFIGURATION)).unwrap()
    }

    #[test]
    fn queues_are_those_of_the_environment() {
        let of = |environment| Target::read(&configuration(), environment).map(|target| target.queues);
        let names =
            |prefix: &str| ["billing", "billing-dead", "tasks"].map(|name| format!("{prefix}-{name}"));
        assert_eq!(of(None).unwrap(), names("adtally"));
        let database = |environment| Target::read(&configuration(), environment).unwrap().database;
        assert_eq!(database(Some("staging")), "adtally-staging-catalog");
        assert_eq!(of(Some("staging")).unwrap(), names("adtally-staging"));
        assert!(of(Some("nowhere")).unwrap_err().to_string().contains("no environment \"nowhere\""));
    }

    /// Staging is production under other names: nothing is missing, and nothing is shared.
    #[test]
    fn environments_differ_in_names_alone() {
        let mut table: toml::Table = configuration().parse().unwrap();
        let environments = table.remove("env").unwrap();
        let toml::Value::Table(staging) = &environments["staging"] else { panic!("no table") };
        // Wrangler inherits the rest.
        let mut keys: Vec<&str> = staging.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["d1_databases", "durable_objects", "name", "queues", "r2_buckets", "vars"]);
        for part in keys {
            assert_eq!(staging[part], renamed(&table[part]), "{part}");
        }
    }

    /// What staging calls it.
    fn renamed(value: &toml::Value) -> toml::Value {
        match value {
            toml::Value::String(text) if text == "adtally" => "adtally-staging".into(),
            toml::Value::String(text) if text == "production" => "staging".into(),
            toml::Value::String(text) => text.replace("adtally-", "adtally-staging-").into(),
            toml::Value::Array(items) => items.iter().map(renamed).collect::<Vec<_>>().into(),
            toml::Value::Table(table) => {
                table.iter().map(|(key, value)| (key.clone(), renamed(value))).collect::<toml::Table>().into()
            }
            other => other.clone(),
        }
    }
}
