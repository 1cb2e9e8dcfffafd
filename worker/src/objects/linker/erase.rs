//! Erasing users, and what is old: events leave the archive, the log, memory and runs; the figures stay.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use adtally_core::batch::{Gone, Whose};
use adtally_core::link::run::Erased;
use adtally_core::shard::Whom;
use adtally_core::time::ServerTime;
use adtally_wire::batch::Bytes;
use adtally_wire::erasure::{Erasure, Residues};
use worker::{Delay, Response, Result};

use super::memory::Memory;
use super::{Held, Node, fault};
use crate::clock;
use crate::objects::refuse;

/// When to ask again while an erasure is under way, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// The break between two bites, in which requests are served.
const BREAK: Duration = Duration::from_millis(5);

impl Node {
    /// Erases users; answers when nothing of them is left. May be repeated.
    ///
    /// 1. The manifest changes in one transaction: it has other files from then on, and what stays of those that went.
    ///    The rest may be done again from any point, as it only looks for what is still there.
    /// 2. Everything that there is to tell is told, and memory is spilled: neither says anything of the erasure.
    /// 3. Rows of the log are written again, a few in a transaction; runs after them, as they know whose a repeated
    ///    delivery is.
    /// 4. Memory is made again from what is left. Removing files from the bucket may be repeated.
    pub(super) async fn erase(self: &Rc<Self>, bytes: &[u8]) -> Result<Response> {
        let Ok(erasure) = Erasure::from_bytes(bytes) else {
            return refuse(400, None, "not an erasure");
        };
        let Some(_erasing) = Held::raise(&self.is_erasing) else {
            return refuse(503, Some(RETRY_AFTER_S), "an erasure is under way");
        };
        if !self.change_memory(|memory| memory.store.archive().erased(&erasure))? {
            return refuse(409, None, "the files are not in the archive any more");
        }
        let gone = erasure.gone();
        self.erase_rows(&gone).await?;
        self.change_memory(|memory| memory.store.erase_rulings(&gone))?;
        self.erase_runs(&gone).await?;
        self.expire()?;
        *self.memory.borrow_mut() = None;
        self.remove_gone().await;
        self.flush_soon();
        Response::empty()
    }

    /// What stays of days in the figures.
    pub(super) fn residues(&self) -> Result<Response> {
        let days = self.change_memory(|memory| memory.store.archive().residues())?;
        Response::from_bytes(Residues { days }.to_bytes())
    }

    async fn erase_rows(&self, gone: &Gone) -> Result<()> {
        self.change_memory(Memory::put_away)?;
        let mut after = 0;
        while let Some(row) = self.change_memory(|memory| memory.erase_rows(after, gone))? {
            after = row;
            Delay::from(BREAK).await;
        }
        Ok(())
    }

    async fn erase_runs(&self, gone: &Gone) -> Result<()> {
        let mut done = BTreeSet::new();
        while self.change_memory(|memory| memory.erase_runs(gone, &mut done))? {
            Delay::from(BREAK).await;
        }
        Ok(())
    }
}

impl Memory {
    /// Tells what there is to tell, and spills the rest.
    fn put_away(&mut self) -> Result<()> {
        self.post_untold(Whom::ReportsAndBilling)?;
        self.spill()
    }

    /// Takes users out of some rows of the log behind `after`; the last of these rows, if there are any.
    fn erase_rows(&mut self, after: i64, gone: &Gone) -> Result<Option<i64>> {
        let Self { store, shard, runs, .. } = self;
        let rows = store.rows_after(after, gone.upto)?;
        let last = rows.last().map(|(id, _)| *id);
        let mut changed = Vec::new();
        for (id, mut row) in rows {
            let received = row.received;
            let is_changed = row.erase(&gone.whose, |event| {
                let origin = shard.linker().origin(event, received, runs);
                origin.map(|origin| origin.map(|(_, group)| group)).map_err(|error| fault(error.to_string()))
            })?;
            if is_changed {
                changed.push((id, row));
            }
        }
        if !changed.is_empty() {
            store.rewrite(&changed)?;
        }
        Ok(last)
    }

    /// Goes on with a merge that is under way, or begins to write a run again; tells whether there is more to do. A run
    /// that was written again is in `done`.
    fn erase_runs(&mut self, gone: &Gone, done: &mut BTreeSet<u64>) -> Result<bool> {
        // Runs of which nothing matters any more are dropped as ever.
        let Whose::Groups(groups) = &gone.whose else { return Ok(false) };
        if self.merging.is_none() {
            let erased = Erased { groups: groups.clone(), upto: self.received(gone.upto)? };
            self.merging = self.shard.erase(&erased, done);
            done.extend(self.merging.as_ref().map(|merge| merge.id));
        }
        if self.merging.is_some() { self.merge_a_bit() } else { Ok(false) }
    }

    /// When a row of the log arrived that may be gone: the next one did not arrive before it.
    fn received(&self, row: i64) -> Result<ServerTime> {
        let next = self.store.rows_after(row - 1, i64::from(u32::MAX))?.into_iter().next();
        Ok(next.map_or_else(clock::now, |(_, row)| row.received))
    }
}
