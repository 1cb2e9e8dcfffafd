//! Runs in memory, as a Linker object has them in its database.

use std::collections::BTreeMap;

use adtally_core::link::run::{Merge, Progress, Run, Written};
use adtally_core::link::{Linker, PageRef, Shelf, ShelfError};

/// What is stored of runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extents {
    extents: BTreeMap<(u64, u32), Vec<u8>>,
    /// Complete runs, as they are encoded.
    runs: BTreeMap<u64, Vec<u8>>,
}

impl Shelf for Extents {
    fn read(&self, page: PageRef) -> Result<Vec<u8>, ShelfError> {
        let extent = self.extents.get(&(page.run, page.extent));
        let extent = extent.ok_or_else(|| ShelfError::Unreadable(format!("{page:?} is not there")))?;
        Ok(extent[page.offset as usize..][..page.len as usize].to_vec())
    }
}

impl Extents {
    /// The runs that are complete.
    pub(crate) fn runs(&self) -> Vec<Run> {
        self.runs.iter().map(|(id, bytes)| Run::decode(*id, bytes).unwrap()).collect()
    }

    pub(crate) fn put(&mut self, run: u64, extents: Vec<(u32, Vec<u8>)>) {
        self.extents.extend(extents.into_iter().map(|(number, bytes)| ((run, number), bytes)));
    }

    /// A run is complete.
    pub(crate) fn add(&mut self, written: &Written) {
        self.put(written.run.id, written.extents.clone());
        self.runs.insert(written.run.id, written.run.encode());
    }

    pub(crate) fn forget(&mut self, runs: &[u64]) {
        self.extents.retain(|(run, _), _| !runs.contains(run));
        self.runs.retain(|run, _| !runs.contains(run));
    }

    /// Does a merge to its end.
    pub(crate) fn merge(&mut self, mut merge: Merge, run: u64, step: usize) -> Written {
        loop {
            match merge.step(step, self).unwrap() {
                Progress::Extents(extents) => self.put(run, extents),
                Progress::Done(written) => {
                    self.add(&written);
                    self.forget(&merge.inputs);
                    return *written;
                }
            }
        }
    }
}

/// Spills what is in memory.
pub(crate) fn spill(linker: &mut Linker, extents: &mut Extents, run: u64) {
    if let Some(written) = linker.spill(run) {
        extents.add(&written);
        linker.spilled(written.run);
    }
}
