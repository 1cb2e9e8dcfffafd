//! `postback`: conversions that are attributed to a click, to a partner's address, each once it is settled.
//!
//! How far each shard's log is read lies in the bucket, under `postbacks/`, and moves once a partner has answered: every
//! conversion is sent, and again only if that could not be noted, with the same `Idempotency-Key`.
//! What a partner refuses for good is kept beside it, with the reason, and holds nobody up. When an operator has said so,
//! the next run sends it again, as the template and the conversion are by then; what was said lies beside it until that is
//! done.

mod replay;

use std::collections::BTreeMap;

use adtally_core::key::Key;
use adtally_core::time::{MINUTE_MS, SECOND_MS};
use adtally_wire::api::EventStory;
use adtally_wire::jobs::api::{PostbackProgress, RejectedPostback};
use adtally_wire::jobs::postback::{Template, values};
use adtally_wire::object::{CONVERSIONS, Conversions, ConversionsQuery};
use serde::Deserialize;
use serde_json::json;
use worker::{Method, ObjectNamespace};

use super::webhook::{Letter, allows_private, deliver, target};
use super::{Context, Done, TaskError, plain};
use crate::bindings::{CATALOG, LINKER, STORE};
use crate::clock;
use crate::directory;
use crate::linkers::Linker;
use crate::store::Store;

/// Its name in the registry.
pub(crate) const KIND: &str = "postback";
/// Where the progress is.
pub(crate) const FOLDER: &str = "postbacks/";
/// How long a conversion is left alone for late touches, unless the task says otherwise, in seconds.
const SETTLE_S: u32 = 60;
/// The longest, a day: what left the log is not found any more.
const MAX_SETTLE_S: u32 = 86_400;
/// Conversions of a page.
const PAGE: u32 = 50;
/// The most conversions of an attempt; the next run goes on.
const MAX_SENT: u64 = 2_000;
/// The most refusals that are kept; the oldest go.
const MAX_REJECTED: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Under which the progress is kept.
    name: String,
    /// Whose conversions.
    advertiser: String,
    /// Only those of clicks in this service; absent: of all.
    #[serde(default)]
    service: Option<String>,
    /// The partner's address, with macros.
    url: String,
    /// `GET` or `POST`.
    #[serde(default)]
    method: Option<String>,
    /// How long a conversion is left alone, in seconds.
    #[serde(default)]
    settle_s: Option<u32>,
}

pub(crate) use replay::order as order_replay;

/// Where conversions are.
struct Log {
    linkers: ObjectNamespace,
    advertiser: Key,
    shards: u32,
}

/// What a partner gets, and how.
struct Partner {
    template: Template,
    method: Method,
    service: Option<String>,
}

/// May be repeated: see above. Two attempts at once send some conversions twice, and lose none.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let params: Params = serde_json::from_str(params)?;
    let place = place(&params.name)?;
    let advertiser = Key::parse(&params.advertiser).map_err(TaskError::permanent)?;
    let partner = partner(&params, allows_private(&context.env))?;
    let settle_s = params.settle_s.unwrap_or(SETTLE_S);
    if settle_s > MAX_SETTLE_S {
        return Err(TaskError::permanent(format!("settle_s {settle_s} is more than {MAX_SETTLE_S}")));
    }
    let now = clock::now();
    let upto_ms = now.0 - i64::from(settle_s) * SECOND_MS;
    let mut noted = read(&Store::open(&context.env)?, &place).await?;
    let begin = || PostbackProgress { since_ms: upto_ms - MINUTE_MS, ..PostbackProgress::default() };
    let mut progress = noted.clone().unwrap_or_else(begin);
    let before = progress.sent;
    let shards = directory::place(&context.env.d1(CATALOG)?, &advertiser, now).await?.shards;
    let linkers = context.env.durable_object(LINKER)?;
    let log = Log { linkers, advertiser, shards };
    let mut outcome = replay::again(context, &partner, &log, &place, &mut progress).await;
    for shard in 0..log.shards {
        if outcome.is_err() {
            break;
        }
        let linker = Linker::of(&log.linkers, &log.advertiser, shard);
        outcome = send_shard(context, &partner, (shard, &linker), &place, upto_ms, &mut progress).await;
        // Also how far it came before it failed.
        if noted.as_ref() != Some(&progress) {
            write(context, &place, &progress).await?;
            noted = Some(progress.clone());
        }
        if progress.sent - before >= MAX_SENT {
            break;
        }
    }
    context.log(format!("{} sent, {} refused", progress.sent - before, progress.rejected.len()));
    outcome?;
    let result = json!({ "sent": progress.sent - before, "rejected": progress.rejected.len() });
    Ok(Done { result: result.to_string(), ..Done::default() })
}

