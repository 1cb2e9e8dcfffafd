//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt as _};

pub(crate) const USAGE: &str = "\
cargo xtask <command>

  setup                     install what is missing: wasm targets, wasm-bindgen, worker-build, wasm-pack,
                            npm packages, and for the tests Chromium
  build [worker|web|all]    build the worker and the dashboard, if anything changed
  dev                       set up, build, and run it all locally with demo traffic; Ctrl-C stops everything
      --port N              where to listen (default 8787)
      --state DIR           where all data is kept (default .wrangler/state)
      --no-demo             without demo traffic
  test                      set up and run every check and test
      --only STEP           just this one, repeatable: fmt tidy audit clippy native wasm-node web e2e
      --fail-fast           stop at the first step that fails
  simulate                  try the simulations of linkers and reports and of jobs with faults
      --seeds N             how many (default 20000)
  fuzz [TARGET ...]         drive the parsers of foreign bytes with damaged ones, by what they cover (cargo fuzz)
      --seconds N           how long each (default 30)
  bench [NAME ...]          measure; JSON lines, then a table. NAME: only `native`, `native/q`, `link`, ...
      --quick               little data, one run: whether it works, not how fast it is
      --runs N              how often everything is measured (default 3 to 5)
      --peers               ask DuckDB, Polars, chDB and DataFusion the same on the same data, and compare
      --peers-from DIR      where the scripts that ask them are (default ../shared/bench)
  deploy                    build and publish: queues, worker, tables, missing secrets
      --env NAME            an environment of wrangler.toml with data of its own: staging (default production)
      --dry-run             only what needs no account: build, bundle, check sizes
      --url URL             where it will be, to ask whether it answers
  restore                   put a backup into a deployment that is empty; ADTALLY_TOKEN is an admin's token
      --url URL             of the deployment
      --backup ID           which backup; absent: list them
      --overwrite           also where it is not empty: what is there goes
  tidy                      the mechanical rules of this repository
  audit                     licences and sources of what is depended on, and known holes in it
";

pub(crate) const DEFAULT_PORT: u16 = 8787;

#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Setup,
    Build(Part),
    Dev(DevOptions),
    Test(TestOptions),
    Simulate { seeds: u64 },
    Fuzz { targets: Vec<String>, seconds: u32 },
    Bench(BenchOptions),
    Deploy(DeployOptions),
    Restore(RestoreOptions),
    Tidy,
    Audit,
}

/// What `build` makes.
#[derive(Debug, PartialEq, Clone, Copy)]
pub(crate) enum Part {
    Worker,
    Web,
    All,
}

#[derive(Debug, PartialEq)]
pub(crate) struct DevOptions {
    pub(crate) port: u16,
    /// Relative to where the command was typed; the project's default when absent.
    pub(crate) state: Option<PathBuf>,
    pub(crate) demo: bool,
}

#[derive(Debug, PartialEq, Default)]
pub(crate) struct TestOptions {
    /// Empty: all.
    pub(crate) only: Vec<String>,
    pub(crate) fail_fast: bool,
}

#[derive(Debug, PartialEq, Default)]
pub(crate) struct BenchOptions {
    /// Empty: all.
    pub(crate) names: Vec<String>,
    pub(crate) quick: bool,
    /// The measurement's own default when absent.
    pub(crate) runs: Option<u32>,
    pub(crate) peers: bool,
    /// The project's default when absent.
    pub(crate) peers_from: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Default)]
pub(crate) struct DeployOptions {
    pub(crate) dry_run: bool,
    /// Production when absent.
    pub(crate) environment: Option<String>,
    pub(crate) url: Option<String>,
}

#[derive(Debug, PartialEq, Default)]
pub(crate) struct RestoreOptions {
    pub(crate) url: Option<String>,
    /// Absent: only list what there is.
    pub(crate) backup: Option<String>,
    pub(crate) overwrite: bool,
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut parser = lexopt::Parser::from_args(args);
    let name = match parser.next()? {
        None | Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Value(name)) => name.string()?,
        Some(option) => return Err(option.unexpected().into()),
    };
    match name.as_str() {
        "help" => Ok(Command::Help),
        "setup" => no_more(parser, Command::Setup),
        "tidy" => no_more(parser, Command::Tidy),
        "audit" => no_more(parser, Command::Audit),
        "build" => build(parser),
        "dev" => dev(parser),
        "test" => test(parser),
        "simulate" => simulate(parser),
        "fuzz" => fuzz(parser),
        "bench" => bench(parser),
        "deploy" => deploy(parser),
        "restore" => restore(parser),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}

fn no_more(mut parser: lexopt::Parser, command: Command) -> Result<Command> {
    match parser.next()? {
        None => Ok(command),
        Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(arg) => Err(arg.unexpected().into()),
    }
}

fn build(mut parser: lexopt::Parser) -> Result<Command> {
    let part = match parser.next()? {
        None => Part::All,
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Value(part)) => match part.string()?.as_str() {
            "worker" => Part::Worker,
            "web" => Part::Web,
            "all" => Part::All,
            other => bail!("cannot build `{other}`: it is worker, web or all"),
        },
        Some(arg) => return Err(arg.unexpected().into()),
    };
    no_more(parser, Command::Build(part))
}

