//! The way in from the page.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::time::Day;
use adtally_wire::archive::{Archive, ListedFile};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::compare::{cells_of, compare};
use crate::link;
use crate::shelf::{Fetch, Shelf, Trouble};

/// What the page fetches with: an address into a promise of bytes.
struct FromPage(Function);

impl Fetch for FromPage {
    async fn fetch(&self, address: &str) -> Result<Vec<u8>, Trouble> {
        let unreachable = |error: JsValue| {
            let message =
                js_sys::Reflect::get(&error, &"message".into()).ok().and_then(|text| text.as_string());
            Trouble::Unreachable(message.unwrap_or_else(|| format!("{address} cannot be fetched")))
        };
        let promise = self.0.call1(&JsValue::NULL, &address.into()).map_err(unreachable)?;
        let bytes = JsFuture::from(Promise::resolve(&promise)).await.map_err(unreachable)?;
        Ok(Uint8Array::new(&bytes).to_vec())
    }
}

/// Links a day (`2018-07-22`, UTC) of an advertiser again, and says as JSON whether it is what the server says.
///
/// # Errors
/// A text that says why it could not be done.
#[wasm_bindgen]
pub async fn verify(advertiser: String, day: String, fetch: Function) -> Result<String, JsValue> {
    run(&advertiser, &day, &FromPage(fetch)).await.map_err(|trouble| JsValue::from_str(&trouble.to_string()))
}

async fn run(advertiser: &str, day: &str, page: &FromPage) -> Result<String, Trouble> {
    let damaged = |error: serde_json::Error| Trouble::Damaged(error.to_string());
    let scope = Scope::parse(&format!("advertiser:{advertiser}"))
        .ok_or_else(|| Trouble::Damaged(format!("{advertiser:?} is no advertiser")))?;
    let day = Day::parse(day).ok_or_else(|| Trouble::Damaged(format!("{day:?} is no day")))?;
    let encoded = String::from(js_sys::encode_uri_component(advertiser));
    let list = page.fetch(&format!("/v1/archive?advertiser={encoded}")).await?;
    let archive: Archive = serde_json::from_slice(&list).map_err(damaged)?;
    let mut shards: BTreeMap<String, Vec<ListedFile>> = BTreeMap::new();
    for file in archive.files {
        shards.entry(shard_of(&file.key)).or_default().push(file);
    }
    let (mut segments, mut events, mut files, mut bytes) = (Vec::new(), 0, 0, 0);
    for files_of_shard in shards.into_values() {
        let mut shelf = Shelf::new(files_of_shard, page)?;
        let (cells, linked) = link::day(&mut shelf, day).await?;
        segments.extend(cells);
        events += linked as u64;
        files += shelf.opened() as u64;
        bytes += shelf.bytes;
    }
    let here = cells_of(&scope, day, &segments)?;
    let next = Day(day.0 + 1);
    let address = format!("/v1/segments?scope=advertiser:{encoded}&from={day}&to={next}&tz=UTC");
    let mut verified = compare(&here, &page.fetch(&address).await?)?;
    (verified.events, verified.files, verified.bytes) = (events, files, bytes);
    serde_json::to_string(&verified).map_err(damaged)
}

/// The shard of a file: events are linked to events of their shard.
fn shard_of(key: &str) -> String {
    key.split('/').find(|part| part.starts_with("shard=")).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_by_keys() {
        assert_eq!(shard_of("raw/advertiser=a/day=2018-07-22/shard=3/1-2.parquet"), "shard=3");
        assert_eq!(shard_of("elsewhere"), "");
    }
}
