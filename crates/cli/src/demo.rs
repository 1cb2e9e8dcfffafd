//! `adtally demo`: a believable ad platform, made up from a seed, sent through the HTTP API like anyone's events.
//!
//! ```text
//! catalog --> position (what does the server have?) --> Timeline: backfill, then live
//! ```
//!
//! The same minute always brings the same events, so a restart goes on and doubles nothing.

pub(crate) mod platform;
pub(crate) mod catalog;
pub(crate) mod visit;
pub(crate) mod rhythm;
pub(crate) mod timeline;
pub(crate) mod position;
pub(crate) mod dice;

use std::process::ExitCode;
use std::time::Duration;

use adtally_core::time::{DAY_MS, EventTime, MINUTE_MS, SECOND_MS};
use adtally_wire::api::CollectAnswer;
use clap::Args;

use self::position::{first_missing, has_minute};
use self::timeline::{Density, Timeline};
use crate::client::{Client, ClientError, Encoding};
use crate::clock::{self, Stopwatch};
use crate::interrupt::Interrupt;
use crate::outgoing::OutgoingEvent;
use crate::progress::Progress;
use crate::replay::summary::grouped;
use crate::retry::{Patience, RetryError, with_retries};

/// Average live events per second where none are asked for: something happens every few seconds.
const DEFAULT_RATE: f64 = 0.2;

/// Events of the past per day: as dense as the default live traffic, so that charts go on without a step; a week is
/// sent in about a minute.
const PAST_PER_DAY: f64 = DEFAULT_RATE * 86_400.0;

/// Minutes in a day.
const DAY_MINUTES: i64 = DAY_MS / MINUTE_MS;

/// Events per request of the backfill.
const BATCH: usize = 500;

/// Live events are sent this often.
const TICK: Duration = Duration::from_secs(1);

/// After a longer pause (a sleeping machine, a server that was down) the gap is sketched like the past, rather
/// than sent at the live rate all at once.
const LONGEST_LAG_MS: i64 = 15 * MINUTE_MS;

/// A server that stays away is mentioned this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// How often the live traffic says that it goes on.
const REPORT_EVERY_MS: i64 = 10 * MINUTE_MS;

/// Arguments of `adtally demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Address of the server, such as http://127.0.0.1:8787
    #[arg(long, value_name = "URL")]
    to: String,
    /// Write key
    #[arg(long, env = "ADTALLY_WRITE_KEY", hide_env_values = true, default_value = "")]
    key: String,
    /// Admin token: adds the catalog entries and finds out how far the data go
    #[arg(long, env = "ADTALLY_ADMIN_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// Days of the past to fill, 0 to 30
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i64).range(0..=30))]
    days: i64,
    /// Average live events per second, 0.1 to 1,000
    #[arg(long, value_name = "EVENTS_PER_S", default_value_t = DEFAULT_RATE, value_parser = live_rate)]
    rate: f64,
    /// Another seed makes other people with other habits
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fill the past and exit
    #[arg(long)]
    once: bool,
}

fn live_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1_000.0).contains(&rate) => Ok(rate),
        _ => Err("is not a number from 0.1 to 1,000".to_owned()),
    }
}

/// Why the demo ended by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the server rejected an event of the demo: {code}: {message}")]
    Rejected { code: String, message: String },
}

/// What ends a stretch of work: an error, or someone who wants the program to stop.
enum Stop {
    Interrupted,
    Failed(DemoError),
}

impl From<RetryError> for Stop {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::Interrupted => Stop::Interrupted,
            RetryError::Client(error) => Stop::Failed(error.into()),
        }
    }
}

/// Runs the command until the past is filled (`--once`) or it is stopped.
pub(crate) fn run(args: &DemoArgs, interrupt: &Interrupt) -> Result<ExitCode, DemoError> {
    let demo = Demo {
        args,
        writer: Client::new(&args.to, &args.key)?,
        admin: Client::new(&args.to, &args.token)?,
        interrupt,
    };
    match demo.run() {
        Ok(()) | Err(Stop::Interrupted) => Ok(ExitCode::SUCCESS),
        Err(Stop::Failed(error)) => Err(error),
    }
}

