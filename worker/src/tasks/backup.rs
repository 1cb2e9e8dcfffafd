//! `backup`: everything is copied as it is, object by object, in an order in which nothing can be lost between two copies
//! (BACKUP-1).
//!
//! ```text
//! backup -> backup_part (some parts: their pages to the bucket) -> backup_seal (the manifest, and what is too old goes)
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use adtally_core::backup::PartKind;
use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_core::route::{linker_name, parse_linker_name};
use adtally_core::time::rfc3339;
use adtally_wire::backup::object::{KEEP, Kept, LET_GO, Of, TAKE, Taken};
use adtally_wire::backup::page::{Page, Value};
use adtally_wire::backup::{Begun, PageRef, Part, Table, backup_id, begun_key, head_key, page_key, part_key};
use adtally_wire::catalog::entry::EntryKind;
use adtally_wire::jobs::object::JOBS_NAME;
use adtally_wire::quarantine::{OWNERS, Owner};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use worker::Delay;

use super::{BACKUP, Context, Done, PROGRESS, TaskError, TaskSpec};
use crate::backup::{ask, put, write};
use crate::batch;
use crate::bindings::{Bindings, QUARANTINE};
use crate::catalog::{advertisers, dump, entries};
use crate::clock;
use crate::ledgers::DEAD_LETTERS_NAME;
use crate::linkers::{MAX_PARALLEL, request};
use crate::objects::linker::flush::FLUSH_EVERY_MS;
use crate::store::Store;

/// The most parts: each is up to four calls of objects or the bucket, of which an invocation has 10,000.
const MAX_PARTS: usize = 2_000;
/// Parts whose pages one task puts into the bucket.
const PARTS_A_TASK: usize = 16;
/// How long it takes at most until a Linker that never told anything has.
const FIRST_TELLING: Duration = Duration::from_millis(FLUSH_EVERY_MS.unsigned_abs() + 500);

/// What the tasks after it are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Params {
    /// The backup.
    pub(super) backup: String,
    /// Everything that was acknowledged up to then is in it.
    pub(super) through_ms: i64,
    /// The first of its parts that this is about.
    pub(super) first: usize,
    /// Behind the last one.
    pub(super) end: usize,
}

/// A backup that is being taken.
struct Taking<'a> {
    context: &'a Context,
    id: String,
    parts: usize,
}

/// May be repeated: each attempt makes a backup of its own, and copies of an earlier one go. What was begun and never
/// sealed is removed by a later one.
///
/// 1. Linkers keep what they tell; one that is not told to let it go does so after some minutes.
/// 2. A copy may be made again.
pub(crate) async fn run(context: &Context, _params: &str) -> Result<Done, TaskError> {
    let through_ms = clock::now().0;
    let id = backup_id(&rfc3339(through_ms), &context.run);
    let begun = Begun { run: context.run.clone(), at_ms: through_ms };
    write(&context.env, &begun_key(&id), &begun).await?;
    // Linkers are known by what they told: one that was acknowledged for the first time just now tells it within this.
    Delay::from(FIRST_TELLING).await;
    let mut taking = Taking { context, id: id.clone(), parts: 0 };
    let linkers = taking.linkers().await?;
    let taken = taking.take_all(&linkers).await;
    // Whatever came of it: nothing has to be kept any more.
    let let_go = taking.let_go(&linkers).await;
    taken?;
    let_go?;
    let held_ms = clock::now().0 - through_ms;
    context.log(format!("{id}: {} parts copied in {held_ms} ms", taking.parts));
    let params = Params { backup: id, through_ms, first: 0, end: taking.parts };
    let mut spawn = Vec::new();
    for first in (0..taking.parts).step_by(PARTS_A_TASK) {
        let end = (first + PARTS_A_TASK).min(taking.parts);
        let params = Params { first, end, ..params.clone() };
        spawn.push(TaskSpec::new(format!("backup_part:{first}"), "backup_part", &params, vec![])?);
    }
    let needs = spawn.iter().map(|task| task.id.clone()).collect();
    spawn.push(TaskSpec::new("backup_seal".to_owned(), "backup_seal", &params, needs)?);
    Ok(Done { result: serde_json::to_string(&params.backup)?, spawn })
}

