//! `link`: a part of a day of a shard, linked again from the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adtally_archive::Named;
use adtally_core::batch::{Gone, Look, Part, Relink, RelinkError, Selection};
use adtally_core::cell::Scope;
use adtally_core::link::Retention;
use adtally_core::segment::Segment;
use adtally_core::time::Day;
use adtally_wire::batch::{ArchiveFile, Cut, DayPart, part_key};
use serde::{Deserialize, Serialize};

use super::{Context, Done, TaskError, cut};
use crate::batch::{self, Shard, rulings_of, settings_of, span};
use crate::store::Store;

/// A part of a day of a shard.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PartParams {
    /// The name of the Linker.
    pub(super) source: String,
    /// Days since 1970.
    pub(super) day: i32,
    /// Its number.
    pub(super) part: u32,
    /// Its first and its last group, as text: 64 bits.
    pub(super) groups: (String, String),
}

/// May be repeated: the same files, rulings and settings make the same bytes under the same name.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let params: PartParams = serde_json::from_str(params)?;
    let shard = Shard::of(&params.source)?;
    let store = Store::open(&context.env)?;
    let cut: Cut = store.left(&shard.cut_key(context.number, cut::STEP)).await?;
    let part = part_of(&params)?;
    let relink = match select(context, &store, &cut, part, Gone::default()).await {
        Err(TaskError::Retry(error)) => {
            let cut = merged_since(context, &params.source, cut, error).await?;
            select(context, &store, &cut, part, Gone::default()).await?
        }
        linked => linked?,
    };
    context.log(format!("linking {} events", relink.len()));
    let part = encoded(relink.finish());
    let scopes: Vec<&String> = part.segments.iter().map(|(scope, _)| scope).collect();
    let result = serde_json::to_string(&scopes)?;
    let key = part_key(context.number, &shard.advertiser, shard.number, Day(params.day), params.part);
    store.leave(&key, &part).await?;
    Ok(Done { result, spawn: vec![] })
}

/// The parts of those days of a shard that are due.
pub(super) fn parts(
    source: &str,
    files: &[ArchiveFile],
    is_due: impl Fn(&Day) -> bool,
) -> Vec<(Day, Vec<PartParams>)> {
    let mut entries: BTreeMap<Day, u64> = BTreeMap::new();
    for file in files {
        *entries.entry(Day(file.day)).or_default() += file.entries;
    }
    let params = |(part, Part { day, groups: (first, last) }): (u32, Part)| {
        let groups = (first.to_string(), last.to_string());
        PartParams { source: source.to_owned(), day: day.0, part, groups }
    };
    let due = entries.into_iter().filter(|(day, _)| is_due(day));
    due.map(|(day, entries)| (day, (0..).zip(Part::divide(day, entries)).map(params).collect())).collect()
}

/// Cells as they are left for others.
pub(super) fn encoded(segments: Vec<(Scope, Segment)>) -> DayPart {
    let encoded = |(scope, cells): (Scope, Segment)| (scope.to_string(), cells.encode());
    DayPart { segments: segments.into_iter().map(encoded).collect() }
}

/// The entries of the part, and those that they depend on, but for those that go; files are in memory one at a time.
///
/// Where these are more than fit, of users who have too many events in a day, those are counted as they come.
pub(super) async fn select(
    context: &Context,
    store: &Store,
    cut: &Cut,
    part: Part,
    gone: Gone,
) -> Result<Relink, TaskError> {
    let settings = settings_of(cut)?;
    let rulings = rulings_of(&cut.rulings)?;
    let empty = || {
        Relink::new(part, Retention::default(), settings.clone(), rulings.iter().copied())
            .without(gone.clone())
    };
    let selection = || {
        let selection = Selection::new(part, Retention::default(), settings.values().map(Arc::as_ref));
        selection.with_rulings(rulings.iter().copied())
    };
    match fill(context, store, cut, selection(), empty()).await {
        Err(Unfilled::TooMany(error)) => context.log(format!("{error}; counting such users as they come")),
        filled => return Ok(filled?),
    }
    let mut foreseen = BTreeSet::new();
    loop {
        let mut relink = empty().crowded(rulings.iter().copied());
        for file in cut.files.iter().filter(|file| file.day == part.day.0) {
            let (first, last) = part.groups;
            for glance in store.glances(file, first..=last, cut.row).await? {
                relink.foresee(glance.row, &glance.hashes).map_err(TaskError::permanent)?;
            }
        }
        foreseen.iter().for_each(|name| relink.foresee_name(*name));
        let relink = fill(context, store, cut, selection(), relink).await?;
        let unforeseen = relink.unforeseen();
        if unforeseen.is_empty() {
            return Ok(relink);
        }
        context.log(format!("{} names were not foreseen; once more", unforeseen.len()));
        foreseen.extend(unforeseen);
    }
}

