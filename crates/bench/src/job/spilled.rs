//! Dedupe and link in bounded memory, as a Linker object does: what is in memory is spilled, what is spilled merged.
//!
//! The shelf is memory here and a database there: what is measured is the linking, not the storing.

use std::collections::BTreeMap;
use std::sync::Arc;

use adtally_core::key::UserSalt;
use adtally_core::link::run::Progress;
use adtally_core::link::{Applied, Arrival, Linker, MERGE_RUNS, PageRef, Shelf, ShelfError};
use adtally_core::settings::Settings;
use adtally_core::shard::SPILL_RECORDS;
use adtally_core::time::ServerTime;

use super::linked::Linked;
use super::{Answer, Job};
use crate::body::{Body, REVISION, settings};
use crate::record::Names;

/// Records that are merged in one go.
const MERGE_RECORDS: usize = 10_000;

pub(super) struct Spilled {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    body: Body,
    linker: Linker,
    extents: Extents,
    next_run: u64,
    arrivals: Vec<Arrival>,
    applied: Applied,
    linked: Linked,
}

/// The extents of runs, by run and number.
#[derive(Default)]
struct Extents(BTreeMap<(u64, u32), Vec<u8>>);

impl Shelf for Extents {
    fn read(&self, page: PageRef) -> Result<Vec<u8>, ShelfError> {
        let start = page.offset as usize;
        let extent = self.0.get(&(page.run, page.extent));
        let bytes = extent.and_then(|extent| extent.get(start..start + page.len as usize));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| ShelfError::Unreadable(format!("{page:?}")))
    }
}

impl Extents {
    fn put(&mut self, run: u64, extents: Vec<(u32, Vec<u8>)>) {
        self.0.extend(extents.into_iter().map(|(number, bytes)| ((run, number), bytes)));
    }

    fn drop_runs(&mut self, runs: &[u64]) {
        self.0.retain(|(run, _), _| !runs.contains(run));
    }
}

impl Spilled {
    pub(super) fn new(names: Names) -> Self {
        let settings = settings();
        let mut linker = Linker::new();
        linker.know_settings(REVISION, settings.clone());
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            settings,
            body: Body::default(),
            linker,
            extents: Extents::default(),
            next_run: 1,
            arrivals: Vec::new(),
            applied: Applied::default(),
            linked: Linked::default(),
        }
    }

    fn look(&mut self) {
        let applied = std::mem::take(&mut self.applied);
        self.linked.admitted(&applied.admissions);
        self.linked.count(&applied.facts);
    }

    fn apply(&mut self) -> Result<(), ShelfError> {
        let arrivals = std::mem::take(&mut self.arrivals);
        self.applied = self.linker.apply_on(arrivals, &self.extents)?;
        if self.linker.records_in_memory() < SPILL_RECORDS {
            return Ok(());
        }
        if let Some(written) = self.linker.spill(self.next_run) {
            self.extents.put(self.next_run, written.extents);
            self.linker.spilled(written.run);
            self.next_run += 1;
        }
        let now = self.body.received.last().copied().unwrap_or(ServerTime(0));
        while let Some(mut merge) = self.linker.merge(self.next_run, MERGE_RUNS, now) {
            self.next_run += 1;
            loop {
                match merge.step(MERGE_RECORDS, &self.extents)? {
                    Progress::Extents(extents) => self.extents.put(merge.id, extents),
                    Progress::Done(written) => {
                        self.extents.put(merge.id, written.extents);
                        self.linker.merged(&merge.inputs, written.run);
                        self.extents.drop_runs(&merge.inputs);
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Job for Spilled {
    fn prepare(&mut self, chunk: &[u8]) {
        self.look();
        self.linked.expect(chunk);
        self.body.fill(chunk, &self.names);
        self.arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
    }

    fn step(&mut self) {
        #[expect(clippy::expect_used, reason = "the shelf is memory and has what was put there")]
        self.apply().expect("a whole shelf");
    }

    fn answer(&mut self) -> Answer {
        self.look();
        let shelf: usize = self.extents.0.values().map(Vec::len).sum();
        let mut answer = self.linked.answer();
        answer.insert("linker_bytes", self.linker.memory_bytes() as i64);
        answer.insert("shelf_bytes", shelf as i64);
        answer
    }
}
