//! What a Linker object has in memory: its shard, made from its store.

use std::rc::Rc;

use adtally_core::key::Key;
use adtally_core::link::Retention;
use adtally_core::link::run::Merge;
use adtally_core::route::parse_linker_name;
use adtally_core::shard::{Row, SettingsVerdict, Shard, Stored, Telling};
use adtally_wire::object::LinkerSettings;
use worker::Result;

use super::archive::Gathered;
use super::keep::Keeping;
use super::{Node, fault};
use crate::clock;
use crate::storage::linker::{LinkerStore, OutboxPosition, StoredSettings};
use crate::storage::runs::Runs;

/// The shard, and where it is stored.
pub(super) struct Memory {
    pub(super) store: LinkerStore,
    /// What is stored of the shard's past.
    pub(super) runs: Runs,
    pub(super) shard: Shard,
    /// The merge that is under way.
    pub(super) merging: Option<Merge>,
    /// What of the log is not archived.
    pub(super) gathered: Gathered,
    /// The number of the last parcel that is known to be delivered; 0 after a start, when the last is sent again.
    pub(super) delivered: u64,
    /// Whether parcels stay although they are delivered.
    pub(super) keeping: Rc<Keeping>,
}

impl Memory {
    /// Takes up the runs, and links again what of the log is not in them.
    fn load(store: LinkerStore, keeping: Rc<Keeping>) -> Result<Memory> {
        let OutboxPosition { seq: last_seq, upto: told_upto, billed_upto } = store.outbox_position()?;
        let runs = store.runs();
        let position = runs.position()?;
        let (all, rulings) = (runs.all()?, store.rulings()?);
        let stored = Stored { last_seq, told_upto, billed_upto, position, runs: all, rulings };
        let mut shard = Shard::new(stored, Retention::default());
        for StoredSettings { revision, shards, settings } in store.settings()? {
            shard.set_settings(revision, shards, settings);
        }
        shard.keep_revisions();
        if last_seq > 0 {
            store.recall_scopes()?;
        }
        let gathered = Gathered::load(&store)?;
        let log = store.clone();
        let mut memory = Memory { store, runs, shard, merging: None, gathered, delivered: 0, keeping };
        log.replay(position.row, None, |id, row| memory.link(id, row))?;
        Ok(memory)
    }

    /// Links a row that is stored. What it tells, should it be very much, is stored at once and as one.
    pub(super) fn link(&mut self, id: i64, row: Row) -> Result<()> {
        let (store, spare) = (self.store.clone(), self.spare());
        let mut row = Some(row);
        store.as_one(|| {
            let Some(row) = row.take() else { return Ok(()) };
            let mut stored = Ok(());
            let mut post = |telling: &Telling| {
                if stored.is_ok() {
                    stored = store.post_within(telling, spare);
                }
            };
            let linked = self.shard.committed_in_parts(id, row, clock::now(), &self.runs, &mut post);
            linked.map_err(|error| fault(error.to_string()))?;
            stored
        })
    }

    /// Stores settings and puts them in force.
    ///
    /// The first of them are the first thing that is stored, so the object's name is written down with them.
    pub(super) fn set_settings(&mut self, stored: StoredSettings, name: Option<&str>) -> Result<()> {
        if let (Some(name), None) = (name, self.store.name()?) {
            self.store.set_name(name)?;
        }
        self.store.set_settings(&stored)?;
        let StoredSettings { revision, shards, settings } = stored;
        self.shard.set_settings(revision, shards, settings);
        self.shard
            .forget_revisions()
            .into_iter()
            .try_for_each(|forgotten| self.store.drop_settings(forgotten))
    }
}

impl Node {
    /// Changes memory; a change that fails or panics loses it, so that it is made again from what was stored.
    pub(super) fn change_memory<T>(&self, change: impl FnOnce(&mut Memory) -> Result<T>) -> Result<T> {
        let taken = self.memory.borrow_mut().take();
        let mut memory = match taken {
            Some(memory) => memory,
            None => Memory::load(self.store()?, self.keeping.clone())?,
        };
        let changed = change(&mut memory)?;
        *self.memory.borrow_mut() = Some(memory);
        Ok(changed)
    }

    /// The advertiser and shard that the object is for.
    pub(super) fn name(&self) -> Result<(Key, u32)> {
        let name = match self.state.id().name() {
            Some(name) => Some(name),
            None => self.store()?.name()?,
        };
        name.as_deref().and_then(parse_linker_name).ok_or_else(|| fault("the object does not know its name"))
    }

    /// Puts settings in force; `Err` is the shard count that events were already stored under.
    pub(super) fn put_settings(&self, wanted: &LinkerSettings) -> Result<std::result::Result<(), u32>> {
        let waiting = self.queue.borrow().events();
        let name = self.state.id().name();
        self.change_memory(|memory| {
            let LinkerSettings { revision, shards, settings } = wanted.clone();
            Ok(match memory.shard.judge_settings(revision, shards, waiting) {
                SettingsVerdict::Conflict(known) => Err(known),
                SettingsVerdict::Known => Ok(()),
                SettingsVerdict::Store => {
                    memory.set_settings(StoredSettings { revision, shards, settings }, name.as_deref())?;
                    Ok(())
                }
            })
        })
    }
}
