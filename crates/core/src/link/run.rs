//! Runs: records of the past, sorted by group, where there is more room than memory.
//!
//! A run never changes. It is a list of **extents** (what the caller stores, one row each), in which **pages** of
//! records stand in the order of their groups, and pages of names in the order of their hashes; each name tells its
//! group. In memory stay the first key of each page and three filters, so that a look for what is not there reads
//! nothing. Several runs are merged to one by [`Merge`]; of two versions of a record the one in the later run counts.
//! (A log-structured merge tree: O'Neil et al. 1996.)

mod filter;
mod page;
mod writer;
mod merge;

use std::collections::BTreeSet;

use thiserror::Error;

pub use merge::{Erased, Merge, Progress};
pub use writer::Written;

pub(super) use merge::place as merge_place;
pub(super) use page::Passing;
pub(super) use writer::{Room, RunWriter};

use super::pool::{Mark, Pool, Slot};
use crate::varint::{self, Reader};
use filter::Filter;

/// Where a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRef {
    /// The run.
    pub run: u64,
    /// The extent of the run.
    pub extent: u32,
    /// The first byte in the extent.
    pub offset: u32,
    /// How many bytes.
    pub len: u32,
}

/// Where runs lie: the only thing that the linker asks of its caller.
pub trait Shelf {
    /// The bytes of a page.
    fn read(&self, page: PageRef) -> Result<Vec<u8>, ShelfError>;
}

/// A page that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShelfError {
    /// The caller could not read it.
    #[error("a page could not be read: {0}")]
    Unreadable(String),
    /// What was read is not what was written.
    #[error("a page of run {0} is damaged")]
    Damaged(u64),
    /// A record refers to settings that nobody made known.
    #[error("a run refers to settings {0}, which are missing")]
    Settings(u64),
}

/// The shelf of a linker that has no runs.
#[derive(Debug, Clone, Copy)]
pub struct NoShelf;

impl Shelf for NoShelf {
    fn read(&self, page: PageRef) -> Result<Vec<u8>, ShelfError> {
        Err(ShelfError::Unreadable(format!("there is no run {}", page.run)))
    }
}

/// What a run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How often its records were merged.
    pub level: u32,
    /// The number of the latest run that is in it: of two versions of a record that of the higher age counts.
    pub age: u64,
    /// How many records.
    pub records: u64,
    /// The latest arrival.
    pub max_received: i64,
    /// The latest event time.
    pub max_at: i64,
    /// The latest event time of a child without a named parent.
    pub unnamed_until: i64,
    /// The latest event time of a click.
    pub clicks_until: i64,
    /// Whether settings of its records make impressions repeats.
    pub repeats_impressions: bool,
    /// The settings that its records refer to, ascending.
    pub revisions: Vec<u64>,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            level: 0,
            age: 0,
            records: 0,
            max_received: i64::MIN,
            max_at: i64::MIN,
            unnamed_until: i64::MIN,
            clicks_until: i64::MIN,
            repeats_impressions: false,
            revisions: Vec::new(),
        }
    }
}

/// A page and the first key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    first: u64,
    extent: u32,
    offset: u32,
    len: u32,
}

/// What is in memory of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// No two runs ever have the same.
    pub id: u64,
    /// What it holds.
    pub summary: Summary,
    /// Groups with records here.
    pub(super) groups: Filter,
    /// Groups with clicks, conversions, ties, or children without a named parent or user.
    pub(super) children: Filter,
    /// Groups with children without a named parent: only those could take a touch that comes late.
    pub(super) unnamed: Filter,
    /// Names of events here.
    pub(super) names: Filter,
    pages: Vec<Entry>,
    name_pages: Vec<Entry>,
}

impl Run {
    /// Adds the records of a group to the pool.
    pub(super) fn read_group(
        &self,
        group: u64,
        shelf: &dyn Shelf,
        pool: &mut Pool,
    ) -> Result<(), ShelfError> {
        for entry in with_key(&self.pages, group) {
            let bytes = shelf.read(self.page(entry))?;
            page::read(&bytes, Some(group), pool).map_err(|flaw| flaw.of(self.id))?;
        }
        Ok(())
    }