impl Taking<'_> {
    /// Every Linker that ever told anything, or has settings.
    async fn linkers(&self) -> Result<BTreeSet<String>, TaskError> {
        let mut linkers: BTreeSet<String> = batch::sources(&self.context.env).await?.into_iter().collect();
        let db = Bindings::catalog_of(&self.context.env)?;
        for entry in advertisers::list(&db, None).await? {
            linkers.extend((0..entry.shards).map(|shard| linker_name(&entry.key, shard)));
        }
        Ok(linkers)
    }

    /// Copies everything, in this order.
    async fn take_all(&mut self, linkers: &BTreeSet<String>) -> Result<(), TaskError> {
        let told = self.keep(linkers).await?;
        let mut scopes = self.known_scopes().await?;
        scopes.extend(told);
        let advertisers = linkers.iter().filter_map(|name| parse_linker_name(name));
        let ledgers: BTreeSet<String> = advertisers.map(|(advertiser, _)| advertiser.to_string()).collect();
        let quarantines = self.quarantines().await?;
        let parts = scopes.len() + ledgers.len() + quarantines.len() + linkers.len();
        if parts > MAX_PARTS {
            let error = format!("{parts} objects, a backup of more than {MAX_PARTS} is not possible yet");
            return Err(TaskError::permanent(error));
        }
        self.progress().await?;
        self.take(PartKind::DeadLetters, &BTreeSet::from([DEAD_LETTERS_NAME.to_owned()])).await?;
        self.take(PartKind::Quarantine, &quarantines).await?;
        let sources = self.take(PartKind::Report, &scopes).await?;
        // Somebody whose outbox was not kept may have told one report and not yet the other.
        if let Some(stranger) = sources.iter().find(|source| !linkers.contains(*source)) {
            return Err(TaskError::Retry(format!("{stranger} told something for the first time meanwhile")));
        }
        self.take(PartKind::Ledger, &ledgers).await?;
        self.take(PartKind::Linker, linkers).await?;
        self.catalog().await?;
        self.take(PartKind::Jobs, &BTreeSet::from([JOBS_NAME.to_owned()])).await?;
        Ok(())
    }

    /// Linkers keep what they tell from now on; the scopes that they ever told anything.
    async fn keep(&self, linkers: &BTreeSet<String>) -> Result<BTreeSet<String>, TaskError> {
        let of = Of { backup: self.id.clone() };
        let asked = linkers.iter().map(|name| ask(&self.context.env, (PartKind::Linker, name), KEEP, &of));
        let kept: Vec<Vec<u8>> = stream::iter(asked).buffered(MAX_PARALLEL).try_collect().await?;
        let mut scopes = BTreeSet::new();
        for bytes in kept {
            scopes.extend(serde_json::from_slice::<Kept>(&bytes)?.scopes);
        }
        Ok(scopes)
    }

    async fn let_go(&self, linkers: &BTreeSet<String>) -> Result<(), TaskError> {
        let of = Of { backup: self.id.clone() };
        let asked = linkers.iter().map(|name| ask(&self.context.env, (PartKind::Linker, name), LET_GO, &of));
        let gone: Vec<Result<Vec<u8>, _>> = stream::iter(asked).buffered(MAX_PARALLEL).collect().await;
        gone.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(())
    }

    /// The scopes that may have something of their own although nobody ever told them anything.
    async fn known_scopes(&self) -> Result<BTreeSet<String>, TaskError> {
        let db = Bindings::catalog_of(&self.context.env)?;
        let mut scopes = BTreeSet::from([Scope::Platform.to_string()]);
        for entry in advertisers::list(&db, None).await? {
            scopes.extend(Key::parse(&entry.key).map(|key| Scope::Advertiser(key).to_string()));
        }
        for entry in entries::list(&db, EntryKind::Service, None).await? {
            scopes.extend(Key::parse(&entry.key).map(|key| Scope::Service(key).to_string()));
        }
        Ok(scopes)
    }

    /// The owners of rejected events.
    async fn quarantines(&self) -> Result<BTreeSet<String>, TaskError> {
        let platform = Scope::Platform.to_string();
        let stub = self.context.env.durable_object(QUARANTINE)?.get_by_name(&platform)?;
        let mut answer = stub.fetch_with_request(request(worker::Method::Get, OWNERS, &[])?).await?;
        if answer.status_code() != 200 {
            return Err(TaskError::Retry(format!("the quarantine answered {}", answer.status_code())));
        }
        let owners: Vec<Owner> = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(owners.into_iter().map(|owner| owner.owner).chain([platform]).collect())
    }

    /// Has objects of a kind copy themselves; what they named as their sources.
    async fn take(
        &mut self,
        kind: PartKind,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, TaskError> {
        let of = Of { backup: self.id.clone() };
        let (env, first) = (&self.context.env, self.parts);
        let take = |(place, name): (usize, String)| {
            let (of, id) = (of.clone(), self.id.clone());
            async move {
                let bytes = ask(env, (kind, &name), TAKE, &of).await?;
                let taken: Taken = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
                let Taken { schema, tables, files, sources } = taken;
                let part =
                    Part { kind: kind.name().to_owned(), name, schema, tables, files, pages: Vec::new() };
                write(env, &head_key(&id, first + place), &part).await?;
                Ok::<_, crate::problem::Fault>(sources)
            }
        };
        let all = names.iter().cloned().enumerate().map(take);
        let sources: Vec<Vec<String>> = stream::iter(all).buffered(MAX_PARALLEL).try_collect().await?;
        self.parts += names.len();
        Ok(sources.into_iter().flatten().collect())
    }

    /// How far tasks have told others: before what they tell of, so that nobody misses anything.
    async fn progress(&mut self) -> Result<(), TaskError> {
        let store = Store::open(&self.context.env)?;
        let columns = ["key", "body"].map(str::to_owned).to_vec();
        let mut rows = Vec::new();
        for folder in PROGRESS {
            for (key, _) in store.keys(folder).await? {
                if let Some(body) = store.get(&key).await? {
                    rows.push(vec![Value::Text(key), Value::Blob(body)]);
                }
            }
        }
        let name = "objects".to_owned();
        let pages = Page::split(&name, &columns, rows.clone());
        let table = Table { name, columns, rows: rows.len() as u64, ddl: Vec::new() };
        self.put_part(PartKind::Progress, vec![table], &pages).await
    }

    async fn catalog(&mut self) -> Result<(), TaskError> {
        let db = Bindings::catalog_of(&self.context.env)?;
        let mut tables = dump::tables(&db).await?;
        let pages = dump::read(&db, &mut tables).await?;
        self.put_part(PartKind::Catalog, tables, &pages).await
    }

    /// Puts a part that is no object into the bucket at once.
    async fn put_part(
        &mut self,
        kind: PartKind,
        tables: Vec<Table>,
        pages: &[Page],
    ) -> Result<(), TaskError> {
        let mut refs = Vec::new();
        for (place, page) in pages.iter().enumerate() {
            let (key, bytes) = (page_key(&self.id, self.parts, place), page.encode());
            refs.push(PageRef::of(key.clone(), page.rows.len(), &bytes));
            put(&self.context.env, &key, bytes).await?;
        }
        let (kind, name) = (kind.name().to_owned(), BACKUP.to_owned());
        let part = Part { kind, name, schema: 0, tables, files: Vec::new(), pages: refs };
        write(&self.context.env, &part_key(&self.id, self.parts), &part).await?;
        self.parts += 1;
        Ok(())
    }
}
