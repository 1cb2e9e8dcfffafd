//! `bill`: the entries of an advertiser's ledger to somebody's URL, page by page, in their order.
//!
//! As pages of our own, or as records to a Kafka REST proxy (API v2), with the charge as their key.
//!
//! Where the last page ended is kept in the bucket, under `sinks/`, once the receiver has answered 2xx: every entry is sent,
//! and again only if that could not be noted. Then its page has the same `Idempotency-Key`, or, if the ledger has grown
//! meanwhile, entries of the same ids in front.

use adtally_core::key::Key;
use adtally_wire::billing::api::BillingEntry;
use adtally_wire::billing::object::{Cursor, ENTRIES, EntriesQuery, Page};
use serde::Deserialize;
use serde_json::{Value, json};

use super::webhook::{Letter, deliver};
use super::{Context, Done, TaskError, plain};
use crate::bindings::STORE;
use crate::ledgers::Ledgers;
use crate::store::Store;

/// Where the ends of pages are.
pub(super) const FOLDER: &str = "sinks/";
/// Entries of a page: some 500 kB of JSON.
const PAGE: u32 = 1_000;
/// The most pages of an attempt; the next run goes on.
const MAX_PAGES: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Whose ledger.
    advertiser: String,
    /// Who gets the entries.
    url: String,
    /// Under which its place is kept: two sinks of one name would take turns.
    name: String,
    /// What the receiver understands.
    #[serde(default)]
    format: Format,
}

/// What a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Pages with a cursor.
    #[default]
    Pages,
    /// `POST /topics/{topic}` of a Kafka REST proxy, API v2.
    KafkaRest,
}

/// What a Kafka REST proxy takes and answers.
const KAFKA_JSON: &str = "application/vnd.kafka.json.v2+json";
const KAFKA_ANSWER: &str = "application/vnd.kafka.v2+json, application/vnd.kafka+json, application/json";

/// The answer of a Kafka REST proxy.
#[derive(Deserialize)]
struct KafkaAnswer {
    offsets: Vec<KafkaOffset>,
}

/// What became of a record.
#[derive(Deserialize)]
struct KafkaOffset {
    error_code: Option<i64>,
    error: Option<String>,
}

/// A proxy's code for what would go wrong each time.
const KAFKA_FINAL: i64 = 1;

/// May be repeated: see above. Two attempts at once send pages twice, and lose none.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { advertiser, url, name, format } = serde_json::from_str(params)?;
    let advertiser = Key::parse(&advertiser).map_err(TaskError::permanent)?;
    let place = place(&name)?;
    let ledgers = Ledgers::read(&context.env)?;
    let mut after = noted(context, &place).await?;
    let mut sent = 0;
    for _ in 0..MAX_PAGES {
        let query = EntriesQuery { after, limit: PAGE, ..EntriesQuery::default() };
        let Page { entries, next, more } = ledgers.ask(&advertiser, ENTRIES, &query).await?;
        if entries.is_empty() {
            break;
        }
        let from = after.map_or_else(|| "start".to_owned(), |cursor| cursor.to_string());
        let key = format!("{name}/{from}-{next}");
        match format {
            Format::Pages => {
                let next = next.to_string();
                let body = json!({ "advertiser": advertiser.as_str(), "entries": entries, "next": next });
                deliver(context, Letter { body: &body.to_string(), ..Letter::new(&url, &key) }).await?;
            }
            Format::KafkaRest => {
                let record = |entry| json!({ "key": entry_key(entry), "value": entry });
                let records: Vec<Value> = entries.iter().map(record).collect();
                let body = json!({ "records": records }).to_string();
                let letter = Letter {
                    body: &body,
                    content_type: KAFKA_JSON,
                    accept: KAFKA_ANSWER,
                    ..Letter::new(&url, &key)
                };
                let (_, answer) = deliver(context, letter).await?;
                stored(&answer, entries.len())?;
            }
        }
        context.env.bucket(STORE)?.put(place.as_str(), next.to_string()).execute().await?;
        sent += entries.len();
        after = Some(next);
        if !more {
            break;
        }
    }
    context.log(format!("{sent} entries"));
    let next = after.map(|cursor| cursor.to_string());
    Ok(Done { result: json!({ "entries": sent, "next": next }).to_string(), ..Done::default() })
}

fn entry_key(entry: &BillingEntry) -> &str {
    &entry.charge
}

/// Whether a Kafka REST proxy has stored all of so many records. One that has not makes all of the page come again: what
/// it stored of it is there twice then, with the same ids.
fn stored(answer: &str, records: usize) -> Result<(), TaskError> {
    let odd = |why: &str| TaskError::Retry(format!("the proxy's answer {why}"));
    let answer: KafkaAnswer = serde_json::from_str(answer).map_err(|error| odd(&error.to_string()))?;
    if answer.offsets.len() != records {
        return Err(odd(&format!("is about {} of {records} records", answer.offsets.len())));
    }
    let failed: Vec<&KafkaOffset> = answer
        .offsets
        .iter()
        .filter(|offset| offset.error_code.is_some() || offset.error.is_some())
        .collect();
    let Some(first) = failed.first() else { return Ok(()) };
    let why = first.error.as_deref().unwrap_or("no reason");
    let detail = format!("{} of {records} records were not stored: {why}", failed.len());
    match failed.iter().any(|offset| offset.error_code == Some(KAFKA_FINAL)) {
        true => Err(TaskError::Permanent(detail)),
        false => Err(TaskError::Retry(detail)),
    }
}

async fn noted(context: &Context, place: &str) -> Result<Option<Cursor>, TaskError> {
    let Some(bytes) = Store::open(&context.env)?.get(place).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let wrong = || TaskError::permanent(format!("{place} says {text:?}, which is no place in a ledger"));
    Cursor::parse(&text).map(Some).ok_or_else(wrong)
}

/// The object's key.
fn place(name: &str) -> Result<String, TaskError> {
    Ok(format!("{FOLDER}{}", plain(name, "acme-billing")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_proxy() {
        fn check(answer: &str, expected: Result<(), TaskError>) {
            assert_eq!(stored(answer, 2), expected, "{answer}");
        }
        let offset = r#"{"partition":0,"offset":7,"error_code":null,"error":null}"#;
        let failed = |code: u8| format!(r#"{{"offsets":[{offset},{{"error_code":{code},"error":"no"}}]}}"#);
        let detail = || "1 of 2 records were not stored: no".to_owned();
        check(&format!(r#"{{"key_schema_id":null,"offsets":[{offset},{offset}]}}"#), Ok(()));
        check(&failed(2), Err(TaskError::Retry(detail())));
        check(&failed(1), Err(TaskError::Permanent(detail())));
        let few = "the proxy's answer is about 1 of 2 records";
        check(&format!(r#"{{"offsets":[{offset}]}}"#), Err(TaskError::Retry(few.to_owned())));
        assert!(matches!(stored("<html>", 2), Err(TaskError::Retry(_))));
    }

    #[test]
    fn places() {
        assert_eq!(place("acme-billing").ok().as_deref(), Some("sinks/acme-billing"));
        for wrong in ["", "a/b", "..", "a b", "é"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
