//! What the tasks of the batch share: shards by name, and calls to Linker and Report objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adtally_archive::Named;
use adtally_core::batch::{Affected, Ruling, Span};
use adtally_core::cell::Scope;
use adtally_core::key::Key;
use adtally_core::route::parse_linker_name;
use adtally_core::settings::Settings;
use adtally_core::time::{Day, ServerTime};
use adtally_wire::batch::{ArchiveFile, Bytes, CUT, Cut, CutRequest, RulingV1, cut_key};
use adtally_wire::erasure::{RESIDUES, Residues};
use adtally_wire::object::SOURCES;
use worker::{Env, Method};

use crate::bindings::{LINKER, REPORT};
use crate::linkers::request;
use crate::store::Store;
use crate::tasks::TaskError;

/// A shard, by the name of its Linker.
pub(crate) struct Shard {
    /// Whose shard.
    pub(crate) advertiser: Key,
    /// Which one.
    pub(crate) number: u32,
}

impl Shard {
    /// The shard of a Linker.
    pub(crate) fn of(source: &str) -> Result<Self, TaskError> {
        let (advertiser, number) = parse_linker_name(source)
            .ok_or_else(|| TaskError::permanent(format!("{source:?} is no shard's name")))?;
        Ok(Self { advertiser, number })
    }

    /// Where the cut is kept that a step of a generation goes by.
    pub(crate) fn cut_key(&self, generation: u64, step: &str) -> String {
        cut_key(generation, &self.advertiser, self.number, step)
    }
}

/// The settings that events arrived under, by revision.
pub(crate) fn settings_of(cut: &Cut) -> Result<BTreeMap<u64, Arc<Settings>>, TaskError> {
    let settings = |(revision, json): &(u64, String)| Ok((*revision, Arc::new(serde_json::from_str(json)?)));
    cut.settings.iter().map(settings).collect()
}

/// Rulings as the core knows them.
pub(crate) fn rulings_of(rulings: &[RulingV1]) -> Result<Vec<Ruling>, TaskError> {
    rulings.iter().map(|ruling| Ruling::try_from(*ruling).map_err(TaskError::permanent)).collect()
}

/// What is known of a file before it is read.
pub(crate) fn span(file: &ArchiveFile) -> Span {
    let (first, last) = file.received_ms;
    Span { day: Day(file.day), groups: file.groups, received: (ServerTime(first), ServerTime(last)) }
}

/// Where what makes a difference was followed to.
pub(crate) struct Followed {
    /// The days whose facts may be others.
    pub(crate) days: BTreeSet<Day>,
    /// How often a file was opened.
    pub(crate) opened: usize,
    /// See [`Affected::is_too_much`]: only days with news are among the days.
    pub(crate) is_too_much: bool,
}

/// Follows what makes a difference through the files of a cut.
pub(crate) async fn days_of(store: &Store, cut: &Cut, mut affected: Affected) -> Result<Followed, TaskError> {
    let mut opened = 0;
    loop {
        let sought = affected.sought();
        for file in &cut.files {
            let span = span(file);
            let Some(look) = affected.opens(&span, (file.from_row, file.to_row)) else { continue };
            if let Some(look) = store.narrowed(file, look, Named::Parent, &sought).await? {
                opened += 1;
                let glances =
                    store.archived(file).await?.glances_of(look, Named::Parent, |name| affected.seeks(name));
                let glances = glances.map_err(|error| TaskError::Retry(format!("{}: {error}", file.key)))?;
                let before = glances.iter().filter(|glance| glance.row <= cut.row);
                before.for_each(|glance| affected.see(&span, glance.row, &glance.hashes));
            }
        }
        let is_too_much = affected.is_too_much();
        if is_too_much || !affected.next_round() {
            return Ok(Followed { days: affected.days(), opened, is_too_much });
        }
    }
}

/// The names of all Linkers that ever told anything.
pub(crate) async fn sources(env: &Env) -> Result<Vec<String>, TaskError> {
    let stub = env.durable_object(REPORT)?.get_by_name(&Scope::Platform.to_string())?;
    let mut answer = stub.fetch_with_request(request(Method::Get, SOURCES, &[])?).await?;
    if answer.status_code() != 200 {
        return Err(TaskError::Retry(format!("the platform's report answered {}", answer.status_code())));
    }
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}

/// Cuts the log of a Linker; generation 0 archives it only.
pub(crate) async fn cut(env: &Env, source: &str, generation: u64) -> Result<Cut, TaskError> {
    let bytes = tell_linker(env, source, CUT, &CutRequest { generation }).await?;
    Cut::from_bytes(&bytes).map_err(|error| TaskError::Retry(format!("{source}: {error}")))
}

/// What stays in the figures of a shard from entries that were erased.
pub(crate) async fn residues(env: &Env, source: &str) -> Result<Residues, TaskError> {
    let bytes = tell_linker(env, source, RESIDUES, &Residues::default()).await?;
    Residues::from_bytes(&bytes).map_err(|error| TaskError::Retry(format!("{source}: {error}")))
}

/// Tells a Linker something that it may have heard before; gives back what it answered.
pub(crate) async fn tell_linker(
    env: &Env,
    source: &str,
    path: &str,
    body: &impl Bytes,
) -> Result<Vec<u8>, TaskError> {
    tell(env, LINKER, source, path, body).await
}

/// Tells the Report object of a scope something that it may have heard before.
pub(crate) async fn tell_report(
    env: &Env,
    scope: &str,
    path: &str,
    body: &impl Bytes,
) -> Result<Vec<u8>, TaskError> {
    tell(env, REPORT, scope, path, body).await
}

async fn tell(
    env: &Env,
    binding: &str,
    name: &str,
    path: &str,
    body: &impl Bytes,
) -> Result<Vec<u8>, TaskError> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let mut answer = stub.fetch_with_request(request(Method::Post, path, &body.to_bytes())?).await?;
    let bytes = answer.bytes().await?;
    match answer.status_code() {
        200 => Ok(bytes),
        status => {
            let said = String::from_utf8_lossy(&bytes);
            Err(TaskError::Retry(format!("{name} answered {status} to {path}: {said}")))
        }
    }
}
