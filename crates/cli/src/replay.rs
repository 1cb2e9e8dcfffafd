//! `adtally replay`: files of any shape become events, sent at least once and stored exactly once.
//!
//! ```text
//! file --Input--> rows --Map--> events --Batches--> bodies --Delivery--> server
//!                                                        \--> --out FILE, --dry-run
//! ```

pub(crate) mod map;
pub(crate) mod input;
pub(crate) mod batch;
pub(crate) mod pace;
pub(crate) mod checkpoint;
pub(crate) mod delivery;
pub(crate) mod offline;
pub(crate) mod summary;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use self::batch::Batches;
use self::checkpoint::{Checkpoint, Job, Progress as Through};
use self::delivery::{Delivery, DeliveryError, End, Step, deliver};
use self::input::{Input, InputError};
use self::map::{Map, MapError};
use self::pace::Pace;
use self::summary::{Summary, grouped};
use crate::client::{Client, ClientError, Encoding};
use crate::clock::Stopwatch;
use crate::interrupt::{EXIT_INTERRUPTED, Interrupt};
use crate::progress::Progress;
use crate::retry::Patience;
use crate::source::BytesRead;

/// Exit status when everything was sent and something was refused.
const EXIT_REJECTED: u8 = 1;

/// Arguments of `adtally replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// CSV (.csv, .tsv) or NDJSON (.ndjson, .jsonl) files, also gzipped (.gz)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How rows become events, in TOML (see docs/replay.md)
    #[arg(long, value_name = "MAP.toml")]
    map: PathBuf,
    /// Address of the server, such as http://127.0.0.1:8787
    #[arg(long, value_name = "URL", required_unless_present_any = ["out", "dry_run"])]
    to: Option<String>,
    /// Write key
    #[arg(long, env = "ADTALLY_WRITE_KEY", hide_env_values = true, default_value = "")]
    key: String,
    /// Events per second; without it as fast as the server takes them
    #[arg(long, value_name = "EVENTS_PER_S", value_parser = positive)]
    rate: Option<f64>,
    /// Events per request, 1 to 5,000
    #[arg(long, value_name = "EVENTS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    batch: u32,
    /// Requests under way at once, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: u32,
    /// Compress request bodies
    #[arg(long)]
    gzip: bool,
    /// Continue an interrupted replay (the default where there is one); an error where there is none
    #[arg(long, conflicts_with = "fresh")]
    resume: bool,
    /// Start at the first row even if an earlier replay was interrupted
    #[arg(long)]
    fresh: bool,
    /// Folder of the checkpoints, by default ~/.local/state/adtally/replay
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Give up when the server takes nothing for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    give_up_after: u64,
    /// Exit with 0 even if events were rejected
    #[arg(long)]
    allow_rejected: bool,
    /// Map everything, send nothing, show the first events
    #[arg(long, conflicts_with_all = ["out", "resume", "fresh"])]
    dry_run: bool,
    /// Write the events as NDJSON instead of sending them
    #[arg(long, value_name = "FILE.ndjson", conflicts_with_all = ["to", "resume", "fresh"])]
    out: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("is not a number above 0".to_owned()),
    }
}

