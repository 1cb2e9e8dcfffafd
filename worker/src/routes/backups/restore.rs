//! The steps of a restore.

use std::collections::BTreeSet;
use std::time::Duration;

use adtally_archive::{is_of_shard, owner_folder};
use adtally_core::backup::{PartKind, Phase, Refusal, Restoring, Step, Verdict, judge};
use adtally_core::key::Key;
use adtally_core::route::parse_linker_name;
use adtally_wire::backup::api::{Restore, RestoreStep, Restored};
use adtally_wire::backup::object::{BEGIN, Begin, END, End, LOAD, WIPED};
use adtally_wire::backup::page::{Load, Page, Value};
use adtally_wire::backup::{ASIDE, KEPT, Manifest, PageRef, Part, Table, fingerprint};
use adtally_wire::jobs::api::{RunInfo, Runs};
use adtally_wire::jobs::object::{CANCEL, LIST, ListRuns, OfRun};
use worker::{Delay, Env};

use crate::backup::{Backups, Said, kind_of, put, tell};
use crate::bindings::ID_SALT;
use crate::call::Call;
use crate::catalog::{advertisers, dump, settings};
use crate::directory;
use crate::linkers::push_settings;
use crate::problem::Fault;
use crate::store::Store;
use crate::tasks::{BACKUP, PROGRESS};

/// Pages of one request: some tens of megabytes, one after the other.
const PAGES_AT_ONCE: usize = 32;
/// Files that one request moves.
const FILES_AT_ONCE: usize = 32;
/// How often an object is told again that begins anew, within one request.
const TELLINGS: u32 = 50;
/// How long it takes to begin anew.
const BEGIN_ANEW: Duration = Duration::from_millis(100);
/// Files that an error names.
const NAMED: usize = 5;
/// Runs that may be under way when a backup is made.
const MAX_RUNS: u32 = 500;

/// Does a step. Each may be repeated; what that means for a part, [`judge`] says.
pub(super) async fn step(call: &Call, manifest: &Manifest, wanted: Restore) -> Result<Restored, Fault> {
    let salt = call.bindings.secrets.fingerprint()?;
    if salt != manifest.salt {
        let detail = format!("users were hashed with another {ID_SALT} when the backup was made");
        return Err(Fault::refused(409, "other_salt", detail));
    }
    let part = || {
        let unknown = || Fault::refused(422, "unknown_part", format!("there is no part {}", wanted.part));
        manifest.parts.get(wanted.part).ok_or_else(unknown)
    };
    match wanted.step {
        RestoreStep::Check => check(call, manifest).await,
        RestoreStep::Begin => begin(call, manifest, part()?, wanted.overwrite).await,
        RestoreStep::Load => load(call, manifest, part()?, wanted.page).await,
        RestoreStep::End => end(call, manifest, part()?).await,
        RestoreStep::Finish => finish(call).await,
    }
}

/// Brings back what a merge has replaced since; what is missing then is named.
async fn check(call: &Call, manifest: &Manifest) -> Result<Restored, Fault> {
    let store = Store::of(call.bindings.store()?);
    let lacking = Backups(&store).lacking(manifest).await?;
    let kept = store.sizes(KEPT).await?;
    let is_kept = |key: &str| kept.contains_key(&format!("{KEPT}{key}"));
    let lost: Vec<&str> = lacking.iter().map(String::as_str).filter(|key| !is_kept(key)).collect();
    if !lost.is_empty() {
        let named: Vec<&str> = lost.iter().copied().take(NAMED).collect();
        let detail =
            format!("{} files of the archive are missing or altered: {}", lost.len(), named.join(", "));
        return Err(Fault::refused(409, "archive_incomplete", detail));
    }
    for key in lacking.iter().take(FILES_AT_ONCE) {
        store.copy(&format!("{KEPT}{key}"), key).await?;
    }
    Ok(Restored { done: lacking.len() <= FILES_AT_ONCE, next: None, count: lacking.len() as u64 })
}

async fn begin(call: &Call, manifest: &Manifest, part: &Part, overwrite: bool) -> Result<Restored, Fault> {
    let (kind, env) = (kind_of(part)?, call.bindings.env());
    if let PartKind::Progress | PartKind::Catalog = kind {
        return begin_here(call, manifest, part, kind, overwrite).await;
    }
    let (schema, tables) = (part.schema, part.tables.clone());
    let begin = Begin { backup: manifest.id.clone(), overwrite, schema, tables };
    let body = serde_json::to_vec(&begin).map_err(worker::Error::from)?;
    for _ in 0..TELLINGS {
        match say(env, kind, part, BEGIN, &body).await? {
            Some(answer) if answer == WIPED.as_bytes() && kind == PartKind::Linker => {
                let count = put_aside(call, manifest, part).await?;
                return Ok(Restored { done: true, next: None, count });
            }
            Some(_) => return Ok(Restored { done: true, ..Restored::default() }),
            None => Delay::from(BEGIN_ANEW).await,
        }
    }
    Ok(Restored::default())
}

