//! Merging runs, a bit at a time: a shard that merges goes on with its other work in between.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::writer::{Room, RunWriter, Written};
use super::{Run, Shelf, ShelfError, page};
use crate::link::pool::{Pool, Record, Role, Slot};
use crate::settings::Settings;
use crate::time::ServerTime;

/// Several runs on their way to become one.
#[derive(Debug)]
pub struct Merge {
    /// The new run.
    pub id: u64,
    /// The runs that it replaces, oldest first.
    pub inputs: Vec<u64>,
    /// Newest first: of two versions of a record the first counts.
    cursors: Vec<Cursor>,
    /// Nothing once it is finished.
    writer: Option<RunWriter>,
    /// Records that arrived before this time are forgotten.
    forget_before: i64,
    erased: Option<Erased>,
    /// Events of erased groups that stay, as they came later: hash and group.
    spared: BTreeSet<(u64, u64)>,
    settings: Vec<(u64, Arc<Settings>)>,
}

/// Whose records are to be erased, up to an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The groups of users.
    pub groups: BTreeSet<u64>,
    /// What arrived later is not meant.
    pub upto: ServerTime,
}

/// What a step of a merge did.
#[derive(Debug)]
pub enum Progress {
    /// More steps are needed; these extents of the new run are complete.
    Extents(Vec<(u32, Vec<u8>)>),
    /// The run is complete, with its last extents.
    Done(Box<Written>),
}

#[derive(Debug)]
struct Cursor {
    run: Run,
    next_page: usize,
    pool: Pool,
    /// The records of the page at hand that are left.
    left: VecDeque<Slot>,
    next_name_page: usize,
    names: VecDeque<(u64, u64)>,
}

type Place = (u64, bool, u64, i64);

/// Records of a run stand in this order; versions of one record have the same place.
pub(in crate::link) fn place(record: &Record) -> Place {
    (record.group, record.role == Role::Tie, record.hash, record.received)
}

impl Merge {
    /// Merges `runs`, oldest first, to run `id`.
    pub(in crate::link) fn new(
        id: u64,
        runs: &[Run],
        forget_before: i64,
        settings: Vec<(u64, Arc<Settings>)>,
    ) -> Self {
        let level = runs.iter().map(|run| run.summary.level).max().unwrap_or(0) + 1;
        let age = runs.iter().map(|run| run.summary.age).max().unwrap_or(0);
        Self {
            id,
            inputs: runs.iter().map(|run| run.id).collect(),
            cursors: runs.iter().rev().map(|run| Cursor::new(run.without_filters())).collect(),
            writer: Some(RunWriter::new(id, level, age, Room::of_runs(runs))),
            forget_before,
            erased: None,
            spared: BTreeSet::new(),
            settings,
        }
    }

    /// Writes a run again without some records: it stays where it is among the others.
    pub(in crate::link) fn erasing(
        id: u64,
        run: &Run,
        erased: Erased,
        settings: Vec<(u64, Arc<Settings>)>,
    ) -> Self {
        let (level, age) = (run.summary.level, run.summary.age);
        let runs = std::slice::from_ref(run);
        let writer = Some(RunWriter::new(id, level, age, Room::of_runs(runs)));
        Self { writer, erased: Some(erased), ..Self::new(id, runs, i64::MIN, settings) }
    }

    /// Merges about `records` more.
    pub fn step(&mut self, records: usize, shelf: &dyn Shelf) -> Result<Progress, ShelfError> {
        let Some(mut writer) = self.writer.take() else { return Ok(Progress::Extents(Vec::new())) };
        for _ in 0..records {
            if !self.next_record(&mut writer, shelf)? && !self.next_name(&mut writer, shelf)? {
                return Ok(Progress::Done(Box::new(writer.finish())));
            }
        }
        let extents = writer.take_extents();
        self.writer = Some(writer);
        Ok(Progress::Extents(extents))
    }

    fn next_record(&mut self, writer: &mut RunWriter, shelf: &dyn Shelf) -> Result<bool, ShelfError> {
        let mut first: Option<(Place, usize)> = None;
        for (index, cursor) in self.cursors.iter_mut().enumerate() {
            let Some(slot) = cursor.peek(&self.settings, shelf)? else { continue };
            let place = place(cursor.pool.get(slot));
            if first.is_none_or(|(least, _)| place < least) {
                first = Some((place, index));
            }
        }
        let Some((least, index)) = first else { return Ok(false) };
        let cursor = &mut self.cursors[index];
        if let Some(slot) = cursor.left.pop_front() {
            let record = *cursor.pool.get(slot);
            let id = cursor.pool.id(slot).to_vec();
            let erased = self.erased.as_ref().filter(|erased| erased.groups.contains(&record.group));
            let is_erased = erased.is_some_and(|erased| record.received <= erased.upto.0);
            if record.received >= self.forget_before && !is_erased {
                writer.push(&cursor.pool, slot);
                if erased.is_some() {
                    self.spared.insert((record.hash, record.group));
                }
            }
            for older in &mut self.cursors[index + 1..] {
                let Some(slot) = older.peek(&self.settings, shelf)? else { continue };
                let other = *older.pool.get(slot);
                if place(&other) == least && other.kind == record.kind && older.pool.id(slot) == id {
                    older.left.pop_front();
                }
            }
        }
        Ok(true)
    }

    fn next_name(&mut self, writer: &mut RunWriter, shelf: &dyn Shelf) -> Result<bool, ShelfError> {
        let mut first: Option<(u64, u64)> = None;
        for cursor in &mut self.cursors {
            if let Some(name) = cursor.peek_name(shelf)? {
                first = Some(first.map_or(name, |least| least.min(name)));
            }
        }
        let Some(least) = first else { return Ok(false) };
        let is_of_erased = self.erased.as_ref().is_some_and(|erased| erased.groups.contains(&least.1));
        if !is_of_erased || self.spared.contains(&least) {
            writer.push_name(least.0, least.1);
        }
        for cursor in &mut self.cursors {
            while cursor.peek_name(shelf)? == Some(least) {
                cursor.names.pop_front();
            }
        }
        Ok(true)
    }
}

impl Cursor {
    fn new(run: Run) -> Self {
        let (pool, left, names) = (Pool::default(), VecDeque::new(), VecDeque::new());
        Self { run, next_page: 0, pool, left, next_name_page: 0, names }
    }

    fn peek(
        &mut self,
        settings: &[(u64, Arc<Settings>)],
        shelf: &dyn Shelf,
    ) -> Result<Option<Slot>, ShelfError> {
        while self.left.is_empty() {
            let Some(entry) = self.run.pages.get(self.next_page) else { return Ok(None) };
            let bytes = shelf.read(self.run.page(entry))?;
            self.pool = Pool::default();
            for (revision, settings) in settings {
                self.pool.know(*revision, settings.clone());
            }
            page::read(&bytes, None, &mut self.pool).map_err(|flaw| flaw.of(self.run.id))?;
            self.left = (0..self.pool.records.len() as Slot).collect();
            self.next_page += 1;
        }
        Ok(self.left.front().copied())
    }

    fn peek_name(&mut self, shelf: &dyn Shelf) -> Result<Option<(u64, u64)>, ShelfError> {
        while self.names.is_empty() {
            let Some(entry) = self.run.name_pages.get(self.next_name_page) else { return Ok(None) };
            let bytes = shelf.read(self.run.page(entry))?;
            self.names = page::read_names(&bytes).ok_or(ShelfError::Damaged(self.run.id))?.into();
            self.next_name_page += 1;
        }
        Ok(self.names.front().copied())
    }
}