fn dev(mut parser: lexopt::Parser) -> Result<Command> {
    let mut options = DevOptions { port: DEFAULT_PORT, state: None, demo: true };
    while let Some(arg) = parser.next()? {
        match arg {
            Long("port") => options.port = parser.value()?.parse().context("--port takes a port number")?,
            Long("state") => options.state = Some(parser.value()?.into()),
            Long("no-demo") => options.demo = false,
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Dev(options))
}

fn test(mut parser: lexopt::Parser) -> Result<Command> {
    let mut options = TestOptions::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("only") => options.only.push(parser.value()?.string()?),
            Long("fail-fast") => options.fail_fast = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Test(options))
}

fn simulate(mut parser: lexopt::Parser) -> Result<Command> {
    let mut seeds = crate::simulate::DEFAULT_SEEDS;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seeds") => seeds = parser.value()?.parse().context("--seeds takes a number")?,
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Simulate { seeds })
}

fn fuzz(mut parser: lexopt::Parser) -> Result<Command> {
    let (mut targets, mut seconds) = (Vec::new(), crate::fuzz::DEFAULT_SECONDS);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seconds") => seconds = parser.value()?.parse().context("--seconds takes a number")?,
            Value(name) => targets.push(name.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Fuzz { targets, seconds })
}

fn bench(mut parser: lexopt::Parser) -> Result<Command> {
    let mut options = BenchOptions::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("quick") => options.quick = true,
            Long("runs") => options.runs = Some(parser.value()?.parse().context("--runs takes a number")?),
            Long("peers") => options.peers = true,
            Long("peers-from") => {
                options.peers = true;
                options.peers_from = Some(parser.value()?.into());
            }
            Value(name) => options.names.push(name.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Bench(options))
}

fn deploy(mut parser: lexopt::Parser) -> Result<Command> {
    let mut options = DeployOptions::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("dry-run") => options.dry_run = true,
            Long("env") => options.environment = Some(parser.value()?.string()?),
            Long("url") => options.url = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Deploy(options))
}

fn restore(mut parser: lexopt::Parser) -> Result<Command> {
    let mut options = RestoreOptions::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("url") => options.url = Some(parser.value()?.string()?),
            Long("backup") => options.backup = Some(parser.value()?.string()?),
            Long("overwrite") => options.overwrite = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(Command::Restore(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Command) {
        assert_eq!(parse(line.split_whitespace().map(OsString::from)).unwrap(), expected, "{line}");
    }

    fn check_refused(line: &str, expected: &str) {
        let error = parse(line.split_whitespace().map(OsString::from)).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{line}: {error:#}");
    }

    #[test]
    fn commands_and_their_options() {
        let dev = |port, state: Option<&str>, demo| {
            Command::Dev(DevOptions { port, state: state.map(PathBuf::from), demo })
        };
        let test = |only: &[&str], fail_fast| {
            Command::Test(TestOptions { only: only.iter().map(ToString::to_string).collect(), fail_fast })
        };
        check("", Command::Help);
        check("dev --help", Command::Help);
        check("simulate", Command::Simulate { seeds: 20_000 });
        check("simulate --seeds 7", Command::Simulate { seeds: 7 });
        let names = vec!["native/q".to_owned(), "wasm".to_owned()];
        check(
            "bench native/q --quick wasm --runs 2",
            Command::Bench(BenchOptions { names, quick: true, runs: Some(2), ..BenchOptions::default() }),
        );
        let peers_from = Some(PathBuf::from("x"));
        check(
            "bench --peers-from x",
            Command::Bench(BenchOptions { peers: true, peers_from, ..BenchOptions::default() }),
        );
        check("setup", Command::Setup);
        check("audit", Command::Audit);
        let deploy = |dry_run, environment: Option<&str>, url: Option<&str>| {
            let (environment, url) = (environment.map(str::to_owned), url.map(str::to_owned));
            Command::Deploy(DeployOptions { dry_run, environment, url })
        };
        check("deploy --dry-run", deploy(true, None, None));
        check("deploy --url https://x --env staging", deploy(false, Some("staging"), Some("https://x")));
        let restore = |backup: Option<&str>, overwrite| {
            let (url, backup) = (Some("https://x".to_owned()), backup.map(str::to_owned));
            Command::Restore(RestoreOptions { url, backup, overwrite })
        };
        check("restore --url https://x", restore(None, false));
        check("restore --url https://x --backup b --overwrite", restore(Some("b"), true));
        check("build", Command::Build(Part::All));
        check("build web", Command::Build(Part::Web));
        check("dev", dev(DEFAULT_PORT, None, true));
        check("dev --port 9000 --state /tmp/a --no-demo", dev(9000, Some("/tmp/a"), false));
        check("test", test(&[], false));
        check("test --only fmt --only=web --fail-fast", test(&["fmt", "web"], true));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check_refused("fly", "there is no command `fly`");
        check_refused("build cli", "it is worker, web or all");
        check_refused("dev --port eight", "--port takes a port number");
        check_refused("setup now", "now");
    }
}
