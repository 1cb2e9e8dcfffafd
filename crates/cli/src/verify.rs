//! `adtally verify`: the report that event files should give, against the one that the server gives.
//!
//! ```text
//! files --load--> events --recompute--> cells --Query--> table \
//!                                                                compare --> differences
//! server ------------------ GET /v1/reports ----------> answer /
//! ```

pub(crate) mod load;
pub(crate) mod recompute;
pub(crate) mod compare;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use adtally_core::cell::Scope;
use adtally_core::event::Event;
use adtally_core::key::{Key, UserSalt};
use adtally_core::measure::Measure;
use adtally_core::report::{MAX_LIMIT, Query, QueryError, run as run_query};
use adtally_core::settings::{Price, Settings};
use adtally_core::time::{HOUR_MS, Hour, ServerTime, rfc3339};
use adtally_wire::api::{Advertiser, Campaign, ReportAnswer};
use adtally_wire::catalog;
use adtally_wire::object::ReduceHead;
use adtally_wire::report::answer;
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::compare::{Comparison, compare};
use self::load::{Loaded, Reading};
use self::recompute::Rules;
use crate::client::{Client, ClientError};
use crate::clock::{self, Stopwatch};
use crate::interrupt::Interrupt;
use crate::replay::summary::grouped;
use crate::retry::{Patience, RetryError, with_retries};

/// Exit status when a figure differs.
const EXIT_DIFFERENT: u8 = 1;

/// So many differences are shown per advertiser.
const SHOWN_DIFFERENCES: usize = 50;

/// A server that restarts is waited for this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a report that differs is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Arguments of `adtally verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Files with all events of their advertisers, as sent: NDJSON, also gzipped (`replay --out` writes them)
    #[arg(required = true, value_name = "FILE.ndjson")]
    files: Vec<PathBuf>,
    /// Address of the server
    #[arg(long, value_name = "URL")]
    from: String,
    /// Token that may read the advertisers' reports and settings
    #[arg(long, env = "ADTALLY_ADMIN_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// Times and dimensions to compare by
    #[arg(long, default_value = "day,campaign,placement")]
    by: String,
    /// Figures to compare; without it all that do not depend on the way of the events to the server
    #[arg(long)]
    metrics: Option<String>,
    /// Only cells such as `campaign:eq:autumn`; repeatable
    #[arg(long)]
    filter: Vec<String>,
    /// Ask again for so long while figures differ: reports follow acknowledgements after a moment
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
    /// The deployment's salt of user keys; `reach` can be compared only with it
    #[arg(long, env = "ID_SALT", hide_env_values = true)]
    salt: Option<String>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error("the files have no event")]
    NoEvents,
    #[error("`reach` is estimated from salted user keys: give the deployment's --salt, or leave it out")]
    NoSalt,
    #[error("the query: {0}")]
    Query(#[from] QueryError),
    #[error("{0} rows, at most {MAX_LIMIT} can be compared: use fewer dimensions or a filter")]
    TooManyRows(u64),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("interrupted")]
    Interrupted,
}

/// Runs the command; exits with 1 if any figure differs.
pub(crate) fn run(args: &VerifyArgs, interrupt: &Interrupt) -> Result<ExitCode, VerifyError> {
    let metrics = metrics(args)?;
    let now = clock::now();
    let salt = UserSalt::new(args.salt.as_deref().unwrap_or_default().as_bytes());
    let mut loaded = Loaded::default();
    for path in &args.files {
        let read = loaded.add_file(path, &Reading { now, salt: &salt });
        read.map_err(|source| VerifyError::File { path: path.display().to_string(), source })?;
    }
    for (code, count) in &loaded.rejected {
        println!("{} events are invalid ({code}) and left out, as on the server", grouped(*count));
    }
    if loaded.events.is_empty() {
        return Err(VerifyError::NoEvents);
    }
    let server = Server { client: Client::new(&args.from, &args.token)?, interrupt };
    let mut differ = false;
    for (advertiser, events) in &loaded.events {
        let comparison = verify_one(args, &metrics, &server, advertiser, events, now)?;
        differ |= !comparison.differences.is_empty();
        report(advertiser, events.len(), &comparison);
    }
    Ok(if differ { ExitCode::from(EXIT_DIFFERENT) } else { ExitCode::SUCCESS })
}

/// All measures that follow from the set of events alone.
///
/// `duplicates` depends on how often they were sent, `late` on when, and `reach` also on their order until the
/// nightly batch: a sketch of users keeps those whose impressions a later event made invalid.
fn metrics(args: &VerifyArgs) -> Result<String, VerifyError> {
    match &args.metrics {
        Some(metrics) if args.salt.is_none() && metrics.split(',').any(|metric| metric.trim() == "reach") => {
            Err(VerifyError::NoSalt)
        }
        Some(metrics) => Ok(metrics.clone()),
        None => {
            let of_events = |measure: &Measure| !matches!(measure, Measure::Duplicates | Measure::Late);
            Ok(Measure::ALL.into_iter().filter(of_events).map(Measure::name).collect::<Vec<_>>().join(","))
        }
    }
}