    /// Shows the records of a group, and adds those to the pool that are wanted.
    pub(super) fn pick_group(
        &self,
        group: u64,
        shelf: &dyn Shelf,
        pool: &mut Pool,
        wanted: &mut dyn FnMut(&Passing<'_>) -> bool,
    ) -> Result<(), ShelfError> {
        for entry in with_key(&self.pages, group) {
            let bytes = shelf.read(self.page(entry))?;
            page::pass(&bytes, group, Some(pool), wanted).map_err(|flaw| flaw.of(self.id))?;
        }
        Ok(())
    }

    /// Shows the records of a group.
    pub(super) fn show_group(
        &self,
        group: u64,
        shelf: &dyn Shelf,
        look: &mut dyn FnMut(&Passing<'_>),
    ) -> Result<(), ShelfError> {
        let mut look = |passing: &Passing<'_>| {
            look(passing);
            false
        };
        for entry in with_key(&self.pages, group) {
            let bytes = shelf.read(self.page(entry))?;
            page::pass(&bytes, group, None, &mut look).map_err(|flaw| flaw.of(self.id))?;
        }
        Ok(())
    }

    /// The bytes of the pages in which records of a group may be.
    pub(super) fn bytes_of(&self, group: u64) -> usize {
        with_key(&self.pages, group).iter().map(|entry| entry.len as usize).sum()
    }

    /// The groups of the events with this name.
    pub(super) fn groups_of(&self, name: u64, shelf: &dyn Shelf) -> Result<Vec<u64>, ShelfError> {
        let mut groups = Vec::new();
        for entry in with_key(&self.name_pages, name) {
            let bytes = shelf.read(self.page(entry))?;
            let names = page::read_names(&bytes).ok_or(ShelfError::Damaged(self.id))?;
            groups.extend(names.into_iter().filter(|(other, _)| *other == name).map(|(_, group)| group));
        }
        Ok(groups)
    }

    /// Every group that has records here.
    pub(super) fn all_groups(&self, shelf: &dyn Shelf) -> Result<Vec<u64>, ShelfError> {
        let mut groups = Vec::new();
        for entry in &self.pages {
            let bytes = shelf.read(self.page(entry))?;
            groups.extend(page::groups(&bytes).ok_or(ShelfError::Damaged(self.id))?);
        }
        Ok(groups)
    }

    /// The run without its filters.
    pub(super) fn without_filters(&self) -> Run {
        let Run { id, summary, pages, name_pages, .. } = self;
        let (groups, children, unnamed, names) = Default::default();
        let (summary, pages, name_pages) = (summary.clone(), pages.clone(), name_pages.clone());
        Run { id: *id, summary, groups, children, unnamed, names, pages, name_pages }
    }

    /// Whether it may have records of any of these groups.
    pub fn may_hold(&self, groups: &BTreeSet<u64>) -> bool {
        groups.iter().any(|group| self.groups.has(*group))
    }

    /// The bytes that it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        let entries = self.pages.capacity() + self.name_pages.capacity();
        let filters = [&self.groups, &self.children, &self.unnamed, &self.names];
        entries * size_of::<Entry>() + filters.into_iter().map(Filter::bytes).sum::<usize>()
    }

