//! Several files of one shard and day into few, in bounded memory.

use std::collections::VecDeque;

use adtally_core::batch::Entry;
use adtally_wire::batch::ArchiveFile;

use crate::read::{BATCH, Strips, guarded};
use crate::{ArchiveError, Meta, Reader, Writer, Written, is_rewritten};

/// Entries of a file that is made of others, where a group does not go on: what a task reads at a time. About those of a
/// part of a day ([`adtally_core::batch::MAX_PART_ENTRIES`]), which reads little else of them then.
pub const MAX_FILE_ENTRIES: u64 = 125_000;

/// Small files of a day that are worth a merge.
const MIN_FILES: usize = 8;
/// Bytes that a merge reads, all of which are in memory, and the file that is written besides.
const MAX_BYTES: u64 = 24_000_000;

/// The files of one shard and day that are to be merged now: those that are small, if there are many; `None` where
/// there is nothing to do.
pub fn compactable(mut files: Vec<ArchiveFile>) -> Option<Vec<ArchiveFile>> {
    files.retain(|file| file.entries < MAX_FILE_ENTRIES / 2);
    files.sort_by_key(|file| (file.from_row, file.to_row, file.groups));
    let mut bytes = 0;
    let fits = |file: &ArchiveFile| {
        bytes += file.bytes;
        bytes <= MAX_BYTES
    };
    let taken: Vec<ArchiveFile> = files.into_iter().take_while(fits).collect();
    (taken.len() >= MIN_FILES).then_some(taken)
}

/// The new files of a large day in batches that are to be merged before it is linked, in the order of the log; none where
/// there are few. Each part of the day would open all of them, since each has events of nearly all users.
pub fn merges(mut files: Vec<ArchiveFile>) -> Vec<Vec<ArchiveFile>> {
    files.retain(|file| file.entries < MAX_FILE_ENTRIES / 2 && !is_rewritten(&file.key));
    files.sort_by_key(|file| (file.from_row, file.to_row));
    if files.len() < MIN_FILES {
        return Vec::new();
    }
    // Batches are about alike: files of a small one would be small too.
    let bytes: u64 = files.iter().map(|file| file.bytes).sum::<u64>().max(1);
    let count = bytes.div_ceil(MAX_BYTES);
    let mut batches: Vec<Vec<ArchiveFile>> = (0..count).map(|_| Vec::new()).collect();
    let mut before = 0;
    for file in files {
        let place = (u128::from(before) * u128::from(count) / u128::from(bytes)) as usize;
        before += file.bytes;
        batches[place].push(file);
    }
    batches.retain(|batch| batch.len() > 1);
    batches
}

/// Of how many entries the files are that are made of so many, all about alike.
pub fn merged_entries(entries: u64) -> u64 {
    entries.div_ceil(entries.div_ceil(MAX_FILE_ENTRIES).max(1)).max(1)
}

/// Merges files; their bytes, a few entries of each and the file that is written are in memory.
pub struct Merge {
    meta: Meta,
    inputs: Vec<Input>,
    max_entries: u64,
}

/// A file, read from the front.
struct Input {
    reader: Reader,
    /// The row groups that are not begun, last first.
    groups: Vec<(usize, std::ops::Range<usize>)>,
    /// The one that is being read, and its rows that are not.
    open: Option<(Strips, std::ops::Range<usize>)>,
    ready: VecDeque<Entry>,
}

impl Merge {
    /// The merge of these files into files of about `max_entries`, see [`merged_entries`]; what they hold may not overlap.
    pub fn new(readers: Vec<Reader>, max_entries: u64) -> Result<Self, ArchiveError> {
        let nothing = || ArchiveError::Foreign("nothing to merge".to_owned());
        let mut meta = readers.first().ok_or_else(nothing)?.meta().clone();
        for reader in &readers {
            let other = reader.meta();
            let are_of_one =
                (&other.advertiser, other.shard, other.day) == (&meta.advertiser, meta.shard, meta.day);
            if !are_of_one {
                return Err(ArchiveError::Foreign("files of several days or shards".to_owned()));
            }
            meta.rows = (meta.rows.0.min(other.rows.0), meta.rows.1.max(other.rows.1));
            meta.settings.extend(other.settings.clone());
        }
        let inputs = readers.into_iter().map(Input::new).collect::<Result<_, _>>()?;
        Ok(Self { meta, inputs, max_entries })
    }

    /// The next file; `None` where all is merged. No two of them have a group in common, but for one that fills more
    /// than a file.
    pub fn next_file(&mut self) -> Result<Option<Written>, ArchiveError> {
        let mut writer = Writer::rewriting(self.meta.clone())?;
        let mut last = None;
        while let Some((group, index)) = self.least() {
            let is_full = writer.entries() >= self.max_entries && last != Some(group);
            if is_full || writer.entries() >= 2 * self.max_entries {
                break;
            }
            last = Some(group);
            if let Some(entry) = self.inputs[index].pop()? {
                writer.push(entry)?;
            }
        }
        if writer.entries() == 0 { Ok(None) } else { writer.finish().map(Some) }
    }

    /// The input with the least entry, and its group.
    fn least(&self) -> Option<(u64, usize)> {
        let place = |(index, input): (usize, &Input)| {
            input.ready.front().map(|entry| (entry.hashes().group, entry.row(), index))
        };
        let least = self.inputs.iter().enumerate().filter_map(place).min()?;
        Some((least.0, least.2))
    }
}

impl Input {
    fn new(reader: Reader) -> Result<Self, ArchiveError> {
        let mut groups: Vec<_> = reader.spans().enumerate().collect();
        groups.reverse();
        let mut input = Self { reader, groups, open: None, ready: VecDeque::new() };
        input.fill()?;
        Ok(input)
    }

    /// Takes the next entry, and sees to it that another one is ready if there is any.
    fn pop(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let entry = self.ready.pop_front();
        if self.ready.is_empty() {
            self.fill()?;
        }
        Ok(entry)
    }

    fn fill(&mut self) -> Result<(), ArchiveError> {
        guarded(|| {
            while self.ready.is_empty() {
                let Some((strips, rows)) = &mut self.open else {
                    let Some((group, rows)) = self.groups.pop() else { return Ok(()) };
                    self.open = Some((self.reader.strips(group, |_| true)?, rows));
                    continue;
                };
                let batch: Vec<usize> = rows.by_ref().take(BATCH).collect();
                if batch.is_empty() {
                    self.open = None;
                    continue;
                }
                strips.read(&batch)?;
                for (at, row) in batch.into_iter().enumerate() {
                    self.ready.push_back(strips.entry(at, row, &self.reader.meta().advertiser)?);
                }
            }
            Ok(())
        })
    }
}