fn verify_one(
    args: &VerifyArgs,
    metrics: &str,
    server: &Server<'_>,
    key: &Key,
    events: &[Event],
    now: ServerTime,
) -> Result<Comparison, VerifyError> {
    let advertiser = server.advertiser(key)?;
    let rules = Rules {
        settings: Settings {
            windows: catalog::advertiser::windows(&advertiser),
            prices: server.prices(key)?,
            currency: Key::parse(&advertiser.currency).unwrap_or_default(),
        },
        shards: advertiser.shards,
        received: now,
    };
    let scope = Scope::Advertiser(key.clone());
    let parameters = parameters(args, metrics, &advertiser.timezone, events);
    let query = Query::parse(&parameters, &advertiser.timezone, now)?;
    query.check_scope(&scope)?;
    let table = run_query(&query, &recompute::cells(events, &rules, &scope), &scope);
    // The head says which data a server's answer was made of; ours needs none.
    let head = ReduceHead::default();
    let expected = answer(&query, table, String::new(), &head);
    if expected.row_count > MAX_LIMIT {
        return Err(VerifyError::TooManyRows(expected.row_count));
    }
    let watch = Stopwatch::start();
    loop {
        let found = server.report(&scope, &parameters)?;
        if found.row_count > MAX_LIMIT {
            return Err(VerifyError::TooManyRows(found.row_count));
        }
        let comparison = compare(&expected, &found, query.by().len());
        if comparison.differences.is_empty() || watch.elapsed() >= Duration::from_secs(args.wait) {
            return Ok(comparison);
        }
        if server.interrupt.sleep(ASK_AGAIN) {
            return Err(VerifyError::Interrupted);
        }
    }
}

/// The query over the hours of the events.
fn parameters(args: &VerifyArgs, metrics: &str, tz: &str, events: &[Event]) -> Vec<(String, String)> {
    let hours = events.iter().map(|event| event.at.hour());
    let first = hours.clone().min().unwrap_or(Hour(0)).start_ms();
    let end = hours.max().unwrap_or(Hour(0)).start_ms() + HOUR_MS;
    let mut parameters = vec![
        ("from", rfc3339(first)),
        ("to", rfc3339(end)),
        ("tz", tz.to_owned()),
        ("by", args.by.clone()),
        ("metrics", metrics.to_owned()),
        ("limit", MAX_LIMIT.to_string()),
    ];
    parameters.extend(args.filter.iter().map(|filter| ("filter", filter.clone())));
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The server, waited for while it restarts.
struct Server<'a> {
    client: Client,
    interrupt: &'a Interrupt,
}

impl Server<'_> {
    /// The catalog entry, or what holds without one.
    fn advertiser(&self, key: &Key) -> Result<Advertiser, VerifyError> {
        match self.get(&format!("/v1/advertisers/{}", escaped(key)), &[]) {
            Err(VerifyError::Client(error)) if error.status() == Some(404) => {
                Ok(catalog::advertiser::unknown(key))
            }
            answer => answer,
        }
    }

    fn prices(&self, advertiser: &Key) -> Result<BTreeMap<String, Price>, VerifyError> {
        #[derive(Deserialize)]
        struct Campaigns {
            campaigns: Vec<Campaign>,
        }
        let Campaigns { campaigns } = self.get("/v1/campaigns", &[])?;
        let own = campaigns.into_iter().filter(|campaign| campaign.advertiser == advertiser.as_str());
        Ok(own.filter_map(|own| Some((own.key.clone(), catalog::campaign::price(&own)?))).collect())
    }

    fn report(&self, scope: &Scope, parameters: &[(String, String)]) -> Result<ReportAnswer, VerifyError> {
        let scope = scope.to_string();
        let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query: Vec<_> = [("scope", scope.as_str())].into_iter().chain(parameters).collect();
        self.get("/v1/reports", &query)
    }

    fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, VerifyError> {
        let notice = |error: &ClientError, pause: Duration| {
            eprintln!("{error}; trying again in {:.1} s", pause.as_secs_f64());
        };
        let attempt = || self.client.get(path, query);
        with_retries(Patience::For(PATIENCE), 0, self.interrupt, notice, attempt).map_err(|error| match error
        {
            RetryError::Interrupted => VerifyError::Interrupted,
            RetryError::Client(error) => error.into(),
        })
    }
}

/// A key as one segment of a path: what is not unreserved (RFC 3986) is escaped.
fn escaped(key: &Key) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    key.as_str().bytes().map(escape).collect()
}

fn report(advertiser: &Key, events: usize, comparison: &Comparison) {
    let Comparison { groups, metrics, differences } = comparison;
    let size = format!("{advertiser}: {} events, {groups} rows x {metrics} figures", grouped(events as u64));
    if differences.is_empty() {
        println!("{size}: equal");
        return;
    }
    println!("{size}: {} differ", differences.len());
    for difference in differences.iter().take(SHOWN_DIFFERENCES) {
        println!("  {difference}");
    }
    if differences.len() > SHOWN_DIFFERENCES {
        println!("  and {} more", differences.len() - SHOWN_DIFFERENCES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments() {
        #[track_caller]
        fn check(key: &str, expected: &str) {
            assert_eq!(escaped(&Key::parse(key).unwrap()), expected);
        }
        check("acme-1.x_y~z", "acme-1.x_y~z");
        check("a/b c", "a%2Fb%20c");
        check("여", "%EC%97%AC");
    }
}