/// Tells an object something; `None` where it is to be told again. An object that begins anew drops its calls.
async fn say(
    env: &Env,
    kind: PartKind,
    part: &Part,
    path: &str,
    body: &[u8],
) -> Result<Option<Vec<u8>>, Fault> {
    match tell(env, kind, &part.name, path, body).await {
        Ok(Said::Yes(bytes)) => Ok(Some(bytes)),
        Ok(Said::Again) | Err(Fault::Unavailable { .. }) => Ok(None),
        Ok(Said::No(refused)) => Err(Fault::refused(409, code_of(&refused.code), refused.detail)),
        Err(fault) => Err(fault),
    }
}

/// Files of a shard that the backup does not know were archived later: events of them are sent again, and whoever reads
/// the archive would count them twice.
async fn put_aside(call: &Call, manifest: &Manifest, part: &Part) -> Result<u64, Fault> {
    let store = Store::of(call.bindings.store()?);
    let Some((advertiser, shard)) = parse_linker_name(&part.name) else { return Ok(0) };
    let known: BTreeSet<&str> = part.files.iter().map(|file| file.key.as_str()).collect();
    let mut moved = 0;
    for (key, _) in store.keys(&owner_folder(&advertiser)).await? {
        if is_of_shard(&key, shard) && !known.contains(key.as_str()) {
            store.copy(&key, &format!("{ASIDE}{}/{key}", manifest.id)).await?;
            store.remove(&[key]).await?;
            moved += 1;
        }
    }
    Ok(moved)
}

async fn load(call: &Call, manifest: &Manifest, part: &Part, from: usize) -> Result<Restored, Fault> {
    let (kind, store) = (kind_of(part)?, Store::of(call.bindings.store()?));
    let end = (from + PAGES_AT_ONCE).min(part.pages.len());
    for index in from..end {
        let page = page(&store, &part.pages[index]).await?;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        if let PartKind::Progress | PartKind::Catalog = kind {
            load_here(call, manifest, kind, index, &page).await?;
            continue;
        }
        let load = Load { backup: manifest.id.clone(), index, page }.encode();
        if say(call.bindings.env(), kind, part, LOAD, &load).await?.is_none() {
            return Ok(Restored { done: false, next: Some(index as usize), count: 0 });
        }
    }
    let next = (end < part.pages.len()).then_some(end);
    Ok(Restored { done: next.is_none(), next, count: end.saturating_sub(from) as u64 })
}

/// A page that is what was put.
async fn page(store: &Store, wanted: &PageRef) -> Result<Page, Fault> {
    let damaged = |why: String| Fault::refused(409, "backup_damaged", format!("{}: {why}", wanted.key));
    let bytes = store.get(&wanted.key).await?.ok_or_else(|| damaged("it is missing".to_owned()))?;
    wanted.check(&bytes).map_err(|damage| damaged(damage.to_string()))?;
    Page::decode(&bytes).map_err(|error| damaged(error.to_string()))
}

async fn end(call: &Call, manifest: &Manifest, part: &Part) -> Result<Restored, Fault> {
    let kind = kind_of(part)?;
    let pages = u32::try_from(part.pages.len()).unwrap_or(u32::MAX);
    if let PartKind::Progress | PartKind::Catalog = kind {
        return end_here(call, manifest, part, kind, pages).await;
    }
    let rows = part.tables.iter().map(|table| (table.name.clone(), table.rows)).collect();
    let end = End { backup: manifest.id.clone(), pages, rows };
    let body = serde_json::to_vec(&end).map_err(worker::Error::from)?;
    let mut heard = 0;
    for _ in 0..TELLINGS {
        heard += u32::from(say(call.bindings.env(), kind, part, END, &body).await?.is_some());
        // The second answer is that of an instance which began with what was restored.
        if heard > 1 {
            return Ok(Restored { done: true, ..Restored::default() });
        }
        Delay::from(BEGIN_ANEW).await;
    }
    Ok(Restored::default())
}

/// Linkers go by the settings of the catalog, which may be later than those they have. Backups that were under way are
/// not: this is what became of them.
async fn finish(call: &Call) -> Result<Restored, Fault> {
    let db = &call.bindings.catalog;
    let mut count = 0;
    for entry in advertisers::list(db, None).await? {
        let Ok(key) = Key::parse(&entry.key) else { continue };
        directory::forget(&key);
        let current = settings::current(db, &key).await?;
        // One that has events under another count of shards says so, and is right.
        let _ = push_settings(&call.bindings.linkers, &key, entry.shards, &current).await;
        count += 1;
    }
    for state in ["running", "queued"] {
        let query = ListRuns {
            job: Some(BACKUP.to_owned()),
            state: Some(state.to_owned()),
            limit: MAX_RUNS,
            ..ListRuns::default()
        };
        for run in call.bindings.jobs.ask::<Runs>(LIST, &query).await?.runs {
            let of = OfRun { run: run.run, task: None };
            call.bindings.jobs.ask::<RunInfo>(CANCEL, &of).await?;
        }
    }
    Ok(Restored { done: true, next: None, count })
}

