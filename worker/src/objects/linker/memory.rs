//! What a Linker object has in memory: its shard, made from its store.

use adtally_core::key::Key;
use adtally_core::route::parse_linker_name;
use adtally_core::shard::{SettingsVerdict, Shard};
use adtally_wire::object::LinkerSettings;
use worker::Result;

use super::{Node, fault};
use crate::storage::linker::{LinkerStore, StoredSettings};

/// The shard, and where it is stored.
pub(super) struct Memory {
    pub(super) store: LinkerStore,
    pub(super) shard: Shard,
}

impl Memory {
    /// Links the whole log again.
    fn load(store: LinkerStore) -> Result<Memory> {
        let (last_seq, told_upto) = store.outbox_position()?;
        let mut shard = Shard::new(last_seq, told_upto);
        for StoredSettings { revision, shards, settings } in store.settings()? {
            shard.set_settings(revision, shards, settings);
        }
        store.replay(|id, row| shard.committed(id, row).map_err(|error| fault(error.to_string())))?;
        Ok(Memory { store, shard })
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
    /// Reads memory, which is made from the log where there is none.
    pub(super) fn with_memory<T>(&self, read: impl FnOnce(&Memory) -> T) -> Result<T> {
        self.change_memory(|memory| Ok(read(memory)))
    }

    /// Changes memory; a change that fails or panics loses it, so that it is made again from what was stored.
    pub(super) fn change_memory<T>(&self, change: impl FnOnce(&mut Memory) -> Result<T>) -> Result<T> {
        let taken = self.memory.borrow_mut().take();
        let mut memory = match taken {
            Some(memory) => memory,
            None => Memory::load(self.store()?)?,
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
