//! `/v1/archive`: the files of raw events, to be listed and downloaded, and those that jobs have exported.

use adtally_core::access::{Grant, Owner, Owners, Side};
use adtally_core::key::Key;
use adtally_core::time::Day;
use adtally_wire::archive::{Archive, FILES, FilesQuery, ListedFile};
use adtally_wire::catalog::key as parse_key;
use percent_encoding::percent_decode_str;
use worker::{Response, ResponseBuilder};

use crate::auth::authenticate;
use crate::call::{Call, json};
use crate::directory;
use crate::linkers::ask_all;
use crate::problem::Fault;
use crate::tasks::EXPORTS;

/// What Parquet is called.
const MEDIA_TYPE: &str = "application/vnd.apache.parquet";

/// `GET`: the files of one advertiser, by event day.
pub(super) async fn list(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let named = call.parameter("advertiser").map(|text| parse_key("advertiser", &text)).transpose()?;
    let missing = || Fault::refused(422, "missing_advertiser", "say whose archive it is with ?advertiser=");
    let advertiser = advertiser(&grant, named)?.ok_or_else(missing)?;
    let query = FilesQuery { from_day: day(call, "from")?, to_day: day(call, "to")? };
    let place = directory::place(&call.bindings.catalog, &advertiser, call.now).await?;
    let shards: Vec<Vec<ListedFile>> =
        ask_all(&call.bindings.linkers, &advertiser, place.shards, FILES, &query).await?;
    let mut files: Vec<ListedFile> = shards.into_iter().flatten().collect();
    files.sort_by(|a, b| a.key.cmp(&b.key));
    let entries = files.iter().map(|file| file.entries).sum();
    let bytes = files.iter().map(|file| file.bytes).sum();
    json(200, &Archive { entries, bytes, files })
}

/// `GET` of one: its bytes.
pub(super) async fn download(call: &Call, key: &str) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    if key.starts_with(EXPORTS) {
        grant.reads_of(&Owner::Platform)?;
    } else {
        let owner = owner_of(key).ok_or_else(|| not_found(key))?;
        advertiser(&grant, Some(owner))?;
    }
    send(call, key).await
}

/// The bytes of a file that the caller may have.
pub(super) async fn send(call: &Call, key: &str) -> Result<Response, Fault> {
    let object = call.bindings.store()?.get(key).execute().await?.ok_or_else(|| not_found(key))?;
    let body = object.body().ok_or_else(|| not_found(key))?.response_body()?;
    let name = key.rsplit('/').next().unwrap_or("file");
    let media_type = object.http_metadata().content_type;
    let answer = ResponseBuilder::new()
        .with_header("Content-Type", media_type.as_deref().unwrap_or(MEDIA_TYPE))?
        .with_header("Content-Length", &object.size().to_string())?
        .with_header("Content-Disposition", &format!("attachment; filename=\"{name}\""))?;
    Ok(answer.body(body))
}

/// Raw events are their advertiser's, a service does not see them.
fn advertiser(grant: &Grant, named: Option<Key>) -> Result<Option<Key>, Fault> {
    grant.reads()?;
    let owners: Owners = grant.scope.owners(Side::Advertiser);
    Ok(owners.meant(named)?)
}

/// Whose file has this key: `raw/advertiser=…/…`.
fn owner_of(key: &str) -> Option<Key> {
    let rest = key.strip_prefix(adtally_archive::PREFIX)?.strip_prefix("advertiser=")?;
    let (advertiser, _) = rest.split_once('/')?;
    let advertiser = percent_decode_str(advertiser).decode_utf8().ok()?;
    Key::parse(&advertiser).ok().filter(|key| !key.is_empty())
}

fn day(call: &Call, name: &str) -> Result<Option<i32>, Fault> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    let wrong = || Fault::refused(422, "bad_time", format!("{name} {text:?} is no day such as 2018-07-22"));
    Day::parse(&text).map(|day| Some(day.0)).ok_or_else(wrong)
}

fn not_found(key: &str) -> Fault {
    Fault::refused(404, "file_not_found", format!("the archive has no file {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_file_is() {
        fn check(key: &str, expected: Option<&str>) {
            assert_eq!(owner_of(key).as_ref().map(Key::as_str), expected, "{key}");
        }
        check("raw/advertiser=acme/day=2018-07-22/shard=0/1-2.parquet", Some("acme"));
        check("raw/advertiser=a%2Fb/day=2018-07-22/shard=0/1-2.parquet", Some("a/b"));
        check("raw/advertiser=/day=2018-07-22/shard=0/1-2.parquet", None);
        check("raw/advertiser=acme", None);
        check("batch/advertiser=acme/x", None);
    }
}