/// What is no object is restored by the worker itself, by the same rules.
async fn begin_here(
    call: &Call,
    manifest: &Manifest,
    part: &Part,
    kind: PartKind,
    overwrite: bool,
) -> Result<Restored, Fault> {
    let db = &call.bindings.catalog;
    let present = if kind == PartKind::Catalog { dump::tables(db).await? } else { Vec::new() };
    if kind == PartKind::Catalog
        && let Some(name) = unknown_table(&part.tables, &present)
    {
        let detail = format!("the catalog has no such table as {name}: migrate it first");
        return Err(Fault::refused(409, "backup_version", detail));
    }
    let known = dump::restoring(db, kind.name()).await?;
    let is_empty = dump::is_empty(db, kind.evidence()).await?;
    match judge(known.as_ref(), &manifest.id, Step::Begin { is_empty, overwrite }) {
        Err(refusal) => return Err(refused(kind, &refusal)),
        Ok(Verdict::Known) => return Ok(Restored { done: true, ..Restored::default() }),
        Ok(_) => {}
    }
    let phase = |phase| Restoring { backup: manifest.id.clone(), phase };
    dump::note(db, kind.name(), &phase(Phase::Closing)).await?;
    match kind {
        PartKind::Catalog => dump::clear(db, &present).await?,
        _ => {
            let store = Store::of(call.bindings.store()?);
            for folder in PROGRESS {
                store.remove_all(folder).await?;
            }
        }
    }
    dump::note(db, kind.name(), &phase(Phase::Loading(0))).await?;
    Ok(Restored { done: true, ..Restored::default() })
}

/// A table that is not there, or lacks a column; later versions may have more of both.
fn unknown_table<'a>(wanted: &'a [Table], present: &[Table]) -> Option<&'a str> {
    let fits = |table: &Table, known: &Table| {
        known.name == table.name && table.columns.iter().all(|column| known.columns.contains(column))
    };
    let is_unknown = |table: &&Table| !present.iter().any(|known| fits(table, known));
    wanted.iter().find(is_unknown).map(|table| table.name.as_str())
}

async fn load_here(
    call: &Call,
    manifest: &Manifest,
    kind: PartKind,
    index: u32,
    page: &Page,
) -> Result<(), Fault> {
    let db = &call.bindings.catalog;
    let known = dump::restoring(db, kind.name()).await?;
    match judge(known.as_ref(), &manifest.id, Step::Load(index)) {
        Err(refusal) => return Err(refused(kind, &refusal)),
        Ok(Verdict::Take) => {}
        Ok(_) => return Ok(()),
    }
    let next = Restoring { backup: manifest.id.clone(), phase: Phase::Loading(index + 1) };
    if kind == PartKind::Catalog {
        return dump::load(db, page, kind.name(), &next).await;
    }
    for row in &page.rows {
        if let [Value::Text(key), Value::Blob(body)] = row.as_slice() {
            put(call.bindings.env(), key, body.clone()).await?;
        }
    }
    dump::note(db, kind.name(), &next).await
}

async fn end_here(
    call: &Call,
    manifest: &Manifest,
    part: &Part,
    kind: PartKind,
    pages: u32,
) -> Result<Restored, Fault> {
    let db = &call.bindings.catalog;
    let known = dump::restoring(db, kind.name()).await?;
    let done = Restored { done: true, ..Restored::default() };
    match judge(known.as_ref(), &manifest.id, Step::End(pages)) {
        Err(refusal) => return Err(refused(kind, &refusal)),
        Ok(Verdict::Finish) => {}
        Ok(_) => return Ok(done),
    }
    if kind == PartKind::Catalog {
        for table in &part.tables {
            let found = dump::rows(db, &table.name).await?;
            if found != table.rows {
                let detail = format!("{} has {found} rows instead of {}", table.name, table.rows);
                return Err(Fault::refused(409, "backup_damaged", detail));
            }
        }
        crate::auth::forget();
    }
    dump::note(db, kind.name(), &Restoring { backup: manifest.id.clone(), phase: Phase::Done }).await?;
    Ok(done)
}

fn refused(kind: PartKind, refusal: &Refusal) -> Fault {
    Fault::refused(409, refusal.code(), format!("{}: {refusal}", kind.name()))
}

/// A code of ours that an object said.
fn code_of(code: &str) -> &'static str {
    const CODES: [&str; 6] = [
        "not_empty",
        "not_restoring",
        "page_out_of_turn",
        "pages_missing",
        "backup_damaged",
        "backup_version",
    ];
    CODES.into_iter().find(|known| *known == code).unwrap_or("restore_refused")
}

/// What says which secret users are hashed with.
impl crate::bindings::Secrets {
    fn fingerprint(&self) -> Result<String, Fault> {
        Ok(fingerprint(&self.salt_text()?))
    }
}
