//! From the log to the archive: ranges of rows become files, one an event day; then the log is trimmed.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use adtally_archive::{Meta, Writer, Written};
use adtally_core::batch::{Accepted, Entry, Repeat};
use adtally_core::key::Key;
use adtally_core::time::{DAY_MS, Day, HOUR_MS, ServerTime};
use adtally_wire::batch::ArchiveFile;
use worker::{Delay, Result};

use super::memory::Memory;
use super::{Held, Node, fault};
use crate::clock;
use crate::storage::linker::LinkerStore;
use crate::store::Store;
use crate::troubles::trouble;

/// Bytes of log rows that are archived at a time, and without waiting for more: some 30,000 events, which take two dozen
/// megabytes while they are sorted and written.
const RANGE_BYTES: u64 = 4_000_000;
/// How long the first event that is not archived waits for others.
const MAX_WAIT_MS: i64 = HOUR_MS;
/// How long the log keeps what is archived: events are listed from it.
const LOG_KEPT_MS: i64 = 7 * DAY_MS;
/// How long whoever wants the log archived waits before it looks whether somebody else has done it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// When to try again where the bucket fails.
const RETRY: Duration = Duration::from_secs(60);
/// Bites of the log that are trimmed at a time: each is some rows, read to see their age.
const TRIM_BITES: usize = 16;

/// What of the log is not archived.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gathered {
    bytes: u64,
    since: Option<ServerTime>,
}

/// Rows of the log: behind the first of these, up to the second.
type Range = (i64, i64);

impl Gathered {
    pub(super) fn load(store: &LinkerStore) -> Result<Self> {
        let archived = store.archive().archiving()?.archived;
        let first = store.rows_after(archived, archived + 1)?;
        let since = first.first().map(|(_, row)| row.received);
        Ok(Self { bytes: store.archive().log_bytes(archived)?, since })
    }

    /// Rows came.
    pub(super) fn add(&mut self, bytes: usize, received: ServerTime) {
        self.bytes += bytes as u64;
        self.since.get_or_insert(received);
    }

    /// When it has to be archived, if nothing comes any more.
    fn due(&self) -> Option<ServerTime> {
        self.since.map(|since| ServerTime(since.0.saturating_add(MAX_WAIT_MS)))
    }
}

impl Node {
    /// Archives when enough has come.
    pub(super) fn archive_if_due(self: &Rc<Self>) {
        let is_due = self.change_memory(|memory| Ok(memory.gathered.bytes >= RANGE_BYTES));
        if !self.is_archiving.get() && is_due.unwrap_or(false) {
            let node = self.clone();
            self.state.wait_until(async move { node.archive_now().await });
        }
    }

    /// Archives what has waited long enough, and trims the log.
    pub(super) async fn archive_by_alarm(&self) {
        let is_due = self.change_memory(|memory| {
            let is_old = memory.gathered.due().is_some_and(|due| due <= clock::now());
            Ok(is_old || memory.gathered.bytes >= RANGE_BYTES)
        });
        if is_due.unwrap_or(false) {
            self.archive_now().await;
        }
        self.remove_gone().await;
        for _ in 0..TRIM_BITES {
            match self.change_memory(|memory| memory.trim_a_bit(clock::now())) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return trouble!("the log was not trimmed: {error}"),
            }
        }
    }

    /// Removes from the bucket what the manifest does not name any more.
    ///
    /// 1. Waiting for the store may be repeated: the manifest that names other files has to be there for good.
    /// 2. Removing may be repeated.
    pub(super) async fn remove_gone(&self) {
        let removed: Result<()> = async {
            let gone = self.change_memory(|memory| memory.store.archive().gone())?;
            if !gone.is_empty() {
                self.durable().await?;
                Store::open(&self.env)?.remove(&gone).await?;
                self.change_memory(|memory| memory.store.archive().removed(&gone))?;
            }
            Ok(())
        }
        .await;
        if let Err(error) = removed {
            trouble!("files of the archive were not removed: {error}");
        }
    }

    async fn archive_now(&self) {
        let archived = match self.change_memory(|memory| Ok(memory.shard.last_row())) {
            Ok(row) => self.archive_up_to(row).await,
            Err(error) => Err(error),
        };
        if let Err(error) = archived {
            trouble!("the log was not archived: {error}");
        }
    }

    /// Archives the log up to a row.
    ///
    /// 1. Waiting for somebody who is at it may be repeated.
    pub(super) async fn archive_up_to(&self, row: i64) -> Result<()> {
        let _archiving = loop {
            match Held::raise(&self.is_archiving) {
                Some(held) => break held,
                None => Delay::from(LOOK_AGAIN).await,
            }
        };
        while self.archive_range(row).await? {}
        Ok(())
    }

    /// Archives a range that ends at a row at the latest; tells whether there was one. After a crash at any point all
    /// of it is done again: with the range that was written down, which makes the same files under the same names.
    ///
    /// 1. Waiting for the store may be repeated. The range has to be stored for good before the first file is, or
    ///    another range could be chosen after a crash, and its files would stand beside those of this one.
    /// 2. Storing and checking a file may be repeated: a name has one content.
    /// 3. Files enter the manifest in one transaction with how far the log is archived, when all of them are checked.
    async fn archive_range(&self, row: i64) -> Result<bool> {
        let Some(range) = self.change_memory(|memory| memory.next_range(row))? else { return Ok(false) };
        self.durable().await?;
        let (advertiser, shard) = self.name()?;
        let written = self.change_memory(|memory| memory.files_of(range, &advertiser, shard))?;
        let store = Store::open(&self.env)?;
        let mut files: Vec<ArchiveFile> = Vec::with_capacity(written.len());
        for Written { file, bytes, .. } in written {
            store.archive(&file, bytes).await?;
            files.push(file);
        }
        self.change_memory(|memory| {
            memory.store.archive().archived(range.1, &files)?;
            memory.gathered = Gathered::load(&memory.store)?;
            Ok(true)
        })
    }
}