struct Demo<'a> {
    args: &'a DemoArgs,
    writer: Client,
    admin: Client,
    interrupt: &'a Interrupt,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    accepted: u64,
    duplicates: u64,
}

impl Demo<'_> {
    fn run(&self) -> Result<(), Stop> {
        let added = self.persist(|| catalog::add_missing(&self.admin))?;
        if added > 0 {
            eprintln!("demo: added {added} catalog entries");
        }
        loop {
            let now = clock::now().0 / MINUTE_MS;
            let earliest = now - self.args.days * DAY_MINUTES;
            let from =
                self.persist(|| first_missing(earliest, now, |minute| has_minute(&self.admin, minute)))?;
            let density = Density {
                seed: self.args.seed,
                past_per_minute: PAST_PER_DAY / DAY_MINUTES as f64,
                live_per_minute: self.args.rate * 60.0,
                live_from: now,
            };
            let mut timeline = Timeline::starting(from, density);
            self.backfill(&mut timeline)?;
            if self.args.once {
                return Ok(());
            }
            eprintln!("demo: sending about {} events/s until stopped", self.args.rate);
            self.live(&mut timeline)?;
            eprintln!("demo: fell behind, filling the gap");
        }
    }

    fn backfill(&self, timeline: &mut Timeline) -> Result<(), Stop> {
        let events = timeline.until(EventTime(clock::now().0));
        let mut progress = Progress::new("demo: backfill", events.len() as u64);
        let mut sent = Sent::default();
        for (index, batch) in events.chunks(BATCH).enumerate() {
            self.send(batch, &mut sent)?;
            let position = (index * BATCH + batch.len()) as u64;
            progress.update(position, || {
                format!("{} of {} events", grouped(position), grouped(events.len() as u64))
            });
        }
        drop(progress);
        let Sent { accepted, duplicates } = sent;
        eprintln!("demo: filled the past: {} events, {} duplicates", grouped(accepted), grouped(duplicates));
        Ok(())
    }

    /// Returns when too much time has passed since the last success.
    fn live(&self, timeline: &mut Timeline) -> Result<(), Stop> {
        let mut sent = Sent::default();
        let mut reported = clock::now().0;
        let mut last = reported;
        loop {
            if self.interrupt.sleep(TICK) {
                return Err(Stop::Interrupted);
            }
            let now = clock::now().0;
            if now - last > LONGEST_LAG_MS {
                return Ok(());
            }
            for batch in timeline.until(EventTime(now)).chunks(BATCH) {
                self.send(batch, &mut sent)?;
            }
            last = now;
            if now - reported >= REPORT_EVERY_MS {
                let seconds = (now - reported) / SECOND_MS;
                eprintln!(
                    "demo: {} events in the last {seconds} s",
                    grouped(sent.accepted + sent.duplicates)
                );
                (reported, sent) = (now, Sent::default());
            }
        }
    }

    fn send(&self, events: &[OutgoingEvent], sent: &mut Sent) -> Result<(), Stop> {
        let mut body = Vec::new();
        events.iter().for_each(|event| event.write_line(&mut body));
        let answer: CollectAnswer = self.persist(|| self.writer.collect(&body, Encoding::Plain))?;
        sent.accepted += answer.accepted;
        sent.duplicates += answer.duplicates;
        match answer.rejected.into_iter().next() {
            None => Ok(()),
            Some(event) => {
                Err(Stop::Failed(DemoError::Rejected { code: event.code, message: event.message }))
            }
        }
    }

    /// A server that restarts is waited for, however long it takes.
    fn persist<T>(&self, attempt: impl FnMut() -> Result<T, ClientError>) -> Result<T, Stop> {
        let watch = Stopwatch::start();
        let mut quiet_until = Duration::ZERO;
        let notice = |error: &ClientError, _: Duration| {
            if watch.elapsed() >= quiet_until {
                quiet_until = watch.elapsed() + COMPLAIN_EVERY;
                eprintln!("demo: {error}; trying until it works");
            }
        };
        Ok(with_retries(Patience::Endless, 0, self.interrupt, notice, attempt)?)
    }
}