/// Why a replay ended without sending everything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("cannot read the map {path}: {source}")]
    ReadMap { path: String, source: io::Error },
    #[error("the map {path}: {source}")]
    Map { path: String, source: MapError },
    #[error("{path}: {source}")]
    Input { path: String, source: InputError },
    #[error("{path}: {source}; the same command continues where it stopped")]
    Delivery { path: String, source: DeliveryError },
    #[error("the checkpoint of {path}: {source}")]
    Checkpoint { path: String, source: io::Error },
    #[error("no home folder for checkpoints: give --state DIR")]
    NoStateFolder,
    #[error("nothing to resume: no replay of these files with this map to this address was interrupted")]
    NothingToResume,
    #[error("cannot write {path}: {source}")]
    Out { path: String, source: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Runs the command; the summary goes to stdout, all else to stderr.
pub(crate) fn run(args: &ReplayArgs, interrupt: &Interrupt) -> Result<ExitCode, ReplayError> {
    let watch = Stopwatch::start();
    let (map_text, map) = read_map(&args.map)?;
    let mut summary = Summary::default();
    let end = match (&args.to, &args.out) {
        (Some(url), None) if !args.dry_run => send(args, url, &map_text, &map, interrupt, &mut summary),
        (_, Some(out)) => offline::write_out(args, out, &map, &mut summary),
        _ => offline::dry_run(args, &map, &mut summary),
    };
    match args.json {
        // Of a command that did not get to its first row the error says everything.
        _ if end.is_err() && summary.rows == 0 => {}
        true => println!("{}", summary.json(watch.elapsed())),
        false => println!("{}", summary.after(watch.elapsed())),
    }
    Ok(match end? {
        End::Interrupted => {
            eprintln!("interrupted; the same command continues where it stopped");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        End::Complete if summary.rejected > 0 && !args.allow_rejected => ExitCode::from(EXIT_REJECTED),
        End::Complete => ExitCode::SUCCESS,
    })
}

fn read_map(path: &Path) -> Result<(String, Map), ReplayError> {
    let shown = || path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| ReplayError::ReadMap { path: shown(), source })?;
    let map = Map::parse(&text).map_err(|source| ReplayError::Map { path: shown(), source })?;
    Ok((text, map))
}

fn open(path: &Path, map: &Map, bytes: BytesRead) -> Result<Input, ReplayError> {
    Input::open(path, map, bytes)
        .map_err(|source| ReplayError::Input { path: path.display().to_string(), source })
}

fn send(
    args: &ReplayArgs,
    url: &str,
    map_text: &str,
    map: &Map,
    interrupt: &Interrupt,
    summary: &mut Summary,
) -> Result<End, ReplayError> {
    let client = Client::new(url, &args.key)?;
    // A file that cannot be read should end the command before anything is sent.
    for path in &args.files {
        open(path, map, BytesRead::default())?;
    }
    let folder = args.state.clone().or_else(checkpoint::default_folder).ok_or(ReplayError::NoStateFolder)?;
    let mut checkpoints = open_checkpoints(args, &folder, map_text, url)?;
    let delivery = Delivery {
        client: &client,
        encoding: if args.gzip { Encoding::Gzip } else { Encoding::Plain },
        senders: args.concurrency as usize,
        rate: args.rate,
        patience: Patience::For(Duration::from_secs(args.give_up_after)),
        interrupt,
    };
    for (path, checkpoint) in args.files.iter().zip(&mut checkpoints) {
        if send_file(args, path, map, &delivery, checkpoint, summary)? == End::Interrupted {
            return Ok(End::Interrupted);
        }
    }
    // Only now: had the last file failed, the first ones need not be sent again.
    for (path, checkpoint) in args.files.iter().zip(&mut checkpoints) {
        checkpoint
            .remove()
            .map_err(|source| ReplayError::Checkpoint { path: path.display().to_string(), source })?;
    }
    Ok(End::Complete)
}

fn open_checkpoints(
    args: &ReplayArgs,
    folder: &Path,
    map: &str,
    url: &str,
) -> Result<Vec<Checkpoint>, ReplayError> {
    let open = |path: &PathBuf| {
        let mut checkpoint = Job::new(path, map, url).and_then(|job| Checkpoint::open(folder, job))?;
        if args.fresh {
            checkpoint.remove()?;
        }
        Ok(checkpoint)
    };
    let named = |path: &PathBuf| {
        open(path).map_err(|source| ReplayError::Checkpoint { path: path.display().to_string(), source })
    };
    let checkpoints: Vec<_> = args.files.iter().map(named).collect::<Result<_, _>>()?;
    let untouched = |checkpoint: &Checkpoint| checkpoint.progress() == Through::Through(0);
    if args.resume && checkpoints.iter().all(untouched) {
        return Err(ReplayError::NothingToResume);
    }
    Ok(checkpoints)
}

fn send_file(
    args: &ReplayArgs,
    path: &Path,
    map: &Map,
    delivery: &Delivery<'_>,
    checkpoint: &mut Checkpoint,
    summary: &mut Summary,
) -> Result<End, ReplayError> {
    let shown = path.display().to_string();
    let failed = |source| ReplayError::Input { path: shown.clone(), source };
    let acknowledged = match checkpoint.progress() {
        Through::Finished => {
            eprintln!("{shown}: was sent before the interruption (--fresh sends it again)");
            return Ok(End::Complete);
        }
        Through::Through(row) => row,
    };
    let bytes = BytesRead::default();
    let mut input = open(path, map, bytes.clone())?;
    if acknowledged > 0 {
        eprintln!("{shown}: continuing after row {} (--fresh starts over)", grouped(acknowledged));
        input.skip(acknowledged).map_err(failed)?;
    }
    let size = fs::metadata(path).map_err(|error| failed(error.into()))?.len();
    let mut progress = Progress::new(&shown, size);
    let max_events =
        args.rate.map_or(args.batch as usize, |rate| Pace::new(rate).batch_events(args.batch as usize));
    let batches = Batches::new(input, map, &shown, max_events);
    let watch = Stopwatch::start();
    let before = summary.events;
    let mut quiet_until = Duration::ZERO;
    let end = deliver(delivery, batches, checkpoint, summary, |step| match step {
        Step::Acknowledged(summary) => progress.update(bytes.get(), || {
            let rate = (summary.events - before) as f64 / watch.elapsed().as_secs_f64();
            format!("{} rows, {} events, {rate:.0}/s", grouped(summary.rows), grouped(summary.events))
        }),
        // All senders fail together; one of them speaks for the others.
        Step::Retrying(error, pause) if watch.elapsed() >= quiet_until => {
            quiet_until = watch.elapsed() + pause;
            progress.note(&format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
        }
        Step::Retrying(..) => {}
    });
    drop(progress);
    let end = end.map_err(|source| ReplayError::Delivery { path: shown.clone(), source })?;
    if end == End::Complete {
        let saved = checkpoint.save(Through::Finished);
        saved.map_err(|source| ReplayError::Checkpoint { path: shown, source })?;
    }
    Ok(end)
}