impl Memory {
    /// When what is not archived has to be, at the latest.
    pub(super) fn next_archiving(&self) -> Option<(ServerTime, Duration)> {
        self.gathered.due().map(|due| (due, RETRY))
    }

    /// When the log can be trimmed next.
    pub(super) fn next_trim(&self) -> Result<Option<(ServerTime, Duration)>> {
        let first = self.first_spare()?.into_iter().next();
        let due = |(_, received): (i64, ServerTime)| ServerTime(received.0.saturating_add(LOG_KEPT_MS));
        Ok(first.map(|first| (due(first), RETRY)))
    }

    /// The range that is being archived, or the next one that ends at a row at the latest.
    fn next_range(&mut self, row: i64) -> Result<Option<Range>> {
        let archive = self.store.archive();
        let state = archive.archiving()?;
        if state.pending > state.archived {
            return Ok(Some((state.archived, state.pending)));
        }
        let Some(to) = archive.range_of(state.archived, row, RANGE_BYTES)? else { return Ok(None) };
        archive.begin(to)?;
        Ok(Some((state.archived, to)))
    }

    /// The files of a range. The same whenever they are made: nothing in them depends on what came after the range.
    fn files_of(&mut self, (after, to): Range, advertiser: &Key, shard: u32) -> Result<Vec<Written>> {
        let mut days: BTreeMap<Day, Vec<Entry>> = BTreeMap::new();
        self.each_entry((after, to), |entry| days.entry(entry.day()).or_default().push(entry))?;
        let revisions = self.store.settings()?.into_iter();
        let settings: BTreeMap<_, _> = revisions.map(|stored| (stored.revision, stored.settings)).collect();
        let write = |(day, entries)| {
            let (advertiser, settings) = (advertiser.clone(), settings.clone());
            let meta = Meta { advertiser, shard, day, rows: (after + 1, to), settings };
            Writer::write(meta, entries).map_err(|error| fault(error.to_string()))
        };
        days.into_iter().map(write).collect()
    }

    /// The entries of rows of the log, in their order.
    fn each_entry(&mut self, (after, to): Range, mut take: impl FnMut(Entry)) -> Result<()> {
        let Self { store, shard, runs, .. } = self;
        store.replay(after, Some(to), |id, row| {
            let (received, revision) = (row.received, row.revision);
            for event in row.accepted {
                take(Entry::Accepted(Box::new(Accepted { row: id, received, revision, event })));
            }
            for event in row.repeats {
                let origin = shard.linker().origin(&event, received, runs);
                // A name that never arrived counts nowhere.
                if let Some((at, group)) = origin.map_err(|error| fault(error.to_string()))? {
                    take(Entry::Repeat(Repeat { row: id, received, event, at, group }));
                }
            }
            Ok(())
        })
    }

    /// The first rows of the log that nothing needs any more but their age: they are archived, a start does not link
    /// them again, and they are not the last.
    fn first_spare(&self) -> Result<Vec<(i64, ServerTime)>> {
        let state = self.store.archive().archiving()?;
        let to = state.archived.min(self.runs.position()?.row).min(self.shard.last_row() - 1);
        let rows = self.store.rows_after(state.trimmed, to)?;
        Ok(rows.into_iter().map(|(id, row)| (id, row.received)).collect())
    }

    /// Takes some rows out of the log; tells whether there may be more.
    fn trim_a_bit(&mut self, now: ServerTime) -> Result<bool> {
        let is_old = |(_, received): &(i64, ServerTime)| received.0.saturating_add(LOG_KEPT_MS) <= now.0;
        let last = self.first_spare()?.into_iter().take_while(is_old).last();
        let Some((row, _)) = last else { return Ok(false) };
        self.store.archive().trim(row)?;
        Ok(true)
    }
}
