//! `bill`: the entries of an advertiser's ledger to somebody's URL, page by page, in their order.
//!
//! Where the last page ended is kept in the bucket, under `sinks/`, once the receiver has answered 2xx: every entry is sent,
//! and again only if that could not be noted. Then its page has the same `Idempotency-Key`, or, if the ledger has grown
//! meanwhile, entries of the same ids in front.

use adtally_core::key::Key;
use adtally_wire::billing::object::{Cursor, ENTRIES, EntriesQuery, Page};
use serde::Deserialize;
use serde_json::json;

use super::webhook::deliver;
use super::{Context, Done, TaskError};
use crate::bindings::STORE;
use crate::ledgers::Ledgers;
use crate::store::Store;

/// Where the ends of pages are.
const FOLDER: &str = "sinks/";
/// The longest name of a sink, in characters.
const MAX_NAME_CHARS: usize = 64;
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
}

/// May be repeated: see above. Two attempts at once send pages twice, and lose none.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { advertiser, url, name } = serde_json::from_str(params)?;
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
        let body = json!({ "advertiser": advertiser.as_str(), "entries": entries, "next": next.to_string() });
        deliver(context, &url, &body.to_string(), &format!("{name}/{from}-{next}")).await?;
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

async fn noted(context: &Context, place: &str) -> Result<Option<Cursor>, TaskError> {
    let Some(bytes) = Store::open(&context.env)?.get(place).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let wrong = || TaskError::permanent(format!("{place} says {text:?}, which is no place in a ledger"));
    Cursor::parse(&text).map(Some).ok_or_else(wrong)
}

/// The object's key.
fn place(name: &str) -> Result<String, TaskError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.len() <= MAX_NAME_CHARS && name.chars().all(is_plain) {
        return Ok(format!("{FOLDER}{name}"));
    }
    Err(TaskError::permanent(format!(
        "{name:?} is not a name such as acme-billing: letters, digits, _ and -"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("acme-billing").ok().as_deref(), Some("sinks/acme-billing"));
        for wrong in ["", "a/b", "..", "a b", "é"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
