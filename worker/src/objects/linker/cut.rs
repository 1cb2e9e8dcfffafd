//! The batch's calls: where the log is cut, and what became of it.

use adtally_core::route::linker_name;
use adtally_core::shard::Whom;
use adtally_wire::archive::{FilesQuery, ListedFile};
use adtally_wire::batch::{Bytes, Compaction, Cut, CutRequest, Published};
use worker::{Response, Result};

use super::Node;
use super::memory::Memory;
use crate::clock;
use crate::objects::refuse;
use crate::storage::archive::EpochState;
use crate::troubles::trouble;

/// When to ask again where the bucket fails, in seconds.
const RETRY_AFTER_S: u32 = 5;

impl Node {
    /// Cuts the log for a generation and archives it up to there. May be repeated: a generation has one cut.
    ///
    /// 1. The cut is made without waiting for anything.
    /// 2. Archiving may be repeated.
    pub(super) async fn cut(self: &std::rc::Rc<Self>, bytes: &[u8]) -> Result<Response> {
        let Ok(CutRequest { generation }) = CutRequest::from_bytes(bytes) else {
            return refuse(400, None, "not a cut");
        };
        let Some(state) = self.change_memory(|memory| memory.cut(generation))? else {
            return refuse(409, None, "a later generation is cut already");
        };
        self.flush_soon();
        if let Err(error) = self.archive_up_to(state.row).await {
            trouble!("cut: {error}");
            return refuse(503, Some(RETRY_AFTER_S), &format!("the log could not be archived: {error}"));
        }
        let (advertiser, shard) = self.name()?;
        let source = linker_name(advertiser.as_str(), shard);
        let cut = self.change_memory(|memory| memory.answer(source, &state))?;
        Response::from_bytes(cut.to_bytes())
    }

    /// Notes that a generation is published. May be repeated.
    pub(super) fn published(&self, bytes: &[u8]) -> Result<Response> {
        let Ok(Published { generation, row }) = Published::from_bytes(bytes) else {
            return refuse(400, None, "not a publication");
        };
        self.change_memory(|memory| {
            let archive = memory.store.archive();
            let state = archive.epoch()?;
            if generation > state.published_generation {
                archive.set_epoch(&EpochState {
                    published_generation: generation,
                    published_row: row.max(state.published_row),
                    ..state
                })?;
            }
            Response::empty()
        })
    }

    /// Puts files into the place of others in the manifest. May be repeated.
    ///
    /// 1. The manifest changes in one transaction, which also notes what is to be removed.
    /// 2. Removing may be repeated; what fails is left for the alarm.
    pub(super) async fn compacted(&self, bytes: &[u8]) -> Result<Response> {
        let Ok(compaction) = Compaction::from_bytes(bytes) else {
            return refuse(400, None, "not a compaction");
        };
        match self.change_memory(|memory| memory.store.archive().compacted(&compaction))? {
            true => {
                self.remove_gone().await;
                Response::empty()
            }
            false => refuse(409, None, "the files are not in the archive any more"),
        }
    }
}

impl Node {
    /// Lists the files of the archive.
    pub(super) fn files(&self, query: &FilesQuery) -> Result<Response> {
        let files = self.change_memory(|memory| memory.store.archive().files())?;
        let listed = files.iter().filter(|file| query.fits(file)).map(ListedFile::from);
        Response::from_json(&listed.collect::<Vec<_>>())
    }
}

impl Memory {
    /// Cuts behind the last row: what is told of it belongs to the epoch that ends, what follows to the next. Without
    /// a row since the last cut that one stands. `None` where a later generation is cut already.
    fn cut(&mut self, generation: u64) -> Result<Option<EpochState>> {
        let state = self.store.archive().epoch()?;
        let (row, now) = (self.shard.last_row(), clock::now());
        if generation == 0 {
            return Ok(Some(EpochState { row, through_ms: now.0, ..state }));
        }
        if generation <= state.generation {
            return Ok((generation == state.generation).then_some(state));
        }
        let opens = row > state.row;
        let epoch = state.epoch + u64::from(opens);
        let next = EpochState { epoch, generation, row, through_ms: now.0, ..state };
        let telling = if opens { self.shard.tell(now, Whom::ReportsAndBilling) } else { None };
        self.store.cut(telling.as_ref(), self.spare(), &next)?;
        if let Some(telling) = telling {
            self.shard.told(&telling);
        }
        Ok(Some(next))
    }

    fn answer(&self, source: String, state: &EpochState) -> Result<Cut> {
        let archive = self.store.archive();
        let mut files = archive.files()?;
        files.retain(|file| file.from_row <= state.row);
        let revisions = self.store.settings()?.into_iter();
        let text = |stored: crate::storage::linker::StoredSettings| {
            Ok((stored.revision, serde_json::to_string(&stored.settings)?))
        };
        let rulings = self.store.rulings()?;
        let ruled = |after: i64| {
            let rows = rulings.iter().filter(|(row, _)| *row > after && *row <= state.row);
            rows.map(|(_, ruling)| (*ruling).into()).collect()
        };
        Ok(Cut {
            source,
            epoch: state.epoch - 1,
            row: state.row,
            through_ms: state.through_ms,
            published_row: state.published_row,
            files,
            scopes: archive.scopes()?,
            rulings: ruled(i64::MIN),
            new_rulings: ruled(state.published_row),
            settings: revisions.map(text).collect::<Result<_>>()?,
        })
    }
}
