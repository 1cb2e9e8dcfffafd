//! Writing a run, record by record.

use std::collections::BTreeSet;

use super::filter::Filter;
use super::page::{PAGE_NAMES, PageWriter, write_names};
use super::{Entry, Run, Summary};
use crate::event::Kind;
use crate::link::pool::{Pool, Role, Slot};

/// An extent is closed when it has so many bytes: a row costs the same whatever its size, and a look for a page reads
/// one.
pub(super) const EXTENT_BYTES: usize = 256 * 1_024;

/// How many times as large the filters of children are: they are small, as children are few, and every event asks them
/// in every run, where a false yes means to read its whole past.
const SHARPNESS: usize = 2;

/// A run to be stored.
#[derive(Debug)]
pub struct Written {
    /// What stays in memory.
    pub run: Run,
    /// The extents that were not handed out before, by number.
    pub extents: Vec<(u32, Vec<u8>)>,
}

/// How many records a run has room for.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::link) struct Room {
    /// All of them.
    pub(in crate::link) records: usize,
    /// Those that [`is_child`].
    pub(in crate::link) children: usize,
    /// Children without a named parent.
    pub(in crate::link) unnamed: usize,
}

impl Room {
    /// Room for these records.
    pub(in crate::link) fn of(pool: &Pool, slots: &[Slot]) -> Self {
        let count = |fits: fn(&Pool, Slot) -> bool| slots.iter().filter(|slot| fits(pool, **slot)).count();
        Self { records: slots.len(), children: count(is_child), unnamed: count(is_unnamed) }
    }

    /// Room for what is in these runs.
    pub(super) fn of_runs(runs: &[Run]) -> Self {
        let sum = |room: fn(&Run) -> usize| runs.iter().map(room).sum();
        Self {
            records: sum(|run| run.summary.records as usize),
            children: sum(|run| run.children.capacity() / SHARPNESS),
            unnamed: sum(|run| run.unnamed.capacity() / SHARPNESS),
        }
    }
}

/// A run that is being written.
#[derive(Debug)]
pub(in crate::link) struct RunWriter {
    run: Run,
    page: PageWriter,
    names: Vec<(u64, u64)>,
    extent: Vec<u8>,
    /// The number of the extent that is being written.
    number: u32,
    closed: Vec<(u32, Vec<u8>)>,
    revisions: BTreeSet<u64>,
}

impl RunWriter {
    /// A run of at most so many records.
    pub(in crate::link) fn new(id: u64, level: u32, age: u64, room: Room) -> Self {
        let run = Run {
            id,
            summary: Summary { level, age, ..Summary::default() },
            groups: Filter::for_keys(room.records),
            children: Filter::for_keys(SHARPNESS * room.children),
            unnamed: Filter::for_keys(SHARPNESS * room.unnamed),
            names: Filter::for_keys(room.records),
            pages: Vec::new(),
            name_pages: Vec::new(),
        };
        Self {
            run,
            page: PageWriter::default(),
            names: Vec::new(),
            extent: Vec::new(),
            number: 0,
            closed: Vec::new(),
            revisions: BTreeSet::new(),
        }
    }

    /// Adds a record; records come in the order of their groups.
    pub(in crate::link) fn push(&mut self, pool: &Pool, slot: Slot) {
        let record = pool.get(slot);
        let summary = &mut self.run.summary;
        summary.records += 1;
        summary.max_received = summary.max_received.max(record.received);
        self.run.groups.add(record.group);
        if is_child(pool, slot) {
            self.run.children.add(record.group);
        }
        if record.role == Role::Event {
            summary.max_at = summary.max_at.max(record.at);
            if is_unnamed(pool, slot) {
                summary.unnamed_until = summary.unnamed_until.max(record.at);
                self.run.unnamed.add(record.group);
            }
            if record.kind == Kind::Click {
                summary.clicks_until = summary.clicks_until.max(record.at);
            }
            summary.repeats_impressions |= pool.settings(slot).windows.repeat_impression_ms > 0;
            self.revisions.insert(pool.revision(slot));
            self.run.names.add(record.hash);
        }
        self.page.push(pool, slot);
        if self.page.is_full() {
            self.close_page();
        }
    }

    /// Adds a name; names come in the order of their hashes, after all records.
    pub(in crate::link) fn push_name(&mut self, name: u64, group: u64) {
        self.close_page();
        self.names.push((name, group));
        if self.names.len() == PAGE_NAMES {
            self.close_names();
        }
    }

    /// The extents that are full by now.
    pub(super) fn take_extents(&mut self) -> Vec<(u32, Vec<u8>)> {
        std::mem::take(&mut self.closed)
    }

    /// The run, whole.
    pub(in crate::link) fn finish(mut self) -> Written {
        self.close_page();
        self.close_names();
        self.close_extent();
        self.run.summary.revisions = self.revisions.into_iter().collect();
        Written { run: self.run, extents: self.closed }
    }

    fn close_page(&mut self) {
        if !self.page.is_empty() {
            let (first, bytes) = self.page.close();
            let entry = self.put(first, &bytes);
            self.run.pages.push(entry);
        }
    }

    fn close_names(&mut self) {
        if let Some((first, _)) = self.names.first().copied() {
            let bytes = write_names(&self.names);
            self.names.clear();
            let entry = self.put(first, &bytes);
            self.run.name_pages.push(entry);
        }
    }

    fn put(&mut self, first: u64, bytes: &[u8]) -> Entry {
        // An extent is closed long before its bytes outgrow 32 bits.
        let (offset, len) = (self.extent.len() as u32, bytes.len() as u32);
        let entry = Entry { first, extent: self.number, offset, len };
        self.extent.extend_from_slice(bytes);
        if self.extent.len() >= EXTENT_BYTES {
            self.close_extent();
        }
        entry
    }

    fn close_extent(&mut self) {
        if !self.extent.is_empty() {
            self.closed.push((self.number, std::mem::take(&mut self.extent)));
            self.number += 1;
        }
    }
}

fn is_unnamed(pool: &Pool, slot: Slot) -> bool {
    pool.get(slot).role == Role::Event && pool.is_unnamed_child(slot)
}

/// Whether a record is what an earlier or named parent has to know of.
fn is_child(pool: &Pool, slot: Slot) -> bool {
    let record = pool.get(slot);
    match (record.role, record.kind) {
        (Role::Tie, _) | (_, Kind::Click | Kind::Conversion) => true,
        (Role::Event, Kind::Impression) => false,
        (Role::Event, Kind::View) => !record.has_user || pool.is_unnamed_child(slot),
    }
}