    /// What has to be stored besides the extents to have the run in memory again.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Summary { level, age, records, max_received, max_at, unnamed_until, clicks_until, .. } =
            self.summary;
        varint::write(&mut out, u64::from(level));
        varint::write(&mut out, age);
        varint::write(&mut out, records);
        for time in [max_received, max_at, unnamed_until, clicks_until] {
            varint::write(&mut out, varint::zigzag(time));
        }
        out.push(u8::from(self.summary.repeats_impressions));
        varint::write(&mut out, self.summary.revisions.len() as u64);
        self.summary.revisions.iter().for_each(|revision| varint::write(&mut out, *revision));
        [&self.groups, &self.children, &self.names].into_iter().for_each(|filter| filter.write(&mut out));
        for entries in [&self.pages, &self.name_pages] {
            varint::write(&mut out, entries.len() as u64);
            for Entry { first, extent, offset, len } in entries {
                varint::write(&mut out, *first);
                [extent, offset, len].into_iter().for_each(|n| varint::write(&mut out, u64::from(*n)));
            }
        }
        self.unnamed.write(&mut out);
        out
    }

    /// Reads what [`Run::encode`] wrote.
    pub fn decode(id: u64, bytes: &[u8]) -> Result<Self, ShelfError> {
        Self::parse(id, &mut Reader::new(bytes)).ok_or(ShelfError::Damaged(id))
    }

    fn parse(id: u64, from: &mut Reader<'_>) -> Option<Self> {
        let level = u32::try_from(from.varint()?).ok()?;
        let (age, records) = (from.varint()?, from.varint()?);
        let mut time = || from.varint().map(varint::unzigzag);
        let (max_received, max_at, unnamed_until, clicks_until) = (time()?, time()?, time()?, time()?);
        let repeats_impressions = from.byte()? != 0;
        let count = from.count(from.len())?;
        let revisions = (0..count).map(|_| from.varint()).collect::<Option<_>>()?;
        let (groups, children, names) = (Filter::read(from)?, Filter::read(from)?, Filter::read(from)?);
        let mut entries = || {
            let count = from.count(from.len())?;
            let narrow = |n: u64| u32::try_from(n).ok();
            let entry = |_| {
                let first = from.varint()?;
                let mut number = || narrow(from.varint()?);
                Some(Entry { first, extent: number()?, offset: number()?, len: number()? })
            };
            (0..count).map(entry).collect::<Option<Vec<_>>>()
        };
        let (pages, name_pages) = (entries()?, entries()?);
        let summary = Summary {
            level,
            age,
            records,
            max_received,
            max_at,
            unnamed_until,
            clicks_until,
            repeats_impressions,
            revisions,
        };
        // Earlier versions wrote none: what is true of all children is not wrong.
        let unnamed = if from.is_empty() { children.clone() } else { Filter::read(from)? };
        let run = Self { id, summary, groups, children, unnamed, names, pages, name_pages };
        from.is_empty().then_some(run)
    }

    fn page(&self, entry: &Entry) -> PageRef {
        let Entry { extent, offset, len, .. } = *entry;
        PageRef { run: self.id, extent, offset, len }
    }
}

impl Mark {
    /// The records since the mark.
    pub(super) fn slots(self, pool: &Pool) -> std::ops::Range<Slot> {
        self.first()..pool.records.len() as Slot
    }
}

/// The pages in which a key may be: it may begin at the end of the page before the first that begins with it.
fn with_key(entries: &[Entry], key: u64) -> &[Entry] {
    let from = entries.partition_point(|entry| entry.first < key).saturating_sub(1);
    let to = entries.partition_point(|entry| entry.first <= key);
    &entries[from.min(to)..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let filter = |keys: std::ops::Range<u64>| {
            let mut filter = Filter::for_keys(9);
            keys.for_each(|key| filter.add(key));
            filter
        };
        let run = Run {
            id: 7,
            summary: Summary { records: 9, revisions: vec![2, 3], ..Summary::default() },
            groups: filter(0..9),
            children: filter(0..4),
            unnamed: filter(0..2),
            names: filter(20..29),
            pages: vec![Entry { first: 3, extent: 0, offset: 0, len: 100 }],
            name_pages: Vec::new(),
        };
        let bytes = run.encode();
        assert_eq!(Run::decode(7, &bytes).as_ref(), Ok(&run));
        let mut last = Vec::new();
        run.unnamed.write(&mut last);
        let earlier = &bytes[..bytes.len() - last.len()];
        assert_eq!(Run::decode(7, earlier), Ok(Run { unnamed: run.children.clone(), ..run }));
        assert_eq!(Run::decode(7, &bytes[..bytes.len() - 1]), Err(ShelfError::Damaged(7)));
    }
}
