//! What a Linker object has in memory: the log, linked.

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::key::Key;
use adtally_core::link::{self, Arrival, Fact};
use adtally_core::route::parse_linker_name;
use adtally_core::settings::Settings;
use adtally_wire::log::Row as LogRow;
use adtally_wire::object::LinkerSettings;
use worker::Result;

use super::{Node, fault};
use crate::storage::linker::{LinkerStore, StoredSettings};

/// The log, linked, and what of it is still to be told.
pub(super) struct Memory {
    pub(super) store: LinkerStore,
    pub(super) linker: link::Linker,
    /// Every revision that a log row may refer to.
    revisions: BTreeMap<u64, Arc<Settings>>,
    /// `None` before the first event or setting.
    pub(super) shards: Option<u32>,
    /// Facts that are not in the outbox yet.
    pub(super) untold: Vec<Fact>,
    /// The last row of the log.
    pub(super) last_row: i64,
    /// The last sequence number of the outbox.
    pub(super) last_seq: u64,
}

impl Memory {
    /// Links the whole log again; facts that are in the outbox already are not told twice.
    fn load(store: LinkerStore) -> Result<Memory> {
        let (last_seq, told_upto) = store.outbox_position()?;
        let stored = store.settings()?;
        let mut memory = Memory {
            linker: link::Linker::new(),
            shards: stored.last().map(|last| last.shards),
            revisions: stored.into_iter().map(|s| (s.revision, Arc::new(s.settings))).collect(),
            untold: Vec::new(),
            last_row: 0,
            last_seq,
            store: store.clone(),
        };
        store.replay(|id, row| {
            let facts = memory.link(row)?;
            memory.last_row = id;
            if id > told_upto {
                memory.untold.extend(facts);
            }
            Ok(())
        })?;
        Ok(memory)
    }

    /// Links a row of the log, at its commit and at every replay alike.
    pub(super) fn link(&mut self, row: LogRow) -> Result<Vec<Fact>> {
        let LogRow { received, revision, accepted, repeats } = row;
        let settings = match self.revisions.get(&revision) {
            Some(settings) => settings.clone(),
            None => return Err(fault(format!("the log refers to settings {revision}, which are missing"))),
        };
        let arrival = |event| Arrival { event, received, settings: settings.clone() };
        Ok(self.linker.apply_with_repeats(accepted.into_iter().map(arrival), repeats).facts)
    }

    /// The revision in force.
    pub(super) fn revision(&self) -> Option<u64> {
        self.revisions.keys().next_back().copied()
    }

    /// Stores settings and puts them in force.
    pub(super) fn set_settings(&mut self, stored: StoredSettings) -> Result<()> {
        self.store.set_settings(&stored)?;
        self.shards = Some(stored.shards);
        self.revisions.insert(stored.revision, Arc::new(stored.settings));
        Ok(())
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
        self.change_memory(|memory| {
            if let Some(shards) = memory.shards.filter(|shards| *shards != wanted.shards)
                && !memory.linker.is_empty()
            {
                return Ok(Err(shards));
            }
            if memory.revision().is_some_and(|revision| revision >= wanted.revision) {
                return Ok(Ok(()));
            }
            let LinkerSettings { revision, shards, settings } = wanted.clone();
            memory.set_settings(StoredSettings { revision, shards, settings })?;
            Ok(Ok(()))
        })
    }
}