/// One shard's conversions, until there are no more or the partner cannot take any now.
///
/// 1. Asking the Linker: read only.
/// 2. Sending: the partner knows the conversion by its id. How far it is, is written after every page.
async fn send_shard(
    context: &Context,
    partner: &Partner,
    (shard, linker): (u32, &Linker<'_>),
    place: &str,
    upto_ms: i64,
    progress: &mut PostbackProgress,
) -> Result<(), TaskError> {
    let (since_ms, mut sent) = (progress.since_ms, 0);
    while sent < MAX_SENT {
        let after = progress.shards.get(&shard).copied().unwrap_or_default();
        let query = ConversionsQuery { after, since_ms, upto_ms, limit: PAGE };
        let Some(page): Option<Conversions> = linker.ask(CONVERSIONS, &query).await? else { return Ok(()) };
        for (mark, story) in &page.conversions {
            sent += 1;
            if fits(partner, story) {
                send(context, partner, story, progress).await?;
            }
            progress.shards.insert(shard, *mark);
        }
        progress.shards.insert(shard, page.next);
        if !page.more {
            return Ok(());
        }
        write(context, place, progress).await?;
    }
    Ok(())
}

async fn send(
    context: &Context,
    partner: &Partner,
    story: &EventStory,
    progress: &mut PostbackProgress,
) -> Result<(), TaskError> {
    match tell(context, partner, story).await? {
        None => progress.sent += 1,
        Some(refused) => {
            progress.rejected.push(refused);
            let surplus = progress.rejected.len().saturating_sub(MAX_REJECTED);
            progress.rejected.drain(..surplus);
        }
    }
    Ok(())
}

/// Tells a partner of a conversion, and what it said who refused it for good.
async fn tell(
    context: &Context,
    partner: &Partner,
    story: &EventStory,
) -> Result<Option<RejectedPostback>, TaskError> {
    let values = values(story);
    let url = partner.template.fill(&values);
    let id = values.get("id").cloned().unwrap_or_default();
    let is_post = partner.method == Method::Post;
    let body = if is_post { json!(values).to_string() } else { String::new() };
    let letter = Letter { method: partner.method.clone(), body: &body, ..Letter::new(&url, &id) };
    match deliver(context, letter).await {
        Ok(_) => Ok(None),
        Err(TaskError::Permanent(reason)) => {
            Ok(Some(RejectedPostback { id, url, reason, at_ms: clock::now().0 }))
        }
        Err(retry) => Err(retry),
    }
}

fn fits(partner: &Partner, story: &EventStory) -> bool {
    let service = story.cell.get("service").map_or("", String::as_str);
    partner.service.as_deref().is_none_or(|wanted| wanted == service)
}

fn partner(params: &Params, allows_private: bool) -> Result<Partner, TaskError> {
    let template = Template::parse(&params.url).map_err(TaskError::permanent)?;
    let url = target(&template.fill(&BTreeMap::new()), allows_private)?;
    if url.scheme() != "https" && !allows_private {
        return Err(TaskError::permanent(format!("{:?} is not https", params.url)));
    }
    let method = match params.method.as_deref() {
        None | Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some(other) => return Err(TaskError::permanent(format!("method {other:?} is neither GET nor POST"))),
    };
    Ok(Partner { template, method, service: params.service.clone() })
}

/// How far a partner is, if it was ever sent anything.
pub(crate) async fn progress(store: &Store, name: &str) -> Result<Option<PostbackProgress>, TaskError> {
    read(store, &place(name)?).await
}

async fn read(store: &Store, place: &str) -> Result<Option<PostbackProgress>, TaskError> {
    let Some(bytes) = store.get(place).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

async fn write(context: &Context, place: &str, progress: &PostbackProgress) -> Result<(), TaskError> {
    let text = serde_json::to_string(progress)?;
    context.env.bucket(STORE)?.put(place, text).execute().await?;
    Ok(())
}

/// The key of a partner's progress.
fn place(name: &str) -> Result<String, TaskError> {
    Ok(format!("{FOLDER}{}.json", plain(name, "news-1")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners() {
        fn check(url: &str, method: Option<&str>, allows_private: bool, says: &str) {
            let params = Params {
                name: "n".to_owned(),
                advertiser: "a".to_owned(),
                service: None,
                url: url.to_owned(),
                method: method.map(str::to_owned),
                settle_s: None,
            };
            let error =
                partner(&params, allows_private).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{url}: {error}");
        }
        check("https://partner.example/?c={click_id}", None, false, "");
        check("https://partner.example/", Some("POST"), false, "");
        check("https://partner.example/", Some("PUT"), false, "neither GET nor POST");
        check("http://partner.example/", None, false, "is not https");
        check("http://127.0.0.1:1/{id}", None, true, "");
        check("https://10.0.0.1/{id}", None, false, "private network");
        check("https://partner.example/{who}", None, false, "{who} is none of");
        assert!(place("news-1").is_ok() && place("a/b").is_err());
    }
}
