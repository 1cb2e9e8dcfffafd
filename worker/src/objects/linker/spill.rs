//! What does not fit memory goes to runs; runs are merged, and forgotten.

use std::rc::Rc;
use std::time::Duration;

use adtally_core::link::MERGE_RUNS;
use adtally_core::link::run::Progress;
use worker::{Delay, Result};

use super::memory::Memory;
use super::{Node, fault};
use crate::clock;
use crate::troubles::trouble;

/// Records that are merged without a break: some milliseconds in which the shard does nothing else.
const MERGE_RECORDS: usize = 2_048;
/// The break, in which requests are served.
const MERGE_BREAK: Duration = Duration::from_millis(5);
/// The least time between two expiries.
pub(super) const EXPIRY_BREAK: Duration = Duration::from_secs(3_600);

impl Node {
    /// Spills memory when it is full, and merges when there are many runs.
    pub(super) fn spill_if_due(self: &Rc<Self>) {
        let spilled = self.change_memory(|memory| memory.spill_if_due());
        match spilled {
            Ok(true) => self.merge_soon(),
            Ok(false) => {}
            // Memory is gone with the error, and made again from what is stored.
            Err(error) => trouble!("spill: {error}"),
        }
    }

    fn merge_soon(self: &Rc<Self>) {
        let node = self.clone();
        self.state.wait_until(async move {
            if let Err(error) = node.merge().await {
                trouble!("merge: {error}");
            }
        });
    }

    /// 1. A merge that is cut off leaves extents that no run refers to; they are dropped when memory is made again.
    async fn merge(&self) -> Result<()> {
        while self.change_memory(Memory::merge_a_bit)? {
            Delay::from(MERGE_BREAK).await;
        }
        Ok(())
    }

    /// Drops what does not matter any more.
    pub(super) fn expire(&self) -> Result<()> {
        self.change_memory(|memory| {
            let Some(expiry) = memory.shard.expire(clock::now()) else { return Ok(()) };
            // A merge may be reading what is dropped.
            memory.merging = None;
            memory.store.expire(&expiry)?;
            memory.shard.expired(&expiry);
            Ok(())
        })
    }
}

impl Memory {
    fn spill_if_due(&mut self) -> Result<bool> {
        if !self.shard.is_spill_due() {
            return Ok(false);
        }
        self.spill().map(|()| true)
    }

    /// Spills all of memory.
    pub(super) fn spill(&mut self) -> Result<()> {
        let Some(spill) = self.shard.spill(clock::now()) else { return Ok(()) };
        self.store.spill(&spill, self.spare())?;
        self.shard.spilled(spill);
        Ok(())
    }

    /// Merges some records; tells whether there is more to do.
    pub(super) fn merge_a_bit(&mut self) -> Result<bool> {
        let merging = self.merging.take().or_else(|| self.shard.merge(MERGE_RUNS));
        let Some(mut merge) = merging else { return Ok(false) };
        let progress = merge.step(MERGE_RECORDS, &self.runs);
        match progress.map_err(|error| fault(error.to_string()))? {
            Progress::Extents(extents) => {
                self.runs.put(merge.id, &extents)?;
                self.merging = Some(merge);
            }
            Progress::Done(written) => {
                self.store.merged(&merge.inputs, &written)?;
                self.shard.merged(&merge.inputs, written.run);
            }
        }
        Ok(true)
    }
}