/// Why a part is not filled.
enum Unfilled {
    /// There is more of it than fits.
    TooMany(String),
    Failed(TaskError),
}

impl From<TaskError> for Unfilled {
    fn from(error: TaskError) -> Self {
        Unfilled::Failed(error)
    }
}

impl From<Unfilled> for TaskError {
    fn from(unlinked: Unfilled) -> Self {
        match unlinked {
            Unfilled::TooMany(error) => TaskError::Permanent(error),
            Unfilled::Failed(error) => error,
        }
    }
}

/// Reads what a part needs, round by round.
async fn fill(
    context: &Context,
    store: &Store,
    cut: &Cut,
    mut selection: Selection,
    mut relink: Relink,
) -> Result<Relink, Unfilled> {
    let (mut rounds, mut opened, mut passed) = (0, 0, 0);
    loop {
        rounds += 1;
        for file in &cut.files {
            let span = span(file);
            let Some(look) = selection.opens(&span) else { continue };
            let narrowed = store.narrowed(file, look, Named::Own, selection.sought(&span)).await;
            match narrowed.map_err(TaskError::from)? {
                Some(look) => {
                    opened += 1;
                    take(store, file, cut.row, look, &mut selection, &mut relink).await?;
                }
                None => passed += 1,
            }
        }
        if !selection.next_round() {
            context
                .log(format!("{opened} files read in {rounds} rounds, {passed} passed over by their names"));
            return Ok(relink);
        }
    }
}

/// The cut with the files of today, where some of its own were merged since it was made; else the error that there was.
///
/// So a run that failed can be tried again after others have had the archive compacted.
async fn merged_since(context: &Context, source: &str, cut: Cut, error: String) -> Result<Cut, TaskError> {
    let files = batch::cut(&context.env, source, 0).await?.files;
    let is_there = |old: &ArchiveFile| files.iter().any(|file| file.key == old.key);
    let gone: Vec<&ArchiveFile> = cut.files.iter().filter(|file| !is_there(file)).collect();
    if gone.is_empty() {
        return Err(TaskError::Retry(error));
    }
    let holds = |file: &ArchiveFile, old: &ArchiveFile| {
        file.day == old.day && file.from_row <= old.from_row && old.to_row <= file.to_row
    };
    if let Some(lost) = gone.iter().find(|old| !files.iter().any(|file| holds(file, old))) {
        let key = &lost.key;
        let detail =
            format!("{key} is not in the archive any more, and no other file has its rows: start a new run");
        return Err(TaskError::permanent(detail));
    }
    context.log(format!("{} files were merged since the cut", gone.len()));
    let files = files.into_iter().filter(|file| file.from_row <= cut.row).collect();
    Ok(Cut { files, ..cut })
}

/// Adds what is wanted of a file, up to a row of the log.
async fn take(
    store: &Store,
    file: &ArchiveFile,
    upto: i64,
    look: Look,
    selection: &mut Selection,
    relink: &mut Relink,
) -> Result<(), Unfilled> {
    let damaged = |error: String| TaskError::Retry(format!("{} is damaged: {error}", file.key));
    let reader = store.archived(file).await.map_err(TaskError::from)?;
    let span = span(file);
    let glances = reader.glances_of(look, Named::Own, |name| selection.seeks(name));
    let glances = glances.map_err(|error| damaged(error.to_string()))?;
    let before = glances.iter().filter(|glance| glance.row <= upto);
    let wanted = before.filter(|glance| selection.wants(&span, &glance.hashes));
    let wanted: Vec<usize> = wanted.map(|glance| glance.index).collect();
    let mut failed = None;
    let each = reader.each_stored(&wanted, |_, row| {
        if failed.is_none() {
            failed = relink.add_stored(&row).err();
        }
    });
    each.map_err(|error| damaged(error.to_string()))?;
    let said = |error: RelinkError| format!("{}: {error}", file.key);
    match failed {
        None => Ok(()),
        Some(error @ RelinkError::TooMany) => Err(Unfilled::TooMany(said(error))),
        Some(error) => Err(TaskError::permanent(said(error)).into()),
    }
}

pub(super) fn part_of(params: &PartParams) -> Result<Part, TaskError> {
    let number = |text: &String| text.parse::<u64>().map_err(TaskError::permanent);
    let (first, last) = &params.groups;
    Ok(Part { day: Day(params.day), groups: (number(first)?, number(last)?) })
}
